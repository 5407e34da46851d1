// Package ingest is how reports come in: sources hand messages to one
// pipeline, which decodes and judges them, puts one record a message into the
// spool, and acknowledges a message once its record is on disk and live.
//
// Messages wait in lanes (lanes.go), two a party, from which the judge takes
// them in turn. Two goroutines own all state. The judge (intake.go) decodes,
// judges and appends: it gives the order that everything later follows. The committer
// (commit.go) applies what is on disk to live, in that order, and closes a
// revision each second. What the judge remembers is ahead of the disk, but
// never by something that was not appended.
package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dianchi-platform/dianchi/internal/alarm"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/city"
	"github.com/dianchi-platform/dianchi/internal/live"
	"github.com/dianchi-platform/dianchi/internal/spool"
)

// Config sets how the pipeline judges and how often it speaks. Zero values
// mean the default in brackets.
type Config struct {
	StaleAfter    time.Duration // silence after which an object counts as offline
	TooOld        time.Duration // age beyond which a report is refused
	FeedbackEvery time.Duration // between two accounts of a party that has something to hear [5 s]
	SnapshotEvery time.Duration // between two snapshots [30 s]
	PartyRate     int           // reports a second of one party; beyond it, it is slowed [20,000]
	LateRate      int           // late reports a second of all parties together [5,000]
	PartyObjects  int           // vehicles of a maker, or pile ids that an operator ever used [500,000]
	SnapshotDir   string
	City          *city.City
	Alarms        alarm.Limits  // the zero value is [alarm.Default]; StaleAfter is the one above
	AlarmEvery    time.Duration // between two looks at what is wrong [5 s]
}

// parties answers who is registered now: Access with those that were removed,
// Party without them.
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

// moments keeps how the city was at each five minutes.
type moments interface {
	Put(t charge.Millis, body []byte) error
}

// Deps are the parts that the pipeline works with.
type Deps struct {
	Spool    *spool.Spool
	Live     *live.State
	Parties  parties
	Sessions sessions
	Follow   followers                             // nil: nobody follows
	Moments  moments                               // nil: the past is not kept
	Speak    func(to charge.Party, payload []byte) // gives a party its account; must not block
	Health   func() alarm.Health                   // how the parts around are; nil: nothing is known of them
	Fatal    chan<- error                          // is told once why nothing is taken any more
}

// Pipeline takes messages from sources to disk and to live. Its exported
// methods may be called from several goroutines.
type Pipeline struct {
	cfg  Config
	log  *slog.Logger
	deps Deps

	lanes   *lanes
	control chan func()  // run by the judge between messages
	acks    chan ack     // one for each appended record, in order
	gate    sync.RWMutex // held by those who submit; Stop closes it behind the last
	closed  bool         // by gate

	judge  *judge
	commit *committer

	patient context.Context // ends with Quiesce: a full spool refuses
	hurry   context.CancelFunc
	open    context.Context // ends when Stop begins: nothing more is submitted
	shut    context.CancelFunc
	ctx     context.Context // ends when Stop is through
	cancel  context.CancelFunc

	life    sync.Mutex
	started bool
	stopped bool
	running sync.WaitGroup
	gone    gone

	broken  atomic.Pointer[error]
	samples atomic.Int64 // on their way from the judge to the accounts
	stalled atomic.Int64 // Unix ms since when the spool takes nothing; 0 while it does
}

// ack is what the committer does once a record is on disk.
type ack struct {
	seq     uint64
	done    func(error)
	samples []sample
	held    *atomic.Int64 // counts samples that are on their way
}

// New returns a pipeline; Recover must run before Start.
func New(cfg Config, log *slog.Logger, deps Deps) *Pipeline {
	cfg.FeedbackEvery = cmp.Or(cfg.FeedbackEvery, 5*time.Second)
	cfg.SnapshotEvery = cmp.Or(cfg.SnapshotEvery, 30*time.Second)
	cfg.AlarmEvery = cmp.Or(cfg.AlarmEvery, 5*time.Second)
	cfg.withBounds()
	p := &Pipeline{
		cfg: cfg, log: log, deps: deps,
		control: make(chan func()),
		acks:    make(chan ack, 1<<16),
		gone:    gone{more: make(chan struct{}, 1)},
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.open, p.shut = context.WithCancel(p.ctx)
	p.patient, p.hurry = context.WithCancel(p.open)
	p.lanes = newLanes(&cfg)
	p.judge = newJudge(cfg, log, deps)
	p.commit = newCommitter(p)
	p.commit.watch = newWatch(p)
	return p
}

// Watch sets who sees each closed revision. It must be called before Start.
func (p *Pipeline) Watch(w []Watcher) { p.commit.watchers = w }

// Start runs the judge and the committer.
func (p *Pipeline) Start(context.Context) error {
	p.life.Lock()
	defer p.life.Unlock()
	if p.started || p.stopped {
		return errors.New("the pipeline was started or stopped before")
	}
	p.started = true
	p.running.Go(p.runJudge)
	p.running.Go(p.commit.run)
	p.running.Go(p.keepSnapshots)
	p.running.Go(p.dropParties)
	p.running.Go(p.commit.watch.feel)
	if bodies := p.commit.owed; len(bodies) > 0 {
		p.running.Go(func() { p.commit.letPass(bodies...) })
	}
	return nil
}

// Quiesce is for the moment before the sources stop: from now on a message is
// refused, not kept waiting, while the spool is full, so that a stop does not
// wait for room that will not come; and no party's rate holds any more.
func (p *Pipeline) Quiesce() {
	p.hurry()
	p.lanes.finish()
}

// Stop takes nothing more, judges what was submitted, waits until it is on disk
// and live, writes a last snapshot and ends. What ctx leaves no time for is
// refused. Sources should have stopped. A second call does nothing.
func (p *Pipeline) Stop(ctx context.Context) error {
	p.life.Lock()
	defer p.life.Unlock()
	if p.stopped {
		return nil
	}
	p.stopped = true
	p.shut()
	p.lanes.close()
	p.gate.Lock() // those who are submitting leave now
	p.closed = true
	p.gate.Unlock()
	var err error
	if p.started {
		if err = p.finish(ctx); err != nil {
			err = fmt.Errorf("not everything taken is on disk and live: %w", err)
		}
	}
	p.cancel()
	ended := make(chan struct{})
	go func() { p.running.Wait(); close(ended) }()
	select {
	case <-ended:
		p.refuseRest()
	case <-time.After(max(time.Second, untilDeadline(ctx))):
		err = errors.Join(err, errors.New("the disk does not answer"))
	}
	return err
}

func untilDeadline(ctx context.Context) time.Duration {
	t, ok := ctx.Deadline()
	if !ok {
		return time.Minute
	}
	return time.Until(t)
}

// finish brings what was submitted to disk, to live and into a snapshot.
func (p *Pipeline) finish(ctx context.Context) error {
	if err := p.do(ctx, p.drain); err != nil {
		return err
	}
	if last := p.deps.Spool.Next() - 1; last > p.commit.applied.Load() {
		if err := p.deps.Spool.WaitSynced(ctx, last); err != nil {
			return err
		}
		if err := p.commit.waitApplied(ctx, last); err != nil {
			return err
		}
	}
	return p.commit.snapshotNow(ctx)
}
