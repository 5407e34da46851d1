package influx

import (
	"math"
	"strconv"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// Lines are InfluxDB's line protocol: measurement,tags fields time.

// appendPileFields appends the fields of a whole pile point. Values that are no
// number are left out.
func appendPileFields(dst []byte, r *charge.PileReport) []byte {
	has := r.Has
	for _, v := range [...]struct {
		bit charge.Has
		v   float64
	}{
		{charge.HasPower, r.PowerKW}, {charge.HasVoltage, r.VoltageV}, {charge.HasCurrent, r.CurrentA},
		{charge.HasSOC, r.SOCPct}, {charge.HasEnergy, r.EnergyKWh}, {charge.HasMeter, r.MeterKWh},
	} {
		has = number(has, v.bit, v.v)
	}
	dst = appendInt(append(dst, "has="...), int64(has))
	dst = appendInt(append(dst, ",status="...), int64(r.Status))
	dst = floatField(dst, has, charge.HasPower, ",powerKw=", r.PowerKW)
	dst = floatField(dst, has, charge.HasVoltage, ",voltageV=", r.VoltageV)
	dst = floatField(dst, has, charge.HasCurrent, ",currentA=", r.CurrentA)
	dst = floatField(dst, has, charge.HasSOC, ",socPct=", r.SOCPct)
	dst = floatField(dst, has, charge.HasEnergy, ",energyKwh=", r.EnergyKWh)
	dst = floatField(dst, has, charge.HasMeter, ",meterKwh=", r.MeterKWh)
	dst = textField(dst, has, charge.HasSession, ",session=", r.Session)
	dst = textField(dst, has, charge.HasVIN, ",vin=", r.VIN)
	dst = textField(dst, has, charge.HasFault, ",fault=", r.Fault)
	dst = intField(dst, has, charge.HasPark, ",parkStatus=", int64(r.Park))
	return intField(dst, has, charge.HasLock, ",lockStatus=", int64(r.Lock))
}

// appendVehicleFields appends the fields of a whole vehicle point.
func appendVehicleFields(dst []byte, r *charge.VehicleReport) []byte {
	has := number(r.Has, charge.HasPosition, r.Lon+r.Lat)
	for _, v := range [...]struct {
		bit charge.Has
		v   float64
	}{
		{charge.HasSpeed, r.SpeedKMH}, {charge.HasOdometer, r.OdometerKM}, {charge.HasSOC, r.SOCPct},
		{charge.HasVoltage, r.VoltageV}, {charge.HasCurrent, r.CurrentA}, {charge.HasRange, r.RangeKM},
		{charge.HasInsulation, r.InsulationKOhm},
	} {
		has = number(has, v.bit, v.v)
	}
	dst = appendInt(append(dst, "has="...), int64(has))
	dst = floatField(dst, has, charge.HasPosition, ",lon=", r.Lon)
	dst = floatField(dst, has, charge.HasPosition, ",lat=", r.Lat)
	dst = floatField(dst, has, charge.HasSpeed, ",speedKmh=", r.SpeedKMH)
	dst = floatField(dst, has, charge.HasOdometer, ",odometerKm=", r.OdometerKM)
	dst = floatField(dst, has, charge.HasSOC, ",socPct=", r.SOCPct)
	dst = floatField(dst, has, charge.HasVoltage, ",voltageV=", r.VoltageV)
	dst = floatField(dst, has, charge.HasCurrent, ",currentA=", r.CurrentA)
	dst = intField(dst, has, charge.HasState, ",state=", int64(r.State))
	dst = intField(dst, has, charge.HasCharge, ",charge=", int64(r.Charge))
	dst = intField(dst, has, charge.HasAlarmLevel, ",alarmLevel=", int64(r.AlarmLevel))
	dst = intField(dst, has, charge.HasAlarms, ",alarms=", int64(r.Alarms))
	dst = floatField(dst, has, charge.HasRange, ",rangeKm=", r.RangeKM)
	return floatField(dst, has, charge.HasInsulation, ",insulationKohm=", r.InsulationKOhm)
}

// appendTotal appends the whole line of a total, with its line end.
func appendTotal(dst []byte, w *record.TotalRow) []byte {
	scope, id := totalTags(w.Scope, w.ID)
	dst = append(append(dst, "total,scope="...), scope...)
	dst = appendTag(append(dst, ",id="...), id)
	dst = appendInt(append(dst, " taken="...), int64(w.Taken))
	if w.Scope != record.ScopeMaker {
		dst = appendInt(append(dst, ",pilesTotal="...), int64(w.Piles.Total))
		dst = appendInt(append(dst, ",pilesFree="...), int64(w.Piles.Free))
		dst = appendInt(append(dst, ",pilesInUse="...), int64(w.Piles.InUse))
		dst = appendInt(append(dst, ",pilesCharging="...), int64(w.Piles.Charging))
		dst = appendInt(append(dst, ",pilesReserved="...), int64(w.Piles.Reserved))
		dst = appendInt(append(dst, ",pilesFault="...), int64(w.Piles.Fault))
		dst = appendInt(append(dst, ",pilesOffline="...), int64(w.Piles.Offline))
		dst = appendFloat(append(dst, ",powerKw="...), finite(w.PowerKW))
		dst = appendFloat(append(dst, ",energyKwh="...), finite(w.EnergyKWh))
	}
	if w.Scope != record.ScopeOperator && w.Vehicles.Total >= 0 {
		dst = appendInt(append(dst, ",vehiclesTotal="...), int64(w.Vehicles.Total))
		dst = appendInt(append(dst, ",vehiclesOnline="...), int64(w.Vehicles.Online))
		dst = appendInt(append(dst, ",vehiclesDriving="...), int64(w.Vehicles.Driving))
		dst = appendInt(append(dst, ",vehiclesCharging="...), int64(w.Vehicles.Charging))
		dst = appendInt(append(dst, ",vehiclesAlarm="...), int64(w.Vehicles.Alarm))
	}
	return appendTime(dst, int64(w.T)*1e6)
}

// appendQuality appends the whole line of a quality row, with its line end.
// Quantiles of a row without delays are left out.
func appendQuality(dst []byte, slug string, w *record.QualityRow) []byte {
	c := &w.Counts
	dst = appendTag(append(dst, "quality,id="...), slug)
	dst = appendInt(append(dst, " received="...), int64(c.Received))
	dst = appendInt(append(dst, ",taken="...), int64(c.Taken))
	dst = appendInt(append(dst, ",duplicate="...), int64(c.Duplicate))
	dst = appendInt(append(dst, ",history="...), int64(c.History))
	dst = appendInt(append(dst, ",rejected="...), int64(c.Rejected))
	dst = appendInt(append(dst, ",kept="...), int64(c.Kept))
	dst = appendInt(append(dst, ",flagged="...), int64(c.Flagged))
	dst = appendInt(append(dst, ",nulls="...), int64(c.Nulls))
	dst = appendInt(append(dst, ",expected="...), int64(w.Expected))
	dst = appendInt(append(dst, ",missing="...), int64(c.Missing))
	all, late := c.Delayed(lateMS)
	dst = appendInt(append(dst, ",late="...), int64(late))
	if all > 0 {
		quantile := func(q float64) int64 { ms, _ := c.Quantile(q); return int64(math.Round(ms)) }
		dst = appendInt(append(dst, ",maxP50Ms="...), quantile(.5))
		dst = appendInt(append(dst, ",maxP95Ms="...), quantile(.95))
		dst = appendInt(append(dst, ",maxP99Ms="...), quantile(.99))
	}
	dst = appendInt(append(dst, ",objects="...), int64(w.Objects))
	dst = appendInt(append(dst, ",online="...), int64(w.Online))
	return appendTime(dst, int64(w.T)*1e6)
}

// lateMS is the delay above which a report is late: domain page, section 9.
const lateMS = 60_000

// totalTags returns the tags of a total; tags cannot be empty, so the city's id is "city".
func totalTags(scope record.Scope, id string) (string, string) {
	switch scope {
	case record.ScopeOperator:
		return "operator", id
	case record.ScopeMaker:
		return "maker", id
	case record.ScopeDistrict:
		return "district", id
	}
	return "city", "city"
}

// number clears bit in has if v is no number that line protocol can say.
func number(has, bit charge.Has, v float64) charge.Has {
	if has&bit != 0 && v-v != 0 {
		has &^= bit
	}
	return has
}

func finite(v float64) float64 {
	if v-v != 0 {
		return 0
	}
	return v
}

func floatField(dst []byte, has, bit charge.Has, name string, v float64) []byte {
	if has&bit == 0 {
		return dst
	}
	return appendFloat(append(dst, name...), v)
}

func intField(dst []byte, has, bit charge.Has, name string, v int64) []byte {
	if has&bit == 0 {
		return dst
	}
	return appendInt(append(dst, name...), v)
}

func textField(dst []byte, has, bit charge.Has, name, v string) []byte {
	if has&bit == 0 {
		return dst
	}
	dst = append(append(dst, name...), '"')
	for i := range len(v) {
		if v[i] == '"' || v[i] == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, v[i])
	}
	return append(dst, '"')
}

