package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestQuantile(t *testing.T) {
	f := func(n int, q float64, want time.Duration) {
		t.Helper()
		var v []time.Duration
		for i := range n {
			v = append(v, time.Duration(n-i)) // n … 1
		}
		if got := quantile(v, q); got != want {
			t.Errorf("quantile %v of 1…%d = %d, want %d", q, n, got, want)
		}
	}

	f(0, 0.5, 0)
	f(1, 0.99, 1)
	f(100, 0.5, 50)
	f(100, 0.99, 99)
	f(101, 0.99, 100)
	f(1000, 0, 1)
	f(1000, 1, 1000)
}

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

func TestCountsOfInfluxDB(t *testing.T) {
	f := func(body string, want uint64, ok bool) {
		t.Helper()
		got, err := sumOfCounts([]byte(body))
		if got != want || (err == nil) != ok {
			t.Errorf("sumOfCounts(%s) = %d, %v, want %d", body, got, err, want)
		}
	}

	f(`{"results":[{"statement_id":0,"series":[{"name":"pile","columns":["time","count","count_1"],`+
		`"values":[["1970-01-01T00:00:00Z",7976000,24]]}]}]}`, 7976024, true)
	f(`{"results":[{"series":[{"columns":["time","count"],"values":[["1970-01-01T00:00:00Z",5,null]]}]}]}`, 5, true)
	f(`{"results":[{"statement_id":0}]}`, 0, true)
	f(`{"results":[{"statement_id":0,"error":"timeout"}]}`, 0, false)
	f(`{"error":"authorization failed"}`, 0, false)
	f(``, 0, false)
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

func TestProcOfAProcess(t *testing.T) {
	got, err := cpuOf("12 (a (b) c) S 1 12 12 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 9 0 12345 0 0")
	if err != nil || got != 3 {
		t.Errorf("cpuOf = %v, %v, want 3 s", got, err)
	}
	if _, err := cpuOf("12 (x) S 1"); err == nil {
		t.Error("a short line is no error")
	}
	if got := field("VmPeak:\t  99 kB\nVmRSS:\t  1024 kB\n", "VmRSS:"); got != 1024 {
		t.Errorf("VmRSS = %d", got)
	}
}

func TestMetrics(t *testing.T) {
	m := parseMetrics("# HELP dianchi_piles x 5\n# TYPE dianchi_piles gauge\n" +
		"dianchi_reports_total{party=\"teld\",verdict=\"taken\"} 1.234567e+06\ndianchi_spool_full 0\n")
	if len(m) != 2 || m[`dianchi_reports_total{party="teld",verdict="taken"}`] != 1234567 {
		t.Errorf("metrics %v", m)
	}
}
