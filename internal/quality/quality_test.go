package quality

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

var update = flag.Bool("update", false, "write the files that tests compare with")

const (
	noon   = charge.Millis(1795392000000)
	second = charge.Millis(1000)
	minute = 60 * second
	vin    = "LNBMDBAH4PA000001"
)

func limits() *Limits {
	l := DefaultLimits()
	l.Province = geo.Box{West: 97.5, South: 21.1, East: 106.2, North: 29.3}
	l.Water = [][]geo.Point{{{Lon: 102.6, Lat: 24.7}, {Lon: 102.8, Lat: 24.7}, {Lon: 102.7, Lat: 25}}}
	return &l
}

// words lists findings as "rule action".
func words(f Findings) string {
	var w []string
	for _, x := range f {
		w = append(w, string(x.Rule)+" "+x.Action.String())
	}
	slices.Sort(w)
	return strings.Join(w, ", ")
}

// step is one report of a pile: its ts and when it came, both against noon, its power and what must become of it.
type step struct {
	ts, at charge.Millis
	kw     float64
	want   charge.Verdict
	rules  string
}

func TestTimeAndOrder(t *testing.T) {
	const (
		taken, late, dup, rejected = charge.Taken, charge.Late, charge.Duplicate, charge.Rejected

		outOfOrder = "time.out-of-order history"
		stale      = "time.stale history"
		exact      = "dup.exact duplicate"
		conflict   = "dup.conflict duplicate"
		ahead      = "time.future flag"
	)
	f := func(why string, steps ...step) {
		t.Helper()
		var m PileMemory
		for i, s := range steps {
			var found Findings
			r := charge.PileReport{ID: "S1-1", TS: noon + s.ts, Status: charge.StatusCharging, Has: charge.HasPower, PowerKW: s.kw}
			got := JudgePile(&m, &r, PileFacts{}, noon+s.at, limits(), &found)
			if got != s.want || words(found) != s.rules {
				t.Fatalf("%s, report %d: verdict %d with %q, want %d with %q", why, i, got, words(found), s.want, s.rules)
			}
		}
	}

	f("news is taken", step{0, 0, 1, taken, ""}, step{30 * second, 30 * second, 1, taken, ""})
	f("60 s ahead is right", step{minute, 0, 1, taken, ""})
	f("more is flagged", step{minute + 1, 0, 1, taken, ahead})
	f("5 min ahead is flagged", step{5 * minute, 0, 1, taken, ahead})
	f("more is rejected", step{5*minute + 1, 0, 1, rejected, "time.future reject"})
	f("a rejected report is not remembered", step{6 * minute, 0, 1, rejected, "time.future reject"}, step{0, 0, 1, taken, ""})
	f("as old as the limit is history", step{-71 * 60 * minute, 0, 1, late, stale})
	f("older is rejected", step{-71*60*minute - 1, 0, 1, rejected, "time.too-old reject"})
	f("as old as the stale limit is taken", step{-5 * minute, 0, 1, taken, ""})
	f("older is history, even the first", step{-5*minute - 1, 0, 1, late, stale})
	f("stale reports do not move the order", step{-6 * minute, 0, 1, late, stale}, step{-5 * minute, 0, 1, taken, ""})
	f("older than the last is history", step{0, 0, 1, taken, ""}, step{-second, 1, 2, late, outOfOrder})
	f("older and stale is out of order", step{0, 0, 1, taken, ""}, step{-9 * minute, 1, 2, late, outOfOrder})
	f("the same again is a duplicate", step{0, 0, 1, taken, ""}, step{0, 1, 1, dup, exact}, step{0, 2, 1, dup, exact})
	f("the same ts with other values is a conflict, the first counts",
		step{0, 0, 1, taken, ""}, step{0, 1, 2, dup, conflict}, step{0, 2, 2, dup, conflict}, step{0, 3, 1, dup, exact})
	f("a late report again is a duplicate", step{0, 0, 1, taken, ""}, step{-2 * minute, 1, 1, late, outOfOrder}, step{-2 * minute, 2, 1, dup, exact})
	f("a late ts with other values is history", step{0, 0, 1, taken, ""}, step{-2 * minute, 1, 1, late, outOfOrder}, step{-2 * minute, 2, 9, late, outOfOrder})
	f("an older repeat with other values is history", step{-2 * minute, 0, 1, taken, ""}, step{0, 0, 1, taken, ""}, step{-2 * minute, 1, 2, late, outOfOrder})
	f("a stale report again is a duplicate", step{-6 * minute, 0, 1, late, stale}, step{-6 * minute, 1, 1, dup, exact})
	f("a stale ts with other values stays history", step{-6 * minute, 0, 1, late, stale}, step{-6 * minute, 1, 2, late, stale})
	f("a clock that is ahead keeps its own order",
		step{2 * minute, 0, 1, taken, ahead}, step{2*minute + 30*second, 30 * second, 1, taken, ahead}, step{2 * minute, 31 * second, 1, dup, exact})
	f("two at once from a clock ahead keep the order of ts",
		step{2*minute + 5*second, 0, 1, taken, ahead}, step{2 * minute, 0, 1, late, outOfOrder})
	f("a clock put right goes on at once", step{4 * minute, 0, 1, taken, ahead}, step{30 * second, 30 * second, 1, taken, ""})
	f("the ts of a clock ahead is its identity, also after the clock was put right",
		step{4 * minute, 0, 1, taken, ahead}, step{30 * second, 30 * second, 1, taken, ""}, step{4 * minute, 31 * second, 1, dup, exact})
	f("a clock put right does not reach back", step{4 * minute, 0, 1, taken, ahead}, step{-30 * second, 10 * second, 1, late, outOfOrder})
	f("skew around the limit costs nothing", step{minute - 10, 0, 1, taken, ""}, step{90*second + 100, 30 * second, 1, taken, ahead}, step{119 * second, minute, 1, taken, ""})
}

