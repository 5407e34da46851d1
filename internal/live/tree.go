package live

import (
	"math"
	"sync"
	"sync/atomic"

	"github.com/dianchi-platform/dianchi/internal/geo"
)

// Resolutions of H3 that the heat map has.
const (
	MinRes = 5
	MaxRes = 10
)

// Values of a cell in the tree of vehicles.
const (
	carCount  = iota // online on the map
	carDemand        // of these: low and without a free pile near
	carLow           // of these: SOC below 30 %
	carValues
)

// Values of a cell in the tree of piles.
const (
	pileCharging = iota
	pileFree
	pileInUse
	pileWatts
	pileValues
)

// views is how many (value, audience) pairs a cell may have.
const (
	carViews  = 4
	pileViews = 2 * pileValues
)

// leastShown is the smallest number of vehicles in a cell that the public sees.
const leastShown = 3

// node is a cell with something in it, now or not long ago. What a leaf
// (resolution 10) gets is added to all its parents up to resolution 5.
type node struct {
	cell                geo.Cell
	center              geo.Point
	parent, child, next *node // next is a sibling

	cars    [carValues]atomic.Int32
	near    int32 // resolution 9: public stations with a free pile within 3 km; -1: not counted yet
	shown   [carViews]int32
	changed [carViews]uint32 // revision
	piles   *pileCell        // in the tree of piles

	sites   int32  // stations in this leaf; it stays as long as there are some
	touched uint32 // tick
	idle    uint32 // revision since which it is empty, 0 when it is not
}

// pileCell is a cell's share of piles: each value for the public (stations
// that are not public left out) and then for regulators.
type pileCell struct {
	live    [pileViews]atomic.Int64
	shown   [pileViews]int64
	changed [pileViews]uint32
}

// value returns what view i shows of n now.
func (n *node) value(i int) int64 {
	if n.piles != nil {
		return n.piles.live[i].Load()
	}
	v := n.cars[i/2].Load()
	if i%2 == 0 && v < leastShown {
		return 0
	}
	return int64(v)
}

// frozen returns what view i showed at the last tick, and since which revision.
func (n *node) frozen(i int) (int64, uint32) {
	if n.piles != nil {
		return n.piles.shown[i], n.piles.changed[i]
	}
	return int64(n.shown[i]), n.changed[i]
}

// freeze makes what n shows now what it showed at revision rev.
func (n *node) freeze(rev uint32) {
	empty := n.sites == 0
	if p := n.piles; p != nil {
		for i := range p.live {
			if v := p.live[i].Load(); v != p.shown[i] {
				p.shown[i], p.changed[i] = v, rev
			}
			empty = empty && p.shown[i] == 0
		}
	} else {
		for i := range n.shown {
			if v := int32(n.value(i)); v != n.shown[i] {
				n.shown[i], n.changed[i] = v, rev
			}
		}
		empty = n.cars[carCount].Load() == 0
	}
	switch {
	case !empty:
		n.idle = 0
	case n.idle == 0:
		n.idle = rev
	}
}

// tree is the cells of resolutions 5 to 10 that have something in them.
type tree struct {
	mu     sync.RWMutex // the writer takes it to add and remove cells
	leaves map[geo.Cell]*node
	tops   map[geo.Cell]*node
	piles  bool
	dirty  []*node // touched since the last tick
	idle   []*node // leaves to look at for removal, oldest first
	now    *uint32 // the writer's count of ticks
}

func (t *tree) reset(piles bool, now *uint32) {
	t.leaves, t.tops = map[geo.Cell]*node{}, map[geo.Cell]*node{}
	t.piles, t.now, t.dirty, t.idle = piles, now, nil, nil
}

// leaf returns the cell of resolution 10 at p.
func (t *tree) leaf(p geo.Point) *node {
	cell := geo.CellAt(p, MaxRes)
	if n := t.leaves[cell]; n != nil {
		return n
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	up := t.tops[cell.Parent(MinRes)]
	if up == nil {
		up = t.newNode(cell.Parent(MinRes))
		t.tops[up.cell] = up
	}
	for res := MinRes + 1; res <= MaxRes; res++ {
		want := cell.Parent(res)
		n := up.child
		for n != nil && n.cell != want {
			n = n.next
		}
		if n == nil {
			n = t.newNode(want)
			n.parent, n.next, up.child = up, up.child, n
		}
		up = n
	}
	t.leaves[cell] = up
	return up
}

func (t *tree) newNode(cell geo.Cell) *node {
	n := &node{cell: cell, center: cell.Center(), near: -1}
	if t.piles {
		n.piles = &pileCell{}
	}
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
		was := n.idle
		n.freeze(uint32(rev))
		if n.idle != 0 && was == 0 && n.cell.Res() == MaxRes {
			t.idle = append(t.idle, n)
		}
	}
	t.dirty = t.dirty[:0]
}

// sweep removes leaves that were empty for longer than anyone may resume, and
// what stands empty above them.
func (t *tree) sweep(rev uint64) {
	done := 0
	for _, n := range t.idle {
		if uint64(n.idle)+keepRevs+2 > rev && n.idle != 0 {
			break
		}
		done++
		if n.idle != 0 && t.leaves[n.cell] == n {
			t.remove(n)
		}
	}
	t.idle = append(t.idle[:0], t.idle[done:]...)
}

func (t *tree) remove(n *node) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.leaves, n.cell)
	for n.child == nil {
		if n.parent == nil {
			delete(t.tops, n.cell)
			return
		}
		at := &n.parent.child
		for *at != n {
			at = &(*at).next
		}
		*at = n.next
		n = n.parent
	}
}

// reachM bounds how far, in metres, the centre of a cell's descendant is from
// its own: 1.6 times the mean edge of its resolution.
var reachM = [...]float64{MinRes: 15800, 6: 6000, 7: 2260, 8: 860, 9: 325, MaxRes: 0}

// each calls f for the cells of resolution res whose centre is in box. Readers
// hold mu.
func (t *tree) each(res int, box geo.Box, f func(*node)) {
	var reach [MaxRes + 1]geo.Box // where cells of each resolution may have such descendants
	for r := MinRes; r < res; r++ {
		reach[r] = widen(box, reachM[r])
	}
	reach[res] = box
	for _, n := range t.tops {
		n.each(res, MinRes, &reach, f)
	}
}

func (n *node) each(res, own int, reach *[MaxRes + 1]geo.Box, f func(*node)) {
	if !reach[own].Contains(n.center) {
		return
	}
	if own == res {
		f(n)
		return
	}
	for c := n.child; c != nil; c = c.next {
		c.each(res, own+1, reach, f)
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
