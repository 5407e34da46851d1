package live

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// A city as large as the architecture asks for.
const (
	bigStations = 12_000
	bigPiles    = 200_000
	bigVehicles = 200_000
)

type bigCity struct {
	*rand.Rand
	s      *State
	now    charge.Millis
	seq    uint64
	places []geo.Point // of vehicles
}

// around puts 70 % into the middle of the city and the rest over its box.
func (b *bigCity) around() geo.Point {
	if b.Float64() < 0.7 {
		return geo.Point{Lon: 102.73 + b.NormFloat64()*0.05, Lat: 25.02 + b.NormFloat64()*0.05}
	}
	return geo.Point{Lon: 102.16 + b.Float64()*1.52, Lat: 24.38 + b.Float64()*2.18}
}

func newBigCity() *bigCity {
	b := &bigCity{Rand: rand.New(rand.NewPCG(1, 1)), s: New(Config{}, slog.New(slog.DiscardHandler)), now: noon}
	b.s.SetParties([]charge.Party{
		{Num: 1, Slug: "teld", Kind: charge.Operator}, {Num: 2, Slug: "nio", Kind: charge.Maker},
	})
	pile := charge.Num(1)
	for n := charge.Num(1); n <= bigStations; n++ {
		at := b.around()
		st := charge.Station{Num: n, Party: 1, ID: fmt.Sprintf("S%06d", n), Name: "世纪城站", Lon: at.Lon, Lat: at.Lat,
			Address: "昆明市官渡区世纪城", OpenHours: "06:00-23:00", District: "530111",
			Parking: &charge.Parking{Type: charge.ParkingFree},
			Tariffs: []charge.Tariff{{Bands: []charge.Band{{FromMinute: 0, ToMinute: 1440, EnergyE4: 7250, ServiceE4: 4000}}}}}
		for range bigPiles / bigStations {
			st.Piles = append(st.Piles, charge.Pile{
				Num: pile, ID: fmt.Sprintf("S%06d-%02d", n, len(st.Piles)), Kind: charge.PileKind(1 + pile%2),
				RatedKW: []float64{7, 60, 120}[pile%3], Standard: "GB/T 20234.3"})
			pile++
		}
		b.apply(record.Record{Party: 1, Stations: []record.StationPut{{Station: st}}})
	}
	for n := charge.Num(1); n < pile; n += 50 {
		b.apply(record.Record{Party: 1, Piles: b.pileItems(n, min(50, int(pile-n)))})
	}
	b.places = make([]geo.Point, bigVehicles+50)
	for i := range b.places {
		b.places[i] = b.around()
	}
	for n := charge.Num(1); n < bigVehicles; n += 50 {
		b.apply(record.Record{Party: 2, Fleet: b.carItems(n, 50)})
	}
	for range charge.Millis(3) { // the first one tells of everything
		b.s.Tick(uint64(b.now)/1000, b.now)
		b.now += 1000
	}
	return b
}

func (b *bigCity) apply(r record.Record) {
	b.seq++
	r.Kind, r.Seq, r.Received = record.Message, b.seq, b.now
	b.s.Apply(&r)
}

func (b *bigCity) pileItems(from charge.Num, n int) []record.PileItem {
	out := make([]record.PileItem, n)
	for i := range out {
		r := charge.PileReport{TS: b.now, Status: charge.StatusIdle, Has: charge.HasPower | charge.HasVoltage}
		if b.Float64() < 0.5 {
			r.Status, r.PowerKW, r.Has = charge.StatusCharging, 58.2, r.Has|charge.HasSession|charge.HasSOC
			r.Session = "A17"
		}
		out[i] = record.PileItem{Num: from + charge.Num(i), Verdict: charge.Taken, Report: r}
	}
	return out
}

func (b *bigCity) carItems(from charge.Num, n int) []record.VehicleItem {
	out := make([]record.VehicleItem, n)
	for i := range out {
		num := from + charge.Num(i)
		at := &b.places[num-1]
		at.Lon += b.Float64()*0.002 - 0.001 // 30 s on the road
		at.Lat += b.Float64()*0.002 - 0.001
		out[i] = record.VehicleItem{Num: num, Verdict: charge.Taken, Report: charge.VehicleReport{
			VIN: vin(num), TS: b.now, Lon: at.Lon, Lat: at.Lat, SOCPct: b.Float64() * 100, State: 1, SpeedKMH: 30,
			Has: charge.HasPosition | charge.HasSOC | charge.HasState | charge.HasSpeed}}
	}
	return out
}

