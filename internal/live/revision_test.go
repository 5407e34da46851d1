package live

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// tileViewer keeps what a client would that gets a tile's deltas.
type tileViewer struct {
	all  bool
	lazy bool // looks only now and then
	rev  uint64
	have map[string]seen
}

type seen struct {
	site    *Site
	piles   charge.PileCounts
	updated charge.Millis
}

func (v *tileViewer) follow(t *testing.T, s *State, tile geo.Tile) {
	t.Helper()
	var d TileDelta
	s.ChangedStationsSince(tile, v.rev, v.all, &d)
	if d.Full {
		v.have = map[string]seen{}
	}
	for _, f := range d.Stations {
		have, known := v.have[f.Site.GlobalID]
		if !f.Whole && (!known || have.site != f.Site) {
			t.Fatalf("%s changed, but the viewer does not know it", f.Site.GlobalID)
		}
		v.have[f.Site.GlobalID] = seen{f.Site, f.Piles, f.UpdatedAt}
	}
	for _, id := range d.Removed {
		delete(v.have, id)
	}
	v.rev = d.Rev
}

// heatAudiences are who sees different heat maps: everyone, regulators, and operators.
var heatAudiences = []Viewer{{}, regulator, {charge.RoleOperator, 1}, {charge.RoleOperator, 2}}

// heatViewer is the same for a heat map.
type heatViewer struct {
	layer Layer
	res   int
	who   Viewer
	rev   uint64
	have  map[geo.Cell]float64
}

func (v *heatViewer) follow(s *State) {
	var d HeatDelta
	s.ChangedCellsSince(v.layer, v.res, nil, v.who, v.rev, &d)
	if d.Full {
		v.have = map[geo.Cell]float64{}
	}
	for _, c := range d.Cells {
		v.have[c.Cell] = c.Value
	}
	for _, c := range d.Removed {
		delete(v.have, c)
	}
	v.rev = d.Rev
}

func TestDeltasLeadToWhatStoodAtTheRevision(t *testing.T) {
	for seed := range uint64(3) {
		c := newRandomCity(300 + seed)
		p := newPair(t, c)
		tiles := map[geo.Tile][4]*tileViewer{}
		var heat []*heatViewer
		for layer := range layers {
			for _, who := range heatAudiences {
				heat = append(heat, &heatViewer{layer: layer, res: MinRes + c.IntN(resCount), who: who})
			}
		}
		for range 200 {
			for range c.IntN(6) {
				p.apply(c.record())
			}
			c.now += 1000
			if c.chance(0.03) {
				c.rev += uint64(c.IntN(100)) // a pause, or a long one
			}
			p.tick(c)
			at := map[geo.Tile]map[string]seen{}
			for n, st := range p.m.stations {
				pos := geo.Point{Lon: st.Lon, Lat: st.Lat}
				tile := geo.TileAt(pos, TileZoom)
				if at[tile] == nil {
					at[tile] = map[string]seen{}
				}
				if _, ok := tiles[tile]; !ok {
					tiles[tile] = [4]*tileViewer{{}, {all: true}, {lazy: true}, {all: true, lazy: true}}
				}
				of := p.m.count(func(o *charge.Station) bool { return o.Num == n })
				at[tile][p.m.parties[st.Party].Slug+":"+st.ID] = seen{p.s.site(n), of.piles, of.updated}
			}
			live := map[*heatViewer]map[geo.Cell]float64{}
			for _, v := range heat {
				live[v] = cellMap(p.s.Heat(v.layer, v.res, nil, v.who))
			}
			for range c.IntN(3) { // what comes after the tick is not in the revision
				p.apply(c.record())
			}
			for tile, viewers := range tiles {
				for _, v := range viewers {
					if c.chance(0.2) || v.lazy && c.chance(0.9) {
						continue
					}
					v.follow(t, p.s, tile)
					want := maps.Clone(at[tile])
					maps.DeleteFunc(want, func(_ string, f seen) bool { return !v.all && f.site.Access != charge.Public })
					if !maps.Equal(v.have, want) {
						t.Fatalf("tile %v (all %v) at %d has %v, want %v", tile, v.all, v.rev, v.have, want)
					}
				}
			}
			for _, v := range heat {
				if c.chance(0.3) {
					continue
				}
				v.follow(p.s)
				if !maps.Equal(v.have, live[v]) {
					t.Fatalf("%v at %d (regulator %v) is %v, want %v", v.layer, v.res, v.who, v.have, live[v])
				}
			}
		}
	}
}

func TestEmptyCellsGo(t *testing.T) {
	l := &log{s: testState()}
	for i := range 200 {
		at := geo.Point{Lon: 102.6 + float64(i)*0.001, Lat: 25}
		now := noon + charge.Millis(i)*1000
		l.apply(record.Record{Party: 3, Received: now, Fleet: []record.VehicleItem{{Num: 1, Verdict: charge.Taken,
			Report: charge.VehicleReport{VIN: vin(1), TS: now, Has: charge.HasPosition, Lon: at.Lon, Lat: at.Lat}}}})
		l.s.Tick(uint64(i+1), now)
	}
	n := 0
	for _, level := range l.s.carHeat.levels {
		n += len(level.cells)
		for _, b := range level.buckets {
			n += len(b.nodes)
		}
	}
	if most := 2 * 2 * 6 * (keepRevs + 5); n > most {
		t.Fatalf("a vehicle that crossed the city left %d entries, want at most %d", n, most)
	}
	got := l.s.Heat(LayerVehicles, 8, nil, regulator)
	if len(got) != 1 || got[0].Value != 1 {
		t.Fatalf("one vehicle is on the map as %v", got)
	}
}

