package quality

import (
	"cmp"
	"encoding/binary"
	"errors"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

// Meeting is a vehicle that charges at a pile, and by how many GCJ-02 shifts
// the station's position is off from the vehicle's: 0, 1 or -1.
type Meeting struct {
	Operator, Maker charge.Num
	Pile, Vehicle   charge.Num
	Shift           int8
}

// ShiftOf compares a station's position with that of a vehicle that stands at
// it. It is false when they are apart by something else than the shift.
func (l *Limits) ShiftOf(station, vehicle geo.Point) (shift int8, ok bool) {
	if geo.DistanceM(station, vehicle) <= l.CRSTolerance {
		return 0, true
	}
	if geo.DistanceM(station, geo.ToGCJ02(vehicle)) <= l.CRSTolerance {
		return 1, true
	}
	if geo.DistanceM(station, geo.FromGCJ02(vehicle)) <= l.CRSTolerance {
		return -1, true
	}
	return 0, false
}

// Suspect is a party whose positions seem to be in the wrong coordinate system.
type Suspect struct {
	Party charge.Num
	Shift int8 // 1: they are GCJ-02 and said to be WGS-84; -1: they are WGS-84 and said to be GCJ-02
	Votes int  // meetings that show it
	Of    int  // meetings that count
}

// Bounds of a [Meetings].
const (
	cellVotes = 32   // newest meetings of an operator's piles with a maker's vehicles
	maxCells  = 4096 // pairs of operator and maker: 1.6 MB
)

// Meetings keeps the newest meetings of each operator's piles with each maker's
// vehicles, and tells who seems to be off. The zero value is empty. It has a
// bounded size: 32 meetings for each of at most 4,096 pairs of parties.
type Meetings struct {
	cells map[pair]*cell
	off   map[charge.Num]int8
}

type pair struct{ operator, maker charge.Num }

type cell struct {
	next  uint8
	votes [cellVotes]vote
}

// vote is one meeting. Without a time it is none.
type vote struct {
	who   uint32 // hash of pile and vehicle: the same two count once
	at    seconds
	shift int8
}

// Add keeps one meeting.
func (s *Meetings) Add(m Meeting, at charge.Millis) {
	key := pair{m.Operator, m.Maker}
	c := s.cells[key]
	if c == nil {
		if len(s.cells) >= maxCells {
			return
		}
		if s.cells == nil {
			s.cells = map[pair]*cell{}
		}
		c = &cell{}
		s.cells[key] = c
	}
	var h fingerprint
	h.word(uint64(m.Pile)<<32 | uint64(m.Vehicle))
	v := vote{who: uint32(h.sum() >> 32), at: secondsOf(at), shift: m.Shift}
	for i := range c.votes {
		if old := &c.votes[i]; old.at != 0 && old.who == v.who {
			*old = v
			return
		}
	}
	c.votes[c.next] = v
	c.next = (c.next + 1) % cellVotes
}

// Drop forgets a party.
func (s *Meetings) Drop(party charge.Num) {
	maps.DeleteFunc(s.cells, func(p pair, _ *cell) bool { return p.operator == party || p.maker == party })
	delete(s.off, party)
}

// Off returns by how many shifts a party's positions seem to be off: 0, 1 or
// -1, as [Meetings.Suspects] found last.
func (s *Meetings) Off(party charge.Num) int8 { return s.off[party] }

// shown is what the meetings of one party show.
type shown struct {
	all   int
	shift [3]int // meetings by the party's own shift, plus one
	with  [3]int // other parties that they were with
}

// Suspects finds who is off, by number. Of a pair that is apart either may be;
// so the party that explains most meetings goes first and its meetings are set
// aside, and none is named that has met only one other.
func (s *Meetings) Suspects(now charge.Millis, l *Limits) []Suspect {
	s.off = map[charge.Num]int8{}
	var all []Suspect
	for {
		best := Suspect{}
		for party, t := range s.count(now, l) {
			for _, shift := range [...]int8{1, -1} {
				n := t.shift[shift+1]
				if t.all < l.CRSVotes || float64(n) < l.CRSShare*float64(t.all) || t.with[shift+1] < 2 {
					continue
				}
				if n > best.Votes || n == best.Votes && party < best.Party {
					best = Suspect{Party: party, Shift: shift, Votes: n, Of: t.all}
				}
			}
		}
		if best.Party == 0 {
			slices.SortFunc(all, func(a, b Suspect) int { return cmp.Compare(a.Party, b.Party) })
			return all
		}
		s.off[best.Party] = best.Shift
		all = append(all, best)
	}
}

// count adds the meetings up by party, without those of parties that are off.
func (s *Meetings) count(now charge.Millis, l *Limits) map[charge.Num]*shown {
	sums := map[charge.Num]*shown{}
	add := func(party charge.Num, shift int8, n int) {
		t := sums[party]
		if t == nil {
			t = &shown{}
			sums[party] = t
		}
		t.all += n
		t.shift[shift+1] += n
		t.with[shift+1]++
	}
	for p, c := range s.cells {
		if s.off[p.operator] != 0 || s.off[p.maker] != 0 {
			continue
		}
		var n [3]int
		for i := range c.votes {
			if v := &c.votes[i]; v.at != 0 && secondsOf(now).since(v.at) <= l.CRSKeep {
				n[v.shift+1]++
			}
		}
		for shift := int8(-1); shift <= 1; shift++ {
			if k := n[shift+1]; k > 0 {
				add(p.operator, shift, k)
				add(p.maker, -shift, k)
			}
		}
	}
	return sums
}

const meetingsVersion = 1

var errMeetings = errors.New("cannot read meetings: they are cut off or of an unknown version")

// Append appends s's encoded form, which takes all of what follows.
func (s *Meetings) Append(dst []byte) []byte {
	dst = append(dst, meetingsVersion)
	keys := slices.SortedFunc(maps.Keys(s.cells), func(a, b pair) int {
		return cmp.Or(cmp.Compare(a.operator, b.operator), cmp.Compare(a.maker, b.maker))
	})
	for _, p := range keys {
		c := s.cells[p]
		dst = binary.AppendUvarint(binary.AppendUvarint(dst, uint64(p.operator)), uint64(p.maker))
		dst = append(dst, c.next)
		for _, v := range c.votes {
			dst = binary.AppendUvarint(dst, uint64(v.at))
			if v.at != 0 {
				dst = append(binary.LittleEndian.AppendUint32(dst, v.who), byte(v.shift+1))
			}
		}
	}
	return dst
}

// Decode reads what [Meetings.Append] wrote.
func (s *Meetings) Decode(b []byte) error {
	*s = Meetings{}
	if versionOf(b) != meetingsVersion {
		return errMeetings
	}
	cells := map[pair]*cell{}
	r := members{b: b[1:]}
	for len(r.b) > 0 {
		p := pair{r.next(math.MaxUint32), r.next(math.MaxUint32)}
		c := &cell{next: uint8(r.next(cellVotes - 1))}
		for i := range c.votes {
			v := &c.votes[i]
			if v.at = r.seconds(); v.at == 0 {
				continue
			}
			if len(r.b) < 5 || r.b[4] > 2 {
				return errMeetings
			}
			v.who, v.shift = binary.LittleEndian.Uint32(r.b), int8(r.b[4])-1
			r.b = r.b[5:]
		}
		if cells[p] = c; r.err != nil || len(cells) > maxCells {
			return errMeetings
		}
	}
	s.cells = cells
	return nil
}

// MeetingAt compares where a vehicle was heard last with the station where it
// charges since about a minute: by how many shifts they are apart, or how many
// metres if that is too far (session.vehicle-apart). ok is false when nothing can be said.
func (l *Limits) MeetingAt(station geo.Point, v *VehicleMemory, now charge.Millis) (shift int8, apartM float64, ok bool) {
	where, at, still := v.Fix()
	if at == 0 || !still || now.Sub(at).Abs() > l.CRSFresh {
		return 0, 0, false
	}
	if m := geo.DistanceM(station, where); m > l.ApartM {
		return 0, m, true
	}
	shift, ok = l.ShiftOf(station, where)
	return shift, 0, ok
}

// Recount is how often who is off should be found anew while no meetings come.
const Recount = time.Minute
