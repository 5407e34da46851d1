package ingest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/snapfile"
	"github.com/dianchi-platform/dianchi/internal/spool"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// A snapshot is written in sections, each with the Seq of the last record it
// holds, so that reports go on between them. Memory is taken in the judge's
// goroutine, live and the accounts in the committer's.
const (
	snapshotName   = "snapshot"
	sectionAccount = "account"
	sectionPiles   = "memory-piles"
	sectionCars    = "memory-vehicles"
	livePrefix     = "live/"
	memoryChunk    = 4096 // objects a section
)

// keepSnapshots writes a snapshot now and then until ctx ends.
func (p *Pipeline) keepSnapshots(ctx context.Context) {
	every := time.NewTicker(p.cfg.SnapshotEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
			if err := p.commit.snapshotNow(ctx); err != nil && ctx.Err() == nil {
				p.log.Error("cannot write a snapshot: the spool keeps growing until one is written", "err", err)
			}
		}
	}
}

// snapshotNow writes one snapshot and lets the spool forget what it covers.
func (c *committer) snapshotNow(ctx context.Context) error {
	c.snapping.Lock()
	defer c.snapping.Unlock()
	least := ^uint64(0)
	err := snapfile.Write(c.p.cfg.SnapshotDir, snapshotName, func(w *snapfile.Writer) error {
		put := func(name string, seq uint64, body []byte) error {
			least = min(least, seq)
			return w.Section(name, seq, body)
		}
		if err := c.p.memorySections(ctx, put); err != nil {
			return err
		}
		return c.sections(ctx, put)
	}, func(last uint64) error { return c.p.deps.Spool.WaitSynced(ctx, last) })
	if err != nil {
		return err
	}
	c.p.deps.Spool.Hold(snapshotName, least)
	return nil
}

// LiveSections hands out live in pieces, each with the Seq that it holds for:
// what a replica starts from.
func (p *Pipeline) LiveSections(ctx context.Context, put func(name string, seq uint64, body []byte) error) error {
	return p.commit.sections(ctx, func(name string, seq uint64, body []byte) error {
		if own, ok := strings.CutPrefix(name, livePrefix); ok {
			return put(own, seq, body)
		}
		return nil
	})
}

