package ingest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

func stationJSON(id, more string, piles ...string) string {
	for i, p := range piles {
		piles[i] = fmt.Sprintf(`{"id":%q,"kind":"dc","ratedKw":120}`, p)
	}
	return fmt.Sprintf(`{"id":%q,"name":"站","lon":102.7,"lat":25,"access":"private","piles":[%s]%s}`,
		id, strings.Join(piles, ","), more)
}

func pileJSON(id string, ts time.Time, status int, kw float64) string {
	return fmt.Sprintf(`{"id":%q,"ts":%d,"status":%d,"powerKw":%g}`, id, ts.UnixMilli(), status, kw)
}

func tariffJSON(from string, yuan float64) string {
	return fmt.Sprintf(`,"tariff":{"validFrom":%q,"bands":[{"from":"00:00","to":"24:00","energyYuanPerKwh":%g,`+
		`"serviceYuanPerKwh":0.4}]}`, from, yuan)
}

// Stations are put, known again, replaced and taken away, and so are their piles.
func TestStations(t *testing.T) {
	r := newRig(t).open(Catalog{})
	f := func(payload string, want counts) {
		t.Helper()
		if got := r.send(teld, charge.Stations, payload); got != want {
			t.Errorf("%s: %+v, want %+v", payload, got, want)
		}
	}
	piles := func(station string, want ...string) {
		t.Helper()
		v, ok := r.live.Station("teld", station, regulator)
		var got []string
		for _, p := range v.PileList {
			got = append(got, p.Meta.ID)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) || ok != (want != nil) {
			t.Errorf("station %s has piles %v, want %v", station, got, want)
		}
	}
	taken, duplicate := counts{Received: 1, Taken: 1}, counts{Received: 1, Duplicate: 1}

	f(stationJSON("S1", "", "A", "B"), taken)
	f(stationJSON("S1", "", "A", "B"), duplicate)
	f(stationJSON("S1", `,"bay":"unknown member"`, "A", "B"), duplicate)
	f(stationJSON("S1", `,"phone":"0871"`, "A", "B"), taken)
	f("["+stationJSON("S2", "", "B", "C")+","+stationJSON("S3", "", "D")+"]", counts{Received: 2, Taken: 2})
	piles("S1", "A") // B belongs to the station that named it last
	piles("S2", "B", "C")
	f(stationJSON("S1", `,"phone":"0871"`, "A"), duplicate)
	f(`{"id":"S9","removed":true}`, duplicate) // it is not there already
	f(`{"id":"S2","removed":true}`, taken)
	piles("S2")
	if _, ok := r.live.Pile("teld", "C", regulator); ok {
		t.Error("a removed station's pile is still there")
	}
	// Another operator may use the same ids.
	if got := r.send(star, charge.Stations, stationJSON("S1", "", "A")); got != taken {
		t.Errorf("the same id of another operator: %+v", got)
	}
	piles("S1", "A")
}

