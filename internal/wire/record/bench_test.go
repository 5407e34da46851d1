package record

import (
	"testing"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// typical is a message of 50 reports as a party sends them.
func typical(vehicles bool) *Record {
	r := &Record{Kind: Message, Received: noon, Party: 3, Payload: charge.Piles,
		Account: charge.Account{Received: 50, Taken: 50}}
	for i := range 50 {
		x := float64(i)
		if vehicles {
			r.Fleet = append(r.Fleet, VehicleItem{Num: uint32(100000 + i), Verdict: charge.Taken,
				Report: charge.VehicleReport{
					VIN: "LNBMDBAH4PA000001", TS: noon - 1200, Has: vehicleHas, Lon: (102712000 + x) / 1e6,
					Lat:      (25040000 + x) / 1e6,
					SpeedKMH: 31.5, OdometerKM: 40211.3 + x, SOCPct: 63, VoltageV: 355, CurrentA: 22.4, State: 1,
					Charge:  3,
					RangeKM: 240, InsulationKOhm: 1200}})
			continue
		}
		r.Piles = append(r.Piles, PileItem{Num: uint32(100000 + i), Verdict: charge.Taken, Report: charge.PileReport{
			ID: "S1-1", TS: noon - 1200, Status: 3, Has: pileHas, PowerKW: 58.2, VoltageV: 385.1, CurrentA: 151.2,
			SOCPct:    63,
			EnergyKWh: 12.31, MeterKWh: 88121.4 + x, Session: "A17", VIN: "LNBMDBAH4PA000001", Park: 50, Lock: 10}})
	}
	return r
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	for _, vehicles := range []bool{false, true} {
		rec, buf, got := typical(vehicles), []byte(nil), Record{}
		if n := testing.AllocsPerRun(100, func() {
			buf = rec.Append(buf[:0])
			if err := got.Decode(buf); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Fatalf("vehicles %v: %v allocations a message", vehicles, n)
		}
	}
}

func benchmark(b *testing.B, rec *Record, decode bool) {
	buf := rec.Append(nil)
	var got Record
	b.ReportAllocs()
	for b.Loop() {
		if !decode {
			buf = rec.Append(buf[:0])
		} else if err := got.Decode(buf); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/50, "ns/report")
	b.ReportMetric(float64(len(buf))/50, "B/report")
}

func BenchmarkAppendPiles(b *testing.B)    { benchmark(b, typical(false), false) }
func BenchmarkAppendVehicles(b *testing.B) { benchmark(b, typical(true), false) }
func BenchmarkDecodePiles(b *testing.B)    { benchmark(b, typical(false), true) }
func BenchmarkDecodeVehicles(b *testing.B) { benchmark(b, typical(true), true) }
