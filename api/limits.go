package api

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/tally"
)

// Limits bound what one client may ask for; 0 is no limit.
//
// They stand against what is broken or hostile and do not share the machine
// out: behind one address there may be thousands of phones, because carriers
// give one address to many, so that each limit by address has room for these.
type Limits struct {
	Proxies        Proxies // whose X-Forwarded-For is believed
	AddressViewers int     // open websockets from one address
	TokenViewers   int     // open websockets of one token
	AddressRate    int     // requests a second from one address, 5 seconds' worth in hand
	TokenRate      int     // requests a second of one token, likewise
	MessageRate    int     // messages a second of one viewer, 10 seconds' worth in hand
	HistoryAtOnce  int     // questions about the past under way; of one client at most half
}

// inHand is how many seconds' worth of requests a client may make at once.
const inHand = 5

// Places for clients in the tables of token buckets: 1 MiB and 64 kB.
const (
	addressPlaces = 1 << 16
	tokenPlaces   = 1 << 12
)

func (l *Limits) validate() error {
	const most = 1_000_000
	switch {
	case min(l.AddressViewers, l.TokenViewers, l.AddressRate, l.TokenRate, l.MessageRate) < 0:
		return errors.New("limits must not be negative")
	case max(l.AddressRate, l.TokenRate, l.MessageRate) > most:
		return fmt.Errorf("rates must be 0 … %d a second", most)
	case l.HistoryAtOnce < 1:
		return fmt.Errorf("HistoryAtOnce must be at least 1, is %d", l.HistoryAtOnce)
	}
	return nil
}

// limiter decides whether a request is answered.
type limiter struct {
	proxies Proxies
	since   time.Time
	address *limit
	token   *limit
	census  census
	behind  *tally.Tally
}

func newLimiter(cfg Limits, log *slog.Logger) *limiter {
	return &limiter{
		proxies: cfg.Proxies, since: time.Now(), census: newCensus(cfg),
		address: newLimit("address", "too many requests from your address", cfg.AddressRate, addressPlaces),
		token:   newLimit("token", "too many requests with this token", cfg.TokenRate, tokenPlaces),
		behind: tally.New(log, slog.LevelWarn,
			"a proxy was refused, for all its clients count as one: name it in --proxies and its X-Forwarded-For is believed"),
	}
}

// admit takes a token of the client's address before anything else is looked
// at. Loopback and proxies that ask for themselves pay nothing.
func (l *limiter) admit(w http.ResponseWriter, r *http.Request, now time.Time) (origin, error) {
	from := l.proxies.originOf(r)
	if !from.addr.IsValid() || l.address == nil {
		return from, nil
	}
	err := l.address.answer(w.Header(), l.address.ofAddress(from.addr, int64(now.Sub(l.since))))
	if err != nil && from.behind {
		l.behind.Add(errors.New("it is at " + r.RemoteAddr))
	}
	return from, err
}

// admitToken takes a token of the bearer's; id names it.
func (l *limiter) admitToken(w http.ResponseWriter, id string, now time.Time) error {
	if id == "" || l.token == nil {
		return nil
	}
	return l.token.answer(w.Header(), l.token.ofText(id, int64(now.Sub(l.since))))
}

// limit is one of the limits on requests, with what it says of itself.
type limit struct {
	*buckets
	name    string
	refusal string
	policy  string // its part of RateLimit-Policy
	refused atomic.Uint64
}

// newLimit returns nil when perSecond is 0: there is none.
func newLimit(name, refusal string, perSecond, places int) *limit {
	if perSecond == 0 {
		return nil
	}
	r := newRate(perSecond, inHand)
	return &limit{buckets: newBuckets(r, places), name: name, refusal: refusal,
		policy: fmt.Sprintf("%q;q=%d;w=%d", name, r.most, inHand)}
}

// rateHeaders are the fields of draft-ietf-httpapi-ratelimit-headers-10, and
// those of its first editions, which more clients know.
const rateHeaders = "RateLimit, RateLimit-Policy, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset"

// answer writes what is left, and refuses who has nothing left.
func (l *limit) answer(h http.Header, got allowance) error {
	l.tell(h, got)
	if got.ok {
		return nil
	}
	l.refused.Add(1)
	wait := max(1, seconds(got.wait))
	return &retryError{charge.Errorf(charge.RateLimited, "%s, come again in %d s", l.refusal, wait), int(wait)}
}

// tell says how much is left. Where two limits hold, the fields of the draft's
// first editions are of the one with less.
func (l *limit) tell(h http.Header, got allowance) {
	left, reset := strconv.FormatInt(got.remaining, 10), strconv.FormatInt(seconds(got.full), 10)
	item, policy := `"`+l.name+`";r=`+left+";t="+reset, l.policy
	nearer := true
	if first := h["RateLimit"]; first != nil {
		item, policy = first[0]+", "+item, h["RateLimit-Policy"][0]+", "+policy
		before, err := strconv.ParseInt(h["RateLimit-Remaining"][0], 10, 64)
		nearer = err != nil || got.remaining < before
	}
	v := [...]string{item, policy, strconv.FormatInt(l.most, 10), left, reset}
	h["RateLimit"], h["RateLimit-Policy"] = v[0:1:1], v[1:2:2]
	if nearer {
		h["RateLimit-Limit"], h["RateLimit-Remaining"], h["RateLimit-Reset"] = v[2:3:3], v[3:4:4], v[4:5:5]
	}
}

// seconds rounds up.
func seconds(d time.Duration) int64 { return int64(math.Ceil(d.Seconds())) }

// retryError is an error that says when to come again.
type retryError struct {
	error
	after int // seconds
}

func (e *retryError) Unwrap() error { return e.error }

// retryAfter returns the seconds that err names, else usual.
func retryAfter(err error, usual int) int {
	if e, ok := errors.AsType[*retryError](err); ok {
		return e.after
	}
	return usual
}
