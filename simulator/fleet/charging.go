package fleet

import (
	"math"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// stage is how far a session is.
type stage uint8

const (
	waiting  stage = iota // plugged in, status 2
	charging              // status 3
	ended                 // still plugged in, status 2
)

// session is one car at one pile from plugging in to leaving.
type session struct {
	start, stop, leave int64 // ms; stop and leave are 0 while unknown
	soc0, soc1         float64
	curve              curve
	id                 string // 27 characters, T/CEC 102.1 StartChargeSeq
	pile, vehicle      int32  // vehicle is none for a car outside of the set
	volts              float32
	pack               float32
	stage              stage
	reason             int8 // StopReason: 0 user, 1 platform, 2 BMS, 3 equipment, 4 connector pulled
	tries              int8 // failed starts so far
}

// Energy that does not reach the pack.
const (
	acLoss   = 0.09
	dcLoss   = 0.05
	socketKW = 3.3
)

// How cars outside of the set use public piles.
const strangersADay = 1.45 // sessions a public pile

// failedStart is the share of starts that fail at first.
const failedStart = 0.04

func strangerWeight(h int, weekend bool) float64 {
	if weekend {
		return startWeights[1][h]
	}
	return startWeights[0][h]
}

// publicPile finds a free pile near a vehicle: of that kind, or of any if it
// must; nearer stations are likelier. none if there is none within reach.
func (f *Fleet) publicPile(id int32, kind charge.PileKind, must bool) int32 {
	v := &f.vehicles[id]
	const wanted = 8
	var found [wanted]int32
	var weight [wanted]float64
	n, sum, rings := 0, 0.0, 9
	if must {
		rings = 30
	}
	for r := 0; r < rings && n < wanted; r++ {
		f.grid.ring(v.at, r, func(s int32) {
			if n == wanted {
				return
			}
			if p := f.freePile(s, id, kind, must); p != none {
				km := dist(v.at, f.stations[s].at)/1000 + 0.5
				found[n], weight[n] = p, 1/km
				sum += weight[n]
				n++
			}
		})
		if n > 2 && r > 1 {
			break
		}
	}
	u := f.rng.Float64() * sum
	for i := range n {
		if u -= weight[i]; u < 0 || i == n-1 {
			return found[i]
		}
	}
	return none
}

// freePile returns a pile of a station that the vehicle could use now.
func (f *Fleet) freePile(index, id int32, kind charge.PileKind, any bool) int32 {
	s := &f.stations[index]
	for i, first := int32(0), int32(f.rng.IntN(int(s.n))); i < s.n; i++ {
		p := s.first + (first+i)%s.n
		if (any || models[f.piles[p].model].kind == kind) && f.usable(p, id) && !f.blocked(p, f.now) {
			return p
		}
	}
	return none
}

// depotPile finds a bus a pile: at its own depot, else at one near by.
func (f *Fleet) depotPile(id int32) int32 {
	v := &f.vehicles[id]
	best, far := none, math.Inf(1)
	for _, s := range f.depots {
		if d := dist(v.home, f.stations[s].at); d < far {
			if p := f.freePile(s, id, charge.DC, true); p != none {
				best, far = p, d
			}
		}
	}
	return best
}

// plugIn begins a vehicle's session at the pile it has claimed.
func (f *Fleet) plugIn(id int32) {
	v := &f.vehicles[id]
	p := &f.piles[v.pile]
	if p.down != works || p.session != none { // it broke while the car was on its way
		f.unclaim(v.pile)
		v.pile = none
		f.park(id, f.now)
		return
	}
	v.at = f.bay(v.pile)
	v.act, v.until, v.toCharge = plugged, math.MaxInt64, false
	if v.offSince == 0 {
		v.offSince = f.now
	}
	s := session{pile: v.pile, vehicle: id, soc0: v.soc, volts: v.volts, pack: v.pack,
		start: f.now + int64(uniform(f.rng, 20, 90))*second}
	peak, ac := float64(v.peakKW), float64(v.acKW)
	stop := max(float64(v.stop), v.soc+2)
	if v.pile == v.homePile {
		s.start = max(s.start, f.nightStart(f.now))
	}
	v.session = f.open(s, peak, ac, min(100, stop))
}

// nightStart returns when a car that plugs in at home begins: in the evening it
// waits for 0 or 2 o'clock, give or take some minutes.
func (f *Fleet) nightStart(now int64) int64 {
	h, _ := f.clock.hourOf(now)
	if h < 16 {
		return now
	}
	until := day - f.clock.dayMS(now)
	if f.rng.Float64() < 0.55 {
		until += 2 * hour
	}
	return now + until + int64(f.rng.ExpFloat64()*4*float64(minute))
}

// open begins a session and returns its index. It draws why the session will
// end, and with it when.
func (f *Fleet) open(s session, peakKW, acKW, target float64) int32 {
	p := &f.piles[s.pile]
	m := &models[p.model]
	switch u := f.rng.Float64(); {
	case u < 0.45:
		s.reason = 0
	case u < 0.85:
		s.reason, target = 2, max(target, min(100, target+3))
	case u < 0.95:
		s.reason = 1
	case u < 0.98:
		s.reason, target = 3, s.soc0+(target-s.soc0)*f.rng.Float64()
	default:
		s.reason, target = 4, s.soc0+(target-s.soc0)*uniform(f.rng, 0.3, 1)
	}
	if m.kind == charge.AC {
		limit := min(acKW, m.ratedKW*0.95)
		s.curve = newCurve(acShape[:], s.soc0, float64(s.pack), limit, limit, acLoss)
	} else {
		s.curve = newCurve(dcShape[:], s.soc0, float64(s.pack), peakKW, m.ratedKW, dcLoss)
	}
	s.soc1 = max(target, s.soc0+0.2)
	f.orders++
	s.id = f.orderID(s.pile)
	index := int32(len(f.sessions))
	if n := len(f.idle); n > 0 {
		index = f.idle[n-1]
		f.idle = f.idle[:n-1]
		f.sessions[index] = s
	} else {
		f.sessions = append(f.sessions, s)
	}
	p.session, p.status = index, uint8(charge.StatusOccupied)
	f.queue.push(event{at: s.start, id: index, kind: evSession})
	f.changed(s.pile, f.now)
	return index
}

// orderID returns a new order's id: the operator's organization code, the
// second, and a running number; 27 characters as in T/CEC 102.
func (f *Fleet) orderID(pile int32) string {
	id := make([]byte, 27)
	copy(id, operators[f.stations[f.piles[pile].station].party].orgID)
	write := func(at, n int, v int64) {
		for i := at + n - 1; i >= at; i, v = i-1, v/10 {
			id[i] = '0' + byte(v%10)
		}
	}
	write(9, 10, f.now/second)
	write(19, 8, int64(f.orders))
	return string(id)
}

// sessionMoves takes a session to its next stage.
func (f *Fleet) sessionMoves(index int32, at int64) {
	s := &f.sessions[index]
	if s.pile == none {
		return
	}
	switch {
	case s.stage == waiting && at == s.start:
		f.begin(index)
	case s.stage == charging && at == s.stop:
		f.end(index)
	case s.stage == ended && at == s.leave:
		f.unplug(index)
	}
}

// begin starts the current, unless the start fails this time.
func (f *Fleet) begin(index int32) {
	s := &f.sessions[index]
	if s.tries < 2 && f.rng.Float64() < failedStart {
		s.tries++
		s.start = f.now + int64(uniform(f.rng, 60, 180))*second
		f.queue.push(event{at: s.start, id: index, kind: evSession})
		return
	}
	s.stage = charging
	s.stop = s.start + max(5*second, s.curve.until(s.soc1))
	f.piles[s.pile].status = uint8(charge.StatusCharging)
	f.queue.push(event{at: s.stop, id: index, kind: evSession})
	f.changed(s.pile, f.now)
}

// abort ends a session now because its pile broke.
func (f *Fleet) abort(index int32) {
	s := &f.sessions[index]
	s.reason = 3
	switch s.stage {
	case charging:
		s.stop = f.now
		f.end(index)
	case waiting:
		s.stage, s.stop = ended, s.start
		s.soc1 = s.soc0
		s.start, s.stop = f.now, f.now
		s.leave = f.now + int64(uniform(f.rng, 2, 8)*float64(minute))
		f.queue.push(event{at: s.leave, id: index, kind: evSession})
	}
}

// end stops the current and sends the bill.
func (f *Fleet) end(index int32) {
	s := &f.sessions[index]
	s.stage = ended
	s.soc1, _ = s.curve.at(s.stop - s.start)
	p := &f.piles[s.pile]
	p.meterWh += int64(math.Round(s.kwh() * 1000))
	if p.status == uint8(charge.StatusCharging) {
		p.status = uint8(charge.StatusOccupied)
	}
	if s.vehicle != none {
		v := &f.vehicles[s.vehicle]
		v.soc = s.soc1
		f.newMarks(v)
	}
	s.leave = f.now + f.stay(s)
	f.queue.push(event{at: s.leave, id: index, kind: evSession})
	f.out.bill(index)
	f.changed(s.pile, f.now)
}

// stay draws how long a car stays at its pile after the end (domain page §10);
// at its own pile it stays until its next trip.
func (f *Fleet) stay(s *session) int64 {
	if s.vehicle != none {
		if v := &f.vehicles[s.vehicle]; s.pile == v.homePile {
			return max(f.nextTrip(v, f.now)-f.now, minute)
		}
	}
	minutes := 0.0
	switch u := f.rng.Float64(); {
	case u < 0.7:
		minutes = uniform(f.rng, 1, 10)
	case u < 0.9:
		minutes = uniform(f.rng, 10, 60)
	case u < 0.98:
		minutes = uniform(f.rng, 60, 240)
	default:
		minutes = uniform(f.rng, 360, 720)
	}
	return int64(minutes * float64(minute))
}

// unplug frees the pile; the vehicle drives on, or stays if it has nowhere to go.
func (f *Fleet) unplug(index int32) {
	s := &f.sessions[index]
	pile, id := s.pile, s.vehicle
	*s = session{pile: none, vehicle: none}
	f.idle = append(f.idle, index)
	f.piles[pile].session = none
	f.unclaim(pile)
	if id == none {
		return
	}
	v := &f.vehicles[id]
	v.pile, v.session, v.from = none, none, f.now
	if v.soc < urgentSOC || !f.drive(id) {
		f.park(id, f.now)
	}
}

// unclaim makes a pile free to everyone again.
func (f *Fleet) unclaim(pile int32) {
	p := &f.piles[pile]
	p.claim, p.status = none, uint8(charge.StatusIdle)
	f.changed(pile, f.now)
}

// kwh returns the session's energy at the pile when it is over.
func (s *session) kwh() float64 { return s.curve.kwh(s.soc1 - s.soc0) }

// now returns SOC, power in kW and energy in kWh at the moment t.
func (s *session) now(t int64) (soc, kw, kwh float64) {
	switch s.stage {
	case waiting:
		return s.soc0, 0, 0
	case ended:
		return s.soc1, 0, s.kwh()
	}
	soc, kw = s.curve.at(t - s.start)
	return soc, kw, s.curve.kwh(soc - s.soc0)
}

// stranger lets a car from outside of the set plug in somewhere public.
func (f *Fleet) stranger() {
	p := f.publics[f.rng.IntN(len(f.publics))]
	if !f.usable(p, none) || f.piles[p].claim != none || f.blocked(p, f.now) {
		return
	}
	f.piles[p].claim = outsider
	r := f.rng
	pack := uniform(r, 30, 90)
	s := session{pile: p, vehicle: none, soc0: uniform(r, 15, 45), pack: float32(pack), volts: float32(uniform(r, 330, 400)),
		start: f.now + int64(uniform(r, 20, 90))*second}
	f.open(s, pack*uniform(r, 1, 1.7), 6.6, uniform(r, 80, 100))
}
