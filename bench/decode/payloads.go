package main

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"strconv"

	"github.com/dianchi-platform/dianchi/bench/decode/model"
)

// perMessage is how many reports a batch has, as the contract recommends.
const perMessage = 50

// payloads are the same reports as single messages and as one batch.
type payloads[E any] struct {
	want    []E
	singles [][]byte
	batch   []byte
}

func pack[E any](want []E) payloads[E] {
	p := payloads[E]{want: want}
	for i := range want {
		b, err := json.Marshal(&want[i])
		if err != nil {
			panic(err) // there is nothing in these values that JSON cannot say
		}
		p.singles = append(p.singles, b)
	}
	p.batch = append(append([]byte{'['}, bytes.Join(p.singles, []byte{','})...), ']')
	return p
}

// round cuts v to as many decimals as instruments report.
func round(v float64, decimals int) float64 {
	p := math.Pow10(decimals)
	return math.Round(v*p) / p
}

// makePiles returns reports with every member of the contract, values as they
// differ from pile to pile.
func makePiles() payloads[model.Pile] {
	r := rand.New(rand.NewPCG(1, 2))
	list := make([]model.Pile, perMessage)
	for i := range list {
		list[i] = model.Pile{
			ID: "S" + strconv.Itoa(i/8+1) + "-" + strconv.Itoa(i%8+1), TS: 1795392000000 + r.Int64N(60_000),
			Status: []uint8{0, 1, 2, 3, 3, 4, 255}[r.IntN(7)], PowerKW: round(r.Float64()*180, 1),
			VoltageV: round(300+r.Float64()*400, 1), CurrentA: round(r.Float64()*250, 1),
			SOCPct: float64(r.IntN(101)), EnergyKWh: round(r.Float64()*60, 2), MeterKWh: round(r.Float64()*2e5, 1),
			Session: "A" + strconv.Itoa(r.IntN(100_000)), VIN: vin(r), Fault: []string{"", "", "", "E17"}[r.IntN(4)],
			ParkStatus: []uint8{0, 10, 50}[r.IntN(3)], LockStatus: []uint8{0, 10, 50}[r.IntN(3)],
		}
	}
	return pack(list)
}

func makeVehicles() payloads[model.Vehicle] {
	r := rand.New(rand.NewPCG(3, 4))
	list := make([]model.Vehicle, perMessage)
	for i := range list {
		list[i] = model.Vehicle{
			VIN: vin(r), TS: 1795392000000 + r.Int64N(60_000), Lon: round(102.5+r.Float64()/2, 6),
			Lat: round(24.8+r.Float64()/2, 6), CRS: "wgs84", SpeedKMH: round(r.Float64()*120, 1),
			OdometerKM: round(r.Float64()*2e5, 1), SOCPct: float64(r.IntN(101)),
			VoltageV: round(300+r.Float64()*400, 1), CurrentA: round(r.Float64()*300-100, 1),
			State: uint8(1 + r.IntN(3)), Charge: uint8(1 + r.IntN(4)), AlarmLevel: uint8(r.IntN(5)),
			Alarms: r.Uint64N(1 << 19), RangeKM: float64(r.IntN(500)), InsulationKOhm: float64(500 + r.IntN(5000)),
		}
	}
	return pack(list)
}

func vin(r *rand.Rand) string {
	const letters = "0123456789ABCDEFGHJKLMNPRSTUVWXYZ"
	b := []byte("LNBMDBAH4PA000000")
	for i := 8; i < len(b); i++ {
		b[i] = letters[r.IntN(len(letters))]
	}
	return string(b)
}
