package ingest

import (
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// An operator that names a VIN at one station after the other learns once a day
// whether the vehicle was near.
func TestOneLookADay(t *testing.T) {
	var l looks
	now := charge.At(time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC))
	f := func(party, vehicle charge.Num, after time.Duration, want bool) {
		t.Helper()
		if got := l.may(party, vehicle, now.Add(after)); got != want {
			t.Errorf("party %d, vehicle %d after %s: may = %v, want %v", party, vehicle, after, got, want)
		}
	}

	f(1, 7, 0, true)
	f(1, 7, time.Second, false)
	f(1, 7, 23*time.Hour, false) // a refused one does not count
	f(2, 7, time.Second, true)
	f(1, 8, time.Second, true)
	f(1, 7, 24*time.Hour, true)
	f(1, 7, 25*time.Hour, false)
}

func TestLooksAreBounded(t *testing.T) {
	var l looks
	for n := range charge.Num(maxLooks) {
		if !l.may(1, n+1, 1) {
			t.Fatalf("pair %d is refused", n)
		}
	}
	if l.may(2, 1, 2) {
		t.Error("one more than the bound")
	}
	if day := charge.Millis(lookEvery.Milliseconds()); !l.may(2, 1, day+2) || len(l.at) != 1 {
		t.Errorf("after a day there are %d pairs, want the new one alone", len(l.at))
	}
}
