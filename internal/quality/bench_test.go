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
	var r charge.PileReport // the decoder's, which it uses again and again
	if n := testing.AllocsPerRun(1000, func() {
		ts += 30 * second
		r = pile(ts)
		if JudgePile(&m, &r, PileFacts{120, charge.DC}, ts, l, &f) != charge.Taken || len(f) > 0 {
			t.Fatal(fmt.Sprint(f))
		}
	}); n != 0 {
		t.Fatalf("%v allocations a report", n)
	}
}

// streamObjects are so many that their memories do not stay in the processor's
// nearest caches.
const streamObjects = 20_000

// BenchmarkJudgePile is all rules on one clean report of a charging DC pile, as
// they come from 20,000 piles in turn.
func BenchmarkJudgePile(b *testing.B) {
	m := make([]PileMemory, streamObjects)
	var f Findings
	l, r := limits(), pile(noon)
	b.ReportAllocs()
	i, round := 0, 0
	for b.Loop() {
		kW := 20 + float64(round%60)
		r.TS = noon + charge.Millis(round)*15*second
		r.PowerKW, r.VoltageV, r.CurrentA = kW, 400, kW*2.5
		r.EnergyKWh, r.SOCPct, r.Session = float64(round%600)/10, 20+float64(round%600)/8, sessions[round/600%2]
		if JudgePile(&m[i], &r, PileFacts{120, charge.DC}, r.TS+300, l, &f) != charge.Taken || len(f) > 0 {
			b.Fatal(f)
		}
		if i++; i == len(m) {
			i, round = 0, round+1
		}
	}
}

var sessions = [...]string{"395815801176344280000000017", "395815801176344280000000018"}

// BenchmarkJudgeVehicle is all rules on one clean report of a vehicle on its
// way, as they come from 20,000 vehicles in turn.
func BenchmarkJudgeVehicle(b *testing.B) {
	m := make([]VehicleMemory, streamObjects)
	var f Findings
	l := limits()
	r := charge.VehicleReport{VIN: vin, Has: 1<<20 - 1, Lat: 25.04, VoltageV: 355, CurrentA: 22.4, State: 1, Charge: 3,
		RangeKM: 240, InsulationKOhm: 1200}
	b.ReportAllocs()
	i, round := 0, 0
	for b.Loop() {
		r.TS = noon + charge.Millis(round)*30*second
		r.Lon, r.SpeedKMH = 102.7+float64(round%100)*0.002, 20+float64(round%40)
		r.OdometerKM, r.SOCPct = 40211+float64(round)*0.2, 80-float64(round%2000)/50
		if round%100 == 0 {
			m[i] = VehicleMemory{} // it begins anew in the west
		}
		if v, _ := JudgeVehicle(&m[i], &r, VehicleFacts{}, r.TS+300, l, &f); v != charge.Taken || len(f) > 0 {
			b.Fatal(f)
		}
		if i++; i == len(m) {
			i, round = 0, round+1
		}
	}
}
