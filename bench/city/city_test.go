package main

import (
	"fmt"
	"strings"
	"testing"
)

// An operator with 2 stations, 100 pile reports and 3 sessions; a maker with 5
// vehicles and 40 reports.
func TestCompare(t *testing.T) {
	f := func(change func(operator, maker *account, vehicles *uint64), want ...string) {
		t.Helper()
		operator := account{slug: "op", operator: true, taken: 105, points: 100,
			acked: map[string]uint64{"stations": 2, "piles": 100, "sessions": 3}}
		maker := account{slug: "mk", taken: 45, acked: map[string]uint64{"fleet": 5, "vehicles": 40}}
		vehicles := uint64(40)
		change(&operator, &maker, &vehicles)
		var got []string
		for _, g := range compare([]account{operator, maker}, vehicles) {
			got = append(got, fmt.Sprint(g))
		}
		if strings.Join(got, "; ") != strings.Join(want, "; ") {
			t.Errorf("compare finds %q, want %q", got, want)
		}
	}

	f(func(_, _ *account, _ *uint64) {})
	// Late, repeated and refused reports are accounted for.
	f(func(o, _ *account, _ *uint64) {
		o.taken, o.history, o.duplicate, o.rejected, o.points = 90, 10, 3, 2, 95
	})
	// What the platform does not know of is missing, there and in InfluxDB.
	f(func(o, _ *account, _ *uint64) { o.taken, o.points = 104, 99 },
		"op: 1 of 105 acknowledged by the platform's own count are missing")
	f(func(o, _ *account, _ *uint64) { o.points = 98 }, "op: 2 of 100 pile reports in InfluxDB are missing")
	f(func(_, _ *account, v *uint64) { *v = 39 }, "all makers: 1 of 40 vehicle reports in InfluxDB are missing")
	// Too many is wrong as well, unless they were sent again.
	f(func(_, m *account, _ *uint64) { m.duplicate = 7 },
		"mk: 7 more than the 45 acknowledged by the platform's own count")
	f(func(_, m *account, _ *uint64) { m.duplicate, m.resent = 7, 10 })
	f(func(_, _ *account, v *uint64) { *v = 41 }, "all makers: 1 more than the 40 vehicle reports in InfluxDB")
}

func TestBytesOfAPoint(t *testing.T) {
	d := disk{before: footprint{points: 500, index: 7, shards: 1}, after: footprint{points: 600, index: 8, shards: 1},
		pointsBefore: 10, pointsAfter: 30}
	if point, shard, ok := d.perPoint(); point != 5 || shard != 458 || !ok {
		t.Errorf("perPoint = %v, %v, %v, want 5 a point and 458 a shard", point, shard, ok)
	}
	d.after.shards = 2
	if _, _, ok := d.perPoint(); ok {
		t.Error("perPoint can tell although a shard began in between")
	}
}
