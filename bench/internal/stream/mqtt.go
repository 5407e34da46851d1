package stream

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// Packet types of MQTT 3.1.1, section 2.2.1, as first bytes.
const (
	mqttConnect    = 0x10
	mqttConnack    = 0x20
	mqttPublish    = 0x32 // with QoS 1
	mqttPuback     = 0x40
	mqttDisconnect = 0xE0
)

// appendLength appends a remaining length (section 2.2.3).
func appendLength(dst []byte, n int) []byte {
	for ; n >= 0x80; n >>= 7 {
		dst = append(dst, byte(n)|0x80)
	}
	return append(dst, byte(n))
}

func appendString(dst []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(dst, uint16(len(s))), s...)
}

// appendConnect appends a CONNECT with a clean session and no keep-alive.
func appendConnect(dst []byte, client, user, password string) []byte {
	body := appendString(nil, "MQTT")
	body = append(body, 4, 0xC2, 0, 0)
	for _, s := range []string{client, user, password} {
		body = appendString(body, s)
	}
	return append(appendLength(append(dst, mqttConnect), len(body)), body...)
}

// appendPublish appends a PUBLISH with QoS 1 up to its payload of n bytes.
func appendPublish(dst []byte, topic string, id uint16, n int) []byte {
	dst = appendLength(append(dst, mqttPublish), 2+len(topic)+2+n)
	return binary.BigEndian.AppendUint16(appendString(dst, topic), id)
}

// dial connects and waits for the door's yes.
func dial(door, client, user, password string) (net.Conn, *bufio.Reader, error) {
	c, err := net.DialTimeout("tcp", door, 10*time.Second)
	if err != nil {
		return nil, nil, err
	}
	in := bufio.NewReaderSize(c, 4096)
	answer := make([]byte, 4)
	err = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	if err == nil {
		_, err = c.Write(appendConnect(nil, client, user, password))
	}
	if err == nil {
		_, err = io.ReadFull(in, answer)
	}
	if err == nil && (answer[0] != mqttConnack || answer[3] != 0) {
		err = fmt.Errorf("the door answers % x", answer)
	}
	if err == nil {
		err = c.SetReadDeadline(time.Time{})
	}
	if err != nil {
		c.Close()
		return nil, nil, fmt.Errorf("%s cannot connect: %w", user, err)
	}
	return c, in, nil
}

var errPacket = errors.New("the door sends something else than PUBACK")

// readPuback returns the packet id of the next acknowledgement.
func readPuback(in *bufio.Reader) (uint16, error) {
	b, err := in.Peek(4)
	if err != nil {
		return 0, err
	}
	if b[0] != mqttPuback || b[1] != 2 {
		return 0, fmt.Errorf("%w: % x", errPacket, b)
	}
	id := binary.BigEndian.Uint16(b[2:])
	_, err = in.Discard(4)
	return id, err
}
