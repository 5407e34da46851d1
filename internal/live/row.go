package live

import (
	"math"
	"sync/atomic"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/city"
)

// row is what filters look at of a station: one cache line without pointers. It
// stands in a block of the grid beside its neighbours' rows. The writer changes
// its atomic members, and moves it when the block's stations change;
// [Site.row] says where it is.
type row struct {
	counts   atomic.Uint64 // packed
	updated  atomic.Int64  // charge.Millis
	cost     atomic.Int32  // price.TotalE4, noCost when unknown
	operator charge.Num    // Site.Party
	open     hours
	first    uint32 // where its groups begin, when it has too many for few
	groups   uint16 // how many it has
	flags    uint16
	few      [fewGroups]group
}

// fewGroups is how many groups of piles a row has room for.
const fewGroups = 3

// card is what an answer shows of a station and a filter does not look at.
type card struct {
	site  *Site
	price atomic.Pointer[city.PriceNow] // nil: unknown
	text  atomic.Pointer[Text]          // nil: nobody wrote one
}

// noCost is above every price.
const noCost = math.MaxInt32

// Flags of a row.
const (
	rowPublic      = 1 << iota // everyone may know of it
	rowFreeParking             // parking type 0
)

// newRow gives site a row and a card outside of any block.
func newRow(site *Site) {
	r := &row{operator: site.Party, open: hoursOf(site.OpenHours)}
	if site.Access == charge.Public {
		r.flags |= rowPublic
	}
	if site.Parking != nil && site.Parking.Type == charge.ParkingFree {
		r.flags |= rowFreeParking
	}
	r.cost.Store(noCost)
	site.row.Store(r)
	site.card.Store(&card{site: site})
}

// move makes r what old is, but for its groups.
func (r *row) move(old *row) {
	r.operator, r.open, r.flags = old.operator, old.open, old.flags
	r.counts.Store(old.counts.Load())
	r.updated.Store(old.updated.Load())
	r.cost.Store(old.cost.Load())
}

// move makes c what old is.
func (c *card) move(old *card) {
	c.site = old.site
	c.price.Store(old.price.Load())
	c.text.Store(old.text.Load())
}

// setPrice stores a price, nil when it is unknown. Those above any that a
// filter can name count as the dearest.
func (s *Site) setPrice(p *city.PriceNow) {
	s.card.Load().price.Store(p)
	cost := int32(noCost)
	if p != nil {
		cost = int32(min(p.TotalE4(), noCost-1))
	}
	s.row.Load().cost.Store(cost)
}

// A group is all piles of a station of one kind and power: a query that asks
// for a kind or a power adds up groups, of which a station has few.
type group struct {
	kind uint32        // groupDC or groupAC, and the rated power in whole watts above
	n    atomic.Uint32 // how many there are, and, in the upper half, how many of them are free
}

const (
	groupDC    = 1
	groupAC    = 2
	groupWatts = 2 // bits below the power
	maxWatts   = 1<<(32-groupWatts) - 1
	groupFree  = 1 << 16
)

func (g *group) total() int { return int(g.n.Load() % groupFree) }
func (g *group) free() int  { return int(g.n.Load() / groupFree) }

// groupKind returns the kind of the group in which a pile is.
func groupKind(p *charge.Pile) uint32 {
	k := ratedWatts(p.RatedKW) << groupWatts
	if p.Kind == charge.DC {
		return k | groupDC
	}
	return k | groupAC
}

func ratedWatts(kw float64) uint32 {
	return uint32(max(0, min(maxWatts, math.Round(kw*1000))))
}

// groupsOf puts piles into groups and says in which each one is.
func groupsOf(piles []charge.Pile) (groups []group, of []uint16) {
	of = make([]uint16, len(piles))
	for i := range piles {
		kind, k := groupKind(&piles[i]), 0
		for k < len(groups) && groups[k].kind != kind {
			k++
		}
		if k == len(groups) {
			groups = append(groups, group{kind: kind})
		}
		groups[k].n.Add(1)
		of[i] = uint16(k)
	}
	return groups, of
}

// mark tells of most texts that a station does not hold them: it has a bit for
// each two neighbouring bytes of the texts that q looks through.
type mark [4]uint64

func markOf(text string) (m mark) {
	for i := 1; i < len(text); i++ {
		h := (uint32(text[i-1])<<8 | uint32(text[i])) * 0x9e3779b1 >> 24
		m[h>>6] |= 1 << (h & 63)
	}
	return m
}

// holds reports whether what m stands for may hold what o stands for.
func (m *mark) holds(o *mark) bool {
	return o[0]&^m[0]|o[1]&^m[1]|o[2]&^m[2]|o[3]&^m[3] == 0
}
