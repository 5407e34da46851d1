package api

import (
	"net"
	"net/http"
	"sync"
	"sync/atomic"
)

// maxPlain is how many connections there may be that are no websockets, or as
// many as there may be websockets: all may come back at once. An idle one costs
// 10 kB.
const maxPlain = 8192

// outAtOnce is how many connections go for a new one, when what else the process
// has open has become more.
const outAtOnce = 16

// doorman bounds connections, so that they do not take the files that the log
// and the stores need. One that works on no request makes room for a new one,
// the one that rests longest first: its client opens another when it needs it.
type doorman struct {
	plain   int        // most connections that are no websockets
	all     int        // most of the whole process; 0: any number
	others  func() int // what else the process has open; nil: nothing
	viewers *atomic.Int64
	pushed  atomic.Uint64

	mu    sync.Mutex
	conns map[net.Conn]*guest
	rests guest // a ring, the one that rests longest first
	open  atomic.Int64
}

// guest is a connection; next is nil while a request is under way.
type guest struct {
	conn       net.Conn
	prev, next *guest
}

func newDoorman(cfg *Config, others func() int, viewers *atomic.Int64) *doorman {
	d := &doorman{plain: max(maxPlain, cfg.MaxViewers), all: cfg.MaxConns, others: others, viewers: viewers, conns: make(map[net.Conn]*guest)}
	d.rests.prev, d.rests.next = &d.rests, &d.rests
	return d
}

// state is the server's ConnState.
func (d *doorman) state(c net.Conn, s http.ConnState) {
	d.mu.Lock()
	g := d.conns[c]
	var out []net.Conn
	switch s {
	case http.StateNew:
		g = &guest{conn: c}
		d.conns[c] = g
		d.open.Add(1)
		d.rest(g)
		for len(out) < outAtOnce && d.rests.next != &d.rests && d.full() { // the new one last
			out = append(out, d.rests.next.conn)
			d.forget(d.rests.next)
			d.pushed.Add(1)
		}
	case http.StateActive:
		if g != nil {
			g.rise()
		}
	case http.StateIdle:
		if g != nil && g.next == nil {
			d.rest(g)
		}
	case http.StateHijacked, http.StateClosed:
		if g != nil { // it was not sent away
			d.forget(g)
		}
	}
	d.mu.Unlock()
	for _, c := range out {
		_ = c.Close() // its goroutine ends by that
	}
}

func (d *doorman) full() bool {
	if len(d.conns) > d.plain {
		return true
	}
	if d.all == 0 {
		return false
	}
	n := d.connections()
	if d.others != nil {
		n += d.others()
	}
	return n > d.all
}

// connections returns how many there are, websockets included. It waits for nobody.
func (d *doorman) connections() int { return int(d.open.Load() + d.viewers.Load()) }

func (d *doorman) rest(g *guest) {
	g.prev, g.next = d.rests.prev, &d.rests
	g.prev.next, g.next.prev = g, g
}

func (g *guest) rise() {
	if g.next != nil {
		g.prev.next, g.next.prev = g.next, g.prev
		g.prev, g.next = nil, nil
	}
}

func (d *doorman) forget(g *guest) {
	g.rise()
	delete(d.conns, g.conn)
	d.open.Add(-1)
}
