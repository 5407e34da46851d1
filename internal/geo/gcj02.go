package geo

import "math"

// Constants of GCJ-02: the semi-major axis and squared eccentricity of
// Krasovsky's ellipsoid as Chinese map makers use them, and the box outside
// which nothing is shifted.
const (
	gcjA     = 6378245.0
	gcjEE    = 0.00669342162296594323
	gcjWest  = 72.004
	gcjEast  = 137.8347
	gcjSouth = 0.8293
	gcjNorth = 55.8271
)

// gcjRounds bounds the fixed-point rounds of [FromGCJ02]; the error is below
// 1e-9 degrees after about five.
const gcjRounds = 10

// ToGCJ02 returns WGS-84 position p on GCJ-02, the datum of Chinese base maps.
// Positions outside China's box come back as they are.
func ToGCJ02(p Point) Point {
	if p.Lon < gcjWest || p.Lon > gcjEast || p.Lat < gcjSouth || p.Lat > gcjNorth {
		return p
	}
	x, y := p.Lon-105, p.Lat-35
	dLon, dLat := gcjSeries(x, y)
	sin := math.Sin(p.Lat * math.Pi / 180)
	magic := 1 - gcjEE*sin*sin
	root := math.Sqrt(magic)
	return Point{
		Lon: p.Lon + dLon*180/(gcjA/root*math.Cos(p.Lat*math.Pi/180)*math.Pi),
		Lat: p.Lat + dLat*180/(gcjA*(1-gcjEE)/(magic*root)*math.Pi),
	}
}

// FromGCJ02 returns GCJ-02 position p on WGS-84, the inverse of [ToGCJ02] to
// better than 1e-9 degrees.
func FromGCJ02(p Point) Point {
	q := p
	for range gcjRounds {
		g := ToGCJ02(q)
		dLon, dLat := p.Lon-g.Lon, p.Lat-g.Lat
		q = Point{q.Lon + dLon, q.Lat + dLat}
		if math.Abs(dLon) < 1e-12 && math.Abs(dLat) < 1e-12 {
			break
		}
	}
	return q
}

// gcjSeries returns GCJ-02's offsets east and north in metres at x degrees
// east and y north of (105, 35).
func gcjSeries(x, y float64) (lon, lat float64) {
	const pi = math.Pi
	both := 20*math.Sin(6*x*pi) + 20*math.Sin(2*x*pi)
	root := math.Sqrt(math.Abs(x))
	lat = -100 + 2*x + 3*y + 0.2*y*y + 0.1*x*y + 0.2*root + both*2/3 +
		(20*math.Sin(y*pi)+40*math.Sin(y/3*pi))*2/3 +
		(160*math.Sin(y/12*pi)+320*math.Sin(y*pi/30))*2/3
	lon = 300 + x + 2*y + 0.1*x*x + 0.1*x*y + 0.1*root + both*2/3 +
		(20*math.Sin(x*pi)+40*math.Sin(x/3*pi))*2/3 +
		(150*math.Sin(x/12*pi)+300*math.Sin(x/30*pi))*2/3
	return lon, lat
}
