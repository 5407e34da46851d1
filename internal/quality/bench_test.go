package quality

import (
	"fmt"
	"testing"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// pile returns a clean report, as most are.
func pile(ts charge.Millis) charge.PileReport {
	return charge.PileReport{ID: "S1-1", TS: ts, Status: 3, Has: charge.HasLock<<1 - 1, PowerKW: 58.2,
		VoltageV: 385.1, CurrentA: 151.2,
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
	r := charge.VehicleReport{VIN: vin, TS: noon, Has: 1<<20 - 1, Lon: 102.712, Lat: 25.04, SpeedKMH: 31.5,
		OdometerKM: 40211.3, SOCPct: 63,
		VoltageV: 355, CurrentA: 22.4, State: 1, Charge: 3, RangeKM: 240, InsulationKOhm: 1200}
	b.ReportAllocs()
	for b.Loop() {
		r.TS += 30 * second
		if v, _ := JudgeVehicle(&m, &r, VehicleFacts{}, r.TS, l, &f); v != charge.Taken {
			b.Fatal(f)
		}
	}
}
