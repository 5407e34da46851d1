package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/dianchi-platform/dianchi/internal/auth"
	"github.com/dianchi-platform/dianchi/internal/charge"
)

func TestOperations(t *testing.T) {
	w := newWorld(t)
	w.put(station(1, teld, center, 1))
	w.tick()
	c := w.dial("")
	f := func(message, want string) {
		t.Helper()
		c.send("%s", message)
		if got := c.next(); !strings.Contains(got.raw, want) {
			t.Fatalf("%s\nanswered %s\nwant …%s…", message, got.raw, want)
		}
	}

	f(`{"op":"query","id":"q","near":[102.71,25.04],"radiusM":3000,"limit":10}`, `{"op":"query","id":"q","at":"2026-11-23T04:00:01.000Z","data":{"crs":"wgs84","stations":[{"id":"teld:S1"`)
	f(`{"op":"query","near":[102.71, 25.04],"free":true}`, `"stations":[],"next":null}}`)
	f(`{"op":"query","id":7,"near":[102.71,25.04],"limit":0}`, `{"op":"query","id":7,"error":{"code":"value-range"`)
	f(`{"op":"query","id":"q","near":[102.71]}`, `"code":"value-range"`)
	f(`{"op":"query","id":"q","near":{"lon":1}}`, `"code":"value-range"`)
	f(`{"op":"query","id":"q","near":[[1,2],3]}`, `"code":"value-range"`)
	f(`{"op":"query","id":"q"}`, `"code":"value-range"`)
	f(`{"op":"query","id":"q","near":"102.71,25.04","near":null}`, `"code":"value-range"`)
	f(`{"op":"query","id":"\u0071\"","near":"102.71,25.04"}`, `"id":"\u0071\""`)
	f(`{"op":"sub","id":"z","feed":"stations","bbox":[102.0,24.5,103.0,25.5]}`, `{"op":"sub","id":"z","error":{"code":"box-too-large"`)
	f(`{"op":"sub","id":"z","feed":"stations"}`, `"code":"value-range"`)
	f(`{"op":"sub","feed":"overview"}`, `"code":"value-range"`)
	f(`{"op":"sub","id":{},"feed":"overview"}`, `"code":"value-range"`)
	f(`{"op":"sub","id":"z","feed":"weather"}`, `"code":"feed-unknown"`)
	f(`{"op":"sub","id":"z","feed":"vehicles","bbox":"no"}`, `"code":"role-missing"`)
	f(`{"op":"sub","id":"z","feed":"station","station":"teld:none"}`, `"code":"not-found"`)
	// What has not the form of an id names nothing, as in paths.
	for _, id := range []string{"x", "TELD:S1", `teld:S\u0000`, strings.Repeat("a", 3000)} {
		f(`{"op":"sub","id":"z","feed":"station","station":"`+id+`"}`, `"code":"not-found"`)
	}
	f(`{"op":"sub","id":"z","feed":"station","station":""}`, `"code":"value-range"`)
	f(`{"op":"sub","id":"z","feed":"station"}`, `"code":"value-range"`)
	f(`{"op":"sub","id":"z","feed":"heatmap","layer":"vehicles","res":11,`+cityBox+`}`, `"code":"value-range"`)
	f(`{"op":"sub","id":"z","feed":"stations","crs":"gcj02",`+cityBox+`}`, `"code":"value-range"`)
	f(`{"op":"unsub","id":"none"}`, `{"op":"unsub","id":"none","error":{"code":"not-found"`)
	f(`{"op":"dance","id":"d"}`, `{"op":"dance","id":"d","error":{"code":"op-unknown"`)
	f(`{}`, `"code":"op-unknown"`)
	f(`[]`, `{"op":"error","error":{"code":"value-range"`)
	f(`{"op":"query"`, `{"op":"error","error":{"code":"value-range"`)
	f(``, `{"op":"error","error":{"code":"value-range"`)
	// unknown members are ignored, the last of repeated ones counts
	f(`{"op":"dance","op":"query","id":"q","hello":{"a":[1,"]}"]},"limit":0,"limit":1,"near":[102.71,25.04]}`, `"id":"teld:S1"`)
}

