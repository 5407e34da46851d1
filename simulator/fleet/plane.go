package fleet

import (
	"math"

	"github.com/dianchi-platform/dianchi/internal/geo"
)

// pt is a place in metres east and north of the city's middle. One plane for
// the whole city is off by up to 1.5 % at its northern end, which no rule of
// the platform can tell from a bend in the road.
type pt struct{ x, y float32 }

// plane turns positions into pt and back.
type plane struct {
	origin geo.Point
	kx, ky float64 // metres a degree
}

func newPlane(middle geo.Point) plane {
	ky := geo.EarthRadiusM * math.Pi / 180
	return plane{origin: middle, ky: ky, kx: ky * math.Cos(middle.Lat*math.Pi/180)}
}

func (p *plane) in(at geo.Point) pt {
	return pt{float32((at.Lon - p.origin.Lon) * p.kx), float32((at.Lat - p.origin.Lat) * p.ky)}
}

// out returns the position of at, rounded to six decimals as parties send it.
func (p *plane) out(at pt) geo.Point {
	return geo.Point{
		Lon: round(p.origin.Lon+float64(at.x)/p.kx, 1e6),
		Lat: round(p.origin.Lat+float64(at.y)/p.ky, 1e6),
	}
}

// round rounds v to 1/unit.
func round(v, unit float64) float64 { return math.Round(v*unit) / unit }

func dist(a, b pt) float64 {
	return math.Hypot(float64(b.x-a.x), float64(b.y-a.y))
}

// between returns the point that lies share (0 to 1) of the way from a to b.
func between(a, b pt, share float64) pt {
	return pt{a.x + float32(share*float64(b.x-a.x)), a.y + float32(share*float64(b.y-a.y))}
}
