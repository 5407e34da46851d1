package ingest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dianchi-platform/dianchi/internal/account"
	"github.com/dianchi-platform/dianchi/internal/alarm"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/snapfile"
	"github.com/dianchi-platform/dianchi/internal/tail"
)

// A snapshot is written in sections, each with the Seq of the last record it
// holds, so that reports go on between them. Memory is taken in the judge's
// goroutine, live and the accounts in the committer's.
const (
	snapshotName    = "snapshot"
	sectionSpoken   = "account" // how often each party was told its account
	sectionRows     = "rows"    // moment of the newest 5-minute rows in the log
	sectionPiles    = "memory-piles"
	sectionCars     = "memory-vehicles"
	sectionIDs      = "memory-ids" // of piles, also of those in no station now
	sectionMeetings = "meetings"   // of piles and vehicles, for geo.crs-suspect
	livePrefix      = "live/"
	memoryChunk     = 4096 // objects a section
)

// keepSnapshots writes a snapshot now and then until Stop, which writes the last
// one; and at once if the start had to put one aside, so that there are two again.
func (p *Pipeline) keepSnapshots() {
	every := time.NewTicker(p.cfg.SnapshotEvery)
	defer every.Stop()
	for due := p.commit.aside; ; due = true {
		if due {
			if err := p.commit.snapshotNow(p.open); err != nil && p.open.Err() == nil {
				p.log.Error("cannot write a snapshot: the spool keeps growing until one is written", "err", err)
			}
		}
		select {
		case <-p.open.Done():
			return
		case <-every.C:
		}
	}
}

// snapshotNow writes one snapshot and lets the spool forget what the one before
// covers. While nothing is taken for want of room it writes two, so that the spool
// may forget all.
func (c *committer) snapshotNow(ctx context.Context) error {
	select {
	case c.snapping <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-c.snapping }()
	err := c.snapshot(ctx)
	if err == nil && c.p.Stalled() != 0 {
		err = c.snapshot(ctx)
	}
	return err
}

func (c *committer) snapshot(ctx context.Context) error {
	least := ^uint64(0)
	err := snapfile.Write(c.p.cfg.SnapshotDir, snapshotName, func(w *snapfile.Writer) error {
		put := func(name string, seq uint64, body []byte) error {
			least = min(least, seq)
			return w.Section(name, seq, body)
		}
		if err := c.p.memorySections(ctx, put); err != nil {
			return err
		}
		if err := c.sections(ctx, put); err != nil {
			return err
		}
		seq, body, err := c.tail.Section()
		if err != nil {
			return err
		}
		return put(tail.SectionName, seq, body)
	}, func(last uint64) error { return c.p.deps.Spool.WaitSynced(ctx, last) })
	if err != nil {
		return err
	}
	// The log goes back to the snapshot before this one, or to its beginning, in case
	// this one turns out to be torn.
	c.p.deps.Spool.Hold(snapshotName, c.covered)
	c.covered = least
	c.watch.snapped.Store(time.Now().UnixMilli())
	return nil
}

// LiveSections hands out live, the accounts and the alarms in pieces, each with the Seq
// that it holds for: what a replica starts from. Stop does not wait for it.
func (p *Pipeline) LiveSections(ctx context.Context, put func(name string, seq uint64, body []byte) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(p.open, cancel)()
	return p.commit.sections(ctx, func(name string, seq uint64, body []byte) error {
		if own, ok := strings.CutPrefix(name, livePrefix); ok {
			return put(own, seq, body)
		}
		if strings.HasPrefix(name, account.SectionPrefix) || strings.HasPrefix(name, alarm.SectionPrefix) {
			return put(name, seq, body)
		}
		return nil
	})
}

