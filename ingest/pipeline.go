// Package ingest is how reports come in: sources hand messages to one
// pipeline, which decodes and judges them, puts one record a message into the
// spool, and acknowledges a message once its record is on disk and live.
//
// Two goroutines own all state. The judge decodes, judges and appends: it
// gives the order that everything later follows. The committer applies what
// is on disk to live, in that order, and closes a revision each second.
package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dianchi-platform/dianchi/ingest/door"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/city"
	"github.com/dianchi-platform/dianchi/internal/live"
	"github.com/dianchi-platform/dianchi/internal/quality"
	"github.com/dianchi-platform/dianchi/internal/spool"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
	"github.com/dianchi-platform/dianchi/internal/wire/report"
)

// Config sets how the pipeline judges and how often it speaks.
type Config struct {
	StaleAfter    time.Duration // silence after which an object counts as offline
	TooOld        time.Duration // age beyond which a report is refused
	FeedbackEvery time.Duration
	SnapshotEvery time.Duration
	SnapshotDir   string
	City          *city.City
}

// maxWaiting bounds the payload bytes that wait for the judge, over all sources.
const maxWaiting = 64 << 20

// parties answers who is registered now.
type parties interface {
	Access() ([]charge.Party, []charge.Token)
	Party(num charge.Num) (charge.Party, bool)
}

// sessions answers what is kept of a session older than the judge remembers.
type sessions interface {
	Session(party charge.Num, id string) (charge.Session, bool, error)
}

// Watcher sees each closed revision, in order, from the committer's goroutine.
type Watcher interface {
	Revision(*live.Revision)
}

// followers copy live in other processes; they never make us wait.
type followers interface {
	Advance(seq uint64)                                 // records up to seq are live
	Tick(rev uint64, at charge.Millis, afterSeq uint64) // a revision was closed
}

// Deps are the parts that the pipeline works with.
type Deps struct {
	Spool    *spool.Spool
	Live     *live.State
	Parties  parties
	Sessions sessions
	Follow   followers                             // nil: nobody follows
	Speak    func(to charge.Party, payload []byte) // gives a party its account; must not block
	Fatal    chan<- error                          // is told once why nothing is taken any more
}

// Pipeline takes messages from sources to disk and to live.
type Pipeline struct {
	cfg  Config
	log  *slog.Logger
	deps Deps

	in      chan door.Message
	control chan func() // run by the judge between messages
	acks    chan ack    // one for each appended record, in order
	room    room

	judge  *judge
	commit *committer

	ctx     context.Context // ends with Stop
	cancel  context.CancelFunc
	running atomic.Bool
	judging sync.WaitGroup
	rest    sync.WaitGroup
	broken  atomic.Pointer[error]
	stalled atomic.Int64 // Unix ms since when the spool takes nothing; 0 while it does
	waiting atomic.Int64
}

// ack is what the committer does once a record is on disk.
type ack struct {
	done    func(error)
	samples []sample
}

// New returns a pipeline; Recover must run before Start.
func New(cfg Config, log *slog.Logger, deps Deps) *Pipeline {
	p := &Pipeline{
		cfg: cfg, log: log, deps: deps,
		in:      make(chan door.Message, 4096),
		control: make(chan func()),
		acks:    make(chan ack, 1<<16),
	}
	p.room.limit = maxWaiting
	p.room.cond = sync.NewCond(&p.room.mu)
	p.judge = newJudge(cfg, deps)
	p.commit = newCommitter(p)
	return p
}

// Start runs the judge and the committer.
func (p *Pipeline) Start(context.Context) error {
	ctx, cancel := context.WithCancel(context.Background())
	p.ctx, p.cancel = ctx, cancel
	p.running.Store(true)
	p.judging.Go(func() { p.runJudge(ctx) })
	p.rest.Go(func() { p.commit.run(ctx) })
	p.rest.Go(func() { p.keepSnapshots(ctx) })
	if gone := p.goneMeanwhile(); len(gone) > 0 {
		p.rest.Go(func() { p.drop(gone) })
	}
	return nil
}

// Stop judges what was submitted, waits until it is on disk and live, writes
// a last snapshot and ends. Sources must have stopped.
func (p *Pipeline) Stop(ctx context.Context) error {
	if p.cancel == nil {
		return nil
	}
	p.room.close()
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		p.do(ctx, func() {}) // everything submitted before is judged
	}()
	var err error
	select {
	case <-drained:
		if last := p.deps.Spool.Next(); last > 1 {
			err = p.deps.Spool.WaitSynced(ctx, last-1)
			if err == nil {
				err = p.commit.waitApplied(ctx, last-1)
			}
		}
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err == nil {
		err = p.commit.snapshotNow(ctx)
	}
	p.cancel()
	p.judging.Wait()
	p.rest.Wait()
	return err
}

var errStopping = errors.New("the platform is stopping")

// Submit hands in one message. It waits while the pipeline is behind and
// fails only when the platform is stopping or can no longer write.
func (p *Pipeline) Submit(ctx context.Context, m door.Message) error {
	if e := p.broken.Load(); e != nil {
		return *e
	}
	if !p.room.take(len(m.Payload)) {
		return errStopping
	}
	select {
	case p.in <- m:
		return nil
	case <-ctx.Done():
		p.room.give(len(m.Payload))
		return ctx.Err()
	}
}

