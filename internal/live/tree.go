package live

import (
	"math"
	"sync"

	"github.com/dianchi-platform/dianchi/internal/geo"
)

// tree is the cells of resolutions 5 to 10 that have something in them. It
// finds them by index and by place.
type tree struct {
	mu     sync.RWMutex // the writer takes it to add and remove cells
	levels [resCount]level
	piles  bool
	dirty  []*node // touched since the last tick
	idle   []*node // to look at for removal, oldest first
	now    *uint32 // the writer's count of ticks
	room   [MaxRes + 1]geo.Cell
	unused *path
}

// level is the cells of one resolution, in buckets of a twentieth of a degree.
type level struct {
	cells   map[geo.Cell]*node
	buckets map[bucketKey]*bucket
}

type bucketKey struct{ x, y int16 }

type bucket struct{ nodes []*node }

const bucketsPerDegree = 20

func bucketOf(p geo.Point) bucketKey {
	return bucketKey{int16(math.Floor(p.Lon * bucketsPerDegree)), int16(math.Floor(p.Lat * bucketsPerDegree))}
}

func (t *tree) reset(piles bool, now *uint32) {
	*t = tree{piles: piles, now: now}
	for i := range t.levels {
		t.levels[i] = level{map[geo.Cell]*node{}, map[bucketKey]*bucket{}}
	}
}

// enter returns the path of the six cells at p with one more user.
func (t *tree) enter(p geo.Point) *path {
	geo.CellsAt(p, MinRes, MaxRes, t.room[:])
	cells := (*[resCount]geo.Cell)(t.room[MinRes:])
	anchor := t.node(demandRes, cells[demandRes-MinRes])
	for q := anchor.first; q != nil; q = q.next {
		if q.leads(cells) {
			q.users++
			return q
		}
	}
	q := t.unused
	if q == nil {
		q = &path{}
	} else {
		t.unused = q.next
	}
	*q = path{users: 1, next: anchor.first}
	anchor.first = q
	for i := range q.nodes {
		q.nodes[i] = t.node(MinRes+i, cells[i])
		q.nodes[i].paths++
		t.touch(q.nodes[i]) // it is not idle any more
	}
	return q
}

func (q *path) leads(cells *[resCount]geo.Cell) bool {
	for i := len(cells) - 1; i >= 0; i-- {
		if q.nodes[i].cell != cells[i] {
			return false
		}
	}
	return true
}

// leave takes a user from q.
func (t *tree) leave(q *path) {
	if q.users--; q.users > 0 {
		return
	}
	at := &q.anchor().first
	for *at != q {
		at = &(*at).next
	}
	*at = q.next
	for _, n := range q.nodes {
		n.paths--
		t.touch(n)
	}
	*q = path{next: t.unused}
	t.unused = q
}

// node returns a cell and makes it where there is none.
func (t *tree) node(res int, cell geo.Cell) *node {
	l := &t.levels[res-MinRes]
	if n := l.cells[cell]; n != nil {
		return n
	}
	n := &node{cell: cell, center: cell.Center(), near: -1}
	if t.piles {
		n.piles = &pileCell{}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	l.cells[cell] = n
	key := bucketOf(n.center)
	b := l.buckets[key]
	if b == nil {
		b = &bucket{}
		l.buckets[key] = b
	}
	n.idx = uint32(len(b.nodes))
	b.nodes = append(b.nodes, n)
	return n
}

func (t *tree) touch(n *node) {
	if n.touched != *t.now {
		n.touched = *t.now
		t.dirty = append(t.dirty, n)
	}
}

// freeze closes a revision for every cell that was touched.
func (t *tree) freeze(rev uint64) {
	for _, n := range t.dirty {
		n.freeze(uint32(rev))
		switch {
		case n.paths > 0:
			n.idle = 0
		case n.idle == 0:
			n.idle = uint32(rev)
			t.idle = append(t.idle, n)
		}
	}
	t.dirty = again(t.dirty)
}

// sweep removes cells that were empty for longer than anyone may resume.
func (t *tree) sweep(rev uint64) {
	done := 0
	for _, n := range t.idle {
		if n.idle != 0 && n.paths == 0 && uint64(n.idle)+keepRevs+2 > rev {
			break
		}
		done++
		if n.idle != 0 && n.paths == 0 {
			t.remove(n)
		}
	}
	t.idle = append(t.idle[:0], t.idle[done:]...)
}

func (t *tree) remove(n *node) {
	l := &t.levels[n.cell.Res()-MinRes]
	if l.cells[n.cell] != n {
		return // it stood twice among the idle ones
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(l.cells, n.cell)
	key := bucketOf(n.center)
	b := l.buckets[key]
	last := b.nodes[len(b.nodes)-1]
	b.nodes[n.idx], last.idx = last, n.idx
	b.nodes[len(b.nodes)-1] = nil
	b.nodes = b.nodes[:len(b.nodes)-1]
	if len(b.nodes) == 0 {
		delete(l.buckets, key)
	}
}

// each calls f for the cells of resolution res whose centre is in box. Readers
// hold mu.
func (t *tree) each(res int, box geo.Box, f func(*node)) {
	l := &t.levels[res-MinRes]
	visit := func(b *bucket) {
		for _, n := range b.nodes {
			if box.Contains(n.center) {
				f(n)
			}
		}
	}
	lo, hi := bucketOf(geo.Point{Lon: box.West, Lat: box.South}), bucketOf(geo.Point{Lon: box.East, Lat: box.North})
	if (int(hi.x)-int(lo.x)+1)*(int(hi.y)-int(lo.y)+1) > 2*len(l.buckets) {
		for key, b := range l.buckets {
			if key.x >= lo.x && key.x <= hi.x && key.y >= lo.y && key.y <= hi.y {
				visit(b)
			}
		}
		return
	}
	for y := lo.y; y <= hi.y; y++ {
		for x := lo.x; x <= hi.x; x++ {
			if b := l.buckets[bucketKey{x, y}]; b != nil {
				visit(b)
			}
		}
	}
}

const metresPerDegree = geo.EarthRadiusM * math.Pi / 180

// widen returns box with at least m metres more on each side.
func widen(b geo.Box, m float64) geo.Box {
	high := m / metresPerDegree
	far := min(89, max(math.Abs(b.South), math.Abs(b.North))+high)
	wide := high / math.Cos(far*math.Pi/180)
	return geo.Box{West: b.West - wide, South: b.South - high, East: b.East + wide, North: b.North + high}
}
