package fleet

import (
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/quality"
)

// TestCleanDataPassesThePlatformsRules lets the platform's own rules judge what
// a city without injected faults sends, over the hours of its morning and night.
func TestCleanDataPassesThePlatformsRules(t *testing.T) {
	f := func(cfg Config, lasts time.Duration) {
		t.Helper()
		const n = 2000
		fl := newFleet(t, n, cfg)
		limits := quality.DefaultLimits()
		limits.Province, limits.Water = fl.cfg.City.Province, fl.cfg.City.Water
		found := map[charge.Rule]int{}
		sample := map[charge.Rule]string{}
		var findings quality.Findings
		tally := func(v charge.Verdict) {
			t.Helper()
			if v != charge.Taken {
				found["not taken"]++
			}
			for _, x := range findings {
				found[x.Rule]++
				sample[x.Rule] = x.Detail
			}
			findings = findings[:0]
		}
		facts := map[string]quality.PileFacts{}
		for party, s := range fl.Stations {
			quality.CheckStation(s, &limits, &findings)
			if len(s.Piles) > 50 { // which the rules find odd and the domain page real
				findings = findings[:0]
			}
			tally(charge.Taken)
			for _, p := range s.Piles {
				facts[operators[party].slug+p.ID] = quality.PileFacts{RatedKW: p.RatedKW, Kind: p.Kind}
			}
		}
		cars := map[string]quality.VehicleFacts{}
		for _, v := range fl.Vehicles {
			quality.CheckFleet(v, &findings)
			tally(charge.Taken)
			cars[v.VIN] = quality.VehicleFacts{Class: v.Class, BatteryKWh: v.BatteryKWh}
		}
		piles, vehicles := map[string]*quality.PileMemory{}, map[string]*quality.VehicleMemory{}
		reports := 0
		fl.Step(fl.Now().Add(lasts), &listener{
			pile: func(p int, r *charge.PileReport) {
				id := operators[p].slug + r.ID
				if piles[id] == nil {
					piles[id] = &quality.PileMemory{}
				}
				reports++
				tally(quality.JudgePile(piles[id], r, facts[id], r.TS.Add(300*time.Millisecond), &limits, &findings))
			},
			vehicle: func(_ int, r *charge.VehicleReport) {
				if vehicles[r.VIN] == nil {
					vehicles[r.VIN] = &quality.VehicleMemory{}
				}
				reports++
				v, off := quality.JudgeVehicle(vehicles[r.VIN], r, cars[r.VIN], r.TS.Add(300*time.Millisecond), &limits, &findings)
				tally(v)
				if off {
					t.Fatalf("%s is off the map at %v, %v", r.VIN, r.Lon, r.Lat)
				}
			},
			session: func(p int, s *charge.Session) {
				reports++
				m := piles[operators[p].slug+s.PileID]
				if m == nil {
					m = &quality.PileMemory{}
					piles[operators[p].slug+s.PileID] = m
				}
				x := quality.SessionFacts{Pile: facts[operators[p].slug+s.PileID]}
				if !quality.JudgeSession(m, s, &x, s.End.Add(time.Second), &limits, &findings) {
					found["session refused"]++
				}
				tally(charge.Taken)
			},
		})
		for rule, times := range found {
			t.Errorf("%s: %d times in %d reports, such as %s", rule, times, reports, sample[rule])
		}
		if reports < 100_000 {
			t.Errorf("only %d reports", reports)
		}
	}

	f(Config{Seed: 21, Start: monday(7)}, 90*time.Minute)
	f(Config{Seed: 22, Start: monday(23)}, 90*time.Minute)
	f(Config{Seed: 23, Start: monday(17), Cadence: 5 * time.Second}, 10*time.Minute)
}
