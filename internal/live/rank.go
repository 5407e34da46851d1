package live

import (
	"cmp"
	"container/heap"
	"slices"
	"sync"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// RankBy says what stations are standing by.
type RankBy int

// A station without any pile of the kind is left out.
const (
	RankTotal RankBy = iota
	RankFree
	RankInUse
	RankFault
	RankOffline
)

func (by RankBy) of(c packed) int {
	switch by {
	case RankFree:
		return c.get(packFree)
	case RankInUse:
		return c.get(packInUse)
	case RankFault:
		return c.get(packFault)
	case RankOffline:
		return c.get(packTotal) - c.get(packFree) - c.get(packInUse) - c.get(packReserved) - c.get(packFault)
	}
	return c.get(packTotal)
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

// standing is a station on its way into a ranking.
type standing struct {
	n      int // what it is standing by
	counts packed
	row    *row
	site   *Site
}

// compare orders rankings.
func (a *standing) compare(b *standing) int {
	return cmp.Or(
		cmp.Compare(b.n, a.n),
		cmp.Compare(a.counts.get(packTotal), b.counts.get(packTotal)),
		cmp.Compare(a.site.GlobalID, b.site.GlobalID),
	)
}

// top is the best stations of a ranking, the last of them first, as a heap.
type top []standing

func (t top) Len() int           { return len(t) }
func (t top) Less(i, j int) bool { return t[i].compare(&t[j]) > 0 }
func (t top) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }
func (t *top) Push(any)          {} // it is filled, then made a heap
func (t *top) Pop() any          { return nil }

// Bounds of the rankings that are kept: those that many ask for.
const (
	maxKeptRank = 200 // stations of one
	maxRanks    = 64  // rankings
)

// ranks are the rankings of the last tick that somebody asked for: walls ask
// for the same one every few seconds, and looking at all stations takes about a
// millisecond.
type ranks struct {
	mu   sync.Mutex
	of   ranksOf
	kept map[Ranking]func() ([]Ranked, int)
}

// ranksOf is for how long rankings hold.
type ranksOf struct {
	rev     uint64
	parties *partyTable
}

// Rank returns the stations with most piles of a kind, most first, of
// equal counts the one where they are more of the whole; and how many there
// are in all, as they are now or were when somebody else asked since the last
// tick. The caller must not change rows.
func (s *State) Rank(q Ranking) (rows []Ranked, all int) {
	switch { // who sees the same shares it
	case !q.AccessAll, q.Viewer.Role == charge.RoleDriver, q.Viewer.Role == charge.RoleMaker:
		q.AccessAll, q.Viewer = false, Viewer{}
	case q.Viewer.Role == charge.RoleRegulator:
		q.Viewer.Party = 0
	}
	rev, _ := s.Rev()
	if q.Limit < 1 || q.Limit > maxKeptRank || rev == 0 {
		return s.rank(q)
	}
	k, now := &s.ranks, ranksOf{rev, s.parties.Load()}
	k.mu.Lock()
	if k.of != now {
		k.of, k.kept = now, make(map[Ranking]func() ([]Ranked, int))
	}
	ask := k.kept[q]
	if ask == nil {
		ask = sync.OnceValues(func() ([]Ranked, int) { return s.rank(q) })
		if len(k.kept) < maxRanks {
			k.kept[q] = ask
		}
	}
	k.mu.Unlock()
	return ask()
}

// rank looks at the row of each station, and keeps q.Limit of them.
func (s *State) rank(q Ranking) (rows []Ranked, all int) {
	f := search{q: &Query{Operator: q.Operator, Viewer: q.Viewer, AccessAll: q.AccessAll}}
	if q.Limit < 1 || !f.set(s) {
		return nil, 0
	}
	var best top
	each := func(b *block) {
		for i := range b.rows {
			r := &b.rows[i]
			c := standing{counts: packed(r.counts.Load()), row: r, site: b.cards[i].site}
			if c.n = q.By.of(c.counts); c.n <= 0 || !f.match(b, i, c.counts) ||
				q.District != "" && c.site.Adcode != q.District {
				continue
			}
			all++
			switch {
			case len(best) < q.Limit:
				if best = append(best, c); len(best) == q.Limit {
					heap.Init(&best)
				}
			case c.compare(&best[0]) < 0:
				best[0] = c
				heap.Fix(&best, 0)
			}
		}
	}
	s.grid.eachBlock(each)
	slices.SortFunc(best, func(a, b standing) int { return a.compare(&b) })
	rows = make([]Ranked, len(best))
	for i := range best {
		rows[i] = Ranked{best[i].site, best[i].counts.counts(), charge.Millis(best[i].row.updated.Load())}
	}
	return rows, all
}
