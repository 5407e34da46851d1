package api

import (
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// Of messages a viewer has ten seconds' worth in hand: a page that comes back
// renews all its subscriptions at once. One over its rate is refused a message
// and not read on for a second; after a minute of that, without ever having
// been quiet, it is closed.
const (
	inHandMessages = 10
	paceWait       = time.Second
	paceStrikes    = 60
)

// closeTooFast is sent to a viewer that goes on asking too fast, and to one
// with whose token there are too many: 429 of HTTP.
const closeTooFast = 4429

// pace is how fast a viewer asks. Its reader alone uses it.
type pace struct {
	full    int64 // nanoseconds: when its bucket is full again
	strikes int   // messages refused since it was last full
}

// message takes one message at now. An error refuses it; over says that it is
// one too many to go on.
func (p *pace) message(r *rate, now int64) (over bool, err error) {
	if now >= p.full {
		p.strikes = 0
	}
	if r.take(&p.full, now).ok {
		return false, nil
	}
	p.strikes++
	return p.strikes > paceStrikes, charge.Errorf(charge.RateLimited,
		"too many messages: %d a second are answered; the next one is read in a second", int64(time.Second)/r.each)
}

// pace takes a message of v's into account before it is read.
func (a *API) pace(v *viewer) (over bool, err error) {
	if a.paced.each == 0 || !v.addr.IsValid() { // as with limits by address
		return false, nil
	}
	return v.pace.message(&a.paced, int64(time.Since(a.limiter.since)))
}

// slow refuses a message that came too fast, and leaves its viewer for a
// second; one that goes on is closed.
func (a *API) slow(v *viewer, m *message, over bool, err error) error {
	a.hurried.Add(1)
	if over {
		v.bye(closeTooFast, "too many messages")
		return a.drain(v)
	}
	op, _ := m.text("op")
	id, _ := idOf(m)
	if err := a.refuse(v, clip(op, 64), id, err); err != nil {
		return err
	}
	time.Sleep(a.pause)
	return nil
}
