package main

import (
	"fmt"
	"log/slog"
	"math/rand/v2"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
	"github.com/dianchi-platform/dianchi/internal/live"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

const (
	operatorsN = 20
	stationsN  = 12_000
	pilesN     = 200_000
)

var middle = geo.Point{Lon: 102.73, Lat: 25.02}

// builtUp is a random place in the built-up area, where the most stations are.
func builtUp(r *rand.Rand) geo.Point {
	for {
		x, y := r.NormFloat64(), r.NormFloat64()
		if x*x+y*y < 4 {
			return geo.Point{Lon: middle.Lon + x*0.05, Lat: middle.Lat + y*0.05}
		}
	}
}

// city is a live state and what reports to it. One goroutine uses it.
type city struct {
	*rand.Rand
	state    *live.State
	parties  []charge.Party
	stations []charge.Station
	owner    []charge.Num // of each pile
	status   []charge.Status
	seq      uint64
}

func newCity(now charge.Millis) *city {
	c := &city{Rand: rand.New(rand.NewPCG(5, 1)), state: live.New(live.Config{}, slog.New(slog.DiscardHandler)),
		owner: make([]charge.Num, pilesN+1), status: make([]charge.Status, pilesN+1)}
	for i := range operatorsN {
		c.parties = append(c.parties, charge.Party{Num: charge.Num(i + 1), Slug: fmt.Sprintf("operator-%d", i+1),
			Name: "电动汽车充电", Kind: charge.Operator})
	}
	c.state.SetParties(c.parties)
	pile := charge.Num(1)
	for n := charge.Num(1); n <= stationsN; n++ {
		st := c.station(n)
		for last := charge.Num(uint64(n) * pilesN / stationsN); pile <= last; pile++ {
			p := charge.Pile{Num: pile, ID: fmt.Sprintf("%s-%02d", st.ID, len(st.Piles)), Kind: charge.DC, RatedKW: 120,
				Standard: "GB/T 20234.3"}
			switch pile % 5 {
			case 0, 1:
				p.Kind, p.RatedKW, p.Standard = charge.AC, 7, "GB/T 20234.2"
			case 2:
				p.RatedKW = 60
			}
			c.owner[pile] = st.Party
			st.Piles = append(st.Piles, p)
		}
		c.stations = append(c.stations, st)
		c.apply(record.Record{Party: st.Party, Received: now, Stations: []record.StationPut{{Station: st}}})
	}
	for n := charge.Num(1); n <= pilesN; n++ {
		c.put(n, now)
	}
	c.tick(now)
	return c
}

// station has seven of ten in the built-up area, and the members that
// operators give as a rule.
func (c *city) station(n charge.Num) charge.Station {
	at := geo.Point{Lon: 102.16 + c.Float64()*1.52, Lat: 24.38 + c.Float64()*2.18}
	if c.Float64() < 0.7 {
		at = geo.Point{Lon: middle.Lon + c.NormFloat64()*0.05, Lat: middle.Lat + c.NormFloat64()*0.05}
	}
	st := charge.Station{Num: n, Party: 1 + n%operatorsN, ID: fmt.Sprintf("S%06d", n), Name: fmt.Sprintf("世纪城%d号充电站", n),
		NameEn: fmt.Sprintf("Shijicheng %d", n), Lon: at.Lon, Lat: at.Lat, Address: "昆明市官渡区世纪城金源大道", District: "530111",
		OpenHours: []string{"", "00:00-24:00", "06:00-23:00"}[n%3], Access: charge.Public,
		Parking: &charge.Parking{Type: charge.ParkingFree, FenPerHour: -1, FreeMinutes: -1},
		Tariffs: []charge.Tariff{{Bands: []charge.Band{
			{FromMinute: 0, ToMinute: 420, EnergyE4: 3500, ServiceE4: 4000},
			{FromMinute: 420, ToMinute: 1440, EnergyE4: 7250 + int64(n%7)*100, ServiceE4: 4000}}}}}
	if n%4 == 0 {
		st.Parking = &charge.Parking{Type: charge.ParkingLimited, Text: "前2小时免费", FenPerHour: 300, FreeMinutes: 120}
	}
	return st
}

func (c *city) apply(r record.Record) {
	c.seq++
	r.Kind, r.Seq = record.Message, c.seq
	c.state.Apply(&r)
}

// put has a pile report another status than it had.
func (c *city) put(n charge.Num, now charge.Millis) {
	was := c.status[n]
	for c.status[n] == was {
		c.status[n] = []charge.Status{charge.StatusIdle, charge.StatusIdle, charge.StatusCharging, charge.StatusFault}[c.IntN(4)]
	}
	c.apply(record.Record{Party: c.owner[n], Received: now, Piles: []record.PileItem{
		{Num: n, Verdict: charge.Taken, Report: charge.PileReport{ID: "p", TS: now, Status: c.status[n]}}}})
}

// update has n piles report.
func (c *city) update(n int, now charge.Millis) {
	for range n {
		c.put(charge.Num(1+c.IntN(pilesN)), now)
	}
}

func (c *city) tick(now charge.Millis) *live.Revision { return c.state.Tick(uint64(now)/1000, now) }
