package quality

import (
	"math"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

// vehicleAhead flags clocks that run ahead, but not too far.
func vehicleAhead(_ *VehicleMemory, r *charge.VehicleReport, _ VehicleFacts, received charge.Millis, l *Limits,
	f *Findings) {
	l.ahead(r.VIN, r.TS, received, f)
}

// vehicleRate flags vehicles that report more than once a second.
func vehicleRate(m *VehicleMemory, r *charge.VehicleReport, _ VehicleFacts, _ charge.Millis, l *Limits, f *Findings) {
	m.rate(r.VIN, r.TS, l, f)
}

// vinDigit checks the ninth character.
func vinDigit(_ *VehicleMemory, r *charge.VehicleReport, _ VehicleFacts, _ charge.Millis, _ *Limits, f *Findings) {
	if _, digit := CheckVIN(r.VIN); !digit {
		f.add(charge.RuleVINCheck, charge.ActFlag, "%s: the ninth character does not check by GB 16735", r.VIN)
	}
}

// heavySpeed flags buses and logistics vehicles that are too fast for one.
func heavySpeed(_ *VehicleMemory, r *charge.VehicleReport, v VehicleFacts, _ charge.Millis, l *Limits, f *Findings) {
	if r.Has&charge.HasSpeed != 0 && r.SpeedKMH > l.HeavySpeedKMH &&
		(v.Class == charge.ClassBus || v.Class == charge.ClassLogistics) {
		f.add(charge.RuleSpeedRange, charge.ActFlag, "%s: speedKmh %v, more than %v for class %s", r.VIN, r.SpeedKMH,
			l.HeavySpeedKMH, v.Class)
	}
}

// outOfProvince flags positions that stay off heat maps.
func outOfProvince(_ *VehicleMemory, r *charge.VehicleReport, _ VehicleFacts, _ charge.Millis, l *Limits, f *Findings) {
	if r.Has&charge.HasPosition != 0 && l.outsideProvince(r.Lon, r.Lat) {
		f.add(charge.RuleOutOfYunnan, charge.ActFlag, "%s: lon %v, lat %v is outside the province (%s)", r.VIN, r.Lon,
			r.Lat, l.Province)
	}
}

func (l *Limits) outsideProvince(lon, lat float64) bool {
	return l.Province != (geo.Box{}) && !l.Province.Contains(geo.Point{Lon: lon, Lat: lat})
}

// vehicleSOCJump compares two SOCs: neither driving nor charging changes it that fast.
func vehicleSOCJump(m *VehicleMemory, r *charge.VehicleReport, _ VehicleFacts, _ charge.Millis, l *Limits,
	f *Findings) {
	if r.Has&charge.HasSOC == 0 || m.soc == 0 {
		return
	}
	d := r.SOCPct - m.soc.points()
	if math.Abs(d) <= l.SOCDrivingPts {
		return
	}
	took := secondsOf(r.TS).since(m.socAt)
	switch {
	case l.jumps(d, took):
		f.add(charge.RuleSOCJump, charge.ActFlag, "%s: socPct %v after %v in %s", r.VIN, r.SOCPct, m.soc.points(), took)
	case d > l.SOCDrivingPts && m.driving && took <= l.DrivingGap && drives(r, l):
		f.add(charge.RuleSOCJump, charge.ActFlag, "%s: socPct %v after %v in %s while it drives", r.VIN, r.SOCPct,
			m.soc.points(), took)
	}
}

// stuckFix flags positions that stand still while the vehicle does not.
func stuckFix(m *VehicleMemory, r *charge.VehicleReport, _ VehicleFacts, _ charge.Millis, l *Limits, f *Findings) {
	const needs = charge.HasSpeed | charge.HasPosition
	if m.stuck == 0 || r.Has&needs != needs || r.SpeedKMH <= l.StuckKMH {
		return
	}
	x := fixOf(r)
	if took := x.at.since(m.stuck); took >= l.StuckFor && x.lon == m.fix.lon && x.lat == m.fix.lat {
		f.add(charge.RuleStuck, charge.ActFlag, "%s: lon %v, lat %v for %s at speedKmh %v", r.VIN, r.Lon, r.Lat, took,
			r.SpeedKMH)
	}
}

// odoDecrease flags a mileage that falls.
func odoDecrease(m *VehicleMemory, r *charge.VehicleReport, _ VehicleFacts, _ charge.Millis, l *Limits, f *Findings) {
	if r.Has&charge.HasOdometer != 0 && m.odo != 0 && float64(m.odo)-float64(metresOf(r.OdometerKM)) > l.OdoSlackM {
		f.add(charge.RuleOdoDecrease, charge.ActFlag, "%s: odometerKm %v after %v", r.VIN, r.OdometerKM, m.odo.km())
	}
}

// odoJump flags a mileage that nothing drives in the time.
func odoJump(m *VehicleMemory, r *charge.VehicleReport, _ VehicleFacts, _ charge.Millis, l *Limits, f *Findings) {
	if r.Has&charge.HasOdometer == 0 || m.odo == 0 {
		return
	}
	if secondsOf(r.TS) < m.odoAt {
		return // a clock was put right
	}
	took := secondsOf(r.TS).since(m.odoAt)
	if d := float64(metresOf(r.OdometerKM)) - float64(m.odo); d > l.OdoKMH/3.6*took.Seconds()+l.OdoJumpM {
		f.add(charge.RuleOdoJump, charge.ActFlag, "%s: odometerKm %v after %v in %s", r.VIN, r.OdometerKM, m.odo.km(),
			took)
	}
}
