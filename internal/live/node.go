package live

import (
	"sync/atomic"

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
	if p := n.piles; p != nil {
		for i := range p.live {
			if v := p.live[i].Load(); v != p.shown[i] {
				p.shown[i], p.changed[i] = v, rev
			}
		}
	} else {
		for i := range n.shown {
			if v := int32(n.value(i)); v != n.shown[i] {
				n.shown[i], n.changed[i] = v, rev
			}
		}
	}
}
