package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// upstream is a stand-in for a replica that notes what nginx sends it.
type upstream struct {
	*httptest.Server
	mu       sync.Mutex
	requests []*http.Request
	conns    atomic.Int64
	handle   atomic.Pointer[http.HandlerFunc] // nil: an empty 200
}

func newUpstream(t *testing.T) *upstream {
	u := &upstream{}
	u.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/readyz" {
			return
		}
		u.mu.Lock()
		u.requests = append(u.requests, r)
		u.mu.Unlock()
		if h := u.handle.Load(); h != nil {
			(*h)(w, r)
		}
	}))
	u.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			u.conns.Add(1)
		}
	}
	u.Start()
	t.Cleanup(u.Close)
	return u
}

func (u *upstream) does(h http.HandlerFunc) { u.handle.Store(&h) }

// seen returns what came since the last call.
func (u *upstream) seen() []*http.Request {
	u.mu.Lock()
	defer u.mu.Unlock()
	list := u.requests
	u.requests = nil
	return list
}

// raw sends lines as they stand and reads one answer.
func raw(t *testing.T, address string, lines ...string) (*http.Response, string) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(address, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, strings.Join(lines, "\r\n")+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%q: %v", lines, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%q: %v", lines, err)
	}
	return resp, string(body)
}

// What clients write reaches replicas only as far as it may.
func TestNginxPassesOnWhatItShould(t *testing.T) {
	one, two := newUpstream(t), newUpstream(t)
	front := startNginx(t, &platform{t: t, http: one.URL}, &platform{t: t, http: two.URL})
	seen := func() []*http.Request { return append(one.seen(), two.seen()...) }
	const host = "Host: dianchi.example"

	// Whoever the client says that he is, replicas read whom nginx sees.
	raw(t, front, "GET /api/v1/overview HTTP/1.1", host, "X-Forwarded-For: 203.0.113.9", "X-Forwarded-For: 198.51.100.1, unknown",
		"X-Forwarded-Proto: https", "Authorization: Bearer abc", "Accept-Encoding: br", `If-None-Match: W/"1"`, "Connection: close")
	list := seen()
	if len(list) != 1 {
		t.Fatalf("%d requests", len(list))
	}
	h := list[0].Header
	if got := h["X-Forwarded-For"]; len(got) != 1 || got[0] != "127.0.0.1" {
		t.Errorf("X-Forwarded-For is %q", got)
	}
	if got := h["X-Forwarded-Proto"]; len(got) != 1 || got[0] != "http" {
		t.Errorf("X-Forwarded-Proto is %q", got)
	}
	for name, want := range map[string]string{"Authorization": "Bearer abc", "Accept-Encoding": "br", "If-None-Match": `W/"1"`,
		"Connection": "", "Upgrade": ""} {
		if got := h.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if list[0].Host != "dianchi.example" {
		t.Errorf("Host is %q", list[0].Host)
	}

	// Only websockets are upgraded.
	for protocol, want := range map[string]string{"h2c": "", "websocket": "websocket", "WebSocket": "websocket", "websocket, h2c": "", "tcp": ""} {
		raw(t, front, "GET /api/v1/live HTTP/1.1", host, "Connection: Upgrade, HTTP2-Settings", "Upgrade: "+protocol, "HTTP2-Settings: AAMAAABkAAQAAP__")
		for _, r := range seen() {
			if got := r.Header.Get("Upgrade"); got != want || (r.Header.Get("Connection") == "upgrade") != (want != "") {
				t.Errorf("Upgrade: %s comes as %q with Connection %q", protocol, got, r.Header.Get("Connection"))
			}
		}
	}

	// HTTP/1.0 without a Host is an old health check, not an error.
	if resp, body := raw(t, front, "GET /healthz HTTP/1.0"); resp.StatusCode != 200 {
		t.Errorf("HTTP/1.0 without a Host: %d %s", resp.StatusCode, body)
	}
	seen()

	// What is between processes stays there, however it is written.
	for _, path := range []string{"/internal/snapshot", "//internal/snapshot", "/%69nternal/snapshot", "/x/../internal/snapshot",
		"/./internal/stream", "/internal%2Fsnapshot", "/internal/%2e%2e/internal/snapshot", "/internal/", "/metrics", "/%6Detrics", "/x/../metrics",
		"//metrics"} {
		resp, _ := raw(t, front, "GET "+path+" HTTP/1.1", host, "Connection: close")
		if resp.StatusCode != 404 {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
	if list := seen(); len(list) != 0 {
		t.Errorf("%s reaches a replica", list[0].URL)
	}

	// What comes is passed on as it is written: ids may hold escaped bytes.
	raw(t, front, "GET /api/v1/stations/teld%3AS1?q=%E7%AB%99&x=a+b HTTP/1.1", host, "Connection: close")
	if list := seen(); len(list) != 1 || list[0].RequestURI != "/api/v1/stations/teld%3AS1?q=%E7%AB%99&x=a+b" {
		t.Errorf("an escaped path: %v", list)
	}

	// A body is a note; more is refused as the API refuses.
	resp, err := http.Post(front+"/api/v1/alarms/A1/ack", "application/json", strings.NewReader(strings.Repeat("x", 70_000)))
	if err != nil {
		t.Fatal(err)
	}
	problemOf(t, resp, 400, "value-range")
	if list := seen(); len(list) != 0 {
		t.Error("a body of 70 kB reaches a replica")
	}

	// Requests share connections to the replicas.
	before := one.conns.Load() + two.conns.Load()
	for range 50 {
		raw(t, front, "GET /api/v1/overview HTTP/1.1", host, "Connection: close")
	}
	if n := one.conns.Load() + two.conns.Load() - before; n > 10 {
		t.Errorf("50 requests one after the other made %d connections", n)
	}
}

// problemOf checks that an answer is a problem document that pages of any
// origin may read.
func problemOf(t *testing.T, resp *http.Response, status int, code string) {
	t.Helper()
	defer resp.Body.Close()
	var p struct {
		Status int
		Code   string
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != status || resp.Header.Get("Content-Type") != "application/problem+json" || json.Unmarshal(body, &p) != nil ||
		p.Status != status || p.Code != code || resp.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%d %s %s, want %d %s", resp.StatusCode, resp.Header, body, status, code)
	}
	if status == 503 && resp.Header.Get("Retry-After") == "" {
		t.Error("503 does not say when to come again")
	}
}

// A replica that ends in the middle costs a question nothing and is never asked
// to do something twice.
func TestNginxAsksAgainOnlyWhatMayBeAskedTwice(t *testing.T) {
	one, two := newUpstream(t), newUpstream(t)
	front := startNginx(t, &platform{t: t, http: one.URL}, &platform{t: t, http: two.URL})
	dies := func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		conn.Close()
	}
	full := func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "full", http.StatusServiceUnavailable) }
	ask := func(method string, want int) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, front+"/api/v1/alarms/A1/ack", strings.NewReader(`{"note":"x"}`))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if want == 503 && resp.Header.Get("Content-Type") == "application/problem+json" {
			problemOf(t, resp, 503, "not-ready")
			return
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", method, resp.StatusCode, want)
		}
	}
	one.does(dies)
	two.does(func(http.ResponseWriter, *http.Request) {})
	for range 20 {
		ask("GET", 200)
	}
	if len(one.seen()) == 0 || len(two.seen()) != 20 {
		t.Error("questions were not asked again at the other one")
	}
	one.does(full)
	for range 20 {
		ask("GET", 200)
	}
	one.does(dies)
	two.does(dies)
	one.seen()
	two.seen()
	for range 10 {
		ask("POST", 503)
	}
	if n := len(one.seen()) + len(two.seen()); n != 10 {
		t.Errorf("10 acknowledgements reached replicas %d times", n)
	}
	ask("GET", 503)
	one.Close()
	two.Close()
	ask("GET", 503)
	ask("POST", 503)
}

