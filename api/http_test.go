package api

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

func TestProblems(t *testing.T) {
	w := newWorld(t)
	w.put(station(1, teld, center, 1))
	w.tick()
	f := func(method, path, token string, status int, code string) {
		t.Helper()
		a := w.do(method, path, token)
		if a.status != status || a.code() != code {
			t.Fatalf("%s %s as %q = %d %s, want %d %s", method, path, token, a.status, a.body, status, code)
		}
	}

	f("GET", "/api/v1/nothing", "", 404, "not-found")
	f("GET", "/api/v1/overview/", "", 404, "not-found")
	f("GET", "/api/v1/quality", "", 403, "role-missing")
	f("GET", "/api/v1/alarms", "", 403, "role-missing")
	f("POST", "/api/v1/alarms", "t-regulator", 405, "method-not-allowed")
	f("GET", "/api/v1/alarms/A1/ack", "t-regulator", 405, "method-not-allowed")
	f("POST", "/api/v1/alarms/A1/ack", "t-driver", 403, "role-missing")
	f("POST", "/api/v1/alarms/A1/ack", "t-teld", 404, "not-found")
	f("POST", "/api/v1/alarms/1/ack", "t-regulator", 404, "not-found")
	f("GET", "/elsewhere", "", 404, "not-found")
	f("POST", "/api/v1/overview", "", 405, "method-not-allowed")
	f("DELETE", "/api/v1/stations/teld:S1", "bad", 405, "method-not-allowed")
	f("GET", "/api/v1/overview", "bad", 401, "token-unknown")

	// The order of checks: token, role, values, existence.
	f("GET", "/api/v1/vehicles?bbox=no", "bad", 401, "token-unknown")
	f("GET", "/api/v1/vehicles?bbox=no", "", 403, "role-missing")
	f("GET", "/api/v1/vehicles?bbox=no", "t-teld", 403, "role-missing")
	f("GET", "/api/v1/vehicles?bbox=no", "t-nio", 400, "value-range")
	f("GET", "/api/v1/vehicles/none?crs=no", "t-nio", 400, "value-range")
	f("GET", "/api/v1/vehicles/none", "t-nio", 404, "not-found")
	f("GET", "/api/v1/stations/teld:none?crs=no", "", 400, "value-range")
	f("GET", "/api/v1/stations/teld:none", "", 404, "not-found")
	f("GET", "/api/v1/stations/teld", "", 404, "not-found")
	f("GET", "/api/v1/stations/%2e%2e", "", 404, "not-found")
	f("GET", "/api/v1/stations/teld%3AS1%2Fx", "", 404, "not-found")
	// What has not the form of an id names nothing, wherever it stands.
	for _, id := range []string{"x", "TELD:S1", "teld:", ":S1", "teld:S1:2", "teld:S%201", "teld:%00", "%ff", strings.Repeat("a", 3000)} {
		for path, token := range map[string]string{"/stations/": "", "/piles/": "", "/vehicles/": "t-nio", "/history/piles/": "t-teld",
			"/history/vehicles/": "t-regulator", "/history/operators/": "", "/history/makers/": "", "/history/districts/": "",
			"/quality/": "t-teld", "/history/quality/": "t-regulator"} {
			f("GET", "/api/v1"+path+id, token, 404, "not-found")
		}
		f("GET", "/api/v1/history/piles/"+id+"/sessions", "t-teld", 404, "not-found")
		f("GET", "/api/v1/quality/"+id+"/rules", "t-regulator", 404, "not-found")
		f("POST", "/api/v1/alarms/"+id+"/ack", "t-regulator", 404, "not-found")
	}
	f("GET", "/api/v1/history/piles/teld:P1?every=7", "", 403, "role-missing")
	f("GET", "/api/v1/history/piles/teld:P1?every=7", "t-ykc", 400, "value-range")
	f("GET", "/api/v1/history/piles/teld:P1", "t-ykc", 404, "not-found")
	f("GET", "/api/v1/history/piles/teld:P1", "t-teld", 503, "history-unavailable")
	f("GET", "/api/v1/live", "", 426, "upgrade-required")

	a := w.do("PUT", "/api/v1/overview", "")
	if got := a.header.Get("Allow"); got != "GET, HEAD, OPTIONS" {
		t.Fatalf("Allow is %q", got)
	}
	if got := w.get("/api/v1/overview", "bad").header.Get("WWW-Authenticate"); !strings.HasPrefix(got, "Bearer") {
		t.Fatalf("WWW-Authenticate is %q", got)
	}
	if got := w.get("/api/v1/history/city", "").header.Get("Retry-After"); got == "" {
		t.Fatal("503 without Retry-After")
	}
	if got := w.get("/api/v1/stations/teld%3AS1", ""); got.status != 200 {
		t.Fatalf("an escaped colon: %d", got.status)
	}
	for _, header := range []string{"Basic abc", "Bearer", "Bearer ", "t-regulator"} {
		if a := w.do("GET", "/api/v1/overview", "", "Authorization", header); a.code() != "token-unknown" {
			t.Fatalf("Authorization %q = %d", header, a.status)
		}
	}
}

