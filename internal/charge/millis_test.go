package charge

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestMillisAppend(t *testing.T) {
	f := func(m Millis) {
		t.Helper()
		if got, want := string(m.Append(nil)), time.UnixMilli(int64(m)).UTC().Format(layout); got != want {
			t.Fatalf("%d: %s, want %s", int64(m), got, want)
		}
	}

	f(0)
	f(-1)
	f(At(time.Date(2000, 2, 29, 23, 59, 59, 999e6, time.UTC)))
	f(At(time.Date(2100, 2, 28, 23, 59, 59, 0, time.UTC)))
	f(At(time.Date(2100, 3, 1, 0, 0, 0, 0, time.UTC)))
	f(At(time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC)))
	f(At(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)))
	for d := range Millis(365 * 401) { // each day of a whole era
		f(d*86_400_000 + d%86_400_000)
	}
	for range 10_000 {
		f(Millis(rand.Int64N(253_402_300_800_000)))
	}
}

func TestMillisSubIsThatOfTime(t *testing.T) {
	f := func(a, b Millis) {
		t.Helper()
		if got, want := a.Sub(b), a.Time().Sub(b.Time()); got != want {
			t.Fatalf("%d - %d = %v, want %v", a, b, got, want)
		}
	}

	f(1_795_392_000_000, 1_795_391_999_999)
	f(253_402_300_799_999, 1_795_392_000_000) // a report of the year 9999
	f(-62_135_596_800_000, 1_795_392_000_000) // and of the year 1
	f(9_223_372_036_854, 0)
	f(9_223_372_036_855, 0)
	f(0, 9_223_372_036_854)
	f(0, 9_223_372_036_855)
}

func BenchmarkMillisAppend(b *testing.B) {
	m, dst := Millis(1_795_392_000_123), make([]byte, 0, 32)
	b.ReportAllocs()
	for b.Loop() {
		dst = m.Append(dst[:0])
	}
}

func TestMillisComeBackFromJSON(t *testing.T) {
	for _, m := range []Millis{0, 1, 1795392000123, -1, 253402300799999} {
		b, err := m.MarshalJSON()
		got := Millis(99)
		if err != nil || got.UnmarshalJSON(b) != nil || got != m {
			t.Errorf("%d is %s and comes back as %d (%v)", m, b, got, err)
		}
	}
	var m Millis
	for _, bad := range []string{"5", `"yesterday"`, `""`} {
		if m.UnmarshalJSON([]byte(bad)) == nil {
			t.Errorf("%s is taken for %s", bad, m)
		}
	}
}
