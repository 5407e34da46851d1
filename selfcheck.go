package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/dianchi-platform/dianchi/internal/account"
	"github.com/dianchi-platform/dianchi/internal/influx"
	"github.com/dianchi-platform/dianchi/internal/spool"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// How often the books are compared, and how far the registry may be behind for it.
const (
	checkFirst  = 2 * time.Second // after the start
	checkEvery  = 10 * time.Second
	checkWithin = 5 * time.Second
	checkBehind = 20_000 // records
)

// selfcheck compares what the parts count of the same reports. A difference is
// a fault of the platform's own. Its methods may be called from several
// goroutines.
type selfcheck struct {
	core *core
	log  *slog.Logger
	stop context.CancelFunc
	done chan struct{}

	mu    sync.Mutex
	found []account.Difference
	times map[string]uint64 // comparisons made, by check
}

// startSelfcheck begins to compare.
func (a *app) startSelfcheck(k *core) {
	ctx, cancel := context.WithCancel(context.Background())
	s := &selfcheck{core: k, log: a.log, stop: cancel, done: make(chan struct{}), times: map[string]uint64{}}
	k.self = s
	k.watched.Store(s)
	go s.run(ctx)
	a.started("self-check", func(ctx context.Context) error {
		cancel()
		select {
		case <-s.done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

func (s *selfcheck) run(ctx context.Context) {
	defer close(s.done)
	wait := time.NewTimer(checkFirst)
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wait.C:
		}
		s.look(ctx)
		wait.Reset(checkEvery)
	}
}

// Differences returns what the last look found.
func (s *selfcheck) Differences() []account.Difference {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.found)
}

// Looks returns how often each check was made; one that could not be is not counted.
func (s *selfcheck) Looks() map[string]uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[string]uint64, len(account.Checks))
	for _, name := range account.Checks {
		out[name] = s.times[name]
	}
	return out
}

// look makes all checks.
func (s *selfcheck) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	k := s.core
	acked := k.acknowledged() // before what is on record
	found := account.Acknowledged(acked, k.pipeline.OnRecord())
	found = append(found, k.pipeline.Book().Differences()...)
	found = append(found, points(k.writer.Stats().Sum).Differences()...)
	made := []string{account.CheckAcknowledged, account.CheckSum, account.CheckInflux}
	differ, err := s.registry(ctx)
	switch {
	case err == nil:
		found = append(found, differ...)
		made = append(made, account.CheckRegistry)
	case ctx.Err() == nil:
		s.log.Debug("the registry's account cannot be compared now", "err", err)
	}
	s.mu.Lock()
	had := len(s.found) > 0
	s.found = found
	for _, name := range made {
		s.times[name]++
	}
	s.mu.Unlock()
	switch {
	case len(found) > 0 && !had:
		s.log.Error("the platform's own books differ", "first", found[0].String(), "differences", len(found))
	case len(found) == 0 && had:
		s.log.Info("the platform's own books agree again")
	}
}

func points(p influx.PointSum) account.Points { return account.Points(p) }

// acknowledged returns how many messages the source has acknowledged since the start.
func (k *core) acknowledged() (n uint64) {
	if k.door != nil {
		n += k.door.Stats().Acked
	}
	if k.broker != nil {
		n += k.broker.Stats().Acked
	}
	return n
}

var errBehind = errors.New("the registry is too far from what is live")

// registry compares the registry's account with ours at the same record: what
// the log has between the two is counted onto the registry's.
func (s *selfcheck) registry(ctx context.Context) ([]account.Difference, error) {
	k := s.core
	kept, at, err := k.registry.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	for k.pipeline.Applied() < at { // the registry may be ahead by a moment
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	ours, to := k.pipeline.Book().Totals()
	if to > at+checkBehind {
		return nil, fmt.Errorf("%w: %d records", errBehind, to-at)
	}
	all := make([]account.Total, len(kept))
	for i := range kept {
		all[i] = toTotal(&kept[i])
	}
	book := account.New()
	book.Start(all, at)
	if err := replay(ctx, k.spool, at+1, to, book); err != nil {
		return nil, err
	}
	theirs, _ := book.Totals()
	return account.Compare(account.CheckRegistry, ours, theirs), nil
}

// replay counts the log's records from … to.
func replay(ctx context.Context, log *spool.Spool, from, to uint64, book *account.Book) error {
	r := log.Reader(from)
	defer r.Close()
	var rec record.Record
	for r.Position() <= to {
		b, err := r.Next(ctx)
		if err != nil {
			return err
		}
		for i, body := range b.Bodies {
			if rec.Seq = b.First + uint64(i); rec.Seq > to {
				return nil
			}
			if rec.Decode(body) == nil { // one that cannot be read counts nowhere
				book.Apply(&rec)
			}
		}
	}
	return nil
}
