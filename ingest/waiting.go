package ingest

import (
	"context"
	"slices"
	"sync"

	"github.com/dianchi-platform/dianchi/ingest/door"
)

// waiter is a message that waits outside of its lane.
type waiter struct {
	m     door.Message
	state chan bool // told once: true when the message was let in, false when it will not be
}

// put lets m into its party's lane of a kind, waiting for room. False when there
// will be none, or ctx ended.
func (s *lanes) put(ctx context.Context, kind int, m *door.Message) bool {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return false
	}
	l := s.lane(m.Party, kind)
	if len(l.queue) == 0 && s.fits(l, cost(m)) {
		s.push(l, m)
		s.mu.Unlock()
		return true
	}
	w := waiters.Get().(*waiter)
	w.m = *m
	if l.queue = append(l.queue, w); len(l.queue) == 1 {
		s.blocked = append(s.blocked, l)
	}
	s.slowed[kind]++
	s.mu.Unlock()
	in := false
	select {
	case in = <-w.state:
	case <-ctx.Done():
		in = s.leave(l, w)
	}
	w.m = door.Message{}
	waiters.Put(w)
	return in
}

var waiters = sync.Pool{New: func() any { return &waiter{state: make(chan bool, 1)} }}

// leave takes w out of the queue; if it is told already, it returns what.
func (s *lanes) leave(l *lane, w *waiter) (in bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(l.queue, w)
	if i < 0 {
		return <-w.state
	}
	if l.queue = slices.Delete(l.queue, i, i+1); len(l.queue) == 0 {
		s.unblock(l)
	} else {
		s.admit(l) // who stands behind may be smaller
	}
	return false
}

func (s *lanes) unblock(l *lane) {
	if i := slices.Index(s.blocked, l); i >= 0 {
		s.blocked = slices.Delete(s.blocked, i, i+1)
	}
}

// admit lets those in who wait for l, as far as they fit; it returns whether
// nobody waits any more. s.mu is held.
func (s *lanes) admit(l *lane) bool {
	n := 0
	for n < len(l.queue) && s.fits(l, cost(&l.queue[n].m)) {
		s.push(l, &l.queue[n].m)
		l.queue[n].state <- true
		n++
	}
	if l.queue = slices.Delete(l.queue, 0, n); len(l.queue) > 0 {
		return false
	}
	l.queue = nil
	s.unblock(l)
	return true
}

// Waiting is what waits for the judge.
type Waiting struct {
	Messages, Bytes int    // inside the lane
	Outside         int    // messages whose connections are not read on for now
	Slowed          uint64 // messages that have waited outside since the start
}

// Waiting returns what waits in the live lanes, and in the late ones.
func (p *Pipeline) Waiting() (live, late Waiting) {
	s := p.lanes
	s.mu.Lock()
	defer s.mu.Unlock()
	all := [2]Waiting{{Slowed: s.slowed[laneLive]}, {Slowed: s.slowed[laneLate]}}
	for _, q := range s.parties {
		for k := range q.lane {
			all[k].Messages += q.lane[k].count
			all[k].Bytes += q.lane[k].bytes
			all[k].Outside += len(q.lane[k].queue)
		}
	}
	return all[laneLive], all[laneLate]
}
