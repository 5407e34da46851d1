package geo

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	h3 "github.com/uber/h3-go/v4"
)

// kunming is the city's box.
var kunming = Box{102.16, 24.38, 103.68, 26.56}

func anywhere(r *rand.Rand, b Box) Point {
	return Point{b.West + r.Float64()*(b.East-b.West), b.South + r.Float64()*(b.North-b.South)}
}

func TestDistance(t *testing.T) {
	f := func(a, b Point, want, within float64) {
		t.Helper()
		if got := DistanceM(a, b); math.Abs(got-want) > within {
			t.Fatalf("DistanceM(%v, %v) = %.3f, want %.3f", a, b, got, want)
		}
		if DistanceM(a, b) != DistanceM(b, a) {
			t.Fatalf("DistanceM(%v, %v) depends on the order", a, b)
		}
	}

	quarter := EarthRadiusM * math.Pi / 2
	f(Point{0, 0}, Point{90, 0}, quarter, 1e-6)
	f(Point{0, 0}, Point{0, 90}, quarter, 1e-6)
	f(Point{0, 0}, Point{180, 0}, 2*quarter, 1e-6)
	f(Point{102.7, 25}, Point{102.7, 25}, 0, 0)
	f(Point{102.7, 25}, Point{102.7, 26}, EarthRadiusM*math.Pi/180, 1e-6)
	// One degree of longitude at 25° north: the chord's great circle is a hair shorter than the parallel.
	f(Point{102, 25}, Point{103, 25}, 100776.74, 0.01)
}

func TestOffset(t *testing.T) {
	p := Point{102.712, 25.040}
	f := func(east, north float64) {
		t.Helper()
		got := DistanceM(p, Offset(p, east, north))
		if want := math.Hypot(east, north); math.Abs(got-want) > want*3e-4 {
			t.Fatalf("Offset(%v, %v) is %.2f m away, want %.2f", east, north, got, want)
		}
	}

	f(1000, 0)
	f(0, -1000)
	f(3000, 4000)
}

func TestGCJ02Vectors(t *testing.T) {
	f := func(wgs, gcj Point, shiftM float64) {
		t.Helper()
		got := ToGCJ02(wgs)
		if math.Abs(got.Lon-gcj.Lon) > 6e-7 || math.Abs(got.Lat-gcj.Lat) > 6e-7 {
			t.Fatalf("ToGCJ02(%v) = %v, want %v", wgs, got, gcj)
		}
		if d := DistanceM(wgs, got); math.Abs(d-shiftM) > 0.1 {
			t.Fatalf("shift at %v is %.2f m, want %.1f", wgs, d, shiftM)
		}
		back := FromGCJ02(got)
		if math.Abs(back.Lon-wgs.Lon) > 1e-9 || math.Abs(back.Lat-wgs.Lat) > 1e-9 {
			t.Fatalf("FromGCJ02(ToGCJ02(%v)) = %v", wgs, back)
		}
	}

	f(Point{102.712, 25.040}, Point{102.713441, 25.037027}, 361.1)
	f(Point{102.7446, 25.0152}, Point{102.746084, 25.012250}, 360.5)
	f(Point{102.8215, 24.8894}, Point{102.822933, 24.886353}, 368.3)
	f(Point{103.188, 26.083}, Point{103.189882, 26.079753}, 407.1)
}

func TestGCJ02OutsideChinaIsUnshifted(t *testing.T) {
	f := func(p Point) {
		t.Helper()
		if ToGCJ02(p) != p || FromGCJ02(p) != p {
			t.Fatalf("%v is shifted", p)
		}
	}

	f(Point{2.35, 48.85})
	f(Point{72.0, 30})
	f(Point{110, 0.5})
}

func TestGCJ02InverseEverywhere(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		p := anywhere(r, Box{75, 5, 135, 53})
		q := FromGCJ02(ToGCJ02(p))
		if math.Abs(p.Lon-q.Lon) > 1e-9 || math.Abs(p.Lat-q.Lat) > 1e-9 {
			t.Fatalf("%v comes back as %v", p, q)
		}
	}
}

