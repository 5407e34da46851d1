package quality

import (
	"math"
	"testing"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

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
			r := charge.PileReport{ID: "S1-1", TS: noon + s.ts, Status: charge.StatusCharging, Has: charge.HasPower,
				PowerKW: s.kw}
			got := JudgePile(&m, &r, PileFacts{}, noon+s.at, limits(), &found)
			if got != s.want || words(found) != s.rules {
				t.Fatalf("%s, report %d: verdict %d with %q, want %d with %q", why, i, got, words(found), s.want,
					s.rules)
			}
		}
	}

	f("news is taken", step{0, 0, 1, taken, ""}, step{30 * second, 30 * second, 1, taken, ""})
	f("60 s ahead is right", step{minute, 0, 1, taken, ""})
	f("more is flagged", step{minute + 1, 0, 1, taken, ahead})
	f("5 min ahead is flagged", step{5 * minute, 0, 1, taken, ahead})
	f("more is rejected", step{5*minute + 1, 0, 1, rejected, "time.future reject"})
	f("a rejected report is not remembered", step{6 * minute, 0, 1, rejected, "time.future reject"}, step{0, 0, 1,
		taken, ""})
	f("as old as the limit is history", step{-71 * 60 * minute, 0, 1, late, stale})
	f("older is rejected", step{-71*60*minute - 1, 0, 1, rejected, "time.too-old reject"})
	f("as old as the stale limit is taken", step{-5 * minute, 0, 1, taken, ""})
	f("older is history, even the first", step{-5*minute - 1, 0, 1, late, stale})
	f("stale reports do not move the order", step{-6 * minute, 0, 1, late, stale}, step{-5 * minute, 0, 1, taken, ""})
	f("older than the last is history", step{0, 0, 1, taken, ""}, step{-second, 1, 2, late, outOfOrder})
	f("older and stale is both", step{0, 0, 1, taken, ""}, step{-9 * minute, 1, 2, late, outOfOrder + ", " + stale})
	f("the same again is a duplicate", step{0, 0, 1, taken, ""}, step{0, 1, 1, dup, exact}, step{0, 2, 1, dup, exact})
	f("the same ts with other values is a conflict, the first counts",
		step{0, 0, 1, taken, ""}, step{0, 1, 2, dup, conflict}, step{0, 2, 2, dup, conflict}, step{0, 3, 1, dup,
			exact})
	f("a late report again is a duplicate", step{0, 0, 1, taken, ""}, step{-2 * minute, 1, 1, late, outOfOrder},
		step{-2 * minute, 2, 1, dup, exact})
	f("a late ts with other values is history", step{0, 0, 1, taken, ""}, step{-2 * minute, 1, 1, late, outOfOrder},
		step{-2 * minute, 2, 9, late, outOfOrder})
	f("an older repeat with other values is history", step{-2 * minute, 0, 1, taken, ""}, step{0, 0, 1, taken, ""},
		step{-2 * minute, 1, 2, late, outOfOrder})
	f("a stale report again is a duplicate", step{-6 * minute, 0, 1, late, stale}, step{-6 * minute, 1, 1, dup, exact})
	f("a stale ts with other values stays history", step{-6 * minute, 0, 1, late, stale}, step{-6 * minute, 1, 2,
		late, stale})
	f("up to 60 s ahead the order is that of ts",
		step{30 * second, 0, 1, taken, ""}, step{20 * second, 5 * second, 1, late, outOfOrder},
		step{31 * second, 6 * second, 1, taken, ""})
	f("a clock that is ahead keeps its own order",
		step{2 * minute, 0, 1, taken, ahead}, step{2*minute + 30*second, 30 * second, 1, taken, ahead},
		step{2 * minute, 31 * second, 1, dup, exact})
	f("two at once from a clock ahead keep the order of ts",
		step{2*minute + 5*second, 0, 1, taken, ahead}, step{2 * minute, 0, 1, late, outOfOrder})
	f("a clock put right goes on at once", step{4 * minute, 0, 1, taken, ahead}, step{30 * second, 30 * second, 1,
		taken, ""})
	f("the ts of a clock ahead is its identity, also after the clock was put right",
		step{4 * minute, 0, 1, taken, ahead}, step{30 * second, 30 * second, 1, taken, ""}, step{4 * minute,
			31 * second, 1, dup, exact})
	f("a clock put right does not reach back", step{4 * minute, 0, 1, taken, ahead}, step{-30 * second, 10 * second,
		1, late, outOfOrder})
	f("skew around the limit costs nothing", step{minute - 10, 0, 1, taken, ""}, step{90*second + 100, 30 * second,
		1, taken, ahead}, step{119 * second, minute, 1, taken, ""})
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
	base := charge.PileReport{ID: "p", TS: noon, Status: 1, Has: charge.HasLock<<1 - 1, Session: "A17", VIN: vin,
		Fault: "overheated gun"}
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
