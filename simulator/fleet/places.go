package fleet

import (
	"strconv"

	"github.com/dianchi-platform/dianchi/internal/city"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

// district is a county-level unit on the plane.
type district struct {
	adcode, name, nameEn string
	seat                 pt
	hot                  []hotspot // those nearest to this seat
	urban                bool      // one town with the other urban ones
	piles, vehicles      int       // shares, per mille
}

type hotspot struct {
	name, nameEn string
	at           pt
}

// kunmingShares are piles and vehicles by district, per mille (domain page §1).
var kunmingShares = map[string][2]int{
	"530102": {135, 145}, "530103": {130, 130}, "530111": {220, 210}, "530112": {130, 125}, "530113": {14, 19},
	"530114": {125, 105}, "530115": {38, 39}, "530124": {17, 16}, "530125": {30, 36}, "530126": {22, 21},
	"530127": {42, 43}, "530128": {20, 24}, "530129": {22, 27}, "530181": {55, 60},
}

// Spreads in metres, and how much of a town is around its hot spots.
const (
	hotShare   = 0.7
	hotSigma0  = 800
	hotSigma1  = 2000
	seatSigma  = 3000
	shoreReach = 80 // nothing stands nearer to water than that
)

// layDistricts puts the city's districts on the plane. Another city than
// Kunming is shared out by population, or evenly.
func (f *Fleet) layDistricts() {
	c := f.cfg.City
	for _, d := range c.Districts {
		own := district{adcode: d.Adcode, name: d.Name, nameEn: english(d.NameEn, d.Name), seat: f.plane.in(d.Seat),
			urban: c.BuiltUp.Contains(d.Seat), piles: 1, vehicles: 1}
		if share, ok := kunmingShares[d.Adcode]; ok {
			own.piles, own.vehicles = share[0], share[1]
		} else if d.Population > 0 {
			own.piles, own.vehicles = 1+d.Population/1000, 1+d.Population/1000
		}
		f.districts = append(f.districts, own)
	}
	for _, h := range c.Hotspots {
		at := f.plane.in(h.At)
		d := &f.districts[f.nearestSeat(at)]
		d.hot = append(d.hot, hotspot{h.Name, english(h.NameEn, h.Name), at})
	}
}

func english(en, zh string) string {
	if en == "" {
		return zh
	}
	return en
}

func (f *Fleet) nearestSeat(at pt) int {
	best := 0
	for i := range f.districts {
		if dist(at, f.districts[i].seat) < dist(at, f.districts[best].seat) {
			best = i
		}
	}
	return best
}

// placeIn draws a dry place in a district, and names the hot spot it is at, or -1.
func (f *Fleet) placeIn(d int) (pt, int) {
	own := &f.districts[d]
	middle, sigma, hot := own.seat, float64(seatSigma), -1
	if len(own.hot) > 0 && f.rng.Float64() < hotShare {
		hot = f.rng.IntN(len(own.hot))
		middle, sigma = own.hot[hot].at, uniform(f.rng, hotSigma0, hotSigma1)
	}
	for range 50 {
		at := pt{middle.x + float32(sigma*f.rng.NormFloat64()), middle.y + float32(sigma*f.rng.NormFloat64())}
		if f.stands(at) {
			return at, hot
		}
	}
	return middle, hot
}

// stands reports whether at is inside the city and clear of water.
func (f *Fleet) stands(at pt) bool {
	return f.cfg.City.Bounds.Contains(f.plane.out(at)) && f.dry(at, shoreReach)
}

// anyDistrict draws a district by its vehicles, among the urban ones if urban.
func (f *Fleet) anyDistrict(urban bool) int {
	total := 0
	for i := range f.districts {
		if !urban || f.districts[i].urban {
			total += f.districts[i].vehicles
		}
	}
	if total == 0 {
		return f.rng.IntN(len(f.districts))
	}
	n := f.rng.IntN(total)
	for i := range f.districts {
		if urban && !f.districts[i].urban {
			continue
		}
		if n -= f.districts[i].vehicles; n < 0 {
			return i
		}
	}
	return 0
}

// dealer hands out things so that the parts follow weights at every moment:
// the next goes where most is owed.
type dealer struct {
	weights []int
	total   int
	given   []int
	sum     int
}

func newDealer(weights []int) *dealer {
	d := &dealer{weights: weights, given: make([]int, len(weights))}
	for _, w := range weights {
		d.total += w
	}
	return d
}

// deal gives n to the one of those allowed that is owed most, and returns it.
func (d *dealer) deal(n int, allowed func(int) bool) int {
	best, owed := 0, -1<<62
	for i, w := range d.weights {
		if w == 0 || allowed != nil && !allowed(i) {
			continue
		}
		if o := w*(d.sum+n) - d.given[i]*d.total; o > owed {
			best, owed = i, o
		}
	}
	d.give(best, n)
	return best
}

func (d *dealer) give(i, n int) {
	d.given[i] += n
	d.sum += n
}

// grid finds stations near a place. Cells hold the stations cars may look for.
type grid struct {
	origin     pt
	size       float32
	cols, rows int
	start      []int32 // by cell, into list
	list       []int32
}

const gridCellM = 1500

func newGrid(f *Fleet) grid {
	b := f.cfg.City.Bounds
	sw, ne := f.plane.in(geo.Point{Lon: b.West, Lat: b.South}), f.plane.in(geo.Point{Lon: b.East, Lat: b.North})
	g := grid{origin: sw, size: max(gridCellM, (ne.x-sw.x)/400, (ne.y-sw.y)/400)}
	g.cols, g.rows = int((ne.x-sw.x)/g.size)+1, int((ne.y-sw.y)/g.size)+1
	g.start = make([]int32, g.cols*g.rows+1)
	open := func(s *station) bool { return s.role == rolePublic }
	for i := range f.stations {
		if open(&f.stations[i]) {
			g.start[g.cell(f.stations[i].at)+1]++
		}
	}
	for i := 1; i < len(g.start); i++ {
		g.start[i] += g.start[i-1]
	}
	g.list = make([]int32, g.start[len(g.start)-1])
	fill := make([]int32, g.cols*g.rows)
	for i := range f.stations {
		if open(&f.stations[i]) {
			c := g.cell(f.stations[i].at)
			g.list[g.start[c]+fill[c]] = int32(i)
			fill[c]++
		}
	}
	return g
}

func (g *grid) xy(at pt) (x, y int) {
	return int(min(max((at.x-g.origin.x)/g.size, 0), float32(g.cols-1))),
		int(min(max((at.y-g.origin.y)/g.size, 0), float32(g.rows-1)))
}

func (g *grid) cell(at pt) int {
	x, y := g.xy(at)
	return y*g.cols + x
}

// ring calls visit for the stations in the cells r cells away from at.
func (g *grid) ring(at pt, r int, visit func(station int32)) {
	cx, cy := g.xy(at)
	for y := cy - r; y <= cy+r; y++ {
		if y < 0 || y >= g.rows {
			continue
		}
		step := 2 * r
		if y == cy-r || y == cy+r || r == 0 {
			step = 1
		}
		for x := cx - r; x <= cx+r; x += step {
			if x < 0 || x >= g.cols {
				continue
			}
			c := y*g.cols + x
			for _, s := range g.list[g.start[c]:g.start[c+1]] {
				visit(s)
			}
		}
	}
}

// names holds every id of the city in two strings, so that none is made twice.
type names struct {
	piles  string
	pileAt []int32 // by pile, one more at the end
	vins   string
	ids    []string // by station
}

func (n *names) pile(p int32) string { return n.piles[n.pileAt[p]:n.pileAt[p+1]] }
func (n *names) vin(v int32) string  { return n.vins[v*vinLength : (v+1)*vinLength] }

// stationID returns the id of an operator's n-th station: the city's code and a number.
func stationID(c *city.City, n int) string {
	prefix := "ST"
	if len(c.Districts[0].Adcode) >= 4 {
		prefix = c.Districts[0].Adcode[:4]
	}
	id := strconv.Itoa(n)
	return prefix + "00000"[:max(0, 5-len(id))] + id
}
