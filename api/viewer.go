package api

import (
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// viewer is one open websocket: what it subscribes to and how far it has got
// with each channel. It holds revision numbers, never a queue of frames.
type viewer struct {
	conn  net.Conn
	sock  socket
	shard *shard
	place int32 // in shard.viewers; the shard's lock guards it

	deflate bool                  // it negotiated permessage-deflate
	waits   atomic.Bool           // its reader holds mu until the viewer has read an answer
	hungry  atomic.Bool           // on its shard's list of those that are owed something
	heard   atomic.Int64          // uptime of the last sign of life
	ident   atomic.Pointer[ident] // nil for drivers without a token; its reader sets it
	addr    netip.Addr            // that it counts for; none without a limit
	pace    pace                  // its reader's

	mu      sync.Mutex // guards what follows, and writing
	room    int32      // bytes that may be written before the kernel is asked again
	next    int32      // where in chans the next pass begins, so that all get their turn
	closing bool       // a close frame is pending or sent: nothing after it
	pinged  int64      // uptime of the last ping
	pending []frame    // frames begun or next in line, the first maybe in part
	subs    map[string]*subscription
	chans   []held
}

// ident is who a viewer showed itself to be.
type ident struct {
	who   identity
	token string
}

// who returns for whom the viewer is served.
func (v *viewer) who() identity {
	if id := v.ident.Load(); id != nil {
		return id.who
	}
	return identity{role: charge.RoleDriver}
}

// held is a channel that a viewer subscribes to and the revision it has.
type held struct {
	ch     *channel
	sent   uint64 // 0: nothing yet
	refs   int    // subscriptions of this viewer
	resume bool   // it came back with `sent`: answered also when nothing changed
}

// subscription is one `sub` of a viewer.
type subscription struct{ chans []*channel }

// flush writes pending frames as far as the kernel takes them; false when
// something is left. v.mu is held.
func (v *viewer) flush() (done bool, err error) {
	for len(v.pending) > 0 {
		n, err := v.sock.write(v.pending[0])
		if err != nil {
			return false, err
		}
		if n < len(v.pending[0]) {
			v.pending[0] = v.pending[0][n:]
			return false, nil
		}
		v.pending[0] = nil
		v.pending = v.pending[1:]
	}
	v.pending = nil
	return true, nil
}

// deliver sends what the viewer is owed as far as its socket takes it without
// waiting, and reports whether anything is left. It skips a viewer whose
// former bytes are still unsent: that one gets the newer state later.
// v.mu is held.
func (v *viewer) deliver(h *Hub, tmp *scratch) (left bool) {
	if v.closing && len(v.pending) == 0 {
		return false
	}
	done, err := v.flush()
	if err != nil {
		v.drop(h)
		return false
	}
	if !done {
		return true
	}
	if v.closing {
		return false
	}
	frames, bytes, skipped := v.owed(h, tmp.frames[:0])
	tmp.frames = frames
	if skipped {
		h.skipped.Add(1)
	}
	if len(frames) == 0 {
		return skipped
	}
	h.sends.Add(1)
	h.frames.Add(uint64(len(frames)))
	h.bytes.Add(uint64(bytes))
	if err := v.send(frames, bytes, tmp); err != nil {
		v.drop(h)
		return false
	}
	return skipped || len(v.pending) > 0
}

// scratch is what one sending goroutine reuses from viewer to viewer.
type scratch struct {
	frames []frame
	bytes  []byte
}

var scratches = sync.Pool{New: func() any { return newScratch() }}

func newScratch() *scratch { return &scratch{make([]frame, 0, 16), make([]byte, 0, 64<<10)} }

// send writes frames, small ones in one go; what the kernel does not take
// stays in v.pending.
func (v *viewer) send(frames []frame, bytes int, tmp *scratch) error {
	if len(frames) == 1 {
		n, err := v.sock.write(frames[0])
		if err == nil && n < len(frames[0]) {
			v.pending = append(v.pending, frames[0][n:])
		}
		return err
	}
	if bytes > cap(tmp.bytes) {
		v.pending = append(v.pending, frames...)
		_, err := v.flush()
		return err
	}
	joined := tmp.bytes[:0]
	for _, f := range frames {
		joined = append(joined, f...)
	}
	n, err := v.sock.write(joined)
	for _, f := range frames {
		if n >= len(f) {
			n -= len(f)
			continue
		}
		v.pending = append(v.pending, f[n:])
		n = 0
	}
	return err
}

// owed takes the frames that fit the room in the kernel and marks them sent.
func (v *viewer) owed(h *Hub, frames []frame) (_ []frame, bytes int, skipped bool) {
	rev := h.newest.Load()
	for range v.chans {
		if int(v.next) >= len(v.chans) {
			v.next = 0
		}
		c := &v.chans[v.next]
		v.next++
		f := c.advance(h, rev)
		if f.frame == nil {
			continue
		}
		if !v.hasRoom(h) {
			v.next--
			return frames, bytes, true
		}
		c.sent, c.resume = f.rev, false
		out := f.frame.of(v.deflate)
		frames = append(frames, out)
		bytes += len(out)
		v.room -= int32(len(out))
	}
	return frames, bytes, false
}

// advance returns what the viewer is owed of one channel, if anything.
func (c *held) advance(h *Hub, rev uint64) advance {
	if !c.resume {
		if f, ok := c.ch.quick(rev, c.sent); ok {
			return f
		}
	}
	h.mu.RLock()
	defer h.mu.RUnlock()
	switch {
	case !c.ch.ready, c.sent > h.rev: // it is ahead: no viewer goes back
		return advance{}
	case c.resume:
		return c.ch.resumed(h, c.sent)
	}
	return c.ch.frame(h, c.sent)
}

// hasRoom reports whether the kernel has less than the backlog unsent. It is
// asked only once so much was written since that it might have.
func (v *viewer) hasRoom(h *Hub) bool {
	if v.room <= 0 {
		v.room = int32(h.cfg.Backlog - v.sock.unsent())
	}
	return v.room > 0
}

// control sends a pong or close frame as soon as the socket takes it.
func (v *viewer) control(f frame) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.put(f)
}