func TestSubscriptionLimit(t *testing.T) {
	w := newWorld(t, func(c *Config, _ *Deps) { c.MaxSubs = 2 })
	w.tick()
	c := w.dial("")
	c.sub("a", `"feed":"overview"`)
	c.sub("b", `"feed":"makers"`)
	c.send(`{"op":"sub","id":"c","feed":"operators"}`)
	for {
		if f := c.next(); f.Op == "sub" {
			if f.Error == nil || f.Error.Code != "too-many-subscriptions" {
				t.Fatalf("a third subscription: %s", f.raw)
			}
			break
		}
	}
	c.sub("b", `"feed":"operators"`) // the same id again replaces
}

// What a viewer watches is bounded by tiles, too, and what all watch; places that
// nobody watches any more make room.
func TestChannelsAreBounded(t *testing.T) {
	w := newWorld(t)
	w.tick()
	fixed := w.api.Stats().Channels
	// box covers 8 × 8 tiles; n moves it by as many boxes.
	box := func(n int) string {
		const tile = 360.0 / 4096
		west := -180 + float64(n)*8*tile + tile/10
		return fmt.Sprintf(`"feed":"heatmap","layer":"free","res":8,"bbox":[%f,0.01,%f,0.65]`, west, west+7.5*tile)
	}
	ask := func(c *client, id string, n int) string {
		t.Helper()
		c.send(`{"op":"sub","id":%q,%s}`, id, box(n))
		for {
			var f struct {
				Op    string
				Error struct{ Code string }
			}
			if err := c.conn.ReadJSON(&f); err != nil {
				t.Fatal(err)
			}
			if f.Op == "sub" {
				return f.Error.Code
			}
		}
	}
	c := w.dial("")
	for i := range 8 {
		if code := ask(c, fmt.Sprint(i), i); code != "" {
			t.Fatalf("view %d: %s %s", i, code, box(i))
		}
	}
	if n := w.api.Stats().Channels - fixed; n != maxHeld {
		t.Fatalf("eight views of 64 tiles are %d channels", n)
	}
	if code := ask(c, "more", 8); code != "too-many-subscriptions" {
		t.Errorf("a ninth view: %q", code)
	}
	if code := ask(c, "again", 0); code != "" {
		t.Errorf("one more of what it has: %q", code)
	}
	if code := ask(c, "7", 8); code != "" {
		t.Errorf("another instead of one: %q", code)
	}

	w.api.hub.mu.Lock()
	w.api.hub.most = fixed + 10*64
	w.api.hub.mu.Unlock()
	other := w.dial("")
	if code := ask(other, "a", 20); code != "" {
		t.Errorf("another viewer's view: %q", code)
	}
	if code := ask(other, "b", 21); code != "" { // what view 7 had is given up for it
		t.Errorf("another view: %q", code)
	}
	if code := ask(other, "c", 22); code != "not-ready" {
		t.Errorf("one more than all may have: %q", code)
	}
	if code := ask(other, "c", 3); code != "" {
		t.Errorf("what somebody has: %q", code)
	}
	c.send(`{"op":"unsub","id":"1"}`)
	eventually(t, func() bool { w.tick(); return ask(other, "c", 22) == "" }) // room is looked for once a revision
}

func TestTokens(t *testing.T) {
	w := newWorld(t)
	w.tick()
	if _, resp, err := websocket.DefaultDialer.Dial("ws"+w.url[4:]+"/api/v1/live",
		map[string][]string{"Authorization": {"Bearer bad"}}); err == nil || resp.StatusCode != 401 {
		t.Fatalf("a bad token in the header: %v", err)
	}
	for _, message := range []string{`{"op":"auth","token":"bad"}`, `{"op":"auth"}`, `{"op":"auth","token":5}`} {
		c := w.dial("")
		c.send("%s", message)
		if code := c.closed(2 * time.Second); code != 4401 {
			t.Fatalf("%s: close code %d", message, code)
		}
	}
	c := w.dial("")
	c.send(`{"op":"auth","token":"t-regulator"}`)
	if f := c.next(); f.raw != `{"op":"auth","role":"regulator"}` {
		t.Fatalf("auth: %s", f.raw)
	}
	c.sub("a", `"feed":"vehicles",`+cityBox)
	c.send(`{"op":"auth","token":"t-nio"}`)
	for {
		if f := c.next(); f.Op == "auth" {
			if f.Error == nil || f.Error.Code != "conflict" {
				t.Fatalf("auth after sub: %s", f.raw)
			}
			break
		}
	}

	// A token that is removed takes its open sockets with it.
	header, other := w.dial("t-regulator"), w.dial("t-nio")
	tokens := map[string]charge.Token{"t-nio": testTokens["t-nio"]}
	w.setTokens(tokens)
	for _, v := range []*client{c, header} {
		if code := v.closed(3 * time.Second); code != 4401 {
			t.Fatalf("removed token: close code %d", code)
		}
	}
	other.quiet(time.Millisecond)
}

