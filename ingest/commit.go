package ingest

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dianchi-platform/dianchi/internal/account"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/spool"
	"github.com/dianchi-platform/dianchi/internal/tail"
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
	tail     *tail.Book
	watch    *watch
	watchers []Watcher
	rev      uint64
	at       charge.Millis
	owed     [][]byte      // records to be written at the start: of rows that nobody wrote
	settled  charge.Millis // moment of the newest rows that are in the log, as kept or as let pass
	row      charge.Millis // moment of the newest 5-minute rows, written or let pass
	parties  map[charge.Num]bool
	snapping chan struct{} // holds a mark while a snapshot is written
	covered  uint64        // record up to which the snapshot before goes, by snapping; 0 without one
	aside    bool          // a snapshot could not be used at the start
	chunks   chan func()   // snapshot work, between records
	busy     bool
	next     *ack // taken off acks before its record came
	refusing <-chan ack
	batches  chan spool.Batch
	taken    chan struct{}
	dead     chan struct{} // closed when there will be no more batches
	second   <-chan time.Time
	feedback <-chan time.Time

	applied atomic.Uint64
	onDisk  atomic.Uint64 // messages that were made live since the start
	dirty   atomic.Bool   // the party list changed

	mu      sync.Mutex
	changed chan struct{} // closed and replaced when applied moves
}

func newCommitter(p *Pipeline) *committer {
	return &committer{
		p: p, accounts: newAccounts(), tail: tail.New(), chunks: make(chan func()),
		snapping: make(chan struct{}, 1), dead: make(chan struct{}),
		batches: make(chan spool.Batch), taken: make(chan struct{}, 1), // the reader always comes for the mark
		parties: map[charge.Num]bool{}, changed: make(chan struct{}),
	}
}