func TestCompressionTagsAndHead(t *testing.T) {
	w := newWorld(t)
	for i := charge.Num(1); i <= 20; i++ {
		w.put(station(i, teld, center, i))
	}
	w.tick()
	const path = "/api/v1/stations?near=102.71,25.04"
	plain := w.do("GET", path, "", "Accept-Encoding", "identity")
	f := func(accept, want string) {
		t.Helper()
		a := w.do("GET", path, "", "Accept-Encoding", accept)
		if got := a.header.Get("Content-Encoding"); got != want {
			t.Fatalf("Accept-Encoding %q: %q, want %q", accept, got, want)
		}
		var r io.Reader = bytes.NewReader(a.body)
		switch want {
		case "gzip":
			var err error
			if r, err = gzip.NewReader(r); err != nil {
				t.Fatal(err)
			}
		case "br":
			r = brotli.NewReader(r)
		}
		if body, err := io.ReadAll(r); err != nil || !bytes.Equal(body, plain.body) {
			t.Fatalf("Accept-Encoding %q: other bytes (%v)", accept, err)
		}
	}
	f("gzip", "gzip")
	f("gzip, deflate, br, zstd", "br")
	f("br;q=0.5, gzip;q=0.9", "gzip")
	f("br;q=0, gzip;q=0", "")
	f("*", "br")
	f("identity", "")
	if a := w.do("GET", "/api/v1/overview", "", "Accept-Encoding", "br"); a.header.Get("Content-Encoding") != "" {
		t.Fatal("a small answer was compressed")
	}

	tag := plain.header.Get("ETag")
	if a := w.do("GET", path, "", "If-None-Match", tag); a.status != 304 || len(a.body) != 0 || a.header.Get("ETag") != tag {
		t.Fatalf("If-None-Match: %d", a.status)
	}
	w.tick()
	if a := w.do("GET", path, "", "If-None-Match", tag); a.status != 200 {
		t.Fatalf("If-None-Match after a tick: %d", a.status)
	}
	head := w.do("HEAD", path, "", "Accept-Encoding", "identity")
	if head.status != 200 || len(head.body) != 0 || head.header.Get("Content-Length") == "" || head.header.Get("ETag") == "" {
		t.Fatalf("HEAD: %d %v", head.status, head.header)
	}
	// HEAD says what GET would, and a part of an answer is not served.
	coded := w.do("HEAD", path, "", "Accept-Encoding", "br")
	if coded.header.Get("Content-Encoding") != "br" || coded.header.Get("Content-Length") != "" || len(coded.body) != 0 {
		t.Fatalf("HEAD with br: %v", coded.header)
	}
	now := w.do("GET", path, "", "Accept-Encoding", "identity").header.Get("ETag")
	if a := w.do("GET", path, "", "Accept-Encoding", "br", "If-None-Match", now); a.status != 304 ||
		a.header.Get("Content-Encoding") != "" || !strings.Contains(a.header.Get("Vary"), "Accept-Encoding") {
		t.Fatalf("304 with br: %d %v", a.status, a.header)
	}
	if a := w.do("GET", path, "", "Range", "bytes=0-9", "Accept-Encoding", "identity"); a.status != 200 || len(a.body) < 1000 {
		t.Fatalf("Range: %d, %d bytes", a.status, len(a.body))
	}
	for _, name := range strings.Split("ETag, Retry-After, Link, Content-Disposition, "+rateHeaders, ", ") {
		if !strings.Contains(plain.header.Get("Access-Control-Expose-Headers"), name) {
			t.Fatalf("a page of another origin may not read %s", name)
		}
	}
	if plain.header.Get("Access-Control-Allow-Origin") != "*" || plain.header.Get("Cache-Control") != "no-cache" {
		t.Fatalf("headers: %v", plain.header)
	}
	pre := w.do("OPTIONS", path, "", "Origin", "https://example.org", "Access-Control-Request-Method", "GET",
		"Access-Control-Request-Headers", "authorization")
	if pre.status != 204 || !strings.Contains(pre.header.Get("Access-Control-Allow-Headers"), "Authorization") {
		t.Fatalf("preflight: %d %v", pre.status, pre.header)
	}
}

