package fleet

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// kind is a class of vehicle in the simulator's order, that of the domain page.
type kind uint8

const (
	private kind = iota
	taxi
	ridehail
	bus
	logistics
	sanitation
	kinds
)

// classOf is the contract's class of each kind.
var classOf = [kinds]charge.Class{charge.ClassPrivate, charge.ClassTaxi, charge.ClassRidehail, charge.ClassBus,
	charge.ClassLogistics, charge.ClassSanitation}

// profile is how a kind of vehicle lives. Hours are local, 0 to 23.
type profile struct {
	packKWh  [2]float64 // smallest and largest
	perKM    float64    // kWh
	perDayKM float64    // for odometers
	tripKM   float64    // mean of a log-normal
	plugAt   [2]float64 // SOC % below which it looks for a pile
	stopAt   [2]float64 // SOC % at which it stops charging
	volts    [2]float64 // nominal pack voltage
	pace     float64    // speed against the city's, 1 for a car
	road     [24]float64
}

// startWeights are session starts per hour, weekday and weekend (domain page §10).
var startWeights = [2][24]float64{
	{5.5, 4.5, 3.5, 3, 3, 2.5, 2.5, 3, 3, 3.5, 3.5, 4.5, 6.5, 6, 5.5, 4.5, 3.5, 3.5, 3.5, 4, 4.5, 5, 5.5, 5.5},
	{5, 4, 3, 2.5, 2.5, 2, 2, 2.5, 3.5, 4, 4.5, 5, 6, 6, 5.5, 5, 4.5, 4.5, 4, 4, 4.5, 5, 5, 5.5},
}

// profiles by kind. Shares on the road are per cent of the kind at that hour.
var profiles = [kinds]profile{
	private: {
		packKWh: [2]float64{30, 90}, perKM: 0.14, perDayKM: 40, tripKM: 9, plugAt: [2]float64{20, 50}, stopAt: [2]float64{80, 100},
		volts: [2]float64{330, 400}, pace: 1,
		road: [24]float64{3, 2, 2, 2, 2, 3, 6, 13, 18, 11, 8, 8, 9, 8, 7, 7, 9, 14, 17, 10, 7, 6, 6, 4},
	},
	taxi: {
		packKWh: [2]float64{50, 60}, perKM: 0.15, perDayKM: 320, tripKM: 6, plugAt: [2]float64{15, 35}, stopAt: [2]float64{80, 95},
		volts: [2]float64{330, 380}, pace: 1,
		road: [24]float64{58, 50, 46, 45, 45, 50, 62, 78, 85, 80, 72, 68, 62, 60, 62, 66, 64, 74, 82, 80, 76, 74, 70, 64},
	},
	ridehail: {
		packKWh: [2]float64{55, 65}, perKM: 0.145, perDayKM: 220, tripKM: 8, plugAt: [2]float64{15, 35}, stopAt: [2]float64{80, 95},
		volts: [2]float64{330, 390}, pace: 1,
		road: [24]float64{40, 32, 27, 25, 25, 28, 38, 55, 66, 56, 46, 42, 42, 40, 40, 42, 48, 62, 70, 60, 54, 52, 50, 44},
	},
	bus: {
		packKWh: [2]float64{160, 350}, perKM: 0.85, perDayKM: 180, tripKM: 15, plugAt: [2]float64{25, 45}, stopAt: [2]float64{95, 100},
		volts: [2]float64{540, 690}, pace: 0.6,
		road: [24]float64{1, 0.1, 0.1, 0.1, 1, 12, 55, 80, 80, 80, 80, 78, 70, 70, 78, 80, 80, 80, 80, 80, 60, 45, 22, 6},
	},
	logistics: {
		packKWh: [2]float64{40, 80}, perKM: 0.22, perDayKM: 130, tripKM: 12, plugAt: [2]float64{20, 40}, stopAt: [2]float64{90, 100},
		volts: [2]float64{330, 400}, pace: 0.9,
		road: [24]float64{6, 5, 5, 6, 9, 14, 24, 38, 48, 55, 55, 52, 46, 46, 52, 55, 52, 48, 34, 22, 16, 12, 9, 7},
	},
	sanitation: {
		packKWh: [2]float64{150, 280}, perKM: 0.8, perDayKM: 80, tripKM: 8, plugAt: [2]float64{25, 40}, stopAt: [2]float64{95, 100},
		volts: [2]float64{540, 620}, pace: 0.6,
		road: [24]float64{10, 8, 8, 12, 30, 45, 48, 35, 25, 28, 30, 24, 12, 14, 24, 26, 22, 16, 14, 16, 18, 16, 14, 12},
	},
}

