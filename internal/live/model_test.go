package live

import (
	"math"
	"slices"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// model is what State should be, said as plainly as possible: it keeps what
// came and counts everything anew whenever it is asked.
type model struct {
	at       charge.Millis
	parties  map[charge.Num]charge.Party
	stations map[charge.Num]charge.Station
	piles    map[charge.Num]modelPile
	vehicles map[charge.Num]charge.Vehicle
	cars     map[charge.Num]modelCar
	energy   map[string]int64 // W·ms by scope: "city", a slug, an adcode
	taken    map[string]int64
	last     map[string]charge.Millis
	cells    map[modelCell]geo.Cell
	centers  map[geo.Cell]geo.Point
}

type modelPile struct {
	report   charge.PileReport
	received charge.Millis
}

type modelCar struct {
	report   charge.VehicleReport
	received charge.Millis
	offMap   bool
}

type modelCell struct {
	at  geo.Point
	res int
}

const modelStale = 300_000

func newModel() *model {
	return &model{
		parties: map[charge.Num]charge.Party{}, stations: map[charge.Num]charge.Station{},
		piles: map[charge.Num]modelPile{}, vehicles: map[charge.Num]charge.Vehicle{}, cars: map[charge.Num]modelCar{},
		energy: map[string]int64{}, taken: map[string]int64{}, last: map[string]charge.Millis{},
		cells: map[modelCell]geo.Cell{}, centers: map[geo.Cell]geo.Point{},
	}
}

func (m *model) apply(r *record.Record) {
	slug := m.parties[r.Party].Slug
	switch r.Kind {
	case record.PartyGone:
		for n, st := range m.stations {
			if st.Party == r.Party {
				delete(m.stations, n)
			}
		}
		for n, v := range m.vehicles {
			if v.Party == r.Party {
				delete(m.vehicles, n)
				delete(m.cars, n)
			}
		}
		return
	case record.Totals:
		for _, row := range r.Rows {
			id := row.ID
			if row.Scope == record.ScopeCity {
				id = "city"
			}
			m.energy[id] -= int64(math.Round(row.EnergyKWh * 3_600_000_000))
			m.taken[id] -= int64(row.Taken)
		}
		return
	}
	for _, p := range r.Stations {
		if p.Removed {
			delete(m.stations, p.Station.Num)
			continue
		}
		for n, other := range m.stations {
			other.Piles = slices.DeleteFunc(slices.Clone(other.Piles), func(q charge.Pile) bool {
				return slices.ContainsFunc(p.Station.Piles, func(o charge.Pile) bool { return o.Num == q.Num })
			})
			m.stations[n] = other
		}
		st := p.Station
		st.Piles = slices.Clone(st.Piles)
		m.stations[st.Num] = st
	}
	for _, v := range r.Vehicles {
		m.vehicles[v.Num] = v
	}
	for _, it := range r.Piles {
		if it.Verdict != charge.Taken {
			continue
		}
		m.piles[it.Num] = modelPile{it.Report, r.Received}
		scopes := []string{"city", slug}
		if st, ok := m.stationOf(it.Num); ok {
			scopes = append(scopes, modelDistrict(st.District))
		}
		m.took(scopes, min(it.Report.TS, r.Received))
	}
	for _, it := range r.Fleet {
		if it.Verdict != charge.Taken {
			continue
		}
		if _, ok := m.vehicles[it.Num]; !ok {
			m.vehicles[it.Num] = charge.Vehicle{Num: it.Num, Party: r.Party, VIN: it.Report.VIN}
		}
		m.cars[it.Num] = modelCar{it.Report, r.Received, it.OffMap}
		m.took([]string{"city", slug}, min(it.Report.TS, r.Received))
	}
}

func (m *model) took(scopes []string, eff charge.Millis) {
	for _, s := range scopes {
		m.taken[s]++
		m.last[s] = max(m.last[s], eff)
	}
}

func (m *model) tick(at charge.Millis) {
	elapsed := at - m.at
	first := m.at == 0
	m.at = at
	if first || elapsed > 60_000 {
		return
	}
	for _, st := range m.stations {
		for _, p := range st.Piles {
			w := m.watts(p.Num) * int64(elapsed)
			m.energy["city"] += w
			m.energy[m.parties[st.Party].Slug] += w
			m.energy[modelDistrict(st.District)] += w
		}
	}
}

func modelDistrict(reported string) string {
	switch reported {
	case "530102", "530111", "530115":
		return reported
	case "530122":
		return "530115"
	}
	return "unknown"
}

func (m *model) stationOf(pile charge.Num) (charge.Station, bool) {
	for _, st := range m.stations {
		for _, p := range st.Piles {
			if p.Num == pile {
				return st, true
			}
		}
	}
	return charge.Station{}, false
}

func (m *model) fresh(n charge.Num) bool {
	p, ok := m.piles[n]
	return ok && m.at-min(p.report.TS, p.received) <= modelStale
}

func (m *model) state(n charge.Num) string {
	if !m.fresh(n) {
		return "offline"
	}
	switch m.piles[n].report.Status {
	case 1:
		return "free"
	case 2, 3:
		return "inUse"
	case 4:
		return "reserved"
	case 255:
		return "fault"
	}
	return "offline"
}

func (m *model) watts(n charge.Num) int64 {
	if p := m.piles[n]; m.fresh(n) && p.report.Has&charge.HasPower != 0 {
		return int64(math.Round(p.report.PowerKW * 1000))
	}
	return 0
}

type modelCounts struct {
	piles    charge.PileCounts
	watts    int64
	stations int
	updated  charge.Millis
}

// count counts the stations that keep lets through.
func (m *model) count(keep func(*charge.Station) bool) modelCounts {
	var c modelCounts
	for _, st := range m.stations {
		if !keep(&st) {
			continue
		}
		c.stations++
		for _, p := range st.Piles {
			c.piles.Total++
			switch m.state(p.Num) {
			case "free":
				c.piles.Free++
			case "inUse":
				c.piles.InUse++
				if m.piles[p.Num].report.Status == 3 {
					c.piles.Charging++
				}
			case "reserved":
				c.piles.Reserved++
			case "fault":
				c.piles.Fault++
			default:
				c.piles.Offline++
			}
			c.watts += m.watts(p.Num)
			c.updated = max(c.updated, m.piles[p.Num].report.TS)
		}
	}
	return c
}

func (m *model) online(n charge.Num) bool {
	c, ok := m.cars[n]
	return ok && m.at-min(c.report.TS, c.received) <= modelStale
}

func (m *model) countCars(keep func(*charge.Vehicle) bool) charge.VehicleCounts {
	var c charge.VehicleCounts
	for n, v := range m.vehicles {
		if !keep(&v) {
			continue
		}
		c.Total++
		if !m.online(n) {
			continue
		}
		r := m.cars[n].report
		c.Online++
		if r.Has&charge.HasState != 0 && r.State == 1 && r.Has&charge.HasSpeed != 0 && r.SpeedKMH > 0 {
			c.Driving++
		}
		if r.Has&charge.HasCharge != 0 && (r.Charge == 1 || r.Charge == 2) {
			c.Charging++
		}
		if r.Has&charge.HasAlarmLevel != 0 && r.AlarmLevel > 0 {
			c.Alarm++
		}
	}
	return c
}

func (m *model) cell(p geo.Point, res int) geo.Cell {
	key := modelCell{p, res}
	c, ok := m.cells[key]
	if !ok {
		c = geo.CellAt(p, res)
		m.cells[key] = c
		m.centers[c] = c.Center()
	}
	return c
}

// heat counts a heat map.
func (m *model) heat(layer Layer, res int, box geo.Box, who Viewer) map[geo.Cell]float64 {
	seesAll := who.Role == charge.RoleRegulator
	out := map[geo.Cell]float64{}
	if layer == LayerVehicles || layer == LayerDemand {
		for n := range m.vehicles {
			r := m.cars[n].report
			if !m.online(n) || m.cars[n].offMap || r.Has&charge.HasPosition == 0 {
				continue
			}
			p := geo.Point{Lon: r.Lon, Lat: r.Lat}
			if layer == LayerVehicles || r.Has&charge.HasSOC != 0 && r.SOCPct < 30 && !m.freeNear(p) {
				out[m.cell(p, res)]++
			}
		}
	} else {
		for _, st := range m.stations {
			if own := who.Role == charge.RoleOperator && who.Party == st.Party; st.Access != charge.Public && !seesAll && !own {
				continue
			}
			c := m.count(func(o *charge.Station) bool { return o.Num == st.Num })
			v := map[Layer]int64{
				LayerCharging: int64(c.piles.Charging), LayerFree: int64(c.piles.Free),
				LayerInUse: int64(c.piles.InUse), LayerPower: c.watts,
			}[layer]
			out[m.cell(geo.Point{Lon: st.Lon, Lat: st.Lat}, res)] += float64(v)
		}
	}
	for c, v := range out {
		if layer == LayerPower {
			out[c] = v / 1000
		}
		hidden := !seesAll && (layer == LayerVehicles || layer == LayerDemand) && v < 3
		if v == 0 || hidden || !box.Contains(m.centers[c]) {
			delete(out, c)
		}
	}
	return out
}

func (m *model) freeNear(p geo.Point) bool {
	center := m.centers[m.cell(p, 9)]
	for _, st := range m.stations {
		if st.Access != charge.Public || geo.DistanceM(center, geo.Point{Lon: st.Lon, Lat: st.Lat}) > 3000 {
			continue
		}
		for _, q := range st.Piles {
			if m.state(q.Num) == "free" {
				return true
			}
		}
	}
	return false
}
