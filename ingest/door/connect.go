package door

import (
	"errors"
	"fmt"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// maxClientID is the longest client id in bytes.
const maxClientID = 1024

// greet reads the CONNECT and answers it. After an error nothing was let in.
func (c *conn) greet() error {
	h, err := readHeader(c.r, smallPacket)
	if err != nil {
		return err
	}
	if h.kind != typeConnect {
		return &refusal{"no-connect", 1, reasonProtocol}
	}
	body, err := readBody(c.r, h.size)
	if err != nil {
		return err
	}
	level, err := protocolLevel(body)
	if err != nil {
		return err
	}
	if level != 4 && level != 5 {
		// The answer is in 3.1.1's form below 5 and in 5's above.
		return c.deny(level > 5, &refusal{"protocol-version", 1, reasonVersion})
	}
	c.v5 = level == 5
	p, err := decode(h, body, c.v5)
	if err != nil {
		if r, ok := errors.AsType[*refusal](err); ok && c.v5 {
			return c.deny(true, r)
		}
		return err
	}
	if r := c.letIn(p.connect); r != nil {
		return c.deny(c.v5, r)
	}
	return nil
}

// deny answers a CONNECT with a refusal and returns it.
func (c *conn) deny(v5 bool, r *refusal) error {
	if v5 {
		c.send(appendConnack5Refused(nil, r))
	} else {
		c.send([]byte{2 << 4, 2, 0, r.code})
	}
	return r
}

// letIn checks who the client is and whether there is room, and sends the
// CONNACK before anything else can be sent to it.
func (c *conn) letIn(p *connectPacket) *refusal {
	d := c.door
	switch {
	case p.authMethod:
		return &refusal{"auth-method", 5, reasonAuthMethod}
	case !p.hasUser || p.username == "":
		return &refusal{"no-user", 5, reasonNotAuthorized}
	case len(p.clientID) > maxClientID, p.clientID == "" && !p.clean && !c.v5:
		return &refusal{"client-id", 2, reasonClientID}
	case d.isStalled():
		return &refusal{"stalled", 3, reasonUnavailable}
	}
	if r := c.enter(p); r != nil {
		return r
	}
	c.keepAlive(p.keepAlive)
	if c.v5 {
		c.send(appendConnack5(nil, c, p))
	} else {
		c.send([]byte{2 << 4, 2, 0, 0})
	}
	c.mu.Lock()
	c.open = true
	c.mu.Unlock()
	d.log.Debug("MQTT client connected", "party", c.party.Slug, "client", c.key.id, "from", c.nc.RemoteAddr().String())
	return nil
}

// enter checks the password, not too often for who guesses, and finds a place.
func (c *conn) enter(p *connectPacket) *refusal {
	d := c.door
	a, ok := d.guard.admit(c.ctx, c.from, p.username)
	if !ok {
		return &refusal{"guessing", 3, reasonRateExceeded}
	}
	passed := false
	defer func() { a.end(passed) }()
	for {
		kicks := d.kickCount()
		party, err := d.deps.Auth.CheckPassword(p.username, p.password)
		if err != nil {
			d.log.Debug("MQTT login refused", "user", p.username, "from", c.nc.RemoteAddr().String())
			return &refusal{"bad-password", 4, reasonBadPassword}
		}
		passed = true
		c.party = party
		c.topic = charge.Topic(party.Slug, charge.Feedback)
		c.most = p.maxPacket
		again, r := d.register(c, p, kicks)
		if r != nil || !again {
			return r
		}
		passed = false
	}
}

func (d *Door) kickCount() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.kicks
}

// register puts c into the door's books, in place of a connection with the same
// client id. again says that a party was removed since the password was
// checked, perhaps this one: it must be checked again.
func (d *Door) register(c *conn, p *connectPacket, kicks uint64) (again bool, r *refusal) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.kicks != kicks {
		return true, nil
	}
	key := clientKey{c.party.Num, p.clientID}
	if p.clientID == "" {
		d.anonymous++
		key.id = fmt.Sprintf("dianchi-%d-%d", time.Now().UnixNano(), d.anonymous)
	}
	old := d.clients[key]
	of := d.party(c.party.Num)
	switch {
	case d.stopping:
		r = &refusal{"stopping", 3, reasonShuttingDown}
	case old != nil: // takes its place
	case len(d.clients) >= d.cfg.MaxConns:
		r = &refusal{"too-many-connections", 3, reasonBusy}
	case len(of.conns) >= d.cfg.MaxPartyConns:
		r = &refusal{"too-many-of-party", 3, reasonQuota}
	}
	if r != nil {
		d.tidy(c.party.Num)
		return false, r
	}
	if old != nil {
		delete(of.conns, old)
		old.close(&refusal{"", 3, reasonTakenOver})
		d.count.takenOver.Add(1)
	}
	c.key = key
	d.waiting.remove(c)
	d.clients[key] = c
	of.conns[c] = struct{}{}
	return false, nil
}

// keepAlive sets the longest silence from what the client announced, in seconds.
func (c *conn) keepAlive(seconds uint16) {
	if most := c.door.cfg.MaxKeepAlive; c.v5 && (seconds == 0 || time.Duration(seconds)*time.Second > most) {
		seconds = uint16(most / time.Second)
	}
	c.alive = time.Duration(seconds) * time.Second * 3 / 2
}

// leave takes the connection out of the door's books.
func (c *conn) leave() {
	d := c.door
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.all, c)
	d.waiting.remove(c)
	if d.clients[c.key] == c {
		delete(d.clients, c.key)
	}
	if p := d.parties[c.party.Num]; p != nil {
		delete(p.conns, c)
		d.tidy(c.party.Num)
	}
}
