package report

import (
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// writer appends JSON members; first is true until the open object has one.
type writer struct {
	b     []byte
	first bool
}

func (w *writer) open() { w.b, w.first = append(w.b, '{'), true }

func (w *writer) close() { w.b, w.first = append(w.b, '}'), false }

// key begins a member; name needs no escapes.
func (w *writer) key(name string) {
	if !w.first {
		w.b = append(w.b, ',')
	}
	w.first = false
	w.b = append(w.b, '"')
	w.b = append(w.b, name...)
	w.b = append(w.b, '"', ':')
}

func (w *writer) str(name, v string) { w.key(name); w.b = appendString(w.b, v) }

// text is str, but nothing for "".
func (w *writer) text(name, v string) {
	if v != "" {
		w.str(name, v)
	}
}

func (w *writer) int(name string, v int64) { w.key(name); w.b = strconv.AppendInt(w.b, v, 10) }

func (w *writer) uint(name string, v uint64) { w.key(name); w.b = strconv.AppendUint(w.b, v, 10) }

func (w *writer) float(name string, v float64) { w.key(name); w.b = appendFloat(w.b, v) }

func (w *writer) time(name string, v charge.Millis) {
	w.key(name)
	w.b = append(v.Append(append(w.b, '"')), '"')
}

// appendFloat appends v as JSON: the shortest digits that read back as v; null
// for what JSON cannot say.
func appendFloat(dst []byte, v float64) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(dst, "null"...)
	}
	if a := math.Abs(v); a != 0 && (a < 1e-6 || a >= 1e21) {
		return strconv.AppendFloat(dst, v, 'e', -1, 64)
	}
	return strconv.AppendFloat(dst, v, 'f', -1, 64)
}

const hexDigits = "0123456789abcdef"

// appendString appends v as a JSON string. What is not UTF-8 becomes U+FFFD.
func appendString(dst []byte, v string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(v); {
		c := v[i]
		if c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\' {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(v[i:])
			if r != utf8.RuneError || n > 1 {
				i += n
				continue
			}
			dst = append(append(dst, v[from:i]...), "\ufffd"...)
			i++
			from = i
			continue
		}
		dst = append(append(dst, v[from:i]...), '\\')
		switch c {
		case '"', '\\':
			dst = append(dst, c)
		case '\n':
			dst = append(dst, 'n')
		case '\r':
			dst = append(dst, 'r')
		case '\t':
			dst = append(dst, 't')
		default:
			dst = append(dst, 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		from = i
	}
	return append(append(dst, v[from:]...), '"')
}

// AppendPile appends r as one element of a piles payload.
func AppendPile(dst []byte, r *charge.PileReport) []byte {
	w := writer{b: dst}
	w.open()
	w.str("id", r.ID)
	w.int("ts", int64(r.TS))
	w.int("status", int64(r.Status))
	has := r.Has
	if has&charge.HasPower != 0 {
		w.float("powerKw", r.PowerKW)
	}
	if has&charge.HasVoltage != 0 {
		w.float("voltageV", r.VoltageV)
	}
	if has&charge.HasCurrent != 0 {
		w.float("currentA", r.CurrentA)
	}
	if has&charge.HasSOC != 0 {
		w.float("socPct", r.SOCPct)
	}
	if has&charge.HasEnergy != 0 {
		w.float("energyKwh", r.EnergyKWh)
	}
	if has&charge.HasMeter != 0 {
		w.float("meterKwh", r.MeterKWh)
	}
	if has&charge.HasSession != 0 {
		w.str("session", r.Session)
	}
	if has&charge.HasVIN != 0 {
		w.str("vin", r.VIN)
	}
	if has&charge.HasFault != 0 {
		w.str("fault", r.Fault)
	}
	if has&charge.HasPark != 0 {
		w.int("parkStatus", int64(r.Park))
	}
	if has&charge.HasLock != 0 {
		w.int("lockStatus", int64(r.Lock))
	}
	w.close()
	return w.b
}

// AppendVehicle appends r as one element of a vehicles payload, its position in WGS-84.
func AppendVehicle(dst []byte, r *charge.VehicleReport) []byte {
	w := writer{b: dst}
	w.open()
	w.str("vin", r.VIN)
	w.int("ts", int64(r.TS))
	has := r.Has
	if has&charge.HasPosition != 0 {
		w.float("lon", r.Lon)
		w.float("lat", r.Lat)
	}
	if has&charge.HasSpeed != 0 {
		w.float("speedKmh", r.SpeedKMH)
	}
	if has&charge.HasOdometer != 0 {
		w.float("odometerKm", r.OdometerKM)
	}
	if has&charge.HasSOC != 0 {
		w.float("socPct", r.SOCPct)
	}
	if has&charge.HasVoltage != 0 {
		w.float("voltageV", r.VoltageV)
	}
	if has&charge.HasCurrent != 0 {
		w.float("currentA", r.CurrentA)
	}
	if has&charge.HasState != 0 {
		w.int("state", int64(r.State))
	}
	if has&charge.HasCharge != 0 {
		w.int("charge", int64(r.Charge))
	}
	if has&charge.HasAlarmLevel != 0 {
		w.int("alarmLevel", int64(r.AlarmLevel))
	}
	if has&charge.HasAlarms != 0 {
		w.uint("alarms", r.Alarms)
	}
	if has&charge.HasRange != 0 {
		w.float("rangeKm", r.RangeKM)
	}
	if has&charge.HasInsulation != 0 {
		w.float("insulationKohm", r.InsulationKOhm)
	}
	w.close()
	return w.b
}
