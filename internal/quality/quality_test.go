package quality

import (
	"flag"
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

func TestPileRules(t *testing.T) {
	const pv = charge.HasPower | charge.HasVoltage | charge.HasCurrent
	f := func(r charge.PileReport, p PileFacts, want string, left charge.Has) {
		t.Helper()
		var m PileMemory
		var found Findings
		r.ID, r.TS = "S1-1", noon
		if v := JudgePile(&m, &r, p, noon, limits(), &found); v != charge.Taken || words(found) != want ||
			r.Has != left {
			t.Fatalf("%+v: verdict %d, %q, want %q; members %b, want %b", r, v, words(found), want, r.Has, left)
		}
	}
	dc := PileFacts{RatedKW: 120, Kind: charge.DC}
	f(charge.PileReport{Status: 3, Has: pv, PowerKW: 58.2, VoltageV: 385.1, CurrentA: 151.2}, dc, "", pv)
	f(charge.PileReport{Status: 3, Has: pv, PowerKW: 58.2, VoltageV: 385.1, CurrentA: 100}, dc,
		"power.vi-mismatch flag", pv)
	f(charge.PileReport{Status: 3, Has: pv, PowerKW: -58.2, VoltageV: 385.1, CurrentA: -151.2}, dc, "", pv)
	f(charge.PileReport{Status: 3, Has: pv, PowerKW: 0.3, VoltageV: 385.1, CurrentA: 0}, dc, "", pv)
	f(charge.PileReport{Status: 3, Has: pv, PowerKW: 21, VoltageV: 380, CurrentA: 32}, PileFacts{RatedKW: 21,
		Kind: charge.AC}, "", pv)
	f(charge.PileReport{Status: 3, Has: pv, PowerKW: 21, VoltageV: 380, CurrentA: 32}, dc, "power.vi-mismatch flag",
		pv)
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
	f(charge.PileReport{Status: 3, Has: charge.HasEnergy | charge.HasMeter, EnergyKWh: -1, MeterKWh: -2}, dc,
		"sensor.range null, sensor.range null", 0)
	f(charge.PileReport{Status: 1, Has: charge.HasPower, PowerKW: 0.5}, dc, "", charge.HasPower)
	f(charge.PileReport{Status: 1, Has: charge.HasPower, PowerKW: 0.6}, dc, "status.power-not-charging flag",
		charge.HasPower)
	f(charge.PileReport{Status: 255, Has: charge.HasSession, Session: "A17"}, dc, "status.offline-busy flag",
		charge.HasSession)
	f(charge.PileReport{Status: 0, Has: charge.HasSession, Session: "A17"}, dc, "status.offline-busy flag",
		charge.HasSession)
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
	seen, pairs := map[charge.Rule]bool{}, 0
	for _, r := range Rules {
		if seen[r.ID] || len(r.Actions) == 0 || r.Zh == "" || r.En == "" || r.Applies == "" {
			t.Fatalf("rule %s is there twice or not complete", r.ID)
		}
		seen[r.ID] = true
		pairs += len(r.Actions)
	}
	if pairs >= 64 {
		t.Errorf("%d rules and actions: docs/operations.md says fewer than 64", pairs)
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
