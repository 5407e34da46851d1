package main

import (
	"fmt"
	"math"
	"time"
)

// The model is the contract's rules for live state, written down once more as
// plainly as can be, over what was sent and acknowledged. It is asked only when
// nothing is under way.

// staleAfter is the contract's limit; what lies this near to it is not judged.
const (
	staleAfter = 5 * time.Minute
	doubtful   = 6 * time.Second
)

// standing is how an object must be shown.
type standing struct {
	unsure  bool // its silence reaches the limit just now
	fresh   bool
	ignored bool // its values may be those of before its only report
	state   string
}

func (o *object) standing(now time.Time) standing {
	s := standing{state: "offline", ignored: o.once}
	if o.last == 0 {
		return s
	}
	age := now.Sub(time.UnixMilli(o.last))
	s.fresh = age <= staleAfter
	s.unsure = age > staleAfter-doubtful && age < staleAfter+doubtful || o.once && age < staleAfter+doubtful
	if !s.fresh || o.station == nil {
		return s
	}
	switch o.now.n[atStatus] {
	case 1:
		s.state = "free"
	case 2, 3:
		s.state = "inUse"
	case 4:
		s.state = "reserved"
	case 255:
		s.state = "fault"
	}
	return s
}

// tally is the counts that an answer must have; up to unsure objects may be
// counted otherwise.
type tally struct {
	stations, unsurePiles, unsureVehicles int
	piles                                 pileCounts
	vehicles                              vehicleCounts
	power, unsurePower                    float64
}

// count adds up a world, or one party of it.
func (w *world) count(now time.Time, of *party) (t tally) {
	for _, s := range w.stations {
		if of == nil || s.party == of {
			t.stations++
		}
	}
	for _, c := range w.clients {
		if of != nil && c.party != of {
			continue
		}
		for i, o := range c.objects {
			if o.station == nil {
				t.addVehicle(o, now, i%2 == 0)
			} else {
				t.addPile(o, now)
			}
		}
	}
	return t
}

func (t *tally) addPile(o *object, now time.Time) {
	s := o.standing(now)
	t.piles.Total++
	kw := math.Abs(o.now.number(o.members, atPower))
	if s.unsure {
		t.unsurePiles++
		t.unsurePower += kw
		return
	}
	switch s.state {
	case "free":
		t.piles.Free++
	case "inUse":
		t.piles.InUse++
		if o.now.n[atStatus] == 3 {
			t.piles.Charging++
		}
	case "reserved":
		t.piles.Reserved++
	case "fault":
		t.piles.Fault++
	default:
		t.piles.Offline++
	}
	if s.fresh {
		t.power += kw
	}
}

func (t *tally) addVehicle(o *object, now time.Time, introduced bool) {
	if o.last == 0 && !introduced {
		return
	}
	t.vehicles.Total++
	s := o.standing(now)
	if s.unsure {
		t.unsureVehicles++
		return
	}
	if !s.fresh {
		return
	}
	t.vehicles.Online++
	if o.now.n[atState] == 1 && o.now.n[atSpeed] > 0 {
		t.vehicles.Driving++
	}
	if c := o.now.n[atCharge]; c == 1 || c == 2 {
		t.vehicles.Charging++
	}
	if o.now.n[atLevel] >= 1 {
		t.vehicles.Alarm++
	}
}

// differ returns what counts are not as the tally has them.
func (t *tally) differPiles(who string, got pileCounts, power float64) (out []string) {
	compare := func(what string, want, is int) {
		if is < want || is > want+t.unsurePiles {
			out = append(out, fmt.Sprintf("%s: %d piles are %s, want %d (%d more are in doubt)", who, is, what, want, t.unsurePiles))
		}
	}
	p := t.piles
	compare("free", p.Free, got.Free)
	compare("inUse", p.InUse, got.InUse)
	compare("charging", p.Charging, got.Charging)
	compare("reserved", p.Reserved, got.Reserved)
	compare("fault", p.Fault, got.Fault)
	compare("offline", p.Offline, got.Offline)
	if got.Total != p.Total || got.Free+got.InUse+got.Reserved+got.Fault+got.Offline != got.Total {
		out = append(out, fmt.Sprintf("%s: %+v do not add up to %d", who, got, p.Total))
	}
	if power < t.power-0.01 || power > t.power+t.unsurePower+0.01 {
		out = append(out, fmt.Sprintf("%s: %.3f kW, want %.3f (%.3f more are in doubt)", who, power, t.power, t.unsurePower))
	}
	return out
}

func (t *tally) differVehicles(who string, got vehicleCounts) (out []string) {
	compare := func(what string, want, is, doubt int) {
		if is < want || is > want+doubt {
			out = append(out, fmt.Sprintf("%s: %d vehicles are %s, want %d (%d more are in doubt)", who, is, what, want, doubt))
		}
	}
	v := t.vehicles
	compare("known", v.Total, got.Total, 0)
	compare("online", v.Online, got.Online, t.unsureVehicles)
	compare("driving", v.Driving, got.Driving, t.unsureVehicles)
	compare("charging", v.Charging, got.Charging, t.unsureVehicles)
	compare("in alarm", v.Alarm, got.Alarm, t.unsureVehicles)
	return out
}
