package main

import (
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
	"github.com/dianchi-platform/dianchi/internal/live"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

const (
	operatorsN, makersN = 20, 10
	pilesAStation       = 17
)

var middle = geo.Point{Lon: 102.73, Lat: 25.03}

// city is a live state and what reports to it. One goroutine uses it.
type city struct {
	*rand.Rand
	state   *live.State
	parties []charge.Party
	piles   []charge.PileReport // by number
	cars    []charge.VehicleReport
	order   []charge.Num // in which piles report: neighbours do not do so together
	next    int
	seq     uint64
}

// somewhere has seven of ten in the middle of the city.
func somewhere(r *rand.Rand) geo.Point {
	if r.Float64() < 0.7 {
		return geo.Point{Lon: middle.Lon + r.NormFloat64()*0.05, Lat: middle.Lat + r.NormFloat64()*0.05}
	}
	return geo.Point{Lon: middle.Lon + (r.Float64()-0.5)*0.6, Lat: middle.Lat + (r.Float64()-0.5)*0.6}
}

func newCity(piles int, seed uint64, now charge.Millis) *city {
	c := &city{Rand: rand.New(rand.NewPCG(seed, 1)), state: live.New(live.Config{}, slog.New(slog.DiscardHandler)),
		piles: make([]charge.PileReport, piles+1), cars: make([]charge.VehicleReport, piles+1)}
	for i := range operatorsN + makersN {
		p := charge.Party{Num: charge.Num(i + 1), Slug: fmt.Sprintf("party-%d", i+1), Name: "电动汽车充电", Kind: charge.Operator}
		if i >= operatorsN {
			p.Kind = charge.Maker
		}
		c.parties = append(c.parties, p)
	}
	c.state.SetParties(c.parties)
	pile := charge.Num(1)
	for n := charge.Num(1); int(pile) <= piles; n++ {
		at, party := somewhere(c.Rand), c.operatorOf(pile)
		st := charge.Station{Num: n, Party: party, ID: fmt.Sprintf("S%06d", n), Name: fmt.Sprintf("世纪城%d号充电站", n),
			NameEn: fmt.Sprintf("Shijicheng %d", n), Lon: at.Lon, Lat: at.Lat, Address: "昆明市官渡区世纪城", District: "530111"}
		for range pilesAStation {
			if int(pile) > piles {
				break
			}
			st.Piles = append(st.Piles, charge.Pile{Num: pile, ID: fmt.Sprintf("S%06d-%02d", n, len(st.Piles)),
				Kind: charge.PileKind(1 + pile%2), RatedKW: []float64{7, 60, 120}[pile%3]})
			pile++
		}
		c.apply(record.Record{Party: party, Received: now, Stations: []record.StationPut{{Station: st}}})
	}
	for n := range piles {
		num := charge.Num(n + 1)
		c.order = append(c.order, num)
		c.piles[num] = charge.PileReport{ID: "p", Status: 1, Has: charge.HasPower}
		at := somewhere(c.Rand)
		c.cars[num] = charge.VehicleReport{VIN: fmt.Sprintf("LNBMDBAH4PA%06d", num), Lon: at.Lon, Lat: at.Lat, State: 1,
			Has: charge.HasPosition | charge.HasSOC | charge.HasState | charge.HasSpeed, SOCPct: 100 * c.Float64()}
	}
	c.Shuffle(piles, func(i, j int) { c.order[i], c.order[j] = c.order[j], c.order[i] })
	c.report(2*piles, now)
	return c
}

// operatorOf has all piles of a station belong to one.
func (c *city) operatorOf(pile charge.Num) charge.Num {
	return 1 + (pile-1)/pilesAStation%operatorsN
}

func (c *city) apply(r record.Record) {
	c.seq++
	r.Kind, r.Seq = record.Message, c.seq
	c.state.Apply(&r)
}

// report has n objects report, half piles and half vehicles, a record each. Of
// the piles 8 % move as in a city by day, of the vehicles 18 %; every report is newer.
func (c *city) report(n int, now charge.Millis) {
	for range n / 2 {
		num := c.order[c.next]
		c.next = (c.next + 1) % len(c.order)
		p := &c.piles[num]
		p.TS = now
		if c.Float64() < 0.08 {
			p.Status = []charge.Status{1, 1, 3, 3, 2, 255}[c.IntN(6)]
			p.PowerKW = 0
			if p.Status == 3 {
				p.PowerKW = math.Round(c.Float64()*1200) / 10
			}
		}
		c.apply(record.Record{Party: c.operatorOf(num), Received: now,
			Piles: []record.PileItem{{Num: num, Verdict: charge.Taken, Report: *p}}})
		v := &c.cars[num]
		v.TS = now
		if c.Float64() < 0.18 {
			v.Lon += c.Float64()*0.002 - 0.001
			v.Lat += c.Float64()*0.002 - 0.001
			v.SpeedKMH, v.SOCPct = 30, max(1, v.SOCPct-0.1)
		}
		c.apply(record.Record{Party: operatorsN + 1 + num%makersN, Received: now,
			Fleet: []record.VehicleItem{{Num: num, Verdict: charge.Taken, Report: *v}}})
	}
}
