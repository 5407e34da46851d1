package fleet

import (
	"maps"
	"math"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/city"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

func TestSameSeedAndClockGiveTheSameBytes(t *testing.T) {
	run := func(cfg Config, step time.Duration) *digest {
		cfg.Faults = UsualFaults()
		f := newFleet(t, 1500, cfg)
		d := newDigest()
		for end := cfg.Start.Add(30 * time.Minute); f.Now() < end; {
			f.Step(min(end, f.Now().Add(step)), d)
		}
		return d
	}
	want := run(Config{Seed: 7, Start: monday(0)}, time.Second)
	if want.count < 50000 {
		t.Fatalf("only %d reports in 40 minutes", want.count)
	}
	for _, step := range []time.Duration{70 * time.Millisecond, 13 * time.Second, time.Hour} {
		if got := run(Config{Seed: 7, Start: monday(0)}, step); !maps.Equal(got.sums, want.sums) {
			t.Fatalf("steps of %s give other bytes", step)
		}
	}
	if other := run(Config{Seed: 8, Start: monday(0)}, time.Minute); maps.Equal(other.sums, want.sums) {
		t.Fatal("another seed gives the same bytes")
	}
	for _, slug := range []string{"teld", "byd"} {
		got := run(Config{Seed: 7, Start: monday(0), Party: slug}, time.Second)
		party := PartyIndex(slug)
		if len(got.sums) != 1 || got.sums[party] != want.sums[party] {
			t.Fatalf("%s alone reports other bytes than among all", slug)
		}
	}
}

func TestSimulatorsStartedApartSeeTheSameCity(t *testing.T) {
	early := newFleet(t, 2000, Config{Seed: 3, Start: monday(7)})
	early.Step(monday(9), newDigest())
	late := newFleet(t, 2000, Config{Seed: 3, Start: monday(9)})
	for i := range early.vehicles {
		a, b := &early.vehicles[i], &late.vehicles[i]
		if a.at != b.at || a.soc != b.soc || a.act != b.act || a.until != b.until {
			t.Fatalf("vehicle %d differs: %+v, %+v", i, a, b)
		}
	}
	for i := range early.piles {
		a, b := early.piles[i], late.piles[i]
		if a.last, b.last = 0, 0; a != b {
			t.Fatalf("pile %d differs: %+v, %+v", i, a, b)
		}
	}
}

func TestFaultsDoNotMoveTheCity(t *testing.T) {
	clean := newFleet(t, 2000, Config{Seed: 3})
	dirty := newFleet(t, 2000, Config{Seed: 3, Faults: UsualFaults()})
	clean.Step(monday(10), newDigest())
	dirty.Step(monday(10), newDigest())
	for i := range clean.vehicles {
		if clean.vehicles[i] != dirty.vehicles[i] {
			t.Fatalf("vehicle %d does something else when bad data is mixed in", i)
		}
	}
}

func TestEveryObjectReportsOnceEachCadence(t *testing.T) {
	f := func(n int, cadence time.Duration) {
		t.Helper()
		fl := newFleet(t, n, Config{Seed: 1, Cadence: cadence})
		const parts = 10
		seen := map[string]int{}
		var perPart [parts]int
		start := fl.Now()
		count := func(id string, ts charge.Millis) {
			seen[id]++
			perPart[int(ts.Sub(start)*parts/cadence)%parts]++
		}
		fl.Step(start.Add(cadence), &listener{
			pile:    func(p int, r *charge.PileReport) { count(Parties()[p].Slug+r.ID, r.TS) },
			vehicle: func(_ int, r *charge.VehicleReport) { count(r.VIN, r.TS) },
		})
		if len(seen) != 2*n {
			t.Fatalf("%d of %d objects reported in %s", len(seen), 2*n, cadence)
		}
		for i, got := range perPart {
			if want := 2 * n / parts; got < want*9/10 || got > want*12/10+5 {
				t.Fatalf("part %d of %s has %d reports, want about %d", i, cadence, got, want)
			}
		}
	}

	f(500, 30*time.Second)
	f(2000, 30*time.Second)
	f(2000, time.Minute)
}

func TestUsualCadence(t *testing.T) {
	f := newFleet(t, 3000, Config{Seed: 2, Start: monday(12)})
	type trace struct {
		ts      charge.Millis
		status  charge.Status
		longest time.Duration
	}
	piles := map[string]*trace{}
	cars := map[string]*trace{}
	var fast int
	end := monday(13)
	f.Step(end, &listener{
		pile: func(p int, r *charge.PileReport) {
			id := Parties()[p].Slug + r.ID
			was := piles[id]
			if was == nil {
				piles[id] = &trace{ts: r.TS, status: r.Status}
				return
			}
			gap := r.TS.Sub(was.ts)
			if gap < time.Second {
				fast++
			}
			if was.status == charge.StatusCharging && r.Status == charge.StatusCharging && gap > 16*time.Second && gap < 2*time.Minute {
				t.Fatalf("pile %s charges and is silent for %s", id, gap)
			}
			was.longest = max(was.longest, gap)
			was.ts, was.status = r.TS, r.Status
		},
		vehicle: func(_ int, r *charge.VehicleReport) {
			was := cars[r.VIN]
			if was == nil {
				cars[r.VIN] = &trace{ts: r.TS}
				return
			}
			if gap := r.TS.Sub(was.ts); r.State == 1 && r.SpeedKMH > 0 && was.status == 1 && gap > 31*time.Second {
				t.Fatalf("vehicle %s drives and is silent for %s", r.VIN, gap)
			}
			was.ts, was.status = r.TS, charge.Status(r.State)
		},
	})
	if fast != 0 {
		t.Fatalf("%d pairs of reports of a pile within a second", fast)
	}
	silent := 0
	for id, tr := range piles {
		if tr.longest > time.Minute+time.Second {
			silent++
			if tr.longest > 23*time.Minute && silent > len(piles)/50 {
				t.Fatalf("pile %s was silent for %s", id, tr.longest)
			}
		}
	}
	if len(piles) < 2900 {
		t.Fatalf("only %d of 3000 piles reported in an hour", len(piles))
	}
	// Cars that are off are silent: online is not the same as there.
	if len(cars) > 2500 || len(cars) < 500 {
		t.Fatalf("%d of 3000 cars reported between 12 and 13", len(cars))
	}
}

func TestParkedCarsFallSilent(t *testing.T) {
	f := newFleet(t, 2000, Config{Seed: 2, Start: monday(9)})
	byVIN := map[string]*vehicle{}
	for i := range f.vehicles {
		byVIN[f.names.vin(int32(i))] = &f.vehicles[i]
	}
	f.Step(monday(10), &listener{vehicle: func(_ int, r *charge.VehicleReport) {
		off := time.Duration(int64(r.TS)-byVIN[r.VIN].offSince) * time.Millisecond
		if byVIN[r.VIN].offSince != 0 && r.Charge != 1 && off > 3*time.Minute {
			t.Fatalf("%s reports %s after it was switched off", r.VIN, off)
		}
	}})
}

func TestConfigIsChecked(t *testing.T) {
	f := func(change func(*Config)) {
		t.Helper()
		cfg := Config{City: city.Kunming(), Vehicles: 10, Piles: 10, Start: monday(8)}
		change(&cfg)
		if _, err := New(cfg); err == nil {
			t.Fatalf("%+v was taken", cfg)
		}
	}

	f(func(c *Config) { c.City = nil })
	f(func(c *Config) { c.Vehicles = -1 })
	f(func(c *Config) { c.Piles = MaxObjects + 1 })
	f(func(c *Config) { c.Cadence = time.Millisecond })
	f(func(c *Config) { c.Cadence = 2 * time.Hour })
	f(func(c *Config) { c.Party = "nobody" })
	f(func(c *Config) { c.Start = 0 })
}

func TestCitiesOfAnySizeLive(t *testing.T) {
	f := func(vehicles, piles int) {
		t.Helper()
		fl := newFleet(t, 0, Config{Vehicles: vehicles, Piles: piles, Seed: 5, Cadence: time.Minute, City: city.Kunming()})
		n := 0
		fl.Step(fl.Now().Add(time.Minute), &listener{
			pile:    func(int, *charge.PileReport) { n++ },
			vehicle: func(int, *charge.VehicleReport) { n++ },
		})
		if want := vehicles + piles; n < want || n > want*11/10+2 {
			t.Fatalf("%d vehicles and %d piles sent %d reports in a minute", vehicles, piles, n)
		}
	}

	f(1, 0)
	f(0, 1)
	f(1, 1)
	f(2, 40)
	f(400, 3)
	f(0, 1000)
	f(1000, 0)
	f(3000, 50)
}

func TestAnotherCity(t *testing.T) {
	c := &city.City{Name: "小城", Zone: time.UTC, Bounds: geo.Box{West: 10, South: 50, East: 10.5, North: 50.4},
		BuiltUp:   geo.Box{West: 10.1, South: 50.1, East: 10.3, North: 50.3},
		Districts: []city.District{{Adcode: "1", Name: "A", Seat: geo.Point{Lon: 10.2, Lat: 50.2}}},
		Tariff:    charge.Tariff{Bands: []charge.Band{{FromMinute: 0, ToMinute: 1440, EnergyE4: 5000}}}}
	f := newFleet(t, 500, Config{City: c, Seed: 1})
	cars := 0
	f.Step(f.Now().Add(10*time.Minute), &listener{vehicle: func(_ int, r *charge.VehicleReport) {
		cars++
		if !c.Bounds.Contains(geo.Point{Lon: r.Lon, Lat: r.Lat}) {
			t.Fatalf("vehicle at %v, %v is outside of the city", r.Lon, r.Lat)
		}
	}})
	if cars == 0 {
		t.Fatal("no car is on the road")
	}
}

// The whole city at the domain page's rate: vehicles and piles report each 30 s.
func BenchmarkStep(b *testing.B) {
	f := newFleet(b, 200_000, Config{Seed: 1, Cadence: 30 * time.Second})
	n := 0
	sink := &listener{
		pile:    func(int, *charge.PileReport) { n++ },
		vehicle: func(int, *charge.VehicleReport) { n++ },
	}
	b.ReportAllocs()
	for b.Loop() {
		f.Step(f.Now().Add(100*time.Millisecond), sink)
	}
	perReport := float64(b.Elapsed().Nanoseconds()) / math.Max(1, float64(n))
	b.ReportMetric(perReport, "ns/report")
	b.ReportMetric(perReport*13_300/1e9, "cores-at-13300/s")
}
