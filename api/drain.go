package api

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// leaveSoon is the first part of a stop: /readyz says no and new websockets are
// refused, so that balancers turn away, while everything else is answered as
// before, on connections that end with the answer.
func (a *API) leaveSoon(ctx context.Context) {
	a.leaving.Store(true)
	a.srv.SetKeepAlivesEnabled(false)
	if a.cfg.Drain == 0 {
		return
	}
	a.log.Info("HTTP is answered a little longer, then closed", "drain", a.cfg.Drain)
	wait := time.NewTimer(a.cfg.Drain)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
	}
}

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
