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