func TestOnlySixteenReportsAreRemembered(t *testing.T) {
	var m PileMemory
	judge := func(ts charge.Millis) string {
		var f Findings
		r := charge.PileReport{ID: "p", TS: noon + ts, Status: 1}
		JudgePile(&m, &r, PileFacts{}, noon+30*minute, limits(), &f)
		return words(f)
	}
	for i := range charge.Millis(16) {
		judge(26*minute + i*10*second)
	}
	if got := judge(26 * minute); got != "dup.exact duplicate" {
		t.Fatalf("the 16th last report again: %q", got)
	}
	judge(29 * minute)
	if got := judge(26 * minute); got != "time.out-of-order history" {
		t.Fatalf("the 17th last report again: %q", got)
	}
	for i := range charge.Millis(16) {
		judge(i * second)
	}
	if got := judge(29 * minute); got != "dup.exact duplicate" {
		t.Fatalf("the newest report again after 16 late ones: %q", got)
	}
}

func TestEveryMemberCountsInComparison(t *testing.T) {
	base := charge.PileReport{ID: "p", TS: noon, Status: 1, Has: charge.HasLock<<1 - 1, Session: "A17", VIN: vin, Fault: "overheated gun"}
	f := func(name string, change func(*charge.PileReport)) {
		t.Helper()
		r := base
		change(&r)
		if pilePrint(&r) == pilePrint(&base) {
			t.Fatalf("%s does not count", name)
		}
	}
	f("ts", func(r *charge.PileReport) { r.TS++ })
	f("status", func(r *charge.PileReport) { r.Status = 3 })
	f("power", func(r *charge.PileReport) { r.PowerKW = 1 })
	f("voltage", func(r *charge.PileReport) { r.VoltageV = 1 })
	f("current", func(r *charge.PileReport) { r.CurrentA = 1 })
	f("soc", func(r *charge.PileReport) { r.SOCPct = 1 })
	f("energy", func(r *charge.PileReport) { r.EnergyKWh = 1 })
	f("meter", func(r *charge.PileReport) { r.MeterKWh = 1 })
	f("session", func(r *charge.PileReport) { r.Session = "A18" })
	f("a long session", func(r *charge.PileReport) { r.Session = "A17 and more" })
	f("vin", func(r *charge.PileReport) { r.VIN = vin[:16] + "2" })
	f("fault", func(r *charge.PileReport) { r.Fault = "overheated gum" })
	f("park", func(r *charge.PileReport) { r.Park = 50 })
	f("lock", func(r *charge.PileReport) { r.Lock = 50 })
	f("0 is not absent", func(r *charge.PileReport) { r.Has &^= charge.HasPower })

	car := charge.VehicleReport{VIN: vin, TS: noon, Has: 1<<20 - 1}
	g := func(name string, change func(*charge.VehicleReport)) {
		t.Helper()
		r := car
		change(&r)
		if vehiclePrint(&r) == vehiclePrint(&car) {
			t.Fatalf("%s does not count", name)
		}
	}
	g("ts", func(r *charge.VehicleReport) { r.TS++ })
	g("lon", func(r *charge.VehicleReport) { r.Lon = 1 })
	g("lat", func(r *charge.VehicleReport) { r.Lat = 1 })
	g("speed", func(r *charge.VehicleReport) { r.SpeedKMH = 1 })
	g("odometer", func(r *charge.VehicleReport) { r.OdometerKM = 1 })
	g("soc", func(r *charge.VehicleReport) { r.SOCPct = 1 })
	g("voltage", func(r *charge.VehicleReport) { r.VoltageV = 1 })
	g("current", func(r *charge.VehicleReport) { r.CurrentA = 1 })
	g("state", func(r *charge.VehicleReport) { r.State = 1 })
	g("charge", func(r *charge.VehicleReport) { r.Charge = 1 })
	g("level", func(r *charge.VehicleReport) { r.AlarmLevel = 1 })
	g("alarms", func(r *charge.VehicleReport) { r.Alarms = 1 })
	g("range", func(r *charge.VehicleReport) { r.RangeKM = 1 })
	g("insulation", func(r *charge.VehicleReport) { r.InsulationKOhm = 1 })

	zero, minus := base, base
	minus.PowerKW = math.Copysign(0, -1)
	if pilePrint(&zero) != pilePrint(&minus) {
		t.Fatal("0 and -0 are different")
	}
}

