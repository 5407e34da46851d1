package report

import (
	"encoding/binary"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

// Members of a vehicle report, in the contract's order.
var (
	vehicleRequired = []named{{"vin", bitID}, {"ts", bitTS}}
	vehicleOptional = []named{
		{"lon", bitLon}, {"lat", bitLat}, {"crs", bitCRS},
		{"speedKmh", uint32(charge.HasSpeed)}, {"odometerKm", uint32(charge.HasOdometer)},
		{"socPct", uint32(charge.HasSOC)}, {"voltageV", uint32(charge.HasVoltage)},
		{"currentA", uint32(charge.HasCurrent)}, {"state", uint32(charge.HasState)},
		{"charge", uint32(charge.HasCharge)}, {"alarmLevel", uint32(charge.HasAlarmLevel)},
		{"alarms", uint32(charge.HasAlarms)}, {"rangeKm", uint32(charge.HasRange)},
		{"insulationKohm", uint32(charge.HasInsulation)},
	}
)

const (
	vehicleMust = bitID | bitTS
	vehicleHas  = charge.HasVoltage | charge.HasCurrent | charge.HasSOC |
		((charge.HasInsulation << 1) - charge.HasPosition)

	stateCodes  = 1<<1 | 1<<2 | 1<<3
	chargeCodes = 1<<1 | 1<<2 | 1<<3 | 1<<4
	levelCodes  = 1<<0 | 1<<1 | 1<<2 | 1<<3 | 1<<4
)

// VehicleEntry is one element of a vehicles payload. Its position is WGS-84.
type VehicleEntry struct {
	Head
	Report charge.VehicleReport
}

// Vehicles decodes a vehicles payload. A finding means that the whole message
// is one rejected report (msg.malformed or msg.too-large).
func (d *Decoder) Vehicles(payload []byte) ([]VehicleEntry, *charge.Finding) {
	d.vehicles = d.vehicles[:0]
	f := d.each(payload, (*Decoder).vehicle)
	return d.vehicles, f
}

// vehicle reads one vehicle report at i.
func (d *Decoder) vehicle(i int) int {
	e := grow(&d.vehicles)
	*e = VehicleEntry{}
	d.begin()
	j := d.vehicleMembers(i, &e.Report)
	if j < 0 {
		return j
	}
	if d.bad != 0 || d.got&vehicleMust != vehicleMust {
		d.judge(&e.Head, vehicleRequired, vehicleOptional)
	}
	e.ID, e.TS = e.Report.VIN, e.Report.TS
	e.Report.Has = charge.Has(d.got) & vehicleHas
	if !e.Rejected && d.got&(bitLon|bitLat) != 0 {
		d.place(&e.Report)
	}
	d.end(&e.Head, i, j)
	return j
}

// place decides whether r's coordinates are a position, and makes it WGS-84.
func (d *Decoder) place(r *charge.VehicleReport) {
	switch both := d.got & (bitLon | bitLat); {
	case d.bad&(bitLon|bitLat|bitCRS) != 0: // told already
	case both == bitLon:
		d.found(charge.RuleFieldMissing, charge.ActNull, "lat is missing beside lon %v", r.Lon)
	case both == bitLat:
		d.found(charge.RuleFieldMissing, charge.ActNull, "lon is missing beside lat %v", r.Lat)
	case !inRange(r.Lon, r.Lat):
		d.found(charge.RuleFieldValue, charge.ActNull, "lon %v, lat %v %s", r.Lon, r.Lat, beyond(r.Lon, r.Lat))
	default:
		r.Has |= charge.HasPosition
		if d.gcj {
			r.Lon, r.Lat = wgs84(r.Lon, r.Lat)
		}
		return
	}
	r.Lon, r.Lat = 0, 0
}

// beyond says what is wrong with a lon and lat that are not [inRange].
func beyond(lon, lat float64) string {
	if inRange(lat, lon) {
		return reasons[notDegrees].text + ": lon and lat swapped?"
	}
	return reasons[notDegrees].text
}

func inRange(lon, lat float64) bool { return lon >= -180 && lon <= 180 && lat >= -90 && lat <= 90 }

func wgs84(lon, lat float64) (float64, float64) {
	p := geo.FromGCJ02(geo.Point{Lon: lon, Lat: lat})
	return p.Lon, p.Lat
}

// crs reads the name of a coordinate system.
func (d *Decoder) crs(i int) int {
	if usual := `"wgs84"`; uint(i) < uint(len(d.b)) && len(d.b)-i > len(usual) &&
		string(d.b[i:i+len(usual)]) == usual {
		d.gcj = false
		d.take(bitCRS)
		return i + len(usual)
	}
	var name string
	j := d.string(i, bitCRS, &name, isCRS, notCRS)
	d.gcj = name == "gcj02"
	return j
}

func isCRS(name string) bool { return name == "wgs84" || name == "gcj02" }

// alarms reads the alarm bits into dst.
func (d *Decoder) alarms(i int, dst *uint64) int {
	const bit = uint32(charge.HasAlarms)
	if uint(i) < uint(len(d.b)) && len(d.b)-i >= 8 {
		b := d.b[i : i+8]
		m, n := eight(binary.LittleEndian.Uint64(b))
		if uint(n-1) < 7 && (b[n&7] == ',' || b[n&7] == '}') && (b[0] != '0' || n == 1) {
			*dst = m
			d.take(bit)
			return i + n
		}
	}
	if !d.isNumber(i) {
		return d.other(i, bit, notNumber)
	}
	n, j := d.number(i)
	if j < 0 {
		return j
	}
	m, w := n.integer(d.view(i, j))
	if w != isWhole || n.neg && m != 0 || m > 1<<63-1 {
		return d.spoil(bit, i, j, notAlarms)
	}
	*dst = m
	d.take(bit)
	return j
}

func (d *Decoder) vehicleMembers(i int, r *charge.VehicleReport) int {
	o := &d.vehicleOrder
	bit, i := d.first(i, o)
	for bit != bitEnd {
		switch bit {
		case bitID:
			i = d.vin(i, bit, &r.VIN, notVIN)
		case bitTS:
			i = d.time(i, bit, &r.TS)
		case bitLon:
			i = d.float(i, bit, &r.Lon)
		case bitLat:
			i = d.float(i, bit, &r.Lat)
		case bitCRS:
			i = d.crs(i)
		case uint32(charge.HasSpeed):
			i = d.float(i, bit, &r.SpeedKMH)
		case uint32(charge.HasOdometer):
			i = d.float(i, bit, &r.OdometerKM)
		case uint32(charge.HasSOC):
			i = d.float(i, bit, &r.SOCPct)
		case uint32(charge.HasVoltage):
			i = d.float(i, bit, &r.VoltageV)
		case uint32(charge.HasCurrent):
			i = d.float(i, bit, &r.CurrentA)
		case uint32(charge.HasState):
			i = d.code(i, bit, &r.State, stateCodes, notState)
		case uint32(charge.HasCharge):
			i = d.code(i, bit, &r.Charge, chargeCodes, notCharge)
		case uint32(charge.HasAlarmLevel):
			i = d.code(i, bit, &r.AlarmLevel, levelCodes, notLevel)
		case uint32(charge.HasAlarms):
			i = d.alarms(i, &r.Alarms)
		case uint32(charge.HasRange):
			i = d.float(i, bit, &r.RangeKM)
		case uint32(charge.HasInsulation):
			i = d.float(i, bit, &r.InsulationKOhm)
		default:
			i = d.skip(i, d.depth+1)
		}
		bit, i = d.follow(i, ',', o)
	}
	return i
}
