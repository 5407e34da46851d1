package fleet

import (
	"math"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// Energy that does not reach the pack.
const (
	acLoss   = 0.09
	dcLoss   = 0.05
	socketKW = 3.3
)

// How cars outside of the set use public piles.
const strangersADay = 1.75 // sessions a public pile

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

// nightStart returns when a car that plugs in at home begins: in the evening
// most wait for 0 or 2 o'clock, give or take some minutes; the others have no
// timer and begin at once.
func (f *Fleet) nightStart(now int64) int64 {
	h, _ := f.clock.hourOf(now)
	if h < 16 || f.rng.Float64() < noTimer {
		return now
	}
	until := day - f.clock.dayMS(now)
	if f.rng.Float64() < twoOClock {
		until += 2 * hour
	}
	return now + until + int64(f.rng.ExpFloat64()*4*float64(minute))
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
