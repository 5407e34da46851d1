package stream

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// window is how many messages of a connection may wait for their PUBACK: live
// ones never by design, late ones always.
const (
	window     = 128
	lateWindow = 32
)

// line is one connection with its share of a party's objects.
type line struct {
	party   *Party
	index   int // of the party in the spec
	topic   string
	batches [][]object
	net     net.Conn
	in      *bufio.Reader
	buf     []byte
	room    chan struct{} // holds a mark for each message under way
	down    chan struct{} // closed when the connection is lost
	reading sync.WaitGroup

	mu      sync.Mutex
	err     error
	entries []Entry
	pending [1 << 16]int32 // packet id → entry + 1; 0 is free
	id      uint16
	count   Count
	rounds  int
}

// newLine connects and builds objects first … first+n-1.
func newLine(s *Spec, index, k, first, n int) (*line, error) {
	p := &s.Parties[index]
	w := window
	if p.Late {
		w = lateWindow
	}
	l := &line{party: p, index: index, topic: charge.Topic(p.Slug, p.Kind),
		room: make(chan struct{}, w), down: make(chan struct{})}
	for i := 0; i < n; i += s.Batch {
		batch := make([]object, min(s.Batch, n-i))
		for j := range batch {
			batch[j].n = first + i + j
		}
		l.batches = append(l.batches, batch)
	}
	var err error
	l.net, l.in, err = dial(s.Door, fmt.Sprint("stream-", k), p.Slug, p.Password)
	if err != nil {
		return nil, err
	}
	l.reading.Go(l.read)
	return l, nil
}

// read books acknowledgements until the connection ends.
func (l *line) read() {
	for {
		id, err := readPuback(l.in)
		at := now()
		l.mu.Lock()
		if err == nil && l.pending[id] == 0 {
			err = fmt.Errorf("a PUBACK for packet %d, which is not under way", id)
		}
		if err != nil {
			if l.err == nil {
				l.err = fmt.Errorf("%s: %w", l.party.Slug, err)
			}
			l.mu.Unlock()
			close(l.down)
			return
		}
		e := &l.entries[l.pending[id]-1]
		l.pending[id] = 0
		e.Acked = at
		l.count.Acked += uint64(e.Reports)
		l.count.Masters += uint64(e.masters)
		l.mu.Unlock()
		<-l.room
	}
}

var errDown = errors.New("the connection is lost")

// send writes one message of e.Reports reports, or of e.masters.
func (l *line) send(ctx context.Context, topic string, e Entry, payload []byte) error {
	select {
	case l.room <- struct{}{}:
	case <-l.down:
		return errDown
	case <-ctx.Done():
		return ctx.Err()
	}
	l.mu.Lock()
	if l.id++; l.id == 0 {
		l.id = 1
	}
	id := l.id
	l.pending[id] = int32(len(l.entries) + 1)
	if e.Reports > 0 {
		l.count.Published += uint64(e.Reports)
		l.count.Messages++
	}
	e.Party, e.Sent = l.index, now()
	l.entries = append(l.entries, e)
	l.mu.Unlock()
	var head [256]byte
	packet := net.Buffers{appendPublish(head[:0], topic, id, len(payload)), payload}
	if _, err := packet.WriteTo(l.net); err != nil {
		return fmt.Errorf("%s: %w", l.party.Slug, err)
	}
	return nil
}

// message renders a batch in a round.
func (l *line) message(batch []object, round, cadenceMS int, ts int64) []byte {
	var digits [tsDigits]byte
	d := appendPadded(digits[:0], int(ts), tsDigits)
	b := append(l.buf[:0], '[')
	for i := range batch {
		o := &batch[i]
		if l.party.Kind == charge.Vehicles {
			o.renderVehicle(round, cadenceMS, d)
		} else {
			o.renderPile(round, cadenceMS, d)
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, o.text...)
	}
	l.buf = append(b, ']')
	return l.buf
}

// dueAt returns when the message with the share place of a round is due, after the
// beginning: the first round takes first, the others cadence.
func dueAt(round int, place float64, first, cadence time.Duration) time.Duration {
	if round == 0 {
		return time.Duration(place * float64(first))
	}
	return first + time.Duration((float64(round-1)+place)*float64(cadence))
}

// live publishes each batch once a cadence, at its own moment, until ctx ends.
// offset is the connection's place among all, from 0 to 1, so that all together
// send evenly.
func (l *line) live(ctx context.Context, begin time.Time, first, cadence time.Duration, offset float64) error {
	for round := 0; ; round++ {
		for i, batch := range l.batches {
			place := (float64(i) + offset) / float64(len(l.batches))
			due := begin.Add(dueAt(round, place, first, cadence))
			if d := time.Until(due); d > 0 {
				select {
				case <-time.After(d):
				case <-ctx.Done():
					return nil
				}
			}
			if ctx.Err() != nil {
				return nil
			}
			payload := l.message(batch, round, int(cadence.Milliseconds()), due.UnixMilli())
			if err := l.send(ctx, l.topic, Entry{Due: due.UnixMicro(), Reports: len(batch)}, payload); err != nil {
				return stopped(ctx, err)
			}
		}
		l.mu.Lock()
		l.rounds = round + 1
		l.mu.Unlock()
	}
}

// lates publishes hours-old reports as fast as they are acknowledged, or at rate
// reports a second, until ctx ends.
func (l *line) lates(ctx context.Context, cadence time.Duration, rate int) error {
	begin, sent := time.Now(), 0
	for round := 0; ; round++ {
		ts := l.party.LateFrom.Add(time.Duration(round) * l.party.LateStep).UnixMilli()
		for _, batch := range l.batches {
			if rate > 0 {
				due := begin.Add(time.Duration(float64(sent) / float64(rate) * float64(time.Second)))
				if d := time.Until(due); d > 0 {
					time.Sleep(d)
				}
			}
			if ctx.Err() != nil {
				return nil
			}
			payload := l.message(batch, round, int(cadence.Milliseconds()), ts)
			if err := l.send(ctx, l.topic, Entry{Due: now(), Reports: len(batch)}, payload); err != nil {
				return stopped(ctx, err)
			}
			sent += len(batch)
		}
		l.mu.Lock()
		l.rounds = round + 1
		l.mu.Unlock()
	}
}

// stopped forgives an error that is only that ctx ended.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// finish waits until everything sent is acknowledged, then closes.
func (l *line) finish(within time.Duration) error {
	end := time.After(within)
	for range cap(l.room) {
		select {
		case l.room <- struct{}{}:
		case <-l.down:
			l.reading.Wait()
			return l.err
		case <-end:
			l.net.Close()
			l.reading.Wait()
			return fmt.Errorf("%s: not everything is acknowledged after %v", l.party.Slug, within)
		}
	}
	_, err := l.net.Write([]byte{mqttDisconnect, 0})
	l.net.Close()
	l.reading.Wait()
	return err
}
