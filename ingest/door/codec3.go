package door

import (
	"bytes"

	mqtt3 "github.com/eclipse/paho.mqtt.golang/packets"
)

// decode3 decodes a packet of MQTT 3.1.1. The codec fills fields that are cut
// short with zeros, so the lengths are held against the packet's here.
func decode3(h header, body []byte) (packet, error) {
	p := packet{kind: h.kind}
	size := len(body) // what the codec sees
	if h.kind == typePublish {
		n, err := publishHeader(h, body, false)
		if err != nil {
			return p, err
		}
		size = n
		p.payload = body[n:]
	}
	cp, err := mqtt3.NewControlPacketWithHeader(mqtt3.FixedHeader{
		MessageType: h.kind, Dup: h.flags&8 != 0, Qos: h.flags >> 1 & 3, Retain: h.flags&1 != 0, RemainingLength: size,
	})
	if err != nil {
		return p, err
	}
	if h.kind != typePublish && h.kind != typeConnect && size == 1 {
		return p, errMalformed // the codec would read the second byte as 0
	}
	if err := cp.Unpack(bytes.NewBuffer(body[:size:size])); err != nil {
		return p, err
	}
	used := 2
	switch cp := cp.(type) {
	case *mqtt3.ConnectPacket:
		return p, p.connect3(cp, size)
	case *mqtt3.PublishPacket:
		p.topic, p.id, p.qos, p.dup = cp.TopicName, cp.MessageID, cp.Qos, cp.Dup
		used = size
	case *mqtt3.SubscribePacket:
		p.id = cp.MessageID
		for i, t := range cp.Topics {
			p.filters = append(p.filters, filter{topic: t, qos: cp.Qoss[i]})
			used += 2 + len(t) + 1
		}
	case *mqtt3.UnsubscribePacket:
		p.id = cp.MessageID
		for _, t := range cp.Topics {
			p.filters = append(p.filters, filter{topic: t})
			used += 2 + len(t)
		}
	case *mqtt3.PingreqPacket, *mqtt3.DisconnectPacket:
		used = 0
	default:
		p.id = cp.Details().MessageID
	}
	if used != size {
		return p, errMalformed
	}
	return p, nil
}

// connect3 takes over a CONNECT of size bytes.
func (p *packet) connect3(cp *mqtt3.ConnectPacket, size int) error {
	used := 10 + 2 + len(cp.ClientIdentifier)
	if cp.WillFlag {
		used += 2 + len(cp.WillTopic) + 2 + len(cp.WillMessage)
	}
	if cp.UsernameFlag {
		used += 2 + len(cp.Username)
	}
	if cp.PasswordFlag {
		used += 2 + len(cp.Password)
	}
	if used != size || cp.ReservedBit != 0 || cp.WillQos > 2 || !cp.WillFlag && (cp.WillQos > 0 || cp.WillRetain) {
		return errMalformed
	}
	if !isText(cp.ClientIdentifier) || !isText(cp.Username) {
		return errMalformed
	}
	p.connect = &connectPacket{
		clientID: cp.ClientIdentifier, clean: cp.CleanSession, keepAlive: cp.Keepalive,
		username: cp.Username, password: string(cp.Password), hasUser: cp.UsernameFlag,
	}
	return nil
}