// A pile that comes back has its number and what the rules know of it.
func TestPileComesBack(t *testing.T) {
	r := newRig(t).open(Catalog{})
	r.send(teld, charge.Stations, stationJSON("S1", "", "A", "B"))
	now := time.Now()
	report := pileJSON("A", now, 3, 60)
	r.send(teld, charge.Piles, report)
	num := r.p.judge.index.piles[teld]["A"]
	back := func(away, here string) {
		t.Helper()
		r.send(teld, charge.Stations, away)
		if got := r.send(teld, charge.Piles, report); got.Rejected != 1 {
			t.Errorf("a report of a pile in no station: %+v, want it rejected", got)
		}
		r.send(teld, charge.Stations, here)
		v, _ := r.live.Pile("teld", "A", regulator)
		if v.Num != num || v.State != charge.InUse {
			t.Errorf("the pile came back as %d in state %v, want %d and what it reported", v.Num, v.State, num)
		}
		if got := r.send(teld, charge.Piles, report); got.Duplicate != 1 {
			t.Errorf("its report again: %+v, want a duplicate", got)
		}
	}
	back(stationJSON("S1", "", "B"), stationJSON("S1", "", "A", "B"))
	back(`{"id":"S1","removed":true}`, stationJSON("S2", "", "A"))
	r.send(teld, charge.Stations, `{"id":"S2","removed":true}`)
	// Also after a restart, with a snapshot and without.
	for range 2 {
		all, last := r.records(), r.sp.Last()
		r.crash()
		r.open(booksAt(all, last, Catalog{}))
		back(`{"id":"S1","removed":true}`, stationJSON("S2", "", "A"))
		r.send(teld, charge.Stations, `{"id":"S2","removed":true}`)
		if err := r.p.commit.snapshotNow(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// After a start every party's account is there at once, not at the next beat.
func TestAccountAfterStart(t *testing.T) {
	r := newRig(t).open(Catalog{})
	r.send(teld, charge.Stations, stationJSON("S1", "", "A"))
	r.crash()
	r.cfg.FeedbackEvery, r.words = time.Hour, map[string][]feedback{}
	r.open(Catalog{})
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		r.mu.Lock()
		said := r.words["teld"]
		r.mu.Unlock()
		if len(said) > 0 {
			if f := said[0]; f.Received != 0 || f.Total.Received != 1 || f.Total.Taken != 1 {
				t.Errorf("the first word is %+v, want the total alone", f)
			}
			return
		}
	}
	t.Error("nothing was said after the start")
}

// Tariffs of a station add up by validFrom, and one that is known is no change.
func TestTariffsAddUp(t *testing.T) {
	r := newRig(t).open(Catalog{})
	f := func(more string, taken uint64, want ...float64) {
		t.Helper()
		if got := r.send(teld, charge.Stations, stationJSON("S1", more, "A")); got.Taken != taken {
			t.Errorf("%s: %+v, want %d taken", more, got, taken)
		}
		v, _ := r.live.Station("teld", "S1", regulator)
		var got []float64
		for _, tariff := range v.Site.Tariffs {
			got = append(got, float64(tariff.Bands[0].EnergyE4)/1e4)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: prices %v, want %v", more, got, want)
		}
	}
	f(tariffJSON("2026-06-01T00:00:00+08:00", 1), 1, 1)
	f(tariffJSON("2026-12-01T00:00:00+08:00", 3), 1, 1, 3)
	f(tariffJSON("2026-09-01T00:00:00+08:00", 2), 1, 1, 2, 3)
	f(tariffJSON("2026-09-01T00:00:00+08:00", 2), 0, 1, 2, 3)
	f("", 0, 1, 2, 3)
	f(tariffJSON("2026-09-01T00:00:00+08:00", 2.5), 1, 1, 2.5, 3)
}

// A report is taken once, whatever else comes, and only of known piles.
func TestPiles(t *testing.T) {
	r := newRig(t).open(Catalog{})
	r.send(teld, charge.Stations, stationJSON("S1", "", "A", "B"))
	now := time.Now()
	f := func(payload string, want counts) {
		t.Helper()
		if got := r.send(teld, charge.Piles, payload); got != want {
			t.Errorf("%s: %+v, want %+v", payload, got, want)
		}
	}
	f(pileJSON("A", now, 3, 60), counts{Received: 1, Taken: 1})
	f(pileJSON("A", now, 3, 60), counts{Received: 1, Duplicate: 1})
	f(pileJSON("A", now, 3, 61), counts{Received: 1, Duplicate: 1}) // the first one counts
	f(pileJSON("A", now.Add(-time.Second), 3, 59), counts{Received: 1, History: 1})
	f(pileJSON("B", now.Add(-time.Hour), 3, 59), counts{Received: 1, History: 1})
	f(pileJSON("B", now.Add(-100*24*time.Hour), 3, 59), counts{Received: 1, Rejected: 1})
	f(pileJSON("X", now, 1, 0), counts{Received: 1, Rejected: 1})
	f(`[]`, counts{})
	f(`[{"id":"A"},17,`+pileJSON("B", now, 1, 0)+`,`+pileJSON("X", now, 1, 0)+`]`,
		counts{Received: 4, Taken: 1, Rejected: 3})
	f(`{"id":"A"`, counts{Received: 1, Rejected: 1})
	f(`["`+strings.Repeat("x", 256<<10)+`"]`, counts{Received: 1, Rejected: 1})
	f("["+strings.Repeat("{},", 1000)+"{}]", counts{Received: 1, Rejected: 1})
	v, _ := r.live.Pile("teld", "A", regulator)
	if v.Report.PowerKW != 60 || v.State != charge.InUse {
		t.Errorf("live shows %+v, want the first report of 60 kW", v)
	}
	if got := r.send(star, charge.Piles, pileJSON("A", now, 1, 0)); got.Rejected != 1 {
		t.Errorf("another operator's pile: %+v, want it rejected", got)
	}
}

const vin = "LNBMDBAH4PA000001"

// An unknown VIN is registered by its maker's first report and stays its maker's.
func TestVehicles(t *testing.T) {
	r := newRig(t).open(Catalog{})
	now := time.Now()
	report := func(ts time.Time, speed int) string {
		return fmt.Sprintf(`{"vin":%q,"ts":%d,"lon":102.7,"lat":25.03,"speedKmh":%d,"state":1}`, vin, ts.UnixMilli(), speed)
	}
	f := func(party charge.Num, kind charge.Payload, payload string, want counts) {
		t.Helper()
		if got := r.send(party, kind, payload); got != want {
			t.Errorf("%d %s: %+v, want %+v", party, payload, got, want)
		}
	}
	taken, duplicate := counts{Received: 1, Taken: 1}, counts{Received: 1, Duplicate: 1}
	rejected := counts{Received: 1, Rejected: 1}
	f(byd, charge.Vehicles, report(now.Add(-100*24*time.Hour), 30), rejected)
	if _, ok := r.live.Vehicle(vin, regulator); ok {
		t.Error("a rejected report registered a vehicle")
	}
	f(byd, charge.Vehicles, report(now, 30), taken)
	f(byd, charge.Vehicles, report(now, 30), duplicate)
	f(nio, charge.Vehicles, report(now.Add(time.Second), 30), rejected)
	f(nio, charge.Fleet, fmt.Sprintf(`{"vin":%q}`, vin), rejected)
	f(byd, charge.Fleet, fmt.Sprintf(`{"vin":%q}`, vin), duplicate) // it says nothing new
	f(byd, charge.Fleet, fmt.Sprintf(`{"vin":%q,"model":"EU5","class":"taxi","batteryKwh":53.6}`, vin), taken)
	f(byd, charge.Fleet, fmt.Sprintf(`{"vin":%q,"model":"EU5","class":"taxi","batteryKwh":53.6}`, vin), duplicate)
	f(nio, charge.Vehicles, `{"vin":"SHORT","ts":1}`, rejected)
	v, ok := r.live.Vehicle(vin, regulator)
	if !ok || v.Maker != "byd" || v.Vehicle.Model != "EU5" || !v.Driving || v.Report.SpeedKMH != 30 {
		t.Errorf("live shows %+v", v)
	}
	if n := r.live.Overview().Vehicles; n.Total != 1 || n.Online != 1 {
		t.Errorf("vehicles: %+v, want one that is online", n)
	}
}

// A session is taken once; other values replace it; it is known again after a
// restart, whether or not the registry has it.
func TestSessions(t *testing.T) {
	r := newRig(t).open(Catalog{})
	r.send(teld, charge.Stations, stationJSON("S1", "", "A"))
	r.send(star, charge.Stations, stationJSON("S1", "", "B"))
	end := time.Now()
	session := func(id, pile string, kwh float64) string {
		return fmt.Sprintf(`{"id":%q,"pile":%q,"startTs":%d,"endTs":%d,"energyKwh":%g,"totalYuan":12.34,"stopReason":0,`+
			`"vin":%q,"bands":[{"from":%d,"to":%d,"energyKwh":%g,"energyYuan":8.1,"serviceYuan":4.24}]}`, id, pile,
			end.Add(-time.Hour).UnixMilli(), end.UnixMilli(), kwh, vin, end.Add(-time.Hour).UnixMilli(), end.UnixMilli(), kwh)
	}
	f := func(party charge.Num, payload string, want counts) {
		t.Helper()
		if got := r.send(party, charge.Sessions, payload); got != want {
			t.Errorf("%s: %+v, want %+v", payload, got, want)
		}
	}
	taken, duplicate := counts{Received: 1, Taken: 1}, counts{Received: 1, Duplicate: 1}
	rejected := counts{Received: 1, Rejected: 1}
	f(teld, session("1", "A", 31.2), taken)
	f(teld, session("1", "A", 31.2), duplicate)
	f(teld, session("1", "A", 31.3), taken)
	f(teld, session("1", "A", 31.2), taken) // and back
	f(teld, session("2", "B", 31.2), rejected)
	f(star, session("1", "B", 31.2), taken)
	f(teld, `{"id":"3","pile":"A","startTs":2000,"endTs":1000,"energyKwh":1}`, rejected)

	all := r.records()
	r.crash()
	r.open(booksAt(all, 2, Catalog{})) // the registry lags: none of the sessions is there
	f(teld, session("1", "A", 31.2), duplicate)
	f(star, session("1", "B", 31.2), duplicate)
	f(teld, session("1", "A", 31.3), taken)
	if err := r.p.commit.snapshotNow(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, rec := range r.records() {
		for _, s := range rec.Sessions {
			r.kept[fmt.Sprint(s.Party, s.ID)] = s
		}
	}
	all = r.records()
	last := r.sp.Last()
	r.crash()
	r.open(booksAt(all, last, Catalog{})) // now only the registry knows
	f(teld, session("1", "A", 31.3), duplicate)
	f(star, session("1", "B", 31.2), duplicate)
}

// What a party may not publish is refused and leaves no trace.
func TestStrangers(t *testing.T) {
	r := newRig(t).open(Catalog{})
	f := func(party charge.Num, kind charge.Payload, payload string) {
		t.Helper()
		if err := r.try(party, kind, payload); err == nil {
			t.Errorf("%s of party %d was acknowledged", kind, party)
		}
	}
	f(byd, charge.Stations, stationJSON("S1", "", "A"))
	f(teld, charge.Fleet, fmt.Sprintf(`{"vin":%q}`, vin))
	f(teld, charge.Feedback, `{}`)
	f(teld, 0, `{}`)
	f(99, charge.Stations, stationJSON("S1", "", "A"))
	r.people.remove(star)
	f(star, charge.Stations, stationJSON("S1", "", "A"))
	if n := r.sp.Last(); n != 0 {
		t.Errorf("%d records in the log, want none", n)
	}
}
