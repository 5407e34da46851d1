package live

import (
	"slices"

	"github.com/dianchi-platform/dianchi/internal/geo"
)

// blockCols is how many cells, side by side from west to east, make a block.
const blockCols = 8

// block is the stations of some cells, cell by cell, what a query looks at of
// them in arrays of its own: where they are first, then one row of each that is
// near enough. Which stations it has never changes; another block takes its
// place. The atomic members of rows and groups do change.
type block struct {
	start  [blockCols + 1]uint32 // of each cell's stations
	at     []vec
	rows   []row
	groups []group
	pos    []geo.Point
	marks  []mark
}

// blockOf makes a block of sites, of which cell tells the cell, and moves their
// rows into it. Writer's side.
func blockOf(sites []*Site, cell func(*Site) int) *block {
	if len(sites) == 0 {
		return nil
	}
	slices.SortStableFunc(sites, func(a, b *Site) int { return cell(a) - cell(b) })
	groups := 0
	for _, s := range sites {
		groups += len(s.groups)
	}
	b := &block{
		at: make([]vec, len(sites)), rows: make([]row, len(sites)), groups: make([]group, 0, groups),
		pos: make([]geo.Point, len(sites)), marks: make([]mark, len(sites)),
	}
	for i, s := range sites {
		for c := cell(s) + 1; c <= blockCols; c++ {
			b.start[c]++
		}
		b.at[i], b.pos[i], b.marks[i] = vecOf(s.Pos()), s.Pos(), s.mark
		b.rows[i].move(s.row.Load(), len(b.groups))
		first := len(b.groups)
		for k := range s.groups {
			b.groups = b.groups[:len(b.groups)+1]
			g := &b.groups[first+k]
			g.kind = s.groups[k].kind
			g.n.Store(s.groups[k].n.Load())
		}
		s.groups = b.groups[first:]
		s.row.Store(&b.rows[i])
		s.block.Store(b)
	}
	return b
}

// without returns the stations of b, which may be nil, but for old.
func (b *block) without(old *Site) []*Site {
	if b == nil {
		return nil
	}
	list := make([]*Site, 0, len(b.rows)+1)
	for i := range b.rows {
		if s := b.rows[i].site; s != old {
			list = append(list, s)
		}
	}
	return list
}
