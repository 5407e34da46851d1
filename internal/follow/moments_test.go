package follow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http/httptest"
	"reflect"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/past"
)

// brokenDisk keeps moments that cannot be read.
type brokenDisk struct{ *past.Store }

func (brokenDisk) Moment(context.Context, charge.Millis) ([]byte, error) {
	return nil, errors.New("input/output error")
}

// TestFollowersAskForThePast holds what comes over the line against the store itself.
func TestFollowersAskForThePast(t *testing.T) {
	store, err := past.Open(past.Config{Dir: t.TempDir()}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	const noon charge.Millis = 1795406400000
	for _, at := range []charge.Millis{noon, noon + 300_000, noon + 1_200_000} {
		if err := store.Put(at, []byte("moment of "+at.String())); err != nil {
			t.Fatal(err)
		}
	}
	follower := func(from moments) *Client {
		web := httptest.NewServer(NewServer(ServerConfig{Token: "secret"}, slog.New(slog.DiscardHandler), Sources{Moments: from}))
		t.Cleanup(web.Close)
		c, err := NewClient(ClientConfig{URL: web.URL, Token: "secret"}, slog.New(slog.DiscardHandler), nil)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := follower(store)
	f := func(c *Client, at charge.Millis, code charge.Code) {
		t.Helper()
		want, _ := store.Moment(t.Context(), at)
		got, err := c.Moment(t.Context(), at)
		if code == "" && (err != nil || string(got) != string(want) || len(got) == 0) || code != "" && charge.CodeOf(err) != code {
			t.Errorf("moment %s: %q, %v; want %q, code %q", at, got, err, want, code)
		}
	}

	f(c, noon, "")
	f(c, noon+1_200_000, "")
	f(c, noon+600_000, charge.MomentMissing)
	want, _ := store.Spans(t.Context())
	if got, err := c.Spans(t.Context()); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("spans %v, %v; want %v", got, err, want)
	}
	f(follower(nil), noon, charge.HistoryUnavailable)
	f(follower(brokenDisk{store}), noon, charge.HistoryUnavailable) // not missing: it may be there later

	away, err := NewClient(ClientConfig{URL: "http://127.0.0.1:1", Token: "secret"}, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	f(away, noon, charge.HistoryUnavailable)
	if _, err := away.Spans(t.Context()); charge.CodeOf(err) != charge.HistoryUnavailable {
		t.Errorf("a server that is away becomes %v", err)
	}
}

// large keeps moments that no socket takes whole.
type large struct {
	*past.Store
	asked chan struct{}
}

func (l large) Moment(context.Context, charge.Millis) ([]byte, error) {
	close(l.asked)
	return make([]byte, 32<<20), nil
}

// A follower that asks for a moment and takes nothing is cut, and does not keep the server from stopping.
func TestStuckFollowerOfMoments(t *testing.T) {
	f := func(patience time.Duration, end func(*Server) bool) {
		t.Helper()
		from := large{asked: make(chan struct{})}
		s := NewServer(ServerConfig{Token: "secret", Patience: patience}, slog.New(slog.DiscardHandler), Sources{Moments: from})
		web := httptest.NewServer(s)
		defer web.Close()
		conn, err := net.Dial("tcp", web.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "GET /internal/moments?t=0 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret\r\n\r\n")
		<-from.asked
		eventually(t, "the end", func() bool { return end(s) })
	}

	f(100*time.Millisecond, func(s *Server) bool { return s.Stats().Cut == 1 })
	f(time.Hour, func(s *Server) bool {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		return s.Stop(ctx) == nil
	})
}
