package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/dianchi-platform/dianchi/internal/spool"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// ApplierConfig sets how much an [Applier] joins in one transaction.
type ApplierConfig struct {
	Records  int           // at most so many records of the log; default 10,000
	Urgent   time.Duration // wait for more after a change of catalog or a session; default 200 ms
	Counters time.Duration // wait for more while there are only counters; default 5 s
}

func (c *ApplierConfig) defaults() {
	if c.Records <= 0 {
		c.Records = 10_000
	}
	if c.Urgent <= 0 {
		c.Urgent = 200 * time.Millisecond
	}
	if c.Counters <= 0 {
		c.Counters = 5 * time.Second
	}
}

// maxBatchBytes bounds what a batch keeps in memory while catching up.
const maxBatchBytes = 16 << 20

// holder is the registry's name among those that hold the log's entries back.
const holder = "registry"

// journal is the log: a spool.
type journal interface {
	Reader(from uint64) *spool.Reader
	Hold(name string, seq uint64)
}

// Applier is the part that makes the log's records the registry's own.
type Applier struct {
	cfg  ApplierConfig
	log  *slog.Logger
	reg  *Registry
	from journal

	stop context.CancelFunc
	done chan struct{}

	mu    sync.Mutex
	stats ApplierStats
}

// ApplierStats tells how far an [Applier] is.
type ApplierStats struct {
	Position   uint64 // last Seq that the registry has made its own
	Records    uint64 // applied since the start
	Batches    uint64 // transactions since the start
	Unreadable uint64 // records that could not be decoded and were left out
	Failures   uint64 // transactions that failed and were tried again
	Err        error  // why the last transaction failed; nil after a good one
}

// NewApplier returns an Applier that feeds reg from the log.
func NewApplier(cfg ApplierConfig, log *slog.Logger, reg *Registry, from journal) *Applier {
	cfg.defaults()
	return &Applier{cfg: cfg, log: log, reg: reg, from: from}
}

// Start reads the log from the registry's position on.
func (a *Applier) Start(context.Context) error {
	pos, err := a.reg.Position()
	if err != nil {
		return err
	}
	a.stats.Position = pos
	a.from.Hold(holder, pos)
	ctx, stop := context.WithCancel(context.Background())
	a.stop, a.done = stop, make(chan struct{})
	go func() {
		defer close(a.done)
		a.run(ctx, pos)
	}()
	return nil
}

// Stop applies what was read and ends. What the log still holds is applied
// after the next start.
func (a *Applier) Stop(ctx context.Context) error {
	if a.stop == nil {
		return nil
	}
	a.stop()
	select {
	case <-a.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("cannot stop the registry's applier: %w", ctx.Err())
	}
}

// Stats returns how far the Applier is.
func (a *Applier) Stats() ApplierStats {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.stats
}

// run reads and applies until ctx ends.
func (a *Applier) run(ctx context.Context, pos uint64) {
	reader := a.from.Reader(pos + 1)
	defer func() { reader.Close() }()
	var b batch
	var rec record.Record
	var since time.Time // when b's first record came
	for ctx.Err() == nil {
		wait, cancel := ctx, context.CancelFunc(func() {})
		if b.records > 0 {
			wait, cancel = context.WithDeadline(ctx, since.Add(a.patience(&b)))
		}
		got, err := reader.Next(wait)
		due := wait.Err() != nil
		cancel()
		if err != nil && !due {
			a.failed(fmt.Errorf("cannot read the log after %d: %w", pos, err))
			if errors.Is(err, spool.ErrGone) { // somebody deleted it: go on with what there is
				reader.Close()
				reader = a.from.Reader(0)
			}
			a.sleep(ctx, min(time.Second, a.patience(&b)))
		}
		if err == nil && b.records == 0 {
			since = time.Now()
		}
		for i, body := range got.Bodies {
			if seq := got.First + uint64(i); seq > pos {
				a.add(&b, &rec, seq, body)
				pos = seq
			}
		}
		if b.records >= a.cfg.Records || b.bytes >= maxBatchBytes || b.records > 0 && time.Since(since) >= a.patience(&b) {
			a.flush(ctx, &b)
		}
	}
	if b.records > 0 {
		a.flush(ctx, &b)
	}
}

func (a *Applier) patience(b *batch) time.Duration {
	if b.urgent() {
		return a.cfg.Urgent
	}
	return a.cfg.Counters
}

// add decodes one entry into b. One that cannot be read moves the position all
// the same: standing still would fill the spool and stop the whole platform.
func (a *Applier) add(b *batch, rec *record.Record, seq uint64, body []byte) {
	if err := rec.Decode(body); err != nil {
		a.log.Error("a log entry cannot be read and is left out of the registry", "seq", seq, "err", err)
		a.mu.Lock()
		a.stats.Unreadable++
		a.mu.Unlock()
		*rec = record.Record{}
	}
	rec.Seq = seq
	b.add(rec)
	b.bytes += len(body)
}

// flush applies b, again and again until it works. When ctx has ended it tries
// once: the log still holds what is missing.
func (a *Applier) flush(ctx context.Context, b *batch) {
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := a.reg.apply(context.WithoutCancel(ctx), b)
		if err == nil {
			break
		}
		a.failed(err)
		if ctx.Err() != nil {
			return
		}
		a.sleep(ctx, pause)
	}
	a.from.Hold(holder, b.last)
	a.mu.Lock()
	if a.stats.Err != nil {
		a.log.Info("the registry is up to date again", "position", b.last)
	}
	a.stats.Position = b.last
	a.stats.Records += uint64(b.records)
	a.stats.Batches++
	a.stats.Err = nil
	a.mu.Unlock()
	b.reset()
}

// failed logs the first failure of a row.
func (a *Applier) failed(err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stats.Err == nil {
		a.log.Error("the registry falls behind", "err", err)
	}
	a.stats.Failures++
	a.stats.Err = err
}

func (a *Applier) sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
