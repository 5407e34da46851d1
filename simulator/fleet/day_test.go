package fleet

import (
	"fmt"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// census is what a city looks like at one moment.
type census struct {
	charging, publicDC, publicDCCharging, broken, offline, reserved, blocked, publics int
	loadKW                                                                            float64
	road                                                                              [kinds]float64
	soc                                                                               float64
}

func (f *Fleet) census() census {
	var c census
	for i := range f.piles {
		p := &f.piles[i]
		public := f.stations[p.station].role == rolePublic
		dc := public && models[p.model].kind == charge.DC
		if public {
			c.publics++
			if p.session == none && f.blocked(int32(i), f.now) {
				c.blocked++
			}
		}
		if dc {
			c.publicDC++
		}
		switch {
		case p.down == unlinked || f.linkDown(p, f.now):
			c.offline++
		case p.down != works:
			c.broken++
		case p.status == uint8(charge.StatusReserved):
			c.reserved++
		case p.status == uint8(charge.StatusCharging):
			c.charging++
			if dc {
				c.publicDCCharging++
			}
			_, kw, _ := f.sessions[p.session].now(f.now)
			c.loadKW += kw
		}
	}
	var n [kinds]float64
	for i := range f.vehicles {
		v := &f.vehicles[i]
		n[v.kind]++
		if v.act == driving {
			c.road[v.kind]++
		}
		c.soc += v.soc / float64(len(f.vehicles))
	}
	for k := range n {
		c.road[k] *= 100 / max(1, n[k])
	}
	return c
}

// TestDayCurve lets a city of 1:1 live for a day and holds it against the
// domain page's figures (§§3, 4, 10).
func TestDayCurve(t *testing.T) {
	const n = 12_000
	f := newFleet(t, n, Config{Seed: 9, Start: monday(0), Cadence: time.Hour})
	var public, unseen, ac, dc int
	var acKWh, dcKWh float64
	roleOf := map[string]role{}
	modelOf := map[string]*model{}
	for i := range f.piles {
		s := &f.stations[f.piles[i].station]
		modelOf[operators[s.party].slug+f.names.pile(int32(i))] = &models[f.piles[i].model]
		roleOf[operators[s.party].slug+f.names.pile(int32(i))] = s.role
	}
	bills := &listener{session: func(p int, s *charge.Session) {
		id := operators[p].slug + s.PileID
		if roleOf[id] != roleHome {
			public++
			if s.VIN == "" {
				unseen++
			}
		}
		if modelOf[id].kind == charge.AC {
			ac++
			acKWh += s.EnergyKWh
		} else {
			dc++
			dcKWh += s.EnergyKWh
		}
	}}
	var hourly [24]census
	const samples = 6 // an hour
	for h := range hourly {
		c := &hourly[h]
		for range samples {
			f.Step(f.Now().Add(time.Hour/samples), bills)
			now := f.census()
			c.charging += now.charging
			c.publicDC += now.publicDC
			c.publicDCCharging += now.publicDCCharging
			c.offline += now.offline
			c.broken += now.broken
			c.reserved += now.reserved
			c.blocked += now.blocked
			c.publics += now.publics
			c.loadKW += now.loadKW / samples
			for k := range now.road {
				c.road[k] += now.road[k] / samples
			}
			c.soc += now.soc / samples
		}
	}
	mean := func(from, to int, of func(*census) float64) float64 {
		sum := 0.0
		for h := from; h < to; h++ {
			sum += of(&hourly[h]) / float64(to-from)
		}
		return sum
	}
	within := func(what string, got, lo, hi float64) {
		t.Helper()
		t.Logf("%s: %.2f (%v to %v)", what, got, lo, hi)
		if got < lo || got > hi {
			t.Errorf("%s is %.2f, want %v to %v", what, got, lo, hi)
		}
	}
	charging := func(c *census) float64 { return 100 * float64(c.charging) / (samples * n) }
	load := func(c *census) float64 { return c.loadKW }
	all := func(of func(*census) int) float64 {
		return mean(0, 24, func(c *census) float64 { return 100 * float64(of(c)) / (samples * n) })
	}

	for h := range hourly {
		// The domain's 4 to 9 % are the day's; when timers start at night it is more.
		within(fmt.Sprintf("connectors that charge at %02d, %%", h), 100*float64(hourly[h].charging)/samples/n, 4, 12)
	}
	within("connectors that charge, %", mean(0, 24, charging), 4, 9)
	within("public DC that charges, %", mean(0, 24, func(c *census) float64 {
		return 100 * float64(c.publicDCCharging) / float64(c.publicDC)
	}), 8, 20)
	within("broken, %", all(func(c *census) int { return c.broken }), 0.8, 1.5)
	within("offline, %", all(func(c *census) int { return c.offline }), 4, 7)
	within("reserved, %", all(func(c *census) int { return c.reserved }), 0.001, 0.5)
	within("blocked public bays, %", mean(0, 24, func(c *census) float64 {
		return 100 * float64(c.blocked) / float64(c.publics)
	}), 1, 2)
	within("public sessions of cars outside the set, %", 100*float64(unseen)/float64(public), 40, 60)
	within("sessions on DC, %", 100*float64(dc)/float64(ac+dc), 60, 80)
	within("energy on DC, %", 100*dcKWh/(acKWh+dcKWh), 65, 85)
	within("mean SOC, %", mean(0, 24, func(c *census) float64 { return c.soc }), 50, 75)

	// Two peaks follow the tariff: the valleys at noon and at night stand out
	// from the morning and the evening.
	within("night valley's charging against the morning's", mean(0, 5, charging)/mean(7, 10, charging), 1.5, 4)
	within("noon valley's charging against the morning's", mean(12, 15, charging)/mean(7, 10, charging), 1.15, 4)
	within("noon valley's charging against the evening's", mean(12, 15, charging)/mean(17, 20, charging), 1.1, 3)
	valley := (mean(2, 6, load) + mean(12, 16, load)) / 2
	peak := (mean(7, 9, load)*2 + mean(18, 24, load)*6) / 8
	within("load in the valley against the peak band", valley/peak, 1.02, 2)

	// On the road, by class and hour.
	road := func(k kind, h int) float64 { return hourly[h].road[k] }
	within("private at 03", road(private, 3), 1, 4)
	within("private at 08", road(private, 8), 13, 20)
	within("private at 22", road(private, 22), 4, 8)
	within("taxi at 18", road(taxi, 18), 65, 88)
	within("taxi at 03", road(taxi, 3), 33, 52)
	within("ride-hailing at 18", road(ridehail, 18), 50, 72)
	within("ride-hailing at 03", road(ridehail, 3), 17, 33)
	within("bus at 02", road(bus, 2), 0, 8)
	within("bus at 10", road(bus, 10), 62, 85)
	within("logistics at 10", road(logistics, 10), 40, 60)
}
