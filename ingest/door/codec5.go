package door

import (
	"bytes"

	mqtt5 "github.com/eclipse/paho.golang/packets"
)

// decode5 decodes a packet of MQTT 5.
func decode5(h header, body []byte) (packet, error) {
	p := packet{kind: h.kind}
	if h.kind == typeDisconnect && len(body) == 0 || h.kind == typePingreq {
		if len(body) > 0 {
			return p, errMalformed
		}
		return p, nil
	}
	size := len(body)
	cp := mqtt5.NewControlPacket(h.kind)
	if h.kind == typePublish {
		n, err := publishHeader(h, body, true)
		if err != nil {
			return p, err
		}
		size = n
		p.payload = body[n:]
		p.qos, p.dup = h.flags>>1&3, h.flags&8 != 0
		cp.Content.(*mqtt5.Publish).QoS = p.qos
	}
	rest := bytes.NewBuffer(body[:size:size])
	if err := cp.Content.Unpack(rest); err != nil {
		return p, err
	}
	if rest.Len() > 0 {
		return p, errMalformed
	}
	p.id = cp.PacketID()
	switch c := cp.Content.(type) {
	case *mqtt5.Connect:
		return p, p.connect5(c, body)
	case *mqtt5.Publish:
		p.topic, p.alias = c.Topic, c.Properties.TopicAlias != nil
	case *mqtt5.Subscribe:
		if id := c.Properties.SubscriptionIdentifier; id != nil {
			if *id < 1 || *id > 268_435_455 {
				return p, errProtocol
			}
			p.subID = *id
		}
		for _, s := range c.Subscriptions {
			p.filters = append(p.filters, filter{s.Topic, s.QoS, s.RetainAsPublished, s.RetainHandling})
		}
	case *mqtt5.Unsubscribe:
		for _, t := range c.Topics {
			p.filters = append(p.filters, filter{topic: t})
		}
	}
	return p, nil
}

// connect5 takes over a CONNECT.
func (p *packet) connect5(c *mqtt5.Connect, body []byte) error {
	if flags := body[7]; flags&1 != 0 || c.WillQOS > 2 || !c.WillFlag && flags&0x38 != 0 {
		return errMalformed
	}
	if !isText(c.ClientID) || !isText(c.Username) {
		return errMalformed
	}
	p.connect = &connectPacket{
		clientID: c.ClientID, clean: c.CleanStart, keepAlive: c.KeepAlive,
		username: c.Username, password: string(c.Password), hasUser: c.UsernameFlag,
		authMethod: c.Properties.AuthMethod != "",
	}
	if m := c.Properties.MaximumPacketSize; m != nil {
		if *m == 0 {
			return errProtocol
		}
		p.connect.maxPacket = *m
	}
	if m := c.Properties.ReceiveMaximum; m != nil && *m == 0 {
		return errProtocol
	}
	if e := c.Properties.SessionExpiryInterval; e != nil && *e > 0 {
		p.connect.wantsSession = true
	}
	return nil
}
