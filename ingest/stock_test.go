package ingest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// A maker that makes up VINs, or an operator that makes up piles, comes to a
// bound: what is unknown is rejected then and says why, what is known goes on,
// also after a restart, and others are not concerned.
func TestObjectsOfAPartyHaveABound(t *testing.T) {
	r := newRig(t)
	r.cfg.PartyObjects = 10
	r.open(Catalog{})
	car := func(party charge.Num, n int) counts {
		return r.send(party, charge.Vehicles, fmt.Sprintf(`{"vin":%q,"ts":%d}`, benchVIN(n), time.Now().UnixMilli()))
	}
	check := func(party charge.Num, from int) {
		t.Helper()
		for i := range 10 {
			if got := car(party, from+i); got.Taken != 1 {
				t.Errorf("vehicle %d: %+v", i, got)
			}
		}
		if got := car(party, from+10); got.Rejected != 1 {
			t.Errorf("one more: %+v", got)
		}
		time.Sleep(2 * time.Millisecond) // no two reports with one ts
		if got := car(party, from+9); got.Taken != 1 {
			t.Errorf("one that is known: %+v", got)
		}
		if got := r.send(party, charge.Fleet, fmt.Sprintf(`{"vin":%q}`, benchVIN(from+11))); got.Rejected != 1 {
			t.Errorf("one more in fleet: %+v", got)
		}
		if got := r.send(party, charge.Fleet, fmt.Sprintf(`{"vin":%q,"model":"m%d"}`, benchVIN(from), time.Now().UnixNano())); got.Taken != 1 {
			t.Errorf("one that is known in fleet: %+v", got)
		}
	}
	check(byd, 0)
	told := r.told("byd", 14)
	if !slices.ContainsFunc(told, func(f feedback) bool { return len(f.Rules) > 0 && f.Rules[0].Rule == "id.unknown" }) {
		t.Errorf("the maker is told %+v", told)
	}
	ids := func(from, n int) (ids []string) {
		for i := range n {
			ids = append(ids, fmt.Sprint("P", from+i))
		}
		return ids
	}
	station := func(id string, piles ...string) counts {
		return r.send(teld, charge.Stations, stationJSON(id, fmt.Sprintf(`,"phone":"%d"`, time.Now().UnixNano()), piles...))
	}
	if got := station("S1", ids(0, 8)...); got.Taken != 1 {
		t.Errorf("8 piles: %+v", got)
	}
	if got := station("S2", ids(8, 3)...); got.Rejected != 1 {
		t.Errorf("3 more: %+v", got)
	}
	if got := station("S2", ids(6, 4)...); got.Taken != 1 {
		t.Errorf("2 known and 2 more: %+v", got)
	}
	if got := station("S1", "Q1"); got.Rejected != 1 {
		t.Errorf("an id in place of others, which keep their numbers: %+v", got)
	}
	r.stop()
	r.open(Catalog{})
	time.Sleep(2 * time.Millisecond)
	check(byd, 0)
	check(nio, 100)
	if got := station("S2", "Q1"); got.Rejected != 1 {
		t.Errorf("after the restart: %+v", got)
	}
	if got := station("S2", ids(6, 4)...); got.Taken != 1 {
		t.Errorf("after the restart: %+v", got)
	}
}

// Stations that come and go under new ids come to a bound, too.
func TestStationsOfAPartyHaveABound(t *testing.T) {
	r := newRig(t).open(Catalog{})
	r.p.do(t.Context(), func() { r.p.judge.index.made[teld] = 4*maxStations - 1 })
	if got := r.send(teld, charge.Stations, stationJSON("S1", "")); got.Taken != 1 {
		t.Errorf("the last one: %+v", got)
	}
	r.send(teld, charge.Stations, `{"id":"S1","removed":true}`)
	if got := r.send(teld, charge.Stations, stationJSON("S2", "")); got.Rejected != 1 {
		t.Errorf("one more: %+v", got)
	}
	if got := r.send(star, charge.Stations, stationJSON("S2", "")); got.Taken != 1 {
		t.Errorf("another operator's: %+v", got)
	}
}
