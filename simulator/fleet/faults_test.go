package fleet

import (
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// wrongs counts what is wrong with reports, by what a platform can see.
type wrongs struct {
	reports, vehicles, again, older, ahead, island, sentinel, unknown, reissued int
}

func count(t *testing.T, faults Faults) wrongs {
	t.Helper()
	const n = 1000
	f := newFleet(t, n, Config{Seed: 5, Faults: faults, Cadence: 20 * time.Second})
	known := map[string]bool{}
	for party, s := range f.Stations {
		for _, p := range s.Piles {
			known[operators[party].slug+p.ID] = true
		}
	}
	var w wrongs
	type seen struct {
		newest charge.Millis
		at     map[charge.Millis]bool
	}
	last := map[string]*seen{}
	judge := func(id string, ts, now charge.Millis) {
		w.reports++
		s := last[id]
		if s == nil {
			s = &seen{at: map[charge.Millis]bool{}}
			last[id] = s
		}
		switch {
		case s.at[ts]:
			w.again++
		case ts < s.newest-charge.Millis(2*minute):
			w.reissued++
		case ts < s.newest:
			w.older++
		}
		s.at[ts] = true
		if ts <= now+charge.Millis(60*second) {
			s.newest = max(s.newest, ts)
		} else {
			w.ahead++
		}
	}
	sentinel := func(v float64) bool { return v == 254 || v == 255 || v == 6553.4 || v == 6553.5 }
	end := f.Now().Add(40 * time.Minute)
	for f.Now() < end {
		f.Step(f.Now().Add(time.Second), &listener{
			pile: func(p int, r *charge.PileReport) {
				id := operators[p].slug + r.ID
				judge(id, r.TS, f.Now())
				if !known[id] {
					w.unknown++
				}
				if sentinel(r.VoltageV) {
					w.sentinel++
				}
			},
			vehicle: func(_ int, r *charge.VehicleReport) {
				w.vehicles++
				judge(r.VIN, r.TS, f.Now())
				if r.Lon == 0 && r.Lat == 0 {
					w.island++
				}
				if sentinel(r.VoltageV) || sentinel(r.SOCPct) || sentinel(r.SpeedKMH) {
					w.sentinel++
				}
			},
		})
	}
	return w
}

func TestCleanDataIsClean(t *testing.T) {
	w := count(t, Faults{})
	if w.again+w.older+w.ahead+w.island+w.sentinel+w.unknown+w.reissued != 0 || w.reports < 200_000 {
		t.Fatalf("without faults: %+v", w)
	}
}

func TestEachFaultComesAloneAtItsRate(t *testing.T) {
	f := func(name string, faults Faults, of func(w *wrongs) *int, share float64, vehiclesOnly bool) {
		t.Helper()
		w := count(t, faults)
		base := w.reports
		if vehiclesOnly {
			base = w.vehicles
		}
		got := float64(*of(&w)) / float64(base)
		if got < share*0.8 || got > share*1.2 {
			t.Errorf("%s at %.4f of all, want %.4f: %+v", name, got, share, w)
		}
		*of(&w) = 0
		if rest := w.again + w.older + w.ahead + w.island + w.sentinel + w.unknown + w.reissued; rest > 2 { // milliseconds may coincide
			t.Errorf("%s brings other bad data too: %+v", name, w)
		}
	}

	f("duplicates", Faults{Duplicates: 0.005}, func(w *wrongs) *int { return &w.again }, 0.005, false)
	f("out of order", Faults{OutOfOrder: 0.01}, func(w *wrongs) *int { return &w.older }, 0.01, false)
	f("future", Faults{Future: 0.002}, func(w *wrongs) *int { return &w.ahead }, 0.002, false)
	f("null island", Faults{NullIsland: 0.002}, func(w *wrongs) *int { return &w.island }, 0.002, true)
	f("unknown ids", Faults{UnknownIDs: 0.005}, func(w *wrongs) *int { return &w.unknown }, 0.0025, false)
	f("sentinels", Faults{Sentinels: 0.005}, func(w *wrongs) *int { return &w.sentinel }, 0.0025, false)
}

func TestReissueComesAfterTheOutage(t *testing.T) {
	f := newFleet(t, 2000, Config{Seed: 5, Faults: Faults{Reissue: 0.02}, Cadence: 20 * time.Second})
	type car struct {
		newest charge.Millis
		count  int
	}
	cars := map[string]*car{}
	old, all, none := 0, 0, 0
	for end := f.Now().Add(60 * time.Minute); f.Now() < end; {
		f.Step(f.Now().Add(time.Second), &listener{vehicle: func(_ int, r *charge.VehicleReport) {
			all++
			c := cars[r.VIN]
			if c == nil {
				c = &car{}
				cars[r.VIN] = c
			}
			c.count++
			if age := f.Now().Sub(r.TS); age > 5*time.Second {
				old++
				if age > 11*time.Minute {
					t.Fatalf("a report comes %s late", age)
				}
			}
			c.newest = max(c.newest, r.TS)
		}})
	}
	if got := float64(old) / float64(all); got < 0.014 || got > 0.026 {
		t.Fatalf("%.4f of the reports were reissued, want about 0.02", got)
	}
	// Nothing is lost by it: who had its outage within the hour sent all 180.
	for _, c := range cars {
		if c.count < 180-30 {
			none++
		}
	}
	if none > len(cars)/50+20 {
		t.Fatalf("%d cars lost reports", none)
	}
}

func TestSkewedClocksAreOffByUpTo30Seconds(t *testing.T) {
	f := newFleet(t, 2000, Config{Seed: 5, Faults: Faults{SkewedShare: 0.05}, Cadence: 20 * time.Second})
	offset := map[string]time.Duration{}
	turn := map[string]charge.Millis{}
	clean := newFleet(t, 2000, Config{Seed: 5, Cadence: 20 * time.Second})
	clean.Step(clean.Now().Add(20*time.Second), &listener{vehicle: func(_ int, r *charge.VehicleReport) { turn[r.VIN] = r.TS }})
	f.Step(f.Now().Add(20*time.Second), &listener{vehicle: func(_ int, r *charge.VehicleReport) {
		offset[r.VIN] = r.TS.Sub(turn[r.VIN])
	}})
	skewed := 0
	for vin, d := range offset {
		if d.Abs() > 30*time.Second {
			t.Fatalf("clock of %s is %s off", vin, d)
		}
		if d != 0 {
			skewed++
		}
	}
	if skewed < 70 || skewed > 130 {
		t.Fatalf("%d of 2000 clocks are off, want about 100", skewed)
	}
}
