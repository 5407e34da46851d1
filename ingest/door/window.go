package door

import "sync/atomic"

// entry is one PUBLISH that waits for its answer.
type entry struct {
	c      *conn
	qos    byte
	id     uint16
	reason byte // of MQTT 5
	ready  bool
	bytes  int

	settled atomic.Bool // it counts no longer as waiting
}

// window is what a connection has not been answered yet, in the order in which
// it came. Answers leave from its head only.
type window struct {
	queue []*entry
	count int
	bytes int
}

// full reports whether nothing more is to be read for now.
func (w *window) full(cfg *Config) bool { return w.count >= cfg.Window || w.bytes >= cfg.WindowBytes }

// has reports whether a QoS 2 message with this id waits.
func (w *window) has(id uint16) bool {
	for _, e := range w.queue {
		if e.qos == 2 && e.id == id {
			return true
		}
	}
	return false
}

// pend puts a PUBLISH at the window's end.
func (c *conn) pend(qos byte, id uint16, bytes int) *entry {
	e := &entry{c: c, qos: qos, id: id, bytes: bytes}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.window.queue = append(c.window.queue, e)
	c.window.count++
	c.window.bytes += bytes
	return e
}

// done is the message's Done: it acknowledges, or ends the connection.
func (e *entry) done(err error) {
	if !e.settle(err == nil) {
		return
	}
	if err != nil {
		e.c.close(&refusal{"not-taken", 3, reasonUnavailable})
		return
	}
	e.c.door.count.acked.Add(1)
	e.refuse(0)
}

// settle takes the message off those that wait; false if it was off already.
func (e *entry) settle(ok bool) bool {
	if e.settled.Swap(true) {
		return false
	}
	e.c.door.progress.end(ok)
	return true
}

// refuse answers with an MQTT 5 reason code, of which 0 is success, and lets
// the answers go that have become due.
func (e *entry) refuse(reason byte) {
	c := e.c
	c.mu.Lock()
	defer c.mu.Unlock()
	e.ready, e.reason = true, reason
	w := &c.window
	n := 0
	for n < len(w.queue) && w.queue[n].ready {
		h := w.queue[n]
		w.count--
		w.bytes -= h.bytes
		if h.qos > 0 && !c.closing {
			kind := byte(typePuback)
			if h.qos == 2 {
				kind = typePubrec
			}
			if h.reason == 0 {
				c.out = append(c.out, kind<<4, 2, byte(h.id>>8), byte(h.id))
			} else {
				c.out = append(c.out, kind<<4, 3, byte(h.id>>8), byte(h.id), h.reason)
			}
		}
		w.queue[n] = nil
		n++
	}
	if n == 0 {
		return
	}
	if w.queue = w.queue[n:]; len(w.queue) == 0 {
		w.queue = nil
	}
	c.room.Broadcast()
	c.signal()
}
