package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// SIGTERM to the real program: balancers are told first, whoever is there is
// served to the end, and viewers learn when to come back.
func TestSIGTERMDrains(t *testing.T) {
	p := start(t, t.TempDir(), "", "--drain", "3s", "--come-back", "5s", "--viewers", "40",
		"--viewers-address", "2", "--address-rate", "5")
	var viewers []*websocket.Conn
	dial := func(from string) (*websocket.Conn, int) {
		header := http.Header{}
		if from != "" {
			header.Set("X-Forwarded-For", from)
		}
		conn, resp, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(p.http, "http")+"/api/v1/live", header)
		if err != nil {
			if resp == nil {
				t.Fatal(err)
			}
			return nil, resp.StatusCode
		}
		t.Cleanup(func() { conn.Close() })
		return conn, http.StatusSwitchingProtocols
	}
	for range 20 {
		conn, status := dial("")
		if status != http.StatusSwitchingProtocols {
			t.Fatalf("a viewer: %d", status)
		}
		viewers = append(viewers, conn)
	}
	// The flags hold in the program as a whole.
	for i, want := range []int{101, 101, 429} {
		if _, status := dial("203.0.113.9"); status != want {
			t.Fatalf("viewer %d of one address: %d, want %d", i, status, want)
		}
	}
	ask := func(path, from string) *http.Response {
		t.Helper()
		req, err := http.NewRequest("GET", p.http+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if from != "" {
			req.Header.Set("X-Forwarded-For", from)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp
	}
	limited := 0
	for range 60 {
		if resp := ask("/api/v1/overview", "203.0.113.10"); resp.StatusCode == http.StatusTooManyRequests {
			if resp.Header.Get("Retry-After") == "" || resp.Header.Get("RateLimit-Limit") != "25" {
				t.Fatalf("429 with %v", resp.Header)
			}
			limited++
		}
	}
	if limited == 0 {
		t.Fatal("sixty requests at once with --address-rate 5 were all answered")
	}

	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	told := time.Now()
	eventually(t, time.Second, func() (string, bool) {
		return "/readyz does not say that it goes", ask("/readyz", "").StatusCode == http.StatusServiceUnavailable
	})
	if resp := ask("/api/v1/overview", ""); resp.StatusCode != http.StatusOK || !resp.Close {
		t.Fatalf("a request meanwhile: %d, connection kept: %v", resp.StatusCode, !resp.Close)
	}
	if resp := ask("/healthz", ""); resp.StatusCode != http.StatusOK {
		t.Fatalf("/healthz meanwhile: %d", resp.StatusCode)
	}
	if _, status := dial(""); status != http.StatusServiceUnavailable {
		t.Fatalf("a new viewer meanwhile: %d", status)
	}
	v := viewers[0]
	if err := v.WriteMessage(websocket.TextMessage, []byte(`{"op":"query","id":"q","near":[102.7,25]}`)); err != nil {
		t.Fatal(err)
	}
	var answer struct{ ID string }
	if _, text, err := v.ReadMessage(); err != nil || json.Unmarshal(text, &answer) != nil || answer.ID != "q" {
		t.Fatalf("a viewer asks meanwhile: %s %v", text, err)
	}
	moments := map[int]bool{}
	for _, v := range viewers {
		if err := v.SetReadDeadline(time.Now().Add(15 * time.Second)); err != nil {
			t.Fatal(err)
		}
		_, _, err := v.ReadMessage()
		end, ok := errors.AsType[*websocket.CloseError](err)
		if !ok || end.Code != websocket.CloseServiceRestart {
			t.Fatalf("closed with %v", err)
		}
		m := regexp.MustCompile(`retry in (\d+) s$`).FindStringSubmatch(end.Text)
		if m == nil {
			t.Fatalf("told %q", end.Text)
		}
		n, _ := strconv.Atoi(m[1])
		if n < 1 || n > 5 {
			t.Fatalf("told to come in %d s, want 1 … 5", n)
		}
		moments[n] = true
	}
	if open := time.Since(told); open < 2500*time.Millisecond {
		t.Fatalf("viewers were closed after %s, want them served for 3s", open)
	}
	if len(moments) < 2 {
		t.Fatalf("all are told the same moment: %v", moments)
	}
	ended := make(chan error, 1)
	go func() { ended <- <-p.done }()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Fatalf("the program ends with %v", err)
		}
	case <-ctx.Done():
		t.Fatal("the program does not end")
	}
	p.done = nil
}

// A second SIGTERM ends the wait, and does so cleanly; a stop where nobody is
// waits not at all.
func TestSecondSIGTERMEndsTheDrain(t *testing.T) {
	f := func(watched bool) {
		t.Helper()
		p := start(t, t.TempDir(), "", "--drain", "5m")
		if watched {
			conn, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(p.http, "http")+"/api/v1/live", nil)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			go func() { _, _, _ = conn.ReadMessage() }() // answers the close
		}
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if watched {
			eventually(t, 10*time.Second, func() (string, bool) {
				res, err := http.Get(p.http + "/readyz")
				if err != nil {
					return err.Error(), false
				}
				res.Body.Close()
				return "it does not drain", res.StatusCode == http.StatusServiceUnavailable
			})
			if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
		}
		select {
		case err := <-p.done:
			if err != nil {
				t.Fatalf("the program ends with %v", err)
			}
		case <-time.After(30 * time.Second):
			t.Fatal("the program does not end")
		}
		p.done = nil
	}

	f(true)
	f(false)
}
