package live

import (
	"math"
	"strings"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/city"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

// Query asks for stations: near a place, or in a box. The zero value of a
// filter lets everything pass.
type Query struct {
	Near    *geo.Point // WGS-84; nearest first
	RadiusM float64    // with Near, edge included
	Box     *geo.Box   // without Near: by global id
	Limit   int        // at most this many; 0 means 20
	Cursor  Cursor     // after which to go on; from the last answer to the same query

	Operator    string // slug
	FreeParking bool   // parking type 0
	Open        bool   // open at the last tick; unknown hours count as open
	Text        string // in name, nameEn, global id or address, in any case
	HasMaxYuan  bool   // MaxYuanE4 is a filter
	MaxYuanE4   int64  // energy and service in force, yuan per kWh × 10,000; unknown prices do not pass

	// One and the same pile must pass all of these; Match counts such piles.
	Free  bool
	MinKW float64 // compared in whole watts
	Kind  charge.PileKind

	Viewer    Viewer
	AccessAll bool // also stations that are not public, as far as the viewer may see them
}

// Found is one station of an answer.
type Found struct {
	Site      *Site
	Match     int            // piles that pass Free, MinKW and Kind; all without them
	DistanceM float64        // 0 in a box
	Price     *city.PriceNow // nil: unknown
	UpdatedAt charge.Millis
	Text      *Text // nil when there is none; it may be of another price

	counts packed
}

// Piles returns the station's piles by state.
func (f *Found) Piles() charge.PileCounts { return f.counts.counts() }

const (
	usualLimit = 20
	maxLimit   = 1000
)

// passed is a station that passes: number i of block b.
type passed struct {
	b      *block
	i      int32
	match  int32
	counts packed
}

func (p *passed) site() *Site { return p.b.cards[p.i].site }

func (p *passed) id() string { return p.site().GlobalID }

// ranked is its rank among those that pass, and where it is kept: ranks are
// moved a lot.
type ranked struct {
	key   uint64 // the bits of the squared chord
	place uint64
}

func (r *ranked) chord2() float64 { return math.Float64frombits(r.key) }

// room is where a search puts what it finds.
type room struct {
	best []ranked
	kept []passed
}

// search is a query while it runs.
type search struct {
	q        *Query
	at       vec
	worst    float64 // squared chord beyond which nothing is looked for
	after    bool    // there is a cursor
	text     string
	mark     mark // of text
	operator charge.Num
	need     uint16     // flags
	own      charge.Num // whose stations need not be public
	hidden   []bool     // by party
	minute   int
	byPile   bool
	kind     uint32 // of groups
	least    uint32
	cost     int32 // the largest that passes
	limit    int
	best     []ranked // in order, at most limit
	kept     []passed // as many
	matched  int      // what match found in the station that it let pass last
}

// usualRoom is up to how many stations an answer needs no other room than the
// stack.
const usualRoom = 32

// Stations appends to dst the stations that q asks for and returns the cursor
// to go on from; it is zero at the end. It does not allocate as long as dst has room.
func (s *State) Stations(q Query, dst []Found) ([]Found, Cursor) {
	limit := q.Limit
	if limit <= 0 {
		limit = usualLimit
	}
	limit = min(limit, maxLimit)
	f := search{q: &q, limit: limit + 1} // one more tells whether there is a next page
	var best [usualRoom]ranked
	var kept [usualRoom]passed
	f.best, f.kept = best[:0], kept[:0]
	if limit >= usualRoom {
		more := s.rooms.Get().(*room)
		f.best, f.kept = more.best[:0], more.kept[:0]
		defer func() {
			clear(more.kept[:f.limit]) // do not keep stations alive
			s.rooms.Put(more)
		}()
	}
	if !f.set(s) {
		return dst, Cursor{}
	}
	switch {
	case q.Near != nil:
		f.near(s.grid, *q.Near)
	case q.Box != nil:
		s.grid.eachIn(*q.Box, f.offer)
	}
	next := Cursor{}
	if len(f.best) > limit {
		f.best = f.best[:limit]
		last := &f.best[limit-1]
		next = Cursor{chord2: last.chord2(), site: f.kept[last.place].site()}
		if q.Near == nil {
			next.chord2 = boxChord
		}
	}
	for i := range f.best {
		dst = append(dst, Found{})
		found := &dst[len(dst)-1]
		f.kept[f.best[i].place].fill(found)
		if q.Near != nil {
			found.DistanceM = metresOf(f.best[i].chord2())
		}
	}
	return dst, next
}

// set prepares f for its query; it is false when nothing can pass.
func (f *search) set(s *State) bool {
	q, parties := f.q, s.parties.Load()
	f.hidden, f.minute = parties.hidden, int(s.minute.Load())
	f.after = !q.Cursor.IsZero()
	if q.Text != "" {
		f.text = strings.ToLower(q.Text)
		f.mark = markOf(f.text)
	}
	if q.Operator != "" {
		p := parties.bySlug[q.Operator]
		if p == nil {
			return false
		}
		f.operator = p.num
	}
	f.need = rowPublic
	if q.AccessAll {
		switch q.Viewer.Role {
		case charge.RoleRegulator:
			f.need = 0
		case charge.RoleOperator:
			f.own = q.Viewer.Party
		}
	}
	if q.FreeParking {
		f.need |= rowFreeParking
	}
	f.cost = noCost
	if q.HasMaxYuan {
		f.cost = int32(max(-1, min(q.MaxYuanE4, noCost-1)))
	}
	switch q.Kind {
	case charge.DC:
		f.kind = groupDC
	case charge.AC:
		f.kind = groupAC
	}
	f.least = ratedWatts(q.MinKW) << groupWatts
	f.byPile = f.kind != 0 || f.least != 0
	return true
}

func (p *passed) fill(out *Found) {
	card := &p.b.cards[p.i]
	out.Site = card.site
	out.counts = p.counts
	out.Match = int(p.match)
	out.Price = card.price.Load()
	out.UpdatedAt = charge.Millis(p.b.rows[p.i].updated.Load())
	out.Text = card.text.Load()
}

// offer takes station i of b, which is in the box, if it passes and is among
// the first by id.
func (f *search) offer(b *block, i int) {
	id := b.cards[i].site.GlobalID
	n := len(f.best)
	place := uint64(n)
	if n == f.limit {
		n--
		place = f.best[n].place
		if id >= f.kept[place].id() {
			return
		}
	}
	if id <= f.q.Cursor.id() {
		return
	}
	counts := packed(b.rows[i].counts.Load())
	if !f.match(b, i, counts) {
		return
	}
	f.best = f.best[:n+1]
	f.kept = f.kept[:n+1]
	k := n
	for ; k > 0 && f.kept[f.best[k-1].place].id() > id; k-- {
		f.best[k] = f.best[k-1]
	}
	f.best[k] = ranked{place: place}
	f.kept[place] = passed{b, int32(i), int32(f.matched), counts}
}

// match reports whether station i of b passes, and how many of its piles do.
func (f *search) match(b *block, i int, counts packed) bool {
	r := &b.rows[i]
	if miss := f.need &^ r.flags; miss != 0 && (miss != rowPublic || f.own == 0 || r.operator != f.own) {
		return false
	}
	if f.operator != 0 && r.operator != f.operator || int(r.operator) >= len(f.hidden) || f.hidden[r.operator] ||
		r.cost.Load() > f.cost {
		return false
	}
	if f.q.Open && !r.open.at(f.minute) {
		return false
	}
	if f.text != "" && (!b.marks[i].holds(&f.mark) || !strings.Contains(b.cards[i].site.fold, f.text)) {
		return false
	}
	f.matched = counts.get(packTotal)
	if f.q.Free {
		if f.matched = counts.get(packFree); f.matched == 0 {
			return false
		}
	}
	return !f.byPile || f.countPiles(b, r)
}

// countPiles takes only piles of the kind and power that is asked for.
func (f *search) countPiles(b *block, r *row) bool {
	n := 0
	groups := b.groupsOf(r)
	for i := range groups {
		if g := &groups[i]; g.kind >= f.least && g.kind&f.kind == f.kind {
			if f.q.Free {
				n += g.free()
			} else {
				n += g.total()
			}
		}
	}
	f.matched = min(n, f.matched) // a group may be newer than the counts
	return f.matched > 0
}