// put writes f, or leaves it to the shard. v.mu is held.
func (v *viewer) put(f frame) {
	if v.closing {
		return
	}
	// Of pongs only the newest has to be sent (RFC 6455, 5.5.3): one that pings and
	// does not read must not grow. The first of the list may have been begun.
	if last := len(v.pending) - 1; last > 0 && isPong(f) && isPong(v.pending[last]) {
		v.pending[last] = f
		return
	}
	v.pending = append(v.pending, f)
	v.room -= int32(len(f))
	if done, err := v.flush(); err == nil && !done {
		v.shard.feed(v)
	}
}

// reply sends an answer to the viewer's own request. It waits for the socket,
// so that a viewer that asks faster than it reads slows only itself.
func (v *viewer) reply(f frame) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.say(f)
}

// replyWait is how long an answer may take to be read.
const replyWait = 10 * time.Second

func (v *viewer) say(f frame) error {
	if v.closing {
		return net.ErrClosed
	}
	if len(v.pending) == 0 { // as a rule the kernel takes it whole
		n, err := v.sock.write(f)
		if err != nil || n == len(f) {
			return err
		}
		f = f[n:]
	}
	v.pending = append(v.pending, f)
	v.room -= int32(len(f))
	done, err := v.flush()
	if err != nil {
		v.pending = nil
	}
	if done || err != nil {
		return err
	}
	v.waits.Store(true)
	defer v.waits.Store(false)
	for _, p := range v.pending {
		if err = writeAll(v.conn, p, v.shard.h.replyWait); err != nil {
			break
		}
	}
	v.pending = nil // f may be reused when this returns
	return err
}

// lock takes v.mu unless that means waiting for the viewer to read.
func (v *viewer) lock() bool {
	for !v.mu.TryLock() {
		if v.waits.Load() {
			return false
		}
		runtime.Gosched() // whoever has it does not wait
	}
	return true
}

// bye sends a close frame, and cuts the connection a little later. One that
// leaves an answer unread would not read that either: it is cut at once.
func (v *viewer) bye(code int, reason string) {
	if !v.lock() {
		v.shut()
		return
	}
	defer v.mu.Unlock()
	if v.closing {
		return
	}
	v.put(closeFrame(code, reason))
	v.closing = true
	v.subs = nil
	time.AfterFunc(2*time.Second, func() { v.shut() }) // for one that does not answer the close
}

// drop cuts a viewer that cannot be written to.
func (v *viewer) drop(h *Hub) {
	h.dropped.Add(1)
	v.closing, v.pending = true, nil
	v.shut()
}

// shut closes the connection; the reader then takes the viewer out.
func (v *viewer) shut() {
	_ = v.conn.Close()
}
