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
	if g.strays.Load() {
		for i := range g.outside {
			if b := g.outside[i].Load(); b != nil {
				f.scan(b, 0, len(b.rows))
			}
		}
	}
	cosLat := math.Sqrt(f.at.x*f.at.x + f.at.y*f.at.y)
	row, col := g.row(p.Lat), g.col(p.Lon)
	f.run(g, row, col-1, col+1)
	for done, k := 0, 1; ; done, k = k, k+1+k/4 {
		for i := 1; i <= k; i++ { // the rows of the ring, the near ones first
			if done == 0 || i > done {
				if g.north(p, row, i-1) <= f.worst {
					f.run(g, row+i, col-k, col+k)
				}
				if g.south(p, row, i-1) <= f.worst {
					f.run(g, row-i, col-k, col+k)
				}
			}
		}
		if done > 0 {
			if g.west(p, cosLat, col, done) <= f.worst {
				for r := max(0, row-done); r <= min(g.ny-1, row+done); r++ {
					f.run(g, r, col-k, col-done-1)
				}
			}
			if g.east(p, cosLat, col, done) <= f.worst {
				for r := max(0, row-done); r <= min(g.ny-1, row+done); r++ {
					f.run(g, r, col+done+1, col+k)
				}
			}
		}
		if min(g.north(p, row, k), g.south(p, row, k), g.east(p, cosLat, col, k), g.west(p, cosLat, col, k)) > f.worst {
			return
		}
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
