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
	for r := max(row-1, 0); r <= min(row+1, g.ny-1); r++ {
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
	if stations > enough && !f.after && f.text == "" && f.operator == 0 {
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

// scan takes in the stations of b that pass, are after the cursor, and nearer
// than the worst that is there.
func (f *search) scan(b *block, from, to int) {
	at := b.at[from:to]
	for i := range at {
		d := f.at.chord2(at[i])
		if d > f.worst {
			continue
		}
		r := &b.rows[from+i]
		if f.after && !f.isAfter(d, r) {
			continue
		}
		if counts := packed(r.counts.Load()); f.match(b, from+i, counts) {
			f.take(d, r, counts)
		}
	}
}

// isAfter reports whether a station comes after the cursor.
func (f *search) isAfter(d float64, r *row) bool {
	cur := &f.q.Cursor
	return d > cur.chord2 || d == cur.chord2 && r.site.GlobalID > cur.id
}

// take puts a station where it belongs among the best, of which the last falls
// out when there are too many.
func (f *search) take(d float64, r *row, counts packed) {
	i := len(f.best)
	if i == f.limit {
		i--
		if last := &f.best[i]; d == last.chord2 && r.site.GlobalID > last.row.site.GlobalID {
			return
		}
	} else {
		f.best = f.best[:i+1]
	}
	for ; i > 0; i-- {
		if up := &f.best[i-1]; up.chord2 < d || up.chord2 == d && up.row.site.GlobalID < r.site.GlobalID {
			break
		}
		f.best[i] = f.best[i-1]
	}
	f.best[i] = candidate{d, r, counts, f.matched}
	if len(f.best) == f.limit {
		f.worst = min(f.worst, f.best[f.limit-1].chord2)
	}
}
