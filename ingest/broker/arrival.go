package broker

import (
	"sync"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// arrival is a message that came and is not acknowledged yet.
type arrival struct {
	s     *Source
	msg   mqtt.Message
	ours  bool // it was handed to the taker
	ready bool
	err   error
}

// arrivals are in the order in which they came. MQTT 3.1.1 §4.6 wants their
// acknowledgements in that order; late messages are judged after live ones.
type arrivals struct {
	mu    sync.Mutex
	queue []*arrival
	more  chan struct{} // holds a mark when the first of them is ready
}

// done is the message's Done. It never waits.
func (a *arrival) done(err error) {
	q := &a.s.arrivals
	q.mu.Lock()
	a.ready, a.err = true, err
	first := len(q.queue) > 0 && q.queue[0] == a
	q.mu.Unlock()
	if first {
		select {
		case q.more <- struct{}{}:
		default:
		}
	}
}

// arrive puts m at the end of those that wait for their acknowledgement.
func (s *Source) arrive(m mqtt.Message, ours bool) *arrival {
	s.inFlight.Add(1)
	a := &arrival{s: s, msg: m, ours: ours}
	q := &s.arrivals
	q.mu.Lock()
	defer q.mu.Unlock()
	q.queue = append(q.queue, a)
	return a
}

// take returns those at the head that are ready.
func (q *arrivals) take(dst []*arrival) []*arrival {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for n < len(q.queue) && q.queue[n].ready {
		n++
	}
	dst = append(dst[:0], q.queue[:n]...)
	clear(q.queue[:n])
	if q.queue = q.queue[n:]; len(q.queue) == 0 {
		q.queue = nil
	}
	return dst
}

// acknowledge sends acknowledgements in the order in which messages came,
// apart from the committer, which must not wait for a socket.
func (s *Source) acknowledge() {
	var ready []*arrival
	for {
		select {
		case <-s.arrivals.more:
		case <-s.running.Done():
			return
		}
		ready = s.arrivals.take(ready)
		for _, a := range ready {
			_, _, ok := s.route(a.msg.Topic())
			switch {
			case a.err == nil:
				a.msg.Ack()
				if a.ours {
					s.acked.Add(1)
				}
			case !ok: // its party was removed while it was on its way
				s.dropped.Add(1)
				a.msg.Ack()
			}
			s.inFlight.Add(-1)
		}
	}
}
