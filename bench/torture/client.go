package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// client is one publisher of a party. It reports for its objects in turn, keeps
// a window of messages under way, and sends again, in order, what was not
// acknowledged before its connection ended.
type client struct {
	world   *world
	lane    *lane
	party   *party
	number  int
	rng     *rand.Rand
	objects []*object

	next    int   // object
	last    int64 // ts of its newest message
	stale   int64 // ts of the next report that is hours late
	nextID  uint16
	pending []*message // sent or to be sent, not acknowledged, oldest first
	recent  []*message // acknowledged lately, oldest first
	asked   chan *message

	waiting atomic.Int64 // messages in pending
	quiet   atomic.Bool  // it has seen that the lane is paused, and everything is acknowledged
	orders  chan order
}

// message is one PUBLISH.
type message struct {
	id      uint16
	topic   string
	payload []byte
	reports int // its elements
	bad     int // of these to be rejected
	slack   bool
	acked   time.Time
	done    chan struct{} // of asked: closed when it is acknowledged
}

// order is what a fault does to a client's connection.
type order struct {
	away  time.Duration // the connection is cut and opened again after this
	mute  bool          // …just after a message was sent, so that its PUBACK is lost
	again time.Duration // what was acknowledged this long ago is sent again, too: the broker may have lost it
}

const (
	window     = 48               // messages under way
	keepRecent = 400              // messages: twice what the party sends while a broker may lose it
	patience   = 30 * time.Second // without a PUBACK for what is under way
)

// run publishes until ctx ends.
func (c *client) run(ctx context.Context, interval time.Duration) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for ctx.Err() == nil {
		l, acks, ended, err := c.connect()
		if err != nil {
			select {
			case <-ctx.Done():
			case o := <-c.orders:
				c.remember(o)
			case <-time.After(300 * time.Millisecond):
			}
			continue
		}
		o := c.serve(ctx, l, acks, ended, tick.C)
		l.cut()
		if len(c.pending) > 0 {
			c.party.mu.Lock()
			c.party.cuts++
			c.party.mu.Unlock()
		}
		c.remember(o)
		for back := time.Now().Add(o.away); time.Now().Before(back) && ctx.Err() == nil; {
			select {
			case <-ctx.Done():
			case o := <-c.orders:
				c.remember(o)
			case <-time.After(time.Until(back)):
			}
		}
	}
}

// remember puts back what the broker may have lost.
func (c *client) remember(o order) {
	if o.again == 0 {
		return
	}
	from := len(c.recent)
	for from > 0 && time.Since(c.recent[from-1].acked) < o.again {
		from--
	}
	c.pending = append(append([]*message(nil), c.recent[from:]...), c.pending...)
	c.recent = c.recent[:from]
	c.waiting.Store(int64(len(c.pending)))
	c.party.mu.Lock()
	c.party.cuts++
	c.party.mu.Unlock()
}

func (c *client) connect() (*link, <-chan uint16, <-chan error, error) {
	l, err := dial(c.lane.mqtt, fmt.Sprintf("torture-%s-%d", c.party.slug, c.number), c.party.slug, c.party.password)
	if err != nil {
		return nil, nil, nil, err
	}
	acks, ended, over := make(chan uint16, 4*window), make(chan error, 1), make(chan struct{})
	var once sync.Once
	l.puback = func(id uint16) {
		select {
		case acks <- id:
		case <-over:
		}
	}
	l.ended = func(err error) { once.Do(func() { close(over) }); ended <- err }
	l.word = c.party.hear
	if c.number == 0 {
		if err := l.subscribe("dianchi/v1/" + c.party.slug + "/feedback"); err != nil {
			l.cut()
			return nil, nil, nil, err
		}
	}
	go l.serve()
	return l, acks, ended, nil
}

