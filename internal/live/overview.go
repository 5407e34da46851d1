package live

import (
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/city"
)

// Overview is the whole city, all of one moment.
type Overview struct {
	At        charge.Millis // last tick
	Vehicles  charge.VehicleCounts
	Piles     charge.PileCounts
	PowerKW   float64
	Stations  int
	Operators int
	Makers    int
}

// OperatorRow is one operator's share.
type OperatorRow struct {
	Num          charge.Num
	ID           string // slug
	Name, NameEn string
	Stations     int
	Piles        charge.PileCounts
	PowerKW      float64
	LastReportAt charge.Millis // newest min(ts, received) of its taken reports; 0: none
}

// MakerRow is one maker's share.
type MakerRow struct {
	Num          charge.Num
	ID           string
	Name, NameEn string
	Vehicles     charge.VehicleCounts
	LastReportAt charge.Millis
}

// DistrictRow is one district's share.
type DistrictRow struct {
	ID           string // adcode, or "unknown"
	Name, NameEn string
	Stations     int
	Piles        charge.PileCounts
	PowerKW      float64
	Vehicles     *charge.VehicleCounts // nil as long as the city has no official borders
	LastReportAt charge.Millis
}

// Overview returns the city's figures.
func (s *State) Overview() Overview {
	t := s.parties.Load()
	o := Overview{
		At: s.now(), Operators: len(t.shown(charge.Operator)), Makers: len(t.shown(charge.Maker)),
	}
	s.sumMu.RLock()
	defer s.sumMu.RUnlock()
	o.Vehicles, o.Piles = s.city.vehicles, s.city.piles()
	o.PowerKW, o.Stations = s.city.powerKW(), s.city.stations
	return o
}

// Operators returns a row for each operator, in the order of their numbers,
// all of one moment.
func (s *State) Operators() []OperatorRow {
	shown := s.parties.Load().shown(charge.Operator)
	out := make([]OperatorRow, 0, len(shown))
	s.sumMu.RLock()
	defer s.sumMu.RUnlock()
	for _, p := range shown {
		info := p.info.Load()
		out = append(out, OperatorRow{
			Num: p.num, ID: info.Slug, Name: info.Name, NameEn: info.NameEn, Stations: p.sum.stations,
			Piles: p.sum.piles(), PowerKW: p.sum.powerKW(), LastReportAt: p.sum.last,
		})
	}
	return out
}

// Makers returns a row for each maker, in the order of their numbers.
func (s *State) Makers() []MakerRow {
	shown := s.parties.Load().shown(charge.Maker)
	out := make([]MakerRow, 0, len(shown))
	s.sumMu.RLock()
	defer s.sumMu.RUnlock()
	for _, p := range shown {
		info := p.info.Load()
		out = append(out, MakerRow{
			Num: p.num, ID: info.Slug, Name: info.Name, NameEn: info.NameEn,
			Vehicles: p.sum.vehicles, LastReportAt: p.sum.last,
		})
	}
	return out
}

// Districts returns a row for each district of the city, in the city's order,
// and for piles without one, "unknown", last.
func (s *State) Districts() []DistrictRow {
	out := make([]DistrictRow, 0, len(s.districts))
	s.sumMu.RLock()
	defer s.sumMu.RUnlock()
	for i, id := range s.districts {
		u := &s.byPlace[i]
		row := DistrictRow{
			ID: id, Name: "未知", NameEn: "Unknown", Stations: u.stations,
			Piles: u.piles(), PowerKW: u.powerKW(), LastReportAt: u.last,
		}
		if id != city.UnknownDistrict {
			row.Name, row.NameEn = s.cfg.City.Districts[i].Name, s.cfg.City.Districts[i].NameEn
		}
		if s.borders != nil {
			v := u.vehicles
			row.Vehicles = &v
		}
		out = append(out, row)
	}
	return out
}