// model remembers everything and decides the plain way.
type model struct {
	last    charge.Millis
	lastRcv charge.Millis
	value   map[charge.Millis]float64 // of the newest taken report at each ts
	recent  []step                    // kept ones, oldest first
}

func (m *model) judge(ts, at charge.Millis, kw float64) charge.Verdict {
	keep := func(v charge.Verdict) charge.Verdict {
		m.recent = append(m.recent, step{ts: ts, kw: kw})
		m.recent = m.recent[max(0, len(m.recent)-16):]
		return v
	}
	if ts > at+5*minute || ts < at-71*60*minute {
		return charge.Rejected
	}
	for _, r := range m.recent {
		if r.ts == ts && r.kw == kw {
			return charge.Duplicate
		}
	}
	if len(m.value) > 0 && ts == m.last {
		return charge.Duplicate
	}
	if len(m.value) > 0 && ts < m.last && min(ts, at) <= min(m.last, m.lastRcv) || ts < at-5*minute {
		return keep(charge.Late)
	}
	m.last, m.lastRcv = ts, at
	m.value[ts] = kw
	return keep(charge.Taken)
}

func TestVerdictsAreThoseOfAModel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	seen := map[charge.Verdict]int{}
	for object := range 3000 {
		m := model{value: map[charge.Millis]float64{}}
		var pile, replayed PileMemory
		var car, carReplayed VehicleMemory
		at := noon
		var sent []charge.Millis
		for i := range 60 {
			at += charge.Millis(r.IntN(3) * r.IntN(40000))
			ts := at + charge.Millis(r.IntN(2000)-1000)
			switch r.IntN(12) {
			case 0:
				ts = at - charge.Millis(r.IntN(1200000))
			case 1:
				ts = at + charge.Millis(r.IntN(400000))
			case 2, 3, 4:
				if len(sent) > 0 {
					ts = sent[max(0, len(sent)-1-r.IntN(20))]
				}
			case 5:
				ts = at - charge.Millis(r.IntN(300*3600*1000))
			}
			sent = append(sent, ts)
			kw := float64(r.IntN(2))
			want := m.judge(ts, at, kw)
			seen[want]++
			var f Findings
			p := charge.PileReport{ID: "p", TS: ts, Status: charge.Status(r.IntN(1)), Has: charge.HasPower, PowerKW: kw}
			v := charge.VehicleReport{VIN: vin, TS: ts, Has: charge.HasSpeed, SpeedKMH: kw}
			if got := JudgePile(&pile, &p, PileFacts{}, at, limits(), &f); got != want {
				t.Fatalf("object %d, report %d: verdict %d, the model says %d (%s)", object, i, got, want, words(f))
			}
			if got, _ := JudgeVehicle(&car, &v, VehicleFacts{}, at, limits(), &f); got != want {
				t.Fatalf("object %d, vehicle report %d: verdict %d, the model says %d", object, i, got, want)
			}
			replayed.Remember(&p, want, at)
			carReplayed.Remember(&v, want, at)
			if replayed != pile || carReplayed != car {
				t.Fatalf("object %d, report %d: replay gives another memory", object, i)
			}
		}
		checkSnapshot(t, &pile, &car)
	}
	for v := charge.Taken; v <= charge.Rejected; v++ {
		if seen[v] < 1000 {
			t.Fatalf("verdict %d came only %d times", v, seen[v])
		}
	}
}

