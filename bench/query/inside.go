package main

import (
	"context"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/tidwall/rtree"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
	"github.com/dianchi-platform/dianchi/internal/live"
)

// insideRow is one kind of question asked in process.
type insideRow struct {
	Name           string
	Allocs         float64 // a question
	Best, Median   float64 // nanoseconds of the asking thread's CPU, of all turns
	Tree, TreeBest float64 // likewise of tidwall/rtree; 0: it was not asked
	Promise        bool
}

// kinds are the questions. A filter of the tree's is asked of its own copy of
// each station, with plain members.
var kinds = []struct {
	name    string
	q       live.Query
	pass    func(*spot) bool
	promise bool
}{
	{"ten nearest", live.Query{}, func(*spot) bool { return true }, true},
	{"with a free pile", live.Query{Free: true}, func(s *spot) bool { return s.free > 0 }, true},
	{"six filters", live.Query{Free: true, Kind: charge.DC, MinKW: 60, Open: true, FreeParking: true, HasMaxYuan: true, MaxYuanE4: 12_000},
		func(s *spot) bool { return s.freeDC > 0 && s.parking && s.price <= 12_000 }, true},
	{"a free pile and a text that most have", live.Query{Free: true, Text: "世纪城"}, nil, false},
	{"a text that no station has, within 5 km", live.Query{Text: "昆百大"}, nil, false},
	{"a text that no station has, within 50 km", live.Query{Text: "昆百大", RadiusM: 50_000}, nil, false},
	{"one letter that no station has, within 50 km", live.Query{Text: "q", RadiusM: 50_000}, nil, false},
}

// spot is a station as the tree has it.
type spot struct {
	at           geo.Point
	id           string
	free, freeDC int
	price        int64
	parking      bool
}

const (
	insideTurn = 20_000 // questions
	insideSlow = 300    // of those that look through everything
)

// inside is the role that measures in process: turns of ours and the tree,
// while the city reports.
func inside(ctx context.Context, c *config) error {
	town := newCity(charge.At(time.Now()))
	tree := treeOf(town)
	places := make([]geo.Point, 4096)
	r := rand.New(rand.NewPCG(3, 3))
	for i := range places {
		places[i] = builtUp(r)
	}
	rows := make([]insideRow, len(kinds))
	times, treeTimes := make([][]float64, len(kinds)), make([][]float64, len(kinds))
	var dst []live.Found
	one := func(k, i int) {
		q := kinds[k].q
		q.Near, q.Limit = &places[i%len(places)], askFor
		if q.RadiusM == 0 {
			q.RadiusM = radiusM
		}
		dst, _ = town.state.Stations(q, dst[:0])
	}
	for k := range kinds {
		rows[k] = insideRow{Name: kinds[k].name, Promise: kinds[k].promise}
		i := 0
		rows[k].Allocs = testing.AllocsPerRun(200, func() { one(k, i); i++ })
	}
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		town.run(quit, c.rate, func(now charge.Millis) { town.tick(now) })
	}()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for range 3 * c.rounds {
		for k := range kinds {
			n := insideTurn
			if kinds[k].pass == nil {
				n = insideSlow
			}
			times[k] = append(times[k], perCall(n, func(i int) { one(k, i) }))
			if pass := kinds[k].pass; pass != nil {
				treeTimes[k] = append(treeTimes[k], perCall(n/4, func(i int) { tree.near(places[i%len(places)], pass) }))
			}
		}
		if ctx.Err() != nil {
			break
		}
	}
	close(quit)
	<-done
	for k := range rows {
		rows[k].Best, rows[k].Median = slices.Min(times[k]), median(times[k])
		if len(treeTimes[k]) > 0 {
			rows[k].TreeBest, rows[k].Tree = slices.Min(treeTimes[k]), median(treeTimes[k])
		}
	}
	return heed(reply{Inside: rows}, func(order) reply { return reply{} })
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// perCall returns the nanoseconds of this thread's CPU that a call takes.
func perCall(n int, f func(i int)) float64 {
	const thread = 1 // RUSAGE_THREAD, getrusage(2)
	used := func() int64 {
		var u syscall.Rusage
		_ = syscall.Getrusage(thread, &u) // it cannot fail with a known who
		return u.Utime.Nano() + u.Stime.Nano()
	}
	before := used()
	for i := range n {
		f(i)
	}
	return float64(used()-before) / float64(n)
}

// rtreeIndex is tidwall/rtree over the same stations: nearest by the tree, then
// filtered, until there are ten. Positions are scaled so that a degree is as
// long in both directions, as its users do.
type rtreeIndex struct {
	tree  rtree.RTreeG[*spot]
	scale float64
	out   []*spot
	dist  []float64
}

func treeOf(town *city) *rtreeIndex {
	x := &rtreeIndex{scale: math.Cos(middle.Lat * math.Pi / 180)}
	for i := range town.stations {
		st := &town.stations[i]
		s := &spot{at: geo.Point{Lon: st.Lon, Lat: st.Lat}, id: st.ID, price: st.Tariffs[0].Bands[1].EnergyE4 + 4000,
			parking: st.Parking.Type == charge.ParkingFree}
		if view, ok := town.state.StationByNum(st.Num, live.Viewer{}); ok {
			s.free = view.Piles().Free
			for _, p := range view.PileList {
				if p.State == charge.Free && p.Meta.Kind == charge.DC {
					s.freeDC++
				}
			}
		}
		at := [2]float64{st.Lon * x.scale, st.Lat}
		x.tree.Insert(at, at, s)
	}
	return x
}

func (x *rtreeIndex) near(p geo.Point, pass func(*spot) bool) {
	at := [2]float64{p.Lon * x.scale, p.Lat}
	x.out, x.dist = x.out[:0], x.dist[:0]
	x.tree.Nearby(rtree.BoxDist[float64, *spot](at, at, nil), func(_, _ [2]float64, s *spot, _ float64) bool {
		d := geo.DistanceM(p, s.at)
		if d > radiusM {
			return false
		}
		if pass(s) {
			x.out, x.dist = append(x.out, s), append(x.dist, d)
		}
		return len(x.out) < askFor
	})
}
