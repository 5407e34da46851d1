package record

import (
	"math"
	"math/rand/v2"
	"reflect"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// randomFloat gives readings of the kinds that occur, and any bits at all.
func randomFloat(r *rand.Rand) float64 {
	switch r.IntN(6) {
	case 0:
		return float64(r.IntN(1000))
	case 1:
		return float64(r.IntN(100000)-50000) / 10
	case 2:
		return float64(r.IntN(100000)-50000) / 100
	case 3:
		return float64(r.IntN(360e6)-180e6) / 1e6
	case 4:
		return []float64{0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.MaxFloat64,
			math.SmallestNonzeroFloat64, 1 << 52, 1<<52 - 1, -1 << 53, 0.1 + 0.2}[r.IntN(10)]
	}
	for {
		if f := math.Float64frombits(r.Uint64()); f == f { // NaN would defeat DeepEqual; it has its own test
			return f
		}
	}
}

func randomString(r *rand.Rand) string {
	n := r.IntN(20)
	if r.IntN(50) == 0 {
		n = 300
	}
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return string(b)
}

func randomInt(r *rand.Rand) int64 { return int64(r.Uint64()) >> r.IntN(64) }

// randomRecord fills every member that the encoding carries. Members of a report
// that Has does not mark stay zero: they are not written.
func randomRecord(r *rand.Rand) *Record {
	f, s, n := func() float64 { return randomFloat(r) }, func() string { return randomString(r) }, func() charge.Num { return r.Uint32() >> r.IntN(32) }
	i, t := func() int64 { return randomInt(r) }, func() charge.Millis { return charge.Millis(randomInt(r)) }
	some := func() int { return max(0, r.IntN(6)-2) }
	rec := &Record{Kind: Kind(1 + r.IntN(6)), Received: t(), Party: n(), Payload: charge.Payload(r.IntN(7))}
	if r.IntN(3) > 0 {
		rec.Account = charge.Account{Received: r.Uint64(), Taken: uint64(r.IntN(500)), Rejected: uint64(r.IntN(3))}
	}
	for range some() {
		rules := []charge.Rule{charge.RuleDupExact, charge.RuleMetaStation, "", charge.Rule(s())}
		rec.Rules = append(rec.Rules, RuleCount{rules[r.IntN(4)], charge.Action(r.IntN(256)), r.Uint32()})
	}
	for k := range rec.Delays {
		if r.IntN(4) == 0 {
			rec.Delays[k] = r.Uint32()
		}
	}
	for range some() {
		st := charge.Station{Num: n(), Party: n(), ID: s()}
		removed := r.IntN(4) == 0
		if !removed {
			st.Name, st.NameEn, st.Lon, st.Lat = s(), s(), f(), f()
			st.Access, st.District, st.Address, st.Phone, st.OpenHours = charge.Access(r.IntN(3)), s(), s(), s(), s()
			if r.IntN(2) == 0 {
				st.Parking = &charge.Parking{Type: charge.ParkingType(r.IntN(256)), Text: s(), FenPerHour: i(), FreeMinutes: i()}
			}
			for range some() {
				tf := charge.Tariff{ValidFrom: t()}
				for range some() {
					tf.Bands = append(tf.Bands, charge.Band{FromMinute: r.IntN(1440), ToMinute: r.IntN(1441), EnergyE4: i(), ServiceE4: i()})
				}
				st.Tariffs = append(st.Tariffs, tf)
			}
			for range some() {
				st.Piles = append(st.Piles, charge.Pile{Num: n(), ID: s(), Kind: charge.PileKind(r.IntN(3)), RatedKW: f(), Standard: s(), Bay: s()})
			}
		}
		rec.Stations = append(rec.Stations, StationPut{st, removed})
	}
	for range some() {
		rec.Vehicles = append(rec.Vehicles, charge.Vehicle{Num: n(), Party: n(), VIN: s(), Class: charge.Class(r.IntN(8)), Model: s(), BatteryKWh: f()})
	}
	for range some() {
		rec.Piles = append(rec.Piles, PileItem{n(), charge.Verdict(r.IntN(5)), r.IntN(2) == 0, randomPile(r)})
	}
	for range some() {
		rec.Fleet = append(rec.Fleet, VehicleItem{n(), charge.Verdict(r.IntN(5)), r.IntN(2) == 0, r.IntN(2) == 0, randomVehicle(r)})
	}
	for range some() {
		x := charge.Session{Party: n(), ID: s(), Pile: n(), PileID: s(), Start: t(), End: t(), EnergyKWh: f(), VIN: s(),
			EnergyFen: i(), ServiceFen: i(), ParkingFen: i(), TotalFen: i(), StopReason: int16(i())}
		for range some() {
			x.Bands = append(x.Bands, charge.SessionBand{From: t(), To: t(), EnergyKWh: f(), EnergyFen: i(), ServiceFen: i()})
		}
		rec.Sessions = append(rec.Sessions, x)
	}
	for range some() {
		c := func() int { return int(randomInt(r)) }
		rec.Rows = append(rec.Rows, TotalRow{Scope(r.IntN(5)), s(), t(), charge.PileCounts{Total: c(), Free: c(), InUse: c(), Charging: c(), Reserved: c(), Fault: c(), Offline: c()},
			charge.VehicleCounts{Total: c(), Online: c(), Driving: c(), Charging: c(), Alarm: c()}, f(), f(), r.Uint64()})
	}
	if r.IntN(2) == 0 {
		rec.Missing, rec.OnlineMS = r.Uint32(), r.Uint64()
	}
	for range some() {
		rec.Quality = append(rec.Quality, QualityRow{n(), t(), randomCounts(r), r.Uint64(), r.Uint32(), r.Uint32()})
	}
	for range some() {
		e := AlarmEvent{Op: AlarmOp(r.IntN(6)), ID: r.Uint64() >> r.IntN(64), Rule: s(), Severity: uint8(r.IntN(4)), Party: n(),
			Kind: AlarmObject(r.IntN(7)), Object: s(), Since: t()}
		if r.IntN(2) == 0 {
			e.Level, e.Bits, e.Count, e.Total, e.Last = uint8(r.IntN(256)), r.Uint64(), n(), n(), r.IntN(2) == 0
		}
		if r.IntN(2) == 0 {
			e.Station, e.Name, e.By, e.Text = s(), s(), s(), s()
		}
		rec.Alarms = append(rec.Alarms, e)
	}
	for range some() {
		rec.Meetings = append(rec.Meetings, Meeting{n(), n(), n(), int8(r.IntN(3) - 1)})
	}
	return rec
}

func randomCounts(r *rand.Rand) (c Counts) {
	for _, n := range c.members() {
		*n = r.Uint64() >> r.IntN(64)
	}
	for i := range c.Delays {
		if r.IntN(3) == 0 {
			c.Delays[i] = r.Uint64()
		}
	}
	return c
}

// fill sets the members of v that has marks to random values; names pair a member with its bit.
func fill(r *rand.Rand, v reflect.Value, has charge.Has, names map[string]charge.Has) {
	for name, bit := range names {
		if has&bit == 0 {
			continue
		}
		switch f := v.FieldByName(name); f.Kind() {
		case reflect.Float64:
			f.SetFloat(randomFloat(r))
		case reflect.String:
			f.SetString(randomString(r))
		default:
			f.SetUint(r.Uint64() >> (64 - f.Type().Bits()))
		}
	}
}

func randomPile(r *rand.Rand) charge.PileReport {
	p := charge.PileReport{ID: randomString(r), TS: charge.Millis(randomInt(r)), Status: charge.Status(r.IntN(256)), Has: charge.Has(r.Uint32()) & pileHas}
	fill(r, reflect.ValueOf(&p).Elem(), p.Has, map[string]charge.Has{
		"PowerKW": charge.HasPower, "VoltageV": charge.HasVoltage, "CurrentA": charge.HasCurrent, "SOCPct": charge.HasSOC,
		"EnergyKWh": charge.HasEnergy, "MeterKWh": charge.HasMeter, "Session": charge.HasSession, "VIN": charge.HasVIN,
		"Fault": charge.HasFault, "Park": charge.HasPark, "Lock": charge.HasLock})
	return p
}

func randomVehicle(r *rand.Rand) charge.VehicleReport {
	v := charge.VehicleReport{VIN: randomString(r), TS: charge.Millis(randomInt(r)), Has: charge.Has(r.Uint32()) & vehicleHas}
	fill(r, reflect.ValueOf(&v).Elem(), v.Has, map[string]charge.Has{
		"Lon": charge.HasPosition, "Lat": charge.HasPosition, "SpeedKMH": charge.HasSpeed, "OdometerKM": charge.HasOdometer,
		"SOCPct": charge.HasSOC, "VoltageV": charge.HasVoltage, "CurrentA": charge.HasCurrent, "State": charge.HasState,
		"Charge": charge.HasCharge, "AlarmLevel": charge.HasAlarmLevel, "Alarms": charge.HasAlarms, "RangeKM": charge.HasRange,
		"InsulationKOhm": charge.HasInsulation})
	return v
}
