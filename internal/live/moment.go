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
// everybody sees, for regulators too. Writer's side, right after a tick.
func (s *State) Moment(t charge.Millis) *Moment {
	m := &Moment{T: t, Overview: s.Overview(), Operators: s.Operators(), Makers: s.Makers(), Districts: s.Districts()}
	for i := range m.heat {
		m.heat[i] = s.heatOf(MinRes + i)
	}
	return m
}

// momentCell is one cell with the public's values, then regulators' of piles.
type momentCell struct {
	cell   geo.Cell
	values [layers]int64
	all    [layers]int64
}

func (s *State) heatOf(res int) momentHeat {
	var found []momentCell
	gather := func(t *tree, from, to Layer) {
		t.mu.RLock()
		defer t.mu.RUnlock()
		t.each(res, world, func(n *node) {
			c, some := momentCell{cell: n.cell}, false
			for l := from; l < to; l++ {
				_, public := s.viewOf(l, Viewer{})
				c.values[l] = n.value(public)
				c.all[l] = c.values[l]
				if l.OfPiles() {
					_, all := s.viewOf(l, Viewer{Role: charge.RoleRegulator})
					c.all[l] = n.value(all)
				}
				some = some || c.values[l] != 0 || c.all[l] != 0
			}
			if some {
				found = append(found, c)
			}
		})
	}
	gather(&s.carHeat, 0, firstPiles)
	gather(&s.pileHeat, firstPiles, layers)
	slices.SortStableFunc(found, func(a, b momentCell) int { return cmp.Compare(a.cell, b.cell) })

	var h momentHeat
	for i, c := range found { // a cell of both trees stands twice, vehicles first
		if i > 0 && found[i-1].cell == c.cell {
			last := len(h.cells) - 1
			for l := firstPiles; l < layers; l++ {
				h.values[l][last], h.all[l][last] = c.values[l], c.all[l]
			}
			continue
		}
		h.cells = append(h.cells, c.cell)
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
