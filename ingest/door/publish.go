package door

import (
	"fmt"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// payloadOf returns what a topic carries if the connection's party may publish
// to it, else 0.
func (c *conn) payloadOf(topic string) charge.Payload {
	slug, kind := charge.ParseTopic(topic)
	if kind == 0 || slug != c.party.Slug || kind.PublishedBy() != c.party.Kind {
		return 0
	}
	return kind
}

// publish hands a message to the taker, or refuses it.
func (c *conn) publish(p *packet) error {
	if p.alias {
		return &refusal{"topic-alias", 3, reasonTopicAlias}
	}
	kind := c.payloadOf(p.topic)
	if kind == 0 {
		if !c.v5 || p.qos == 0 {
			return &refusal{"topic", 5, reasonNotAuthorized}
		}
		c.door.refuse("topic", fmt.Errorf("party %s may not publish to %q", c.party.Slug, p.topic))
		c.pend(p.qos, p.id, 0).refuse(reasonNotAuthorized)
		return nil
	}
	if len(p.payload) > c.door.cfg.MaxPayload {
		return errTooLarge
	}
	if p.qos == 2 {
		if again, err := c.receive(p.id); again || err != nil {
			return err
		}
	}
	d := c.door
	e := c.pend(p.qos, p.id, len(p.payload))
	d.progress.begin()
	taken := false
	defer func() {
		if !taken { // also when the taker panics
			e.settle(false)
		}
	}()
	err := d.deps.Taker.Submit(c.ctx, Message{
		Party: c.party.Num, Kind: kind, Payload: p.payload, Received: charge.At(time.Now()), Done: e.done,
	})
	if err != nil {
		return &refusal{"not-taken", 3, reasonUnavailable}
	}
	taken = true
	d.count.messages.Add(1)
	return nil
}

// receive notes a QoS 2 message. again says that the client sent it before and
// has not released it; the PUBREC is on its way or comes once more.
func (c *conn) receive(id uint16) (again bool, err error) {
	if again = c.received.has(id); again {
		c.mu.Lock()
		waiting := c.window.has(id)
		c.mu.Unlock()
		if !waiting {
			c.pend(2, id, 0).refuse(0)
		}
		return true, nil
	}
	if c.v5 && c.received.count >= c.door.cfg.Window {
		return false, &refusal{"receive-maximum", 3, reasonReceiveMaximum}
	}
	c.received.put(id, true)
	return false, nil
}

// release answers a PUBREL.
func (c *conn) release(id uint16) {
	known := c.received.has(id)
	c.received.put(id, false)
	if known || !c.v5 {
		c.send([]byte{typePubcomp << 4, 2, byte(id >> 8), byte(id)})
		return
	}
	c.send([]byte{typePubcomp << 4, 3, byte(id >> 8), byte(id), reasonPacketIDUnknown})
}
