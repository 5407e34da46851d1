package quality

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// carModel keeps every report and finds the rules of a vehicle's past by
// walking back through them. Its numbers are its own.
type carModel struct {
	taken  []charge.VehicleReport
	doubts []charge.VehicleReport // since the last position that was believed
}

func apartM(a, b charge.VehicleReport) float64 {
	const degree = 111_195.08
	return math.Hypot((a.Lon-b.Lon)*degree*math.Cos(25*math.Pi/180), (a.Lat-b.Lat)*degree)
}

func fast(a, b charge.VehicleReport) bool {
	m, s := apartM(a, b), float64(b.TS-a.TS)/1000
	return m > 500 && m/s*3.6 > 200
}

// last returns the newest taken report with all of these members.
func (c *carModel) last(has charge.Has) *charge.VehicleReport {
	for i := len(c.taken) - 1; i >= 0; i-- {
		if c.taken[i].Has&has == has {
			return &c.taken[i]
		}
	}
	return nil
}

func (c *carModel) judge(r charge.VehicleReport) (found []string) {
	if at := c.last(charge.HasPosition); r.Has&charge.HasPosition != 0 && at != nil && fast(*at, r) {
		agree := 1
		for i, next := len(c.doubts)-1, r; i >= 0; i, next = i-1, c.doubts[i] {
			if next.TS-c.doubts[i].TS > 600_000 || fast(c.doubts[i], next) {
				break
			}
			agree++
		}
		if agree < 3 {
			c.doubts = append(c.doubts, r)
			return []string{"geo.teleport history"}
		}
	}
	if old := c.last(charge.HasOdometer); r.Has&charge.HasOdometer != 0 && old != nil {
		m := (r.OdometerKM - old.OdometerKM) * 1000
		if m < -101 {
			found = append(found, "odo.decrease flag")
		}
		if m > 500+float64(r.TS-old.TS)/1000*200/3.6+1 {
			found = append(found, "odo.jump flag")
		}
	}
	drives := func(r *charge.VehicleReport) bool { return r.SpeedKMH > 5 && r.Charge == 3 }
	if old := c.last(charge.HasSOC); r.Has&charge.HasSOC != 0 && old != nil {
		d, s := r.SOCPct-old.SOCPct, float64(r.TS-old.TS)/1000
		if math.Abs(d) > max(5, s/6) || d > 2 && s <= 300 && drives(old) && drives(&r) {
			found = append(found, "soc.jump flag")
		}
	}
	if r.Has&charge.HasPosition != 0 && r.SpeedKMH > 20 {
		since := r.TS
		for _, old := range slices.Backward(c.taken) {
			if old.Has&charge.HasPosition == 0 {
				continue
			}
			if old.Lon != r.Lon || old.Lat != r.Lat || old.SpeedKMH <= 20 {
				break
			}
			since = old.TS
		}
		if r.TS-since >= 300_000 {
			found = append(found, "geo.stuck flag")
		}
	}
	c.taken = append(c.taken, r)
	if r.Has&charge.HasPosition != 0 {
		c.doubts = nil
	}
	return found
}

func TestVehiclesPastIsThatOfAModel(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	seen := map[string]int{}
	pick := func(of ...float64) float64 { return of[r.IntN(len(of))] }
	for object := range 2000 {
		var m, replayed VehicleMemory
		var model carModel
		now, odo := noon, 1000.0
		for i := range 60 {
			now += charge.Millis(1+r.IntN(3)*r.IntN(100)) * second
			odo += pick(0, 0, 0.2, 0.2, 3, 40, -0.05, -2)
			c := charge.VehicleReport{VIN: vin, TS: now, Lat: 25, Lon: 102.7 + pick(0, 0, 0, 0, 0.003, 0.02, 0.6),
				SpeedKMH: pick(0, 19, 30, 30, 30), OdometerKM: odo, SOCPct: pick(50, 50, 51, 53, 54.5, 60),
				Charge: uint8(pick(1, 3, 3))}
			c.Has = charge.HasSpeed | charge.HasCharge
			for _, bit := range []charge.Has{charge.HasPosition, charge.HasOdometer, charge.HasSOC} {
				if r.IntN(10) > 0 {
					c.Has |= bit
				}
			}
			var want []string
			if r.IntN(12) == 0 && i > 0 { // late: nothing of it is compared or kept
				c.TS -= charge.Millis(1000+r.IntN(3)) * second
				c.SpeedKMH += float64(i) / 100        // never the same again
				want = []string{"time.stale history"} // it is 1,000 s old or more
				if c.TS <= model.taken[len(model.taken)-1].TS {
					want = append(want, "time.out-of-order history")
				} else if at := model.last(charge.HasPosition); at != nil && c.Has&charge.HasPosition != 0 && fast(*at, c) {
					model.doubts = append(model.doubts, c)
				}
			} else {
				want = model.judge(c)
			}
			var f Findings
			v, _ := JudgeVehicle(&m, &c, VehicleFacts{}, now, limits(), &f)
			slices.Sort(want)
			if got := words(f); got != strings.Join(want, ", ") {
				t.Fatalf("vehicle %d, report %d: %q, the model says %q", object, i, f, want)
			}
			for _, w := range want {
				seen[w]++
			}
			replayed.Remember(&c, v, now, limits())
			if replayed != m {
				t.Fatalf("vehicle %d, report %d: replay gives another memory", object, i)
			}
		}
		checkSnapshot(t, new(PileMemory), &m)
	}
	wantSeen(t, seen, "geo.teleport history", "geo.stuck flag", "odo.decrease flag", "odo.jump flag", "soc.jump flag")
}

