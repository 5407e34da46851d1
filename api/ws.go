package api

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wsock"
)

// upgrader shakes hands, without buffers of its own: messages are read by
// package wsock, frames are written raw.
var upgrader = websocket.Upgrader{
	HandshakeTimeout: 10 * time.Second,
	ReadBufferSize:   1, // the least; 0 would keep the server's
	WriteBufferPool:  &sync.Pool{},

	EnableCompression: true,
	CheckOrigin:       func(*http.Request) bool { return true }, // there are no cookies
}

// live turns the request into a websocket. The handler returns at once, so
// that its large stack is given back; a goroutine of its own reads.
func (a *API) live(w http.ResponseWriter, rq *request) {
	rec := w.(*recorder)
	if !websocket.IsWebSocketUpgrade(rq.Request) || rq.Method != http.MethodGet {
		w.Header().Set("Upgrade", "websocket")
		a.problem(rec, charge.Errorf(upgradeRequired, "this is a websocket, see %s", docsPath))
		return
	}
	if a.leaving.Load() {
		a.problem(rec, a.errLeaving())
		return
	}
	if !a.hub.reserve() {
		a.full.Add(1)
		a.problem(rec, charge.Errorf(charge.NotReady, "no room for another viewer here, try again"))
		return
	}
	if err := a.limiter.census.enter(rq.from.addr, rq.who.token); err != nil {
		a.hub.viewers.Add(-1)
		a.problem(rec, err)
		return
	}
	up := upgrader
	up.Error = func(_ http.ResponseWriter, r *http.Request, _ int, reason error) {
		a.problem(rec, charge.Errorf(charge.ValueRange, "%s", reason.Error()))
	}
	conn, err := up.Upgrade(rec.ResponseWriter, rq.Request, nil)
	if err != nil {
		a.limiter.census.leave(rq.from.addr, rq.who.token)
		a.hub.viewers.Add(-1)
		return
	}
	rec.status = http.StatusSwitchingProtocols
	// Of the library's connection only the handshake was needed.
	deflate := offersDeflate(rq.Header)
	v := &viewer{conn: conn.NetConn(), sock: newSocket(conn.NetConn()), deflate: deflate, addr: rq.from.addr}
	if token := bearer(rq.Request); token != "" {
		v.ident.Store(&ident{rq.who, token})
	}
	v.heard.Store(uptime())
	a.hub.add(v)
	go a.read(v)
}

// began is when the process did; its clock never jumps.
var began = time.Now()

// uptime returns seconds since the process began.
func uptime() int64 { return int64(time.Since(began).Seconds()) }

// read handles a viewer's messages until the connection ends.
func (a *API) read(v *viewer) {
	defer a.end(v)
	in := wsock.New(v.conn, int(a.cfg.ReadLimit), v.deflate)
	for {
		kind, data, err := in.Next()
		if err != nil {
			a.fault(v, err)
			return
		}
		v.heard.Store(uptime())
		switch kind {
		case wsock.Text:
			err = a.desks.handle(v, data)
		case wsock.Ping:
			a.ping(v, data)
		case wsock.Pong:
		case wsock.Close:
			v.control(closeFrame(closeCode(data), ""))
			return
		default:
			v.bye(websocket.CloseUnsupportedData, "only text frames are understood")
			err = a.drain(v)
		}
		if err != nil {
			return
		}
	}
}

// end takes a viewer out whose reader is through.
func (a *API) end(v *viewer) {
	if p := recover(); p != nil {
		a.metrics.panics.Inc()
		a.log.Error("websocket reader panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	}
	a.hub.remove(v)
	a.limiter.census.leave(v.addr, v.who().token)
	_ = v.conn.Close()
}

// fault tells a viewer what it may not send, if that is why nothing can be read.
func (a *API) fault(v *viewer, err error) {
	if f, ok := errors.AsType[*wsock.Fault](err); ok {
		v.bye(f.Code, f.Text)
		_ = a.drain(v)
	}
}

func (a *API) ping(v *viewer, data []byte) {
	v.control(controlFrame(websocket.PongMessage, data))
	if _, err := a.pace(v); err != nil {
		time.Sleep(a.pause) // nobody needs twenty pings a second
	}
}

// closeCode returns the code by which a close message is answered.
func closeCode(data []byte) int {
	if len(data) < 2 {
		return websocket.CloseNormalClosure
	}
	return int(binary.BigEndian.Uint16(data))
}

// memberPool holds the members of one message while it is handled.
var memberPool = sync.Pool{New: func() any { return new([]member) }}

func (a *API) handle(v *viewer, text []byte) error {
	members := memberPool.Get().(*[]member)
	defer memberPool.Put(members)
	over, tooFast := a.pace(v)
	msg, err := parseMessage(text, *members)
	if tooFast != nil {
		return a.slow(v, &msg, over, tooFast)
	}
	if err != nil {
		return v.reply(errorFrame("error", nil, charge.ValueRange, err.Error()))
	}
	*members = msg.members
	err = a.operate(v, &msg)
	clear(*members)
	if errors.Is(err, errBye) {
		return a.drain(v)
	}
	return err
}

// drain reads on after a close frame of ours until the other side ends: what
// is left unread would reset the connection before that frame is read.
func (a *API) drain(v *viewer) error {
	_, _ = io.Copy(io.Discard, v.conn)
	return errBye
}
