package geo

import (
	"fmt"
	"math"
	"strconv"
)

// MaxTileZoom is the largest zoom that a [Tile] can name.
const MaxTileZoom = 13

// maxTileLat is where web-mercator's square ends.
const maxTileLat = 85.05112877980659

// Tile is a tile of the usual web-mercator pyramid (x from the west, y from
// the north), packed so that it compares, sorts and hashes as one number.
type Tile uint32

func tileOf(zoom, x, y int) Tile { return Tile(zoom<<26 | x<<13 | y) }

// Zoom returns the tile's zoom.
func (t Tile) Zoom() int { return int(t >> 26) }

// X returns the tile's column, from the west.
func (t Tile) X() int { return int(t>>13) & 0x1fff }

// Y returns the tile's row, from the north.
func (t Tile) Y() int { return int(t) & 0x1fff }

// TileAt returns the tile of that zoom (0 to [MaxTileZoom]) in which p lies.
func TileAt(p Point, zoom int) Tile {
	if zoom < 0 || zoom > MaxTileZoom {
		panic(fmt.Sprintf("geo: tile zoom %d is not in 0..%d", zoom, MaxTileZoom))
	}
	n := float64(int(1) << zoom)
	lat := max(-maxTileLat, min(maxTileLat, p.Lat)) * math.Pi / 180
	x := (p.Lon + 180) / 360 * n
	y := (1 - math.Asinh(math.Tan(lat))/math.Pi) / 2 * n
	return tileOf(zoom, int(max(0, min(n-1, math.Floor(x)))), int(max(0, min(n-1, math.Floor(y)))))
}

// TilesIn returns the tiles of that zoom which b touches, row by row. Ask
// [TileCount] first when b comes from outside.
func TilesIn(b Box, zoom int) []Tile {
	lo, hi := TileAt(Point{b.West, b.North}, zoom), TileAt(Point{b.East, b.South}, zoom)
	out := make([]Tile, 0, (hi.X()-lo.X()+1)*(hi.Y()-lo.Y()+1))
	for y := lo.Y(); y <= hi.Y(); y++ {
		for x := lo.X(); x <= hi.X(); x++ {
			out = append(out, tileOf(zoom, x, y))
		}
	}
	return out
}

// TileCount returns how many tiles [TilesIn] would return, without making them.
func TileCount(b Box, zoom int) int {
	lo, hi := TileAt(Point{b.West, b.North}, zoom), TileAt(Point{b.East, b.South}, zoom)
	return (hi.X() - lo.X() + 1) * (hi.Y() - lo.Y() + 1)
}

// Box returns the tile's edges in degrees.
func (t Tile) Box() Box {
	n := float64(int(1) << t.Zoom())
	lat := func(y int) float64 { return math.Atan(math.Sinh(math.Pi*(1-2*float64(y)/n))) * 180 / math.Pi }
	return Box{
		West: float64(t.X())/n*360 - 180, East: float64(t.X()+1)/n*360 - 180,
		North: lat(t.Y()), South: lat(t.Y() + 1),
	}
}

// String returns "zoom/x/y".
func (t Tile) String() string {
	b := strconv.AppendInt(make([]byte, 0, 16), int64(t.Zoom()), 10)
	b = strconv.AppendInt(append(b, '/'), int64(t.X()), 10)
	return string(strconv.AppendInt(append(b, '/'), int64(t.Y()), 10))
}

// ParseTile reads the form that [Tile.String] writes.
func ParseTile(s string) (Tile, error) {
	var z, x, y int
	if n, err := fmt.Sscanf(s, "%d/%d/%d", &z, &x, &y); n == 3 && err == nil &&
		z >= 0 && z <= MaxTileZoom && x >= 0 && x < 1<<z && y >= 0 && y < 1<<z {
		if t := tileOf(z, x, y); t.String() == s {
			return t, nil
		}
	}
	return 0, fmt.Errorf("%q is not a tile zoom/x/y up to zoom %d", s, MaxTileZoom)
}
