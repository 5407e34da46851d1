package fleet

import "math"

// rampMS is how long a pile takes to come up to power: 20 s, linearly.
const rampMS = 20_000

// A pack's acceptance falls with SOC (domain page §4): flat to 55 %, half of
// the peak at 80, less and less to full. AC is flat to 95 %.
var (
	dcShape = [...][2]float64{{0, 1}, {55, 1}, {80, 0.5}, {90, 0.22}, {99, 0.065}, {100, 0.05}}
	acShape = [...][2]float64{{0, 1}, {95, 1}, {100, 0.3}}
)

// maxLegs is the most pieces a curve has: the shape's, and one more where the
// pile's limit cuts in.
const maxLegs = 6

// curve is the course of one charging in closed form: power is a straight line
// over SOC in each leg, so SOC is an exponential of time there, and energy and
// power at any moment agree exactly.
type curve struct {
	perKWh float64 // SOC points a kWh at the pile
	n      int
	leg    [maxLegs]leg
}

// leg is one piece: power from p0 at s0 to p1 at s1, entered at hour t0 of
// full running.
type leg struct{ s0, s1, p0, p1, t0 float64 }

// newCurve returns the course from SOC soc0 on, for a pack of packKWh that
// takes peakKW at most, at a pile that gives limitKW; loss is the part of the
// pile's energy that does not reach the pack.
func newCurve(shape [][2]float64, soc0, packKWh, peakKW, limitKW, loss float64) curve {
	c := curve{perKWh: 100 * (1 - loss) / packKWh}
	t := 0.0
	add := func(s0, p0, s1, p1 float64) {
		if s1 <= soc0 || s1-s0 < 1e-9 {
			return
		}
		if s0 < soc0 {
			p0, s0 = p0+(p1-p0)*(soc0-s0)/(s1-s0), soc0
		}
		l := leg{s0, s1, p0, p1, t}
		t += l.hours(s1, c.perKWh)
		c.leg[c.n] = l
		c.n++
	}
	for i := 1; i < len(shape); i++ {
		s0, s1 := shape[i-1][0], shape[i][0]
		p0, p1 := peakKW*shape[i-1][1], peakKW*shape[i][1]
		switch {
		case p0 <= limitKW:
			add(s0, p0, s1, p1)
		case p1 >= limitKW:
			add(s0, limitKW, s1, limitKW)
		default:
			cut := s0 + (s1-s0)*(p0-limitKW)/(p0-p1)
			add(s0, limitKW, cut, limitKW)
			add(cut, limitKW, s1, p1)
		}
	}
	return c
}

// hours returns how long the leg takes from its start to SOC s.
func (l *leg) hours(s, perKWh float64) float64 {
	slope := (l.p1 - l.p0) / (l.s1 - l.s0)
	if math.Abs(slope) < 1e-9 {
		return (s - l.s0) / (l.p0 * perKWh)
	}
	return math.Log((l.p0+slope*(s-l.s0))/l.p0) / (slope * perKWh)
}

// at returns SOC and power in kW after ms of charging.
func (c *curve) at(ms int64) (soc, kw float64) {
	running, pull := running(ms)
	i := 0
	for i+1 < c.n && running >= c.leg[i+1].t0 {
		i++
	}
	l := &c.leg[i]
	t := running - l.t0
	slope := (l.p1 - l.p0) / (l.s1 - l.s0)
	if math.Abs(slope) < 1e-9 {
		return min(l.s1, l.s0+l.p0*c.perKWh*t), l.p0 * pull
	}
	p := l.p0 * math.Exp(slope*c.perKWh*t)
	return min(100, l.s0+(p-l.p0)/slope), p * pull
}

// until returns after how many ms the SOC reaches soc.
func (c *curve) until(soc float64) int64 {
	for i := range c.leg[:c.n] {
		l := &c.leg[i]
		if soc <= l.s1 || i == c.n-1 {
			return ramped(l.t0 + l.hours(max(l.s0, min(soc, l.s1)), c.perKWh))
		}
	}
	return 0
}

// kwh returns the energy at the pile for a rise of the SOC by points.
func (c *curve) kwh(points float64) float64 { return points / c.perKWh }

// running turns ms since the start into hours at full power, and tells which
// part of full power flows at that moment.
func running(ms int64) (hours, pull float64) {
	const h = float64(hour)
	if ms >= rampMS {
		return (float64(ms) - rampMS/2) / h, 1
	}
	t := float64(max(ms, 0))
	return t * t / (2 * rampMS) / h, t / rampMS
}

// ramped is running's inverse.
func ramped(hours float64) int64 {
	ms := hours * float64(hour)
	if ms < rampMS/2 {
		return int64(math.Sqrt(2 * rampMS * ms))
	}
	return int64(ms + rampMS/2)
}
