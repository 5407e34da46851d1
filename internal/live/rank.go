package live

import (
	"cmp"
	"slices"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

// RankBy says what stations are ranked by.
type RankBy int

// A station without any pile of the kind is left out.
const (
	RankTotal RankBy = iota
	RankFree
	RankInUse
	RankFault
	RankOffline
)

func (by RankBy) of(c charge.PileCounts) int {
	switch by {
	case RankFree:
		return c.Free
	case RankInUse:
		return c.InUse
	case RankFault:
		return c.Fault
	case RankOffline:
		return c.Offline
	}
	return c.Total
}

// Ranking asks for stations in order of a count. The zero value of a filter
// lets everything pass.
type Ranking struct {
	By       RankBy
	District string // adcode, or "unknown"
	Operator string // slug
	Limit    int    // at most this many

	Viewer    Viewer
	AccessAll bool // also stations that are not public, as far as the viewer may see them
}

// Ranked is one station of a ranking.
type Ranked struct {
	Site      *Site
	Piles     charge.PileCounts
	UpdatedAt charge.Millis
}

// Rank returns the stations with most piles of a kind, most first, of
// equal counts the one where they are more of the whole; and how many there
// are in all.
func (s *State) Rank(q Ranking) (rows []Ranked, all int) {
	var operator charge.Num
	if q.Operator != "" {
		if operator = s.PartyNum(q.Operator); operator == 0 {
			return nil, 0
		}
	}
	viewer := Viewer{}
	if q.AccessAll {
		viewer = q.Viewer
	}
	world := geo.Box{West: -180, South: -90, East: 180, North: 90}
	s.grid.eachIn(world, func(b *block, i int) {
		site := b.rows[i].site
		if !site.visible(viewer) || operator != 0 && site.Party != operator ||
			q.District != "" && site.Adcode != q.District {
			return
		}
		if counts := site.Counts(); q.By.of(counts) > 0 {
			rows = append(rows, Ranked{site, counts, site.UpdatedAt()})
		}
	})
	slices.SortFunc(rows, func(a, b Ranked) int {
		return cmp.Or(
			cmp.Compare(q.By.of(b.Piles), q.By.of(a.Piles)),
			cmp.Compare(a.Piles.Total, b.Piles.Total),
			cmp.Compare(a.Site.GlobalID, b.Site.GlobalID),
		)
	})
	all = len(rows)
	return rows[:min(all, q.Limit)], all
}
