package ingest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// What was due between two taken reports and did not come is counted in the
// message that has the later one.
func TestMissingReports(t *testing.T) {
	f := func(party charge.Num, name string, missing uint32, onlineS uint64, agesS ...int) {
		t.Run(name, func(t *testing.T) {
			r := newRig(t).open(Catalog{})
			if party == teld {
				r.send(teld, charge.Stations, stationJSON("S1", "", "A"))
			}
			now := time.Now()
			var all []string
			for i, s := range agesS {
				ts := now.Add(-time.Duration(s) * time.Second)
				if party == teld {
					all = append(all, pileJSON("A", ts, 1, float64(i)/100))
				} else {
					all = append(all, fmt.Sprintf(`{"vin":%q,"ts":%d,"socPct":%d}`, vin, ts.UnixMilli(), 50+i%2))
				}
			}
			kind := charge.Piles
			if party != teld {
				kind = charge.Vehicles
			}
			r.send(party, kind, "["+strings.Join(all, ",")+"]")
			n := r.p.Book().Total(party)
			if n.Missing != uint64(missing) || n.OnlineMS != onlineS*1000 {
				t.Errorf("%d missing in %d ms on line, want %d in %d s", n.Missing, n.OnlineMS, missing, onlineS)
			}
		})
	}

	f(teld, "one report alone", 0, 0, 10)
	f(teld, "at the cadence", 0, 120, 130, 70, 10)
	f(teld, "a little late", 0, 89, 99, 10)
	f(teld, "half a cadence late", 1, 90, 100, 10)
	f(teld, "three due, one came", 2, 180, 190, 10)
	f(teld, "more often than due", 0, 60, 70, 55, 40, 25, 10)
	f(teld, "a late one is in no gap", 1, 120, 130, 10, 70)
	f(byd, "vehicles are due each 30 s", 3, 120, 130, 10)
	f(byd, "at a vehicle's cadence", 0, 60, 70, 40, 10)
	f(teld, "a clock that ran ahead", 0, 0, -100, 10)
}

// After a longer silence than the stale limit an object was not on line.
func TestSilenceIsNotMissing(t *testing.T) {
	r := newRig(t).open(Catalog{})
	now := time.Now()
	old := now.Add(-301 * time.Second)
	if err := r.tryAt(teld, charge.Stations, stationJSON("S1", "", "A"), charge.At(old)); err != nil {
		t.Fatal(err)
	}
	if err := r.tryAt(teld, charge.Piles, pileJSON("A", old, 1, 0), charge.At(old)); err != nil {
		t.Fatal(err)
	}
	r.send(teld, charge.Piles, pileJSON("A", now, 1, 1))
	if n := r.p.Book().Total(teld); n.Missing != 0 || n.OnlineMS != 0 || n.Taken != 3 {
		t.Errorf("%+v", n)
	}
}

// Every report is in exactly one quality row, in one that was let pass, or in
// none yet, whatever was restarted and whenever.
func TestEveryReportIsInOneQualityRow(t *testing.T) {
	f := func(seed uint64, snapshots bool) {
		t.Run(fmt.Sprint(seed, snapshots), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(seed, 9))
			r := newRig(t).open(Catalog{})
			at := charge.At(time.Now()) - charge.At(time.Now())%totalsEvery
			r.send(teld, charge.Stations, stationJSON("S1", "", "A"))
			for i := range 60 {
				switch n := rng.IntN(12); {
				case n < 7:
					r.send(teld, charge.Piles, pileJSON("A", time.Now().Add(time.Duration(i)*time.Second), 1+rng.IntN(2), 0))
				case n < 8:
					r.send(teld, charge.Piles, "[7]")
				case n < 10:
					at += totalsEvery
					r.tickAt(at)
				case n < 11 && snapshots:
					if err := r.p.commit.snapshotNow(t.Context()); err != nil {
						t.Fatal(err)
					}
				default:
					r.crash()
					r.open(Catalog{})
				}
			}
			at += totalsEvery
			r.tickAt(at)
			var told record.Counts
			r.eventually(func() bool { // the last row is on disk
				told = record.Counts{}
				done := false
				for _, rec := range r.records() {
					for i := range rec.Quality {
						told.Add(&rec.Quality[i].Counts)
					}
					done = done || rec.Kind == record.Quality && rec.Received == at
				}
				return done
			})
			total := r.p.Book().Total(teld)
			if told != total {
				t.Errorf("rows have %+v, want %+v", told, total)
			}
			rows := r.p.Book().Rows(at + totalsEvery)
			if len(rows) != 1 || !rows[0].Counts.Zero() {
				t.Errorf("behind the last row there is %+v", rows)
			}
			if found := r.p.Book().Differences(); len(found) > 0 {
				t.Error(found)
			}
		})
	}
	for seed := range uint64(4) {
		f(seed, true)
		f(seed, false)
	}
}

// A row says how many of the party's objects are on line at its moment.
func TestQualityRowsSayWhoIsOnLine(t *testing.T) {
	r := newRig(t).open(Catalog{})
	r.send(teld, charge.Stations, stationJSON("S1", "", "A", "B"))
	now := time.Now()
	r.send(teld, charge.Piles, pileJSON("A", now.Add(30*time.Second), 1, 0)) // fresh at the end of these five minutes
	at := charge.At(now) - charge.At(now)%totalsEvery + totalsEvery
	r.tickAt(at)
	r.eventually(func() bool { return r.p.Book().Sum(teld, at, 12).Rows == 1 })
	if s := r.p.Book().Sum(teld, at, 12); s.Online != .5 {
		t.Errorf("%v of the piles are on line, want a half", s.Online)
	}
}
