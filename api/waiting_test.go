package api

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Before its first copy a replica says so in the shape that it will always have.
func TestWaiting(t *testing.T) {
	parts := func() []PartState { return []PartState{{Name: "follow", Needed: true, Detail: "loading"}} }
	s := httptest.NewServer(Waiting(slog.New(slog.DiscardHandler), parts))
	defer s.Close()
	f := func(method, path string, status int, code, body string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		a := answered{resp.StatusCode, resp.Header, b}
		if a.status != status || a.code() != code || body != "" && string(b) != body {
			t.Errorf("%s %s: %d %s, want %d %s %s", method, path, a.status, b, status, code, body)
		}
		if status == 503 && a.header.Get("Retry-After") == "" {
			t.Errorf("%s %s: 503 does not say when to come again", method, path)
		}
		if strings.HasPrefix(path, "/api/") && a.header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s %s: pages of other origins cannot read it", method, path)
		}
	}

	w := newWorld(t, func(_ *Config, d *Deps) { d.Ready = parts })
	for _, path := range []string{"/readyz", "/healthz"} { // as the API itself says it
		a := w.get(path, "")
		f("GET", path, a.status, "", string(a.body))
		f("HEAD", path, a.status, "", "")
	}
	f("POST", "/readyz", 405, "method-not-allowed", "")
	f("GET", "/api/v1/overview", 503, "not-ready", "")
	f("OPTIONS", "/api/v1/overview", 204, "", "")
	f("GET", "/api/v1/live", 503, "not-ready", "")
	f("GET", "/metrics", 503, "not-ready", "")
	f("GET", "/", 503, "not-ready", "")
}
