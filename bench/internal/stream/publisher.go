package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// Signals that a publisher understands besides SIGTERM, which ends it cleanly:
// it publishes nothing more, waits for what is under way and writes its ledger.
const (
	BeginLate = syscall.SIGUSR1 // late parties begin, once
	EndLate   = syscall.SIGUSR2 // late parties end, live ones go on
)

// allAcked is how long a publisher waits for what is under way when it ends.
const allAcked = 2 * time.Minute

// Main is the publisher's process: it reads the spec in a file, introduces the
// parties' objects, publishes until SIGTERM, and returns the exit status.
func Main(file string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	b, err := os.ReadFile(file)
	s := new(Spec)
	if err == nil {
		err = json.Unmarshal(b, s)
	}
	if err == nil {
		err = run(ctx, s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "publisher:", err)
		return 1
	}
	return 0
}

// publisher holds all connections.
type publisher struct {
	spec       *Spec
	live, late []*line
	introduced bool
}

func run(ctx context.Context, s *Spec) (err error) {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, BeginLate, EndLate)
	p := &publisher{spec: s}
	if err := p.connect(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.end()) }()
	if err := p.each(ctx, p.all(), (*line).introduce); err != nil {
		return err
	}
	p.introduced = true
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var running sync.WaitGroup
	begin := time.Now().Add(100 * time.Millisecond)
	for i, l := range p.live {
		running.Go(func() {
			offset := float64(i) / float64(len(p.live))
			if err := l.live(ctx, begin, max(s.First, s.Cadence), s.Cadence, offset); err != nil {
				cancel(err)
			}
		})
	}
	lateOn, lateOff := context.WithCancel(ctx)
	defer lateOff()
	begun := false
	each := time.NewTicker(time.Second)
	defer each.Stop()
	for ctx.Err() == nil {
		select {
		case <-each.C:
			if err := p.tell(); err != nil {
				cancel(err)
			}
		case sig := <-signals:
			switch {
			case sig == EndLate:
				lateOff()
			case !begun:
				begun = true
				for _, l := range p.late {
					running.Go(func() {
						if err := l.lates(lateOn, s.Cadence, l.party.LateRate/max(1, l.party.Conns)); err != nil {
							cancel(err)
						}
					})
				}
			}
		case <-ctx.Done():
		}
	}
	running.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// connect opens all connections.
func (p *publisher) connect() error {
	k := 0
	for i := range p.spec.Parties {
		q := &p.spec.Parties[i]
		for c := range q.Conns {
			first, n := Share(q.Objects, q.Conns, c)
			if n == 0 {
				continue
			}
			l, err := newLine(p.spec, i, k, q.First+first, n)
			if err != nil {
				return err
			}
			k++
			if q.Late {
				p.late = append(p.late, l)
			} else {
				p.live = append(p.live, l)
			}
		}
	}
	return nil
}

func (p *publisher) all() []*line { return append(p.live[:len(p.live):len(p.live)], p.late...) }

// each runs f on all lines at once and returns the first error.
func (p *publisher) each(ctx context.Context, lines []*line, f func(*line, context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var running sync.WaitGroup
	for _, l := range lines {
		running.Go(func() {
			if err := f(l, ctx); err != nil {
				cancel(err)
			}
		})
	}
	running.Wait()
	return context.Cause(ctx)
}

// introduce publishes the master data of a line's objects and waits until all of
// it is acknowledged.
func (l *line) introduce(ctx context.Context) error {
	kind := charge.Fleet
	if l.party.Kind == charge.Piles {
		kind = charge.Stations
	}
	topic := charge.Topic(l.party.Slug, kind)
	payload, n := []byte{'['}, 0
	flush := func() error {
		if n == 0 {
			return nil
		}
		err := l.send(ctx, topic, Entry{masters: n}, append(payload, ']'))
		payload, n = append(payload[:0], '['), 0
		return err
	}
	last := -1
	for _, batch := range l.batches {
		for i := range batch {
			o := batch[i].n
			if kind == charge.Stations {
				if o/pilesPerStation == last {
					continue
				}
				last = o / pilesPerStation
			}
			if n > 0 {
				payload = append(payload, ',')
			}
			if kind == charge.Stations {
				payload = appendStation(payload, last)
			} else {
				payload = appendFleet(payload, o)
			}
			if n++; n == 50 {
				if err := flush(); err != nil {
					return err
				}
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	for len(l.room) > 0 {
		select {
		case <-l.down:
			return errDown
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// tell writes the running count.
func (p *publisher) tell() error {
	s := Status{Introduced: p.introduced, Parties: map[string]Count{}}
	for i, l := range p.all() {
		l.mu.Lock()
		c := s.Parties[l.party.Slug]
		c.Masters += l.count.Masters
		c.Published += l.count.Published
		c.Acked += l.count.Acked
		c.Messages += l.count.Messages
		s.Parties[l.party.Slug] = c
		if !l.party.Late && (i == 0 || l.rounds < s.Rounds) {
			s.Rounds = l.rounds
		}
		l.mu.Unlock()
	}
	return writeJSON(p.spec.Status, s)
}

// end waits for what is under way and writes the books.
func (p *publisher) end() error {
	var waiting sync.WaitGroup
	all := p.all()
	errs := make([]error, len(all))
	for i, l := range all {
		waiting.Go(func() { errs[i] = l.finish(allAcked) })
	}
	waiting.Wait()
	return errors.Join(errors.Join(errs...), p.tell(), writeLedger(p.spec.Ledger, all))
}
