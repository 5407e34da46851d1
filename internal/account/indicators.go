package account

import (
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// LimitMS is the delay up to which a report is in time: domain page, section 9.
const LimitMS = 60_000

// MinSample is how many reports each needed component of a grade must rest on.
const MinSample = 100

// Cadence is how often an object must report: the due reports of the missing
// rate. Vehicles: GB/T 32960.3, at most 30 s; piles: T/CEC 102 heartbeat, 60 s.
func Cadence(kind charge.PartyKind) time.Duration {
	if kind == charge.Maker {
		return 30 * time.Second
	}
	return time.Minute
}

// Missed returns how many due reports did not come between two taken reports of
// an object that are gap apart: the cadences in it, rounded, less the one that
// the later report is.
func Missed(gap, cadence time.Duration) uint32 {
	n := (gap + cadence/2) / cadence
	return uint32(max(n-1, 0))
}

// Expected returns how many reports were due from objects of a party of this
// kind that were on line for so many milliseconds together.
func Expected(kind charge.PartyKind, onlineMS uint64) uint64 {
	due := uint64(Cadence(kind).Milliseconds())
	return (onlineMS + due/2) / due
}

// Value is a number that may not be known.
type Value struct {
	V     float64
	Known bool
}

func share(part, of uint64) Value {
	if of == 0 {
		return Value{}
	}
	return Value{100 * float64(part) / float64(of), true}
}

func (v Value) rest() Value { return Value{100 - v.V, v.Known} }

// Delay is a quantile of receive − ts in seconds: an estimate, and the bounds
// between which it lies for certain. Delays are counted in classes, of which the
// last ones are wide, and the very last has no upper bound.
type Delay struct {
	Value
	Low, High float64 // High 0 with Low above 0: there is none
}

// Indicators are what a [Sum] says of a party, in the terms of the domain
// page's section 9. Rates are in percent.
type Indicators struct {
	Delayed       uint64 // reports that have a delay: of piles and vehicles
	P50, P95, P99 Delay  // of receive − ts, see [record.Counts.Quantile]
	Timeliness    Value  // share of reports with receive − ts ≤ 60 s

	Expected    uint64 // due while objects were on line
	Missing     uint64 // of these, less those that came later
	MissingRate Value

	Kept, Flagged uint64
	FlaggedRate   Value
	Accuracy      Value // share of kept reports without a flag

	Nulls    uint64
	NullRate Value // values set to null in 100 kept reports

	Rows       int
	OnlineRate Value

	Received     uint64
	RejectedRate Value // of everything received
}

// Of returns the indicators of s for a party of that kind.
func Of(kind charge.PartyKind, s *Sum) Indicators {
	c := &s.Counts
	x := Indicators{
		Expected: Expected(kind, c.OnlineMS), Missing: c.Missing - min(c.Missing, c.History),
		Kept: c.Kept, Flagged: c.Flagged, Nulls: c.Nulls, Rows: s.Rows, Received: c.Received,
	}
	for _, q := range []struct {
		q  float64
		to *Delay
	}{{.5, &x.P50}, {.95, &x.P95}, {.99, &x.P99}} {
		ms, known := c.Quantile(q.q)
		low, high, _ := c.QuantileClass(q.q)
		*q.to = Delay{Value{ms / 1000, known}, float64(low) / 1000, float64(max(high, 0)) / 1000}
	}
	var above uint64
	x.Delayed, above = c.Delayed(LimitMS)
	x.Timeliness = share(x.Delayed-above, x.Delayed)
	x.MissingRate = share(x.Missing, x.Expected)
	x.FlaggedRate = share(x.Flagged, x.Kept)
	x.Accuracy = x.FlaggedRate.rest()
	x.NullRate = share(x.Nulls, x.Kept)
	x.OnlineRate = Value{100 * s.Online, s.Rows > 0}
	x.RejectedRate = share(c.Rejected, c.Received)
	return x
}
