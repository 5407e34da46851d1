package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/snapfile"
)

// twoSnapshots leaves a folder with two snapshots, reports before, between and
// behind them, and a log that has been trimmed as far as it may be.
func twoSnapshots(t *testing.T) (r *rig, last string, cat Catalog) {
	r = newRig(t)
	r.spool.SegmentBytes = 4096
	r.spool.Holders = append(r.spool.Holders, "registry")
	r.open(Catalog{})
	r.send(teld, charge.Stations, stationJSON("S1", "", "A"))
	from := time.Now().Add(-4 * time.Minute)
	n := 0
	reports := func() {
		for range 100 {
			n++
			last = pileJSON("A", from.Add(time.Duration(n)*100*time.Millisecond), 3, float64(n%50))
			r.send(teld, charge.Piles, last)
		}
	}
	reports()
	all := r.records()
	for range 3 { // the first two of the three are those that stay
		if err := r.p.commit.snapshotNow(t.Context()); err != nil {
			t.Fatal(err)
		}
		reports()
		if len(r.snapshots()) == 2 {
			r.sp.Hold("registry", r.sp.Next()-1)
		}
	}
	if len(r.snapshots()) != 2 || r.sp.First() < 100 {
		t.Fatalf("%d snapshots, and the log begins at %d", len(r.snapshots()), r.sp.First())
	}
	cat = booksAt(all, all[len(all)-1].Seq, Catalog{})
	cat.Position = r.sp.Last()
	r.crash()
	return r, last, cat
}

// snapshots returns the files, oldest first.
func (r *rig) snapshots() []string {
	files, _ := filepath.Glob(filepath.Join(r.dir, "snapshot", "*.snap"))
	return files
}

// When the newest snapshot cannot be used, for whatever reason, it is said and
// the one before it is used: the log goes back that far. Without any, what the
// log still has is used.
func TestTornSnapshots(t *testing.T) {
	overwrite := func(file string, change func([]byte) []byte) error {
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		return os.WriteFile(file, change(b), 0o640)
	}
	f := func(name string, damage func(newest, older string) error, complaints int) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, last, cat := twoSnapshots(t)
			files := r.snapshots()
			if err := damage(files[1], files[0]); err != nil {
				t.Fatal(err)
			}
			var said bytes.Buffer
			r.log = slog.New(slog.NewTextHandler(&said, nil))
			r.open(cat)
			v, _ := r.live.Pile("teld", "A", regulator)
			if got := pileJSON("A", v.Report.TS.Time(), 3, v.Report.PowerKW); got != last {
				t.Errorf("live has %s, want %s", got, last)
			}
			if got := bytes.Count(said.Bytes(), []byte("level=ERROR")); got != complaints {
				t.Errorf("%d errors are logged, want %d:\n%s", got, complaints, said.Bytes())
			}
			if got := r.send(teld, charge.Piles, last); got.Duplicate != 1 {
				t.Errorf("the last report again: %+v", got)
			}
			r.log = slog.New(slog.DiscardHandler)
			for range 2 { // the two that are kept are whole again
				if err := r.p.commit.snapshotNow(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			for _, file := range r.snapshots() {
				whole := snapfile.File{Path: file}
				if err := whole.Sections(func(string, uint64, []byte) error { return nil }); err != nil {
					t.Errorf("after two snapshots %v", err)
				}
			}
			if left, _ := os.ReadDir(filepath.Join(r.dir, "snapshot")); len(left) > 3 {
				t.Errorf("%d files in the folder", len(left))
			}
		})
	}

	f("whole", func(string, string) error { return nil }, 0)
	f("newest cut in the middle", func(newest, _ string) error {
		return overwrite(newest, func(b []byte) []byte { return b[:len(b)/2] })
	}, 1)
	f("newest without its end", func(newest, _ string) error {
		return overwrite(newest, func(b []byte) []byte { return b[:len(b)-1] })
	}, 1)
	f("newest empty", func(newest, _ string) error { return os.Truncate(newest, 0) }, 1)
	f("newest with a wrong sum", func(newest, _ string) error {
		return overwrite(newest, func(b []byte) []byte { b[2*len(b)/3] ^= 1; return b })
	}, 1)
	f("newest full of zeros", func(newest, _ string) error {
		return overwrite(newest, func(b []byte) []byte { clear(b[len(b)/4:]); return b })
	}, 1)
	f("newest of another version", func(newest, _ string) error {
		return rewrite(newest, livePrefix+"head", []byte(`{"Version":99}`))
	}, 1)
	f("newest with a section that is none", func(newest, _ string) error {
		return rewrite(newest, sectionPiles+"/0", []byte("\x00\xff\xff\xff\xff"))
	}, 1)
	f("newest missing", func(newest, _ string) error { return os.Remove(newest) }, 0)
	f("older torn", func(_, older string) error { return os.Truncate(older, 50) }, 0)
	f("both torn", func(newest, older string) error {
		return errors.Join(os.Truncate(newest, 300), os.Truncate(older, 300))
	}, 2)
	f("both missing", func(newest, older string) error { return errors.Join(os.Remove(newest), os.Remove(older)) }, 0)
	f("a newer one half written", func(newest, _ string) error {
		return os.WriteFile(filepath.Join(filepath.Dir(newest), snapshotName+".tmp"), []byte("dianfil1\x01"), 0o640)
	}, 0)
}

