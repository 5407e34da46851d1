package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// link is a connection of MQTT 3.1.1 with as much of it as a party needs, and
// whose socket can be cut at any moment. Packets that come are handed to the
// two functions from one goroutine.
type link struct {
	nc     net.Conn
	mu     sync.Mutex // of writing
	w      *bufio.Writer
	puback func(id uint16)
	word   func(payload []byte) // a PUBLISH of the other side
	ended  func(err error)
}

// dial connects as a party and waits for the CONNACK.
func dial(addr, client, user, password string) (*link, error) {
	nc, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return nil, err
	}
	l := &link{nc: nc, w: bufio.NewWriterSize(nc, 32<<10)}
	body := []byte{0, 4, 'M', 'Q', 'T', 'T', 4, 0xC2, 0, 0} // name and password, clean session, no keep alive
	for _, s := range []string{client, user, password} {
		body = append(binary.BigEndian.AppendUint16(body, uint16(len(s))), s...)
	}
	err = errors.Join(nc.SetDeadline(time.Now().Add(10*time.Second)), l.write(0x10, body))
	var answer [4]byte
	if err == nil {
		_, err = io.ReadFull(nc, answer[:])
	}
	if err == nil && (answer[0] != 0x20 || answer[3] != 0) {
		err = fmt.Errorf("refused with %d", answer[3])
	}
	if err = errors.Join(err, nc.SetDeadline(time.Time{})); err != nil {
		nc.Close()
		return nil, err
	}
	return l, nil
}

// serve reads until the connection ends.
func (l *link) serve() {
	r := bufio.NewReader(l.nc)
	for {
		head, body, err := readPacket(r)
		if err != nil {
			l.nc.Close()
			l.ended(err)
			return
		}
		switch head >> 4 {
		case 4:
			if len(body) >= 2 {
				l.puback(binary.BigEndian.Uint16(body))
			}
		case 3:
			l.published(head, body)
		}
	}
}

func (l *link) published(head byte, body []byte) {
	if len(body) < 2 {
		return
	}
	at := 2 + int(binary.BigEndian.Uint16(body))
	if head&0x06 != 0 {
		if len(body) < at+2 {
			return
		}
		_ = l.write(0x40, body[at:at+2]) // a lost connection is told by the reader
		at += 2
	}
	if at <= len(body) {
		l.word(body[at:])
	}
}

func readPacket(r *bufio.Reader) (head byte, body []byte, err error) {
	if head, err = r.ReadByte(); err != nil {
		return 0, nil, err
	}
	size, err := binary.ReadUvarint(r) // the same form as MQTT's for up to four bytes
	if err != nil || size > 1<<20 {
		return 0, nil, errors.Join(err, errors.New("no possible length"))
	}
	body = make([]byte, size)
	_, err = io.ReadFull(r, body)
	return head, body, err
}

func (l *link) write(head byte, body []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.w.WriteByte(head)
	l.w.Write(binary.AppendUvarint(nil, uint64(len(body))))
	l.w.Write(body)
	return l.w.Flush() // it keeps the first error
}

// publish sends a message with QoS 1. It gives up after 20 s without room in the socket.
func (l *link) publish(id uint16, topic string, payload []byte) error {
	body := make([]byte, 0, len(topic)+len(payload)+4)
	body = append(binary.BigEndian.AppendUint16(body, uint16(len(topic))), topic...)
	body = append(binary.BigEndian.AppendUint16(body, id), payload...)
	if err := l.nc.SetWriteDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return err
	}
	return l.write(0x32, body)
}

func (l *link) subscribe(topic string) error {
	body := binary.BigEndian.AppendUint16([]byte{0xFF, 0xFF}, uint16(len(topic)))
	return l.write(0x82, append(append(body, topic...), 1))
}

// cut ends the connection as a broken network does: nothing in either buffer is said.
func (l *link) cut() {
	if t, ok := l.nc.(*net.TCPConn); ok {
		_ = t.SetLinger(0) // the close itself is what matters
	}
	l.nc.Close()
}
