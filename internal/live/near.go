package live

import (
	"math"

	"github.com/dianchi-platform/dianchi/internal/geo"
)

// near looks at growing squares of cells around p until no station outside can
// be nearer than the last of those found. Rows and columns that are too far
// away for that are left out.
func (f *search) near(g *grid, p geo.Point) {
	f.at = vecOf(p)
	f.worst = chordOf(f.q.RadiusM) * (1 + 1e-12)
	row, col := g.row(p.Lat), g.col(p.Lon)
	f.square(g, row, col)
	if g.strays.Load() {
		for i := range g.outside {
			if b := g.outside[i].Load(); b != nil {
				f.scan(b, 0, len(b.rows))
			}
		}
	}
	cosLat := math.Sqrt(f.at.x*f.at.x + f.at.y*f.at.y)
	for done, k := 1, 2; ; done, k = k, k+1+k/4 {
		north, south := g.north(p, row, done), g.south(p, row, done)
		east, west := g.east(p, cosLat, col, done), g.west(p, cosLat, col, done)
		if min(north, south, east, west) > f.worst {
			return
		}
		for i := done + 1; i <= k; i++ { // the rows of the ring, the near ones first
			if north <= f.worst && g.north(p, row, i-1) <= f.worst {
				f.run(g, row+i, col-k, col+k)
			}
			if south <= f.worst && g.south(p, row, i-1) <= f.worst {
				f.run(g, row-i, col-k, col+k)
			}
		}
		for r := max(0, row-done); r <= min(g.ny-1, row+done); r++ {
			if west <= f.worst {
				f.run(g, r, col-k, col-done-1)
			}
			if east <= f.worst {
				f.run(g, r, col+done+1, col+k)
			}
		}
	}
}

// square looks at p's cell and the eight around it. Where there are many
// stations it first looks only as far as there should be enough: that leaves
// most of them alone.
func (f *search) square(g *grid, row, col int) {
	var runs [6]struct {
		b        *block
		from, to int
	}
	west, east := max(col-1, 0), min(col+1, g.nx-1)
	n, stations := 0, 0
	for _, r := range [...]int{row, row - 1, row + 1} { // p's own first: the best is there as a rule
		if r < 0 || r >= g.ny {
			continue
		}
		for i := west / blockCols; i <= east/blockCols; i++ {
			if b := g.blocks[r*g.nb+i].Load(); b != nil {
				from, to := b.cells(west-i*blockCols, east-i*blockCols)
				runs[n].b, runs[n].from, runs[n].to = b, from, to
				n, stations = n+1, stations+to-from
			}
		}
	}
	enough := f.limit + f.limit/2 + 4
	if f.byPile || f.q.FreeParking || f.q.HasMaxYuan {
		enough = 3 * f.limit
	}
	most := f.worst
	if stations > enough && !f.after && !f.rare() {
		f.worst = min(most, g.area9*float64(enough)/float64(stations))
	}
	for guess := f.worst < most; ; guess = false {
		for i := range runs[:n] {
			f.scan(runs[i].b, runs[i].from, runs[i].to)
		}
		if !guess || len(f.best) == f.limit {
			return
		}
		f.best, f.worst = f.best[:0], most
	}
}

// run looks at the cells from west to east of a row, as far as the grid has them.
func (f *search) run(g *grid, row, west, east int) {
	west, east = max(west, 0), min(east, g.nx-1)
	if west > east {
		return
	}
	for i := west / blockCols; i <= east/blockCols; i++ {
		if b := g.blocks[row*g.nb+i].Load(); b != nil {
			from, to := b.cells(west-i*blockCols, east-i*blockCols)
			f.scan(b, from, to)
		}
	}
}

// rare reports whether few stations are expected to pass.
func (f *search) rare() bool { return f.text != "" || f.operator != 0 }

// scan takes in the stations of b that pass, are after the cursor, and nearer
// than the worst that is there.
func (f *search) scan(b *block, from, to int) {
	at, rows := b.at[from:to], b.rows[from:to]
	for i := range at {
		d := f.at.chord2(at[i])
		if d > f.worst {
			continue
		}
		if f.after && !f.isAfter(d, b, from+i) {
			continue
		}
		if counts := packed(rows[i].counts.Load()); f.match(b, from+i, counts) {
			f.take(d, passed{b, int32(from + i), int32(f.matched), counts})
		}
	}
}

// isAfter reports whether a station comes after the cursor.
func (f *search) isAfter(d float64, b *block, i int) bool {
	cur := &f.q.Cursor
	return d > cur.chord2 || d == cur.chord2 && b.cards[i].site.GlobalID > cur.id()
}

// take puts a station where it belongs among the best, of which the last falls
// out when there are too many. Where that is cannot be foreseen: it is counted
// without a branch.
func (f *search) take(d float64, p passed) {
	n := len(f.best)
	place := uint64(n)
	if n == f.limit {
		n--
		last := &f.best[n]
		if d == last.chord2() && p.id() > f.kept[last.place].id() {
			return
		}
		place = last.place
	}
	key := math.Float64bits(d) // not negative: its bits are in order
	i := 0
	for k := range f.best[:n] {
		i += int((f.best[k].key - key) >> 63)
	}
	for i < n && f.best[i].key == key && f.kept[f.best[i].place].id() < p.id() {
		i++
	}
	f.best = f.best[:n+1] // in place: by a local variable it would escape
	f.kept = f.kept[:n+1]
	copy(f.best[i+1:], f.best[i:])
	f.best[i] = ranked{key, place}
	f.kept[place] = p
	if n+1 == f.limit {
		f.worst = min(f.worst, f.best[n].chord2())
	}
}
