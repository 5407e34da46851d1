package lab

import (
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
		if got := Quantile(v, q); got != want {
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
	m := ParseMetrics("# HELP dianchi_piles x 5\n# TYPE dianchi_piles gauge\n" +
		"dianchi_reports_total{party=\"teld\",verdict=\"taken\"} 1.234567e+06\ndianchi_spool_full 0\n")
	if len(m) != 2 || m[`dianchi_reports_total{party="teld",verdict="taken"}`] != 1234567 {
		t.Errorf("metrics %v", m)
	}
}