// An answer is taken off a replica's hands at once, however slowly its client
// reads; frames of a websocket go on as they come, both ways, however small.
func TestNginxBuffersAnswersAndNotFrames(t *testing.T) {
	one, two := newUpstream(t), newUpstream(t)
	front := startNginx(t, &platform{t: t, http: one.URL}, &platform{t: t, http: two.URL})
	const size = 6 << 20
	finished := make(chan time.Duration, 1)
	sends := func(w http.ResponseWriter, _ *http.Request) {
		began := time.Now()
		for range size / (64 << 10) {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				t.Error(err)
				break
			}
		}
		finished <- time.Since(began)
	}
	one.does(sends)
	two.does(sends)
	conn, err := net.Dial("tcp", strings.TrimPrefix(front, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, "GET /api/v1/history/city HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	select {
	case <-finished: // its client has not read a byte
	case <-time.After(10 * time.Second):
		t.Fatal("a replica waits for a client that does not read")
	}

	echo := func(w http.ResponseWriter, r *http.Request) {
		up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
		c, err := up.Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		go func() {
			defer c.Close()
			for {
				kind, text, err := c.ReadMessage()
				if err != nil || c.WriteMessage(kind, text) != nil {
					return
				}
			}
		}()
	}
	one.does(echo)
	two.does(echo)
	c, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(front, "http")+"/api/v1/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		want := fmt.Sprint("frame ", i)
		if err := c.WriteMessage(websocket.TextMessage, []byte(want)); err != nil {
			t.Fatal(err)
		}
		if _, got, err := c.ReadMessage(); err != nil || string(got) != want {
			t.Fatalf("frame %d: %q %v", i, got, err)
		}
	}
}