// run applies batches as they come and ticks in between, until Stop is through.
func (c *committer) run() {
	ctx := c.p.ctx
	var reading sync.WaitGroup
	reading.Go(func() { c.read(ctx) })
	defer reading.Wait()
	second := time.NewTicker(time.Second)
	defer second.Stop()
	feedback := time.NewTicker(c.p.cfg.FeedbackEvery)
	defer feedback.Stop()
	c.second, c.feedback = second.C, feedback.C
	c.accounts.speak(charge.At(time.Now()), c.p) // the kept accounts, for who subscribes right after a start
	for c.serve(ctx, nil, section{}) != stopped {
	}
	if c.next != nil {
		c.next.answer(errStopping)
	}
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

// serve waits for one event and handles it; handing s to out is one too. ctx
// may be that of one snapshot: what was begun for the others is finished.
func (c *committer) serve(ctx context.Context, out chan<- section, s section) served {
	work, dead := c.chunks, c.dead
	if c.busy {
		work = nil // one piece of work at a time
	}
	if c.refusing != nil {
		dead = nil
	}
	select {
	case b := <-c.batches:
		c.apply(b)
		c.taken <- struct{}{}
	case now := <-c.second:
		c.tick(charge.At(now))
	case now := <-c.feedback:
		c.accounts.speak(charge.At(now), c.p)
	case f := <-work:
		c.busy = true
		f()
		c.busy = false
	case out <- s:
		return sent
	case <-dead:
		c.refusing = c.p.acks
		if c.next != nil {
			c.next.answer(c.p.Broken())
			c.next = nil
		}
	case a := <-c.refusing:
		a.answer(c.p.Broken())
	case <-ctx.Done():
		return stopped
	}
	return handled
}

// read brings batches until the spool ends or breaks.
func (c *committer) read(ctx context.Context) {
	defer c.reader.Close()
	for {
		b, err := c.reader.Next(ctx)
		if err != nil {
			if ctx.Err() == nil {
				c.p.fail(err)
				close(c.dead)
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
		seq := b.First + uint64(i)
		c.record(seq, body)
		a, ok := c.ackOf(seq)
		c.tail.Apply(&c.rec, tailed(a.samples)...)
		if ok {
			c.accounts.note(c.rec.Party, a.samples)
			a.answer(nil)
		}
	}
	c.move(last)
}

// ackOf returns what is to be done for record seq. Records before it that did
// not come, because the disk lost them, are not acknowledged.
func (c *committer) ackOf(seq uint64) (a ack, ok bool) {
	for {
		if c.next == nil {
			select {
			case a := <-c.p.acks: // on its way at the latest
				c.next = &a
			case <-c.p.ctx.Done():
				return ack{}, false
			}
		}
		switch {
		case c.next.seq == seq:
			a, c.next = *c.next, nil
			return a, true
		case c.next.seq > seq:
			return ack{}, false
		}
		c.next.answer(errLost)
		c.next = nil
	}
}

// record applies one record to live, to the account and to the alarms.
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
	c.watch.detector.Observe(&c.rec)
	c.p.deps.Live.Apply(&c.rec)
	c.accounts.apply(&c.rec)
	c.watch.book.Apply(&c.rec)
	c.settle(&c.rec)
	if c.rec.Kind == record.Message {
		c.onDisk.Add(1)
	}
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
func (c *committer) tick(now charge.Millis) {
	c.rev = max(c.rev+1, uint64(now)/1000)
	c.at = max(now, c.at)
	if c.dirty.Swap(false) {
		c.setParties()
	}
	rev := c.p.deps.Live.Tick(c.rev, c.at)
	c.watch.book.Tick(c.rev, c.at)
	for _, w := range c.watchers {
		w.Revision(rev)
	}
	if f := c.p.deps.Follow; f != nil {
		f.Tick(c.rev, c.at, c.applied.Load())
	}
	if t := c.at - c.at%totalsEvery; c.row < t {
		c.row = t
		c.totals(t)
		c.keep(t)
	}
	c.watch.look(c.at, c.applied.Load())
}

// resume makes the clock go on where it stood: rev and at of the last tick that
// is known, and row of the newest rows in the log. For a moment at which the
// platform was down there is no row, and a row once written stays.
func (c *committer) resume(rev uint64, at, row, now charge.Millis) {
	c.rev = rev
	c.row = max(row, at-at%totalsEvery)
	if t := now - now%totalsEvery; c.row < t || c.row > t+12*totalsEvery { // or the clock was wrong by hours
		c.row = t
	}
	if c.settled == 0 {
		c.settled = c.row
	}
}

// lastMoments is how soon after T a platform has ended whose rows of T are
// still written by its next start: live then is what it was at T, or nearly.
const lastMoments = 30 * 1000

// pass keeps, for the start, what was gathered until at, the last moment that
// is known of, when nobody wrote the rows that it belongs to. If that was right
// after a T, when rows were on their way, they are the rows of T. Otherwise we
// were away at the next T, and the rows after it must not have it.
func (c *committer) pass(at, now charge.Millis) {
	t := at - at%totalsEvery
	switch {
	case at == 0:
	case c.settled != 0 && c.settled < t && at-t < lastMoments:
		c.owed = c.records(t)
		c.settled = t
	case t < now-now%totalsEvery:
		rec := record.Record{Kind: record.Passed, Received: now}
		rec.Rows, rec.Quality = c.rows(now)
		c.owed = [][]byte{rec.Append(nil)}
	}
}

// settle notes that rows are in the log.
func (c *committer) settle(rec *record.Record) {
	if rec.Kind == record.Totals || rec.Kind == record.Passed {
		c.settled = max(c.settled, rec.Received-rec.Received%totalsEvery)
	}
}

// letPass takes rows that are not written off what the next ones will have.
func (c *committer) letPass(bodies ...[]byte) {
	err := c.p.whenReady(c.p.ctx, func() {
		for _, body := range bodies {
			c.p.append(body, ack{})
		}
	})
	if err != nil {
		c.p.log.Warn("the next 5-minute totals will have those that were not written, too", "err", err)
	}
}

// records returns the records that carry the rows of t.
func (c *committer) records(t charge.Millis) [][]byte {
	totals, quality := c.rows(t)
	first := record.Record{Kind: record.Totals, Received: t, Rows: totals}
	second := record.Record{Kind: record.Quality, Received: t, Quality: quality}
	return [][]byte{first.Append(nil), second.Append(nil)}
}

// rows returns the totals of t and the quality rows that belong to them. Of a
// removed party there is a row only while it has counts that are in none yet.
func (c *committer) rows(t charge.Millis) ([]record.TotalRow, []record.QualityRow) {
	totals := c.p.deps.Live.Totals(t)
	bySlug := make(map[string]*record.TotalRow, len(totals))
	for i := range totals {
		if w := &totals[i]; w.Scope == record.ScopeOperator || w.Scope == record.ScopeMaker {
			bySlug[w.ID] = w
		}
	}
	parties, _ := c.p.deps.Parties.Access()
	byNum := make(map[charge.Num]charge.Party, len(parties))
	for _, q := range parties {
		byNum[q.Num] = q
	}
	var rows []record.QualityRow
	for _, w := range c.accounts.book.Rows(t) {
		q := byNum[w.Party]
		if q.Removed && w.Counts.Zero() {
			continue
		}
		w.Expected = account.Expected(q.Kind, w.Counts.OnlineMS)
		if of := bySlug[q.Slug]; of != nil && q.Kind == charge.Operator {
			w.Objects, w.Online = uint32(of.Piles.Total), uint32(of.Piles.Total-of.Piles.Offline)
		} else if of != nil {
			w.Objects, w.Online = uint32(of.Vehicles.Total), uint32(of.Vehicles.Online)
		}
		rows = append(rows, w)
	}
	return totals, rows
}

// totals puts the rows of the 5 minutes that ended at t into the log. While the
// spool is full they wait, but not until the next ones come.
func (c *committer) totals(t charge.Millis) {
	both := c.records(t)
	c.p.running.Go(func() {
		ctx, cancel := context.WithTimeout(c.p.ctx, (totalsEvery-totalsEvery/10)*time.Millisecond)
		defer cancel()
		err := c.p.whenReady(ctx, func() {
			for _, body := range both {
				c.p.append(body, ack{})
			}
		})
		if err != nil {
			c.p.log.Warn("5-minute totals not written", "t", t.String(), "err", err)
			c.letPass(asPassed(both)) // the next rows must not have it
		}
	})
}

// asPassed returns what records would have said as one of rows that are not kept.
func asPassed(bodies [][]byte) []byte {
	var all, rec record.Record
	for _, body := range bodies {
		if err := rec.Decode(body); err != nil {
			panic(err) // we made it a moment ago
		}
		all.Kind, all.Received = record.Passed, rec.Received
		all.Rows = append(all.Rows, rec.Rows...)
		all.Quality = append(all.Quality, rec.Quality...)
	}
	return all.Append(nil)
}
