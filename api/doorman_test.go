package api

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// Connections that rest make room for new ones, the longest first; those that
// work on a request and websockets stay, and what else the process has counts.
func TestConnectionsHaveABound(t *testing.T) {
	var others atomic.Int64
	w := newWorld(t, func(c *Config, d *Deps) { c.MaxConns, d.Others = 12, func() int { return int(others.Load()) } })
	w.tick()
	dial := func() net.Conn {
		t.Helper()
		conn, err := net.Dial("tcp", w.api.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	ask := func(conn net.Conn) error {
		if _, err := io.WriteString(conn, "GET /api/v1/overview HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			return err
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != 200 {
			return fmt.Errorf("%d %v", resp.StatusCode, err)
		}
		return nil
	}
	open := func(n int) {
		t.Helper()
		eventually(t, func() bool { return w.api.door.connections() == n })
	}
	viewer := w.dial("")
	viewer.sub("a", `"feed":"overview"`)
	viewer.next()
	var kept []net.Conn
	for i := range 11 {
		kept = append(kept, dial())
		if err := ask(kept[i]); err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
	}
	open(12)
	rest := func(n int) {
		t.Helper()
		eventually(t, func() bool {
			w.api.door.mu.Lock()
			defer w.api.door.mu.Unlock()
			resting := 0
			for g := w.api.door.rests.next; g != &w.api.door.rests; g = g.next {
				resting++
			}
			return resting == n
		})
	}
	rest(11)
	busy := kept[0] // in the middle of its request: it does not rest
	const post = "POST /api/v1/alarms/A1/ack HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer t-teld\r\nContent-Length: 2\r\n\r\n"
	if _, err := io.WriteString(busy, post); err != nil {
		t.Fatal(err)
	}
	rest(10)
	fresh := dial()
	if err := ask(fresh); err != nil {
		t.Fatalf("a new connection: %v", err)
	}
	open(12)
	if err := ask(kept[1]); err == nil {
		t.Error("the connection that rested longest is still there")
	}
	if err := ask(kept[2]); err != nil {
		t.Errorf("another one was closed: %v", err)
	}
	rest(10)
	if _, err := io.WriteString(busy, "{}"); err != nil {
		t.Fatal(err)
	}
	if resp, err := http.ReadResponse(bufio.NewReader(busy), nil); err != nil || resp.StatusCode != 404 {
		t.Errorf("the one with a request under way: %v", err)
	}
	w.tick()
	w.put(station(1, teld, center, 1))
	w.tick()
	if f := viewer.next(); f.Ch != "overview" {
		t.Errorf("a viewer: %s", f.raw)
	}

	others.Store(6)
	if err := ask(dial()); err != nil {
		t.Errorf("with others: %v", err)
	}
	others.Store(100) // nobody who rests can help: what comes goes again
	for w.api.door.open.Load() > 0 {
		if ask(dial()) == nil {
			t.Fatal("a connection beyond the bound is served")
		}
	}
	others.Store(0)
	if err := ask(dial()); err != nil {
		t.Errorf("after that: %v", err)
	}
}