// Behind nginx each client has its own limits, whatever it says of itself, and
// none has another's.
func TestNginxClientsAreLimitedByTheirOwnAddress(t *testing.T) {
	p := start(t, t.TempDir(), "", "--proxies", "127.0.0.1", "--address-rate", "2", "--viewers-address", "2")
	front := startNginx(t, p, p)
	from := func(address string) (http.RoundTripper, *websocket.Dialer) {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
		tr := &http.Transport{DialContext: d.DialContext}
		t.Cleanup(tr.CloseIdleConnections)
		return tr, &websocket.Dialer{NetDialContext: d.DialContext}
	}
	ask := func(tr http.RoundTripper, forwarded string) int {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, front+"/api/v1/overview", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Forwarded-For", forwarded)
		req.Header.Set("X-Real-IP", forwarded)
		req.Header.Set("Forwarded", "for="+forwarded)
		resp, err := tr.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	greedy, _ := from("127.0.0.2")
	refused := 0
	for i := range 60 {
		if ask(greedy, fmt.Sprintf("127.0.0.1, 198.51.100.%d", i)) == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused < 20 {
		t.Errorf("of 60 requests at once with 10 in hand %d were refused", refused)
	}
	other, _ := from("127.0.0.3")
	if status := ask(other, "127.0.0.2"); status != http.StatusOK {
		t.Errorf("another client: %d", status)
	}
	_, dialer := from("127.0.0.4")
	for i, status := range []int{101, 101, 429, 429} {
		header := http.Header{"X-Forwarded-For": {fmt.Sprintf("198.51.100.%d", i)}}
		conn, resp, err := dialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(front, "http")+"/api/v1/live", header)
		if resp == nil {
			t.Fatal(err)
		}
		if conn != nil {
			defer conn.Close()
		}
		if resp.StatusCode != status {
			t.Errorf("websocket %d of one client: %d, want %d", i, resp.StatusCode, status)
		}
	}
}
