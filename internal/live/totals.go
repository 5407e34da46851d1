package live

import (
	"math"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

const wmsPerKWh = 3.6e9 // watt-milliseconds

// Totals returns the 5-minute rows of t: counts and power as they are now,
// energy and reports since the last rows. What they say is taken off when the
// record that carries them is applied. Writer's side, right after t's tick.
func (s *State) Totals(t charge.Millis) []record.TotalRow {
	table := s.parties.Load()
	s.sumMu.RLock()
	defer s.sumMu.RUnlock()
	rows := []record.TotalRow{s.city.row(record.ScopeCity, "", t)}
	for _, p := range table.shown(charge.Operator) {
		rows = append(rows, p.sum.row(record.ScopeOperator, p.slug(), t))
	}
	for _, p := range table.shown(charge.Maker) {
		rows = append(rows, p.sum.row(record.ScopeMaker, p.slug(), t))
	}
	for i, id := range s.districts {
		row := s.byPlace[i].row(record.ScopeDistrict, id, t)
		if len(s.borders) == 0 {
			row.Vehicles = charge.VehicleCounts{Total: -1}
		}
		rows = append(rows, row)
	}
	return rows
}

func (u *sum) row(scope record.Scope, id string, t charge.Millis) record.TotalRow {
	return record.TotalRow{
		Scope: scope, ID: id, T: t, Piles: u.piles(), Vehicles: u.vehicles,
		PowerKW: u.powerKW(), EnergyKWh: float64(u.energyWms) / wmsPerKWh, Taken: uint64(max(0, u.taken)),
	}
}

// subtract takes off what rows say.
func (s *State) subtract(rows []record.TotalRow) {
	table := s.parties.Load()
	s.sumMu.Lock()
	defer s.sumMu.Unlock()
	for i := range rows {
		r := &rows[i]
		var u *sum
		switch r.Scope {
		case record.ScopeCity:
			u = &s.city
		case record.ScopeOperator, record.ScopeMaker:
			if p := table.bySlug[r.ID]; p != nil {
				u = &p.sum
			}
		case record.ScopeDistrict:
			if place, ok := s.district[r.ID]; ok {
				u = &s.byPlace[place]
			}
		}
		if u != nil {
			u.energyWms = less(u.energyWms, int64(math.Round(r.EnergyKWh*wmsPerKWh)))
			u.taken = less(u.taken, int64(r.Taken))
		}
	}
}

// less returns have − off, but not beyond 0: after a crash the ticks between the
// snapshot and the rows are lost, so that rows may say more than was kept.
func less(have, off int64) int64 {
	if have >= 0 && off >= have || have <= 0 && off <= have {
		return 0
	}
	return have - off
}

// maxGap is the longest time between two ticks for which the power before it
// is taken to have held. After a longer one nobody knows.
const maxGap = 60_000

// accumulate adds the energy since the last tick.
func (s *State) accumulate(elapsed charge.Millis) {
	if elapsed <= 0 || elapsed > maxGap {
		return
	}
	s.sumMu.Lock()
	defer s.sumMu.Unlock()
	add := func(u *sum) { u.energyWms += u.powerW * int64(elapsed) }
	add(&s.city)
	for i := range s.byPlace {
		add(&s.byPlace[i])
	}
	for _, p := range s.parties.Load().byNum {
		if p != nil {
			add(&p.sum)
		}
	}
}
