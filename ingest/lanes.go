package ingest

import (
	"math"
	"slices"
	"sync"
	"time"

	"github.com/dianchi-platform/dianchi/ingest/door"
	"github.com/dianchi-platform/dianchi/internal/charge"
)

// Bounds of what waits for the judge, in bytes of payload with [overhead] a
// message. A lane always takes one message, however large.
const (
	maxWaiting = 64 << 20  // all parties together
	maxLive    = 8 << 20   // one party's live lane
	maxLate    = 2 << 20   // one party's late lane
	reserve    = 256 << 10 // of a lane, that others' backlogs cannot take
	overhead   = 256       // counted for a message beside its payload

	quantum   = 16 << 10 // bytes that a party may have judged in its turn
	lateShare = 8        // late lanes get at most one of so many bytes while live messages wait
	lateBurst = 64 << 10 // bytes that they may save up of that share
)

// lanes is where messages wait for the judge: two queues a party, one for what
// is live and one for what is late. Parties take turns by bytes (deficit round
// robin), live goes before late, and who is over its rate is passed over until
// its debt is paid. What does not fit waits outside, in Submit, so that only
// the connections of the party whose lane is full stop being read.
type lanes struct {
	mu      sync.Mutex
	parties map[charge.Num]*partyLanes
	turns   [2]turns // by lane kind
	blocked []*lane  // with messages that wait outside
	used    int      // bytes that wait or are being judged
	closed  bool     // nothing is let in any more
	hurry   bool     // the end is near: no rate holds
	idle    bool     // the judge found nothing and waits for more
	more    chan struct{}
	share   int    // bytes that late lanes have saved up while live ones were served
	late    bucket // rate of all late lanes together
	limits  limits

	slowed [2]uint64 // messages that had to wait outside, by kind
}

// limits are the bounds at work; tests make them smaller.
type limits struct {
	total   int
	lane    [2]int // by kind
	reserve int
	party   rate
	late    rate
}

func defaultLimits(cfg *Config) limits {
	party, late := float64(cfg.PartyRate), float64(cfg.LateRate)
	return limits{
		total: maxWaiting, lane: [2]int{maxLive, maxLate}, reserve: reserve,
		party: rate{party, partyBurst * party}, late: rate{late, late},
	}
}

// Kinds of lane.
const (
	laneLive = iota
	laneLate
)

// partyLanes is one party's two lanes and its rate.
type partyLanes struct {
	lane   [2]lane
	bucket bucket
}

// lane is one queue: a ring that grows with what waits.
type lane struct {
	of     *partyLanes
	kind   int
	ring   []door.Message
	head   int
	count  int
	bytes  int       // of the ring, and of what is being judged
	credit int       // bytes that it may still have judged in this turn; below 0: took too much
	queue  []*waiter // Submits that wait for room, oldest first
}

// turns are the lanes of a kind that have something to be judged.
type turns struct {
	lanes []*lane
	at    int
}

func newLanes(cfg *Config) *lanes {
	s := &lanes{parties: map[charge.Num]*partyLanes{}, more: make(chan struct{}, 1), limits: defaultLimits(cfg)}
	s.late.level = s.limits.late.burst
	return s
}

func cost(m *door.Message) int { return len(m.Payload) + overhead }

// lane returns a party's lane, making it if needed. s.mu is held.
func (s *lanes) lane(party charge.Num, kind int) *lane {
	p := s.parties[party]
	if p == nil {
		p = &partyLanes{bucket: bucket{level: s.limits.party.burst}}
		for k := range p.lane {
			p.lane[k].of, p.lane[k].kind = p, k
		}
		s.parties[party] = p
	}
	return &p.lane[kind]
}

// fits reports whether n bytes may go into l. s.mu is held.
func (s *lanes) fits(l *lane, n int) bool {
	if l.bytes == 0 {
		return true
	}
	after := l.bytes + n
	return after <= s.limits.lane[l.kind] && (s.used+n <= s.limits.total || after <= s.limits.reserve)
}

// push puts m at the end of l. s.mu is held.
func (s *lanes) push(l *lane, m *door.Message) {
	if l.count == len(l.ring) {
		ring := make([]door.Message, max(16, 2*len(l.ring)))
		n := copy(ring, l.ring[l.head:])
		copy(ring[n:], l.ring[:l.head])
		l.ring, l.head = ring, 0
	}
	l.ring[(l.head+l.count)%len(l.ring)] = *m
	if l.count++; l.count == 1 {
		t := &s.turns[l.kind]
		t.lanes = append(t.lanes, l)
	}
	l.bytes += cost(m)
	s.used += cost(m)
	s.rouse()
}

