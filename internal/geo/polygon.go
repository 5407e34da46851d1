package geo

// InPolygon reports whether p is inside ring, by the even-odd rule on plain
// degrees. The ring may be closed or not; points on its edge may fall either way.
func InPolygon(p Point, ring []Point) bool {
	in := false
	for i, j := 0, len(ring)-1; i < len(ring); j, i = i, i+1 {
		a, b := ring[i], ring[j]
		if (a.Lat > p.Lat) != (b.Lat > p.Lat) &&
			p.Lon < (b.Lon-a.Lon)*(p.Lat-a.Lat)/(b.Lat-a.Lat)+a.Lon {
			in = !in
		}
	}
	return in
}

// CrossesPolygon reports whether the straight line from a to b, in plain
// degrees, touches the inside of ring or crosses its edge.
func CrossesPolygon(a, b Point, ring []Point) bool {
	if InPolygon(a, ring) || InPolygon(b, ring) {
		return true
	}
	for i, j := 0, len(ring)-1; i < len(ring); j, i = i, i+1 {
		if segmentsMeet(a, b, ring[j], ring[i]) {
			return true
		}
	}
	return false
}

// BoxOf returns the smallest box around points; the zero Box for none.
func BoxOf(points []Point) Box {
	if len(points) == 0 {
		return Box{}
	}
	b := Box{points[0].Lon, points[0].Lat, points[0].Lon, points[0].Lat}
	for _, p := range points[1:] {
		b.West, b.East = min(b.West, p.Lon), max(b.East, p.Lon)
		b.South, b.North = min(b.South, p.Lat), max(b.North, p.Lat)
	}
	return b
}

// segmentsMeet reports whether segments ab and cd have a point in common,
// apart from those that only touch collinearly.
func segmentsMeet(a, b, c, d Point) bool {
	return side(a, b, c) != side(a, b, d) && side(c, d, a) != side(c, d, b)
}

// side tells on which side of the line ab the point p lies.
func side(a, b, p Point) bool {
	return (b.Lon-a.Lon)*(p.Lat-a.Lat) > (b.Lat-a.Lat)*(p.Lon-a.Lon)
}
