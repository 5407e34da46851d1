package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/dianchi-platform/dianchi/internal/account"
	"github.com/dianchi-platform/dianchi/internal/alarm"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/quality"
	"github.com/dianchi-platform/dianchi/internal/snapfile"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// Catalog is what the registry holds at Position.
type Catalog struct {
	Stations []charge.Station
	Vehicles []charge.Vehicle
	Accounts []account.Total
	Alarms   []*alarm.Alarm // open ones, and those cleared last
	Position uint64         // last record that the registry has made its own

	NextStation, NextPile, NextVehicle charge.Num
}

// Recover makes live, memory and accounts what they were: from the newest
// snapshot that is whole, else from the one before it, else from the registry,
// and from the records after that. The log goes back to the older snapshot, and
// keeps everything that none covers, so that without one nothing is missing
// either. It replays verdicts and never judges. It must run once,
// before Start.
func (p *Pipeline) Recover(ctx context.Context, cat Catalog) error {
	c, sp := p.commit, p.deps.Spool
	c.setParties()
	b, err := p.loadBase(cat)
	if err != nil {
		return err
	}
	var row, newest charge.Millis // of rows, and of anything
	err = both(func() error {
		return p.replay(ctx, b.from, nil, func(rec *record.Record) { p.judge.apply(rec, &b) })
	}, func() error {
		return p.replay(ctx, b.from, p.log, func(rec *record.Record) {
			p.deps.Live.Apply(rec)
			c.accounts.apply(rec)
			c.tail.Apply(rec)
			c.watch.book.Apply(rec)
			c.settle(rec)
			newest = max(newest, rec.Received)
			if rec.Kind == record.Totals {
				row = max(row, rec.Received)
			}
		})
	})
	if err != nil {
		return err
	}
	c.accounts.recovered(charge.At(time.Now()), p.cfg.FeedbackEvery)
	last := sp.Next() - 1
	c.move(last)
	p.judge.appended = last
	c.reader = sp.Reader(last + 1)
	rev, at := p.deps.Live.Rev()
	now := charge.At(time.Now())
	c.resume(rev, max(at, newest), row, now)
	c.pass(max(at, newest), now)
	c.watch.detector.Begin(now)
	c.tick(now)
	p.judge.suspect(now)
	return nil
}

// both runs what the judge knows and what the committer owns side by side: the
// one never looks at the other, and each reads for itself.
func both(judge, commit func() error) error {
	other := make(chan error, 1)
	go func() { other <- judge() }()
	err := commit()
	return errors.Join(<-other, err)
}

// base is what a replay starts from.
type base struct {
	from     uint64 // first record to replay
	least    uint64 // record that all sections of the snapshot go up to
	position uint64 // the judge's index holds stations and vehicles up to here
	piles    []uint64
	vehicles []uint64 // records up to here are in the memory of each chunk
	meetings uint64   // records up to here are in the meetings
}

func upTo(chunks []uint64, n charge.Num) uint64 {
	if i := int(n / memoryChunk); i < len(chunks) {
		return chunks[i]
	}
	return 0
}

func hold(chunks []uint64, chunk int, seq uint64) []uint64 {
	for len(chunks) <= chunk {
		chunks = append(chunks, 0)
	}
	chunks[chunk] = seq
	return chunks
}

// apply moves the judge's knowledge by a record that is on disk.
func (j *judge) apply(rec *record.Record, b *base) {
	x := j.index
	x.applyCatalog(rec, rec.Seq > b.position)
	if rec.Seq > b.meetings {
		j.replayMeetings(rec)
	}
	for i := range rec.Piles {
		if it := &rec.Piles[i]; rec.Seq > upTo(b.piles, it.Num) {
			x.pile = grow(x.pile, it.Num)
			x.pile[it.Num].memory.Remember(&it.Report, it.Verdict, rec.Received, &j.limits)
		}
	}
	for i := range rec.Fleet {
		if it := &rec.Fleet[i]; rec.Seq > upTo(b.vehicles, it.Num) {
			x.vehicle = grow(x.vehicle, it.Num)
			x.vehicle[it.Num].memory.Remember(&it.Report, it.Verdict, rec.Received, &j.limits)
		}
	}
	for i := range rec.Sessions {
		s := &rec.Sessions[i]
		j.remember(s, quality.SessionPrint(s)) // perhaps not in the registry yet
		if rec.Seq > upTo(b.piles, s.Pile) {
			x.pile = grow(x.pile, s.Pile)
			x.pile[s.Pile].memory.RememberSession(s)
		}
	}
}

