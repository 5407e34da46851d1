package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/dianchi-platform/dianchi/bench/internal/lab"
)

// window is how many messages of a connection may wait for their PUBACK.
const window = 40

// client is an MQTT 3.1.1 client that publishes with QoS 1, as cheap as can be.
// When its connection is lost it connects again and sends again what was not
// acknowledged. Only one goroutine may call its methods.
type client struct {
	door, id, user, password string

	conn    net.Conn
	answers chan uint16 // PUBACKs; closed when the connection is lost
	way     []message   // not acknowledged yet, oldest first
	next    uint16
}

type message struct {
	id     uint16
	packet []byte
	acked  func()
}

func newClient(door, id, user, password string) *client {
	return &client{door: door, id: id, user: user, password: password}
}

func appendString(dst []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(dst, uint16(len(s))), s...)
}

// appendPacket appends a packet with its first byte and remaining length (MQTT 3.1.1 §2.2.3).
func appendPacket(dst []byte, first byte, body ...[]byte) []byte {
	n := 0
	for _, b := range body {
		n += len(b)
	}
	for dst = append(dst, first); n >= 0x80; n >>= 7 {
		dst = append(dst, byte(n)|0x80)
	}
	dst = append(dst, byte(n))
	for _, b := range body {
		dst = append(dst, b...)
	}
	return dst
}

// open connects unless it is connected, for half a minute.
func (c *client) open(ctx context.Context) error {
	if c.conn != nil {
		return nil
	}
	var err error
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		if err = c.connect(); err == nil {
			return nil
		}
		if err := lab.Sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s cannot connect: %w", c.id, err)
}

func (c *client) connect() error {
	conn, err := net.DialTimeout("tcp", c.door, 5*time.Second)
	if err != nil {
		return err
	}
	body := append(appendString(nil, "MQTT"), 4, 0xC2, 0, 0) // clean session, no keep-alive
	for _, s := range []string{c.id, c.user, c.password} {
		body = appendString(body, s)
	}
	answer := make([]byte, 4)
	err = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	if err == nil {
		_, err = conn.Write(appendPacket(nil, 0x10, body))
	}
	if err == nil {
		_, err = io.ReadFull(conn, answer)
	}
	if err == nil && (answer[0] != 0x20 || answer[3] != 0) {
		err = fmt.Errorf("the answer to CONNECT is % x", answer)
	}
	if err == nil {
		err = conn.SetReadDeadline(time.Time{})
	}
	for i := range c.way { // what was under way when the last connection was lost
		if err == nil {
			_, err = conn.Write(c.way[i].packet)
		}
	}
	if err != nil {
		conn.Close()
		return err
	}
	c.conn, c.answers = conn, make(chan uint16, window)
	go listen(conn, c.answers)
	return nil
}

// listen passes on PUBACKs until the connection ends.
func listen(conn net.Conn, answers chan<- uint16) {
	defer close(answers)
	in := bufio.NewReader(conn)
	var b [4]byte
	for {
		if _, err := io.ReadFull(in, b[:]); err != nil || b[0] != 0x40 || b[1] != 2 {
			return
		}
		answers <- binary.BigEndian.Uint16(b[2:])
	}
}

// send publishes a payload, which it keeps, and calls acked once it is acknowledged.
func (c *client) send(ctx context.Context, topic string, payload []byte, acked func()) error {
	if err := c.take(ctx, window-1); err != nil {
		return err
	}
	if c.next++; c.next == 0 {
		c.next = 1
	}
	packet := appendPacket(make([]byte, 0, len(payload)+len(topic)+16), 0x32, appendString(nil, topic),
		binary.BigEndian.AppendUint16(nil, c.next), payload)
	c.way = append(c.way, message{c.next, packet, acked})
	if _, err := c.conn.Write(packet); err != nil {
		return c.again(ctx)
	}
	return nil
}

// flush waits until everything is acknowledged.
func (c *client) flush(ctx context.Context) error { return c.take(ctx, 0) }

// take books the acknowledgements that are there, and waits until at most most
// messages are under way.
func (c *client) take(ctx context.Context, most int) error {
	late := time.NewTimer(2 * time.Minute)
	defer late.Stop()
	for {
		if len(c.way) <= most {
			select {
			case id, ok := <-c.answers:
				if err := c.answer(ctx, id, ok); err != nil {
					return err
				}
				continue
			default:
				return nil
			}
		}
		select {
		case id, ok := <-c.answers:
			if err := c.answer(ctx, id, ok); err != nil {
				return err
			}
		case <-late.C:
			return fmt.Errorf("%s: %d messages are not acknowledged after 2 minutes", c.id, len(c.way))
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (c *client) answer(ctx context.Context, id uint16, ok bool) error {
	if !ok {
		return c.again(ctx)
	}
	for i, m := range c.way {
		if m.id == id {
			c.way = append(c.way[:i], c.way[i+1:]...)
			if m.acked != nil {
				m.acked()
			}
			return nil
		}
	}
	return errors.New("a PUBACK of nothing that is under way")
}

// again connects anew; what is under way is sent again.
func (c *client) again(ctx context.Context) error {
	c.conn.Close()
	for ok := true; ok; { // what was acknowledged before the end counts
		var id uint16
		if id, ok = <-c.answers; ok {
			if err := c.answer(ctx, id, true); err != nil {
				return err
			}
		}
	}
	c.conn = nil
	return c.open(ctx)
}

func (c *client) close() {
	if c.conn != nil {
		_, _ = c.conn.Write([]byte{0xE0, 0}) // the end is the same without it
		c.conn.Close()
	}
}