// readiness returns how ready a kind is to charge at that hour: 1 goes as soon
// as it is below its mark, 0 only when it must.
func readiness(k kind, hour int, weekend bool) float64 {
	day := 0
	if weekend {
		day = 1
	}
	w := startWeights[day][hour] / 6.5
	switch k {
	case taxi: // two shifts: before each hand-over
		if hour == 4 || hour == 5 || hour == 16 || hour == 17 {
			return 1
		}
	case bus:
		switch {
		case hour >= 22 || hour < 6:
			return 1
		case hour >= 12 && hour < 14:
			return 0.8
		}
		return 0.1
	case logistics, sanitation:
		switch {
		case hour >= 20 || hour < 5:
			return 0.9
		case hour >= 12 && hour < 14:
			return 0.9
		}
		return 0.25
	}
	return w * w // the choice is steeper than the outcome: the urgent go at any hour
}

// speedKMH returns the city's mean speed at that hour for a trip of that length.
func speedKMH(hour int, km float64) float64 {
	v := 36.0 // at night
	switch {
	case hour >= 7 && hour < 9 || hour >= 17 && hour < 19:
		v = 21
	case hour >= 6 && hour < 22:
		v = 27
	}
	if km > 25 { // by expressway
		return v + (88-v)*min(1, (km-25)/30)
	}
	return v
}

// clock turns moments into the city's hours. The zone's offset is looked up
// once for each quarter of an hour: offsets change on those only.
type clock struct {
	zone       *time.Location
	from, to   int64 // ms for which shift holds
	shiftMS    int64
	cachedHour int
	cachedDay  time.Weekday
}

const (
	second  = int64(1000)
	minute  = 60 * second
	hour    = 60 * minute
	day     = 24 * hour
	quarter = 15 * minute
)

// hourOf returns the local hour at ms and whether it is a Saturday or Sunday.
func (c *clock) hourOf(ms int64) (int, bool) {
	c.seek(ms)
	return c.cachedHour, c.cachedDay == time.Saturday || c.cachedDay == time.Sunday
}

// dayMS returns the milliseconds since the local midnight at ms.
func (c *clock) dayMS(ms int64) int64 {
	c.seek(ms)
	return ((ms+c.shiftMS)%day + day) % day
}

func (c *clock) seek(ms int64) {
	if ms >= c.from && ms < c.to {
		return
	}
	c.from = ms - (ms%quarter+quarter)%quarter
	c.to = c.from + quarter
	local := time.UnixMilli(c.from).In(c.zone)
	_, offset := local.Zone()
	c.shiftMS = int64(offset) * second
	c.cachedHour, c.cachedDay = local.Hour(), local.Weekday()
}

// Draws from the city's one stream of chance.

func uniform(r *rand.Rand, lo, hi float64) float64 { return lo + (hi-lo)*r.Float64() }

// logNormal draws with that mean; sigma is of the logarithm.
func logNormal(r *rand.Rand, mean, sigma float64) float64 {
	return mean * math.Exp(sigma*r.NormFloat64()-sigma*sigma/2)
}

// span draws a time of that mean, exponentially, in ms and at least a second.
func span(r *rand.Rand, meanMS float64) int64 { return second + int64(r.ExpFloat64()*meanMS) }

// mixHash is a stateless hash for what must not move the stream of chance:
// bad data, alarms, blocked bays.
func mixHash(a, b, c uint64) uint64 {
	h := a*0x9e3779b97f4a7c15 ^ b*0xc2b2ae3d27d4eb4f ^ c*0x165667b19e3779f9
	h ^= h >> 31
	h *= 0xbf58476d1ce4e5b9
	h ^= h >> 29
	h *= 0x94d049bb133111eb
	return h ^ h>>32
}

// chance turns a hash into [0, 1).
func chance(h uint64) float64 { return float64(h>>11) / (1 << 53) }
