package door

import (
	"bufio"
	"container/list"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// conn is one connection. Fields above mu belong to the reading goroutine and
// do not change once the client is let in.
type conn struct {
	door  *Door
	nc    net.Conn
	from  netip.Addr    // see addrOf
	place *list.Element // in the door's waiting; its mu guards it
	r     *bufio.Reader
	ctx   context.Context // ends when the connection is to end
	stop  context.CancelFunc
	v5    bool
	party charge.Party
	key   clientKey
	topic string        // of its feedback
	alive time.Duration // the longest silence; 0 for any
	most  uint32        // largest packet that the client takes; 0 for any

	received idSet // QoS 2 messages that the client has not released

	mu       sync.Mutex
	room     *sync.Cond // the window or out has become smaller, or closing
	wake     chan struct{}
	out      []byte // packets to be written
	window   window
	sub      subscription
	open     bool          // the client has its CONNACK
	drains   chan struct{} // closed with draining
	draining bool          // no more packets are read
	lingers  bool          // the client is given time to read why
	closing  bool          // what is in out is written, then the socket is closed
}

func newConn(d *Door, nc net.Conn) *conn {
	c := &conn{door: d, nc: nc, from: addrOf(nc.RemoteAddr()), r: bufio.NewReaderSize(nc, 2048), wake: make(chan struct{}, 1),
		drains: make(chan struct{})}
	c.room = sync.NewCond(&c.mu)
	c.ctx, c.stop = context.WithCancel(d.ctx)
	return c
}

// readLoop serves what the client sends until the connection is to end.
func (c *conn) readLoop() {
	defer c.door.wg.Done()
	var why error
	func() {
		defer func() {
			if v := recover(); v != nil {
				why = fmt.Errorf("%v", v)
				c.door.panics.Add(fmt.Errorf("%v at %s", v, debug.Stack()))
				c.close(&refusal{"internal-error", 3, reasonUnspecified})
			}
		}()
		why = c.read()
	}()
	c.finish(why)
}

// read lets the client in and handles its packets. A nil error is a clean end.
func (c *conn) read() error {
	if err := c.deadline(c.door.cfg.ConnectTimeout); err != nil {
		return err
	}
	if err := c.handshake(); err != nil {
		return err
	}
	if err := c.greet(); err != nil {
		return err
	}
	for {
		if !c.waitRoom() {
			return nil
		}
		if err := c.deadline(c.alive); err != nil {
			return err
		}
		h, err := readHeader(c.r, c.door.cfg.MaxPayload+publishRoom)
		if err != nil {
			return err
		}
		give, ok := c.takeShare(h.size)
		if !ok {
			return nil
		}
		if err := c.serve(h, give); err != nil {
			return err
		}
	}
}

var errEnded = errors.New("ended by us")

// serve reads a packet's body and handles it; give is called at the end.
func (c *conn) serve(h header, give func()) error {
	defer give()
	if err := c.deadline(c.door.cfg.PacketTimeout); err != nil {
		return err
	}
	body, err := readBody(c.r, h.size)
	if err != nil {
		return err
	}
	c.door.count.bytes.Add(uint64(h.size) + 2)
	p, err := decode(h, body, c.v5)
	switch {
	case err != nil:
		return err
	case p.kind == typeDisconnect:
		return io.EOF
	case c.ctx.Err() != nil: // while the packet came
		return errEnded
	}
	return c.handle(&p)
}

// deadline sets until when bytes must come; 0 is for ever. While draining it
// leaves the deadline that drain has set.
func (c *conn) deadline(d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.draining {
		return os.ErrDeadlineExceeded
	}
	if d == 0 {
		return c.nc.SetReadDeadline(time.Time{})
	}
	return c.nc.SetReadDeadline(time.Now().Add(d))
}

// handle does what a packet asks for.
func (c *conn) handle(p *packet) error {
	switch p.kind {
	case typePublish:
		return c.publish(p)
	case typePubrel:
		c.release(p.id)
	case typeSubscribe:
		return c.subscribe(p)
	case typeUnsubscribe:
		return c.unsubscribe(p)
	case typePingreq:
		c.send([]byte{13 << 4, 0})
	case typePuback:
		c.feedbackTaken(p.id)
	case typePubrec, typePubcomp: // of QoS 2, which we never send
	default:
		return errProtocol
	}
	return nil
}

// maxOut is how many bytes may wait for a slow client before nothing more of
// it is read.
const maxOut = 64 << 10

// waitRoom waits until another packet may be read; false when none is to be.
func (c *conn) waitRoom() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.closing && !c.draining && (c.window.full(&c.door.cfg) || len(c.out) > maxOut) {
		c.room.Wait()
	}
	return !c.closing && !c.draining
}

// finish ends the connection after its reader has ended with why: what was
// taken is still acknowledged if the end is ours and clean.
func (c *conn) finish(why error) {
	r, isRefusal := errors.AsType[*refusal](why)
	switch {
	case isRefusal:
		c.close(r)
	case errors.Is(why, io.EOF):
		c.close(nil)
	case errors.Is(why, os.ErrDeadlineExceeded) && !c.isDraining():
		c.close(&refusal{"time-out", 3, reasonKeepAlive})
	}
	c.mu.Lock()
	if c.draining {
		for !c.closing && c.window.count > 0 {
			c.room.Wait()
		}
	}
	closing := c.closing
	c.mu.Unlock()
	if !closing {
		if c.isDraining() {
			c.close(&refusal{"", 3, reasonShuttingDown})
		} else {
			c.close(nil) // the socket failed
		}
	}
	c.leave()
}

func (c *conn) isDraining() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.draining
}

// drain makes the reader stop and the connection end once its window is empty.
func (c *conn) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.draining {
		close(c.drains)
	}
	c.draining = true
	if !c.open {
		c.stop() // it may wait for its password to be checked
	}
	c.nc.SetReadDeadline(time.Unix(1, 0))
	c.room.Broadcast()
}

// close ends the connection after what is in out; why is told to clients of
// MQTT 5 that have been let in. Only the first call counts.
func (c *conn) close(why *refusal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return
	}
	c.closing = true
	if why != nil {
		if why.why != "" {
			c.door.refuse(why.why, c.who(why.why))
		}
		if c.open && c.v5 {
			c.out = appendDisconnect5(c.out, why.reason)
		}
	}
	c.lingers = why != nil
	c.stop()
	c.nc.SetWriteDeadline(time.Now().Add(c.patience(true))) // also for a write that is on its way
	c.room.Broadcast()
	c.signal()
}

// who says to whom something happened, for the log. c.mu is held.
func (c *conn) who(what string) error {
	if c.open {
		return fmt.Errorf("%s: party %s, client %q at %s", what, c.party.Slug, c.key.id, c.nc.RemoteAddr())
	}
	return fmt.Errorf("%s: a client at %s that was not let in", what, c.nc.RemoteAddr())
}

// send queues a packet for the writer.
func (c *conn) send(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closing {
		c.out = append(c.out, b...)
		c.signal()
	}
}

// signal wakes the writer.
func (c *conn) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}