func TestPanicsDoNotLeak(t *testing.T) {
	w := newWorld(t)
	broken := &route{path: "/broken", serve: func(*request, *answer) error { panic("secret detail") }}
	broken.metric = w.api.metrics.route("broken")
	w.api.routes.exact["/api/v1/broken"] = broken
	a := w.get("/api/v1/broken", "")
	if a.status != 500 || a.code() != "internal" || bytes.Contains(a.body, []byte("secret")) {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a := w.get("/healthz", ""); a.status != 200 {
		t.Fatal("one panic ended the server")
	}
}

func TestProbes(t *testing.T) {
	ready := true
	w := newWorld(t, func(_ *Config, d *Deps) {
		d.Ready = func() []PartState {
			return []PartState{{Name: "live", Ready: ready, Needed: true}, {Name: "influx", Ready: false, Detail: "starting"}}
		}
	})
	if a := w.get("/readyz", ""); a.status != 200 || !bytes.Contains(a.body, []byte(`"starting"`)) {
		t.Fatalf("ready without InfluxDB: %d %s", a.status, a.body)
	}
	ready = false
	if a := w.get("/readyz", ""); a.status != 503 || a.header.Get("Retry-After") == "" {
		t.Fatalf("not ready: %d %s", a.status, a.body)
	}
	if a := w.get("/metrics", ""); a.status != 200 || !bytes.Contains(a.body, []byte("dianchi_http_answers_total")) {
		t.Fatalf("metrics from loopback: %d", a.status)
	}
	f := func(token string, want int) {
		t.Helper()
		if a := w.do("GET", "/metrics", token, "X-Forwarded-For", "203.0.113.9"); a.status != want {
			t.Fatalf("metrics through a proxy as %q: %d, want %d", token, a.status, want)
		}
	}
	f("", 403)
	f("t-teld", 403)
	f("bad", 401)
	f("t-regulator", 200)
}

// A refusal says who may not do what.
func TestRefusalsOfRoles(t *testing.T) {
	w := newWorld(t)
	f := func(method, path, token, want string) {
		t.Helper()
		if a := w.do(method, path, token); a.status != 403 || !strings.Contains(string(a.body), `"detail":"`+want+`"`) {
			t.Errorf("%s %s as %q = %d %s, want %s", method, path, token, a.status, a.body, want)
		}
	}

	f("GET", "/api/v1/vehicles", "t-teld", "an operator may not see this")
	f("GET", "/api/v1/history/piles/teld:P1", "t-nio", "a maker may not see this")
	f("GET", "/api/v1/alarms", "", "a driver may not see this")
	f("POST", "/api/v1/alarms/A1/ack", "", "a driver may not do this")
}
