package quality

import (
	"math"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

// VehicleMemory is what the rules know of a vehicle's past. It has a fixed size
// and no pointers; the zero value knows nothing.
type VehicleMemory struct {
	memory
	fix     fix     // the last position that was believed
	doubt   fix     // the last one that was not, since
	odo     metres  // of the last taken report that had one
	odoAt   seconds // when that was made
	socAt   seconds // when soc was
	stuck   seconds // since when it has been moving fast in one place; 0 when it is not
	soc     percent // of the last taken report that had one
	doubts  uint8   // how many positions in a row agreed with doubt
	driving bool    // at the time of socAt
	still   bool    // it did not move in its last taken report
}

// fix is where a vehicle was: 1e-7 degrees, 12 bytes. Without at it is none.
type fix struct {
	lon, lat int32
	at       seconds
}

// metres is a mileage in m plus one; 0 is none.
type metres uint32

func metresOf(km float64) metres { return metres(math.Round(min(km, 4e6)*1000)) + 1 }
func (m metres) km() float64     { return float64(max(1, m)-1) / 1000 }
func fixOf(r *charge.VehicleReport) fix {
	return fix{int32(math.Round(r.Lon * 1e7)), int32(math.Round(r.Lat * 1e7)), secondsOf(r.TS)}
}

func (x fix) point() geo.Point {
	return geo.Point{Lon: float64(x.lon) / 1e7, Lat: float64(x.lat) / 1e7}
}

// tooFast reports whether nothing gets from x to y in the time between them.
// Nobody knows when y is the earlier one: then a clock was put right.
func (l *Limits) tooFast(x, y fix) bool {
	if y.at < x.at {
		return false
	}
	const metresPerUnit = geo.EarthRadiusM * math.Pi / 180 / 1e7
	dy := float64(int64(y.lat)-int64(x.lat)) * metresPerUnit
	dx := float64(int64(y.lon)-int64(x.lon)) * metresPerUnit // more than it is, by the cosine
	if dx*dx+dy*dy <= l.TeleportM*l.TeleportM {
		return false
	}
	m := geo.DistanceM(x.point(), y.point())
	took := max(1, y.at.since(x.at).Seconds())
	return m > l.TeleportM && m > l.TeleportKMH/3.6*took
}

// Fix returns where the vehicle was last, when, and whether it stood still in
// its last taken report. at is 0 when that is not known.
func (m *VehicleMemory) Fix() (where geo.Point, at charge.Millis, still bool) {
	return m.fix.point(), m.fix.at.millis(), m.still
}

// VehicleFacts is what the rules know of a vehicle itself.
type VehicleFacts struct {
	Class      charge.Class
	BatteryKWh float64 // 0 when unknown
}

// vehicleCheck finds one rule: it compares r, the next report, with m, what is
// known up to the last one, and adds to f what it finds.
type vehicleCheck func(m *VehicleMemory, r *charge.VehicleReport, v VehicleFacts, received charge.Millis, l *Limits,
	f *Findings)

// JudgeVehicle applies the rules to r, received just now, and remembers it. It
// may clear Has bits of r (action null). offMap tells that r's position is kept
// but stays off heat maps. Findings of r are appended to f.
func JudgeVehicle(m *VehicleMemory, r *charge.VehicleReport, v VehicleFacts, received charge.Millis, l *Limits,
	f *Findings) (verdict charge.Verdict, offMap bool) {
	if !l.inTime(r.VIN, r.TS, received, f) {
		return charge.Rejected, false
	}
	cannot := vehicleCannot(r, l)
	r.Has &^= cannot
	print := vehiclePrint(r)
	verdict = m.decide(r.VIN, r.TS, print, received, l, f)
	if verdict == charge.Duplicate {
		return verdict, false
	}
	if cannot != 0 {
		nullVehicle(r, cannot, l, f)
	}
	if verdict == charge.Taken && m.teleports(r, l, f) {
		verdict = charge.Late
	}
	offMap = r.Has&charge.HasPosition != 0 && l.outsideProvince(r.Lon, r.Lat)
	for _, check := range vehicleAlone {
		check(m, r, v, received, l, f)
	}
	if verdict == charge.Taken {
		for _, check := range vehiclePast {
			check(m, r, v, received, l, f)
		}
	}
	m.remember(r, print, verdict, received, l)
	return verdict, offMap
}

// Remember moves m on as [JudgeVehicle] did when it gave verdict v; r is the report as it was kept.
func (m *VehicleMemory) Remember(r *charge.VehicleReport, v charge.Verdict, received charge.Millis, l *Limits) {
	if v == charge.Taken || v == charge.Late {
		m.remember(r, vehiclePrint(r), v, received, l)
	}
}

// teleports makes a report history whose position cannot be reached, unless
// enough of them agree by now that the vehicle is there.
func (m *VehicleMemory) teleports(r *charge.VehicleReport, l *Limits, f *Findings) bool {
	if r.Has&charge.HasPosition == 0 || m.fix.at == 0 {
		return false
	}
	x := fixOf(r)
	if !l.tooFast(m.fix, x) || int(m.agreeing(x, l)) >= l.TeleportFixes {
		return false
	}
	f.add(charge.RuleTeleport, charge.ActHistory, "%s: lon %v, lat %v is %.1f km from where it was %s before", r.VIN,
		r.Lon, r.Lat, geo.DistanceM(m.fix.point(), x.point())/1000, x.at.since(m.fix.at))
	return true
}

// agreeing returns how many positions in a row, x with them, are not where the
// vehicle is believed to be, and agree with each other.
func (m *VehicleMemory) agreeing(x fix, l *Limits) uint8 {
	if m.doubts == 0 || x.at < m.doubt.at || x.at.since(m.doubt.at) > l.TeleportAgree || l.tooFast(m.doubt, x) {
		return 1
	}
	return min(m.doubts, math.MaxUint8-1) + 1
}

func (m *VehicleMemory) remember(r *charge.VehicleReport, print uint64, v charge.Verdict, received charge.Millis,
	l *Limits) {
	switch {
	case v == charge.Taken:
		m.drive(r, l)
		m.place(r, l)
	case r.Has&charge.HasPosition != 0 && m.fix.at != 0 && r.TS > m.last:
		// Not believed, or stale; what is known alone tells, so that replay does.
		if x := fixOf(r); l.tooFast(m.fix, x) {
			m.doubts = m.agreeing(x, l)
			m.doubt = x
		}
	}
	m.keep(r.TS, print, v, received)
}

// place follows where the vehicle is.
func (m *VehicleMemory) place(r *charge.VehicleReport, l *Limits) {
	speed := 0.0
	if r.Has&charge.HasSpeed != 0 {
		speed = r.SpeedKMH
	}
	m.still = speed <= l.DrivingKMH
	if r.Has&charge.HasPosition == 0 {
		return
	}
	x := fixOf(r)
	switch {
	case speed <= l.StuckKMH:
		m.stuck = 0
	case m.stuck == 0 || x.lon != m.fix.lon || x.lat != m.fix.lat:
		m.stuck = x.at
	}
	m.fix, m.doubt, m.doubts = x, fix{}, 0
}

// drive follows mileage and SOC.
func (m *VehicleMemory) drive(r *charge.VehicleReport, l *Limits) {
	at := secondsOf(r.TS)
	if r.Has&charge.HasOdometer != 0 {
		m.odo, m.odoAt = metresOf(r.OdometerKM), at
	}
	if r.Has&charge.HasSOC != 0 {
		m.soc, m.socAt, m.driving = percentOf(r.SOCPct), at, drives(r, l)
	}
}

// drives reports whether r says that the vehicle drives and does not charge.
func drives(r *charge.VehicleReport, l *Limits) bool {
	const needs = charge.HasSpeed | charge.HasCharge
	return r.Has&needs == needs && r.SpeedKMH > l.DrivingKMH && r.Charge == 3
}

// vehicleCannot returns the members whose values cannot be.
func vehicleCannot(r *charge.VehicleReport, l *Limits) (cannot charge.Has) {
	if math.Abs(r.Lon) < l.NullIslandDeg && math.Abs(r.Lat) < l.NullIslandDeg {
		cannot |= charge.HasPosition
	}
	if outside(r.SpeedKMH, 0, l.SpeedKMH) {
		cannot |= charge.HasSpeed
	}
	if outside(r.OdometerKM, 0, l.OdometerKM) {
		cannot |= charge.HasOdometer
	}
	if outside(r.SOCPct, 0, 100) {
		cannot |= charge.HasSOC
	}
	if outside(r.VoltageV, 0, l.VehicleV) {
		cannot |= charge.HasVoltage
	}
	if outside(r.CurrentA, -l.VehicleA, l.VehicleA) {
		cannot |= charge.HasCurrent
	}
	if outside(r.RangeKM, 0, l.RangeKM) {
		cannot |= charge.HasRange
	}
	if outside(r.InsulationKOhm, 0, l.InsulationKOhm) {
		cannot |= charge.HasInsulation
	}
	if r.Alarms == alarmsAbnormal || r.Alarms == alarmsInvalid {
		cannot |= charge.HasAlarms
	}
	return cannot & r.Has
}

// nullVehicle explains why the members of cannot are null, and takes their values away.
func nullVehicle(r *charge.VehicleReport, cannot charge.Has, l *Limits, f *Findings) {
	if cannot&charge.HasPosition != 0 {
		f.add(charge.RuleNullIsland, charge.ActNull, "%s: lon %v, lat %v is no position", r.VIN, r.Lon, r.Lat)
		r.Lon, r.Lat = 0, 0
	}
	if cannot&charge.HasAlarms != 0 {
		f.add(charge.RuleSentinel, charge.ActNull, "%s: alarms %d means abnormal or invalid in GB/T 32960.3", r.VIN,
			r.Alarms)
		r.Alarms = 0
	}
	null := func(bit charge.Has, name string, v *float64, rule charge.Rule, low, high float64, s sentinels) {
		if cannot&bit != 0 {
			f.null(r.VIN, name, *v, rule, low, high, s)
			*v = 0
		}
	}
	null(charge.HasSpeed, "speedKmh", &r.SpeedKMH, charge.RuleSpeedRange, 0, l.SpeedKMH, wordTenths)
	null(charge.HasOdometer, "odometerKm", &r.OdometerKM, charge.RuleSensorRange, 0, l.OdometerKM, dwordTenths)
	null(charge.HasSOC, "socPct", &r.SOCPct, charge.RuleSOCRange, 0, 100, bytePattern)
	null(charge.HasVoltage, "voltageV", &r.VoltageV, charge.RuleSensorRange, 0, l.VehicleV, wordTenths)
	null(charge.HasCurrent, "currentA", &r.CurrentA, charge.RuleSensorRange, -l.VehicleA, l.VehicleA, currents)
	null(charge.HasRange, "rangeKm", &r.RangeKM, charge.RuleSensorRange, 0, l.RangeKM, wordPattern)
	null(charge.HasInsulation, "insulationKohm", &r.InsulationKOhm, charge.RuleSensorRange, 0, l.InsulationKOhm,
		wordPattern)
}
