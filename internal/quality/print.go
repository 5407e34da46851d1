package quality

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// fingerprint mixes values into 64 bits. The constants are part of snapshots:
// to change them is to forget every report.
type fingerprint uint64

const mixer = 0x9e3779b97f4a7c15 // 2^64 / golden ratio, odd

func (h *fingerprint) word(x uint64) {
	hi, lo := bits.Mul64(uint64(*h)^x, mixer)
	*h = fingerprint(hi ^ lo + mixer)
}

// float mixes f in; 0 and -0 are the same value.
func (h *fingerprint) float(f float64) {
	if f == 0 {
		f = 0
	}
	h.word(math.Float64bits(f))
}

func (h *fingerprint) string(s string) {
	h.word(uint64(len(s)))
	for len(s) >= 8 {
		h.word(uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56)
		s = s[8:]
	}
	if len(s) > 0 {
		var tail [8]byte
		copy(tail[:], s)
		h.word(binary.LittleEndian.Uint64(tail[:]))
	}
}

// sum ends the mixing; it is never 0, which stands for no report.
func (h *fingerprint) sum() uint64 {
	h.word(mixer)
	return max(1, uint64(*h))
}

// pilePrint is the identity of a pile's report and all its values, as they are kept.
func pilePrint(r *charge.PileReport) uint64 {
	var h fingerprint
	h.word(uint64(r.TS))
	h.word(uint64(r.Has)<<32 | uint64(r.Status)<<16 | uint64(r.Park)<<8 | uint64(r.Lock))
	has := r.Has
	if has&charge.HasPower != 0 {
		h.float(r.PowerKW)
	}
	if has&charge.HasVoltage != 0 {
		h.float(r.VoltageV)
	}
	if has&charge.HasCurrent != 0 {
		h.float(r.CurrentA)
	}
	if has&charge.HasSOC != 0 {
		h.float(r.SOCPct)
	}
	if has&charge.HasEnergy != 0 {
		h.float(r.EnergyKWh)
	}
	if has&charge.HasMeter != 0 {
		h.float(r.MeterKWh)
	}
	if has&charge.HasSession != 0 {
		h.string(r.Session)
	}
	if has&charge.HasVIN != 0 {
		h.string(r.VIN)
	}
	if has&charge.HasFault != 0 {
		h.string(r.Fault)
	}
	return h.sum()
}

// vehiclePrint is the identity of a vehicle's report and all its values, as they are kept.
func vehiclePrint(r *charge.VehicleReport) uint64 {
	var h fingerprint
	h.word(uint64(r.TS))
	h.word(uint64(r.Has)<<32 | uint64(r.State)<<16 | uint64(r.Charge)<<8 | uint64(r.AlarmLevel))
	has := r.Has
	if has&charge.HasPosition != 0 {
		h.float(r.Lon)
		h.float(r.Lat)
	}
	if has&charge.HasSpeed != 0 {
		h.float(r.SpeedKMH)
	}
	if has&charge.HasOdometer != 0 {
		h.float(r.OdometerKM)
	}
	if has&charge.HasSOC != 0 {
		h.float(r.SOCPct)
	}
	if has&charge.HasVoltage != 0 {
		h.float(r.VoltageV)
	}
	if has&charge.HasCurrent != 0 {
		h.float(r.CurrentA)
	}
	if has&charge.HasAlarms != 0 {
		h.word(r.Alarms)
	}
	if has&charge.HasRange != 0 {
		h.float(r.RangeKM)
	}
	if has&charge.HasInsulation != 0 {
		h.float(r.InsulationKOhm)
	}
	return h.sum()
}
