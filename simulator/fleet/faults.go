package fleet

import (
	"github.com/dianchi-platform/dianchi/internal/charge"
)

// Faults says which bad data parties mix into their reports, as shares of all
// reports unless it says otherwise. The zero value sends clean data only. What
// goes wrong is drawn from a hash of the report, so switching a fault on or
// off never changes what the city does.
type Faults struct {
	Duplicates  float64 // the same report once more
	OutOfOrder  float64 // kept back and sent after the next one
	Future      float64 // ts 70 s to 10 min ahead
	NullIsland  float64 // of vehicles' reports: position 0,0
	Sentinels   float64 // a value that GB/T 32960 uses for "abnormal" or "invalid"
	UnknownIDs  float64 // of piles' reports: an id that no station has
	Reissue     float64 // of vehicles' reports: kept back in a 10 minute outage, sent after it
	SkewedShare float64 // of objects: their clock is up to 30 s off, either way
	WrongCRS    bool    // one operator sends its stations in GCJ-02 and says WGS-84
}

// UsualFaults returns bad data at the rates that real parties show (domain
// page §10).
func UsualFaults() Faults {
	return Faults{Duplicates: 0.005, OutOfOrder: 0.01, Future: 0.0005, NullIsland: 0.002, Sentinels: 0.005,
		UnknownIDs: 0.0005, Reissue: 0.003, SkewedShare: 0.05, WrongCRS: true}
}

// wrongCRSParty is the operator in the wrong coordinates: the fourth, dzhn.
const wrongCRSParty = 3

// Sentinels as they arrive when a gateway scales GB/T 32960's raw values
// without looking: 0xFE and 0xFF in one byte, 0xFFFE and 0xFFFF in two.
var (
	byteSentinels = [2]float64{254, 255}
	wordSentinels = [2]float64{6553.4, 6553.5}
)

const (
	maxSkewMS = 30 * second
	outageMS  = 10 * minute
	keptBack  = 4 * second // how much later than due an out-of-order report leaves, beyond its object's visit
)

// Salts keep the draws of the faults apart.
const (
	saltDuplicate = 1 + iota
	saltOrder
	saltFuture
	saltIsland
	saltSentinel
	saltUnknown
	saltOutage
	saltSkew
	saltSize
)

// hits draws whether a fault of that share strikes the report of object at ts.
func (o *reporter) hits(share float64, object uint64, ts int64, salt uint64) bool {
	return share > 0 && chance(mixHash(o.seed^salt<<56, object, uint64(ts))) < share
}

// skew returns how far an object's clock is off, in ms.
func (o *reporter) skew(object uint64) int64 {
	if !o.hits(o.faults.SkewedShare, object, 0, saltSkew) {
		return 0
	}
	return int64((2*chance(mixHash(o.seed^saltSize<<56, object, 1)) - 1) * float64(maxSkewMS))
}

// outage returns when the outage ends in which a vehicle is at ts, or 0.
func (o *reporter) outage(object uint64, ts int64) int64 {
	share := o.faults.Reissue
	if share <= 0 {
		return 0
	}
	cycle := int64(float64(outageMS) / min(share, 1))
	shift := int64(mixHash(o.seed^saltOutage<<56, object, 0) % uint64(cycle))
	if into := (ts + shift) % cycle; into < outageMS {
		return ts - into + outageMS
	}
	return 0
}

// spoilPile mixes bad data into a pile's report.
func (o *reporter) spoilPile(object uint64, r *charge.PileReport) {
	ts := int64(r.TS)
	if o.hits(o.faults.Future, object, ts, saltFuture) {
		r.TS += charge.Millis(o.ahead(object, ts))
	}
	if o.hits(o.faults.UnknownIDs, object, ts, saltUnknown) {
		r.ID = "X" + r.ID
	}
	if o.hits(o.faults.Sentinels, object, ts, saltSentinel) && r.Has&charge.HasVoltage != 0 {
		r.VoltageV = wordSentinels[mixHash(o.seed, object, uint64(ts))&1]
	}
}

// spoilVehicle mixes bad data into a vehicle's report.
func (o *reporter) spoilVehicle(object uint64, r *charge.VehicleReport) {
	ts := int64(r.TS)
	if o.hits(o.faults.Future, object, ts, saltFuture) {
		r.TS += charge.Millis(o.ahead(object, ts))
	}
	if o.hits(o.faults.NullIsland, object, ts, saltIsland) {
		r.Lon, r.Lat = 0, 0
	}
	if o.hits(o.faults.Sentinels, object, ts, saltSentinel) {
		h := mixHash(o.seed, object, uint64(ts))
		switch h >> 1 % 3 {
		case 0:
			r.SOCPct = byteSentinels[h&1]
		case 1:
			r.SpeedKMH = wordSentinels[h&1]
		default:
			r.VoltageV = wordSentinels[h&1]
		}
	}
}

// ahead returns how far a report's ts is in the future: mostly a little beyond
// what is taken, 70 s to 10 min.
func (o *reporter) ahead(object uint64, ts int64) int64 {
	u := chance(mixHash(o.seed^saltSize<<56, object, uint64(ts)))
	return 70*second + int64(u*u*530*float64(second))
}
