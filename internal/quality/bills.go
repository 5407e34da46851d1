package quality

import (
	"math"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// bills is what the rules know of the sessions that a pile's operator has
// billed: the two that end last, and how many ended on the newest day.
type bills struct {
	last  [2]span
	day   uint16 // days since 1970 (UTC)
	count uint16
}

// span is when a session was. Without an id it is none.
type span struct {
	start, end seconds // start rounded up, end rounded down: what is surely within
	id         uint32  // hash of the session's id
}

func spanOf(s *charge.Session) span {
	return span{secondsOf(s.Start + 999), secondsOf(s.End), hash32(s.ID)}
}

// RememberSession moves m on by a session that was taken.
func (m *PileMemory) RememberSession(s *charge.Session) {
	b, x := &m.bills, spanOf(s)
	known := false
	for i := range b.last {
		if b.last[i].id == x.id { // a correction
			b.last[i], known = x, true
		}
	}
	if known {
		return
	}
	switch day := dayOf(s); {
	case day > b.day:
		b.day, b.count = day, 1
	case day == b.day:
		b.count = min(b.count, math.MaxUint16-1) + 1
	}
	older := 0
	if b.last[1].id == 0 || b.last[0].id != 0 && b.last[1].end < b.last[0].end {
		older = 1
	}
	if b.last[older].id == 0 || b.last[older].end <= x.end {
		b.last[older] = x
	}
}

func dayOf(s *charge.Session) uint16 { return uint16(max(0, s.End) / millisPerDay) }

// sessionOverlap compares a session with the last two at its pile.
func sessionOverlap(m *PileMemory, s *charge.Session, _ *SessionFacts, _ charge.Millis, _ *Limits, f *Findings) {
	x := spanOf(s)
	for _, o := range m.bills.last {
		if o.id != 0 && o.id != x.id && x.start < o.end && o.start < x.end {
			f.add(charge.RuleSessionOverlap, charge.ActFlag,
				"session %s overlaps another at pile %s, from %s to %s", s.ID, s.PileID, o.start.millis(), o.end.millis())
			return
		}
	}
}

// sessionMany counts the sessions that end at a pile in a day.
func sessionMany(m *PileMemory, s *charge.Session, _ *SessionFacts, _ charge.Millis, l *Limits, f *Findings) {
	b := &m.bills
	if int(b.count) < l.PerDay || dayOf(s) != b.day || hash32(s.ID) == b.last[0].id || hash32(s.ID) == b.last[1].id {
		return
	}
	f.add(charge.RuleSessionMany, charge.ActFlag, "session %s is number %d at pile %s on its day, more than %d", s.ID,
		b.count+1, s.PileID, l.PerDay)
}
