package live

import (
	"encoding/base64"
	"encoding/binary"
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
	Piles     charge.PileCounts
	Match     int            // piles that pass Free, MinKW and Kind; all without them
	DistanceM float64        // 0 in a box
	Price     *city.PriceNow // nil: unknown
	UpdatedAt charge.Millis
}

// Cursor is where an answer ended. The zero value is the beginning, and the end.
type Cursor struct {
	chord2 float64
	id     string
}

// IsZero reports whether c is the beginning, or, in an answer, the end.
func (c Cursor) IsZero() bool { return c.id == "" }

// String returns c in a form for URLs, "" for the zero value.
func (c Cursor) String() string {
	if c.IsZero() {
		return ""
	}
	b := binary.BigEndian.AppendUint64(nil, math.Float64bits(c.chord2))
	return base64.RawURLEncoding.EncodeToString(append(b, c.id...))
}

// boxChord marks the cursors of boxes; nothing on the sphere is as far as that.
const boxChord = 5

// ParseCursor reads what [Cursor.String] wrote in an answer to a query of the
// same kind, near a point or in a box; "" is the zero value.
func ParseCursor(s string, near bool) (Cursor, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if s == "" {
		return Cursor{}, nil
	}
	if err != nil || len(b) < 9 || len(b) > 8+128 {
		return Cursor{}, charge.Errorf(charge.ValueRange, "cursor is not one that an answer gave")
	}
	d := math.Float64frombits(binary.BigEndian.Uint64(b))
	if near && !(d >= 0 && d <= 4) || !near && d != boxChord {
		return Cursor{}, charge.Errorf(charge.ValueRange, "cursor is not one that an answer gave")
	}
	return Cursor{d, string(b[8:])}, nil
}

const (
	usualLimit = 20
	maxLimit   = 1000
)

// candidate is a station that passes.
type candidate struct {
	chord2 float64
	site   *Site
	counts packed
	match  int
}

// search is a query while it runs. It is used again, so that it need not allocate.
type search struct {
	q        Query
	text     string
	operator charge.Num
	all      bool // no station is left out for its access
	own      charge.Num
	minute   int
	byPile   bool
	mask     uint32 // of a pile's word
	want     uint32
	minW     uint32
	limit    int
	best     []candidate // in order, at most limit
	heap     []pending   // nearest first; what comes next once nothing nearer can come
}

// Stations appends to dst the stations that q asks for and returns the cursor
// to go on from; it is zero at the end. It does not allocate as long as dst has room.
func (s *State) Stations(q Query, dst []Found) ([]Found, Cursor) {
	limit := q.Limit
	if limit <= 0 {
		limit = usualLimit
	}
	limit = min(limit, maxLimit)
	f := s.searches.Get().(*search)
	defer s.searches.Put(f)
	if !f.set(s, &q, limit+1) { // one more tells whether there is a next page
		return dst, Cursor{}
	}
	switch {
	case q.Near != nil:
		f.near(s.grid, *q.Near)
	case q.Box != nil:
		s.grid.eachIn(*q.Box, func(e *gridEntry) { f.offer(e.site) })
	}
	next := Cursor{}
	if len(f.best) > limit {
		f.best = f.best[:limit]
		last := &f.best[limit-1]
		next = Cursor{last.chord2, last.site.GlobalID}
		if q.Near == nil {
			next.chord2 = boxChord
		}
	}
	for i := range f.best {
		dst = append(dst, Found{})
		f.best[i].fill(&dst[len(dst)-1], q.Near != nil)
	}
	clear(f.best) // do not keep stations alive
	f.q = Query{}
	return dst, next
}

// set prepares f for q; it is false when nothing can pass.
func (f *search) set(s *State, q *Query, limit int) bool {
	*f = search{
		q: *q, limit: limit, minute: int(s.minute.Load()), best: f.best[:0], heap: f.heap[:0],
		text: strings.ToLower(q.Text), minW: ratedWatts(q.MinKW),
	}
	if q.Operator != "" {
		if f.operator = s.PartyNum(q.Operator); f.operator == 0 {
			return false
		}
	}
	if q.AccessAll {
		f.all = q.Viewer.Role == charge.RoleRegulator
		if q.Viewer.Role == charge.RoleOperator {
			f.own = q.Viewer.Party
		}
	}
	if q.Free {
		f.mask, f.want = wordState, uint32(charge.Free)
	}
	switch q.Kind {
	case charge.DC:
		f.mask, f.want = f.mask|wordDC, f.want|wordDC
	case charge.AC:
		f.mask, f.want = f.mask|wordAC, f.want|wordAC
	}
	f.byPile = f.mask != 0 || f.minW != 0
	return true
}

func (c *candidate) fill(out *Found, near bool) {
	out.Site = c.site
	out.Piles = c.counts.counts()
	out.Match = c.match
	if near {
		out.DistanceM = metresOf(c.chord2)
	}
	out.Price = c.site.Price()
	out.UpdatedAt = c.site.UpdatedAt()
}

// offer takes a station of a box in if it passes and is among the first by id.
func (f *search) offer(site *Site) {
	full := len(f.best) == f.limit
	if full && site.GlobalID >= f.best[f.limit-1].site.GlobalID || site.GlobalID <= f.q.Cursor.id {
		return
	}
	counts := packed(site.counts.Load())
	match := f.match(site, counts)
	if match < 0 {
		return
	}
	i := len(f.best)
	if full {
		i--
	} else {
		f.best = append(f.best, candidate{})
	}
	for ; i > 0 && f.best[i-1].site.GlobalID > site.GlobalID; i-- {
		f.best[i] = f.best[i-1]
	}
	f.best[i] = candidate{0, site, counts, match}
}

// match returns how many of the station's piles pass, or -1 when it does not.
func (f *search) match(site *Site, counts packed) int {
	q := &f.q
	if !site.public && !f.all && (f.own == 0 || site.operator != f.own) {
		return -1
	}
	if f.operator != 0 && site.operator != f.operator || site.party.hidden() {
		return -1
	}
	if q.Free && counts.get(packFree) == 0 || f.minW > site.maxW || f.want&^wordState&^site.kinds != 0 {
		return -1
	}
	if q.FreeParking && !site.freeParking {
		return -1
	}
	if q.Open && !site.open.at(f.minute) {
		return -1
	}
	if q.HasMaxYuan {
		if p := site.price.Load(); p == nil || p.TotalE4() > q.MaxYuanE4 {
			return -1
		}
	}
	if f.text != "" && !strings.Contains(site.fold, f.text) {
		return -1
	}
	if !f.byPile {
		return counts.get(packTotal)
	}
	n := 0
	if kind := f.want &^ wordState; f.minW <= site.minW && (kind == 0 || kind == site.kinds) {
		if n = counts.get(packTotal); q.Free { // all piles pass but for their state
			n = counts.get(packFree)
		}
	} else {
		least := f.minW << wordWatts
		for i := range site.words {
			if w := site.words[i].Load(); w&f.mask == f.want && w >= least {
				n++
			}
		}
		if q.Free { // a word may be newer than the counts
			n = min(n, counts.get(packFree))
		}
	}
	if n == 0 {
		return -1
	}
	return n
}
