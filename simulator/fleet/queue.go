package fleet

import (
	"math"
	"time"
)

// eventKind is what an event is about.
type eventKind uint8

const (
	evVehicle  eventKind = iota // id is a vehicle whose present act ends
	evSession                   // id is a session that moves on
	evPileUp                    // id is a pile that works again
	evStranger                  // a car outside of the set looks for a pile
	evBreak                     // some pile breaks
	evMaintain                  // some pile is taken out for maintenance
	evUnlink                    // some pile loses its link
	evStation                   // some station loses its link
	evOperator                  // some operator loses its link
	evReport                    // id is a pile whose change waits for its second to pass
)

// event is something that happens at a moment, in ms.
type event struct {
	at   int64
	id   int32
	kind eventKind
}

// before orders events by time, then kind and id, so that the order never
// depends on how they were put in.
func (e event) before(o event) bool {
	if e.at != o.at {
		return e.at < o.at
	}
	if e.kind != o.kind {
		return e.kind < o.kind
	}
	return e.id < o.id
}

// queue is a heap of events with four children a node, earliest first.
type queue []event

func (q *queue) push(e event) {
	h := append(*q, e)
	i := len(h) - 1
	for i > 0 {
		up := (i - 1) / 4
		if !e.before(h[up]) {
			break
		}
		h[i] = h[up]
		i = up
	}
	h[i] = e
	*q = h
}

func (q *queue) pop() event {
	h := *q
	top := h[0]
	e := h[len(h)-1]
	h = h[:len(h)-1]
	*q = h
	i := 0
	for len(h) > 0 {
		least := i*4 + 1
		if least >= len(h) {
			break
		}
		for c := least + 1; c < min(i*4+5, len(h)); c++ {
			if h[c].before(h[least]) {
				least = c
			}
		}
		if !h[least].before(e) {
			break
		}
		h[i] = h[least]
		i = least
	}
	if len(h) > 0 {
		h[i] = e
	}
	return top
}

// Visits without --cadence: a charging pile and a car that is on report at each
// visit, a pile that is not at each pilesBeat-th.
const (
	pileVisit = 15 * time.Second
	carVisit  = 30 * time.Second
	pilesBeat = 4
)

// turns goes round n objects once in each period, evenly spread, in an order
// that mixes the parties. Turns hang on the absolute clock, not on the start.
type turns struct {
	n, stride int64
	period    int64 // ms
	round, k  int64 // the next turn is the k-th of this round
	next      int64 // when that is, ms
}

func newTurns(n int, cadence, usual time.Duration) turns {
	if cadence == 0 {
		cadence = usual
	}
	t := turns{n: int64(n), period: cadence.Milliseconds(), stride: 1}
	// About the golden section of n, and without a common divisor.
	for t.stride = max(1, t.n*618/1000); gcd(t.stride, max(1, t.n)) != 1; t.stride++ {
	}
	return t
}

// seek makes the first turn at or after ms the next one.
func (t *turns) seek(ms int64) {
	if t.n == 0 {
		t.next = math.MaxInt64
		return
	}
	t.round = ms / t.period
	t.k = ((ms%t.period)*t.n + t.period - 1) / t.period
	t.set()
	for t.next < ms {
		t.advance()
	}
}

// object returns whose turn it is.
func (t *turns) object() int32 { return int32(t.k * t.stride % t.n) }

func (t *turns) advance() {
	t.k++
	t.set()
}

func (t *turns) set() {
	if t.k >= t.n {
		t.round, t.k = t.round+1, 0
	}
	t.next = t.round*t.period + t.k*t.period/t.n
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
