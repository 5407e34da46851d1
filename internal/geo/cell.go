package geo

import (
	"fmt"
	"strconv"

	h3 "github.com/uber/h3-go/v4"
)

// MaxCellRes is H3's finest resolution.
const MaxCellRes = 15

// Bits of an H3 index: the resolution stands at bit 52, three bits a digit
// below it, the finest digit lowest; digits below the resolution are all ones.
const (
	cellResShift  = 52
	cellResMask   = uint64(0xf) << cellResShift
	cellDigitBits = 3
)

// Cell is an H3 cell index (H3 version 3/4, mode 1). 0 is no cell.
type Cell uint64

// CellAt returns the cell of resolution res (0 to [MaxCellRes]) in which p lies.
func CellAt(p Point, res int) Cell {
	return Cell(h3.LatLngToCell(h3.LatLng{Lat: p.Lat, Lng: p.Lon}, res))
}

// Res returns c's resolution.
func (c Cell) Res() int { return int(uint64(c) & cellResMask >> cellResShift) }

// Parent returns the cell of resolution res that c belongs to; c itself when
// res is c's own, and 0 when res is finer or below 0. It is bit work: no call into C.
func (c Cell) Parent(res int) Cell {
	own := c.Res()
	if res < 0 || res > own {
		return 0
	}
	ones := uint64(1)<<(cellDigitBits*(MaxCellRes-res)) - 1
	return Cell(uint64(c)&^cellResMask | uint64(res)<<cellResShift | ones)
}

// Center returns the middle of c.
func (c Cell) Center() Point {
	p := h3.Cell(c).LatLng()
	return Point{Lon: p.Lng, Lat: p.Lat}
}

// Ring returns c's corners as [lon, lat], counter-clockwise and not closed: six
// of them, or up to ten where a cell bends over the icosahedron's edges.
func (c Cell) Ring() [][2]float64 {
	boundary := h3.Cell(c).Boundary()
	out := make([][2]float64, len(boundary))
	for i, p := range boundary {
		out[i] = [2]float64{p.Lng, p.Lat}
	}
	return out
}

// String returns the usual form: hexadecimal without leading zeros.
func (c Cell) String() string { return strconv.FormatUint(uint64(c), 16) }

// Append appends what [Cell.String] returns.
func (c Cell) Append(dst []byte) []byte { return strconv.AppendUint(dst, uint64(c), 16) }

// ParseCell reads the form that [Cell.String] writes and checks that it is a cell.
func ParseCell(s string) (Cell, error) {
	v, err := strconv.ParseUint(s, 16, 64)
	if err != nil || !h3.Cell(v).IsValid() {
		return 0, fmt.Errorf("%q is not an H3 cell", s)
	}
	return Cell(v), nil
}

// CellsIn returns the cells of resolution res whose centres are in b, edges
// included, in no order. Ask [CellCount] first when b comes from outside.
func CellsIn(b Box, res int) []Cell {
	// The library takes a polygon; a hair around b keeps centres on its edge.
	const hair = 1e-9
	w, s, e, n := b.West-hair, b.South-hair, b.East+hair, b.North+hair
	loop := h3.GeoLoop{{Lat: s, Lng: w}, {Lat: s, Lng: e}, {Lat: n, Lng: e}, {Lat: n, Lng: w}}
	found := h3.PolygonToCells(h3.GeoPolygon{GeoLoop: loop}, res)
	out := make([]Cell, 0, len(found))
	for _, c := range found {
		if cell := Cell(c); b.Contains(cell.Center()) {
			out = append(out, cell)
		}
	}
	return out
}

// CellCount returns about how many cells [CellsIn] would return (within a
// third around Kunming), without making them.
func CellCount(b Box, res int) int {
	mid := b.Center()
	wide := DistanceM(Point{b.West, mid.Lat}, Point{b.East, mid.Lat})
	high := DistanceM(Point{mid.Lon, b.South}, Point{mid.Lon, b.North})
	return int(wide * high / h3.HexagonAreaAvgM2(res))
}