func TestTiles(t *testing.T) {
	if got := TileAt(Point{102.712, 25.040}, 12).String(); got != "12/3216/1753" {
		t.Fatalf("tile of the city's centre is %s", got)
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 5000 {
		p := anywhere(r, Box{-180, -85, 180, 85})
		for _, zoom := range []int{0, 5, 12, MaxTileZoom} {
			tile := TileAt(p, zoom)
			b := tile.Box()
			if p.Lon < b.West || p.Lon > b.East || p.Lat < b.South-1e-9 || p.Lat > b.North+1e-9 {
				t.Fatalf("%v is outside of its tile %s %v", p, tile, b)
			}
			if back, err := ParseTile(tile.String()); err != nil || back != tile {
				t.Fatalf("ParseTile(%s) = %s, %v", tile, back, err)
			}
		}
	}
	b := Box{102.70, 25.00, 102.95, 25.20}
	tiles := TilesIn(b, 12)
	if len(tiles) != TileCount(b, 12) {
		t.Fatalf("%d tiles, TileCount says %d", len(tiles), TileCount(b, 12))
	}
	for range 2000 {
		if p := anywhere(r, b); !slices.Contains(tiles, TileAt(p, 12)) {
			t.Fatalf("%v is in no tile of %v", p, tiles)
		}
	}
	for _, s := range []string{"", "12/1", "14/1/1", "1/2/0", "-1/0/0", "12/3216/1753/", "12/03216/1753"} {
		if _, err := ParseTile(s); err == nil {
			t.Fatalf("ParseTile(%q) succeeded", s)
		}
	}
}

func TestCellParentIsTheLibrarys(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	cells := make([]Cell, 0, 3000)
	for range 2000 {
		cells = append(cells, CellAt(anywhere(r, kunming), 10), CellAt(anywhere(r, Box{-180, -90, 180, 90}), r.IntN(16)))
	}
	for _, p := range h3.Pentagons(9) {
		cells = append(cells, Cell(p))
	}
	for _, c := range cells {
		for res := 0; res <= c.Res(); res++ {
			if got, want := c.Parent(res), Cell(h3.Cell(c).Parent(res)); got != want {
				t.Fatalf("%s.Parent(%d) = %s, the library says %s", c, res, got, want)
			}
		}
		if c.Parent(c.Res()+1) != 0 || c.Parent(-1) != 0 {
			t.Fatalf("%s has a parent finer than itself", c)
		}
	}
}

func TestCells(t *testing.T) {
	c := CellAt(Point{102.712, 25.040}, 8)
	if back, err := ParseCell(c.String()); err != nil || back != c || string(c.Append(nil)) != c.String() {
		t.Fatalf("%s comes back as %s, %v", c, back, err)
	}
	for _, s := range []string{"", "xyz", "0", "ffffffffffffffff", "88"} {
		if _, err := ParseCell(s); err == nil {
			t.Fatalf("ParseCell(%q) succeeded", s)
		}
	}
	if ring := c.Ring(); len(ring) != 6 {
		t.Fatalf("ring has %d corners", len(ring))
	}
	var ring []Point
	for _, p := range c.Ring() {
		ring = append(ring, Point{p[0], p[1]})
	}
	if !InPolygon(c.Center(), ring) || CellAt(c.Center(), 8) != c {
		t.Fatalf("the centre of %s is not in it", c)
	}
}

func TestCellsInABoxAreThoseWithTheirCentresInIt(t *testing.T) {
	f := func(b Box, res int) {
		t.Helper()
		got := CellsIn(b, res)
		want := map[Cell]bool{}
		r := rand.New(rand.NewPCG(7, 8))
		for range 100 * (CellCount(b, res) + 10) {
			if c := CellAt(anywhere(r, b), res); b.Contains(c.Center()) {
				want[c] = true
			}
		}
		for _, c := range got {
			if !b.Contains(c.Center()) {
				t.Fatalf("centre of %s is outside of %v", c, b)
			}
			delete(want, c)
		}
		if len(want) != 0 {
			t.Fatalf("%d cells of %v are missing", len(want), b)
		}
		if n := CellCount(b, res); len(got) > 50 && (n < len(got)*2/3 || n > len(got)*4/3) {
			t.Fatalf("CellCount = %d for %d cells", n, len(got))
		}
	}

	f(Box{102.70, 25.00, 102.75, 25.05}, 8)
	f(Box{102.70, 25.00, 102.75, 25.05}, 9)
	f(Box{102.58, 24.78, 102.95, 25.16}, 7)
	f(Box{102.7, 25, 102.7, 25}, 8)
}

func TestPolygon(t *testing.T) {
	square := []Point{{0, 0}, {4, 0}, {4, 4}, {0, 4}}
	inside := func(p Point, want bool) {
		t.Helper()
		closed := append(slices.Clone(square), square[0])
		if InPolygon(p, square) != want || InPolygon(p, closed) != want {
			t.Fatalf("InPolygon(%v) is not %v", p, want)
		}
	}
	inside(Point{2, 2}, true)
	inside(Point{5, 2}, false)
	inside(Point{-1, 2}, false)
	inside(Point{2, 5}, false)

	crosses := func(a, b Point, want bool) {
		t.Helper()
		if CrossesPolygon(a, b, square) != want || CrossesPolygon(b, a, square) != want {
			t.Fatalf("CrossesPolygon(%v, %v) is not %v", a, b, want)
		}
	}
	crosses(Point{-1, 2}, Point{5, 2}, true)
	crosses(Point{1, 1}, Point{2, 2}, true)
	crosses(Point{1, 1}, Point{9, 9}, true)
	crosses(Point{-1, -1}, Point{-1, 9}, false)
	crosses(Point{-1, 3}, Point{3, 9}, false)
	if InPolygon(Point{1, 1}, nil) || BoxOf(nil) != (Box{}) || BoxOf(square) != (Box{0, 0, 4, 4}) {
		t.Fatal("no points or the square's box went wrong")
	}
}

func BenchmarkCellAt(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		CellAt(Point{102.712, 25.040}, 10)
	}
}

func BenchmarkParent(b *testing.B) {
	c := CellAt(Point{102.712, 25.040}, 10)
	b.ReportAllocs()
	for b.Loop() {
		c = c.Parent(9) | c
	}
}

func BenchmarkDistanceM(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		DistanceM(Point{102.712, 25.040}, Point{102.8, 25.1})
	}
}
