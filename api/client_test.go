package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// client is a viewer as the contract describes one: it keeps a state for each
// channel and knows nothing else of how the server works.
type client struct {
	tb   testing.TB
	conn *websocket.Conn

	chans  map[string]*channelState
	frames []frameIn // in the order of arrival
	err    error     // with which it was closed
}

// channelState is what a client knows of one channel.
type channelState struct {
	rev   string
	n     uint64 // the number in rev, which only a test may look at
	whole map[string]json.RawMessage
	items map[string]map[string]json.RawMessage // stations and vehicles by id, members
	cells map[string]float64

	counts json.RawMessage // of alarms
}

// frameIn is any frame from the server.
type frameIn struct {
	Op       string
	ID       any
	Ch       string
	Rev      string
	At       string
	Full     bool
	Role     string
	Channels []string
	Data     map[string]json.RawMessage
	Error    *struct{ Code, Message string }
	raw      string
}

func (w *world) dial(token string) *client {
	w.tb.Helper()
	header := http.Header{}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	// Every other client reads compressed frames, as browsers do.
	d := websocket.Dialer{EnableCompression: w.dialled.Add(1)%2 == 0}
	conn, resp, err := d.Dial("ws"+strings.TrimPrefix(w.url, "http")+"/api/v1/live", header)
	if err != nil {
		w.tb.Fatalf("cannot dial: %v %v", err, resp)
	}
	w.tb.Cleanup(func() { conn.Close() })
	return &client{tb: w.tb, conn: conn, chans: make(map[string]*channelState)}
}

func (c *client) send(format string, args ...any) {
	c.tb.Helper()
	if err := c.conn.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, format, args...)); err != nil {
		c.tb.Fatal(err)
	}
}

// read returns the next frame and takes it over into the client's state.
func (c *client) read(wait time.Duration) (frameIn, error) {
	c.tb.Helper()
	if err := c.conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
		c.tb.Fatal(err)
	}
	_, text, err := c.conn.ReadMessage()
	if err != nil {
		return frameIn{}, err
	}
	f := frameIn{raw: string(text)}
	if err := json.Unmarshal(text, &f); err != nil {
		c.tb.Fatalf("frame %s: %v", text, err)
	}
	if f.Ch != "" {
		c.take(&f)
	}
	c.frames = append(c.frames, f)
	return f, nil
}

// next is read that must succeed.
func (c *client) next() frameIn {
	c.tb.Helper()
	f, err := c.read(15 * time.Second)
	if err != nil {
		c.tb.Fatalf("no frame: %v", err)
	}
	return f
}

// quiet reads until nothing comes for a while.
func (c *client) quiet(wait time.Duration) {
	c.tb.Helper()
	// gorilla refuses to go on after a time-out, so ask for a frame that must come.
	time.Sleep(wait)
	c.send(`{"op":"query","id":"quiet","near":[0,0]}`)
	for {
		if f := c.next(); f.Op == "query" && f.ID == "quiet" {
			return
		}
	}
}

// sub subscribes and returns the channels.
func (c *client) sub(id, rest string) []string {
	c.tb.Helper()
	c.send(`{"op":"sub","id":%q,%s}`, id, rest)
	for {
		f := c.next()
		if f.Op == "sub" && f.ID == id {
			if f.Error != nil {
				c.tb.Fatalf("sub %s: %+v", rest, *f.Error)
			}
			for _, ch := range f.Channels {
				if c.chans[ch] == nil {
					c.chans[ch] = &channelState{}
				}
			}
			return f.Channels
		}
	}
}

// take applies a frame of a channel as the contract says.
func (c *client) take(f *frameIn) {
	c.tb.Helper()
	s := c.chans[f.Ch]
	if s == nil {
		c.tb.Fatalf("frame of %s, which was not subscribed to: %s", f.Ch, f.raw)
	}
	n := revNumber(c.tb, f.Rev)
	if n < s.n || n == s.n && !f.Full {
		// An answer to a resume may be of the revision that the client has.
		if n < s.n || len(list(c.tb, f.Data["changed"]))+len(list(c.tb, f.Data["removed"])) > 0 {
			c.tb.Fatalf("%s: revision %s after %s", f.Ch, f.Rev, s.rev)
		}
	}
	s.rev, s.n = f.Rev, n
	if counts := f.Data["counts"]; counts != nil {
		s.counts = counts
	}
	if f.Full {
		s.whole, s.items, s.cells = f.Data, nil, nil
	}
	for _, name := range []string{"stations", "vehicles", "alarms", "messages", "changed"} {
		for _, raw := range list(c.tb, f.Data[name]) {
			if raw[0] == '[' {
				s.cell(c.tb, raw)
				continue
			}
			var o map[string]json.RawMessage
			if err := json.Unmarshal(raw, &o); err != nil {
				c.tb.Fatal(err)
			}
			id := idText(o)
			if s.items == nil {
				s.items = make(map[string]map[string]json.RawMessage)
			}
			if s.items[id] == nil {
				if o["lon"] == nil && o["raisedAt"] == nil && o["receivedAt"] == nil { // an alarm or message is whole each time
					c.tb.Fatalf("%s: part of %s, which the client does not know: %s", f.Ch, id, f.raw)
				}
				s.items[id] = make(map[string]json.RawMessage)
			}
			maps.Copy(s.items[id], o)
		}
	}
	for _, raw := range list(c.tb, f.Data["cells"]) {
		s.cell(c.tb, raw)
	}
	for _, raw := range list(c.tb, f.Data["removed"]) {
		var id string
		_ = json.Unmarshal(raw, &id)
		delete(s.items, id)
		delete(s.cells, id)
	}
}

func (s *channelState) cell(tb testing.TB, raw json.RawMessage) {
	var pair []any
	if err := json.Unmarshal(raw, &pair); err != nil || len(pair) != 2 {
		tb.Fatalf("cell %s: %v", raw, err)
	}
	if s.cells == nil {
		s.cells = make(map[string]float64)
	}
	s.cells[pair[0].(string)] = pair[1].(float64)
}

// idText returns the id of a station or vehicle object.
func idText(o map[string]json.RawMessage) string {
	raw := o["id"]
	if raw == nil {
		raw = o["vin"]
	}
	var id string
	_ = json.Unmarshal(raw, &id)
	return id
}

func list(tb testing.TB, raw json.RawMessage) []json.RawMessage {
	if raw == nil {
		return nil
	}
	var v []json.RawMessage
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil // an object, such as the station of the feed of that name
	}
	return v
}

func revNumber(tb testing.TB, rev string) uint64 {
	tb.Helper()
	var n uint64
	if _, err := fmt.Sscanf(rev, "x1.%d", &n); err != nil {
		tb.Fatalf("rev %q: %v", rev, err)
	}
	return n
}

// closed reads until the connection ends and returns the close code, 0 for none.
func (c *client) closed(wait time.Duration) int {
	c.tb.Helper()
	end := time.Now().Add(wait)
	for {
		if _, err := c.read(time.Until(end)); err != nil {
			c.err = err
			var ce *websocket.CloseError
			if errors.As(err, &ce) {
				return ce.Code
			}
			var ne net.Error
			if errors.As(err, &ne) && ne.Timeout() {
				c.tb.Fatalf("still open after %s", wait)
			}
			return 0
		}
	}
}
