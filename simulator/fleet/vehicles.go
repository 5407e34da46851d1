package fleet

// none is no object where an index is meant.
const (
	none     = int32(-1)
	outsider = int32(-2) // as a claim: a car outside of the set
)

// act is what a vehicle is doing.
type act uint8

const (
	parked  act = iota
	driving     // along its route, until it arrives
	plugged     // at a pile; its session tells what goes on
	socket      // at a wall socket that no operator knows, in cities with too few piles
)

// vehicle is one monitored vehicle. Between from and until its act goes on in
// closed form; soc and odoKM hold at from.
type vehicle struct {
	from, until int64 // ms
	trip        int64 // when it wants to drive next, ms
	offSince    int64 // when it was switched off, ms; 0 while it is on
	soc         float64
	odoKM       float64
	at, to      pt
	home        pt
	length      float32 // of the trip, m
	pack        float32 // kWh
	perKM       float32 // kWh
	volts       float32 // nominal
	peakKW      float32 // DC, at best
	acKW        float32 // of its on-board charger
	thr, stop   float32 // SOC % below which it looks for a pile, at which it unplugs
	pile        int32   // claimed or plugged in
	homePile    int32   // its own, or none
	session     int32
	route       route
	maker       uint8
	kind        kind
	model       uint8
	district    uint8
	act         act
	toCharge    bool // this trip ends at a pile
	toHome      bool
	usesAC      bool // of public piles it takes slow ones
	wall        bool // charges at a wall socket
}

// Shares of how private cars charge.
const (
	ownPileShare  = 0.62 // of private cars, have a pile of their own
	mostOwned     = 0.64 // of private piles, belong to a monitored car
	slowShare     = 0.35 // of private cars without one, take public AC
	nightACShare  = 0.3  // of logistics vehicles, take AC
	noTimer       = 0.30 // of cars that plug in at home in the evening, begin at once
	twoOClock     = 0.30 // of the others, wait for 2 o'clock
	pilesPerCar   = 0.3  // below it, some cars live from wall sockets
	fastPackShare = 0.15 // of private cars are 800 V
)

// buildVehicles makes all vehicles, parked at home.
func (f *Fleet) buildVehicles() {
	var weights []int
	for _, m := range makers {
		for _, n := range m.mix.list() {
			weights = append(weights, n)
		}
	}
	counts := quota(f.cfg.Vehicles, weights)
	shares := make([]int, len(f.districts))
	for i := range f.districts {
		shares[i] = f.districts[i].vehicles
	}
	where := newDealer(shares)
	f.vehicles = make([]vehicle, 0, f.cfg.Vehicles)
	vins := make([]byte, 0, f.cfg.Vehicles*vinLength)
	perKind := [kinds]int{}
	for i, n := range counts {
		perKind[i%int(kinds)] += n
	}
	owners := f.ownPiles(perKind[private])
	cars := 0
	for m := range makers {
		serial := 0
		for k := range kinds {
			for range counts[m*int(kinds)+int(k)] {
				serial++
				v := f.newVehicle(uint8(m), k)
				own := none
				if k == private {
					// Spread the owners over all makers: the i-th of n cars owns if i·owners/n steps.
					if n := perKind[private]; (cars+1)*len(owners)/n > cars*len(owners)/n {
						own = owners[cars*len(owners)/n]
					}
					cars++
				}
				f.settle(&v, own, where, int32(len(f.vehicles)))
				f.vehicles = append(f.vehicles, v)
				vins = appendVIN(vins, &makers[m], serial, f.rng.IntN(len(vinYears)))
			}
		}
	}
	f.names.vins = string(vins)
}

// ownPiles chooses the private piles that belong to monitored cars.
func (f *Fleet) ownPiles(cars int) []int32 {
	var piles []int32
	for i := range f.piles {
		if f.stations[f.piles[i].station].role == roleHome {
			piles = append(piles, int32(i))
		}
	}
	f.rng.Shuffle(len(piles), func(i, j int) { piles[i], piles[j] = piles[j], piles[i] })
	return piles[:min(int(ownPileShare*float64(cars)), int(mostOwned*float64(len(piles))))]
}

// newVehicle draws a vehicle's own figures.
func (f *Fleet) newVehicle(m uint8, k kind) vehicle {
	r, p := f.rng, &profiles[k]
	v := vehicle{maker: m, kind: k, model: uint8(r.IntN(2)), pile: none, homePile: none, session: none, offSince: 1}
	pack := uniform(r, p.packKWh[0], p.packKWh[1])
	v.pack = float32(round(pack, 10))
	v.perKM = float32(p.perKM * uniform(r, 0.85, 1.15))
	v.volts = float32(uniform(r, p.volts[0], p.volts[1]))
	rate := uniform(r, 1.0, 1.7) // C-rate at best
	if k == private && pack > 60 && r.Float64() < fastPackShare/0.5 {
		v.volts, rate = float32(uniform(r, 620, 750)), uniform(r, 2.2, 3.2)
	}
	if k == bus || k == sanitation {
		rate = uniform(r, 0.6, 0.9)
	}
	v.peakKW, v.acKW = float32(pack*rate), 6.6
	if pack > 70 && r.Float64() < 0.3 {
		v.acKW = 11
	}
	v.odoKM = p.perDayKM * uniform(r, 20, 1800)
	v.usesAC = k == private && r.Float64() < slowShare || k == logistics && r.Float64() < nightACShare
	v.wall = float64(f.cfg.Piles) < pilesPerCar*float64(f.cfg.Vehicles) &&
		r.Float64() > float64(f.cfg.Piles)/(pilesPerCar*float64(f.cfg.Vehicles))
	f.newMarks(&v)
	v.soc = uniform(r, float64(v.thr), float64(v.stop))
	return v
}

// newMarks draws at which SOC a vehicle next looks for a pile and unplugs.
func (f *Fleet) newMarks(v *vehicle) {
	p := &profiles[v.kind]
	v.thr = float32(uniform(f.rng, p.plugAt[0], p.plugAt[1]))
	v.stop = float32(uniform(f.rng, p.stopAt[0], p.stopAt[1]))
}

// settle gives a vehicle its home: at its own pile, at a depot, or anywhere in
// a district that is owed vehicles.
func (f *Fleet) settle(v *vehicle, own int32, where *dealer, index int32) {
	switch {
	case own != none:
		s := &f.stations[f.piles[own].station]
		f.piles[own].owner = index
		v.homePile, v.home, v.district, v.wall = own, f.bay(own), s.district, false
		where.give(int(s.district), 1)
	case v.kind == bus && len(f.depots) > 0:
		s := f.depots[f.rng.IntN(len(f.depots))]
		v.home, v.district = f.stations[s].at, f.stations[s].district
		where.give(int(v.district), 1)
	default:
		d := where.deal(1, nil)
		v.home, _ = f.placeIn(d)
		v.district = uint8(d)
	}
	v.at = v.home
}

// bay returns where a car stands at a pile: in a row of bays, 2.8 m apart, at
// its station. Two rows face each other.
func (f *Fleet) bay(p int32) pt {
	s := &f.stations[f.piles[p].station]
	i := p - s.first
	const perRow = 12
	return pt{s.at.x + 2.8*float32(i%perRow-perRow/2), s.at.y + 6*float32(i/perRow%10)}
}
