package main

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
)

// party is one operator or maker with what it knows of itself.
type party struct {
	slug, password string
	operator       bool

	mu sync.Mutex
	sums
	total     account // as the newest feedback says
	words     int     // feedback messages
	wentBack  string  // a total that fell, and how
	cuts      int     // connections that ended with something unacknowledged
	refreshed chan struct{}
}

// sums are the party's own count. A copy is a report in one PUBLISH; what is sent
// again is a copy more.
type sums struct {
	sent      uint64 // copies that went out
	acked     uint64 // copies that were acknowledged
	distinct  uint64 // reports, stations, sessions and vehicles that must be kept
	bad       uint64 // reports that must be rejected
	badCopies uint64
	slack     uint64 // copies of changing stations: sent again late, they may count as taken
}

// account is the platform's count.
type account struct {
	Received  uint64 `json:"received"`
	Taken     uint64 `json:"taken"`
	Duplicate uint64 `json:"duplicate"`
	History   uint64 `json:"history"`
	Rejected  uint64 `json:"rejected"`
}

func (a account) sum() uint64 { return a.Taken + a.Duplicate + a.History + a.Rejected }

// object is a pile or a vehicle with all that was ever sent of it.
type object struct {
	id      string // as reports name it: a pile's own id, a VIN
	global  string // as InfluxDB and the API name it
	members []member
	station *station // of a pile
	now     values
	last    int64 // ts of its newest report in order, epoch ms
	late    int64 // ts of its newest report out of order
	once    bool  // it reports once, long ago, and never again
	quits   int64 // from this moment on it is silent; 0 for never
	sent    []entry
	done    int64 // ts: what is not newer was checked in a round before
}

// entry is one report that must be in InfluxDB.
type entry struct {
	ts    int64
	print uint64
}

// station is a site of an operator.
type station struct {
	party    *party
	id, name string
	lon, lat int32
	renamed  int
	piles    []*object
}

// payload is the station as the operator says it.
func (s *station) payload() string {
	b := fmt.Appendf(nil, `{"id":%q,"name":%q,"lon":%s,"lat":%s,"parking":{"type":0},"piles":[`, s.id, s.name,
		decimal(s.lon), decimal(s.lat))
	for i, p := range s.piles {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `{"id":%q,"kind":"dc","ratedKw":120}`, p.id)
	}
	return string(append(b, "]}"...))
}

func decimal(micro int32) string { return strconv.FormatFloat(float64(micro)/1e6, 'f', -1, 64) }

const pilesPerStation = 10

// world is what reports in one lane.
type world struct {
	parties  []*party
	stations []*station
	objects  map[string]*object // by measurement and global id, as InfluxDB names it
	clients  []*client

	mu       sync.Mutex // of sessions
	sessions []*session
}

// session is a finished charging session.
type session struct {
	pile       *object
	id         string
	start, end int64
	energy     int32 // hundredths of a kWh
	fen        int32
}

const (
	partiesPerKind  = 2
	clientsPerParty = 2
	cadenceS        = 4  // seconds between two reports of an object
	perMessage      = 50 // reports
)

// newWorld makes the parties and their objects for rate reports a second. The
// passwords come later.
func newWorld(lane string, rate int, rng *rand.Rand) *world {
	w := &world{objects: map[string]*object{}}
	perClient := max(rate*cadenceS/(2*partiesPerKind*clientsPerParty), perMessage)
	perClient -= perClient % pilesPerStation
	for k := range 2 * partiesPerKind {
		p := &party{operator: k%2 == 0, refreshed: make(chan struct{}, 1)}
		p.slug = fmt.Sprintf("%s-op%d", lane, k/2)
		if !p.operator {
			p.slug = fmt.Sprintf("%s-mk%d", lane, k/2)
		}
		w.parties = append(w.parties, p)
		for n := range clientsPerParty {
			c := &client{world: w, party: p, number: n, rng: rand.New(rand.NewPCG(rng.Uint64(), rng.Uint64()))}
			for i := range perClient {
				c.objects = append(c.objects, w.object(p, lane, k, n, i, rng))
			}
			w.clients = append(w.clients, c)
		}
	}
	return w
}

func (w *world) object(p *party, lane string, k, n, i int, rng *rand.Rand) *object {
	o := &object{once: i < 5}
	key := ""
	if p.operator {
		if i%pilesPerStation == 0 {
			s := &station{party: p, id: fmt.Sprintf("S%d-%d", n, i/pilesPerStation), name: "站",
				lon: 102_600_000 + int32(rng.IntN(250_000)), lat: 24_990_000 + int32(rng.IntN(110_000))}
			w.stations = append(w.stations, s)
		}
		s := w.stations[len(w.stations)-1]
		o.members, o.station = pileMembers, s
		o.id = fmt.Sprintf("%s-%d", s.id, i%pilesPerStation)
		o.global = p.slug + ":" + o.id
		s.piles = append(s.piles, o)
		key = "pile," + o.global
	} else {
		o.members = vehicleMembers
		o.id = vin(lane, k, n, i)
		o.global = o.id
		key = "vehicle," + o.id
	}
	w.objects[key] = o
	return o
}

// vin makes one with a right check character (GB 16735).
func vin(lane string, k, n, i int) string {
	b := []byte(fmt.Sprintf("LTRT%c%d%d00%08d", lane[0]-'a'+'A', k, n, i))
	sum := 0
	for j, w := range [17]int{8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2} {
		v := 0
		switch c := b[j]; {
		case c <= '9':
			v = int(c - '0')
		case c <= 'H':
			v = int(c-'A') + 1
		case c <= 'R':
			v = int(c-'J') + 1
		default:
			v = int(c-'S') + 2
		}
		sum += v * w
	}
	b[8] = "0123456789X"[sum%11]
	return string(b)
}