func checkSnapshot(t *testing.T, pile *PileMemory, car *VehicleMemory) {
	t.Helper()
	var p PileMemory
	var c VehicleMemory
	b := car.Append(pile.Append(nil))
	rest, err := p.Decode(b)
	if err != nil || p != *pile {
		t.Fatalf("pile memory came back as %+v, %v; was %+v", p, err, *pile)
	}
	if rest, err = c.Decode(rest); err != nil || len(rest) > 0 || c != *car {
		t.Fatalf("vehicle memory came back as %+v, %v; was %+v", c, err, *car)
	}
}

func FuzzMemory(f *testing.F) {
	var m PileMemory
	f.Add(m.Append(nil))
	m.keep(noon, 7, charge.Taken, noon)
	f.Add(m.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		var m, again PileMemory
		if _, err := m.Decode(b); err != nil {
			return
		}
		if rest, err := again.Decode(m.Append(nil)); err != nil || len(rest) != 0 || !bytes.Equal(again.Append(nil), m.Append(nil)) {
			t.Fatalf("%+v came back as %+v, %v", m, again, err)
		}
		for i := range 40 {
			r := charge.PileReport{ID: "p", TS: noon + charge.Millis(i), Status: charge.Status(i)}
			JudgePile(&m, &r, PileFacts{}, noon, limits(), new(Findings))
		}
	})
}

func TestPileRules(t *testing.T) {
	const pv = charge.HasPower | charge.HasVoltage | charge.HasCurrent
	f := func(r charge.PileReport, p PileFacts, want string, left charge.Has) {
		t.Helper()
		var m PileMemory
		var found Findings
		r.ID, r.TS = "S1-1", noon
		if v := JudgePile(&m, &r, p, noon, limits(), &found); v != charge.Taken || words(found) != want || r.Has != left {
			t.Fatalf("%+v: verdict %d, %q, want %q; members %b, want %b", r, v, words(found), want, r.Has, left)
		}
	}
	dc := PileFacts{RatedKW: 120, Kind: charge.DC}
	f(charge.PileReport{Status: 3, Has: pv, PowerKW: 58.2, VoltageV: 385.1, CurrentA: 151.2}, dc, "", pv)
	f(charge.PileReport{Status: 3, Has: pv, PowerKW: 58.2, VoltageV: 385.1, CurrentA: 100}, dc, "power.vi-mismatch flag", pv)
	f(charge.PileReport{Status: 3, Has: pv, PowerKW: -58.2, VoltageV: 385.1, CurrentA: -151.2}, dc, "", pv)
	f(charge.PileReport{Status: 3, Has: pv, PowerKW: 0.3, VoltageV: 385.1, CurrentA: 0}, dc, "", pv)
	f(charge.PileReport{Status: 3, Has: pv, PowerKW: 21, VoltageV: 380, CurrentA: 32}, PileFacts{RatedKW: 21, Kind: charge.AC}, "", pv)
	f(charge.PileReport{Status: 3, Has: pv, PowerKW: 21, VoltageV: 380, CurrentA: 32}, dc, "power.vi-mismatch flag", pv)
	f(charge.PileReport{Status: 3, Has: charge.HasSOC, SOCPct: 100}, dc, "", charge.HasSOC)
	f(charge.PileReport{Status: 3, Has: charge.HasSOC, SOCPct: 100.1}, dc, "soc.range null", 0)
	f(charge.PileReport{Status: 3, Has: charge.HasSOC, SOCPct: -1}, dc, "soc.range null", 0)
	f(charge.PileReport{Status: 3, Has: charge.HasSOC, SOCPct: 254}, dc, "sensor.sentinel null", 0)
	f(charge.PileReport{Status: 3, Has: charge.HasSOC, SOCPct: 255}, dc, "sensor.sentinel null", 0)
	f(charge.PileReport{Status: 3, Has: charge.HasVoltage, VoltageV: 6553.5}, dc, "sensor.sentinel null", 0)
	f(charge.PileReport{Status: 3, Has: charge.HasVoltage, VoltageV: 1500.1}, dc, "sensor.range null", 0)
	f(charge.PileReport{Status: 3, Has: charge.HasVoltage, VoltageV: -1}, dc, "sensor.range null", 0)
	f(charge.PileReport{Status: 3, Has: charge.HasCurrent, CurrentA: -1001}, dc, "sensor.range null", 0)
	f(charge.PileReport{Status: 3, Has: charge.HasPower, PowerKW: 1e300}, dc, "sensor.range null", 0)
	f(charge.PileReport{Status: 3, Has: charge.HasEnergy | charge.HasMeter, EnergyKWh: -1, MeterKWh: -2}, dc, "sensor.range null, sensor.range null", 0)
	f(charge.PileReport{Status: 1, Has: charge.HasPower, PowerKW: 0.5}, dc, "", charge.HasPower)
	f(charge.PileReport{Status: 1, Has: charge.HasPower, PowerKW: 0.6}, dc, "status.power-not-charging flag", charge.HasPower)
	f(charge.PileReport{Status: 255, Has: charge.HasSession, Session: "A17"}, dc, "status.offline-busy flag", charge.HasSession)
	f(charge.PileReport{Status: 0, Has: charge.HasSession, Session: "A17"}, dc, "status.offline-busy flag", charge.HasSession)
	f(charge.PileReport{Status: 2, Has: charge.HasSession, Session: "A17"}, dc, "", charge.HasSession)
}

