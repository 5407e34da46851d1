package api

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// noticeWithin is how long ago somebody asked who still counts as there:
// balancers ask /readyz more often.
const noticeWithin = 30 * time.Second

// notice remembers that somebody asked who may be a balancer, or behind one:
// for /readyz or /healthz, or from anywhere but this machine.
func (a *API) notice(now time.Time) {
	if s := now.Unix(); a.asked.Load() != s {
		a.asked.Store(s)
	}
}

// watched reports whether there is anybody to whom a wait before closing is of
// use: a viewer, or who was noticed lately. Requests under way are waited for
// in any case.
func (a *API) watched(now time.Time) bool {
	return a.hub.viewers.Load() > 0 || now.Unix()-a.asked.Load() <= int64(noticeWithin/time.Second)
}

// leaveSoon is the first part of a stop: /readyz says no and new websockets are
// refused, so that balancers turn away, while everything else is answered as
// before, on connections that end with the answer. Where nobody is, it is over
// at once.
func (a *API) leaveSoon(ctx context.Context) {
	a.leaving.Store(true)
	a.srv.SetKeepAlivesEnabled(false)
	if a.cfg.Drain == 0 || !a.watched(time.Now()) {
		return
	}
	a.log.Info("HTTP is answered a little longer, then closed", "drain", a.cfg.Drain)
	wait := time.NewTimer(a.cfg.Drain)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-a.hurry:
		a.log.Info("HTTP is closed now")
	case <-ctx.Done():
	}
}

// Hurry ends the wait of a Stop before its time; answers under way are still
// waited for.
func (a *API) Hurry() { a.hurryOnce.Do(func() { close(a.hurry) }) }

// comeBack returns the seconds after which one viewer is to try again: each
// another number, so that they do not all come at once.
func comeBack(within time.Duration) int { return 1 + rand.IntN(max(1, int(within/time.Second))) }

// errLeaving refuses a viewer while the process drains.
func (a *API) errLeaving() error {
	after := comeBack(a.cfg.ComeBack)
	return &retryError{charge.Errorf(charge.NotReady, "the platform restarts, retry in %d s", after), after}
}

// restartReason is what a viewer reads in the close frame (1012). Clients look
// for "retry in N s".
func restartReason(within time.Duration) string {
	return fmt.Sprintf("the platform restarts, retry in %d s", comeBack(within))
}