// sections hands out live, the accounts and the alarms in pieces, taken between
// records. Alarms are written by the caller's goroutine: their view never changes.
func (c *committer) sections(ctx context.Context, put func(name string, seq uint64, body []byte) error) error {
	pieces := make(chan section, 8)
	var alarms *alarm.View
	work := func() {
		defer close(pieces)
		alarms = c.watch.book.Now()
		hand := func(name string, seq uint64, body []byte) error {
			s := section{name, seq, append([]byte(nil), body...)}
			for {
				switch c.serve(ctx, pieces, s) {
				case sent:
					return nil
				case stopped:
					return ctx.Err()
				}
			}
		}
		err := hand(sectionRows, c.p.deps.Live.Applied(), binary.AppendVarint(nil, int64(c.settled)))
		if err == nil {
			err = c.accounts.sections(hand)
		}
		if err == nil {
			err = c.p.deps.Live.Snapshot(func(name string, seq uint64, body []byte) error {
				return hand(livePrefix+name, seq, body)
			}, func() {})
		}
		if err != nil && ctx.Err() == nil {
			c.p.log.Error("cannot take a snapshot of live", "err", err)
		}
	}
	select {
	case c.chunks <- work:
	case <-ctx.Done():
		return ctx.Err()
	}
	var failed error
	n := 0
	for s := range pieces {
		n++
		if failed == nil {
			failed = put(s.name, s.seq, s.body)
		}
	}
	if failed == nil && ctx.Err() != nil {
		failed = ctx.Err()
	}
	if failed == nil {
		failed = alarms.Sections(put)
	}
	return failed
}

// memorySections hands out the rules' memory, a chunk of objects at a time.
func (p *Pipeline) memorySections(ctx context.Context, put func(name string, seq uint64, body []byte) error) error {
	for _, kind := range []string{sectionIDs, sectionPiles, sectionCars} {
		for chunk, more := 0, true; more; chunk++ {
			var body []byte
			var seq uint64
			err := p.do(ctx, func() { body, more = p.judge.index.chunk(kind, chunk); seq = p.judge.appended })
			if err != nil {
				return err
			}
			if err := put(fmt.Sprintf("%s/%d", kind, chunk), seq, body); err != nil {
				return err
			}
		}
	}
	var body []byte
	var seq uint64
	err := p.do(ctx, func() { body = p.judge.meetings.Append(nil); seq = p.judge.appended })
	if err != nil {
		return err
	}
	return put(sectionMeetings, seq, body)
}

// chunk encodes one chunk of objects: the first number, then each one's memory or id.
func (x *index) chunk(kind string, chunk int) (body []byte, more bool) {
	from := chunk * memoryChunk
	n := len(x.pile)
	if kind == sectionCars {
		n = len(x.vehicle)
	}
	to := min(from+memoryChunk, n)
	body = binary.AppendUvarint(nil, uint64(from))
	for i := from; i < to; i++ {
		switch kind {
		case sectionCars:
			body = x.vehicle[i].memory.Append(body)
		case sectionPiles:
			body = x.pile[i].memory.Append(body)
		case sectionIDs:
			e := &x.pile[i]
			body = binary.AppendUvarint(body, uint64(e.party))
			body = binary.AppendUvarint(body, uint64(len(e.id)))
			body = append(body, e.id...)
		}
	}
	return body, to < n
}

var errChunk = errors.New("section of memory is damaged")

func (x *index) loadChunk(kind string, body []byte) (chunk int, err error) {
	from, k := binary.Uvarint(body)
	if k <= 0 || from%memoryChunk != 0 || from >= 1<<32-memoryChunk {
		return 0, errChunk
	}
	body = body[k:]
	for n := charge.Num(from); len(body) > 0; n++ {
		if n >= charge.Num(from)+memoryChunk {
			return 0, errChunk
		}
		switch kind {
		case sectionCars:
			x.vehicle = grow(x.vehicle, n)
			body, err = x.vehicle[n].memory.Decode(body)
		case sectionPiles:
			x.pile = grow(x.pile, n)
			body, err = x.pile[n].memory.Decode(body)
		case sectionIDs:
			body, err = x.loadID(n, body)
		}
		if err != nil {
			return 0, fmt.Errorf("cannot read the memory of object %d: %w", n, err)
		}
	}
	return int(from / memoryChunk), nil
}

func (x *index) loadID(n charge.Num, body []byte) (rest []byte, err error) {
	party, k := binary.Uvarint(body)
	if k <= 0 {
		return nil, errChunk
	}
	size, l := binary.Uvarint(body[k:])
	if body = body[k+max(0, l):]; l <= 0 || size > uint64(len(body)) {
		return nil, errChunk
	}
	if party != 0 {
		x.name(charge.Num(party), string(body[:size]), n)
	}
	return body[size:], nil
}
