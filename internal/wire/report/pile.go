package report

import "github.com/dianchi-platform/dianchi/internal/charge"

// Members of a pile report, in the contract's order.
var (
	pileRequired = []named{{"id", bitID}, {"ts", bitTS}, {"status", bitStatus}}
	pileOptional = []named{
		{"powerKw", uint32(charge.HasPower)}, {"voltageV", uint32(charge.HasVoltage)},
		{"currentA", uint32(charge.HasCurrent)}, {"socPct", uint32(charge.HasSOC)},
		{"energyKwh", uint32(charge.HasEnergy)}, {"meterKwh", uint32(charge.HasMeter)},
		{"session", uint32(charge.HasSession)}, {"vin", uint32(charge.HasVIN)}, {"fault", uint32(charge.HasFault)},
		{"parkStatus", uint32(charge.HasPark)}, {"lockStatus", uint32(charge.HasLock)},
	}
)

const (
	pileMust = bitID | bitTS | bitStatus
	pileHas  = (charge.HasLock << 1) - 1

	statusCodes = 1<<0 | 1<<1 | 1<<2 | 1<<3 | 1<<4 | 1<<63
	parkCodes   = 1<<0 | 1<<10 | 1<<50
)

// PileEntry is one element of a piles payload.
type PileEntry struct {
	Head
	Report charge.PileReport
}

// Piles decodes a piles payload. A finding means that the whole message is one
// rejected report (msg.malformed or msg.too-large).
func (d *Decoder) Piles(payload []byte) ([]PileEntry, *charge.Finding) {
	d.piles = d.piles[:0]
	f := d.each(payload, (*Decoder).pile)
	return d.piles, f
}

// pile reads one pile report at i.
func (d *Decoder) pile(i int) int {
	e := grow(&d.piles)
	*e = PileEntry{}
	d.begin()
	j := d.pileMembers(i, &e.Report)
	if j < 0 {
		return j
	}
	if d.bad != 0 || d.got&pileMust != pileMust {
		d.judge(&e.Head, pileRequired, pileOptional)
	}
	e.ID, e.TS = e.Report.ID, e.Report.TS
	e.Report.Has = charge.Has(d.got) & pileHas
	d.end(&e.Head, i, j)
	return j
}

func (d *Decoder) pileMembers(i int, r *charge.PileReport) int {
	o := &d.pileOrder
	bit, i := d.first(i, o)
	for bit != bitEnd {
		switch bit {
		case bitID:
			i = d.id(i, bit, &r.ID)
		case bitTS:
			i = d.time(i, bit, &r.TS)
		case bitStatus:
			i = d.code(i, bit, (*uint8)(&r.Status), statusCodes, notStatus)
		case uint32(charge.HasPower):
			i = d.float(i, bit, &r.PowerKW)
		case uint32(charge.HasVoltage):
			i = d.float(i, bit, &r.VoltageV)
		case uint32(charge.HasCurrent):
			i = d.float(i, bit, &r.CurrentA)
		case uint32(charge.HasSOC):
			i = d.float(i, bit, &r.SOCPct)
		case uint32(charge.HasEnergy):
			i = d.float(i, bit, &r.EnergyKWh)
		case uint32(charge.HasMeter):
			i = d.float(i, bit, &r.MeterKWh)
		case uint32(charge.HasSession):
			if d.peek(i) == '"' && d.peek(i+1) == '"' {
				d.drop(bit) // the same as absent
				i += 2
			} else {
				i = d.word(i, bit, &r.Session, 1, 128, isShort, notShort)
			}
		case uint32(charge.HasVIN):
			if d.peek(i) == '"' && d.peek(i+1) == '"' {
				d.drop(bit) // the same as absent
				i += 2
			} else {
				i = d.vin(i, bit, &r.VIN, notLongVIN)
			}
		case uint32(charge.HasFault):
			if d.peek(i) == '"' && d.peek(i+1) == '"' {
				r.Fault = ""
				d.take(bit)
				i += 2
			} else {
				i = d.string(i, bit, &r.Fault, isFault, notShort)
			}
		case uint32(charge.HasPark):
			i = d.code(i, bit, &r.Park, parkCodes, notPark)
		case uint32(charge.HasLock):
			i = d.code(i, bit, &r.Lock, parkCodes, notPark)
		default:
			i = d.skip(i, d.depth+1)
		}
		bit, i = d.follow(i, ',', o)
	}
	return i
}
