package fleet

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/city"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

// lakeCity is Kunming with everyone living round the lake, so that every
// other trip would cross it.
func lakeCity() *city.City {
	c := city.Kunming()
	c.Hotspots = nil
	for i, at := range []geo.Point{{Lon: 102.60, Lat: 24.85}, {Lon: 102.79, Lat: 24.87}, {Lon: 102.66, Lat: 24.66}, {Lon: 102.70, Lat: 25.02}} {
		c.Districts[i].Seat = at
	}
	c.Districts = c.Districts[:4]
	return c
}

func TestRoutesGoRoundTheLake(t *testing.T) {
	f := newFleet(t, 10, Config{City: lakeCity(), Seed: 1})
	r := rand.New(rand.NewPCG(1, 2))
	ring := f.waters[0].ring
	crossing := 0
	for range 3000 {
		var ends [2]pt
		for i := range ends {
			for ok := false; !ok; ok = f.stands(ends[i]) {
				ends[i] = f.plane.in(geo.Point{Lon: uniform(r, 102.55, 102.85), Lat: uniform(r, 24.65, 25.05)})
			}
		}
		way, length, ok := f.route(ends[0], ends[1])
		if !ok {
			t.Fatalf("no way from %v to %v", f.plane.out(ends[0]), f.plane.out(ends[1]))
		}
		if way.water != noWater {
			crossing++
		}
		sum := 0.0
		f.legs(way, ends[0], ends[1], func(p, q pt) bool {
			if geo.CrossesPolygon(flat(p), flat(q), ring) {
				t.Fatalf("the way from %v to %v crosses the lake", f.plane.out(ends[0]), f.plane.out(ends[1]))
			}
			sum += dist(p, q)
			return true
		})
		direct := dist(ends[0], ends[1])
		if length < direct-1 || sum > length+1 || sum < length-1 || length > direct+120_000 {
			t.Fatalf("the way is %.0f m, its legs %.0f, as the crow flies %.0f", length, sum, direct)
		}
		if at := f.along(way, ends[0], ends[1], 0); dist(at, ends[0]) > 0.1 {
			t.Fatal("the way does not begin at its begin")
		}
		if at := f.along(way, ends[0], ends[1], length); dist(at, ends[1]) > 1 {
			t.Fatal("the way does not end at its end")
		}
	}
	if crossing < 300 {
		t.Fatalf("only %d of 3000 ways met the lake", crossing)
	}
}

func TestNoFixIsInTheLake(t *testing.T) {
	c := lakeCity()
	f := newFleet(t, 1500, Config{City: c, Seed: 3, Start: monday(8)})
	type fix struct {
		at geo.Point
		ts charge.Millis
	}
	last := map[string]fix{}
	index := map[string]*vehicle{}
	for i := range f.vehicles {
		index[f.names.vin(int32(i))] = &f.vehicles[i]
	}
	moving, shore, cut := 0, 0, 0
	f.Step(monday(10), &listener{vehicle: func(_ int, r *charge.VehicleReport) {
		now := fix{geo.Point{Lon: r.Lon, Lat: r.Lat}, r.TS}
		if c.InWater(now.at) {
			t.Fatalf("%s is in the lake at %v", r.VIN, now.at)
		}
		was, ok := last[r.VIN]
		last[r.VIN] = now
		if !ok || r.TS.Sub(was.ts) > 40*time.Second || now.at == was.at {
			return
		}
		moving++
		if v := index[r.VIN]; v.act == driving && v.route.water != noWater {
			shore++
		}
		// Between two fixes it may cut a corner of the shore, never the lake.
		if d := geo.DistanceM(was.at, now.at); d/r.TS.Sub(was.ts).Hours()/1000 > 150 {
			t.Fatalf("%s drove %.0f m in %s", r.VIN, d, r.TS.Sub(was.ts))
		}
		if geo.CrossesPolygon(was.at, now.at, c.Water[0]) {
			cut++
			for share := 0.0; share < 1; share += 0.05 {
				at := geo.Point{Lon: was.at.Lon + share*(now.at.Lon-was.at.Lon), Lat: was.at.Lat + share*(now.at.Lat-was.at.Lat)}
				if c.InWater(geo.Offset(at, 250, 0)) && c.InWater(geo.Offset(at, -250, 0)) &&
					c.InWater(geo.Offset(at, 0, 250)) && c.InWater(geo.Offset(at, 0, -250)) {
					t.Fatalf("%s crossed the lake from %v to %v", r.VIN, was.at, now.at)
				}
			}
		}
	}})
	if moving < 10_000 || shore < 1000 {
		t.Fatalf("only %d moves, %d of them on the way round the lake", moving, shore)
	}
	t.Logf("%d moves, %d of them on the way round the lake, %d cut a corner of it", moving, shore, cut)
}

// TestDrivingIsWhatIsReported compares odometer, SOC and speed of trips with
// the way between fixes.
func TestDrivingIsWhatIsReported(t *testing.T) {
	f := newFleet(t, 1000, Config{Seed: 4, Start: monday(8), Cadence: 5 * time.Second})
	type state struct {
		charge.VehicleReport
		speedKM float64 // ∫ speed
	}
	use := map[string]float64{}
	for i := range f.vehicles {
		use[f.names.vin(int32(i))] = float64(f.vehicles[i].perKM) / float64(f.vehicles[i].pack) * 100
	}
	from := map[string]*state{}
	checked := 0
	f.Step(f.Now().Add(30*time.Minute), &listener{vehicle: func(_ int, r *charge.VehicleReport) {
		was := from[r.VIN]
		if r.State != 1 {
			delete(from, r.VIN)
			return
		}
		if was == nil {
			from[r.VIN] = &state{VehicleReport: *r}
			return
		}
		was.speedKM += r.SpeedKMH * 5 / 3600
		km := r.OdometerKM - was.OdometerKM
		if km < 0 || r.SOCPct > was.SOCPct {
			t.Fatalf("%s: odometer %+.1f km, SOC %.1f after %.1f", r.VIN, km, r.SOCPct, was.SOCPct)
		}
		if km > 3 {
			if was.speedKM < 0.85*km-0.2 || was.speedKM > 1.15*km+0.2 {
				t.Fatalf("%s: ∫ speed is %.2f km, its odometer moved by %.2f", r.VIN, was.speedKM, km)
			}
			if d := was.SOCPct - r.SOCPct; r.SOCPct > 1 && (d < use[r.VIN]*(km-0.2)-0.2 || d > use[r.VIN]*(km+0.2)+0.2) {
				t.Fatalf("%s: SOC fell by %.1f over %.1f km", r.VIN, d, km)
			}
			checked++
		}
	}})
	if checked < 1000 {
		t.Fatalf("only %d reports of longer trips", checked)
	}
}
