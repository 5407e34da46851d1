package door

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"

	mqtt5 "github.com/eclipse/paho.golang/packets"
)

// writeLoop writes what is queued until the connection is closed, and closes
// the socket. What is queued while it writes goes with the next write.
func (c *conn) writeLoop() {
	defer c.door.wg.Done()
	defer c.nc.Close()
	defer func() {
		if v := recover(); v != nil {
			c.door.panics.Add(fmt.Errorf("%v at %s", v, debug.Stack()))
			c.close(nil)
		}
	}()
	var spare []byte
	for {
		buf, closing := c.takeOut(spare)
		if len(buf) > 0 {
			if _, err := c.nc.Write(buf); err != nil {
				if errors.Is(err, os.ErrDeadlineExceeded) && !closing {
					c.close(&refusal{"slow-client", 3, reasonBusy})
				}
				c.close(nil)
				return
			}
			if spare = buf; cap(spare) > 16<<10 {
				spare = nil
			}
			continue
		}
		if closing {
			c.linger()
			return
		}
		<-c.wake
	}
}

// takeOut takes what is queued, sets the deadline for writing it, and leaves
// spare for what comes next.
func (c *conn) takeOut(spare []byte) (buf []byte, closing bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.appendFeedback()
	if len(c.out) == 0 {
		return nil, c.closing
	}
	buf, c.out = c.out, spare[:0]
	c.nc.SetWriteDeadline(time.Now().Add(c.patience(c.closing)))
	c.room.Broadcast()
	return buf, c.closing
}

// patience is how long a client may take to take bytes.
func (c *conn) patience(closing bool) time.Duration {
	if closing {
		return min(c.door.cfg.WriteTimeout, 2*time.Second)
	}
	return c.door.cfg.WriteTimeout
}

// linger gives the client a second to read why it is sent away: closing a
// socket with unread bytes resets it, and a reset takes our last packet along.
func (c *conn) linger() {
	tc, ok := c.nc.(interface{ CloseWrite() error }) // TCP or TLS
	c.mu.Lock()
	lingers := c.lingers
	c.mu.Unlock()
	if !ok || !lingers || tc.CloseWrite() != nil {
		return
	}
	c.nc.SetReadDeadline(time.Now().Add(time.Second))
	io.CopyN(io.Discard, c.nc, int64(c.door.cfg.MaxPayload+publishRoom))
}

// appendDisconnect5 appends a DISCONNECT of MQTT 5.
func appendDisconnect5(dst []byte, reason byte) []byte {
	return append(dst, typeDisconnect<<4, 2, reason, 0)
}

// appendConnack5Refused appends a CONNACK of MQTT 5 that lets nobody in.
func appendConnack5Refused(dst []byte, r *refusal) []byte {
	var b bytes.Buffer
	ack := mqtt5.Connack{ReasonCode: r.reason, Properties: &mqtt5.Properties{ReasonString: r.why}}
	ack.WriteTo(&b)
	return append(dst, b.Bytes()...)
}

// appendConnack5 appends the CONNACK of MQTT 5 that lets c in.
func appendConnack5(dst []byte, c *conn, p *connectPacket) []byte {
	window, size, aliases, shared := uint16(c.door.cfg.Window), uint32(c.door.cfg.MaxPayload+publishRoom), uint16(0), byte(0)
	props := &mqtt5.Properties{
		ReceiveMaximum: &window, MaximumPacketSize: &size, TopicAliasMaximum: &aliases,
		SharedSubAvailable: &shared,
	}
	if p.clientID == "" {
		props.AssignedClientID = c.key.id
	}
	if alive := uint16(c.alive * 2 / 3 / time.Second); alive != p.keepAlive {
		props.ServerKeepAlive = &alive
	}
	if p.wantsSession {
		props.SessionExpiryInterval = new(uint32)
	}
	var b bytes.Buffer
	ack := mqtt5.Connack{Properties: props}
	ack.WriteTo(&b)
	return append(dst, b.Bytes()...)
}
