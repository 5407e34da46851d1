package fleet

import (
	"github.com/dianchi-platform/dianchi/internal/charge"
)

// outage is why a pile does not serve.
type outage uint8

const (
	works outage = iota
	broken
	maintained
	unlinked
)

// pile is one connector. Its session, if any, tells what goes on at it.
type pile struct {
	meterWh int64 // ever, without the session that is under way
	downTo  int64 // when it works again, ms
	last    int64 // ts of its newest report, ms
	station int32
	owner   int32 // the only vehicle that may use it, or none
	claim   int32 // the vehicle that is on its way to it or at it, or none
	session int32
	model   uint8
	status  uint8 // what it would report while it works: charge.Status
	down    outage
}

// How often piles fail, by kind: the share of piles that are down at any time
// and for how long on average. Links come and go by pile, by station and by
// operator (2–20 minutes about weekly).
const (
	brokenShare     = 0.009
	brokenFor       = 8 * hour
	maintainedShare = 0.004
	maintainedFor   = 36 * hour
	unlinkedShare   = 0.042
	unlinkedFor     = 3 * hour
	stationShare    = 0.008
	stationFor      = 12 * minute
	operatorEvery   = 7 * day
)

// wake puts the whole city into motion at f.now: vehicles from their homes, a
// usual number of piles out of service, and at midnight the cars that wait at
// their own piles for the night's price.
func (f *Fleet) wake() {
	h, _ := f.clock.hourOf(f.now)
	for i := range f.piles {
		switch u := f.rng.Float64(); {
		case u < brokenShare:
			f.takeDown(int32(i), broken, brokenFor)
		case u < brokenShare+maintainedShare:
			f.takeDown(int32(i), maintained, maintainedFor)
		case u < brokenShare+maintainedShare+unlinkedShare:
			f.takeDown(int32(i), unlinked, unlinkedFor)
		}
	}
	for i := range f.vehicles {
		id := int32(i)
		v := &f.vehicles[id]
		if h == 0 && v.homePile != none && f.rng.Float64() < 0.16 && f.usable(v.homePile, id) {
			v.soc = uniform(f.rng, 25, 60)
			v.pile, v.from = v.homePile, f.now
			f.piles[v.pile].claim = id
			f.plugIn(id)
			continue
		}
		f.park(id, f.now)
	}
	f.stream(evStranger)
	f.stream(evBreak)
	f.stream(evMaintain)
	f.stream(evUnlink)
	f.stream(evStation)
	f.stream(evOperator)
}

// stream draws when the next disturbance of a kind comes. There is one stream
// a kind for the whole city, so that it costs nothing by object.
func (f *Fleet) stream(k eventKind) {
	n := float64(len(f.piles))
	var everyMS float64
	switch k {
	case evStranger:
		everyMS = float64(day) / (strangersADay * float64(len(f.publics)))
	case evBreak:
		everyMS = float64(brokenFor) / (brokenShare * n)
	case evMaintain:
		everyMS = float64(maintainedFor) / (maintainedShare * n)
	case evUnlink:
		everyMS = float64(unlinkedFor) / (unlinkedShare * n)
	case evStation:
		everyMS = float64(stationFor) / (stationShare * float64(len(f.stations)))
	case evOperator:
		everyMS = float64(operatorEvery) / float64(len(operators))
	}
	if n == 0 || k == evStranger && len(f.publics) == 0 {
		return
	}
	if k == evStranger {
		// By the hour: thinned from the busiest.
		const busiest = 6.5 / (100 / 24.0)
		at := f.now
		for range 1000 {
			at += 1 + int64(f.rng.ExpFloat64()*everyMS/busiest)
			h, weekend := f.clock.hourOf(at)
			if f.rng.Float64() < strangerWeight(h, weekend)/6.5 {
				break
			}
		}
		f.queue.push(event{at: at, kind: k})
		return
	}
	f.queue.push(event{at: f.now + 1 + int64(f.rng.ExpFloat64()*everyMS), kind: k})
}