func wantSeen(t *testing.T, seen map[string]int, rules ...string) {
	t.Helper()
	for _, rule := range rules {
		if seen[rule] < 100 {
			t.Errorf("%s came only %d times", rule, seen[rule])
		}
	}
}

// pileModel keeps every report and finds the rules of a pile's past by walking
// back through them.
type pileModel struct{ taken []charge.PileReport }

// most returns the energy that the session of the last report has shown.
func (p *pileModel) most() (kWh float64, any bool) {
	last := p.taken[len(p.taken)-1]
	for _, old := range slices.Backward(p.taken) {
		if old.Session != last.Session || last.Session == "" && old.TS != last.TS {
			break
		}
		if old.Has&charge.HasEnergy != 0 {
			kWh, any = max(kWh, old.EnergyKWh), true
		}
	}
	return kWh, any
}

// differs reports whether r says more than the last report of p.
func (p *pileModel) differs(r charge.PileReport) bool {
	last := p.taken[len(p.taken)-1]
	if r.Status != last.Status || r.Session != last.Session || r.PowerKW != last.PowerKW ||
		r.Has&charge.HasSOC != last.Has&charge.HasSOC || r.SOCPct != last.SOCPct {
		return true
	}
	most, any := p.most()
	return r.Has&charge.HasEnergy != 0 && (!any || r.EnergyKWh > most)
}

func (p *pileModel) judge(r charge.PileReport) (found []string) {
	if len(p.taken) > 0 {
		last := p.taken[len(p.taken)-1]
		s := float64(r.TS-last.TS) / 1000
		const soc = charge.HasSOC
		if d := math.Abs(r.SOCPct - last.SOCPct); r.Has&soc != 0 && last.Has&soc != 0 && r.Session != "" &&
			r.Session == last.Session && d > max(5, s/6) {
			found = append(found, "soc.jump flag")
		}
		if most, any := p.most(); any && r.Has&charge.HasEnergy != 0 && r.Session != "" && r.Session == last.Session &&
			r.EnergyKWh < most-0.02 {
			found = append(found, "energy.decrease flag")
		}
		if edge := [2]charge.Status{last.Status, r.Status}; s <= 5 && (edge == [2]charge.Status{1, 3} ||
			edge == [2]charge.Status{4, 3} || edge == [2]charge.Status{255, 3} || edge == [2]charge.Status{3, 4}) {
			found = append(found, "status.edge flag")
		}
		since := p.taken[0].TS // of the last change
		for i := len(p.taken) - 1; i > 0; i-- {
			if (&pileModel{p.taken[:i]}).differs(p.taken[i]) {
				since = p.taken[i].TS
				break
			}
		}
		if !p.differs(r) && r.TS-since >= 30*24*60*minute {
			found = append(found, "status.unchanged flag")
		}
	}
	if r.Status == 3 && r.Has&charge.HasPower != 0 && r.PowerKW < 0.1 {
		since := r.TS
		for _, old := range slices.Backward(p.taken) {
			if old.Status != 3 || old.PowerKW >= 0.1 {
				break
			}
			if old.Has&charge.HasPower != 0 {
				since = old.TS
			}
		}
		if r.TS-since >= 10*minute {
			found = append(found, "status.charging-no-power flag")
		}
	}
	p.taken = append(p.taken, r)
	return found
}

func TestPilesPastIsThatOfAModel(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	seen := map[string]int{}
	pick := func(of ...float64) float64 { return of[r.IntN(len(of))] }
	for object := range 2000 {
		var m, replayed PileMemory
		var model pileModel
		now := noon
		p := charge.PileReport{ID: "p", Status: 3, Session: "A", Has: charge.HasSession}
		for i := range 40 {
			now += charge.Millis(pick(2, 4, 30, 200, 700, 10*86400)) * second
			p.TS = now
			if r.IntN(3) == 0 {
				p.Status = charge.Status(pick(1, 2, 3, 3, 3, 4, 255, 0))
			}
			if r.IntN(6) == 0 {
				p.Session = []string{"", "A", "B"}[r.IntN(3)]
			}
			if r.IntN(3) == 0 {
				p.PowerKW, p.SOCPct, p.EnergyKWh = 0, 0, 0
				p.Has = charge.Has(r.Uint32()) & (charge.HasPower | charge.HasSOC | charge.HasEnergy)
				if p.Has&charge.HasPower != 0 {
					p.PowerKW = pick(0, 0, 0.05, 0.3)
				}
				if p.Has&charge.HasSOC != 0 {
					p.SOCPct = pick(50, 52, 56, 70)
				}
				if p.Has&charge.HasEnergy != 0 {
					p.EnergyKWh = pick(1, 1.01, 3, 9)
				}
			}
			if p.Has &^= charge.HasSession; p.Session != "" {
				p.Has |= charge.HasSession
			}
			c := p
			want := model.judge(c)
			var f Findings
			v := JudgePile(&m, &c, PileFacts{}, now, limits(), &f)
			f = slices.DeleteFunc(f, func(x charge.Finding) bool { return x.Rule == charge.RuleOfflineBusy })
			slices.Sort(want)
			if got := words(f); got != strings.Join(want, ", ") {
				t.Fatalf("pile %d, report %d: %q, the model says %q", object, i, f, want)
			}
			for _, w := range want {
				seen[w]++
			}
			replayed.Remember(&c, v, now, limits())
			if replayed != m {
				t.Fatalf("pile %d, report %d: replay gives another memory", object, i)
			}
		}
		checkSnapshot(t, &m, new(VehicleMemory))
	}
	wantSeen(t, seen, "soc.jump flag", "energy.decrease flag", "status.edge flag", "status.unchanged flag",
		"status.charging-no-power flag")
}