func TestPowerOverRatedTwice(t *testing.T) {
	var m PileMemory
	f := func(i charge.Millis, kw float64, has charge.Has, want string) {
		t.Helper()
		var found Findings
		r := charge.PileReport{ID: "p", TS: noon + i*30*second, Status: 3, Has: has, PowerKW: kw}
		JudgePile(&m, &r, PileFacts{RatedKW: 60, Kind: charge.DC}, r.TS, limits(), &found)
		if words(found) != want {
			t.Fatalf("report %d: %q, want %q", i, words(found), want)
		}
	}
	f(1, 67, charge.HasPower, "")
	f(2, 67, charge.HasPower, "power.over-rated flag")
	f(3, 66, charge.HasPower, "")
	f(4, 67, charge.HasPower, "")
	f(5, 0, 0, "")
	f(6, 67, charge.HasPower, "")
}

func TestTooManyReports(t *testing.T) {
	f := func(why, want string, ts ...charge.Millis) {
		t.Helper()
		var m VehicleMemory
		var found Findings
		for _, ts := range ts {
			found = nil
			r := charge.VehicleReport{VIN: vin, TS: noon + ts}
			JudgeVehicle(&m, &r, VehicleFacts{}, noon+ts, limits(), &found)
		}
		if words(found) != want {
			t.Fatalf("%s: %q, want %q", why, words(found), want)
		}
	}
	f("one a second", "", 0, 1000, 2000)
	f("one a second with jitter", "", 0, 950, 1850)
	f("a change beside a heartbeat", "", 0, 30000, 30100)
	f("three in a second", "dup.rate flag", 0, 500, 1000)
	f("a burst that is over", "", 0, 500, 1000, 31000)

	var m PileMemory
	var found Findings
	for i := range charge.Millis(1442) {
		found = nil
		r := charge.PileReport{ID: "p", TS: noon + i*2000, Status: charge.Status(i % 2)}
		JudgePile(&m, &r, PileFacts{}, r.TS, limits(), &found)
		if i <= 1440 && len(found) > 0 {
			t.Fatalf("change %d: %q", i, words(found))
		}
	}
	if words(found) != "dup.rate flag" {
		t.Fatalf("1,441 changes of status in a day: %q", words(found))
	}
	r := charge.PileReport{ID: "p", TS: noon + 24*60*minute, Status: 3}
	if found = nil; JudgePile(&m, &r, PileFacts{}, r.TS, limits(), &found) != charge.Taken || len(found) > 0 {
		t.Fatalf("the first change of the next day: %q", words(found))
	}
}