// BenchmarkState runs all parts on one city, which takes a while to make.
func BenchmarkState(b *testing.B) {
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	c := newBigCity()
	used := heap() - before
	ids := uint64(bigPiles*16 + bigStations*16 + bigVehicles*17 + bigVehicles*16) // ids, and the places of this benchmark
	perObject := float64(used-ids) / (bigPiles + bigStations + bigVehicles)
	b.Run("memory", func(b *testing.B) {
		for b.Loop() {
		}
		b.ReportMetric(perObject, "B/object")
		b.ReportMetric(0, "ns/op")
	})
	// b.Loop may run a round several times; each report is another object's.
	b.Run("apply/pile", func(b *testing.B) {
		items := c.pileItems(1, bigPiles-50)
		c.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
		b.ReportAllocs()
		for i := 0; b.Loop(); i = (i + 1) % len(items) {
			c.apply(record.Record{Party: 1, Piles: items[i : i+1]})
		}
	})
	b.Run("apply/vehicle", func(b *testing.B) {
		items := c.carItems(1, bigVehicles-50)
		c.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
		b.ReportAllocs()
		for i := 0; b.Loop(); i = (i + 1) % len(items) {
			c.apply(record.Record{Party: 2, Fleet: items[i : i+1]})
		}
	})
	c.s.Tick(uint64(c.now)/1000+1, c.now+1000)
	c.near(b, "near10", Query{})
	c.near(b, "near10/free", Query{Free: true})
	c.near(b, "near10/filters", Query{
		Free: true, MinKW: 60, Kind: charge.DC, Open: true, FreeParking: true, HasMaxYuan: true, MaxYuanE4: 12_000})
	c.near(b, "near10/text", Query{Free: true, Text: "世纪"})
	b.Run("tick/13300", func(b *testing.B) {
		rev := uint64(c.now)/1000 + 2
		b.ReportAllocs()
		for b.Loop() {
			b.StopTimer()
			c.now += 1000
			rev++
			from := charge.Num(1 + c.IntN(bigPiles-7000))
			c.apply(record.Record{Party: 1, Piles: c.pileItems(from, 6650)})
			c.apply(record.Record{Party: 2, Fleet: c.carItems(from, 6650)})
			b.StartTimer()
			c.s.Tick(rev, c.now)
		}
	})
	b.Run("heat/res8", func(b *testing.B) {
		b.ReportAllocs()
		cells := 0
		for b.Loop() {
			cells = len(c.s.Heat(LayerFree, 8, nil, Viewer{}))
		}
		b.ReportMetric(float64(cells), "cells")
	})
	b.Run("rank20", func(b *testing.B) { // the first question of a revision, and the next ones
		b.ReportAllocs()
		for b.Loop() {
			c.s.rank(Ranking{By: RankFree, Limit: 20})
		}
	})
	b.Run("rank20/again", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c.s.Rank(Ranking{By: RankFree, Limit: 20})
		}
	})
	b.Run("overview", func(b *testing.B) {
		for b.Loop() {
			c.s.Overview()
		}
	})
	b.Run("snapshot", func(b *testing.B) {
		b.ReportAllocs()
		size := 0
		for b.Loop() {
			size = 0
			count := func(_ string, _ uint64, body []byte) error { size += len(body); return nil }
			if err := c.s.Snapshot(count, func() {}); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(size), "B")
	})
}

func (b *bigCity) near(top *testing.B, name string, q Query) {
	top.Run(name, func(t *testing.B) {
		at := make([]geo.Point, 1024)
		for i := range at {
			at[i] = geo.Point{Lon: 102.73 + b.NormFloat64()*0.05, Lat: 25.02 + b.NormFloat64()*0.05}
		}
		q.RadiusM, q.Limit = 5000, 10
		var dst []Found
		t.ReportAllocs()
		for i := 0; t.Loop(); i++ {
			q.Near = &at[i%len(at)]
			dst, _ = b.s.Stations(q, dst[:0])
		}
	})
}
