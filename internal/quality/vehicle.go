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
}

// VehicleFacts is what the rules know of a vehicle itself.
type VehicleFacts struct {
	Class      charge.Class
	BatteryKWh float64 // 0 when unknown
}

// Ranges of a vehicle's readings: GB/T 32960.3, the wider edition where they
// differ; but speed as in 2016, since no vehicle here is faster.
const (
	maxSpeed      = 220
	maxHeavySpeed = 150 // buses and logistics: flagged above
	maxOdometer   = 999_999.9
	maxVehicleV   = 6000
	maxVehicleA   = 3000
	maxRangeKM    = 5000
	maxInsulation = 60_000
	nullIsland    = 0.01 // degrees around 0,0
)

// JudgeVehicle applies the rules to r, received just now, and remembers it. It
// may clear Has bits of r (action null). offMap tells that r's position is kept
// but stays off heat maps. Findings of r are appended to f.
func JudgeVehicle(m *VehicleMemory, r *charge.VehicleReport, v VehicleFacts, received charge.Millis, l *Limits,
	f *Findings) (verdict charge.Verdict, offMap bool) {
	if !l.inTime(r.VIN, r.TS, received, f) {
		return charge.Rejected, false
	}
	cannot := vehicleCannot(r)
	r.Has &^= cannot
	print := vehiclePrint(r)
	verdict = m.decide(r.VIN, r.TS, print, received, l, f)
	if verdict == charge.Duplicate {
		return verdict, false
	}
	if cannot != 0 {
		nullVehicle(r, cannot, f)
	}
	if r.Has&charge.HasPosition != 0 && l.Province != (geo.Box{}) && !l.Province.Contains(geo.Point{Lon: r.Lon,
		Lat: r.Lat}) {
		offMap = true
		f.add(charge.RuleOutOfYunnan, charge.ActFlag, "%s: lon %v, lat %v is outside the province (%s)", r.VIN,
			r.Lon, r.Lat, l.Province)
	}
	if r.Has&charge.HasSpeed != 0 && r.SpeedKMH > maxHeavySpeed && (v.Class == charge.ClassBus ||
		v.Class == charge.ClassLogistics) {
		f.add(charge.RuleSpeedRange, charge.ActFlag, "%s: speedKmh %v, more than %d for class %s", r.VIN,
			r.SpeedKMH, maxHeavySpeed, v.Class)
	}
	if _, digit := CheckVIN(r.VIN); !digit {
		f.add(charge.RuleVINCheck, charge.ActFlag, "%s: the ninth character does not check by GB 16735", r.VIN)
	}
	if verdict == charge.Taken {
		l.ahead(r.VIN, r.TS, received, f)
		m.rate(r.VIN, r.TS, f)
	}
	m.keep(r.TS, print, verdict, received)
	return verdict, offMap
}

// Remember moves m on as [JudgeVehicle] did when it gave verdict v; r is the report as it was kept.
func (m *VehicleMemory) Remember(r *charge.VehicleReport, v charge.Verdict, received charge.Millis) {
	if v == charge.Taken || v == charge.Late {
		m.keep(r.TS, vehiclePrint(r), v, received)
	}
}

// vehicleCannot returns the members whose values cannot be.
func vehicleCannot(r *charge.VehicleReport) (cannot charge.Has) {
	if math.Abs(r.Lon) < nullIsland && math.Abs(r.Lat) < nullIsland {
		cannot |= charge.HasPosition
	}
	if outside(r.SpeedKMH, 0, maxSpeed) {
		cannot |= charge.HasSpeed
	}
	if outside(r.OdometerKM, 0, maxOdometer) {
		cannot |= charge.HasOdometer
	}
	if outside(r.SOCPct, 0, 100) {
		cannot |= charge.HasSOC
	}
	if outside(r.VoltageV, 0, maxVehicleV) {
		cannot |= charge.HasVoltage
	}
	if outside(r.CurrentA, -maxVehicleA, maxVehicleA) {
		cannot |= charge.HasCurrent
	}
	if outside(r.RangeKM, 0, maxRangeKM) {
		cannot |= charge.HasRange
	}
	if outside(r.InsulationKOhm, 0, maxInsulation) {
		cannot |= charge.HasInsulation
	}
	if r.Alarms == alarmsAbnormal || r.Alarms == alarmsInvalid {
		cannot |= charge.HasAlarms
	}
	return cannot & r.Has
}

// nullVehicle explains why the members of cannot are null, and takes their values away.
func nullVehicle(r *charge.VehicleReport, cannot charge.Has, f *Findings) {
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
	null(charge.HasSpeed, "speedKmh", &r.SpeedKMH, charge.RuleSpeedRange, 0, maxSpeed, wordTenths)
	null(charge.HasOdometer, "odometerKm", &r.OdometerKM, charge.RuleSensorRange, 0, maxOdometer, dwordTenths)
	null(charge.HasSOC, "socPct", &r.SOCPct, charge.RuleSOCRange, 0, 100, bytePattern)
	null(charge.HasVoltage, "voltageV", &r.VoltageV, charge.RuleSensorRange, 0, maxVehicleV, wordTenths)
	null(charge.HasCurrent, "currentA", &r.CurrentA, charge.RuleSensorRange, -maxVehicleA, maxVehicleA, currents)
	null(charge.HasRange, "rangeKm", &r.RangeKM, charge.RuleSensorRange, 0, maxRangeKM, wordPattern)
	null(charge.HasInsulation, "insulationKohm", &r.InsulationKOhm, charge.RuleSensorRange, 0, maxInsulation,
		wordPattern)
}

// CheckVIN reports whether vin has the length and alphabet of GB 16735 (no I,
// O, Q), and whether its check character, the ninth, is right.
func CheckVIN(vin string) (form, digit bool) {
	if len(vin) != 17 {
		return false, false
	}
	sum := 0
	for i := range 17 {
		t := vinValues[vin[i]]
		if t < 0 {
			return false, false
		}
		sum += int(t) * int(vinWeights[i])
	}
	want := byte('0' + sum%11)
	if sum%11 == 10 {
		want = 'X'
	}
	return true, vin[8] == want
}

var (
	vinWeights = [17]int8{8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2}
	vinValues  = func() (t [256]int8) {
		for i := range t {
			t[i] = -1
		}
		for c := '0'; c <= '9'; c++ {
			t[c] = int8(c - '0')
		}
		for i, letters := range [...]string{1: "AJ", "BKS", "CLT", "DMU", "ENV", "FW", "GPX", "HY", "RZ"} {
			for _, c := range letters {
				t[c] = int8(i)
			}
		}
		return t
	}()
)