// serve works with one connection until it ends, and returns what is to be done then.
func (c *client) serve(ctx context.Context, l *link, acks <-chan uint16, ended <-chan error, tick <-chan time.Time) order {
	underWay := 0 // the first of pending that are on this connection
	lastAck := time.Now()
	send := func() bool {
		for underWay < min(len(c.pending), window) {
			m := c.pending[underWay]
			c.nextID = c.nextID%60000 + 1
			m.id = c.nextID
			c.party.count(m, false)
			if l.publish(m.id, m.topic, m.payload) != nil {
				return false
			}
			underWay++
		}
		return true
	}
	if !send() {
		return order{}
	}
	for {
		select {
		case <-ctx.Done():
			return order{}
		case <-ended:
			return order{}
		case o := <-c.orders:
			if o.mute && !c.lane.paused.Load() {
				c.produce()
				send()
			}
			return o
		case m := <-c.asked:
			c.pending = append(c.pending, m)
		case id := <-acks:
			lastAck = time.Now()
			if underWay == 0 || c.pending[0].id != id {
				c.lane.fault("a PUBACK of %s that nobody waits for: %d", c.party.slug, id)
				return order{}
			}
			c.acknowledged()
			underWay--
		case now := <-tick:
			if underWay > 0 && now.Sub(lastAck) > patience {
				return order{} // the other side is dead: dial again
			}
			if underWay == 0 {
				lastAck = now
			}
			switch {
			case c.lane.paused.Load():
				c.quiet.Store(len(c.pending) == 0)
			case len(c.pending) < window:
				c.produce()
			}
		}
		if !send() {
			return order{}
		}
		c.waiting.Store(int64(len(c.pending)))
	}
}

func (c *client) acknowledged() {
	m := c.pending[0]
	m.acked = time.Now()
	c.pending = c.pending[1:]
	c.party.count(m, true)
	c.lane.acked(m)
	if m.done != nil {
		close(m.done)
		m.done = nil
	}
	c.recent = append(c.recent, m)
	if len(c.recent) > keepRecent {
		c.recent = append([]*message(nil), c.recent[keepRecent/2:]...)
	}
	c.waiting.Store(int64(len(c.pending)))
}

// count books a copy that goes out, or one that was acknowledged.
func (p *party) count(m *message, acked bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if acked {
		p.acked += uint64(m.reports)
		return
	}
	p.sent += uint64(m.reports)
	p.badCopies += uint64(m.bad)
	if m.slack {
		p.slack += uint64(m.reports)
	}
}

// hear takes a feedback.
func (p *party) hear(payload []byte) {
	var m struct{ Total account }
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := json.Unmarshal(payload, &m); err != nil {
		p.wentBack = fmt.Sprintf("feedback that is no JSON: %.200s", payload)
		return
	}
	t, old := m.Total, p.total
	if t.Received < old.Received || t.Taken < old.Taken || t.History < old.History || t.Rejected < old.Rejected ||
		t.Duplicate < old.Duplicate {
		p.wentBack = fmt.Sprintf("from %+v to %+v", old, t)
	}
	if t.Received != t.sum() {
		p.wentBack = fmt.Sprintf("received is not the sum in %+v", t)
	}
	p.total = t
	p.words++
}

