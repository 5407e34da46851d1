package api

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// Bounds of what waits in a queue.
const (
	lineWaits  = 16               // questions of one client
	queueWaits = 128              // questions of all
	queueWait  = 10 * time.Second // of one question
)

// queue lets a few large questions go on at a time: about the past, which the
// store answers, or such as cost a core much. Clients take
// turns, and none has more than half of the places: who asks much waits for
// himself.
type queue struct {
	most int // of one client

	mu      sync.Mutex
	free    int
	waiting int
	lines   map[string]*line
	turns   []*line // those with someone waiting, the next one first

	refused atomic.Uint64
}

// line is one client's questions.
type line struct {
	running int
	waiters []chan struct{} // closed when it is that one's turn
}

func newQueue(atOnce int) *queue {
	return &queue{most: max(1, atOnce/2), free: atOnce, lines: make(map[string]*line)}
}

func errBusy() error {
	return charge.Errorf(busy, "too many large questions are waiting, try again later")
}

// enter waits for the client's turn. The caller calls leave with the same
// client once it has its answer. Where there is no room to wait, or no turn
// within queueWait, it is busy.
func (q *queue) enter(ctx context.Context, client string) error {
	q.mu.Lock()
	l := q.lines[client]
	if l == nil {
		l = new(line)
		q.lines[client] = l
	}
	if q.free > 0 && l.running < q.most { // nobody who may run is waiting then
		q.free--
		l.running++
		q.mu.Unlock()
		return nil
	}
	if len(l.waiters) == lineWaits || q.waiting == queueWaits {
		q.forget(client, l)
		q.mu.Unlock()
		q.refused.Add(1)
		return errBusy()
	}
	turn := make(chan struct{})
	if len(l.waiters) == 0 {
		q.turns = append(q.turns, l)
	}
	l.waiters = append(l.waiters, turn)
	q.waiting++
	q.mu.Unlock()

	timer := time.NewTimer(queueWait)
	defer timer.Stop()
	select {
	case <-turn:
		return nil
	case <-timer.C:
	case <-ctx.Done():
	}
	if !q.giveUp(client, l, turn) { // it has just become our turn
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	q.refused.Add(1)
	return errBusy()
}

// giveUp takes a waiter out; false when it waits no longer.
func (q *queue) giveUp(client string, l *line, turn chan struct{}) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, w := range l.waiters {
		if w == turn {
			l.waiters = append(l.waiters[:i], l.waiters[i+1:]...)
			q.waiting--
			if len(l.waiters) == 0 {
				q.turns = without(q.turns, l)
			}
			q.forget(client, l)
			return true
		}
	}
	return false
}

// leave gives a place back to whose turn it is.
func (q *queue) leave(client string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.lines[client]
	l.running--
	q.free++
	q.forget(client, l)
	for i := 0; q.free > 0 && i < len(q.turns); {
		next := q.turns[i]
		if next.running == q.most {
			i++
			continue
		}
		close(next.waiters[0])
		next.waiters = next.waiters[1:]
		next.running++
		q.free--
		q.waiting--
		q.turns = without(q.turns, next)
		if len(next.waiters) > 0 {
			q.turns = append(q.turns, next) // behind the others
		}
	}
}

// forget drops a line that nobody stands in. q.mu is held.
func (q *queue) forget(client string, l *line) {
	if l.running == 0 && len(l.waiters) == 0 {
		delete(q.lines, client)
	}
}

func without(turns []*line, l *line) []*line {
	for i := range turns {
		if turns[i] == l {
			return append(turns[:i], turns[i+1:]...)
		}
	}
	return turns
}

// client names who asks, for turns: the token, or else the address.
func (rq *request) client() string {
	if rq.who.token != "" {
		return "token " + rq.who.token
	}
	return rq.from.addr.String()
}
