package main

import (
	"math"
	"slices"
	"time"
)

// quantile returns the smallest value that the share q of all values does not
// exceed (nearest rank), 0 when there are none. It sorts v.
func quantile(v []time.Duration, q float64) time.Duration {
	if len(v) == 0 {
		return 0
	}
	slices.Sort(v)
	rank := int(math.Ceil(q * float64(len(v))))
	return v[min(max(rank, 1), len(v))-1]
}
