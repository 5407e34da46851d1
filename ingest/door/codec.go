package door

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// MQTT control packet types, MQTT 3.1.1 §2.2.1 and MQTT 5 §2.1.2.
const (
	typeConnect     = 1
	typePublish     = 3
	typePuback      = 4
	typePubrec      = 5
	typePubrel      = 6
	typePubcomp     = 7
	typeSubscribe   = 8
	typeUnsubscribe = 10
	typePingreq     = 12
	typeDisconnect  = 14
)

// Reason codes of MQTT 5 §2.4 that the door uses.
const (
	reasonNoSubscription  = 0x11
	reasonUnspecified     = 0x80
	reasonMalformed       = 0x81
	reasonProtocol        = 0x82
	reasonVersion         = 0x84
	reasonClientID        = 0x85
	reasonBadPassword     = 0x86
	reasonNotAuthorized   = 0x87
	reasonUnavailable     = 0x88
	reasonBusy            = 0x89
	reasonShuttingDown    = 0x8B
	reasonAuthMethod      = 0x8C
	reasonKeepAlive       = 0x8D
	reasonTakenOver       = 0x8E
	reasonPacketIDUnknown = 0x92
	reasonReceiveMaximum  = 0x93
	reasonTopicAlias      = 0x94
	reasonTooLarge        = 0x95
	reasonQuota           = 0x97
	reasonAdministrative  = 0x98
	reasonNoShared        = 0x9E
	reasonRateExceeded    = 0x9F
)

// refusal is why the door ends a connection, or does not let it in.
type refusal struct {
	why    string // short word for logs and statistics
	code   byte   // CONNACK return code of MQTT 3.1.1 §3.2.2.3
	reason byte   // reason code of MQTT 5
}

func (r *refusal) Error() string { return r.why }

var (
	errMalformed = &refusal{"malformed-packet", 1, reasonMalformed}
	errProtocol  = &refusal{"protocol-error", 1, reasonProtocol}
	errTooLarge  = &refusal{"packet-too-large", 3, reasonTooLarge}
)

// packet is what a client sent, the same for both versions.
type packet struct {
	kind    byte
	id      uint16
	connect *connectPacket
	qos     byte
	dup     bool
	topic   string
	alias   bool // a topic alias was used, which we do not offer
	payload []byte
	filters []filter
	subID   int // subscription identifier; 0 for none
}

type filter struct {
	topic     string
	qos       byte
	published bool // retain as published
	handling  byte // retain handling: 0 always, 1 if new, 2 never
}

type connectPacket struct {
	clientID     string
	clean        bool
	keepAlive    uint16
	username     string
	password     string
	hasUser      bool
	maxPacket    uint32 // largest packet that the client takes; 0 for no limit
	authMethod   bool
	wantsSession bool
}

// header is a fixed header.
type header struct {
	kind  byte
	flags byte
	size  int
}

const (
	smallPacket = 64 << 10 // bounds everything but PUBLISH
	connectSize = 16 << 10 // bounds CONNECT, which anybody may send
	publishRoom = 4 << 10  // of a PUBLISH for what stands before its payload: topic and properties
)

// readHeader reads a fixed header and checks what can be known from it, so
// that nothing is allocated for a length that is only announced.
func readHeader(r *bufio.Reader, maxPacket int) (h header, err error) {
	first, err := r.ReadByte()
	if err != nil {
		return h, err
	}
	h.kind, h.flags = first>>4, first&15
	length := 1
	for shift := 0; ; shift += 7 {
		b, err := r.ReadByte()
		if err != nil {
			return h, noEOF(err)
		}
		length++
		h.size |= int(b&127) << shift
		if b < 128 {
			break
		}
		if shift == 21 {
			return h, errMalformed
		}
	}
	most := smallPacket
	switch h.kind {
	case typePublish:
		most = maxPacket
		if h.flags>>1&3 == 3 || h.flags&8 != 0 && h.flags>>1&3 == 0 {
			return h, errMalformed
		}
	case typePubrel, typeSubscribe, typeUnsubscribe:
		if h.flags != 2 {
			return h, errMalformed
		}
	case typeConnect, typePuback, typePubrec, typePubcomp, typePingreq, typeDisconnect:
		if h.flags != 0 {
			return h, errMalformed
		}
		if h.kind == typeConnect {
			most = connectSize
		}
	default: // what only servers send, and AUTH, for which we name no method
		return h, errProtocol
	}
	if h.size+length > most {
		return h, errTooLarge
	}
	return h, nil
}

// readBody reads n bytes into a slice of its own, which grows as they come.
func readBody(r io.Reader, n int) ([]byte, error) {
	const step = 64 << 10
	body := make([]byte, min(n, step))
	for got := 0; ; {
		m, err := io.ReadFull(r, body[got:])
		if err != nil {
			return nil, noEOF(err)
		}
		got += m
		if got == n {
			return body, nil
		}
		more := make([]byte, min(n, 2*got))
		copy(more, body)
		body = more
	}
}

// noEOF turns an end within a packet into an error of its own.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// publishHeader returns how long a PUBLISH's variable header is, properties
// included, so that the codec need not copy the payload.
func publishHeader(h header, body []byte, v5 bool) (int, error) {
	if len(body) < 2 {
		return 0, errMalformed
	}
	n := 2 + int(body[0])<<8 + int(body[1])
	if h.flags>>1&3 > 0 {
		n += 2
	}
	if v5 {
		size, width := 0, 0
		for {
			if n+width >= len(body) || width == 4 {
				return 0, errMalformed
			}
			b := body[n+width]
			size |= int(b&127) << (7 * width)
			width++
			if b < 128 {
				break
			}
		}
		if size > smallPacket {
			return 0, errMalformed
		}
		n += width + size
	}
	if n > len(body) {
		return 0, errMalformed
	}
	return n, nil
}

// decode reads a packet's body by the codec of its version. Whatever the codec
// does not like is malformed.
func decode(h header, body []byte, v5 bool) (p packet, err error) {
	if v5 {
		p, err = decode5(h, body)
	} else {
		p, err = decode3(h, body)
	}
	if err != nil {
		if r, ok := errors.AsType[*refusal](err); ok {
			return p, r
		}
		return p, fmt.Errorf("%w: %w", errMalformed, err)
	}
	return p, p.check()
}

// check applies the rules that both versions share.
func (p *packet) check() error {
	needsID := p.kind == typeSubscribe || p.kind == typeUnsubscribe || p.kind == typePuback ||
		p.kind == typePubrel || p.kind == typePubrec || p.kind == typePubcomp || p.kind == typePublish && p.qos > 0
	switch {
	case needsID && p.id == 0:
		return errMalformed
	case (p.kind == typeSubscribe || p.kind == typeUnsubscribe) && len(p.filters) == 0:
		return errProtocol
	case p.kind == typePublish && !isText(p.topic):
		return errMalformed
	}
	for _, f := range p.filters {
		if !isText(f.topic) || f.qos > 2 || f.handling > 2 {
			return errMalformed
		}
	}
	return nil
}

// isText reports whether s is a string in the sense of MQTT §1.5.3: UTF-8
// without the character U+0000.
func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// protocolLevel returns the level byte of a CONNECT: 4 is 3.1.1, 5 is 5.
func protocolLevel(body []byte) (byte, error) {
	if len(body) < 7 || string(body[:6]) != "\x00\x04MQTT" {
		if len(body) >= 9 && string(body[:8]) == "\x00\x06MQIsdp" {
			return 3, nil
		}
		return 0, errMalformed
	}
	return body[6], nil
}
