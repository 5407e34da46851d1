package fleet

import (
	"math"
)

// Limits of trips.
const (
	reserveSOC   = 8.0 // SOC % that a trip must leave
	urgentSOC    = 14.0
	tripSigma    = 0.8
	candidates   = 4 // places of which the one at the right distance is taken
	shortestTrip = 300.0
	waveMS       = 90_000 // a stop-and-go wave
	plugTime     = 1.09   // how much more a car must want to drive because of its time at piles
	homeMargin   = 25.0   // SOC % above its mark at which a car plugs in at home all the same
)

// event lets e take place.
func (f *Fleet) event(e event) {
	switch e.kind {
	case evVehicle:
		if v := &f.vehicles[e.id]; v.until == e.at {
			f.actEnds(e.id)
		}
	case evSession:
		f.sessionMoves(e.id, e.at)
	case evPileUp:
		f.pileUp(e.id, e.at)
	case evReport:
		if f.piles[e.id].last+leastGap == e.at { // else it has reported since
			f.changed(e.id, e.at)
		}
	default:
		f.disturb(e)
	}
}

// actEnds moves a vehicle on from an act that has run its time.
func (f *Fleet) actEnds(id int32) {
	v := &f.vehicles[id]
	switch v.act {
	case driving:
		f.arrive(id)
	case parked:
		f.leave(id)
	case socket:
		v.soc = float64(v.stop)
		f.newMarks(v)
		f.park(id, f.now)
	}
}

// next ends a vehicle's present act at that moment.
func (f *Fleet) next(id int32, at int64) {
	f.vehicles[id].until = at
	f.queue.push(event{at: at, id: id, kind: evVehicle})
}

// park lets a vehicle stand until its next trip, or until it next thinks of charging.
func (f *Fleet) park(id int32, now int64) {
	v := &f.vehicles[id]
	v.act, v.from = parked, now
	if v.offSince == 0 {
		v.offSince = now
	}
	v.trip = f.nextTrip(v, now)
	f.next(id, f.think(v, now))
}

// think returns when a parked vehicle next considers what to do: at its trip,
// and before that now and then while it is low.
func (f *Fleet) think(v *vehicle, now int64) int64 {
	if v.soc >= float64(v.thr) {
		return v.trip
	}
	return max(now+second, min(v.trip, now+int64(uniform(f.rng, 15, 45)*float64(minute))))
}

// nextTrip draws when a parked vehicle next wants to drive: by the hour, so
// that the share of its kind on the road comes out.
func (f *Fleet) nextTrip(v *vehicle, now int64) int64 {
	p := &profiles[v.kind]
	left := f.rng.ExpFloat64()
	at := now + int64(uniform(f.rng, 60, 300))*second
	for range 96 {
		h, weekend := f.clock.hourOf(at)
		share := min(0.95, p.road[h]/100*plugTime) // some of the time it is at a pile
		if weekend && v.kind == private {
			share *= 0.85
		}
		hours := p.tripKM / (speedKMH(h, p.tripKM) * p.pace)
		rate := share / (1 - share) / hours / float64(hour) // a ms
		edge := at + hour - f.clock.dayMS(at)%hour
		if w := left / rate; w < float64(edge-at) {
			return at + int64(w)
		}
		left -= rate * float64(edge-at)
		at = edge
	}
	return at
}

// leave lets a parked vehicle do what it has waited for: look for a pile, or drive.
func (f *Fleet) leave(id int32) {
	v, now := &f.vehicles[id], f.now
	if v.soc < float64(v.thr) {
		h, weekend := f.clock.hourOf(now)
		must := v.soc < urgentSOC
		if must || f.rng.Float64() < readiness(v.kind, h, weekend) {
			if f.seekPile(id, must) {
				return
			}
			if must {
				f.next(id, now+int64(uniform(f.rng, 8, 20)*float64(minute)))
				return
			}
		}
	}
	switch {
	case now < v.trip:
		f.next(id, f.think(v, now))
	case !f.drive(id):
		f.park(id, now)
	}
}