// sections hands out live and the accounts in pieces, taken between records.
func (c *committer) sections(ctx context.Context, put func(name string, seq uint64, body []byte) error) error {
	pieces := make(chan section, 8)
	work := func() {
		defer close(pieces)
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
		seq, body, err := c.accounts.section()
		if err == nil {
			err = hand(sectionAccount, seq, body)
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
	return failed
}

// memorySections hands out the rules' memory, a chunk of objects at a time.
func (p *Pipeline) memorySections(ctx context.Context, put func(name string, seq uint64, body []byte) error) error {
	for _, kind := range []string{sectionPiles, sectionCars} {
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
	return nil
}

// chunk encodes the memory of one chunk of objects: the first number, then each memory.
func (x *index) chunk(kind string, chunk int) (body []byte, more bool) {
	from := chunk * memoryChunk
	n := len(x.pile)
	if kind == sectionCars {
		n = len(x.vehicle)
	}
	to := min(from+memoryChunk, n)
	body = binary.AppendUvarint(nil, uint64(from))
	for i := from; i < to; i++ {
		if kind == sectionCars {
			body = x.vehicle[i].memory.Append(body)
		} else {
			body = x.pile[i].memory.Append(body)
		}
	}
	return body, to < n
}

func (x *index) loadChunk(kind string, body []byte) (chunk int, err error) {
	from, k := binary.Uvarint(body)
	if k <= 0 || from%memoryChunk != 0 {
		return 0, errors.New("memory section has no start")
	}
	body = body[k:]
	for n := charge.Num(from); len(body) > 0; n++ {
		if kind == sectionCars {
			x.vehicle = grow(x.vehicle, n)
			body, err = x.vehicle[n].memory.Decode(body)
		} else {
			x.pile = grow(x.pile, n)
			body, err = x.pile[n].memory.Decode(body)
		}
		if err != nil {
			return 0, fmt.Errorf("cannot read the memory of object %d: %w", n, err)
		}
	}
	return int(from / memoryChunk), nil
}

// memorySeqs tells which record each loaded chunk of memory goes up to.
type memorySeqs map[memoryChunkID]uint64

type memoryChunkID struct {
	vehicles bool
	chunk    int
}

func (m memorySeqs) of(kind charge.Payload, n charge.Num) uint64 {
	return m[memoryChunkID{kind == charge.Vehicles, int(n / memoryChunk)}]
}

// Catalog is what the registry holds at Position.
type Catalog struct {
	Stations []charge.Station
	Vehicles []charge.Vehicle
	Accounts []Account
	Position uint64 // last record that the registry has made its own

	NextStation, NextPile, NextVehicle charge.Num
}

// Recover makes live, memory and accounts what they were: from the newest
// whole snapshot, else from the registry, and from the records after it.
// It replays verdicts and never judges.
func (p *Pipeline) Recover(ctx context.Context, cat Catalog) error {
	x, c, sp := p.judge.index, p.commit, p.deps.Spool
	for _, s := range cat.Stations {
		x.putStation(s)
	}
	for _, v := range cat.Vehicles {
		x.putVehicle(v)
	}
	x.nextStation = max(x.nextStation, cat.NextStation)
	x.nextPile = max(x.nextPile, cat.NextPile)
	x.nextVehicle = max(x.nextVehicle, cat.NextVehicle)
	c.accounts.start(cat.Accounts, cat.Position)
	c.setParties()

	memory := memorySeqs{}
	from, err := p.loadSnapshot(sp.First(), cat, memory)
	if err != nil {
		return err
	}
	from = min(from, cat.Position)
	last := sp.Next() - 1
	if err := p.replay(ctx, max(from+1, sp.First()), last, func(rec *record.Record) {
		x.apply(rec, rec.Seq > cat.Position, func(kind charge.Payload, n charge.Num) bool { return rec.Seq > memory.of(kind, n) })
		p.deps.Live.Apply(rec)
		c.accounts.apply(rec)
	}); err != nil {
		return err
	}
	c.accounts.recovered()
	c.move(last)
	p.judge.appended = last
	c.reader = sp.Reader(last + 1)
	c.tick(ctx, charge.At(time.Now()))
	return nil
}

// loadSnapshot loads the newest whole snapshot that the spool continues, and
// returns the Seq that everything in it holds at least.
func (p *Pipeline) loadSnapshot(first uint64, cat Catalog, memory memorySeqs) (uint64, error) {
	fresh := func(why string) (uint64, error) {
		p.log.Info("starting from the registry", "why", why, "stations", len(cat.Stations), "vehicles", len(cat.Vehicles))
		p.deps.Live.LoadCatalog(cat.Stations, cat.Vehicles)
		return cat.Position, nil
	}
	f, err := snapfile.Newest(p.cfg.SnapshotDir, snapshotName)
	if errors.Is(err, snapfile.ErrNone) {
		return fresh("there is no snapshot")
	}
	if err != nil {
		return 0, err
	}
	least := ^uint64(0)
	if err := f.Sections(func(_ string, seq uint64, _ []byte) error { least = min(least, seq); return nil }); err != nil {
		return 0, err
	}
	if least+1 < first && least < cat.Position {
		return fresh("the spool does not go back to the snapshot")
	}
	err = f.Sections(func(name string, seq uint64, body []byte) error {
		switch {
		case strings.HasPrefix(name, livePrefix):
			return p.deps.Live.LoadSection(strings.TrimPrefix(name, livePrefix), seq, body)
		case name == sectionAccount:
			if seq >= cat.Position {
				return p.commit.accounts.load(seq, body)
			}
			return nil
		default:
			kind, _, _ := strings.Cut(name, "/")
			chunk, err := p.judge.index.loadChunk(kind, body)
			memory[memoryChunkID{kind == sectionCars, chunk}] = seq
			return err
		}
	})
	return least, err
}

// replay hands the records from..last to f.
func (p *Pipeline) replay(ctx context.Context, from, last uint64, f func(*record.Record)) error {
	if from > last {
		return nil
	}
	began := time.Now()
	r := p.deps.Spool.Reader(from)
	var rec record.Record
	for seq := from; seq <= last; {
		b, err := r.Next(ctx)
		if errors.Is(err, spool.ErrGone) {
			return fmt.Errorf("the spool lost records from %d on: %w", seq, err)
		}
		if err != nil {
			return err
		}
		for i, body := range b.Bodies {
			if err := rec.Decode(body); err != nil {
				p.log.Error("cannot read our own record", "seq", b.First+uint64(i), "err", err)
				continue
			}
			rec.Seq = b.First + uint64(i)
			f(&rec)
		}
		seq = b.First + uint64(len(b.Bodies))
	}
	p.log.Info("spool replayed", "records", last-from+1, "took", time.Since(began).Round(time.Millisecond))
	return nil
}
