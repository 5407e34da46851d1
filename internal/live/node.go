package live

import (
	"sync/atomic"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

// Resolutions of H3 that the heat map has.
const (
	MinRes   = 5
	MaxRes   = 10
	resCount = MaxRes - MinRes + 1
)

// Values of a cell in the tree of vehicles.
const (
	carCount  = iota // online on the map
	carDemand        // of these: low and without a free pile near
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

// views is how many (value, audience) pairs a cell may have: for the public,
// then for regulators.
const (
	carViews  = 2 * carValues
	pileViews = 2 * pileValues
)

// leastShown is the smallest number of vehicles in a cell that the public sees.
const leastShown = 3

// node is a cell with something in it, now or not long ago.
type node struct {
	cell   geo.Cell
	center geo.Point

	cars    [carValues]atomic.Int32
	near    int32 // resolution 9: public stations with a free pile within 3 km; -1: not counted yet
	shown   [carViews]int32
	changed [carViews]uint32 // revision
	piles   *pileCell        // in the tree of piles

	first   *path  // resolution 9: the paths through it
	paths   int32  // how many lead through it; it stays as long as there are some
	touched uint32 // tick
	idle    uint32 // revision since which it is empty, 0 when it is not
	idx     uint32 // in its bucket
}

// pileCell is a cell's share of piles.
type pileCell struct {
	live    [pileViews]atomic.Int64
	shown   [pileViews]int64
	changed [pileViews]uint32
	own     []*ownCell // few cells have any
}

// ownCell is one operator's share of a cell that only it and regulators see:
// the piles of its stations that are not public.
type ownCell struct {
	party   charge.Num
	live    [pileValues]atomic.Int64
	shown   [pileValues]int64
	changed [pileValues]uint32
}

// of returns what only party p sees of a cell beside what everyone does, or nil.
func (c *pileCell) of(p charge.Num) *ownCell {
	for _, o := range c.own {
		if o.party == p {
			return o
		}
	}
	return nil
}

// sight is what of a cell an audience sees: one view and, of an operator, its
// own share.
type sight struct {
	view int
	own  charge.Num // 0: none
}

// path is the six cells in which a place is, resolution 5 first. Cells do not
// nest exactly, so neighbours in one cell may differ in a coarser one. It is
// shared by all that is in the same six, and the writer's alone.
type path struct {
	nodes [resCount]*node
	next  *path // of those through the same cell of resolution 9
	users int32
	low   int32 // vehicles under 30 % SOC
}

// anchor is the cell of resolution 9.
func (p *path) anchor() *node { return p.nodes[demandRes-MinRes] }

// value returns what is seen of n now.
func (n *node) value(w sight) int64 {
	if p := n.piles; p != nil {
		v := p.live[w.view].Load()
		if w.own != 0 {
			if o := p.of(w.own); o != nil {
				v += o.live[w.view/2].Load()
			}
		}
		return v
	}
	v := n.cars[w.view/2].Load()
	if w.view%2 == 0 && v < leastShown {
		return 0
	}
	return int64(v)
}

// frozen returns what was seen of n at the last tick, and since which revision.
func (n *node) frozen(w sight) (int64, uint32) {
	p := n.piles
	if p == nil {
		return int64(n.shown[w.view]), n.changed[w.view]
	}
	v, changed := p.shown[w.view], p.changed[w.view]
	if w.own != 0 {
		if o := p.of(w.own); o != nil {
			v, changed = v+o.shown[w.view/2], max(changed, o.changed[w.view/2])
		}
	}
	return v, changed
}

// freeze makes what n shows now what it showed at revision rev.
func (n *node) freeze(rev uint32) {
	if p := n.piles; p != nil {
		for i := range p.live {
			if v := p.live[i].Load(); v != p.shown[i] {
				p.shown[i], p.changed[i] = v, rev
			}
		}
		for _, o := range p.own {
			for i := range o.live {
				if v := o.live[i].Load(); v != o.shown[i] {
					o.shown[i], o.changed[i] = v, rev
				}
			}
		}
	} else {
		for i := range n.shown {
			if v := int32(n.value(sight{view: i})); v != n.shown[i] {
				n.shown[i], n.changed[i] = v, rev
			}
		}
	}
}
