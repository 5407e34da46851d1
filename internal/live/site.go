package live

import (
	"math"
	"strings"
	"sync/atomic"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/city"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

// Site is a station and how it is. Its exported members never change: an
// operator's new description makes a new Site. Its methods read what is live.
type Site struct {
	row     atomic.Pointer[row]   // what filters look at; it moves
	card    atomic.Pointer[card]  // what answers show; likewise
	block   atomic.Pointer[block] // in which both stand; nil before they stand in one
	party   *party
	groups  []group  // the writer's: those of the row, when it is in a block
	groupOf []uint16 // in which each pile is

	charge.Station
	GlobalID string  // "party:id"
	Operator string  // slug
	MaxKW    float64 // largest rated power of its piles; 0 without piles
	Adcode   string  // district under which it counts, "unknown" for none

	fold    string // what q looks through, in lower case
	place   int    // index of its district
	mark    mark   // of fold
	leaf    *path  // of the heat map
	powerW  int64
	touched uint32
	recheck charge.Millis // when its price may change
}

type siteKey struct {
	party charge.Num
	id    string
}

func (s *Site) key() siteKey { return siteKey{s.Party, s.ID} }

// Pos returns where the station is.
func (s *Site) Pos() geo.Point { return geo.Point{Lon: s.Lon, Lat: s.Lat} }

// Counts returns its piles by state, all of one moment.
func (s *Site) Counts() charge.PileCounts { return s.counts().counts() }

func (s *Site) counts() packed { return packed(s.row.Load().counts.Load()) }

// UpdatedAt returns the newest taken report's ts, 0 when no pile has reported.
func (s *Site) UpdatedAt() charge.Millis { return charge.Millis(s.row.Load().updated.Load()) }

// Price returns the price in force at the last tick, nil when it is unknown.
// NextE4 below 0 means that the price from Until on is unknown.
func (s *Site) Price() *city.PriceNow { return s.card.Load().price.Load() }

// Tariff returns the tariff in force at that moment, nil when none is.
func (s *Site) Tariff(at charge.Millis) *charge.Tariff { return city.TariffAt(s.Tariffs, at) }

// visible reports whether v may know that the station exists.
func (s *Site) visible(v Viewer) bool {
	if s.party.hidden() {
		return false
	}
	return s.Access == charge.Public || v.Role == charge.RoleRegulator ||
		v.Role == charge.RoleOperator && v.Party == s.Party
}

// vec is a point of the unit sphere: squared chords order like distances.
type vec struct{ x, y, z float64 }

func vecOf(p geo.Point) vec {
	sinLat, cosLat := math.Sincos(p.Lat * math.Pi / 180)
	sinLon, cosLon := math.Sincos(p.Lon * math.Pi / 180)
	return vec{cosLat * cosLon, cosLat * sinLon, sinLat}
}

func (a vec) chord2(b vec) float64 {
	x, y, z := a.x-b.x, a.y-b.y, a.z-b.z
	return x*x + y*y + z*z
}

// chordOf returns the squared chord of a great-circle distance.
func chordOf(m float64) float64 {
	c := 2 * math.Sin(min(m/geo.EarthRadiusM, math.Pi)/2)
	return c * c
}

// metresOf is the inverse of chordOf.
func metresOf(chord2 float64) float64 {
	x := math.Sqrt(chord2) / 2
	if x < 0.01 { // 127 km: the next term of the series is below 1e-16
		x2 := x * x
		return 2 * geo.EarthRadiusM * x * (1 + x2*(1.0/6+x2*(3.0/40+x2*15.0/336)))
	}
	return 2 * geo.EarthRadiusM * math.Asin(min(1, x))
}

// hours is when a station is open, in minutes of the local day. The zero value is always.
type hours struct{ from, to int16 }

// hoursOf reads "HH:MM-HH:MM"; what it cannot read counts as open.
func hoursOf(text string) hours {
	from, to, ok := strings.Cut(text, "-")
	f, ok1 := minuteOf(from)
	t, ok2 := minuteOf(to)
	if !ok || !ok1 || !ok2 || f == t {
		return hours{}
	}
	return hours{int16(f), int16(t)}
}

func minuteOf(text string) (int, bool) {
	if len(text) != 5 || text[2] != ':' {
		return 0, false
	}
	n := 0
	for _, i := range [...]int{0, 1, 3, 4} {
		if text[i] < '0' || text[i] > '9' {
			return 0, false
		}
		n = n*10 + int(text[i]-'0')
	}
	h, m := n/100, n%100
	return h*60 + m, m < 60 && h*60+m <= 1440
}

// at reports whether it is open in that minute; from ≤ minute < to, over midnight too.
func (h hours) at(minute int) bool {
	m := int16(minute)
	if h.from <= h.to {
		return h.from == h.to || m >= h.from && m < h.to
	}
	return m >= h.from || m < h.to
}
