package record

import (
	"encoding/binary"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// version is the first byte of every encoded record. A change of layout takes
// the next number, and Decode goes on reading the old ones.
const version = 1

// Marks of the parts that an encoded record carries, so that an empty part
// costs nothing.
const (
	hasAccount = 1 << iota
	hasRules
	hasDelays
	hasStations
	hasVehicles
	hasPiles
	hasFleet
	hasSessions
	hasRows
	hasGaps
	hasQuality
	hasAlarms
	hasMeetings
	allParts = 1<<iota - 1
)

// Members that each kind of report may carry; others are not written.
const (
	pileHas    = (charge.HasLock << 1) - 1
	vehicleHas = charge.HasVoltage | charge.HasCurrent | charge.HasSOC | ((charge.HasInsulation << 1) - charge.HasPosition)
)

// Reset empties r and keeps its buffers.
func (r *Record) Reset() {
	clear(r.Stations)
	clear(r.Vehicles)
	clear(r.Piles)
	clear(r.Fleet)
	clear(r.Sessions)
	clear(r.Rows)
	clear(r.Quality)
	clear(r.Alarms)
	clear(r.Meetings)
	*r = Record{
		Rules:    r.Rules[:0],
		Stations: r.Stations[:0],
		Vehicles: r.Vehicles[:0],
		Piles:    r.Piles[:0],
		Fleet:    r.Fleet[:0],
		Sessions: r.Sessions[:0],
		Rows:     r.Rows[:0],
		Quality:  r.Quality[:0],
		Alarms:   r.Alarms[:0],
		Meetings: r.Meetings[:0],
	}
}

// Append appends r's encoded body to dst. Seq is not part of it.
//
// Integers are varints, times zigzag differences to Received (itself to 1970),
// floats see appendFloat; a part that is empty takes no byte.
func (r *Record) Append(dst []byte) []byte {
	dst = append(dst, version, byte(r.Kind), byte(r.Payload))
	dst = binary.AppendVarint(dst, int64(r.Received))
	dst = binary.AppendUvarint(dst, uint64(r.Party))
	dst = binary.AppendUvarint(dst, r.parts())
	if r.Account != (charge.Account{}) {
		a := &r.Account
		for _, n := range [...]uint64{a.Received, a.Taken, a.Duplicate, a.History, a.Rejected} {
			dst = binary.AppendUvarint(dst, n)
		}
	}
	if len(r.Rules) > 0 {
		dst = binary.AppendUvarint(dst, uint64(len(r.Rules)))
		for i := range r.Rules {
			dst = appendString(dst, string(r.Rules[i].Rule))
			dst = append(dst, byte(r.Rules[i].Action))
			dst = binary.AppendUvarint(dst, uint64(r.Rules[i].Count))
		}
	}
	if r.Delays != (DelayCounts{}) {
		dst = r.Delays.append(dst)
	}
	if len(r.Stations) > 0 {
		dst = binary.AppendUvarint(dst, uint64(len(r.Stations)))
		for i := range r.Stations {
			dst = appendStation(dst, &r.Stations[i])
		}
	}
	if len(r.Vehicles) > 0 {
		dst = binary.AppendUvarint(dst, uint64(len(r.Vehicles)))
		for i := range r.Vehicles {
			dst = appendVehicle(dst, &r.Vehicles[i])
		}
	}
	if len(r.Piles) > 0 {
		dst = binary.AppendUvarint(dst, uint64(len(r.Piles)))
		for i := range r.Piles {
			dst = appendPileItem(dst, &r.Piles[i], r.Received)
		}
	}
	if len(r.Fleet) > 0 {
		dst = binary.AppendUvarint(dst, uint64(len(r.Fleet)))
		for i := range r.Fleet {
			dst = appendVehicleItem(dst, &r.Fleet[i], r.Received)
		}
	}
	if len(r.Sessions) > 0 {
		dst = binary.AppendUvarint(dst, uint64(len(r.Sessions)))
		for i := range r.Sessions {
			dst = appendSession(dst, &r.Sessions[i], r.Received)
		}
	}
	if len(r.Rows) > 0 {
		dst = binary.AppendUvarint(dst, uint64(len(r.Rows)))
		for i := range r.Rows {
			dst = appendRow(dst, &r.Rows[i], r.Received)
		}
	}
	if r.hasGaps() {
		dst = appendUint(appendUint(dst, uint64(r.Missing)), r.OnlineMS)
	}
	if len(r.Quality) > 0 {
		dst = appendUint(dst, uint64(len(r.Quality)))
		for i := range r.Quality {
			dst = r.Quality[i].append(dst, r.Received)
		}
	}
	if len(r.Alarms) > 0 {
		dst = binary.AppendUvarint(dst, uint64(len(r.Alarms)))
		for i := range r.Alarms {
			dst = appendAlarm(dst, &r.Alarms[i], r.Received)
		}
	}
	if len(r.Meetings) > 0 {
		dst = binary.AppendUvarint(dst, uint64(len(r.Meetings)))
		for _, m := range r.Meetings {
			dst = binary.AppendUvarint(dst, uint64(m.Maker))
			dst = binary.AppendUvarint(dst, uint64(m.Pile))
			dst = binary.AppendUvarint(dst, uint64(m.Vehicle))
			dst = append(dst, byte(m.Shift+1))
		}
	}
	return dst
}

func (r *Record) parts() uint64 {
	var p uint64
	mark := func(on bool, bit uint64) {
		if on {
			p |= bit
		}
	}
	mark(r.Account != (charge.Account{}), hasAccount)
	mark(len(r.Rules) > 0, hasRules)
	mark(r.Delays != (DelayCounts{}), hasDelays)
	mark(len(r.Stations) > 0, hasStations)
	mark(len(r.Vehicles) > 0, hasVehicles)
	mark(len(r.Piles) > 0, hasPiles)
	mark(len(r.Fleet) > 0, hasFleet)
	mark(len(r.Sessions) > 0, hasSessions)
	mark(len(r.Rows) > 0, hasRows)
	mark(r.hasGaps(), hasGaps)
	mark(len(r.Quality) > 0, hasQuality)
	mark(len(r.Alarms) > 0, hasAlarms)
	mark(len(r.Meetings) > 0, hasMeetings)
	return p
}

func (r *Record) hasGaps() bool { return r.Missing != 0 || r.OnlineMS != 0 }

// append writes the classes that are not zero: a bit set, then the counts.
func (d *DelayCounts) append(dst []byte) []byte {
	var set uint64
	for i, n := range d {
		if n != 0 {
			set |= 1 << i
		}
	}
	dst = binary.AppendUvarint(dst, set)
	for _, n := range d {
		if n != 0 {
			dst = binary.AppendUvarint(dst, uint64(n))
		}
	}
	return dst
}

// Bits of an item's first byte, above the verdict's three.
const (
	verdictBits = 7
	bitFlagged  = 1 << 3
	bitOffMap   = 1 << 4
)

func itemMark(v charge.Verdict, flagged, offMap bool) byte {
	m := byte(v) & verdictBits
	if flagged {
		m |= bitFlagged
	}
	if offMap {
		m |= bitOffMap
	}
	return m
}

func appendPileItem(dst []byte, it *PileItem, received charge.Millis) []byte {
	p := &it.Report
	has := p.Has & pileHas
	dst = append(dst, itemMark(it.Verdict, it.Flagged, false), byte(p.Status))
	dst = appendUint(dst, uint64(it.Num))
	dst = appendString(dst, p.ID)
	dst = appendUint(dst, zigzag(int64(p.TS-received)))
	dst = appendUint(dst, uint64(has))
	if has&charge.HasPower != 0 {
		dst = appendFloat(dst, p.PowerKW)
	}
	if has&charge.HasVoltage != 0 {
		dst = appendFloat(dst, p.VoltageV)
	}
	if has&charge.HasCurrent != 0 {
		dst = appendFloat(dst, p.CurrentA)
	}
	if has&charge.HasSOC != 0 {
		dst = appendFloat(dst, p.SOCPct)
	}
	if has&charge.HasEnergy != 0 {
		dst = appendFloat(dst, p.EnergyKWh)
	}
	if has&charge.HasMeter != 0 {
		dst = appendFloat(dst, p.MeterKWh)
	}
	if has&charge.HasSession != 0 {
		dst = appendString(dst, p.Session)
	}
	if has&charge.HasVIN != 0 {
		dst = appendString(dst, p.VIN)
	}
	if has&charge.HasFault != 0 {
		dst = appendString(dst, p.Fault)
	}
	if has&charge.HasPark != 0 {
		dst = append(dst, p.Park)
	}
	if has&charge.HasLock != 0 {
		dst = append(dst, p.Lock)
	}
	return dst
}

func appendVehicleItem(dst []byte, it *VehicleItem, received charge.Millis) []byte {
	v := &it.Report
	has := v.Has & vehicleHas
	dst = append(dst, itemMark(it.Verdict, it.Flagged, it.OffMap))
	dst = appendUint(dst, uint64(it.Num))
	dst = appendString(dst, v.VIN)
	dst = appendUint(dst, zigzag(int64(v.TS-received)))
	dst = appendUint(dst, uint64(has))
	if has&charge.HasPosition != 0 {
		dst = appendDegrees(appendDegrees(dst, v.Lon), v.Lat)
	}
	if has&charge.HasSpeed != 0 {
		dst = appendFloat(dst, v.SpeedKMH)
	}
	if has&charge.HasOdometer != 0 {
		dst = appendFloat(dst, v.OdometerKM)
	}
	if has&charge.HasSOC != 0 {
		dst = appendFloat(dst, v.SOCPct)
	}
	if has&charge.HasVoltage != 0 {
		dst = appendFloat(dst, v.VoltageV)
	}
	if has&charge.HasCurrent != 0 {
		dst = appendFloat(dst, v.CurrentA)
	}
	if has&charge.HasState != 0 {
		dst = append(dst, v.State)
	}
	if has&charge.HasCharge != 0 {
		dst = append(dst, v.Charge)
	}
	if has&charge.HasAlarmLevel != 0 {
		dst = append(dst, v.AlarmLevel)
	}
	if has&charge.HasAlarms != 0 {
		dst = appendUint(dst, v.Alarms)
	}
	if has&charge.HasRange != 0 {
		dst = appendFloat(dst, v.RangeKM)
	}
	if has&charge.HasInsulation != 0 {
		dst = appendFloat(dst, v.InsulationKOhm)
	}
	return dst
}