// slowDirectory tells who somebody is only after its token was removed, and
// everyone was told of that.
type slowDirectory struct {
	*auth.Directory
	remove func()
	once   sync.Once
}

func (d *slowDirectory) Identify(ctx context.Context, token string) (auth.Identity, error) {
	id, err := d.Directory.Identify(ctx, token)
	if token != "" {
		d.once.Do(d.remove)
	}
	return id, err
}

// A token that is removed while its owner comes in lets nobody stay.
func TestTokenRemovedMeanwhile(t *testing.T) {
	f := func(come func(w *world) *client) {
		t.Helper()
		slow := &slowDirectory{}
		w := newWorld(t, func(_ *Config, d *Deps) {
			slow.Directory = d.Auth.(*auth.Directory)
			d.Auth = slow
		})
		slow.remove = func() {
			w.setTokens(nil)
			time.Sleep(3 * accessEvery)
		}
		if code := come(w).closed(5 * time.Second); code != 4401 {
			t.Errorf("close code %d, want 4401", code)
		}
	}

	f(func(w *world) *client { return w.dial("t-regulator") })
	f(func(w *world) *client {
		c := w.dial("")
		c.send(`{"op":"auth","token":"t-regulator"}`)
		return c
	})
}

func TestStopClosesViewers(t *testing.T) {
	w := newWorld(t)
	w.tick()
	a, b := w.dial(""), w.dial("t-regulator")
	a.sub("a", `"feed":"overview"`)
	done := make(chan error, 1)
	go func() { done <- w.api.Stop(t.Context()) }()
	for _, c := range []*client{a, b} {
		if code := c.closed(2 * time.Second); code != websocket.CloseServiceRestart {
			t.Fatalf("close code %d", code)
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// A client that stalls is cut, and the stop is a clean one.
func TestStopCutsStalledRequests(t *testing.T) {
	w := newWorld(t)
	w.api.cfg.DrainTimeout = 100 * time.Millisecond
	conn, err := net.Dial("tcp", w.api.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("GET /api/v1/overview")); err != nil {
		t.Fatal(err)
	}
	if err := w.api.Stop(t.Context()); err != nil {
		t.Errorf("the stop failed: %v", err)
	}
	conn.SetReadDeadline(time.Now().Add(2 * time.Second))
	if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the connection is still open: %v", err)
	}
}

func TestBadFramesEndOnlyTheirConnection(t *testing.T) {
	w := newWorld(t)
	w.tick()
	good := w.dial("")
	c := w.dial("")
	if err := c.conn.WriteMessage(websocket.BinaryMessage, []byte{1, 2}); err != nil {
		t.Fatal(err)
	}
	if code := c.closed(2 * time.Second); code != websocket.CloseUnsupportedData {
		t.Fatalf("binary: close code %d", code)
	}
	c = w.dial("")
	c.send(`{"op":"query","q":"%s"}`, strings.Repeat("x", 65<<10))
	if code := c.closed(2 * time.Second); code != websocket.CloseMessageTooBig && code != 0 {
		t.Fatalf("too long: close code %d", code)
	}
	c = w.dial("")
	pong := make(chan string, 1)
	c.conn.SetPongHandler(func(s string) error { pong <- s; return nil })
	if err := c.conn.WriteControl(websocket.PingMessage, []byte("hi"), time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	c.quiet(20 * time.Millisecond)
	if got := <-pong; got != "hi" {
		t.Fatalf("pong %q", got)
	}
	good.quiet(time.Millisecond)
}

func TestNoRoomForAnotherViewer(t *testing.T) {
	w := newWorld(t, func(c *Config, _ *Deps) { c.MaxViewers = 1 })
	w.tick()
	first := w.dial("")
	_, resp, err := websocket.DefaultDialer.Dial("ws"+w.url[4:]+"/api/v1/live", nil)
	if err == nil || resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" {
		t.Fatalf("a second viewer: %v %v", err, resp)
	}
	_ = first.conn.Close()
	eventually(t, func() bool { return w.api.Stats().Viewers == 0 })
	w.dial("").quiet(time.Millisecond)
}
