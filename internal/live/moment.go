package live

import (
	"cmp"
	"slices"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

// MomentRes is the finest resolution at which a moment has heat. Finer cells
// are smaller than a street block, and a week of them would be a diary.
const MomentRes = 8

// Moment is how the city was at one tick, as sums: no single station, pile or
// vehicle, and no cell with fewer vehicles than everybody may see. It is never
// changed once it is made.
type Moment struct {
	T         charge.Millis // the five minutes that it stands for
	Overview  Overview      // Overview.At is the tick's time
	Operators []OperatorRow
	Makers    []MakerRow
	Districts []DistrictRow
	heat      [MomentRes - MinRes + 1]momentHeat
}

// momentHeat is the cells of one resolution that have something in them.
type momentHeat struct {
	cells  []geo.Cell // ascending
	values [layers][]int64
	all    [layers][]int64 // with stations that are not public: of layers of piles only
}

// firstPiles is the first of the layers of piles.
const firstPiles = LayerCharging

// Moment returns how everything is, to be kept as t. Heat of vehicles is what
// everybody sees, for regulators too. Writer's side, right after a tick, but
// only for the copying: the function that it returns puts what was copied in
// order, and may be called once, in any goroutine.
func (s *State) Moment(t charge.Millis) func() *Moment {
	m := &Moment{T: t, Overview: s.Overview(), Operators: s.Operators(), Makers: s.Makers(), Districts: s.Districts()}
	var found [len(m.heat)][]momentCell
	for i := range found {
		found[i] = s.cellsOf(MinRes + i)
	}
	return func() *Moment {
		for i := range found {
			m.heat[i] = inOrder(found[i])
		}
		return m
	}
}

// momentCell is a cell of one of the trees, with the public's values and
// regulators' of piles. A cell of both trees stands twice.
type momentCell struct {
	cell   geo.Cell
	values [layers]int64
	all    [layers]int64
}

// cellsOf copies the cells that have something in them, vehicles first.
func (s *State) cellsOf(res int) []momentCell {
	found := make([]momentCell, 0, len(s.carHeat.levels[res-MinRes].cells)+len(s.pileHeat.levels[res-MinRes].cells))
	gather := func(t *tree, from, to Layer) {
		t.mu.RLock()
		defer t.mu.RUnlock()
		var public, all [layers]sight
		for l := from; l < to; l++ {
			_, public[l] = s.viewOf(l, Viewer{})
			if all[l] = public[l]; l.OfPiles() {
				_, all[l] = s.viewOf(l, Viewer{Role: charge.RoleRegulator})
			}
		}
		t.each(res, world, func(n *node) {
			c, some := momentCell{cell: n.cell}, int64(0)
			for l := from; l < to; l++ {
				c.values[l], c.all[l] = n.value(public[l]), n.value(all[l])
				some |= c.values[l] | c.all[l]
			}
			if some != 0 {
				found = append(found, c)
			}
		})
	}
	gather(&s.carHeat, 0, firstPiles)
	gather(&s.pileHeat, firstPiles, layers)
	return found
}

// inOrder makes columns of cells, and one cell of those that stand twice.
func inOrder(found []momentCell) (h momentHeat) {
	type place struct {
		cell geo.Cell
		at   int
	}
	order := make([]place, len(found))
	for i := range found {
		order[i] = place{found[i].cell, i}
	}
	slices.SortFunc(order, func(a, b place) int { return cmp.Or(cmp.Compare(a.cell, b.cell), cmp.Compare(a.at, b.at)) })
	h.cells = make([]geo.Cell, 0, len(order))
	for l := range layers {
		h.values[l], h.all[l] = make([]int64, 0, len(order)), make([]int64, 0, len(order))
	}
	for i, o := range order {
		c := &found[o.at]
		if i > 0 && order[i-1].cell == o.cell { // vehicles came first
			last := len(h.cells) - 1
			for l := firstPiles; l < layers; l++ {
				h.values[l][last], h.all[l][last] = c.values[l], c.all[l]
			}
			continue
		}
		h.cells = append(h.cells, o.cell)
		for l := range layers {
			h.values[l] = append(h.values[l], c.values[l])
			h.all[l] = append(h.all[l], c.all[l])
		}
	}
	return h
}

// Heat is [State.Heat] of then, for resolutions from [MinRes] to [MomentRes], by
// cell. Cells under 3 vehicles are left out for regulators, too.
func (m *Moment) Heat(layer Layer, res int, box *geo.Box, regulator bool) []CellValue {
	if res < MinRes || res > MomentRes || layer >= layers {
		return nil
	}
	h := &m.heat[res-MinRes]
	column := h.values[layer]
	if regulator && layer >= firstPiles {
		column = h.all[layer]
	}
	var out []CellValue
	for i, v := range column {
		if v == 0 || layer < firstPiles && v < leastShown || box != nil && !box.Contains(h.cells[i].Center()) {
			continue
		}
		out = append(out, CellValue{h.cells[i], layer.shownValue(v)})
	}
	return out
}