// loadCatalog begins with what the registry knows.
func (p *Pipeline) loadCatalog(cat Catalog) {
	x := newIndex()
	for _, s := range cat.Stations {
		x.putStation(s)
	}
	for _, v := range cat.Vehicles {
		x.putVehicle(v)
	}
	x.nextStation = max(x.nextStation, cat.NextStation)
	x.nextPile = max(x.nextPile, cat.NextPile)
	x.nextVehicle = max(x.nextVehicle, cat.NextVehicle)
	p.judge.index, p.judge.meetings = x, quality.Meetings{}
}

// loadBooks begins with the registry's accounts and alarms.
func (p *Pipeline) loadBooks(cat Catalog) {
	p.commit.accounts.book.Start(cat.Accounts, cat.Position)
	p.commit.watch.book.Load(cat.Alarms, cat.Position)
	p.commit.tail.Reset()
}

// loadRegistry starts without a snapshot, with all that the log still has. What
// live then hears again of stations and vehicles ends as the registry has it.
func (p *Pipeline) loadRegistry(cat Catalog) base {
	p.loadCatalog(cat)
	p.loadBooks(cat)
	p.deps.Live.LoadCatalog(cat.Stations, cat.Vehicles)
	return base{from: p.deps.Spool.First(), position: cat.Position}
}

// loadBase loads what a replay starts from.
func (p *Pipeline) loadBase(cat Catalog) (base, error) {
	files, err := snapfile.List(p.cfg.SnapshotDir, snapshotName)
	if err != nil {
		return base{}, err
	}
	for _, f := range files {
		began := time.Now()
		b, err := p.loadSnapshot(f, cat)
		if err == nil {
			p.log.Info("snapshot loaded", "path", f.Path, "bytes", f.Bytes, "from", b.from,
				"took", time.Since(began).Round(time.Millisecond))
			p.commit.covered = b.least
			return b, nil
		}
		p.log.Error("snapshot cannot be used: an older one, or the registry and the log, must do", "err", err)
		// Out of the way of the two that are kept; one is left for who looks into it.
		p.commit.aside = true
		if err := os.Rename(f.Path, filepath.Join(p.cfg.SnapshotDir, snapshotName+".unusable")); err != nil {
			p.log.Warn("cannot put the snapshot aside", "err", err)
		}
	}
	p.log.Info("starting from the registry and the log", "stations", len(cat.Stations), "vehicles", len(cat.Vehicles))
	return p.loadRegistry(cat), nil
}

// loadSnapshot starts from one snapshot, if it is whole and the log goes on
// where it ends. An error says why not; then anything may be half loaded.
func (p *Pipeline) loadSnapshot(f *snapfile.File, cat Catalog) (b base, err error) {
	b.least, b.position = ^uint64(0), cat.Position
	p.loadBooks(cat)
	err = both(func() error {
		p.loadCatalog(cat)
		return f.Sections(func(name string, seq uint64, body []byte) error { return p.judge.load(name, seq, body, &b) })
	}, func() error {
		return f.Sections(func(name string, seq uint64, body []byte) error {
			b.least = min(b.least, seq)
			return p.commit.load(name, seq, body)
		})
	})
	if err != nil {
		return b, fmt.Errorf("cannot use %s: %w", f.Path, err)
	}
	if first := p.deps.Spool.First(); b.least+1 < first && b.least < cat.Position {
		return b, fmt.Errorf("the spool begins at %d and does not go back to %s at %d", first, f.Path, b.least)
	}
	b.from = min(b.least, cat.Position) + 1
	return b, nil
}

// replay hands the records from number from on to f. What there is to say goes
// to log, unless that is nil.
func (p *Pipeline) replay(ctx context.Context, from uint64, log *slog.Logger, f func(*record.Record)) error {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	sp := p.deps.Spool
	if first := sp.First(); from < first {
		log.Error("the log no longer has records that are wanted", "from", from, "before", first)
		from = first
	}
	last := sp.Last() // behind it numbers may have been jumped over
	if from > last {
		return nil
	}
	began := time.Now()
	r := sp.Reader(from)
	defer r.Close()
	var rec record.Record
	for r.Position() <= last {
		b, err := r.Next(ctx)
		if err != nil {
			return errors.Join(errors.New("cannot replay the log"), err)
		}
		for i, body := range b.Bodies {
			rec.Seq = b.First + uint64(i)
			if err := rec.Decode(body); err != nil {
				log.Error("cannot read our own record", "seq", rec.Seq, "err", err)
				continue
			}
			f(&rec)
		}
	}
	log.Info("log replayed", "records", last-from+1, "took", time.Since(began).Round(time.Millisecond))
	return nil
}
