package live

import (
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/city"
	"github.com/dianchi-platform/dianchi/internal/geo"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

const vinLen = 17

// lowSOC is where demand begins, in percent; it is not part of it.
const lowSOC = 30

// vehicle is a vehicle's master data and newest taken report; see pile for its lock.
type vehicle struct {
	party *party // nil: no vehicle
	leaf  *path  // nil: not on the heat map
	model string

	batteryKWh                          float64
	ts, received                        charge.Millis
	lon, lat                            float64
	speedKMH, odometerKM, socPct        float64
	voltageV, currentA, rangeKM, insulK float64
	alarms                              uint64

	has        charge.Has
	touched    uint32
	tile       geo.Tile // 0: without a position
	shown      geo.Tile // tile at the last tick
	tileIdx    uint32
	vin        [vinLen]byte
	class      charge.Class
	state      uint8
	charge     uint8
	alarmLevel uint8
	place      uint8 // index of its district, when there are borders
	fresh      bool
	slot       uint16 // of the wheel
	flagged    bool
	offMap     bool
}

func (v *vehicle) eff() charge.Millis { return min(v.ts, v.received) }

func (v *vehicle) pos() geo.Point { return geo.Point{Lon: v.lon, Lat: v.lat} }

// mapped reports whether its position counts on the heat map while it is online.
func (v *vehicle) mapped() bool { return v.has&charge.HasPosition != 0 && !v.offMap }

func (v *vehicle) mark() uint8 {
	if !v.fresh {
		return 0
	}
	m := uint8(markOnline)
	if v.has&charge.HasState != 0 && v.state == 1 && v.has&charge.HasSpeed != 0 && v.speedKMH > 0 {
		m |= markDriving
	}
	if v.has&charge.HasCharge != 0 && (v.charge == 1 || v.charge == 2) {
		m |= markCharging
	}
	if v.has&charge.HasAlarmLevel != 0 && v.alarmLevel >= 1 {
		m |= markAlarm
	}
	if v.has&charge.HasSOC != 0 && v.socPct < lowSOC {
		m |= markLow
	}
	return m
}

func (v *vehicle) take(r *charge.VehicleReport, received charge.Millis, flagged, offMap bool) {
	v.ts, v.received, v.has = r.TS, received, r.Has
	v.lon, v.lat = r.Lon, r.Lat
	v.speedKMH, v.odometerKM, v.socPct = r.SpeedKMH, r.OdometerKM, r.SOCPct
	v.voltageV, v.currentA, v.rangeKM, v.insulK = r.VoltageV, r.CurrentA, r.RangeKM, r.InsulationKOhm
	v.state, v.charge, v.alarmLevel, v.alarms = r.State, r.Charge, r.AlarmLevel, r.Alarms
	v.flagged, v.offMap = flagged, offMap
}

func (v *vehicle) report() charge.VehicleReport {
	return charge.VehicleReport{
		VIN: string(v.vin[:]), TS: v.ts, Has: v.has, Lon: v.lon, Lat: v.lat, SpeedKMH: v.speedKMH,
		OdometerKM: v.odometerKM, SOCPct: v.socPct, VoltageV: v.voltageV, CurrentA: v.currentA,
		State: v.state, Charge: v.charge, AlarmLevel: v.alarmLevel, Alarms: v.alarms,
		RangeKM: v.rangeKM, InsulationKOhm: v.insulK,
	}
}

// putVehicle makes c what is known of vehicle c.Num from here on.
func (s *State) putVehicle(c *charge.Vehicle) {
	p := s.party(c.Party)
	if p == nil || p.gone {
		return
	}
	v := s.newVehicle(c.Num, c.VIN, p)
	if v == nil {
		return
	}
	lock := s.lockOf(c.Num)
	lock.Lock()
	v.class, v.model, v.batteryKWh = c.Class, s.texts.of(c.Model), c.BatteryKWh
	lock.Unlock()
	s.dirtyVehicle(c.Num, v)
}

// newVehicle returns number n's vehicle and makes it where there is none.
func (s *State) newVehicle(n charge.Num, vin string, p *party) *vehicle {
	v := s.vehicles.grow(n)
	if v == nil || v.party != p && len(vin) != vinLen {
		s.refuse("vehicle", n)
		return nil
	}
	if v.party == p {
		return v
	}
	if v.party != nil { // another maker: cannot be by the contract, but must not break sums
		s.removeVehicle(n, v)
	}
	lock := s.lockOf(n)
	lock.Lock()
	v.party = p
	copy(v.vin[:], vin)
	v.place = uint8(len(s.districts) - 1)
	lock.Unlock()
	s.vins.put(s.vins.hash(0, vin), n)
	s.sumMu.Lock()
	s.eachVehicleSum(v, func(u *sum) { u.vehicles.Total++ })
	s.sumMu.Unlock()
	return v
}

// removeVehicle takes vehicle n away; its number stays free.
func (s *State) removeVehicle(n charge.Num, v *vehicle) {
	mark := v.mark()
	s.sumMu.Lock()
	s.eachVehicleSum(v, func(u *sum) { u.vehicles.Total--; u.vehicle(mark, -1) })
	s.sumMu.Unlock()
	s.heatMove(v, mark, nil, 0)
	s.tiles.move(s, n, v, 0)
	s.vins.remove(s.vins.hash(0, string(v.vin[:])), n)
	s.goneCars = append(s.goneCars, VehicleMove{Num: n, Party: v.party.num, VIN: v.vin, From: v.shown})
	slot := v.slot
	lock := s.lockOf(n)
	lock.Lock()
	*v = vehicle{slot: slot}
	lock.Unlock()
}

// eachVehicleSum calls f with every sum that v counts in; the caller holds sumMu.
func (s *State) eachVehicleSum(v *vehicle, f func(*sum)) {
	f(&s.city)
	f(&v.party.sum)
	if s.borders != nil {
		f(&s.byPlace[v.place])
	}
}

// takeVehicle makes a taken report live (moves) and counts it (sums).
func (s *State) takeVehicle(from *party, it *record.VehicleItem, received charge.Millis, moves, sums bool) {
	eff := min(it.Report.TS, received)
	place := uint8(len(s.districts) - 1)
	if v := s.vehicles.at(it.Num); v != nil && v.party != nil {
		place = v.place
	}
	if it.Report.Has&charge.HasPosition != 0 {
		place = s.placeOf(geo.Point{Lon: it.Report.Lon, Lat: it.Report.Lat})
	}
	s.sumMu.Lock()
	s.city.took(eff, sums)
	from.sum.took(eff, sums)
	if s.borders != nil {
		s.byPlace[place].took(eff, sums)
	}
	s.sumMu.Unlock()
	if !moves {
		return
	}
	if v := s.newVehicle(it.Num, it.Report.VIN, from); v != nil {
		s.setReport(it, v, received, place)
	}
}

// setReport makes it v's newest report, with all that depends on it.
func (s *State) setReport(it *record.VehicleItem, v *vehicle, received charge.Millis, place uint8) {
	before, was := v.mark(), v.pos()
	lock := s.lockOf(it.Num)
	lock.Lock()
	v.take(&it.Report, received, it.Flagged, it.OffMap)
	v.fresh = v.eff()+s.stale >= s.now()
	lock.Unlock()
	after := v.mark()
	if v.fresh {
		v.slot = s.wheel.put(ref(it.Num<<1|1), v.eff()+s.stale, v.slot)
	}
	if before != after || place != v.place {
		s.sumMu.Lock()
		s.eachVehicleSum(v, func(u *sum) { u.vehicles.Total--; u.vehicle(before, -1) })
		v.place = place
		s.eachVehicleSum(v, func(u *sum) { u.vehicles.Total++; u.vehicle(after, 1) })
		s.sumMu.Unlock()
	}
	var next *path
	if v.fresh && v.mapped() {
		if next = v.leaf; next == nil || was != v.pos() {
			if next = s.carHeat.enter(v.pos()); next == v.leaf {
				s.carHeat.leave(next) // v is one of its users already
			}
		}
	}
	s.heatMove(v, before, next, after)
	tile := geo.Tile(0)
	if v.has&charge.HasPosition != 0 {
		if tile = v.tile; tile == 0 || was != v.pos() {
			tile = geo.TileAt(v.pos(), TileZoom)
		}
	}
	s.tiles.move(s, it.Num, v, tile)
	s.dirtyVehicle(it.Num, v)
}

// ageVehicle judges a vehicle at a tick, see wheel.turn.
func (s *State) ageVehicle(n charge.Num, slot uint16, at charge.Millis) (charge.Millis, bool) {
	v := s.vehicles.at(n)
	if v.slot != slot {
		return 0, false
	}
	if deadline := v.eff() + s.stale; deadline >= at && v.fresh {
		return deadline, true
	}
	v.slot = noSlot
	if !v.fresh {
		return 0, false
	}
	before := v.mark()
	lock := s.lockOf(n)
	lock.Lock()
	v.fresh = false
	lock.Unlock()
	s.sumMu.Lock()
	s.eachVehicleSum(v, func(u *sum) { u.vehicle(before, -1) })
	s.sumMu.Unlock()
	s.heatMove(v, before, nil, 0)
	s.dirtyVehicle(n, v)
	return 0, false
}

func (s *State) dirtyVehicle(n charge.Num, v *vehicle) {
	if v.touched != s.tick {
		v.touched = s.tick
		s.dirtyCars = append(s.dirtyCars, n)
	}
}

// border is a district's official border with a box around it.
type border struct {
	place uint8
	box   geo.Box
	poly  city.Polygon
}

// bordersOf returns the city's borders, nil when it has none.
func bordersOf(c *city.City) []border {
	if !c.HasBorders() {
		return nil
	}
	var out []border
	for i := range c.Districts {
		for _, poly := range c.Districts[i].Official {
			if len(poly) > 0 {
				out = append(out, border{uint8(i), geo.BoxOf(poly[0]), poly})
			}
		}
	}
	return out
}

// placeOf returns the index of the district in which p is.
func (s *State) placeOf(p geo.Point) uint8 {
	for i := range s.borders {
		if b := &s.borders[i]; b.box.Contains(p) && b.poly.Contains(p) {
			return b.place
		}
	}
	return uint8(len(s.districts) - 1)
}
