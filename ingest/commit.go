package ingest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/spool"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// totalsEvery is the grid of the 5-minute rows.
const totalsEvery = 5 * 60 * 1000

// committer applies what is on disk to live, acknowledges it, and closes a
// revision each second. It is the only writer of live.
type committer struct {
	p        *Pipeline
	rec      record.Record
	reader   *spool.Reader
	accounts accounts
	watchers []Watcher
	rev      uint64
	at       charge.Millis
	parties  map[charge.Num]bool
	snapping sync.Mutex
	chunks   chan func() // snapshot work, between records
	busy     bool
	batches  chan spool.Batch
	taken    chan struct{}
	second   <-chan time.Time
	feedback <-chan time.Time

	applied   atomic.Uint64
	published atomic.Uint64 // newest closed revision
	dirty     atomic.Bool   // the party list changed

	mu      sync.Mutex
	changed chan struct{} // closed and replaced when applied moves
}

func newCommitter(p *Pipeline) *committer {
	return &committer{
		p: p, accounts: newAccounts(), chunks: make(chan func()),
		batches: make(chan spool.Batch), taken: make(chan struct{}),
		parties: map[charge.Num]bool{}, changed: make(chan struct{}),
	}
}

// run applies batches as they come and ticks in between.
func (c *committer) run(ctx context.Context) {
	var reading sync.WaitGroup
	reading.Go(func() { c.read(ctx) })
	defer reading.Wait()
	second := time.NewTicker(time.Second)
	defer second.Stop()
	feedback := time.NewTicker(c.p.cfg.FeedbackEvery)
	defer feedback.Stop()
	c.second, c.feedback = second.C, feedback.C
	for c.serve(ctx, nil, section{}) != stopped {
	}
	c.accounts.speak(charge.At(time.Now()), c.p)
}

// section is a piece of a snapshot on its way to the file.
type section struct {
	name string
	seq  uint64
	body []byte
}

type served uint8

const (
	handled served = iota
	sent
	stopped
)

// serve waits for one event and handles it; handing s to out is one too.
func (c *committer) serve(ctx context.Context, out chan<- section, s section) served {
	work := c.chunks
	if c.busy {
		work = nil // one piece of work at a time
	}
	select {
	case b := <-c.batches:
		c.apply(b)
		select {
		case c.taken <- struct{}{}:
		case <-ctx.Done():
			return stopped
		}
	case now := <-c.second:
		c.tick(ctx, charge.At(now))
	case now := <-c.feedback:
		c.accounts.speak(charge.At(now), c.p)
	case f := <-work:
		c.busy = true
		f()
		c.busy = false
	case out <- s:
		return sent
	case <-ctx.Done():
		return stopped
	}
	return handled
}

func (c *committer) read(ctx context.Context) {
	for {
		b, err := c.reader.Next(ctx)
		if err != nil {
			if !errors.Is(err, context.Canceled) {
				c.p.fail(err)
			}
			return
		}
		select {
		case c.batches <- b:
		case <-ctx.Done():
			return
		}
		select {
		case <-c.taken:
		case <-ctx.Done():
			return
		}
	}
}

func (c *committer) apply(b spool.Batch) {
	last := b.First + uint64(len(b.Bodies)) - 1
	for i, body := range b.Bodies {
		c.record(b.First+uint64(i), body)
		a := <-c.p.acks
		c.accounts.note(c.rec.Party, a.samples)
		if a.done != nil {
			a.done(nil)
		}
	}
	c.move(last)
}

// record applies one record to live and to the account.
func (c *committer) record(seq uint64, body []byte) {
	if err := c.rec.Decode(body); err != nil {
		// We wrote it and its checksum holds: a fault of ours, never the party's.
		c.p.log.Error("cannot read our own record", "seq", seq, "err", err)
		c.rec.Reset()
		return
	}
	c.rec.Seq = seq
	if c.rec.Party != 0 && !c.parties[c.rec.Party] || c.dirty.Swap(false) {
		c.setParties()
	}
	c.p.deps.Live.Apply(&c.rec)
	c.accounts.apply(&c.rec)
}

func (c *committer) setParties() {
	all, _ := c.p.deps.Parties.Access()
	clear(c.parties)
	for _, q := range all {
		c.parties[q.Num] = true
	}
	c.p.deps.Live.SetParties(all)
}

// move tells who waits that everything up to seq is applied.
func (c *committer) move(seq uint64) {
	c.mu.Lock()
	c.applied.Store(seq)
	close(c.changed)
	c.changed = make(chan struct{})
	c.mu.Unlock()
	if f := c.p.deps.Follow; f != nil {
		f.Advance(seq)
	}
}

func (c *committer) waitApplied(ctx context.Context, seq uint64) error {
	for {
		c.mu.Lock()
		done, changed := c.applied.Load() >= seq, c.changed
		c.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// tick closes a revision. Its number is the second's, so that it never runs
// backwards over restarts; a clock set back only makes it count on.
func (c *committer) tick(ctx context.Context, now charge.Millis) {
	c.rev = max(c.rev+1, uint64(now)/1000)
	before := c.at
	c.at = max(now, c.at)
	if c.dirty.Swap(false) {
		c.setParties()
	}
	rev := c.p.deps.Live.Tick(c.rev, c.at)
	for _, w := range c.watchers {
		w.Revision(rev)
	}
	if f := c.p.deps.Follow; f != nil {
		f.Tick(c.rev, c.at, c.applied.Load())
	}
	c.published.Store(c.rev)
	if t := c.at - c.at%totalsEvery; before != 0 && before < t {
		c.totals(ctx, t)
	}
}

// totals puts the rows of the 5 minutes that ended at t into the log.
func (c *committer) totals(ctx context.Context, t charge.Millis) {
	rec := record.Record{Kind: record.Totals, Received: t, Rows: c.p.deps.Live.Totals(t)}
	body := rec.Append(nil)
	c.p.rest.Go(func() {
		err := c.p.do(ctx, func() {
			if c.p.deps.Spool.Ready() == nil {
				c.p.append(body, ack{})
			}
		})
		if err != nil {
			c.p.log.Warn("5-minute totals not written: the platform is stopping", "t", t.String())
		}
	})
}
