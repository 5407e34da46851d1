package live

import (
	"math"

	"github.com/dianchi-platform/dianchi/internal/geo"
)

// pending is a station in reach that was not judged yet.
type pending struct {
	chord2 float64
	site   *Site
}

func (a pending) before(b pending) bool {
	return a.chord2 < b.chord2 || a.chord2 == b.chord2 && a.site.GlobalID < b.site.GlobalID
}

// near looks at growing squares of cells around p. What lies nearer than
// anything outside the square can is judged, nearest first, until there is
// enough: so filters are tried on few stations more than the answer has.
func (f *search) near(g *grid, p geo.Point) {
	at := vecOf(p)
	cosLat := math.Sqrt(at.x*at.x + at.y*at.y)
	most := chordOf(f.q.RadiusM) * (1 + 1e-12)
	f.scan(g.outside.Load(), at, most, 0)
	row, col := g.row(p.Lat), g.col(p.Lon)
	for k := 0; ; k++ {
		south, north, west, east := row-k, row+k, col-k, col+k
		for r := max(0, south); r <= min(g.ny-1, north); r++ {
			if r == south || r == north {
				for c := max(0, west); c <= min(g.nx-1, east); c++ {
					f.scan(g.list(r, c), at, most, k)
				}
				continue
			}
			if west >= 0 {
				f.scan(g.list(r, west), at, most, k)
			}
			if east < g.nx {
				f.scan(g.list(r, east), at, most, k)
			}
		}
		if rest := g.beyond(p, cosLat, row, col, k); rest > most {
			f.judge(math.Inf(1))
			return
		} else if f.judge(rest) {
			return
		}
	}
}

// rareAt is the square from which on the query is taken to be one that few
// stations pass: then it is cheaper to judge first than to put all in order.
const rareAt = 5

// scan puts the stations of a cell that are in reach, and after the cursor, on the heap.
func (f *search) scan(l *gridList, at vec, most float64, k int) {
	f.some(l.head(), at, most, k)
	f.some(l.tail(), at, most, k)
}

func (f *search) some(list []gridEntry, at vec, most float64, k int) {
	cur := &f.q.Cursor
	for i := range list {
		e := &list[i]
		d := at.chord2(e.at)
		if d > most || cur.id != "" && (d < cur.chord2 || d == cur.chord2 && e.site.GlobalID <= cur.id) {
			continue
		}
		if k >= rareAt && f.match(e.site, packed(e.site.counts.Load())) < 0 {
			continue
		}
		f.push(pending{d, e.site})
	}
}

// judge takes the pending stations that are nearer than rest, in order, and
// reports whether there are enough.
func (f *search) judge(rest float64) bool {
	for len(f.heap) > 0 && f.heap[0].chord2 < rest {
		top := f.pop()
		counts := packed(top.site.counts.Load())
		match := f.match(top.site, counts)
		if match < 0 {
			continue
		}
		if f.best = append(f.best, candidate{top.chord2, top.site, counts, match}); len(f.best) == f.limit {
			return true
		}
	}
	return false
}

func (f *search) push(p pending) {
	h := append(f.heap, p)
	i := len(h) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !p.before(h[up]) {
			break
		}
		h[i] = h[up]
		i = up
	}
	h[i] = p
	f.heap = h
}

func (f *search) pop() pending {
	h := f.heap
	top, last := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	f.heap = h
	if len(h) == 0 {
		return top
	}
	i := 0
	for {
		c := 2*i + 1
		if c >= len(h) {
			break
		}
		if c+1 < len(h) && h[c+1].before(h[c]) {
			c++
		}
		if !h[c].before(last) {
			break
		}
		h[i] = h[c]
		i = c
	}
	h[i] = last
	return top
}
