package api

import (
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// Where nobody is, a stop waits for nobody: neither when nothing was asked, nor
// when it was from this very machine.
func TestStopAlone(t *testing.T) {
	f := func(waits bool, before func(*world)) {
		t.Helper()
		w := newWorld(t, func(c *Config, _ *Deps) { c.Drain = time.Hour })
		w.tick()
		before(w)
		done := make(chan error, 1)
		go func() { done <- w.api.Stop(t.Context()) }()
		if waits {
			eventually(t, w.api.leaving.Load)
			if a := w.get("/api/v1/overview", ""); a.status != 200 {
				t.Fatalf("a request meanwhile = %d", a.status)
			}
			w.api.Hurry()
			w.api.Hurry()
		}
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("it waits for nobody")
		}
	}

	f(false, func(*world) {})
	f(false, func(w *world) { w.get("/api/v1/overview", ""); w.get("/metrics", "") })
	f(true, func(w *world) { w.get("/readyz", "") })
	f(true, func(w *world) { w.get("/healthz", "") })
	f(true, func(w *world) { w.do("GET", "/api/v1/overview", "", "X-Forwarded-For", "203.0.113.9") })
	f(true, func(w *world) { w.dial("") })
	f(false, func(w *world) { // nobody has asked for half a minute
		w.get("/readyz", "")
		w.api.asked.Add(-31)
	})
}

// While the process leaves, whoever is there is served as before, and whoever
// comes is told to come again.
func TestDrain(t *testing.T) {
	w := newWorld(t, func(c *Config, _ *Deps) { c.Drain, c.ComeBack = 2*time.Second, 7*time.Second })
	w.tick()
	var viewers []*client
	for range 20 {
		viewers = append(viewers, w.dial(""))
	}
	viewers[0].sub("a", `"feed":"overview"`)
	viewers[0].next()
	done := make(chan error, 1)
	go func() { done <- w.api.Stop(t.Context()) }()
	eventually(t, func() bool { return w.get("/readyz", "").status == 503 })
	a := w.get("/readyz", "")
	if a.header.Get("Retry-After") == "" || !strings.Contains(string(a.body), `"name":"api"`) {
		t.Fatalf("readyz: %s", a.body)
	}
	req, err := http.NewRequest("GET", w.url+"/api/v1/overview", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != 200 || !resp.Close {
		t.Fatalf("a request meanwhile: %v %v", resp, err)
	}
	resp.Body.Close()
	_, resp, err = websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(w.url, "http")+"/api/v1/live", nil)
	if err == nil || resp.StatusCode != 503 {
		t.Fatalf("a websocket meanwhile: %v %v", resp, err)
	}
	if n, err := strconv.Atoi(resp.Header.Get("Retry-After")); err != nil || n < 1 || n > 7 {
		t.Fatalf("Retry-After %q, want 1 … 7", resp.Header.Get("Retry-After"))
	}
	w.put(station(1, teld, center, 1))
	w.tick()
	if f := viewers[0].next(); f.Ch != "overview" {
		t.Fatalf("a viewer meanwhile: %s", f.raw)
	}

	seen := make(map[int]bool)
	for _, v := range viewers {
		v.closed(5 * time.Second)
		closing, ok := errors.AsType[*websocket.CloseError](v.err)
		if !ok || closing.Code != websocket.CloseServiceRestart {
			t.Fatalf("closed with %v", v.err)
		}
		m := regexp.MustCompile(`retry in (\d+) s$`).FindStringSubmatch(closing.Text)
		if m == nil {
			t.Fatalf("reason %q", closing.Text)
		}
		n, _ := strconv.Atoi(m[1])
		if n < 1 || n > 7 {
			t.Fatalf("told to come in %d s, want 1 … 7", n)
		}
		seen[n] = true
	}
	if len(seen) < 2 {
		t.Fatalf("all viewers are told the same moment: %v", seen)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// endless is a replica's stream: it ends when it is told to.
type endless struct {
	began, told chan struct{}
	once        sync.Once
}

func (e *endless) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusOK)
	w.(http.Flusher).Flush()
	close(e.began)
	select {
	case <-e.told:
	case <-r.Context().Done():
	}
}

func (e *endless) End() { e.once.Do(func() { close(e.told) }) }

// A stop does not wait for replicas, whose streams have no end.
func TestStopEndsStreams(t *testing.T) {
	e := &endless{began: make(chan struct{}), told: make(chan struct{})}
	w := newWorld(t, func(c *Config, d *Deps) { c.DrainTimeout, d.Internal = time.Hour, e })
	resp, err := http.Get(w.url + "/internal/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	<-e.began
	done := make(chan error, 1)
	go func() { done <- w.api.Stop(t.Context()) }()
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it waits for a replica")
	}
}
