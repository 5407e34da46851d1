package fleet

import (
	"math"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

// TestChargingVehiclesStandAtPilesThatShowThem reads only what is reported.
func TestChargingVehiclesStandAtPilesThatShowThem(t *testing.T) {
	f := newFleet(t, 4000, Config{Seed: 11, Start: monday(1), Cadence: 20 * time.Second})
	at := map[string]geo.Point{} // of piles by party and id
	for party, s := range f.Stations {
		for _, p := range s.Piles {
			at[operators[party].slug+p.ID] = geo.Point{Lon: s.Lon, Lat: s.Lat}
		}
	}
	type seen struct {
		report charge.PileReport
		at     geo.Point
	}
	piles := map[string]seen{} // by VIN
	offline := map[string]bool{}
	cars := map[string]charge.VehicleReport{}
	end := f.Now().Add(20 * time.Second)
	f.Step(end, &listener{
		pile: func(p int, r *charge.PileReport) {
			if r.VIN != "" {
				piles[r.VIN] = seen{*r, at[operators[p].slug+r.ID]}
			}
			if r.Status == charge.StatusOffline {
				offline[operators[p].slug+r.ID] = true
			}
		},
		vehicle: func(_ int, r *charge.VehicleReport) { cars[r.VIN] = *r },
	})
	charging, hidden := 0, 0
	for i := range f.vehicles {
		v := &f.vehicles[i]
		r := cars[f.names.vin(int32(i))]
		if r.Charge != 1 || v.act != plugged {
			continue
		}
		charging++
		p, ok := piles[r.VIN]
		if !ok {
			s := &f.stations[f.piles[v.pile].station]
			if !offline[operators[s.party].slug+f.names.pile(v.pile)] && f.sessions[v.session].start < int64(end)-20*second {
				t.Fatalf("%s charges and no pile shows it", r.VIN)
			}
			hidden++
			continue
		}
		if d := geo.DistanceM(p.at, geo.Point{Lon: r.Lon, Lat: r.Lat}); d > 100 {
			t.Fatalf("%s is %.0f m from its pile", r.VIN, d)
		}
		if p.report.Status == charge.StatusCharging && p.report.Has&charge.HasSOC != 0 && math.Abs(p.report.SOCPct-r.SOCPct) > 3.5 {
			t.Fatalf("%s says SOC %.1f, its pile %.1f", r.VIN, r.SOCPct, p.report.SOCPct)
		}
		if r.CurrentA >= 0 && p.report.PowerKW > 1 {
			t.Fatalf("%s charges with %.1f A", r.VIN, r.CurrentA)
		}
	}
	if charging < 150 || hidden > charging/5 {
		t.Fatalf("%d cars charge, %d of them unseen", charging, hidden)
	}
}

// TestMetersAddUp follows piles second by second: what a session says it gave
// is the sum of the power that was reported, and the meter has moved by it.
func TestMetersAddUp(t *testing.T) {
	f := newFleet(t, 300, Config{Seed: 12, Start: monday(12), Cadence: time.Second})
	type run struct {
		last          charge.PileReport
		kwh, firstKWh float64
		meter         float64
		from          charge.Millis
	}
	runs := map[string]*run{}
	checked, long := 0, 0
	f.Step(f.Now().Add(40*time.Minute), &listener{pile: func(p int, r *charge.PileReport) {
		id := operators[p].slug + r.ID
		g := runs[id]
		if r.Status != charge.StatusCharging || g != nil && g.last.Session != r.Session {
			if g != nil && g.last.TS.Sub(g.from) > 10*time.Minute {
				long++
			}
			delete(runs, id)
			if r.Status != charge.StatusCharging {
				return
			}
			g = nil
		}
		if g == nil {
			runs[id] = &run{last: *r, firstKWh: r.EnergyKWh, meter: r.MeterKWh, from: r.TS}
			return
		}
		if r.EnergyKWh < g.last.EnergyKWh || r.MeterKWh < g.last.MeterKWh {
			t.Fatalf("pile %s counts backwards: %.2f after %.2f", id, r.EnergyKWh, g.last.EnergyKWh)
		}
		g.kwh += (r.PowerKW + g.last.PowerKW) / 2 * r.TS.Sub(g.last.TS).Hours()
		got := r.EnergyKWh - g.firstKWh
		if math.Abs(got-g.kwh) > 0.02+0.01*g.kwh {
			t.Fatalf("pile %s: ∫P = %.3f kWh since %s, it says %.3f", id, g.kwh, g.from, got)
		}
		if math.Abs(r.MeterKWh-g.meter-got) > 0.03 {
			t.Fatalf("pile %s: its meter moved by %.2f of %.2f kWh", id, r.MeterKWh-g.meter, got)
		}
		if r.Has&charge.HasCurrent != 0 && r.PowerKW > 0.2 && math.Abs(r.PowerKW-r.VoltageV*r.CurrentA/1000) > 0.05*r.PowerKW {
			t.Fatalf("pile %s: %.2f kW is not %.1f V × %.2f A", id, r.PowerKW, r.VoltageV, r.CurrentA)
		}
		g.last = *r
		checked++
	}})
	if checked < 10_000 {
		t.Fatalf("only %d reports of charging piles", checked)
	}
}

// TestBills holds every session's record against itself and the vehicle.
func TestBills(t *testing.T) {
	f := newFleet(t, 4000, Config{Seed: 13, Start: monday(11)})
	packs := map[string]float64{}
	for _, v := range f.Vehicles {
		packs[v.VIN] = v.BatteryKWh
	}
	bills, split, reasons := 0, 0, map[int16]int{}
	ids := map[string]bool{}
	f.Step(monday(14), &listener{session: func(p int, s *charge.Session) {
		bills++
		reasons[s.StopReason]++
		if ids[s.ID] || len(s.ID) != 27 || s.ID[:9] != operators[p].orgID {
			t.Fatalf("order %q is there twice or not of %s", s.ID, operators[p].slug)
		}
		ids[s.ID] = true
		if s.End <= s.Start || s.EnergyKWh < 0 || len(s.Bands) == 0 {
			t.Fatalf("session %+v is no session", s)
		}
		if s.VIN != "" && s.EnergyKWh > packs[s.VIN]*1.15 {
			t.Fatalf("%s took %.1f kWh into %.1f", s.VIN, s.EnergyKWh, packs[s.VIN])
		}
		var kwh float64
		var energy, service int64
		at := s.Start
		for _, b := range s.Bands {
			if b.From != at || b.To <= b.From {
				t.Fatalf("bands of %s do not follow each other: %+v", s.ID, s.Bands)
			}
			at = b.To
			kwh += b.EnergyKWh
			energy += b.EnergyFen
			service += b.ServiceFen
		}
		if at != s.End || math.Abs(kwh-s.EnergyKWh) > 1e-6 || energy != s.EnergyFen || service != s.ServiceFen ||
			s.TotalFen != energy+service {
			t.Fatalf("bands of %+v do not add up", s)
		}
		if len(s.Bands) > 1 {
			split++
			if local := s.Bands[1].From.Time().In(f.cfg.City.Zone); local.Minute() != 0 || local.Second() != 0 {
				t.Fatalf("a band of %s begins at %s", s.ID, local)
			}
		}
	}})
	if bills < 200 || split < 20 || len(reasons) != 5 || reasons[0] < reasons[1] || reasons[2] < reasons[1] {
		t.Fatalf("%d bills, %d over a band's edge, stop reasons %v", bills, split, reasons)
	}
}

// TestPackTakesWhatThePileGives compares SOC before and after each charging.
func TestPackTakesWhatThePileGives(t *testing.T) {
	f := newFleet(t, 2000, Config{Seed: 14, Cadence: time.Hour})
	checked := 0
	for f.now < int64(monday(12)) {
		f.Step(charge.Millis(f.now+minute), newDigest())
		for i := range f.sessions {
			s := &f.sessions[i]
			if s.pile == none || s.vehicle == none || s.stage != ended || s.soc1 == s.soc0 {
				continue
			}
			v := &f.vehicles[s.vehicle]
			loss := lossOf(models[f.piles[s.pile].model].kind)
			gained, given := (s.soc1-s.soc0)/100*float64(v.pack), s.kwh()*(1-loss)
			if math.Abs(gained-given) > 1e-6*given || v.soc != s.soc1 {
				t.Fatalf("pack of %d gained %.4f kWh of %.4f; SOC %.3f after %.3f", s.vehicle, gained, given, v.soc, s.soc1)
			}
			checked++
		}
	}
	if checked < 300 {
		t.Fatalf("only %d sessions seen ended", checked)
	}
}
