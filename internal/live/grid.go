package live

import (
	"math"
	"sync/atomic"

	"github.com/dianchi-platform/dianchi/internal/geo"
)

const (
	gridCellM    = 400
	maxGridCells = 4 << 20
)

// grid finds stations by place: cells of about 400 m over the city's bounds in
// rows from south to north, some of a row in one block. A change replaces a
// block, so readers never wait. Stations outside the bounds stand in blocks of
// their own, spread by number.
type grid struct {
	box        geo.Box
	dLon, dLat float64 // size of a cell in degrees
	nx, ny     int
	area9      float64 // nine cells over pi, as a squared chord: of a circle as large
	nb         int     // blocks in a row
	blocks     []atomic.Pointer[block]
	outside    [outsideBlocks]atomic.Pointer[block]
	strays     atomic.Bool // some station was outside
}

const outsideBlocks = 64

func newGrid(box geo.Box) *grid {
	g := &grid{box: box}
	for size := float64(gridCellM); ; size *= 2 {
		g.dLat = size / metresPerDegree
		g.dLon = g.dLat / math.Max(0.1, math.Cos((box.South+box.North)/2*math.Pi/180))
		g.nx = int((box.East-box.West)/g.dLon) + 1
		g.ny = int((box.North-box.South)/g.dLat) + 1
		if g.nx*g.ny <= maxGridCells {
			break
		}
	}
	side := g.dLat * math.Pi / 180
	g.area9 = 9 * side * side / math.Pi
	g.nb = (g.nx + blockCols - 1) / blockCols
	g.blocks = make([]atomic.Pointer[block], g.nb*g.ny)
	return g
}

func (g *grid) col(lon float64) int { return clampInt((lon-g.box.West)/g.dLon, g.nx) }
func (g *grid) row(lat float64) int { return clampInt((lat-g.box.South)/g.dLat, g.ny) }

func clampInt(v float64, n int) int { return int(max(0, min(float64(n-1), math.Floor(v)))) }

// slot returns the block in which a station stands.
func (g *grid) slot(site *Site) *atomic.Pointer[block] {
	p := site.Pos()
	if !g.box.Contains(p) {
		return &g.outside[site.Num%outsideBlocks]
	}
	return &g.blocks[g.row(p.Lat)*g.nb+g.col(p.Lon)/blockCols]
}

// cell returns the cell of its block in which a station stands.
func (g *grid) cell(site *Site) int {
	if p := site.Pos(); g.box.Contains(p) {
		return g.col(p.Lon) % blockCols
	}
	return 0
}

// replace puts next (nil: nothing) where old (nil: nothing) stood. Writer's side.
func (g *grid) replace(old, next *Site) {
	if old != nil && (next == nil || g.slot(old) != g.slot(next)) {
		g.change(g.slot(old), old, nil)
		old = nil
	}
	if next != nil {
		g.change(g.slot(next), old, next)
	}
}

func (g *grid) change(slot *atomic.Pointer[block], old, next *Site) {
	list := slot.Load().without(old)
	if next != nil {
		list = append(list, next)
		if !g.box.Contains(next.Pos()) {
			g.strays.Store(true)
		}
	}
	slot.Store(blockOf(list, g.cell))
}

// eachBlock calls f for each block that has stations.
func (g *grid) eachBlock(f func(*block)) {
	for i := range g.blocks {
		if b := g.blocks[i].Load(); b != nil {
			f(b)
		}
	}
	for i := range g.outside {
		if b := g.outside[i].Load(); b != nil {
			f(b)
		}
	}
}

// eachIn calls f for the stations in box: number i of block b.
func (g *grid) eachIn(box geo.Box, f func(b *block, i int)) {
	some := func(b *block, from, to int) {
		for i := from; i < to; i++ {
			if box.Contains(b.pos[i]) {
				f(b, i)
			}
		}
	}
	if g.strays.Load() {
		for i := range g.outside {
			if b := g.outside[i].Load(); b != nil {
				some(b, 0, len(b.rows))
			}
		}
	}
	if !g.box.Overlaps(box) {
		return
	}
	west, east := g.col(box.West), g.col(box.East)
	for row := g.row(box.South); row <= g.row(box.North); row++ {
		for i := west / blockCols; i <= east/blockCols; i++ {
			if b := g.blocks[row*g.nb+i].Load(); b != nil {
				from, to := b.cells(west-i*blockCols, east-i*blockCols)
				some(b, from, to)
			}
		}
	}
}

// cells returns which stations stand in the cells from west to east, as far as
// b has these.
func (b *block) cells(west, east int) (from, to int) {
	return int(b.start[max(west, 0)]), int(b.start[min(east, blockCols-1)+1])
}

// The four return a lower bound of the squared chord from p to every station in
// the grid beyond k cells from p's cell (row, col) to that side; +Inf when the
// grid ends there.
func (g *grid) north(p geo.Point, row, k int) float64 {
	if row += k + 1; row < g.ny {
		return arcBound(g.box.South+float64(row)*g.dLat-p.Lat, 1)
	}
	return math.Inf(1)
}

func (g *grid) south(p geo.Point, row, k int) float64 {
	if row -= k; row > 0 {
		return arcBound(p.Lat-g.box.South-float64(row)*g.dLat, 1)
	}
	return math.Inf(1)
}

func (g *grid) east(p geo.Point, cosLat float64, col, k int) float64 {
	if col += k + 1; col < g.nx {
		return arcBound(g.box.West+float64(col)*g.dLon-p.Lon, cosLat)
	}
	return math.Inf(1)
}

func (g *grid) west(p geo.Point, cosLat float64, col, k int) float64 {
	if col -= k; col > 0 {
		return arcBound(p.Lon-g.box.West-float64(col)*g.dLon, cosLat)
	}
	return math.Inf(1)
}

// arcBound returns a lower bound of the squared chord over an angle of deg
// degrees: between parallels with scale 1, between a point and a meridian with
// the cosine of the point's latitude. Rounding is left room for.
func arcBound(deg, scale float64) float64 {
	if deg <= 0 || deg > 180 {
		return 0
	}
	x := min(deg*math.Pi/180, 1)
	x = scale * (x - x*x*x/6) // ≤ sin of the distance
	x -= 1e-12
	if x <= 0 {
		return 0
	}
	return x * x // sin d ≤ 2 sin(d/2) for d ≤ π/2
}
