package influx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/spool"
	"github.com/dianchi-platform/dianchi/internal/tally"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// Source hands out durable records in order; [spool.Reader] is one.
type Source interface {
	Next(ctx context.Context) (spool.Batch, error)
}

// Config sets how a Writer behaves.
type Config struct {
	Target
	PosFile     string        // where the position is kept
	BatchPoints int           // a batch is closed at about this many points [5000] …
	BatchWait   time.Duration // … or this long after its first [200 ms]
	Timeout     time.Duration // of one request [60 s]
}

// Deps are what a Writer needs of others.
type Deps struct {
	Open func(from uint64) Source    // a reader of the log whose first record is from; 0 is the oldest
	Hold func(seq uint64)            // everything up to seq is in InfluxDB and may go
	Slug func(num charge.Num) string // the slug of a party, removed ones too; "" when unknown

	// Stuck is told an answer after which InfluxDB refuses everything until it is
	// started anew; nil: nobody can do that.
	Stuck func(err error)
}

// Writer brings records into InfluxDB, each at least once and in order. A batch
// that InfluxDB does not take is sent again, for ever: a dead InfluxDB is a
// growing spool.
type Writer struct {
	cfg  Config
	log  *slog.Logger
	deps Deps
	link *link

	full, free chan *batch
	calm       context.Context    // ends with Stop: from then on read what is there, then end
	drain      context.CancelFunc // ends calm
	cancel     context.CancelFunc // ends everything at once
	done       chan struct{}

	trouble *tally.Tally
	gone    *tally.Tally
	anew    atomic.Uint64 // moves when everything behind the position is to be encoded again, in whole points first

	points, same, bytes, batches    atomic.Uint64
	failures, dropped, lost, broken atomic.Uint64
	position                        atomic.Uint64
	success                         atomic.Int64
	sumMu                           sync.Mutex
	sum                             PointSum
	pending                         atomic.Int64 // Received of the oldest record that is read but not written; 0 for none
}

// WriterStats is what a Writer tells of itself; counts are since New.
type WriterStats struct {
	Points      uint64 // that InfluxDB has taken, references among them
	Same        uint64 // of Points, how many are references
	Bytes       uint64 // of line protocol
	Batches     uint64
	Errors      uint64 // requests that failed and were made again
	Dropped     uint64 // points that InfluxDB refused for good
	Lost        uint64 // reports of parties that nobody knows
	Broken      uint64 // records that could not be read, or were trimmed unread
	Sum         PointSum
	Position    uint64        // last record whose points are in InfluxDB
	Lag         time.Duration // age of the oldest record that is being written; 0 when nothing waits
	LastSuccess time.Time     // zero before the first
}

// PointSum counts points since New, all at the same moment. Due = Accepted +
// Refused + Lost, or the Writer has a fault.
type PointSum struct {
	Due      uint64 // of the records that the Writer has finished with
	Accepted uint64 // lines that InfluxDB took
	Refused  uint64 // lines that it refused for good
	Lost     uint64 // of parties that nobody knows
}

// New returns a Writer that does nothing until Start.
func New(cfg Config, log *slog.Logger, deps Deps) *Writer {
	if cfg.BatchPoints <= 0 {
		cfg.BatchPoints = 5000
	}
	if cfg.BatchWait <= 0 {
		cfg.BatchWait = 200 * time.Millisecond
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = time.Minute
	}
	w := &Writer{
		cfg: cfg, log: log, deps: deps, link: &link{target: cfg.Target, timeout: cfg.Timeout},
		full: make(chan *batch), free: make(chan *batch, 2),
		done:    make(chan struct{}),
		trouble: tally.New(log, slog.LevelWarn, "InfluxDB does not take points; they wait in the spool"),
		gone:    tally.New(log, slog.LevelError, "points are missing from history"),
	}
	w.free <- &batch{}
	w.free <- &batch{}
	return w
}

// Start reads the position, registers it with Hold and begins to write.
func (w *Writer) Start(context.Context) error {
	if err := w.cfg.Validate(); err != nil {
		return err
	}
	seq, err := Position(w.cfg.PosFile)
	if err != nil {
		return err
	}
	w.position.Store(seq)
	w.deps.Hold(seq)
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel = cancel
	w.calm, w.drain = context.WithCancel(ctx)
	go w.read(ctx, seq)
	go func() {
		defer close(w.done)
		for b := range w.full {
			if b.anew == w.anew.Load() { // else it may refer to points that are not there
				w.bring(ctx, b)
			}
			b.reset()
			w.free <- b
		}
	}()
	return nil
}

