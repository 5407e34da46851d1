package live

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

// TestHeatIsARecountAtEveryRevision compares, after every tick, all layers at all
// resolutions, everywhere and in a box, for everyone and for regulators, with a
// count made anew; so are viewers that follow by what changed, each revision or
// now and then, and the vehicles in a box for all who may see some.
func TestHeatIsARecountAtEveryRevision(t *testing.T) {
	revisions := 150
	if testing.Short() {
		revisions = 15
	}
	for seed := range uint64(2) {
		c := newRandomCity(700 + seed)
		p := newPair(t, c)
		box := geo.Box{West: 102.69, South: 25.02, East: 102.74, North: 25.06}
		var follow []*heatViewer
		for layer := range layers {
			for res := MinRes; res <= MaxRes; res++ {
				for _, who := range heatAudiences {
					follow = append(follow, &heatViewer{layer: layer, res: res, who: who})
				}
			}
		}
		shown := map[string]int{}
		for range revisions {
			for range 2 + c.IntN(8) {
				p.apply(c.record())
			}
			c.now += 1000
			if c.chance(0.05) {
				c.now += 100_000 // a silence, after which objects are stale
			}
			p.tick(c)
			for _, v := range follow {
				what := fmt.Sprintf("%v at %d for %v", v.layer, v.res, v.who)
				want := p.m.heat(v.layer, v.res, world, v.who)
				if got := cellMap(p.s.Heat(v.layer, v.res, nil, v.who)); !maps.Equal(got, want) {
					t.Fatalf("seed %d, revision %d: %s is %v, want %v", seed, c.rev, what, got, want)
				}
				inBox := maps.Clone(want)
				maps.DeleteFunc(inBox, func(cell geo.Cell, _ float64) bool { return !box.Contains(p.m.centers[cell]) })
				if got := cellMap(p.s.Heat(v.layer, v.res, &box, v.who)); !maps.Equal(got, inBox) {
					t.Fatalf("seed %d, revision %d: %s in a box is %v, want %v", seed, c.rev, what, got, inBox)
				}
				shown[v.layer.String()] += len(want)
				if c.chance(0.6) {
					v.follow(p.s)
					if !maps.Equal(v.have, want) {
						t.Fatalf("seed %d, revision %d: who follows %s has %v, want %v", seed, c.rev, what, v.have, want)
					}
				}
			}
			p.vehiclesIn(box)
			p.vehiclesIn(world)
		}
		for layer := range layers {
			if shown[layer.String()] == 0 {
				t.Errorf("seed %d: %v was empty all the time", seed, layer)
			}
		}
	}
}

// vehiclesIn compares the vehicles in a box with the model's, for each kind of viewer.
func (p *pair) vehiclesIn(box geo.Box) {
	p.t.Helper()
	for _, who := range []Viewer{{}, regulator, {charge.RoleOperator, 1}, {charge.RoleMaker, 4}, {charge.RoleMaker, 5}} {
		var got, want []string
		for _, v := range p.s.VehiclesIn(box, math.MaxInt, who) {
			got = append(got, v.Vehicle.VIN)
		}
		for n, v := range p.m.vehicles {
			r := p.m.cars[n].report
			if (who == regulator || who.Role == charge.RoleMaker && who.Party == v.Party) &&
				r.Has&charge.HasPosition != 0 && box.Contains(geo.Point{Lon: r.Lon, Lat: r.Lat}) {
				want = append(want, v.VIN)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			p.t.Fatalf("%+v sees %d vehicles in %v, want %d", who, len(got), box, len(want))
		}
	}
}