func TestVehicleRules(t *testing.T) {
	f := func(r charge.VehicleReport, class charge.Class, want string, left charge.Has, offMap bool) {
		t.Helper()
		var m VehicleMemory
		var found Findings
		r.TS = noon
		if r.VIN == "" {
			r.VIN = vin
		}
		v, off := JudgeVehicle(&m, &r, VehicleFacts{Class: class}, noon, limits(), &found)
		if v != charge.Taken || words(found) != want || r.Has != left || off != offMap {
			t.Fatalf("%+v: verdict %d, %q, want %q; members %b, want %b; off the map %v", r, v, words(found), want, r.Has, left, off)
		}
	}
	one := func(has charge.Has, set func(*charge.VehicleReport), want string) {
		t.Helper()
		r := charge.VehicleReport{Has: has}
		set(&r)
		left := has
		if strings.Contains(want, "null") {
			left = 0
		}
		f(r, charge.ClassPrivate, want, left, false)
	}
	one(charge.HasSpeed, func(r *charge.VehicleReport) { r.SpeedKMH = 220 }, "")
	one(charge.HasSpeed, func(r *charge.VehicleReport) { r.SpeedKMH = 220.1 }, "speed.range null")
	one(charge.HasSpeed, func(r *charge.VehicleReport) { r.SpeedKMH = -0.1 }, "speed.range null")
	one(charge.HasSpeed, func(r *charge.VehicleReport) { r.SpeedKMH = 6553.4 }, "sensor.sentinel null")
	one(charge.HasSpeed, func(r *charge.VehicleReport) { r.SpeedKMH = 6553.5 }, "sensor.sentinel null")
	one(charge.HasSOC, func(r *charge.VehicleReport) { r.SOCPct = 254 }, "sensor.sentinel null")
	one(charge.HasSOC, func(r *charge.VehicleReport) { r.SOCPct = 101 }, "soc.range null")
	one(charge.HasOdometer, func(r *charge.VehicleReport) { r.OdometerKM = 429496729.4 }, "sensor.sentinel null")
	one(charge.HasOdometer, func(r *charge.VehicleReport) { r.OdometerKM = 429496729.5 }, "sensor.sentinel null")
	one(charge.HasOdometer, func(r *charge.VehicleReport) { r.OdometerKM = 999999.9 }, "")
	one(charge.HasOdometer, func(r *charge.VehicleReport) { r.OdometerKM = 1e6 }, "sensor.range null")
	one(charge.HasVoltage, func(r *charge.VehicleReport) { r.VoltageV = 6553.4 }, "sensor.sentinel null")
	one(charge.HasVoltage, func(r *charge.VehicleReport) { r.VoltageV = 6001 }, "sensor.range null")
	one(charge.HasCurrent, func(r *charge.VehicleReport) { r.CurrentA = 5553.5 }, "sensor.sentinel null")
	one(charge.HasCurrent, func(r *charge.VehicleReport) { r.CurrentA = -3000 }, "")
	one(charge.HasCurrent, func(r *charge.VehicleReport) { r.CurrentA = -3001 }, "sensor.range null")
	one(charge.HasInsulation, func(r *charge.VehicleReport) { r.InsulationKOhm = 65535 }, "sensor.sentinel null")
	one(charge.HasInsulation, func(r *charge.VehicleReport) { r.InsulationKOhm = 60001 }, "sensor.range null")
	one(charge.HasRange, func(r *charge.VehicleReport) { r.RangeKM = 65534 }, "sensor.sentinel null")
	one(charge.HasRange, func(r *charge.VehicleReport) { r.RangeKM = -5 }, "sensor.range null")
	one(charge.HasAlarms, func(r *charge.VehicleReport) { r.Alarms = 0xffffffff }, "sensor.sentinel null")
	one(charge.HasAlarms, func(r *charge.VehicleReport) { r.Alarms = 0x0fffffff }, "")
	one(charge.HasPosition, func(r *charge.VehicleReport) { r.Lon, r.Lat = 0, 0 }, "geo.null-island null")
	one(charge.HasPosition, func(r *charge.VehicleReport) { r.Lon, r.Lat = 102.7, 25 }, "")
	f(charge.VehicleReport{Has: charge.HasPosition, Lon: 116.4, Lat: 39.9}, charge.ClassPrivate, "geo.out-of-yunnan flag", charge.HasPosition, true)
	f(charge.VehicleReport{Has: charge.HasPosition, Lon: 100.2, Lat: 25.6}, charge.ClassPrivate, "", charge.HasPosition, false)
	f(charge.VehicleReport{Has: charge.HasSpeed, SpeedKMH: 151}, charge.ClassBus, "speed.range flag", charge.HasSpeed, false)
	f(charge.VehicleReport{Has: charge.HasSpeed, SpeedKMH: 151}, charge.ClassTaxi, "", charge.HasSpeed, false)
	f(charge.VehicleReport{VIN: "LNBMDBAH5PA000001"}, charge.ClassPrivate, "id.vin-check flag", 0, false)
}

