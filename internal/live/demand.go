package live

import (
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

// demandRes is the resolution whose centres say whether a free pile is near.
const demandRes = 9

// nearM is how near a free public pile must be, in metres, edge included.
const nearM = 3000

// aroundM is a little more: the side of boxes to look through.
const aroundM = nearM + 1

// addLow counts a vehicle under 30 % SOC in, or out of, a path.
func (s *State) addLow(q *path, by int32) {
	mid := q.anchor()
	if mid.near < 0 {
		mid.near = s.countNear(mid.center)
	}
	q.low += by
	if mid.near == 0 {
		s.addDemand(q, by)
	}
}

func (s *State) addDemand(q *path, by int32) {
	for _, n := range q.nodes {
		n.cars[carDemand].Add(by)
		s.carHeat.touch(n)
	}
}

// countNear returns how many public stations near p have a free pile.
func (s *State) countNear(p geo.Point) int32 {
	count := int32(0)
	s.grid.eachIn(widen(geo.Box{West: p.Lon, South: p.Lat, East: p.Lon, North: p.Lat}, aroundM), func(b *block, i int) {
		r := &b.rows[i]
		if r.flags&rowPublic != 0 && packed(r.counts.Load()).get(packFree) > 0 && geo.DistanceM(p, b.pos[i]) <= nearM {
			count++
		}
	})
	return count
}

// freeChanged tells the cells around a station that it has a free pile now, or
// has none any more.
func (s *State) freeChanged(site *Site, free bool) {
	if site.Access != charge.Public {
		return
	}
	p := site.Pos()
	around := widen(geo.Box{West: p.Lon, South: p.Lat, East: p.Lon, North: p.Lat}, aroundM)
	s.carHeat.each(demandRes, around, func(n *node) {
		if n.near < 0 || geo.DistanceM(n.center, p) > nearM {
			return
		}
		switch {
		case free:
			n.near++
			if n.near == 1 {
				s.turnDemand(n, -1)
			}
		default:
			n.near--
			if n.near == 0 {
				s.turnDemand(n, 1)
			}
		}
	})
}

// turnDemand makes the low vehicles of a cell demand (by 1), or no more.
func (s *State) turnDemand(n *node, by int32) {
	for q := n.first; q != nil; q = q.next {
		if q.low != 0 {
			s.addDemand(q, q.low*by)
		}
	}
}