// ask hands in a message from outside and waits for its PUBACK.
func (c *client) ask(ctx context.Context, kind, payload string, elements int) error {
	m := &message{topic: c.topic(kind), payload: []byte(payload), reports: elements, done: make(chan struct{})}
	done := m.done
	c.party.mu.Lock()
	c.party.distinct += uint64(elements)
	c.party.mu.Unlock()
	select {
	case c.asked <- m:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-done:
		return nil
	case <-time.After(time.Minute):
		return fmt.Errorf("%s of %s are not acknowledged within a minute", kind, c.party.slug)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *client) topic(kind string) string { return "dianchi/v1/" + c.party.slug + "/" + kind }

// produce makes the next messages: reports, and now and then something else.
func (c *client) produce() {
	c.reports()
	switch k := c.rng.IntN(100); {
	case k < 3 && len(c.recent) > 0: // a party that is unsure sends again
		m := *c.recent[max(0, len(c.recent)-1-c.rng.IntN(4))]
		if !m.slack {
			c.pending = append(c.pending, &m)
			c.lane.tally("repeats")
		}
	case k < 8 && c.party.operator:
		c.finishSession()
	case k == 8 && c.party.operator && !c.lane.outside: // a broker that hands old names on again would have them taken again
		c.rename()
	case k == 9:
		c.pending = append(c.pending, &message{topic: c.topic(c.kind()), payload: []byte(`[{"id":"x"`), reports: 1, bad: 1})
		c.party.mu.Lock()
		c.party.bad++
		c.party.mu.Unlock()
	}
	c.waiting.Store(int64(len(c.pending)))
}

func (c *client) kind() string {
	if c.party.operator {
		return "piles"
	}
	return "vehicles"
}

// reports makes one message of reports.
func (c *client) reports() {
	now := time.Now().UnixMilli()
	c.last = max(c.last+2, now-now%2) // even; late ones are odd, so no two are the same
	m := &message{topic: c.topic(c.kind()), payload: []byte{'['}}
	var distinct, bad uint64
	add := func(o *object, ts int64, v *values) {
		c.put(m, o.id, ts, v, o.members)
		o.sent = append(o.sent, entry{ts, v.print(o.members)})
		distinct++
	}
	for range perMessage {
		o := c.objects[c.next]
		c.next = (c.next + 1) % len(c.objects)
		switch {
		case o.quits != 0 && now > o.quits || o.once && o.last != 0:
			continue
		case o.quits == 0 && c.rng.IntN(20_000) == 0:
			o.quits = now
		}
		ts := c.last
		if o.once { // four and a half minutes late: soon it is offline
			ts -= 270_000 + int64(c.rng.IntN(10_000))*2
		}
		if o.station != nil {
			nextPile(&o.now, c.rng)
		} else {
			nextVehicle(&o.now, c.rng)
		}
		add(o, ts, &o.now)
		o.last = ts
	}
	o := c.objects[c.rng.IntN(len(c.objects))]
	switch k := c.rng.IntN(30); {
	case k == 0 && o.last != 0 && !o.once: // out of order
		if ts := o.last - 1 - 2*int64(c.rng.IntN(1500)); ts > o.late {
			v := o.now
			c.vary(&v, o)
			o.late = ts
			add(o, ts, &v)
			c.lane.tally("late")
		}
	case k == 1 && o.last != 0 && !o.once: // hours late
		if c.stale -= 2; c.stale > c.lane.shard {
			v := o.now
			c.vary(&v, o)
			add(o, c.stale, &v)
			c.lane.tally("late")
		}
	case k == 2: // of nobody
		id := "nobody"
		if !c.party.operator {
			id = "LTRTX000000000000" // a VIN with a letter that no VIN has would not get as far
			id = id[:16] + "I"
		}
		c.put(m, id, c.last, &o.now, o.members)
		bad++
	case k == 3: // without its time
		m.payload = append(m.payload, fmt.Sprintf(`{"id":%q,"vin":%q,"status":1},`, o.id, o.id)...)
		m.reports++
		bad++
	}
	if m.reports == 0 {
		return
	}
	m.payload[len(m.payload)-1] = ']'
	m.bad = int(bad)
	c.party.mu.Lock()
	c.party.distinct += distinct
	c.party.bad += bad
	c.party.mu.Unlock()
	c.pending = append(c.pending, m)
	c.lane.published.Add(int64(m.reports))
}

// vary makes a late report differ from what is live, without moving a vehicle.
func (c *client) vary(v *values, o *object) {
	if o.station != nil {
		v.set(atMeter, v.n[atMeter]-1-int32(c.rng.IntN(3)))
		return
	}
	v.set(atVSOC, int32(c.rng.IntN(101)))
}

func (c *client) put(m *message, id string, ts int64, v *values, members []member) {
	name := `{"id":"`
	if !c.party.operator {
		name = `{"vin":"`
	}
	m.payload = append(append(m.payload, name...), id...)
	m.payload = strconv.AppendInt(append(m.payload, `","ts":`...), ts, 10)
	m.payload = append(v.appendJSON(m.payload, members), '}', ',')
	m.reports++
}

func (c *client) finishSession() {
	o := c.objects[c.rng.IntN(len(c.objects))]
	w := c.world
	end := time.Now().UnixMilli() - int64(c.rng.IntN(60_000))
	w.mu.Lock()
	s := &session{pile: o, id: fmt.Sprintf("A%d-%d", c.number, len(w.sessions)), start: end - 600_000 - int64(c.rng.IntN(600_000)),
		end: end, energy: int32(c.rng.IntN(4000)), fen: int32(c.rng.IntN(9000))}
	w.sessions = append(w.sessions, s)
	w.mu.Unlock()
	payload := fmt.Sprintf(`{"id":%q,"pile":%q,"startTs":%d,"endTs":%d,"energyKwh":%s,"totalYuan":%s}`, s.id, o.id, s.start,
		s.end, hundredths(s.energy), hundredths(s.fen))
	c.pending = append(c.pending, &message{topic: c.topic("sessions"), payload: []byte(payload), reports: 1})
	c.party.mu.Lock()
	c.party.distinct++
	c.party.mu.Unlock()
}

func hundredths(n int32) string { return strconv.FormatFloat(float64(n)/100, 'f', -1, 64) }

// rename changes one of the client's stations: it is replaced whole.
func (c *client) rename() {
	s := c.objects[c.rng.IntN(len(c.objects))].station
	s.renamed++
	s.name = fmt.Sprintf("站%d", s.renamed)
	c.pending = append(c.pending, &message{topic: c.topic("stations"), payload: []byte(s.payload()), reports: 1, slack: true})
	c.party.mu.Lock()
	c.party.distinct++
	c.party.mu.Unlock()
}