func TestVIN(t *testing.T) {
	f := func(vin string, form, digit bool) {
		t.Helper()
		if a, b := CheckVIN(vin); a != form || b != digit {
			t.Fatalf("%s: form %v, digit %v; want %v, %v", vin, a, b, form, digit)
		}
	}
	f("1M8GDM9AXKP042788", true, true)
	f("11111111111111111", true, true)
	f("LNBMDBAH4PA000001", true, true)
	f("LJ1EEAUU0P0000001", true, true)
	f("LRW3E7FS3PC000001", true, true)
	f("1M8GDM9A1KP042788", true, false)
	f("LNBMDBAH4PA00000", false, false)
	f("LNBMDBAH4PA0000011", false, false)
	f("LNBMDBAH4PA00000O", false, false)
	f("lnbmdbah4pa000001", false, false)
	f("", false, false)
}

func TestStationRules(t *testing.T) {
	whole := charge.Tariff{Bands: []charge.Band{{FromMinute: 0, ToMinute: 1440}}}
	f := func(change func(*charge.Station), ok bool, want string) {
		t.Helper()
		s := charge.Station{ID: "S1", Lon: 102.775, Lat: 24.985, Parking: &charge.Parking{}, Tariffs: []charge.Tariff{whole},
			Piles: []charge.Pile{{ID: "S1-1", Kind: charge.DC, RatedKW: 120}}}
		change(&s)
		var found Findings
		if got := CheckStation(&s, limits(), &found); got != ok || words(found) != want {
			t.Fatalf("%+v: %v with %q, want %v with %q", s, got, words(found), ok, want)
		}
	}
	f(func(s *charge.Station) {}, true, "")
	f(func(s *charge.Station) { s.Lon, s.Lat = 0, 0 }, false, "geo.null-island reject")
	f(func(s *charge.Station) { s.Lon = 116 }, true, "geo.out-of-yunnan flag")
	f(func(s *charge.Station) { s.Lon, s.Lat = 102.7, 24.8 }, true, "meta.station flag")
	f(func(s *charge.Station) { s.Piles = make([]charge.Pile, 51) }, true, "meta.station flag")
	f(func(s *charge.Station) { s.Piles[0].RatedKW = 1.2 }, true, "meta.station flag")
	f(func(s *charge.Station) { s.Piles[0].RatedKW = 4001 }, true, "meta.station flag")
	f(func(s *charge.Station) { s.Parking, s.Tariffs = nil, nil }, true, "meta.station flag")
	f(func(s *charge.Station) { s.Parking, s.Tariffs, s.Access = nil, nil, charge.Private }, true, "")
	f(func(s *charge.Station) {
		s.Tariffs = append(s.Tariffs, charge.Tariff{ValidFrom: noon, Bands: whole.Bands[:0]})
	}, true, "tariff.coverage flag")
}

func TestSessionRules(t *testing.T) {
	f := func(kind charge.PileKind, change func(*charge.Session), ok bool, want string) {
		t.Helper()
		s := charge.Session{ID: "A17", Start: noon - 60*minute, End: noon - minute, EnergyKWh: 31.2, EnergyFen: 3182, ServiceFen: 1248,
			ParkingFen: -1, TotalFen: 4430, StopReason: -1, Bands: []charge.SessionBand{{EnergyFen: 3000, ServiceFen: 1000}, {EnergyFen: 182, ServiceFen: 248}}}
		change(&s)
		var found Findings
		if got := CheckSession(&s, PileFacts{Kind: kind}, noon, limits(), &found); got != ok || words(found) != want {
			t.Fatalf("%+v: %v with %q, want %v with %q", s, got, found, ok, want)
		}
	}
	f(charge.DC, func(s *charge.Session) {}, true, "")
	f(charge.DC, func(s *charge.Session) { s.End = s.Start - 1 }, false, "session.negative reject")
	f(charge.DC, func(s *charge.Session) { s.End = s.Start }, true, "session.zero flag")
	f(charge.DC, func(s *charge.Session) { s.Start = s.End - 24*60*minute }, true, "")
	f(charge.DC, func(s *charge.Session) { s.Start = s.End - 24*60*minute - 1 }, true, "session.long flag")
	f(charge.AC, func(s *charge.Session) { s.Start = s.End - 24*60*minute - 1 }, true, "")
	f(charge.AC, func(s *charge.Session) { s.Start = s.End - 7*24*60*minute - 1 }, true, "session.long flag")
	f(charge.DC, func(s *charge.Session) { s.Start, s.End = noon-26*60*minute, noon-25*60*minute }, true, "session.late flag")
	f(charge.DC, func(s *charge.Session) { s.Start, s.End = noon-16*24*60*minute, noon-16*24*60*minute+1 }, true, "session.late flag")
	f(charge.DC, func(s *charge.Session) { s.End = noon + 2*minute }, true, "time.future flag")
	f(charge.DC, func(s *charge.Session) { s.End = noon + 6*minute }, false, "time.future reject")
	f(charge.DC, func(s *charge.Session) { s.TotalFen++ }, true, "")
	f(charge.DC, func(s *charge.Session) { s.TotalFen += 2 }, true, "money.sum flag")
	f(charge.DC, func(s *charge.Session) { s.ParkingFen = 500 }, true, "money.sum flag")
	f(charge.DC, func(s *charge.Session) { s.ParkingFen, s.TotalFen = 500, 4930 }, true, "")
	f(charge.DC, func(s *charge.Session) { s.Bands[0].EnergyFen += 2 }, true, "money.sum flag")
	f(charge.DC, func(s *charge.Session) { s.Bands, s.EnergyFen, s.ServiceFen = nil, -1, -1 }, true, "")
	f(charge.DC, func(s *charge.Session) { s.EnergyFen, s.ServiceFen, s.TotalFen = -1, -1, -1 }, true, "")
}