// Stop writes what the log holds until ctx ends; the rest stays in the log.
func (w *Writer) Stop(ctx context.Context) error {
	if w.cancel == nil {
		return nil
	}
	w.drain()
	var err error
	select {
	case <-w.done:
	case <-ctx.Done():
		err = fmt.Errorf("history is not written to its end; the rest stays in the spool: %w", ctx.Err())
		w.cancel()
		<-w.done
	}
	w.cancel()
	w.cancel = nil
	w.link.close()
	w.trouble.Stop()
	w.gone.Stop()
	return err
}

// Stats returns the present figures.
func (w *Writer) Stats() WriterStats {
	s := WriterStats{
		Points: w.points.Load(), Same: w.same.Load(), Bytes: w.bytes.Load(), Batches: w.batches.Load(),
		Errors: w.failures.Load(), Dropped: w.dropped.Load(), Lost: w.lost.Load(), Broken: w.broken.Load(),
		Position: w.position.Load(),
	}
	w.sumMu.Lock()
	s.Sum = w.sum
	w.sumMu.Unlock()
	if ms := w.success.Load(); ms != 0 {
		s.LastSuccess = time.UnixMilli(ms)
	}
	if ms := w.pending.Load(); ms != 0 {
		s.Lag = max(time.Since(time.UnixMilli(ms)), 0)
	}
	return s
}

// read turns the log into batches until ctx ends, or until it has caught up after Stop.
func (w *Writer) read(ctx context.Context, seq uint64) {
	defer close(w.full)
	src := w.openBehind(seq)
	defer func() { closeSource(src) }()
	enc, rec := newEncoder(w.deps.Slug), &record.Record{}
	b := <-w.free
	anew := w.anew.Load()
	var closing time.Time // when the open batch must go
	hand := func() bool {
		closing = time.Time{}
		b.anew = anew
		select {
		case w.full <- b:
		case <-ctx.Done():
			return false
		}
		select {
		case b = <-w.free:
			return true
		case <-ctx.Done():
			return false
		}
	}
	for {
		busy := len(w.free) == 0 // a batch is on its way, and anew may yet move
		if now := w.anew.Load(); now != anew {
			anew = now
			enc.forget()
			b.reset()
			closing = time.Time{}
			closeSource(src)
			src = w.openBehind(w.position.Load()) // it stands: what was encoded before is not written
		}
		until := closing
		if busy && closing.IsZero() {
			until = time.Now().Add(w.cfg.BatchWait)
		}
		got, err := w.next(ctx, src, until)
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return
		case errors.Is(err, errQuiet), errors.Is(err, errDrained):
			if b.records > 0 && !hand() {
				return
			}
			if errors.Is(err, errDrained) {
				select {
				case other := <-w.free: // what was handed over is through
					w.free <- other
				case <-ctx.Done():
					return
				}
				if w.anew.Load() == anew {
					return
				}
			}
			continue
		case errors.Is(err, spool.ErrGone):
			w.broken.Add(1)
			w.log.Error("the spool lost records before they were in InfluxDB; going on with the oldest", "err", err)
			closeSource(src)
			src = w.deps.Open(0)
			continue
		default: // the log has ended
			if b.records > 0 {
				hand()
			}
			if !errors.Is(err, spool.ErrClosed) {
				w.log.Error("the log cannot be read on for history", "err", err)
			}
			return
		}
		for i, body := range got.Bodies {
			if err := rec.Decode(body); err != nil {
				w.broken.Add(1)
				w.gone.Add(fmt.Errorf("record %d: %w", got.First+uint64(i), err))
				continue
			}
			rec.Seq = got.First + uint64(i)
			enc.add(b, rec)
			w.pending.CompareAndSwap(0, int64(rec.Received))
			if b.points >= w.cfg.BatchPoints && !hand() {
				return
			}
		}
		if b.records > 0 && closing.IsZero() {
			closing = time.Now().Add(w.cfg.BatchWait)
		}
	}
}

// openBehind returns a reader of what follows record seq.
func (w *Writer) openBehind(seq uint64) Source {
	if seq == 0 {
		return w.deps.Open(0)
	}
	return w.deps.Open(seq + 1)
}

func closeSource(s Source) {
	if c, ok := s.(io.Closer); ok {
		c.Close()
	}
}

// Ways in which next comes back without records.
var (
	errQuiet   = errors.New("nothing more to put into this batch")
	errDrained = errors.New("everything is read")
)

// next waits for records, until closing unless that is zero, and after Stop only
// for what is there.
func (w *Writer) next(ctx context.Context, src Source, closing time.Time) (spool.Batch, error) {
	wait, draining := w.calm, w.calm.Err() != nil
	if draining {
		var cancel context.CancelFunc
		wait, cancel = context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
	} else if !closing.IsZero() {
		var cancel context.CancelFunc
		wait, cancel = context.WithDeadline(w.calm, closing)
		defer cancel()
	}
	got, err := src.Next(wait)
	if err == nil || wait.Err() == nil || ctx.Err() != nil {
		return got, err
	}
	if draining {
		return got, errDrained
	}
	return got, errQuiet
}
