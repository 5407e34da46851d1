package live

import (
	"slices"

	"github.com/dianchi-platform/dianchi/internal/geo"
)

// blockCols is how many cells, side by side from west to east, make a block.
const blockCols = 8

// block is the stations of some cells, cell by cell, what a query looks at of
// them in arrays of its own: where they are first, then a row of each that is
// near enough, then a card of each that is found. Which stations it has never
// changes; another block takes its place. The atomic members of rows, cards and
// groups do change.
type block struct {
	at     []vec
	start  [blockCols + 1]uint32 // of each cell's stations
	rows   []row
	cards  []card
	groups []group // of stations that have too many for their row
	pos    []geo.Point
	marks  []mark
}

// blockOf makes a block of sites, of which cell tells the cell, and moves their
// rows and cards into it. Writer's side.
func blockOf(sites []*Site, cell func(*Site) int) *block {
	if len(sites) == 0 {
		return nil
	}
	slices.SortStableFunc(sites, func(a, b *Site) int { return cell(a) - cell(b) })
	groups := 0
	for _, s := range sites {
		if len(s.groups) > fewGroups {
			groups += len(s.groups)
		}
	}
	b := &block{
		at: make([]vec, len(sites)), rows: make([]row, len(sites)), cards: make([]card, len(sites)),
		groups: make([]group, 0, groups), pos: make([]geo.Point, len(sites)), marks: make([]mark, len(sites)),
	}
	for i, s := range sites {
		for c := cell(s) + 1; c <= blockCols; c++ {
			b.start[c]++
		}
		b.at[i], b.pos[i], b.marks[i] = vecOf(s.Pos()), s.Pos(), s.mark
		b.rows[i].move(s.row.Load())
		b.cards[i].move(s.card.Load())
		s.groups = b.take(&b.rows[i], s.groups)
		s.row.Store(&b.rows[i])
		s.card.Store(&b.cards[i])
		s.block.Store(b)
	}
	return b
}

// take copies a station's groups to where its row r says, and returns them there.
func (b *block) take(r *row, groups []group) []group {
	r.groups = uint16(len(groups))
	to := r.few[:]
	if len(groups) > fewGroups {
		r.first = uint32(len(b.groups))
		b.groups = b.groups[:len(b.groups)+len(groups)]
		to = b.groups[r.first:]
	}
	for i := range groups {
		to[i].kind = groups[i].kind
		to[i].n.Store(groups[i].n.Load())
	}
	return to[:len(groups)]
}

// groupsOf returns the groups of the station with row r.
func (b *block) groupsOf(r *row) []group {
	if r.groups <= fewGroups {
		return r.few[:r.groups]
	}
	return b.groups[r.first:][:r.groups]
}

// without returns the stations of b, which may be nil, but for old.
func (b *block) without(old *Site) []*Site {
	if b == nil {
		return nil
	}
	list := make([]*Site, 0, len(b.cards)+1)
	for i := range b.cards {
		if s := b.cards[i].site; s != old {
			list = append(list, s)
		}
	}
	return list
}