// While there is only one snapshot the log goes back to its beginning, so that a
// pile that was silent since is known without that snapshot, too.
func TestOnlySnapshotTorn(t *testing.T) {
	r := newRig(t)
	r.spool.SegmentBytes = 4096
	r.spool.Holders = append(r.spool.Holders, "registry")
	r.open(Catalog{})
	r.send(teld, charge.Stations, stationJSON("S1", "", "A", "B"))
	from := time.Now().Add(-4 * time.Minute)
	silent := pileJSON("B", from, 3, 7)
	r.send(teld, charge.Piles, silent)
	for n := range 200 {
		r.send(teld, charge.Piles, pileJSON("A", from.Add(time.Duration(n)*100*time.Millisecond), 3, float64(n%50)))
	}
	all := r.records()
	if err := r.p.commit.snapshotNow(t.Context()); err != nil {
		t.Fatal(err)
	}
	cat := booksAt(all, all[len(all)-1].Seq, Catalog{})
	cat.Position = r.sp.Last()
	r.sp.Hold("registry", r.sp.Last())
	r.crash()
	files := r.snapshots()
	if len(files) != 1 {
		t.Fatalf("%d snapshots", len(files))
	}
	if err := os.Truncate(files[0], 300); err != nil {
		t.Fatal(err)
	}
	r.open(cat)
	v, _ := r.live.Pile("teld", "B", regulator)
	if got := pileJSON("B", v.Report.TS.Time(), 3, v.Report.PowerKW); got != silent {
		t.Errorf("live has %s, want %s", got, silent)
	}
	if !r.p.commit.aside {
		t.Error("no new snapshot is due at once")
	}
}

// rewrite puts another body into one section of a snapshot, with a right sum.
func rewrite(file, section string, body []byte) error {
	type part struct {
		name string
		seq  uint64
		body []byte
	}
	var parts []part
	found := false
	f := snapfile.File{Path: file}
	err := f.Sections(func(name string, seq uint64, b []byte) error {
		if name == section {
			b, found = body, true
		}
		parts = append(parts, part{name, seq, slices.Clone(b)})
		return nil
	})
	if err != nil || !found {
		return fmt.Errorf("no section %s to rewrite: %w", section, err)
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer out.Close()
	w := snapfile.NewWriter(out)
	for _, p := range parts {
		if err := w.Section(p.name, p.seq, p.body); err != nil {
			return err
		}
	}
	return w.End()
}

// What is older than the stale limit is offline at the first answer after a
// start, before any tick has come by, and nothing of it is shown as fresh.
func TestNothingStaleIsFreshAfterARestart(t *testing.T) {
	r := newRig(t)
	r.cfg.StaleAfter = 2 * time.Second
	r.open(Catalog{})
	r.send(teld, charge.Stations, stationJSON("S1", "", "A", "B"))
	r.send(teld, charge.Piles, pileJSON("A", time.Now().Add(-time.Second), 3, 60))
	r.send(byd, charge.Vehicles, fmt.Sprintf(`{"vin":%q,"ts":%d,"speedKmh":50,"state":1}`, benchVIN(1), time.Now().UnixMilli()-1000))
	if err := r.p.commit.snapshotNow(t.Context()); err != nil {
		t.Fatal(err)
	}
	if o := r.live.Overview(); o.Piles.InUse != 1 || o.Vehicles.Online != 1 {
		t.Fatalf("before the restart %+v", o)
	}
	r.crash()
	time.Sleep(1500 * time.Millisecond)
	r.open(Catalog{})
	o := r.live.Overview()
	if o.Piles.InUse != 0 || o.Piles.Offline != 2 || o.PowerKW != 0 || o.Vehicles.Online != 0 || o.Vehicles.Driving != 0 {
		t.Errorf("at the first answer %+v", o)
	}
	if v, ok := r.live.Pile("teld", "A", regulator); !ok || v.State != charge.Offline {
		t.Errorf("at the first answer the pile is %+v", v)
	}
}
