package api

import (
	"hash/maphash"
	"math"
	"net/netip"
	"sync"
	"time"
)

// rate is a token bucket's: so many a second, and so many in hand. It is kept
// as GCRA (ITU-T I.371): one moment per bucket, at which it would be full again.
type rate struct {
	each  int64 // nanoseconds that one token takes to come
	whole int64 // nanoseconds that an empty bucket takes to fill
	most  int64 // tokens in a full bucket
}

// newRate returns the rate of perSecond tokens with so many seconds' worth in hand.
func newRate(perSecond, seconds int) rate {
	each := int64(time.Second) / int64(perSecond)
	most := int64(perSecond) * int64(seconds)
	return rate{each: each, whole: each * most, most: most}
}

// allowance is what a bucket says of one request.
type allowance struct {
	ok        bool
	remaining int64         // tokens left
	full      time.Duration // until the bucket is full again
	wait      time.Duration // until the next token, when there is none
}

// take takes a token from a bucket that is full again at *full, at now; both
// are nanoseconds of one clock. Without a token *full stays.
func (r *rate) take(full *int64, now int64) allowance {
	at := max(*full, now)
	if over := at + r.each - now - r.whole; over > 0 {
		return allowance{full: time.Duration(at - now), wait: time.Duration(over)}
	}
	at += r.each
	*full = at
	return allowance{ok: true, remaining: (r.whole - (at - now)) / r.each, full: time.Duration(at - now)}
}

// buckets are the token buckets of many clients in a table of fixed size. When
// there are more clients than places, the fullest bucket of a few makes room:
// nothing is lost with one that is full.
type buckets struct {
	rate
	seed   maphash.Seed
	mask   uint64 // of sets
	sets   []set
	shards [64]struct {
		sync.Mutex
		_ [56]byte // a cache line each
	}
}

// set is where the buckets of some hashes stand: one cache line.
type set [4]struct {
	key  uint64 // 0: free
	full int64  // nanoseconds: when it is full again
}

// newBuckets returns room for so many clients, a power of two.
func newBuckets(r rate, clients int) *buckets {
	n := clients / len(set{})
	return &buckets{rate: r, seed: maphash.MakeSeed(), mask: uint64(n - 1), sets: make([]set, n)}
}

// ofAddress takes a token of a client's at now.
func (b *buckets) ofAddress(a netip.Addr, now int64) allowance {
	bytes := a.As16()
	return b.take(maphash.Bytes(b.seed, bytes[:]), now)
}

// ofText takes a token of what a text names at now.
func (b *buckets) ofText(s string, now int64) allowance {
	return b.take(maphash.String(b.seed, s), now)
}

func (b *buckets) take(hash uint64, now int64) allowance {
	key := hash | 1<<63 // the seed is secret: nobody can choose whom to collide with
	at := hash & b.mask
	lock := &b.shards[at%uint64(len(b.shards))]
	lock.Lock()
	defer lock.Unlock()
	s := &b.sets[at]
	place, fullest := 0, int64(math.MaxInt64)
	for i := range s {
		if s[i].key == key {
			return b.rate.take(&s[i].full, now)
		}
		if s[i].full < fullest {
			place, fullest = i, s[i].full
		}
	}
	s[place].key, s[place].full = key, 0
	return b.rate.take(&s[place].full, now)
}
