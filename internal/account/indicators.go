package account

import (
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// Cadence is how often an object must report: the due reports of the missing
// rate. Vehicles: GB/T 32960.3, at most 30 s; piles: T/CEC 102 heartbeat, 60 s.
func Cadence(kind charge.PartyKind) time.Duration {
	if kind == charge.Maker {
		return 30 * time.Second
	}
	return time.Minute
}

// Missed returns how many due reports did not come between two taken reports of
// an object that are gap apart: the whole cadences in it, rounded, less the one
// that the later report is.
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
