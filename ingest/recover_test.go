package ingest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/snapfile"
	"github.com/dianchi-platform/dianchi/internal/spool"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// Whatever came, and whenever the power went: with what is on disk the platform
// answers and judges as if nothing had happened.
func TestRecoveryAgainstModel(t *testing.T) {
	f := func(seed uint64, snapshots, trim bool) {
		t.Run(fmt.Sprintf("seed %d snapshots %v trim %v", seed, snapshots, trim), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			if trim {
				r.spool.SegmentBytes = 4096
				r.spool.Holders = append(r.spool.Holders, "registry")
			}
			m := newModel(seed, r.cfg)
			// Numbers around the border of two chunks of memory.
			start := Catalog{NextPile: memoryChunk - 5, NextVehicle: memoryChunk - 3}
			r.open(start)
			books := start
			for range 6 {
				var writing sync.WaitGroup
				ctx, cancel := context.WithCancel(t.Context())
				if snapshots {
					writing.Go(func() {
						for ctx.Err() == nil {
							if err := r.p.commit.snapshotNow(ctx); err != nil && ctx.Err() == nil {
								t.Error(err)
							}
						}
					})
				}
				for range 20 + m.IntN(150) {
					m.step(r)
				}
				if m.IntN(3) == 0 {
					gone := []charge.Num{star, nio}[m.IntN(2)]
					r.p.PartiesChanged(nil, []charge.Party{r.people.remove(gone)})
					m.removeParty(gone)
					r.eventually(func() bool { return !r.has(gone) })
					for range 20 {
						m.step(r)
					}
				}
				position := books.Position
				if last := r.sp.Last(); last > position {
					position += m.Uint64N(last - position + 1)
				}
				books = r.booksFrom(books, position, start)
				if trim {
					r.sp.Hold("registry", books.Position)
				}
				dir := r.freeze()
				cancel()
				writing.Wait()
				r.stop()
				r.dir = dir
				r.open(books)
				m.compare(r)
				if t.Failed() {
					return
				}
			}
			for range 100 {
				m.step(r)
			}
			m.compare(r)
			if files, _ := os.ReadDir(filepath.Join(r.dir, "snapshot")); (len(files) > 0) != snapshots {
				t.Errorf("%d snapshots were written", len(files))
			}
		})
	}

	for seed := range uint64(4) {
		f(seed, true, true)
		f(seed, true, false)
		f(seed, false, false)
	}
}

// has reports whether a party has objects.
func (r *rig) has(party charge.Num) (has bool) {
	r.p.do(context.Background(), func() { has = r.p.judge.index.has(party) })
	return has
}

// What cannot be used of the data folder costs what it held, not the start.
func TestRecoverFromDamage(t *testing.T) {
	f := func(name string, damage func(r *rig) Catalog, pileIsKnown bool) {
		t.Run(name, func(t *testing.T) {
			r := newRig(t).open(Catalog{})
			r.send(teld, charge.Stations, stationJSON("S1", "", "A"))
			report := pileJSON("A", time.Now(), 3, 60)
			r.send(teld, charge.Piles, report)
			if err := r.p.commit.snapshotNow(t.Context()); err != nil {
				t.Fatal(err)
			}
			all := r.records()
			r.crash()
			cat := damage(r)
			books := booksAt(all, min(cat.Position, 2), Catalog{})
			books.Position = cat.Position
			r.open(books)
			v, ok := r.live.Pile("teld", "A", regulator)
			if !ok || v.Reported != pileIsKnown {
				t.Errorf("live has the pile %v and its report %v, want the report %v", ok, v.Reported, pileIsKnown)
			}
			got := r.send(teld, charge.Piles, report)
			if pileIsKnown && got.Duplicate != 1 || !pileIsKnown && got.Taken != 1 {
				t.Errorf("the report again: %+v", got)
			}
			if got := r.send(teld, charge.Piles, pileJSON("A", time.Now(), 3, 61)); got.Taken != 1 {
				t.Errorf("a new report: %+v", got)
			}
			r.crash()
			r.open(booksAt(r.recordsOf(all), cat.Position, Catalog{}))
			if v, _ := r.live.Pile("teld", "A", regulator); v.Report.PowerKW != 61 {
				t.Errorf("after one more restart live has %+v", v)
			}
		})
	}
	snapshots := func(r *rig) []string {
		files, _ := filepath.Glob(filepath.Join(r.dir, "snapshot", "*.snap"))
		return files
	}

	f("nothing", func(*rig) Catalog { return Catalog{Position: 2} }, true)
	f("registry far behind", func(*rig) Catalog { return Catalog{} }, true)
	f("snapshot of another version", func(r *rig) Catalog {
		err := snapfile.Write(filepath.Join(r.dir, "snapshot"), snapshotName, func(w *snapfile.Writer) error {
			return w.Section(livePrefix+"head", 2, []byte(`{"Version":99}`))
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return Catalog{Position: 2}
	}, true)
	f("snapshot torn", func(r *rig) Catalog {
		for _, file := range snapshots(r) {
			if err := os.Truncate(file, 100); err != nil {
				t.Fatal(err)
			}
		}
		return Catalog{Position: 2}
	}, true)
	f("log emptied", func(r *rig) Catalog {
		os.RemoveAll(filepath.Join(r.dir, "spool"))
		return Catalog{Position: 2}
	}, true)
	f("log and snapshot emptied", func(r *rig) Catalog {
		os.RemoveAll(filepath.Join(r.dir, "spool"))
		os.RemoveAll(filepath.Join(r.dir, "snapshot"))
		return Catalog{Position: 2}
	}, false)
	// Numbers are jumped over: the disk forgot what the registry has seen.
	f("log behind the registry", func(*rig) Catalog { return Catalog{Position: 500} }, true)
}

// recordsOf returns what stands in the log behind old records.
func (r *rig) recordsOf(old []*record.Record) []*record.Record {
	sp, err := spool.Open(spool.Config{Dir: filepath.Join(r.dir, "spool"), FloorBytes: -1}, r.log, 1)
	if err != nil {
		r.t.Fatal(err)
	}
	defer sp.Close(r.t.Context())
	was := r.sp
	defer func() { r.sp = was }()
	r.sp = sp
	all := slices.Clone(old)
	for _, rec := range r.records() {
		if rec.Seq > old[len(old)-1].Seq {
			all = append(all, rec)
		}
	}
	return all
}