// disturb lets one disturbance take place and draws the next.
func (f *Fleet) disturb(e event) {
	switch e.kind {
	case evStranger:
		f.stranger()
	case evBreak:
		f.takeDown(int32(f.rng.IntN(len(f.piles))), broken, brokenFor)
	case evMaintain:
		f.takeDown(int32(f.rng.IntN(len(f.piles))), maintained, maintainedFor)
	case evUnlink:
		f.takeDown(int32(f.rng.IntN(len(f.piles))), unlinked, unlinkedFor)
	case evStation:
		s := &f.stations[f.rng.IntN(len(f.stations))]
		s.downTo = max(s.downTo, f.now+int64(uniform(f.rng, 2, 22)*float64(minute)))
	case evOperator:
		o := f.rng.IntN(len(operators))
		f.links[o] = max(f.links[o], f.now+int64(uniform(f.rng, 2, 20)*float64(minute)))
	}
	f.stream(e.kind)
}

// takeDown takes a pile out of service for a time of that mean. Its session
// ends when it breaks and goes on when only its link is gone.
func (f *Fleet) takeDown(id int32, why outage, mean int64) {
	p := &f.piles[id]
	if p.down != works {
		return
	}
	p.down, p.downTo = why, f.now+span(f.rng, float64(mean))
	f.queue.push(event{at: p.downTo, id: id, kind: evPileUp})
	if why != unlinked && p.session != none {
		f.abort(p.session)
	}
	f.changed(id, f.now)
}

func (f *Fleet) pileUp(id int32, at int64) {
	p := &f.piles[id]
	if p.down == works || p.downTo != at {
		return
	}
	p.down = works
	f.changed(id, at)
}

// usable reports whether a vehicle could plug in at a pile now.
func (f *Fleet) usable(id, vehicle int32) bool {
	p := &f.piles[id]
	return p.down == works && p.session == none && (p.claim == none || p.claim == vehicle) &&
		(p.owner == none || p.owner == vehicle) && !f.linkDown(p, f.now)
}

// linkDown reports whether the station's or the operator's link is down.
func (f *Fleet) linkDown(p *pile, at int64) bool {
	s := &f.stations[p.station]
	return at < s.downTo || at < f.links[s.party]
}

// blocked reports whether a car that does not charge stands in a free public
// bay: 1.5 % of the time, in spells of two hours.
func (f *Fleet) blocked(id int32, at int64) bool {
	return f.stations[f.piles[id].station].role == rolePublic &&
		chance(mixHash(f.cfg.Seed^0xb10c, uint64(id), uint64(at/(2*hour)))) < 0.015
}

// seekPile finds a vehicle a pile, claims it and starts the trip to it. Those
// that must take the nearest of any kind.
func (f *Fleet) seekPile(id int32, must bool) bool {
	v := &f.vehicles[id]
	if v.wall {
		v.act, v.from = socket, f.now
		kwh := float64(v.pack) * (float64(v.stop) - v.soc) / 100
		f.next(id, f.now+max(minute, int64(kwh/(socketKW*(1-acLoss))*float64(hour))))
		return true
	}
	kind := charge.DC
	if v.usesAC && !must {
		kind = charge.AC
	}
	p := none
	switch {
	case v.homePile != none && f.usable(v.homePile, id) && (must || f.rng.Float64() < 0.5):
		p = v.homePile
	case v.kind == bus && len(f.depots) > 0:
		p = f.depotPile(id)
	}
	if p == none {
		p = f.publicPile(id, kind, must)
	}
	if p == none {
		return false
	}
	bay := f.bay(p)
	r, length, ok := f.route(v.at, bay)
	if !ok || !must && length > (v.soc-1)/100*float64(v.pack)/float64(v.perKM)*1000 {
		return false // who must go without the charge for it is towed
	}
	f.claim(p, id)
	if dist(v.at, bay) < 5 { // it stands there already
		v.from = f.now
		f.plugIn(id)
		return true
	}
	f.depart(id, bay, r, max(length, 1))
	v.toCharge = true
	return true
}

// claim keeps a pile for a vehicle that is on its way. One public pile in
// seven is reserved in the operator's app, which the pile then shows.
func (f *Fleet) claim(p, id int32) {
	f.vehicles[id].pile = p
	f.piles[p].claim = id
	if f.piles[p].owner == none && f.rng.Float64() < 0.15 {
		f.piles[p].status = uint8(charge.StatusReserved)
		f.changed(p, f.now)
	}
}