// appendInt appends an integer field's value.
func appendInt(dst []byte, v int64) []byte {
	return append(strconv.AppendInt(dst, v, 10), 'i')
}

// appendFloat appends the shortest text that reads back as v. Reports have few
// decimals, for which integer printing is three times faster than strconv's
// search: n/10^k is the double nearest to that decimal.
func appendFloat(dst []byte, v float64) []byte {
	for _, s := range [...]struct {
		unit   float64
		digits int
	}{{1000, 3}, {1e6, 6}} {
		n := math.Round(v * s.unit)
		if n/s.unit != v || math.Abs(n) >= 1<<53 {
			continue
		}
		if n < 0 {
			dst = append(dst, '-')
		}
		u, unit := uint64(math.Abs(n)), uint64(s.unit)
		dst = strconv.AppendUint(dst, u/unit, 10)
		frac := u % unit
		if frac == 0 {
			return dst
		}
		dst = append(dst, '.')
		at := len(dst)
		for range s.digits {
			dst = append(dst, '0')
		}
		for i := len(dst) - 1; i >= at; i-- {
			dst[i] = byte('0' + frac%10)
			frac /= 10
		}
		for dst[len(dst)-1] == '0' {
			dst = dst[:len(dst)-1]
		}
		return dst
	}
	return strconv.AppendFloat(dst, v, 'g', -1, 64)
}

// appendTag appends a tag's value. Ids need no escaping by the contract; what
// does all the same is escaped, and what line protocol cannot say becomes "_".
func appendTag(dst []byte, v string) []byte {
	for i := range len(v) {
		switch c := v[i]; {
		case c == ',' || c == '=' || c == ' ':
			dst = append(dst, '\\', c)
		case c < ' ' || c == 0x7f || c == '\\':
			dst = append(dst, '_')
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// appendTime ends a line with its time in nanoseconds.
func appendTime(dst []byte, ns int64) []byte {
	return append(strconv.AppendInt(append(dst, ' '), ns, 10), '\n')
}
