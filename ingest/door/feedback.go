package door

import (
	"bytes"
	"fmt"
	"strings"

	mqtt5 "github.com/eclipse/paho.golang/packets"
	mqtt3 "github.com/eclipse/paho.mqtt.golang/packets"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// subscription is a connection's subscription to its feedback. Of several
// accounts that wait for a slow client only the newest is kept, and at most
// one is on its way at a time.
type subscription struct {
	on        bool
	qos       byte
	published bool // retain as published
	id        int  // subscription identifier; 0 for none
	waiting   []byte
	retained  bool   // waiting is the kept account, not a new one
	inFlight  uint16 // packet id that waits for its PUBACK; 0 for none
	lastID    uint16
}

// PublishFeedback makes payload a party's latest account and sends it to the
// party's subscribers. The door owns payload from then on. It does not block.
func (d *Door) PublishFeedback(num charge.Num, payload []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.party(num)
	p.feedback = payload
	for c := range p.conns {
		c.offer(payload)
	}
}

// offer makes payload the next account that c sends, if it is subscribed.
func (c *conn) offer(payload []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sub.on && !c.closing {
		c.sub.waiting, c.sub.retained = payload, false
		c.signal()
	}
}

var errTooManyFilters = &refusal{"too-many-filters", 3, reasonQuota}

// subscribe answers a SUBSCRIBE: the own feedback, and nothing else. The kept
// account follows at once.
func (c *conn) subscribe(p *packet) error {
	if len(p.filters) > c.door.cfg.MaxFilters {
		return errTooManyFilters
	}
	codes := make([]byte, 0, len(p.filters))
	var own *filter // the last one that is granted
	for i, f := range p.filters {
		switch {
		case f.topic == c.topic:
			codes = append(codes, min(f.qos, 1))
			own = &p.filters[i]
			continue
		case !c.v5:
			codes = append(codes, 0x80)
		case strings.HasPrefix(f.topic, "$share/"):
			codes = append(codes, reasonNoShared)
		default:
			codes = append(codes, reasonNotAuthorized)
		}
		c.door.refuse("subscription", fmt.Errorf("party %s may not subscribe to %q", c.party.Slug, f.topic))
	}
	var ack bytes.Buffer
	if c.v5 {
		(&mqtt5.Suback{PacketID: p.id, Properties: &mqtt5.Properties{}, Reasons: codes}).WriteTo(&ack)
	} else {
		a := mqtt3.NewControlPacket(mqtt3.Suback).(*mqtt3.SubackPacket)
		a.MessageID, a.ReturnCodes = p.id, codes
		a.Write(&ack) // a bytes.Buffer takes everything
	}
	// In one step, so that an account comes either as the kept one or as a new one.
	c.door.mu.Lock()
	defer c.door.mu.Unlock()
	latest := c.door.party(c.party.Num).feedback
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return nil
	}
	c.out = append(c.out, ack.Bytes()...)
	if own != nil {
		s := &c.sub
		if latest != nil && (own.handling == 0 || own.handling == 1 && !s.on) {
			s.waiting, s.retained = latest, true
		}
		s.on, s.qos, s.published, s.id = true, min(own.qos, 1), own.published, p.subID
	}
	c.signal()
	return nil
}

// unsubscribe answers an UNSUBSCRIBE.
func (c *conn) unsubscribe(p *packet) error {
	if len(p.filters) > c.door.cfg.MaxFilters {
		return errTooManyFilters
	}
	codes := make([]byte, 0, len(p.filters))
	c.mu.Lock()
	for _, f := range p.filters {
		code := byte(reasonNoSubscription)
		if f.topic == c.topic && c.sub.on {
			code = 0
			c.sub.on, c.sub.waiting = false, nil
		}
		codes = append(codes, code)
	}
	c.mu.Unlock()
	if !c.v5 {
		c.send([]byte{11 << 4, 2, byte(p.id >> 8), byte(p.id)})
		return nil
	}
	var b bytes.Buffer
	(&mqtt5.Unsuback{PacketID: p.id, Properties: &mqtt5.Properties{}, Reasons: codes}).WriteTo(&b)
	c.send(b.Bytes())
	return nil
}

// feedbackTaken handles the client's PUBACK.
func (c *conn) feedbackTaken(id uint16) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sub.inFlight == id {
		c.sub.inFlight = 0
		c.signal()
	}
}

// appendFeedback queues the account that waits, if it may go now. c.mu is held.
func (c *conn) appendFeedback() {
	s := &c.sub
	if s.waiting == nil || s.inFlight != 0 || c.closing || len(c.out) > maxOut {
		return
	}
	var id uint16
	if s.qos > 0 {
		if s.lastID++; s.lastID == 0 {
			s.lastID = 1
		}
		id = s.lastID
	}
	from := len(c.out)
	c.out = c.encodeFeedback(c.out, id)
	if c.most > 0 && uint32(len(c.out)-from) > c.most {
		c.out = c.out[:from] // MQTT 5 §3.1.2.11.4: as if it had been sent
		id = 0
	}
	s.waiting = nil
	s.inFlight = id
}

// encodeFeedback appends the PUBLISH of the account that waits. c.mu is held.
func (c *conn) encodeFeedback(dst []byte, id uint16) []byte {
	s := &c.sub
	var b bytes.Buffer
	if c.v5 {
		props := &mqtt5.Properties{}
		if s.id > 0 {
			props.SubscriptionIdentifier = &s.id
		}
		(&mqtt5.Publish{Topic: c.topic, Payload: s.waiting, PacketID: id, QoS: s.qos,
			Retain: s.retained || s.published, Properties: props}).WriteTo(&b)
		return append(dst, b.Bytes()...)
	}
	pub := mqtt3.NewControlPacket(mqtt3.Publish).(*mqtt3.PublishPacket)
	pub.TopicName, pub.Payload, pub.MessageID, pub.Qos, pub.Retain = c.topic, s.waiting, id, s.qos, s.retained
	pub.Write(&b) // a bytes.Buffer takes everything
	return append(dst, b.Bytes()...)
}
