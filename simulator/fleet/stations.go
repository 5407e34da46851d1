package fleet

import (
	"math"
	"strconv"
	"strings"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// role is what a station is for.
type role uint8

const (
	rolePublic role = iota
	roleDepot       // buses only: the contract's restricted
	roleHome        // private piles of a compound
)

// station is a site. Its piles stand in a row from first on.
type station struct {
	at       pt
	first    int32
	n        int32
	number   int32 // within its operator, from 1
	label    int32 // within its operator and place, from 1
	party    uint8
	district uint8
	role     role
	hot      int8  // hot spot of its district, or -1
	service  uint8 // fee, fen per kWh
	downTo   int64 // until when its link is down, ms
}

// model is a type of pile (domain page §4).
type model struct {
	kind     charge.PileKind
	ratedKW  float64
	standard string
	group    uint8
	phases   uint8 // of AC
}

const (
	acStandard = "GB/T 20234.2"
	dcStandard = "GB/T 20234.3"
)

var models = [...]model{
	{charge.AC, 7, acStandard, 0, 1},
	{charge.AC, 11, acStandard, 1, 3},
	{charge.AC, 21, acStandard, 1, 3},
	{charge.AC, 40, acStandard, 1, 3},
	{charge.DC, 60, dcStandard, 2, 0},
	{charge.DC, 120, dcStandard, 3, 0},
	{charge.DC, 180, dcStandard, 4, 0},
	{charge.DC, 240, dcStandard, 4, 0},
	{charge.DC, 480, dcStandard, 5, 0},
	{charge.DC, 600, dcStandard, 5, 0},
}

// groupModels are the models of each group of power, groupShares the groups'
// shares of all public piles in tenths of a per cent of the whole city.
var (
	groupModels = [...][]uint8{{0}, {1, 2, 3}, {4}, {5}, {6, 7}, {8, 9}}
	groupShares = []int{50, 20, 85, 85, 30, 10}
)

// Shares and sizes of stations.
const (
	privateShare = 0.72 // of all piles: in compounds and homes
	publicSize   = 16   // mean piles of a public station
	compoundSize = 17
	depotSize    = 140
	maxPublic    = 140
	maxCompound  = 200
)

// groupAllowed tells which groups of power a kind of site builds.
func groupAllowed(s site, group int) bool {
	switch s {
	case siteFuel, siteDepot:
		return group >= 2
	case siteHighway:
		return group >= 3
	}
	return true
}

// builder holds what is owed to districts and groups while stations are built.
type builder struct {
	f              *Fleet
	public, home   *dealer // by district
	groups         *dealer
	labels         map[[3]int]int32
	pileIDs        strings.Builder
	operatorNumber int32
}

// buildStations lays out all stations and piles.
func (f *Fleet) buildStations() {
	shares := make([]int, len(operators))
	mixed := make([]int, len(operators))
	for i, o := range operators {
		shares[i] = o.share
		if o.site == siteMixed {
			mixed[i] = o.share
		}
	}
	weights := make([]int, len(f.districts))
	for i := range f.districts {
		weights[i] = f.districts[i].piles
	}
	b := &builder{f: f, public: newDealer(weights), home: newDealer(weights), groups: newDealer(groupShares),
		labels: map[[3]int]int32{}}
	all := quota(f.cfg.Piles, shares)
	homes := quota(int(math.Round(float64(f.cfg.Piles)*privateShare)), mixed)
	f.piles = make([]pile, 0, f.cfg.Piles)
	f.names.pileAt = make([]int32, 0, f.cfg.Piles+1)
	// Those that build DC only come first, so that the others can make up for it.
	order := make([]int, 0, len(operators))
	for _, mixedTurn := range [...]bool{false, true} {
		for i := range operators {
			if (operators[i].site == siteMixed) == mixedTurn {
				order = append(order, i)
			}
		}
	}
	for _, i := range order {
		home := min(homes[i], all[i])
		b.operatorNumber = 0
		switch operators[i].site {
		case siteDepot:
			b.build(i, roleDepot, all[i]-home, depotSize, 0.4, maxCompound*5)
		default:
			b.build(i, rolePublic, all[i]-home, publicSize, 0.75, maxPublic)
		}
		b.build(i, roleHome, home, compoundSize, 0.9, maxCompound)
	}
	f.names.piles = b.pileIDs.String()
	f.names.pileAt = append(f.names.pileAt, int32(len(f.names.piles)))
}

// build makes an operator's stations of one role with n piles in all.
func (b *builder) build(party int, role role, n int, mean, sigma float64, most int) {
	f := b.f
	for n > 0 {
		size := min(n, most, max(1, int(math.Round(logNormal(f.rng, mean, sigma)))))
		if role != roleHome {
			size = min(n, max(4, size))
			if n-size < 4 && n <= most {
				size = n
			}
		}
		n -= size
		b.operatorNumber++
		s := station{party: uint8(party), role: role, first: int32(len(f.piles)), n: int32(size), number: b.operatorNumber, hot: -1}
		b.place(&s)
		s.label = b.label(&s)
		if role == rolePublic {
			s.service = uint8(20 + 5*f.rng.IntN(9)) // 0.20 to 0.60 yuan
		}
		id := stationID(f.cfg.City, int(s.number))
		f.names.ids = append(f.names.ids, id)
		for i := range size {
			f.names.pileAt = append(f.names.pileAt, int32(b.pileIDs.Len()))
			b.pileIDs.WriteString(id)
			b.pileIDs.WriteByte('-')
			if i < 9 {
				b.pileIDs.WriteByte('0')
			}
			b.pileIDs.WriteString(strconv.Itoa(i + 1))
		}
		f.stations = append(f.stations, s)
		b.equip(int32(len(f.stations)-1), party)
	}
}

// place chooses a station's district and its place in it.
func (b *builder) place(s *station) {
	f := b.f
	d := b.public
	if s.role == roleHome {
		d = b.home
	}
	if operators[s.party].site == siteHighway && len(f.districts) > 1 {
		for range 50 {
			from, to := f.rng.IntN(len(f.districts)), f.rng.IntN(len(f.districts))
			at := between(f.districts[from].seat, f.districts[to].seat, uniform(f.rng, 0.15, 0.85))
			if from != to && f.stands(at) {
				s.at, s.district = at, uint8(f.nearestSeat(at))
				d.give(int(s.district), int(s.n))
				return
			}
		}
	}
	own := d.deal(int(s.n), nil)
	at, hot := f.placeIn(own)
	s.at, s.district, s.hot = at, uint8(own), int8(hot)
}

// label numbers stations that would bear the same name.
func (b *builder) label(s *station) int32 {
	key := [3]int{int(s.party)<<2 | int(s.role), int(s.district), int(s.hot)}
	b.labels[key]++
	return b.labels[key]
}

// equip gives a station its piles: most of one group of power, the rest as owed.
func (b *builder) equip(index int32, party int) {
	f := b.f
	s := &f.stations[index]
	allowed := func(g int) bool { return groupAllowed(operators[party].site, g) }
	group := 0
	if s.role != roleHome {
		// What is owed most when half of the station is counted in.
		group = b.groups.deal(int(s.n), allowed)
		b.groups.give(group, -int(s.n))
	}
	for range s.n {
		p := pile{station: index, status: uint8(charge.StatusIdle), owner: none, claim: none, session: none}
		if s.role != roleHome {
			g := group
			if f.rng.Float64() < 0.15 {
				g = b.groups.deal(0, allowed)
			}
			b.groups.give(g, 1)
			list := groupModels[g]
			p.model = list[f.rng.IntN(len(list))]
		}
		p.meterWh = int64(f.rng.Float64() * 8000 * models[p.model].ratedKW * 100) // up to 800 hours at full power
		f.piles = append(f.piles, p)
		switch s.role {
		case rolePublic:
			f.publics = append(f.publics, int32(len(f.piles)-1))
		case roleDepot:
			if len(f.depots) == 0 || f.depots[len(f.depots)-1] != index {
				f.depots = append(f.depots, index)
			}
		}
	}
}