func TestFewVehiclesLeaveNoTraceForThePublic(t *testing.T) {
	l := &log{s: testState()}
	since := uint64(1)
	l.s.Tick(1, noon)
	for i, status := range []uint8{1, 2, 1} { // two vehicles come, change and go
		now := noon + charge.Millis(i+1)*1000
		var items []record.VehicleItem
		for n := charge.Num(1); n <= 2; n++ {
			items = append(items, record.VehicleItem{Num: n, Verdict: charge.Taken, OffMap: i == 2, Report: charge.VehicleReport{
				VIN: vin(n), TS: now, Has: charge.HasPosition | charge.HasState, State: status, Lon: center.Lon, Lat: center.Lat}})
		}
		l.apply(record.Record{Party: 3, Received: now, Fleet: items})
		l.s.Tick(uint64(i+2), now)
		var d HeatDelta
		l.s.ChangedCellsSince(LayerVehicles, 8, nil, Viewer{}, since, &d)
		if d.Full || len(d.Cells) != 0 || len(d.Removed) != 0 {
			t.Fatalf("two vehicles show in a public delta: %+v", d)
		}
	}
}

func TestRevisionTellsWhereVehiclesWere(t *testing.T) {
	l := &log{s: testState()}
	move := func(at geo.Point, has charge.Has, now charge.Millis) VehicleMove {
		l.apply(record.Record{Party: 3, Received: now, Fleet: []record.VehicleItem{{Num: 1, Verdict: charge.Taken,
			Report: charge.VehicleReport{VIN: vin(1), TS: now, Has: has, Lon: at.Lon, Lat: at.Lat}}}})
		r := l.s.Tick(uint64(now), now)
		if len(r.Vehicles) != 1 {
			t.Fatalf("one vehicle moved, the revision has %v", r.Vehicles)
		}
		return r.Vehicles[0]
	}
	far := geo.Point{Lon: 102.9, Lat: 24.9}
	here, there := geo.TileAt(center, TileZoom), geo.TileAt(far, TileZoom)
	f := func(got VehicleMove, from, to geo.Tile) {
		t.Helper()
		if got.From != from || got.To != to || string(got.VIN[:]) != vin(1) || got.Party != 3 {
			t.Fatalf("moved as %+v, want from %v to %v", got, from, to)
		}
	}
	f(move(center, charge.HasPosition, noon), 0, here)
	f(move(far, charge.HasPosition, noon+1), here, there)
	f(move(far, 0, noon+2), there, 0)
	f(move(center, charge.HasPosition, noon+3), 0, here)
	if r := l.s.Tick(uint64(noon+4), noon+4); len(r.Vehicles) != 0 {
		t.Fatalf("nothing moved, the revision has %v", r.Vehicles)
	}
	l.apply(record.Record{Kind: record.PartyGone, Party: 3})
	r := l.s.Tick(uint64(noon+5), noon+5)
	if len(r.Vehicles) != 1 {
		t.Fatalf("its maker went, the revision has %v", r.Vehicles)
	}
	f(r.Vehicles[0], here, 0)
}

func TestVehiclesInABox(t *testing.T) {
	l := &log{s: testState()}
	for n := charge.Num(1); n <= 40; n++ {
		l.apply(record.Record{Party: 3 + n%2, Received: noon, Fleet: []record.VehicleItem{{Num: n, Verdict: charge.Taken,
			Report: charge.VehicleReport{
				VIN: vin(n), TS: noon, Has: charge.HasPosition, Lon: 102.5 + float64(n)*0.01, Lat: 25}}}})
	}
	f := func(v Viewer, box geo.Box, most, want int) {
		t.Helper()
		got := l.s.VehiclesIn(box, most, v)
		if len(got) != want {
			t.Fatalf("%+v sees %d in %v, want %d", v, len(got), box, want)
		}
		var vins []string
		for _, x := range got {
			vins = append(vins, x.Vehicle.VIN)
			if !box.Contains(geo.Point{Lon: x.Report.Lon, Lat: x.Report.Lat}) {
				t.Fatalf("%s is not in the box", fmt.Sprint(x))
			}
		}
		slices.Sort(vins)
		if len(slices.Compact(vins)) != want {
			t.Fatalf("a vehicle came twice")
		}
	}
	small := geo.Box{West: 102.595, South: 24.9, East: 102.695, North: 25.1}
	f(regulator, world, 100, 40)
	f(regulator, world, 7, 7)
	f(regulator, small, 100, 10)
	f(Viewer{charge.RoleMaker, 3}, small, 100, 5)
	f(Viewer{charge.RoleOperator, 3}, world, 100, 0)
	f(driver, world, 100, 0)
}

func TestACellThatEmptiesTwiceIsTold(t *testing.T) {
	l := &log{s: testState()}
	rev := uint64(0)
	step := func(lon float64) {
		rev++
		now := noon + charge.Millis(rev)*1000
		l.apply(record.Record{Party: 3, Received: now, Fleet: []record.VehicleItem{{Num: 1, Verdict: charge.Taken,
			Report: charge.VehicleReport{VIN: vin(1), TS: now, Has: charge.HasPosition, Lon: lon, Lat: 25}}}})
		l.s.Tick(rev, now)
	}
	here, away := 102.6, 102.9
	step(here)
	step(away)
	for range 30 {
		step(away)
	}
	step(here)
	since := rev
	for range 50 {
		step(away)
	}
	var d HeatDelta
	l.s.ChangedCellsSince(LayerVehicles, 8, nil, regulator, since, &d)
	want := geo.CellAt(geo.Point{Lon: here, Lat: 25}, 8)
	if d.Full || len(d.Removed) != 1 || d.Removed[0] != want {
		t.Fatalf("the cell that the vehicle left is not told: %+v", d)
	}
}
