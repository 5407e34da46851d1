// Package geo knows points, boxes, map tiles, H3 cells and the shift between
// WGS-84 and GCJ-02.
//
// Everything is a pure function of plain values. Positions are WGS-84 decimal
// degrees, longitude first, unless a name says otherwise; distances are metres.
package geo

import (
	"math"
	"strconv"
)

// EarthRadiusM is the radius of the sphere on which distances are measured, in
// metres: the mean radius of the contract (IUGG R1).
const EarthRadiusM = 6_371_008.8

// metresPerDegree is the length of a degree of a great circle.
const metresPerDegree = EarthRadiusM * math.Pi / 180

// Point is a position in decimal degrees.
type Point struct{ Lon, Lat float64 }

// Valid reports whether p is a number on the globe: lon in [-180, 180], lat in [-90, 90].
func (p Point) Valid() bool {
	return p.Lon >= -180 && p.Lon <= 180 && p.Lat >= -90 && p.Lat <= 90
}

// DistanceM returns the great-circle distance from a to b in metres, by the
// haversine formula on a sphere of [EarthRadiusM].
func DistanceM(a, b Point) float64 {
	const rad = math.Pi / 180
	s := math.Sin((b.Lat - a.Lat) * rad / 2)
	t := math.Sin((b.Lon - a.Lon) * rad / 2)
	h := s*s + math.Cos(a.Lat*rad)*math.Cos(b.Lat*rad)*t*t
	return 2 * EarthRadiusM * math.Asin(math.Sqrt(min(1, h)))
}

// Offset returns the point eastM metres east and northM metres north of p. It
// is exact enough (1e-4 of the way) for tens of kilometres away from the poles.
func Offset(p Point, eastM, northM float64) Point {
	return Point{
		Lon: p.Lon + eastM/(metresPerDegree*math.Cos(p.Lat*math.Pi/180)),
		Lat: p.Lat + northM/metresPerDegree,
	}
}

// Box is a rectangle in degrees with West ≤ East and South ≤ North; it does
// not cross the antimeridian.
type Box struct{ West, South, East, North float64 }

// Contains reports whether p is in b, edges included.
func (b Box) Contains(p Point) bool {
	return p.Lon >= b.West && p.Lon <= b.East && p.Lat >= b.South && p.Lat <= b.North
}

// Overlaps reports whether b and o share a point.
func (b Box) Overlaps(o Box) bool {
	return b.West <= o.East && o.West <= b.East && b.South <= o.North && o.South <= b.North
}

// Center returns the middle of b.
func (b Box) Center() Point { return Point{(b.West + b.East) / 2, (b.South + b.North) / 2} }

// Valid reports whether b's corners are on the globe and in order.
func (b Box) Valid() bool {
	return Point{b.West, b.South}.Valid() && Point{b.East, b.North}.Valid() && b.West <= b.East && b.South <= b.North
}

// String returns "west,south,east,north" in degrees.
func (b Box) String() string {
	f := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	return f(b.West) + "," + f(b.South) + "," + f(b.East) + "," + f(b.North)
}