// drive starts a trip to somewhere; false when there is nowhere to go.
func (f *Fleet) drive(id int32) bool {
	v := &f.vehicles[id]
	to, home := f.destination(v)
	r, length, ok := f.route(v.at, to)
	range0 := (v.soc - reserveSOC) / 100 * float64(v.pack) / float64(v.perKM) * 1000
	if !ok || length < shortestTrip || length > range0 {
		return false
	}
	f.depart(id, to, r, length)
	v.toHome = home
	return true
}

// depart puts a vehicle on its way.
func (f *Fleet) depart(id int32, to pt, r route, length float64) {
	v := &f.vehicles[id]
	h, _ := f.clock.hourOf(f.now)
	speed := speedKMH(h, length/1000)
	if length < 25_000 {
		speed *= profiles[v.kind].pace
	} else {
		speed *= min(1, profiles[v.kind].pace+0.25)
	}
	speed *= uniform(f.rng, 0.85, 1.15)
	took := max(int64(length/speed*3600), 30*second)
	v.act, v.from, v.to, v.route, v.length = driving, f.now, to, r, float32(length)
	v.offSince, v.toCharge, v.toHome = 0, false, false
	f.next(id, f.now+took)
}

// destination chooses where a trip goes, and tells whether that is home.
func (f *Fleet) destination(v *vehicle) (pt, bool) {
	p := &profiles[v.kind]
	h, _ := f.clock.hourOf(f.now)
	homeward := 0.12
	switch {
	case v.kind == private && (h >= 17 || h < 6):
		homeward = 0.75
	case v.kind == private:
		homeward = 0.4
	case v.kind == bus, v.kind == sanitation, v.kind == logistics:
		homeward = 0.4
		if h >= 20 || h < 5 {
			homeward = 0.8
		}
	}
	urban := f.districts[v.district].urban
	away := dist(v.at, v.home) > 40_000
	if dist(v.at, v.home) > 1500 && (away || f.rng.Float64() < homeward) {
		return v.home, true
	}
	want := logNormal(f.rng, p.tripKM*1000, tripSigma)
	d := int(v.district)
	best, off := v.at, math.Inf(1)
	far := f.rng.Float64() < 0.03
	for range candidates {
		switch {
		case far:
			d = f.anyDistrict(false)
		case urban:
			d = f.anyDistrict(true)
		}
		at, _ := f.placeIn(d)
		if o := math.Abs(math.Log((dist(v.at, at) + 100) / want)); o < off {
			best, off = at, o
		}
	}
	return best, false
}

// arrive ends a trip.
func (f *Fleet) arrive(id int32) {
	v := &f.vehicles[id]
	v.soc, v.odoKM = f.afterDriving(v)
	v.at, v.from = v.to, f.now
	v.offSince = f.now
	if v.toCharge {
		f.plugIn(id)
		return
	}
	if v.toHome && v.homePile != none && v.soc < float64(v.thr)+homeMargin && f.usable(v.homePile, id) {
		if h, _ := f.clock.hourOf(f.now); h >= 16 || h < 5 {
			v.pile = v.homePile
			f.piles[v.pile].claim = id
			f.plugIn(id)
			return
		}
	}
	f.park(id, f.now)
}

// afterDriving returns SOC and odometer at the end of the present trip.
func (f *Fleet) afterDriving(v *vehicle) (soc, odoKM float64) {
	km := float64(v.length) / 1000
	return v.after(km), v.odoKM + km
}

// after returns the SOC after km of the present trip; a towed car keeps a rest.
func (v *vehicle) after(km float64) float64 {
	return max(min(v.soc, 0.5), v.soc-km*float64(v.perKM)/float64(v.pack)*100)
}

// progress returns how much of its trip, 0 to 1, a driving vehicle has behind
// it at the moment t, and its speed in km/h then: stop-and-go waves in town, a
// steadier pace beyond.
func (v *vehicle) progress(t int64) (share, speed float64) {
	took, gone := float64(v.until-v.from), float64(t-v.from)
	depth := 0.85
	if v.length > 25_000 {
		depth = 0.2
	}
	waves := math.Max(1, math.Round(took/waveMS))
	omega := 2 * math.Pi * waves / took
	share = (gone - depth*math.Sin(omega*gone)/omega) / took
	mean := float64(v.length) / took * 3600 // m/ms to km/h
	return math.Min(1, math.Max(0, share)), mean * (1 - depth*math.Cos(omega*gone))
}
