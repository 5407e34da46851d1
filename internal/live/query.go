package live

import (
	"cmp"
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

// ParseCursor reads what [Cursor.String] wrote; "" is the zero value.
func ParseCursor(s string) (Cursor, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if s == "" {
		return Cursor{}, nil
	}
	if err != nil || len(b) < 9 || len(b) > 8+128 {
		return Cursor{}, charge.Errorf(charge.ValueRange, "cursor is not one that an answer gave")
	}
	d := math.Float64frombits(binary.BigEndian.Uint64(b))
	if !(d >= 0 && d <= 4) {
		return Cursor{}, charge.Errorf(charge.ValueRange, "cursor is not one that an answer gave")
	}
	return Cursor{d, string(b[8:])}, nil
}

const (
	usualLimit = 20
	maxLimit   = 1000
)

// candidate is a station that passes, until a better one takes its place.
type candidate struct {
	chord2 float64
	site   *Site
	counts packed
	match  int
}

// search is a query while it runs.
type search struct {
	q        *Query
	text     string
	operator *party
	all      bool // no station is left out for its access
	own      charge.Num
	minute   int
	byPile   bool
	mask     uint32 // of a pile's word
	want     uint32
	minW     uint32
	best     []candidate // in order, at most limit+1
	limit    int
}

// Stations appends to dst the stations that q asks for and returns the cursor
// to go on from; it is zero at the end. It does not allocate as long as dst has
// room and Limit is at most 31.
func (s *State) Stations(q Query, dst []Found) ([]Found, Cursor) {
	limit := q.Limit
	if limit <= 0 {
		limit = usualLimit
	}
	limit = min(limit, maxLimit)
	if limit < smallLimit {
		return s.searchSmall(&q, limit, dst)
	}
	return s.search(&q, limit, make([]candidate, 0, limit+1), dst)
}

const smallLimit = 32

func (s *State) searchSmall(q *Query, limit int, dst []Found) ([]Found, Cursor) {
	var room [smallLimit]candidate
	return s.search(q, limit, room[:0], dst)
}

func (s *State) search(q *Query, limit int, room []candidate, dst []Found) ([]Found, Cursor) {
	f := search{q: q, best: room, limit: limit + 1, minute: int(s.minute.Load())}
	f.text = strings.ToLower(q.Text)
	if q.Operator != "" {
		if f.operator = s.parties.Load().bySlug[q.Operator]; f.operator == nil {
			return dst, Cursor{}
		}
	}
	if q.AccessAll {
		f.all = q.Viewer.Role == charge.RoleRegulator
		if q.Viewer.Role == charge.RoleOperator {
			f.own = q.Viewer.Party
		}
	}
	f.minW = ratedWatts(q.MinKW)
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
	switch {
	case q.Near != nil:
		f.near(s.grid, *q.Near)
	case q.Box != nil:
		s.grid.eachIn(*q.Box, func(e *gridEntry) { f.offer(0, e.site) })
	}
	next := Cursor{}
	if len(f.best) > limit {
		f.best = f.best[:limit]
		last := &f.best[limit-1]
		next = Cursor{last.chord2, last.site.GlobalID}
	}
	for i := range f.best {
		dst = append(dst, Found{})
		f.best[i].fill(&dst[len(dst)-1], q)
	}
	return dst, next
}

func (c *candidate) fill(out *Found, q *Query) {
	out.Site = c.site
	out.Piles = c.counts.counts()
	out.Match = c.match
	if q.Near != nil {
		out.DistanceM = metresOf(c.chord2)
	}
	out.Price = c.site.Price()
	out.UpdatedAt = c.site.UpdatedAt()
}

// near looks at growing squares of cells around p until nothing nearer can come.
func (f *search) near(g *grid, p geo.Point) {
	at := vecOf(p)
	cosLat := math.Cos(p.Lat * math.Pi / 180)
	most := chordOf(f.q.RadiusM) * (1 + 1e-12)
	f.scan(g.others(), at, most)
	row, col := g.row(p.Lat), g.col(p.Lon)
	for k := 0; ; k++ {
		south, north, west, east := row-k, row+k, col-k, col+k
		for r := max(0, south); r <= min(g.ny-1, north); r++ {
			if r == south || r == north {
				for c := max(0, west); c <= min(g.nx-1, east); c++ {
					f.scan(g.list(r, c), at, most)
				}
				continue
			}
			if west >= 0 {
				f.scan(g.list(r, west), at, most)
			}
			if east < g.nx {
				f.scan(g.list(r, east), at, most)
			}
		}
		rest := g.beyond(p, cosLat, row, col, k)
		if rest > most || len(f.best) == f.limit && rest > f.best[f.limit-1].chord2 {
			return
		}
	}
}

func (f *search) scan(list []gridEntry, at vec, most float64) {
	for i := range list {
		if d := at.chord2(list[i].at); d <= most {
			f.offer(d, list[i].site)
		}
	}
}

// offer takes a station in if it passes and is among the best.
func (f *search) offer(chord2 float64, site *Site) {
	full := len(f.best) == f.limit
	if full {
		if last := &f.best[f.limit-1]; chord2 > last.chord2 ||
			chord2 == last.chord2 && site.GlobalID >= last.site.GlobalID {
			return
		}
	}
	if cur := &f.q.Cursor; cur.id != "" &&
		(chord2 < cur.chord2 || chord2 == cur.chord2 && site.GlobalID <= cur.id) {
		return
	}
	counts := packed(site.counts.Load())
	match := f.match(site, counts)
	if match < 0 {
		return
	}
	if full {
		f.best = f.best[:f.limit-1]
	}
	i := len(f.best)
	f.best = append(f.best, candidate{})
	for ; i > 0; i-- {
		if o := &f.best[i-1]; cmp.Less(o.chord2, chord2) || o.chord2 == chord2 && o.site.GlobalID < site.GlobalID {
			break
		}
		f.best[i] = f.best[i-1]
	}
	f.best[i] = candidate{chord2, site, counts, match}
}

// match returns how many of the station's piles pass, or -1 when it does not.
func (f *search) match(site *Site, counts packed) int {
	q := f.q
	if site.Access != charge.Public && !f.all && (f.own == 0 || site.Party != f.own) {
		return -1
	}
	if site.party.hidden() || f.operator != nil && site.party != f.operator {
		return -1
	}
	if q.Free && counts.get(packFree) == 0 || f.minW > site.maxW {
		return -1
	}
	if q.FreeParking && (site.Parking == nil || site.Parking.Type != charge.ParkingFree) {
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
	least := f.minW << wordWatts
	for i := range site.words {
		if w := site.words[i].Load(); w&f.mask == f.want && w >= least {
			n++
		}
	}
	if n == 0 {
		return -1
	}
	if q.Free { // a word may be newer than the counts
		return min(n, counts.get(packFree))
	}
	return n
}
