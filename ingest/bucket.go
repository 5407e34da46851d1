package ingest

import (
	"cmp"
	"time"
)

// partyBurst is for how many seconds a party may save its rate up.
const partyBurst = 10

// rate is how fast a bucket fills, a second, and up to where.
type rate struct{ perSecond, burst float64 }

// bucket is what may be judged at once. What a message holds is known only
// behind the judge, so it is charged then and may leave a debt.
type bucket struct {
	level float64
	at    time.Time // until when it is filled
}

// wait returns how long until there is no debt any more.
func (b *bucket) wait(now time.Time, r rate) time.Duration {
	if passed := now.Sub(b.at); passed > 0 {
		if !b.at.IsZero() {
			b.level += passed.Seconds() * r.perSecond
		}
		b.level = min(b.level, r.burst)
		b.at = now
	}
	if b.level >= 0 {
		return 0
	}
	return max(time.Millisecond, time.Duration(-b.level/r.perSecond*float64(time.Second)))
}

// withBounds puts the usual bounds in place of those that are not set.
func (c *Config) withBounds() {
	c.PartyObjects = cmp.Or(c.PartyObjects, 500_000)
	c.PartyRate = cmp.Or(c.PartyRate, 20_000)
	c.LateRate = cmp.Or(c.LateRate, 5_000)
}
