package api

import (
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gorilla/websocket"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// source is the published state behind a channel: what viewers are told.
type source interface {
	// data appends the members of a frame's data that lead from revision since
	// to now, or of the whole state for since 0 or when it cannot be told. The
	// hub's lock is held for reading.
	data(h *Hub, w *jsonBuf, since uint64) told
}

// told is what a source said.
type told struct {
	rev   uint64 // revision of the state described
	at    charge.Millis
	full  bool // it is the whole state
	empty bool // nothing changed
}

// channel is one stream of frames, the same for all its viewers.
type channel struct {
	name  string
	src   source
	probe bool   // the source cannot say beforehand whether something changed
	kept  bool   // never forgotten
	close func() // takes the channel out of its feed's lists

	// Guarded by the hub's lock.
	refs  int    // subscriptions of all viewers
	idle  uint64 // revision at which the last one went
	ready bool   // the source has a state; until then viewers wait for the next revision

	now atomic.Pointer[instant] // read without a lock

	mu      sync.Mutex // guards what follows
	changed uint64     // revision of the last change
	before  uint64     // revision of the change before it; 0: not known
	opened  uint64     // revision from which on it knows what changed
	probed  uint64     // revision up to which a probing channel has looked
	asOf    uint64     // revision of the hub at which the frames below were made
	full    advance
	step    advance            // from `before` to now: what nearly every viewer needs
	others  map[uint64]advance // from older revisions: slow and returning viewers
}

// advance is a frame and the revision to which it leads; the zero value is none.
type advance struct {
	frame *shared
	rev   uint64
}

// instant is what a channel has for nearly every viewer at a revision of the
// hub. It is not changed any more.
type instant struct {
	asOf            uint64
	before, changed uint64
	step            advance
}

// quick is [channel.frame] without a lock; ok is false when only that can tell.
func (c *channel) quick(rev, since uint64) (f advance, ok bool) {
	i := c.now.Load()
	switch {
	case i == nil || i.asOf != rev || since == 0:
		return f, false
	case since >= i.changed:
		return f, true
	case i.step.frame != nil && since >= i.before:
		return i.step, true
	}
	return f, false
}

// touch notes a change at rev.
func (c *channel) touch(rev uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changed != rev {
		c.before, c.changed = c.changed, rev
	}
}

// reset notes that nothing before rev is known.
func (c *channel) reset(rev uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.before, c.changed, c.probed, c.opened = 0, rev, rev, rev
}

// frame returns what brings a viewer from revision since (0: nothing) to the
// present one, or nothing when it is there. Frames are made once. The hub's
// lock is held for reading.
func (c *channel) frame(h *Hub, since uint64) advance {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.renew(h)
	if c.probe && c.probed < h.rev {
		c.look(h)
	}
	switch {
	case since == 0:
		if c.full.frame == nil {
			c.full = c.make(h, 0)
		}
		return c.full
	case since >= c.changed:
		c.publish()
		return advance{}
	case c.before != 0 && since >= c.before:
		// Nothing changed between `before` and `changed`, so that all who are
		// in between need the same step.
		if c.step.frame == nil {
			c.step = c.make(h, c.before)
		}
		c.publish()
		return c.step
	}
	return c.other(h, c.bucket(since))
}

// Viewers that are further behind than exactRevs share frames that begin up to
// bucketRevs - 1 revisions too early: what is told twice is the same. So however
// many revisions viewers come back with, a channel makes a dozen frames at most.
const (
	exactRevs  = 4
	bucketRevs = 8
)

// bucket returns the revision from which a frame for since begins.
func (c *channel) bucket(since uint64) uint64 {
	if since+exactRevs >= c.asOf || since < bucketRevs {
		return since
	}
	return max(since-since%bucketRevs, min(since, c.opened))
}

// publish lets others see without a lock what was found out; c.mu is held.
func (c *channel) publish() {
	if i := c.now.Load(); i == nil || i.asOf != c.asOf || i.step != c.step {
		c.now.Store(&instant{c.asOf, c.before, c.changed, c.step})
	}
}

// resumed returns the frame that a returning viewer gets, also when nothing
// changed: it then knows that it is up to date.
func (c *channel) resumed(h *Hub, since uint64) advance {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.renew(h)
	return c.other(h, c.bucket(since))
}

// renew drops the frames of the last revision.
func (c *channel) renew(h *Hub) {
	if c.asOf != h.rev {
		c.asOf, c.full, c.step, c.others = h.rev, advance{}, advance{}, nil
	}
}

func (c *channel) other(h *Hub, since uint64) advance {
	if f, ok := c.others[since]; ok {
		return f
	}
	f := c.make(h, since)
	if c.others == nil {
		c.others = make(map[uint64]advance)
	}
	c.others[since] = f
	return f
}

// look finds out whether the state changed since the last change; c.mu is held.
func (c *channel) look(h *Hub) {
	c.probed = h.rev
	d := drafts.Get().(*jsonBuf)
	defer drafts.Put(d)
	d.b = append(d.b[:0], '{')
	t := c.src.data(h, d, c.changed)
	switch {
	case t.full:
		c.before, c.changed = 0, t.rev
	case !t.empty:
		c.before, c.changed = c.changed, t.rev
		c.step = c.wrap(h, d, t)
	}
}

// drafts hold the data of a frame until its head is known.
var drafts = sync.Pool{New: func() any { return &jsonBuf{b: make([]byte, 0, 8<<10)} }}

func (c *channel) make(h *Hub, since uint64) advance {
	d := drafts.Get().(*jsonBuf)
	defer drafts.Put(d)
	d.b = append(d.b[:0], '{')
	return c.wrap(h, d, c.src.data(h, d, since))
}

// wrap makes the frame that carries the data in d.
func (c *channel) wrap(h *Hub, d *jsonBuf, t told) advance {
	d.endObj()
	w := jsonBuf{b: append(newFrame(len(d.b)+len(c.name)+128), '{')}
	w.str("ch", c.name)
	w.str("rev", h.revString(t.rev))
	w.time("at", t.at)
	if t.full {
		w.bool("full", true)
	}
	w.raw("data", d.b)
	w.endObj()
	h.made.Add(1)
	return advance{&shared{raw: finish(w.b, websocket.TextMessage)}, t.rev}
}

// revString returns the opaque name of a revision: of another run of another
// city no revision has the same one.
func (h *Hub) revString(rev uint64) string { return h.epoch + "." + strconv.FormatUint(rev, 10) }

// aheadRevs is how far ahead of us a viewer may be that comes back: what it had
// of another replica, or of live just before the hub takes a tick over.
const aheadRevs = 2

// parseRev returns the revision that s names, 0 when it is none of ours.
func (h *Hub) parseRev(s string) uint64 {
	dot := strings.LastIndexByte(s, '.')
	if dot < 0 || s[:dot] != h.epoch {
		return 0
	}
	n, err := strconv.ParseUint(s[dot+1:], 10, 64)
	if err != nil || n > h.rev+aheadRevs {
		return 0
	}
	return n
}