// Stalled returns since when the spool has taken nothing; zero while it does.
func (p *Pipeline) Stalled() charge.Millis { return charge.Millis(p.stalled.Load()) }

// do runs f in the judge's goroutine, after what was submitted before.
func (p *Pipeline) do(ctx context.Context, f func()) error {
	ran := make(chan struct{})
	select {
	case p.control <- func() { f(); close(ran) }:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-ran:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *Pipeline) runJudge(ctx context.Context) {
	for {
		// Messages first: a control function sees everything submitted before it.
		select {
		case m := <-p.in:
			p.take(ctx, m)
			continue
		default:
		}
		select {
		case m := <-p.in:
			p.take(ctx, m)
		case f := <-p.control:
			f()
		case <-ctx.Done():
			p.refuseRest()
			return
		}
	}
}

func (p *Pipeline) refuseRest() {
	for {
		select {
		case m := <-p.in:
			m.Done(errStopping)
		default:
			return
		}
	}
}

// take judges one message and appends its record. While the spool takes
// nothing it waits before it judges, so that memory never runs ahead of disk.
func (p *Pipeline) take(ctx context.Context, m door.Message) {
	defer p.room.give(len(m.Payload))
	if err := p.waitForSpool(ctx); err != nil {
		m.Done(err)
		return
	}
	body, samples := p.judge.message(&m)
	p.append(body, ack{done: m.Done, samples: samples})
}

func (p *Pipeline) append(body []byte, a ack) {
	seq, err := p.deps.Spool.Append(body)
	if err != nil {
		p.fail(fmt.Errorf("cannot write to the spool: %w", err))
		if a.done != nil {
			a.done(err)
		}
		return
	}
	p.judge.appended = seq
	p.acks <- a
}

// waitForSpool returns once the spool takes records again.
func (p *Pipeline) waitForSpool(ctx context.Context) error {
	for {
		if e := p.broken.Load(); e != nil {
			return *e
		}
		err := p.deps.Spool.Ready()
		if err == nil {
			if p.stalled.Swap(0) != 0 {
				p.log.Info("spool takes reports again")
			}
			return nil
		}
		if !errors.Is(err, spool.ErrFull) {
			p.fail(err)
			return err
		}
		if p.stalled.CompareAndSwap(0, time.Now().UnixMilli()) {
			p.log.Error("spool is full: nothing is taken or acknowledged until there is room", "err", err)
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
		p.room.close()
		if p.deps.Fatal != nil {
			select {
			case p.deps.Fatal <- err:
			default:
			}
		}
	}
}

// Watch sets who sees each closed revision. It must be called before Start.
func (p *Pipeline) Watch(w []Watcher) { p.commit.watchers = w }

// PartiesChanged tells the pipeline who is registered now, and who no longer is.
func (p *Pipeline) PartiesChanged(_, removed []charge.Party) {
	p.commit.dirty.Store(true)
	if len(removed) > 0 && p.running.Load() {
		p.rest.Go(func() { p.drop(removed) })
	}
}

// goneMeanwhile returns the parties that were removed while the platform was
// down and that still have objects.
func (p *Pipeline) goneMeanwhile() (gone []charge.Party) {
	all, _ := p.deps.Parties.Access()
	for _, q := range all {
		if q.Removed && p.judge.index.has(q.Num) {
			gone = append(gone, q)
		}
	}
	return gone
}

// drop puts the end of parties on record: their objects leave live.
func (p *Pipeline) drop(removed []charge.Party) {
	for _, q := range removed {
		rec := record.Record{Kind: record.PartyGone, Party: q.Num, Received: charge.At(time.Now())}
		err := p.do(p.ctx, func() {
			if p.waitForSpool(p.ctx) == nil {
				p.judge.index.dropParty(q.Num)
				p.append(rec.Append(nil), ack{})
			}
		})
		if err != nil {
			p.log.Warn("removed party leaves live at the next start", "party", q.Slug)
		}
	}
}

// Broken returns why nothing is taken any more, or nil.
func (p *Pipeline) Broken() error {
	if e := p.broken.Load(); e != nil {
		return *e
	}
	return nil
}

// room bounds the bytes that wait for the judge.
type room struct {
	mu     sync.Mutex
	cond   *sync.Cond
	used   int
	limit  int
	closed bool
}

func (r *room) take(n int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.used > 0 && r.used+n > r.limit && !r.closed {
		r.cond.Wait()
	}
	if r.closed {
		return false
	}
	r.used += n
	return true
}

func (r *room) give(n int) {
	r.mu.Lock()
	r.used -= n
	r.mu.Unlock()
	r.cond.Broadcast()
}

func (r *room) close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.cond.Broadcast()
}

// judge turns messages into records. It belongs to one goroutine.
type judge struct {
	cfg   Config
	deps  Deps
	index *index
	recent
	limits   quality.Limits
	decoder  *report.Decoder
	rec      record.Record
	findings quality.Findings
	body     []byte
	rules    []ruleCount
	samples  []sample
	appended uint64 // last Seq that went to the spool
}

func newJudge(cfg Config, deps Deps) *judge {
	limits := quality.DefaultLimits()
	limits.StaleAfter, limits.TooOld = cfg.StaleAfter, cfg.TooOld
	limits.Province, limits.Water = cfg.City.Province, cfg.City.Water
	return &judge{
		cfg: cfg, deps: deps,
		index:   newIndex(),
		recent:  newRecent(),
		decoder: report.NewDecoder(),
		limits:  limits,
	}
}
