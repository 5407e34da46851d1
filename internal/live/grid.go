package live

import (
	"math"
	"slices"
	"sync/atomic"

	"github.com/dianchi-platform/dianchi/internal/geo"
)

const (
	gridCellM    = 400
	maxGridCells = 4 << 20
)

// grid finds stations by place: cells of about 400 m over the city's bounds,
// each with its stations side by side. A change replaces one cell's list, so
// readers never wait. Stations outside the bounds stand in a list of their own.
type grid struct {
	box        geo.Box
	dLon, dLat float64 // size of a cell in degrees
	nx, ny     int
	cells      []atomic.Pointer[gridList]
	outside    atomic.Pointer[gridList]
}

type gridEntry struct {
	at   vec
	site *Site
}

// gridList is a cell's stations. The first ones stand in it, so that a reader
// of a usual cell follows one pointer, not two.
type gridList struct {
	n     int
	first [6]gridEntry
	more  []gridEntry
}

func gridListOf(entries []gridEntry) *gridList {
	if len(entries) == 0 {
		return nil
	}
	l := &gridList{n: len(entries)}
	if k := copy(l.first[:], entries); k < l.n {
		l.more = entries[k:]
	}
	return l
}

// head and tail are all stations of l, which may be nil.
func (l *gridList) head() []gridEntry {
	if l == nil {
		return nil
	}
	return l.first[:min(l.n, len(l.first))]
}

func (l *gridList) tail() []gridEntry {
	if l == nil {
		return nil
	}
	return l.more
}

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
	g.cells = make([]atomic.Pointer[gridList], g.nx*g.ny)
	return g
}

func (g *grid) col(lon float64) int { return clampInt((lon-g.box.West)/g.dLon, g.nx) }
func (g *grid) row(lat float64) int { return clampInt((lat-g.box.South)/g.dLat, g.ny) }

func clampInt(v float64, n int) int { return int(max(0, min(float64(n-1), math.Floor(v)))) }

// slot returns the list in which a station at p stands.
func (g *grid) slot(p geo.Point) *atomic.Pointer[gridList] {
	if !g.box.Contains(p) {
		return &g.outside
	}
	return &g.cells[g.row(p.Lat)*g.nx+g.col(p.Lon)]
}

// replace puts next (nil: nothing) where old (nil: nothing) stood.
func (g *grid) replace(old, next *Site) {
	if old != nil && (next == nil || g.slot(old.Pos()) != g.slot(next.Pos())) {
		g.change(g.slot(old.Pos()), old, nil)
		old = nil
	}
	if next != nil {
		g.change(g.slot(next.Pos()), old, next)
	}
}

func (g *grid) change(slot *atomic.Pointer[gridList], old, next *Site) {
	have := slot.Load()
	list := slices.Concat(have.head(), have.tail())
	list = slices.DeleteFunc(list, func(e gridEntry) bool { return e.site == old })
	if next != nil {
		list = append(list, gridEntry{next.at, next})
	}
	slot.Store(gridListOf(list))
}

func (g *grid) list(row, col int) *gridList { return g.cells[row*g.nx+col].Load() }

// eachIn calls f for the stations in box.
func (g *grid) eachIn(box geo.Box, f func(*gridEntry)) {
	some := func(list []gridEntry) {
		for i := range list {
			if box.Contains(list[i].site.Pos()) {
				f(&list[i])
			}
		}
	}
	visit := func(l *gridList) {
		some(l.head())
		some(l.tail())
	}
	visit(g.outside.Load())
	if !g.box.Overlaps(box) {
		return
	}
	west, east := g.col(box.West), g.col(box.East)
	for row := g.row(box.South); row <= g.row(box.North); row++ {
		for col := west; col <= east; col++ {
			visit(g.list(row, col))
		}
	}
}

// beyond returns a lower bound of the squared chord from p to every station in
// the grid that is not within k cells of (row, col); +Inf when there is none.
func (g *grid) beyond(p geo.Point, cosLat float64, row, col, k int) float64 {
	least := math.Inf(1)
	north, south := row+k+1, row-k // rows on the edges' far sides
	if north < g.ny {
		least = min(least, arcBound(g.box.South+float64(north)*g.dLat-p.Lat, 1))
	}
	if south > 0 {
		least = min(least, arcBound(p.Lat-g.box.South-float64(south)*g.dLat, 1))
	}
	if east := col + k + 1; east < g.nx {
		least = min(least, arcBound(g.box.West+float64(east)*g.dLon-p.Lon, cosLat))
	}
	if west := col - k; west > 0 {
		least = min(least, arcBound(p.Lon-g.box.West-float64(west)*g.dLon, cosLat))
	}
	return least
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
