package lab

import (
	"cmp"
	"math"
	"slices"
)

// Quantile returns the smallest value that the share q of all values does not
// exceed (nearest rank), 0 when there are none. It sorts v.
func Quantile[T cmp.Ordered](v []T, q float64) T {
	if len(v) == 0 {
		var none T
		return none
	}
	slices.Sort(v)
	rank := int(math.Ceil(q * float64(len(v))))
	return v[min(max(rank, 1), len(v))-1]
}