// rouse tells a judge that waits to look again. s.mu is held.
func (s *lanes) rouse() {
	if s.idle {
		s.idle = false
		select {
		case s.more <- struct{}{}:
		default: // the judge has not taken the last one, as behind drain
		}
	}
}

// pop takes the oldest message of l. Its bytes count until done. s.mu is held.
func (s *lanes) pop(l *lane) door.Message {
	m := l.ring[l.head]
	l.ring[l.head] = door.Message{}
	l.head = (l.head + 1) % len(l.ring)
	l.credit -= cost(&m)
	if l.count--; l.count == 0 {
		l.credit = min(l.credit, 0)
		s.turns[l.kind].remove(l)
		if len(l.ring) > 256 {
			l.ring, l.head = nil, 0 // a backlog's memory is given back
		}
	}
	return m
}

func (t *turns) remove(l *lane) {
	i := slices.Index(t.lanes, l)
	t.lanes = slices.Delete(t.lanes, i, i+1)
	if i < t.at {
		t.at--
	}
}

// pick returns the lane whose turn it is, or nil and how long all that have
// something are to be passed over; the wait of none at all is the longest.
func (s *lanes) pick(kind int, now time.Time) (l *lane, wait time.Duration) {
	t := &s.turns[kind]
	wait = math.MaxInt64
	for passed := 0; passed < len(t.lanes); {
		if t.at >= len(t.lanes) {
			t.at = 0
		}
		l := t.lanes[t.at]
		if d := l.of.bucket.wait(now, s.limits.party); d > 0 {
			wait = min(wait, d)
			passed++
			t.at++
			continue
		}
		if l.credit > 0 {
			return l, 0
		}
		l.credit += quantum
		passed = 0 // it is served now or in a later round
		t.at++
	}
	return nil, wait
}

// next returns the message that is to be judged next, or how long to wait for
// one unless more comes first. done must follow.
func (s *lanes) next(now time.Time) (m door.Message, l *lane, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hurry {
		if l = s.any(); l == nil {
			s.idle = true
			return m, nil, math.MaxInt64
		}
		return s.pop(l), l, 0
	}
	l, wait = s.pick(laneLive, now)
	if len(s.turns[laneLate].lanes) > 0 && (l == nil || s.share > 0) {
		if d := s.late.wait(now, s.limits.late); d > 0 {
			wait = min(wait, d)
		} else if late, d := s.pick(laneLate, now); late != nil {
			if l != nil {
				s.share -= cost(&late.ring[late.head])
			}
			l = late
		} else {
			wait = min(wait, d)
		}
	}
	if l == nil {
		s.idle = true
		return m, nil, wait
	}
	m = s.pop(l)
	if l.kind == laneLive {
		s.share = min(s.share+cost(&m)/(lateShare-1), lateBurst)
	}
	return m, l, 0
}

// wake says that the judge looks again by itself.
func (s *lanes) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.idle { // more came meanwhile, and has said so
		select {
		case <-s.more:
		default:
		}
	}
	s.idle = false
}

// any returns a lane with something in it, whatever its rate. s.mu is held.
func (s *lanes) any() *lane {
	for k := range s.turns {
		if all := s.turns[k].lanes; len(all) > 0 {
			return all[0]
		}
	}
	return nil
}

// rest returns what nobody has judged, one by one.
func (s *lanes) rest() (m door.Message, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.any()
	if l == nil {
		return m, false
	}
	return s.pop(l), true
}

// finish makes the judge take what waits without regard to rates.
func (s *lanes) finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hurry = true
	s.rouse()
}

// done gives the room of a judged message back and charges its reports.
func (s *lanes) done(l *lane, bytes int, reports uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.of.bucket.level -= float64(reports)
	if l.kind == laneLate {
		s.late.level -= float64(reports)
	}
	l.bytes -= bytes
	s.used -= bytes
	if len(s.blocked) == 0 {
		return
	}
	if len(l.queue) > 0 {
		s.admit(l)
	}
	for i := 0; i < len(s.blocked); i++ { // those whom only the total kept out
		if b := s.blocked[i]; s.admit(b) {
			i-- // it is off the list
		}
	}
	if len(s.blocked) > 1 { // somebody else is first next time
		s.blocked = append(s.blocked[1:], s.blocked[0])
	}
}

// close lets nothing in any more; those who wait outside are sent away.
func (s *lanes) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed, s.hurry = true, true
	s.rouse()
	for _, l := range s.blocked {
		for _, w := range l.queue {
			w.state <- false
		}
		l.queue = nil
	}
	s.blocked = nil
}
