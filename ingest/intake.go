package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dianchi-platform/dianchi/ingest/door"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/spool"
)

var (
	errStopping = errors.New("the platform is stopping")
	errStranger = errors.New("the party is not registered, or may not publish this")
	errLost     = errors.New("the record was damaged on disk before it was live")
)

// Submit hands in one message. It waits while its party's lane is full, and
// fails only when the platform is stopping or can no longer write, or with ctx;
// then Done is not called. Late messages (lanes.go) are judged after live ones,
// also those of the same connection; otherwise what one caller submits is
// judged in its order.
func (p *Pipeline) Submit(ctx context.Context, m door.Message) error {
	if err := p.Broken(); err != nil {
		return err
	}
	p.gate.RLock()
	defer p.gate.RUnlock()
	if p.closed {
		return errStopping
	}
	if !p.lanes.put(ctx, laneOf(&m, p.cfg.StaleAfter), &m) {
		return p.refusal(ctx)
	}
	return nil
}

func (p *Pipeline) refusal(ctx context.Context) error {
	if err := p.Broken(); err != nil {
		return err
	}
	if p.open.Err() != nil {
		return errStopping
	}
	return ctx.Err()
}

// Stalled returns since when the spool has taken nothing; zero while it does.
func (p *Pipeline) Stalled() charge.Millis { return charge.Millis(p.stalled.Load()) }

// Broken returns why nothing is taken any more, or nil.
func (p *Pipeline) Broken() error {
	if e := p.broken.Load(); e != nil {
		return *e
	}
	return nil
}

// do runs f in the judge's goroutine, between two messages. When ctx ends, f
// may still be running; an error then does not say that it had no effect.
func (p *Pipeline) do(ctx context.Context, f func()) error {
	ran, err := p.hand(ctx, f)
	if err != nil {
		return err
	}
	select {
	case <-ran:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-p.ctx.Done():
		return errStopping
	}
}

// doWhole is do whose error says that f has not run and will not, as long as
// the pipeline is not at its end: ctx counts until f begins.
func (p *Pipeline) doWhole(ctx context.Context, f func()) error {
	ran, err := p.hand(ctx, f)
	if err != nil {
		return err
	}
	select {
	case <-ran:
		return nil
	case <-p.ctx.Done():
		return errStopping
	}
}

// hand gives f to the judge's goroutine, which begins with it at once.
func (p *Pipeline) hand(ctx context.Context, f func()) (ran chan struct{}, err error) {
	ran = make(chan struct{})
	select {
	case p.control <- func() { f(); close(ran) }:
		return ran, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.ctx.Done():
		return nil, errStopping
	}
}

// runJudge judges what waits, in the order of the lanes, until Stop is through.
func (p *Pipeline) runJudge() {
	pause := time.NewTimer(time.Hour)
	defer pause.Stop()
	for p.ctx.Err() == nil {
		select {
		case f := <-p.control:
			f()
		default:
		}
		m, l, wait := p.lanes.next(time.Now())
		if l != nil {
			p.take(m, l)
			continue
		}
		pause.Reset(wait)
		select {
		case <-p.lanes.more:
		case <-pause.C:
			p.lanes.wake()
		case f := <-p.control:
			f()
			p.lanes.wake()
		case <-p.ctx.Done():
		}
	}
}

// drain judges everything that was submitted before Stop closed the lanes.
func (p *Pipeline) drain() {
	for p.ctx.Err() == nil {
		m, l, _ := p.lanes.next(time.Now())
		if l == nil {
			return
		}
		p.take(m, l)
	}
}

// refuseRest answers what nobody will judge or see on disk any more.
func (p *Pipeline) refuseRest() {
	for {
		select {
		case a := <-p.acks:
			a.answer(errStopping)
			continue
		default:
		}
		m, ok := p.lanes.rest()
		if !ok {
			return
		}
		m.Done(errStopping)
	}
}

func (a *ack) answer(err error) {
	if n := len(a.samples); n > 0 {
		a.held.Add(-int64(n))
	}
	if a.done != nil {
		a.done(err)
	}
}

// take judges one message and appends its record. While the spool takes
// nothing it waits before it judges, so that memory never runs ahead of disk.
func (p *Pipeline) take(m door.Message, l *lane) {
	bytes, reports := cost(&m), uint64(1) // something even of an empty list
	defer func() { p.lanes.done(l, bytes, reports) }()
	if err := p.waitForSpool(); err != nil {
		m.Done(err)
		return
	}
	// Also what was on its way while its party was removed.
	party, ok := p.deps.Parties.Party(m.Party)
	if !ok || m.Kind.PublishedBy() != party.Kind {
		m.Done(errStranger)
		return
	}
	body, samples := p.judge.message(&m)
	reports = max(reports, p.judge.rec.Account.Received)
	if m.Shared {
		reports = 0
	}
	if p.samples.Add(int64(len(samples))) > maxHeldSamples {
		p.samples.Add(-int64(len(samples)))
		samples = nil
	}
	p.append(body, ack{done: m.Done, samples: samples, held: &p.samples})
}

// maxHeldSamples is how many samples for feedback may wait for the disk, of
// about 1 kB each; beyond it the rules' counts go on without.
const maxHeldSamples = 20_000

// append puts a record into the spool, which was ready a moment ago.
func (p *Pipeline) append(body []byte, a ack) {
	seq, err := p.deps.Spool.AppendReady(body)
	if err != nil {
		p.fail(fmt.Errorf("cannot write to the spool: %w", err))
		a.answer(err)
		return
	}
	p.judge.appended, a.seq = seq, seq
	select {
	case p.acks <- a:
	case <-p.ctx.Done():
		a.answer(errStopping)
	}
}

// waitForSpool returns nil once the spool takes records again. Snapshots go on
// meanwhile: it may be a snapshot that makes room.
func (p *Pipeline) waitForSpool() error {
	for {
		err := p.ready()
		if err == nil {
			return nil
		}
		if !errors.Is(err, spool.ErrFull) {
			return err
		}
		select {
		case <-p.patient.Done():
			return err
		case f := <-p.control:
			f()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// ready returns nil while the spool takes records, and tells when that changes.
func (p *Pipeline) ready() error {
	if err := p.Broken(); err != nil {
		return err
	}
	err := p.deps.Spool.Ready()
	switch {
	case err == nil:
		if p.stalled.Load() != 0 {
			p.stalled.Store(0)
			p.log.Info("spool takes reports again")
		}
	case !errors.Is(err, spool.ErrFull):
		p.fail(err)
	case p.stalled.CompareAndSwap(0, time.Now().UnixMilli()):
		p.log.Error("spool is full: nothing is taken or acknowledged until there is room", "err", err)
	}
	return err
}

// whenReady runs f in the judge's goroutine at a moment when the spool takes
// records. It keeps trying until ctx ends.
func (p *Pipeline) whenReady(ctx context.Context, f func()) error {
	for {
		var err error
		if e := p.doWhole(ctx, func() {
			if err = p.ready(); err == nil {
				f()
			}
		}); e != nil {
			return e
		}
		if !errors.Is(err, spool.ErrFull) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// fail makes the pipeline refuse everything: after a failed write nothing more
// is acknowledged, because memory is ahead of what is on disk.
func (p *Pipeline) fail(err error) {
	if p.broken.CompareAndSwap(nil, &err) {
		p.log.Error("nothing more is acknowledged until the platform is started again", "err", err)
		p.lanes.close()
		if p.deps.Fatal != nil {
			select {
			case p.deps.Fatal <- err:
			default:
			}
		}
	}
}
