package live

import (
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

// Layer is what a heat map shows.
type Layer uint8

// The layers of the contract.
const (
	LayerVehicles Layer = iota // online vehicles
	LayerDemand                // online under 30 % SOC with no free public pile within 3 km
	LayerCharging              // piles with status 3
	LayerFree
	LayerInUse
	LayerPower // kW
	layers
)

var layerNames = [...]string{"vehicles", "demand", "charging", "free", "inUse", "powerKw"}

// String returns the contract's word.
func (l Layer) String() string { return layerNames[l%layers] }

// ParseLayer returns the layer that the contract calls name.
func ParseLayer(name string) (Layer, bool) {
	for i, n := range layerNames {
		if n == name {
			return Layer(i), true
		}
	}
	return 0, false
}

// OfPiles reports whether l counts piles, not vehicles.
func (l Layer) OfPiles() bool { return l >= LayerCharging }

// CellValue is a cell of a heat map: vehicles, piles, or kW.
type CellValue struct {
	Cell  geo.Cell
	Value float64
}

// viewOf returns the tree that holds l, and what of it who sees.
func (s *State) viewOf(l Layer, who Viewer) (*tree, sight) {
	i := 0
	if who.Role == charge.RoleRegulator {
		i = 1
	}
	if !l.OfPiles() {
		return &s.carHeat, sight{view: 2*int(l) + i}
	}
	w := sight{view: 2*int(l-LayerCharging) + i}
	if who.Role == charge.RoleOperator {
		w.own = who.Party
	}
	return &s.pileHeat, w
}

// shownValue turns what a tree counts into what l shows.
func (l Layer) shownValue(v int64) float64 {
	if l == LayerPower {
		return float64(v) / 1000
	}
	return float64(v)
}

// world is every box.
var world = geo.Box{West: -180, South: -90, East: 180, North: 90}

func boxOr(box *geo.Box) geo.Box {
	if box == nil {
		return world
	}
	return *box
}

// Heat returns the cells of resolution res (5 to 10, else none) whose centre is
// in box (nil: anywhere) and whose value is not 0, in no order, as they are
// now. To everyone but regulators, layers of piles leave out stations that are
// not public, but for an operator its own, and layers of vehicles leave out
// cells under 3.
func (s *State) Heat(layer Layer, res int, box *geo.Box, who Viewer) []CellValue {
	if res < MinRes || res > MaxRes || layer >= layers {
		return nil
	}
	t, w := s.viewOf(layer, who)
	var out []CellValue
	t.mu.RLock()
	defer t.mu.RUnlock()
	t.each(res, boxOr(box), func(n *node) {
		if v := n.value(w); v != 0 {
			out = append(out, CellValue{n.cell, layer.shownValue(v)})
		}
	})
	return out
}

// heatPile moves a pile's change up the cells of its station.
func (s *State) heatPile(site *Site, before, after pileMark) {
	var d [pileValues]int64
	add := func(m pileMark, by int64) {
		switch m.state {
		case charge.Free:
			d[pileFree] += by
		case charge.InUse:
			d[pileInUse] += by
		}
		if m.charging {
			d[pileCharging] += by
		}
		d[pileWatts] += m.powerW * by
	}
	add(before, -1)
	add(after, 1)
	s.heatAdd(site, &d)
}

func (s *State) heatAdd(site *Site, d *[pileValues]int64) {
	if *d == [pileValues]int64{} {
		return
	}
	for _, n := range site.leaf.nodes {
		var own *ownCell
		if site.Access != charge.Public {
			own = s.pileHeat.own(n, site.Party)
		}
		for i, by := range d {
			if by == 0 {
				continue
			}
			n.piles.live[2*i+1].Add(by)
			if own != nil {
				own.live[i].Add(by)
			} else {
				n.piles.live[2*i].Add(by)
			}
		}
		s.pileHeat.touch(n)
	}
}

// own returns the share of a cell that only party p and regulators see, and
// makes it where there is none. It goes with the cell.
func (t *tree) own(n *node, p charge.Num) *ownCell {
	if o := n.piles.of(p); o != nil {
		return o
	}
	o := &ownCell{party: p}
	t.mu.Lock()
	defer t.mu.Unlock()
	n.piles.own = append(n.piles.own, o)
	return o
}

// heatSite puts a whole station on the heat map (by 1), or takes it off.
func (s *State) heatSite(site *Site, by int64) {
	if site == nil {
		return
	}
	if by > 0 {
		site.leaf = s.pileHeat.enter(site.Pos())
	}
	c := site.Counts()
	s.heatAdd(site, &[pileValues]int64{
		pileFree: int64(c.Free) * by, pileInUse: int64(c.InUse) * by,
		pileCharging: int64(c.Charging) * by, pileWatts: site.powerW * by,
	})
	if c.Free > 0 {
		s.freeChanged(site, by > 0)
	}
	if by < 0 {
		s.pileHeat.leave(site.leaf)
	}
}

// heatMove moves a vehicle from its cells to next (nil: off the map). next has
// a user for it already, unless it is where the vehicle was.
func (s *State) heatMove(v *vehicle, before uint8, next *path, after uint8) {
	old := v.leaf
	v.leaf = next
	wasLow, isLow := old != nil && before&markLow != 0, next != nil && after&markLow != 0
	if old == next && wasLow == isLow {
		return
	}
	if wasLow {
		s.addLow(old, -1)
	}
	for i := range resCount {
		var a, b *node
		if old != nil {
			a = old.nodes[i]
		}
		if next != nil {
			b = next.nodes[i]
		}
		if a == b {
			continue
		}
		if a != nil {
			a.cars[carCount].Add(-1)
			s.carHeat.touch(a)
		}
		if b != nil {
			b.cars[carCount].Add(1)
			s.carHeat.touch(b)
		}
	}
	if isLow {
		s.addLow(next, 1)
	}
	if old != nil && old != next {
		s.carHeat.leave(old)
	}
}
