package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// upgrader keeps a connection small: 128 bytes to read, which is most messages
// (what is longer is read past them), and nothing to write, because frames are
// written raw.
var upgrader = websocket.Upgrader{
	HandshakeTimeout: 10 * time.Second,
	ReadBufferSize:   128,
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
	v := &viewer{conn: conn, sock: newSocket(conn.NetConn()),
		deflate: offersDeflate(rq.Header), addr: rq.from.addr}
	if token := bearer(rq.Request); token != "" {
		v.ident.Store(&ident{rq.who, token})
	}
	v.heard.Store(time.Now().Unix())
	conn.SetReadLimit(a.cfg.ReadLimit)
	conn.SetPingHandler(func(data string) error {
		v.heard.Store(time.Now().Unix())
		v.control(controlFrame(websocket.PongMessage, []byte(data)))
		if _, err := a.pace(v); err != nil {
			time.Sleep(a.pause) // nobody needs twenty pings a second
		}
		return nil
	})
	conn.SetPongHandler(func(string) error {
		v.heard.Store(time.Now().Unix())
		return nil
	})
	conn.SetCloseHandler(func(code int, _ string) error {
		if code == websocket.CloseNoStatusReceived {
			code = websocket.CloseNormalClosure
		}
		v.control(closeFrame(code, ""))
		return nil
	})
	a.hub.add(v)
	go a.read(v)
}

// buffers hold one message while it is handled.
var buffers = sync.Pool{New: func() any { return new(inbox) }}

type inbox struct {
	text    bytes.Buffer
	members []member
}

// read handles a viewer's messages until the connection ends.
func (a *API) read(v *viewer) {
	defer func() {
		if p := recover(); p != nil {
			a.metrics.panics.Inc()
			a.log.Error("websocket reader panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
		a.hub.remove(v)
		a.limiter.census.leave(v.addr, v.who().token)
		_ = v.net().Close()
	}()
	for {
		kind, r, err := v.conn.NextReader()
		if err != nil {
			return
		}
		v.heard.Store(time.Now().Unix())
		if kind != websocket.TextMessage {
			v.bye(websocket.CloseUnsupportedData, "only text frames are understood")
			_ = a.drain(v)
			return
		}
		if err := a.handle(v, r); err != nil {
			return
		}
	}
}

func (a *API) handle(v *viewer, r io.Reader) error {
	in := buffers.Get().(*inbox)
	defer buffers.Put(in)
	in.text.Reset()
	over, tooFast := a.pace(v)
	// The connection's own limit is of compressed bytes.
	n, err := in.text.ReadFrom(io.LimitReader(r, a.cfg.ReadLimit+1))
	if err != nil {
		return err
	}
	if n > a.cfg.ReadLimit {
		v.bye(websocket.CloseMessageTooBig, "the message is too long")
		return a.drain(v)
	}
	msg, err := parseMessage(in.text.Bytes(), in.members)
	if tooFast != nil {
		return a.slow(v, &msg, over, tooFast)
	}
	if err != nil {
		return v.reply(errorFrame("error", nil, charge.ValueRange, err.Error()))
	}
	in.members = msg.members
	err = a.operate(v, &msg)
	clear(in.members)
	if errors.Is(err, errBye) {
		return a.drain(v)
	}
	return err
}

// drain reads on after a close frame of ours until the other side ends: what
// is left unread would reset the connection before that frame is read.
func (a *API) drain(v *viewer) error {
	_, _ = io.Copy(io.Discard, v.net())
	return errBye
}
