package fleet

import (
	"math"

	"github.com/dianchi-platform/dianchi/internal/geo"
)

// shoreM is how far the road round a lake stays from its ring, in metres.
const shoreM = 250

// maxRing is the most corners a water may have; finer rings are thinned.
const maxRing = 200

// noWater marks a route that meets no water.
const noWater = -1

// water is one ring that nothing enters and the road round it. Plain x, y
// stand in for lon, lat, so that geo's polygon functions serve here too.
type water struct {
	ring  []geo.Point
	shore []geo.Point
	box   geo.Box
}

// route is how a trip goes: straight when water is noWater, else to corner
// first of that water's shore, along it in steps of step, and off at last.
type route struct {
	water       int8
	step        int8 // +1 or -1
	first, last uint8
}

var straight = route{water: noWater}

func flat(p pt) geo.Point   { return geo.Point{Lon: float64(p.x), Lat: float64(p.y)} }
func unflat(p geo.Point) pt { return pt{float32(p.Lon), float32(p.Lat)} }

// newWater builds the shore road: every corner moved outward along the
// bisector of its edges.
func newWater(p *plane, ring []geo.Point) water {
	w := water{}
	thin := (len(ring) + maxRing - 1) / maxRing
	for i := 0; i < len(ring); i += thin {
		at := ring[i]
		w.ring = append(w.ring, flat(p.in(at)))
	}
	w.box = geo.BoxOf(w.ring)
	n := len(w.ring)
	area := 0.0
	for i, a := range w.ring {
		b := w.ring[(i+1)%n]
		area += a.Lon*b.Lat - b.Lon*a.Lat
	}
	out := math.Copysign(shoreM, area) // counter-clockwise rings have their outside on the right
	for i, at := range w.ring {
		before, after := w.ring[(i+n-1)%n], w.ring[(i+1)%n]
		nx1, ny1 := normal(before, at)
		nx2, ny2 := normal(at, after)
		bx, by := nx1+nx2, ny1+ny2
		long := max(0.3, (bx*bx+by*by)/2) // sharp corners must not shoot off
		w.shore = append(w.shore, geo.Point{Lon: at.Lon + out*bx/long, Lat: at.Lat + out*by/long})
	}
	return w
}

// normal returns the unit vector to the right of the way from a to b.
func normal(a, b geo.Point) (x, y float64) {
	dx, dy := b.Lon-a.Lon, b.Lat-a.Lat
	l := math.Hypot(dx, dy)
	if l == 0 {
		return 0, 0
	}
	return dy / l, -dx / l
}

// meets reports whether the straight way from a to b touches the water.
func (w *water) meets(a, b geo.Point) bool {
	if !w.box.Overlaps(geo.BoxOf([]geo.Point{a, b})) {
		return false
	}
	return geo.CrossesPolygon(a, b, w.ring)
}

// dry reports whether at and what is within reach metres of it is outside of all water.
func (f *Fleet) dry(at pt, reach float32) bool {
	for i := range f.waters {
		w := &f.waters[i]
		for _, d := range [...]pt{{0, 0}, {reach, 0}, {-reach, 0}, {0, reach}, {0, -reach}} {
			if geo.InPolygon(flat(pt{at.x + d.x, at.y + d.y}), w.ring) {
				return false
			}
		}
	}
	return true
}

// route returns a dry way from a to b and its length in metres; false when
// there is none that goes round at most one water.
func (f *Fleet) route(a, b pt) (route, float64, bool) {
	pa, pb := flat(a), flat(b)
	hit := -1
	for i := range f.waters {
		if f.waters[i].meets(pa, pb) {
			hit = i
			break
		}
	}
	if hit < 0 {
		return straight, dist(a, b), true
	}
	r, length := f.waters[hit].around(pa, pb)
	if length == 0 {
		return straight, 0, false
	}
	r.water = int8(hit)
	return r, length, len(f.waters) == 1 || f.clear(r, a, b)
}

// around returns the shortest way from a to b along the shore; length 0 when
// a or b sees no corner of it.
func (w *water) around(a, b geo.Point) (best route, length float64) {
	n := len(w.shore)
	var on []int             // corners that a sees
	var off [maxRing]float64 // way from a corner to b, infinite where b does not see it
	for i, c := range w.shore {
		off[i] = math.Inf(1)
		if !geo.CrossesPolygon(a, c, w.ring) {
			on = append(on, i)
		}
		if !geo.CrossesPolygon(c, b, w.ring) {
			off[i] = flatDist(c, b)
		}
	}
	length = math.Inf(1)
	for _, step := range [...]int{1, n - 1} {
		for _, first := range on {
			along := flatDist(a, w.shore[first])
			for i, left := first, n; left > 0 && along < length; left-- {
				if l := along + off[i]; l < length {
					length, best = l, route{step: 1, first: uint8(first), last: uint8(i)}
					if step != 1 {
						best.step = -1
					}
				}
				next := (i + step) % n
				along += flatDist(w.shore[i], w.shore[next])
				i = next
			}
		}
	}
	if math.IsInf(length, 1) {
		return best, 0
	}
	return best, length
}

// clear reports whether route r from a to b stays out of the other waters.
func (f *Fleet) clear(r route, a, b pt) bool {
	ok := true
	f.legs(r, a, b, func(p, q pt) bool {
		for i := range f.waters {
			if f.waters[i].meets(flat(p), flat(q)) {
				ok = false
			}
		}
		return ok
	})
	return ok
}

// legs calls leg for each straight piece of the route from a to b until it returns false.
func (f *Fleet) legs(r route, a, b pt, leg func(p, q pt) bool) {
	if r.water == noWater {
		leg(a, b)
		return
	}
	shore := f.waters[r.water].shore
	n := len(shore)
	from := a
	for i := int(r.first); ; i = (i + int(r.step) + n) % n {
		to := unflat(shore[i])
		if !leg(from, to) {
			return
		}
		from = to
		if i == int(r.last) {
			break
		}
	}
	leg(from, b)
}

// along returns the place that lies m metres from a on the route to b.
func (f *Fleet) along(r route, a, b pt, m float64) pt {
	at := b
	f.legs(r, a, b, func(p, q pt) bool {
		l := dist(p, q)
		if m <= l && l > 0 {
			at = between(p, q, m/l)
			return false
		}
		m -= l
		return true
	})
	return at
}

func flatDist(a, b geo.Point) float64 { return math.Hypot(b.Lon-a.Lon, b.Lat-a.Lat) }