func TestRulesPage(t *testing.T) {
	const page = "../../docs/rules.md"
	if *update {
		if err := os.WriteFile(page, []byte(RulesMarkdown()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := os.ReadFile(page); err != nil || string(b) != RulesMarkdown() {
		t.Fatalf("docs/rules.md is not the printed table (%v): go test ./internal/quality -run TestRulesPage -update", err)
	}
	seen := map[charge.Rule]bool{}
	for _, r := range Rules {
		if seen[r.ID] || len(r.Actions) == 0 || r.Zh == "" || r.En == "" || r.Applies == "" {
			t.Fatalf("rule %s is there twice or not complete", r.ID)
		}
		seen[r.ID] = true
	}
}

func TestTooOldFollowsRetention(t *testing.T) {
	f := func(retention, want time.Duration) {
		t.Helper()
		if got := TooOldFor(retention); got != want {
			t.Fatalf("retention %s: %s, want %s", retention, got, want)
		}
	}
	f(72*time.Hour, 71*time.Hour)
	f(30*24*time.Hour, 7*24*time.Hour)
}

// pile returns a clean report, as most are.
func pile(ts charge.Millis) charge.PileReport {
	return charge.PileReport{ID: "S1-1", TS: ts, Status: 3, Has: charge.HasLock<<1 - 1, PowerKW: 58.2, VoltageV: 385.1, CurrentA: 151.2,
		SOCPct: 63, EnergyKWh: 12.31, MeterKWh: 88121.4, Session: "A17", VIN: vin, Park: 50, Lock: 10}
}

func TestCleanReportsAllocateNothing(t *testing.T) {
	var m PileMemory
	var f Findings
	l, ts := limits(), noon
	if n := testing.AllocsPerRun(1000, func() {
		ts += 30 * second
		r := pile(ts)
		if JudgePile(&m, &r, PileFacts{120, charge.DC}, ts, l, &f) != charge.Taken || len(f) > 0 {
			t.Fatal(fmt.Sprint(f))
		}
	}); n != 0 {
		t.Fatalf("%v allocations a report", n)
	}
}

func BenchmarkJudgePile(b *testing.B) {
	var m PileMemory
	var f Findings
	l, r := limits(), pile(noon)
	b.ReportAllocs()
	for b.Loop() {
		r.TS += 30 * second
		if JudgePile(&m, &r, PileFacts{120, charge.DC}, r.TS, l, &f) != charge.Taken {
			b.Fatal(f)
		}
	}
}

func BenchmarkJudgeVehicle(b *testing.B) {
	var m VehicleMemory
	var f Findings
	l := limits()
	r := charge.VehicleReport{VIN: vin, TS: noon, Has: 1<<20 - 1, Lon: 102.712, Lat: 25.04, SpeedKMH: 31.5, OdometerKM: 40211.3, SOCPct: 63,
		VoltageV: 355, CurrentA: 22.4, State: 1, Charge: 3, RangeKM: 240, InsulationKOhm: 1200}
	b.ReportAllocs()
	for b.Loop() {
		r.TS += 30 * second
		if v, _ := JudgeVehicle(&m, &r, VehicleFacts{}, r.TS, l, &f); v != charge.Taken {
			b.Fatal(f)
		}
	}
}
