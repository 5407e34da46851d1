package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

func TestWhereARequestComesFrom(t *testing.T) {
	f := func(proxies, peer, forwarded, want string) {
		t.Helper()
		p, err := ParseProxies(proxies)
		if err != nil {
			t.Fatal(err)
		}
		r := &http.Request{RemoteAddr: peer, Header: http.Header{}}
		for line := range strings.SplitSeq(forwarded, "|") {
			if line != "" {
				r.Header.Add("X-Forwarded-For", line)
			}
		}
		got := "exempt"
		if from := p.originOf(r); from.addr.IsValid() {
			got = from.addr.String()
		}
		if got != want {
			t.Errorf("peer %s, X-Forwarded-For %q, proxies %s: %s, want %s", peer, forwarded, proxies, got, want)
		}
	}

	f("loopback", "127.0.0.1:5000", "", "exempt")
	f("loopback", "[::1]:5000", "", "exempt")
	f("loopback", "[::ffff:127.0.0.1]:5000", "", "exempt")
	f("none", "127.0.0.1:5000", "", "127.0.0.1")
	f("none", "127.0.0.1:5000", "203.0.113.9", "127.0.0.1")
	f("loopback", "203.0.113.9:5000", "", "203.0.113.9")
	f("loopback", "127.0.0.1:5000", "203.0.113.9", "203.0.113.9")
	f("loopback", "127.0.0.1:5000", "203.0.113.9:41000", "203.0.113.9")
	// What a client says of itself stands left of what the proxy says.
	f("loopback", "127.0.0.1:5000", "127.0.0.1, 203.0.113.9", "203.0.113.9")
	f("loopback", "127.0.0.1:5000", "198.51.100.1, 203.0.113.9, 127.0.0.1", "203.0.113.9")
	f("loopback", "127.0.0.1:5000", "198.51.100.1|203.0.113.9", "203.0.113.9")
	f("loopback", "203.0.113.9:5000", "198.51.100.1", "203.0.113.9") // no proxy of ours
	f("loopback", "127.0.0.1:5000", "127.0.0.1", "exempt")           // the proxy's own machine
	f("loopback", "127.0.0.1:5000", "203.0.113.9, unknown", "127.0.0.1")
	f("loopback", "127.0.0.1:5000", strings.Repeat("127.0.0.1,", 40)+"127.0.0.1", "127.0.0.1")
	f("loopback,private", "10.1.2.3:5000", "203.0.113.9, 192.168.1.1", "203.0.113.9")
	f("loopback,private", "100.64.3.4:5000", "203.0.113.9", "203.0.113.9")
	// Whom a proxy speaks for is no proxy because it is near: a campus, a container.
	f("loopback,private", "10.1.2.3:5000", "192.168.1.7", "192.168.1.7")
	f("loopback,private", "127.0.0.1:5000", "192.168.1.7, 10.1.2.3", "192.168.1.7")
	f("10.1.0.0/16", "10.1.2.3:5000", "10.1.9.9", "10.1.9.9")
	f("loopback,private", "10.1.2.3:5000", "", "exempt") // a health check of its own
	f("loopback,private", "10.1.2.3:5000", "127.0.0.1", "exempt")
	f("10.1.0.0/16, 192.0.2.7", "10.1.2.3:5000", "203.0.113.9, 192.0.2.7", "203.0.113.9")
	f("10.1.0.0/16", "10.2.2.3:5000", "203.0.113.9", "10.2.2.3")
	// A customer has a /64 of IPv6.
	f("loopback", "[2001:db8:1:2:aaaa:bbbb:cccc:dddd]:5000", "", "2001:db8:1:2::")
	f("loopback", "127.0.0.1:5000", "2001:db8:1:2::9", "2001:db8:1:2::")
	f("loopback", "127.0.0.1:5000", "[2001:db8:1:2::9]:443", "2001:db8:1:2::")
	f("loopback", "127.0.0.1:5000", "[2001:db8:1:2::9]", "2001:db8:1:2::")
	f("loopback", "127.0.0.1:5000", "[203.0.113.9]", "203.0.113.9")
	// Zones and IPv4 in IPv6's clothes make no difference, neither here nor in the list.
	f("fe80::/10", "[fe80::1%eth0]:5000", "203.0.113.9", "203.0.113.9")
	f("fe80::1%eth1", "[fe80::1%eth0]:5000", "203.0.113.9", "203.0.113.9")
	f("private", "[fe80::1%eth0]:5000", "203.0.113.9", "203.0.113.9")
	f("loopback", "[fe80::1%eth0]:5000", "203.0.113.9", "fe80::")
	f("::ffff:10.1.0.0/112", "10.1.2.3:5000", "203.0.113.9", "203.0.113.9")
	f("::ffff:10.1.2.3", "[::ffff:10.1.2.3]:5000", "203.0.113.9", "203.0.113.9")
	f("10.1.2.3", "[::ffff:10.1.2.3]:5000", "::ffff:203.0.113.9", "203.0.113.9")
	f("loopback", "127.0.0.1:5000", "[::ffff:203.0.113.9]:443", "203.0.113.9")
	// What cannot be read stands for nobody: it is the proxy that counts.
	for _, rubbish := range []string{"unix:", "203.0.113.9,", ",", " ", "203.0.113.9:", "203.0.113.256", "[2001:db8::1", "2001:db8::1]", "localhost",
		"0x7f.1", "127.1", "203.0.113.9 198.51.100.1", "\"203.0.113.9\"", "203.0.113.9;"} {
		f("loopback", "127.0.0.1:5000", rubbish, "127.0.0.1")
		f("10.0.0.0/8", "10.1.2.3:5000", rubbish, "10.1.2.3")
	}
	f("loopback", "127.0.0.1:5000", "rubbish|203.0.113.9", "203.0.113.9")
	f("loopback", "127.0.0.1:5000", "203.0.113.9|rubbish", "127.0.0.1")
}

// No header makes a peer that is no proxy of ours anything but itself, and none
// makes a request panic.
func FuzzWhereARequestComesFrom(f *testing.F) {
	for _, s := range []string{"", "203.0.113.9", "127.0.0.1, 10.1.2.3", "[fe80::1%eth0]:1", ",,,", "unknown"} {
		f.Add(s, "127.0.0.1, 203.0.113.9")
	}
	p, err := ParseProxies("loopback,private")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		at := func(peer string) netip.Addr {
			r := &http.Request{RemoteAddr: peer, Header: http.Header{"X-Forwarded-For": {first, second}}}
			return p.originOf(r).addr
		}
		if got := at("198.51.100.7:1"); got.String() != "198.51.100.7" {
			t.Fatalf("%q, %q: a stranger is %s", first, second, got)
		}
		got := at("127.0.0.1:1")
		if last, ok := parseHop(strings.TrimSpace(second[strings.LastIndexByte(second, ',')+1:])); ok && !p.trusts(last) && got != site(last) {
			t.Fatalf("%q, %q: behind our proxy it is %s, want %s", first, second, got, site(last))
		}
	})
}

func TestProxiesThatCannotBe(t *testing.T) {
	for _, list := range []string{"", "nginx", "10.0.0.0/33", "::ffff:0:0/64", "10.0.0.1-9", "loopback,,private", "2001:db8::/129", "unix:/run/x"} {
		if p, err := ParseProxies(list); err == nil {
			t.Errorf("%q is taken as %+v", list, p)
		}
	}
}

func TestBuckets(t *testing.T) {
	b := newBuckets(newRate(10, 5), 64)
	now := int64(time.Hour)
	f := func(client string, times int, ok bool, left int64) {
		t.Helper()
		var got allowance
		for range times {
			got = b.ofText(client, now)
		}
		if got.ok != ok || got.remaining != left {
			t.Fatalf("%s after %d more: %+v, want %v and %d left", client, times, got, ok, left)
		}
	}

	f("a", 1, true, 49)
	f("a", 49, true, 0)
	f("a", 1, false, 0)
	f("b", 1, true, 49)
	now += int64(100 * time.Millisecond) // one token comes
	f("a", 1, true, 0)
	f("a", 1, false, 0)
	if got := b.ofText("a", now); got.wait != 100*time.Millisecond || got.full != 5*time.Second {
		t.Fatalf("an empty bucket: %+v", got)
	}
	now += int64(time.Minute)
	f("a", 1, true, 49)

	// Many others may push an empty bucket out, never take more room.
	for i := range 10_000 {
		b.ofText(strconv.Itoa(i), now)
	}
	f("one more", 1, true, 49)
}

func TestRequestRate(t *testing.T) {
	w := newWorld(t, func(c *Config, _ *Deps) { c.Limits.AddressRate, c.Limits.TokenRate = 3, 2 })
	w.tick()
	// until asks until it is refused, and returns the answers before and the refusal.
	until := func(path, token, from string) (answers []answered) {
		t.Helper()
		for range 200 {
			a := w.do("GET", path, token, "X-Forwarded-For", from)
			answers = append(answers, a)
			if a.status == 429 {
				return answers
			}
		}
		t.Fatalf("%s is never refused", path)
		return nil
	}
	f := func(token, from, name string, most int) {
		t.Helper()
		all := until("/api/v1/overview", token, from)
		first, last := all[0], all[len(all)-1]
		h := first.header
		if h.Get("RateLimit-Limit") != strconv.Itoa(most) || h.Get("RateLimit-Remaining") != strconv.Itoa(most-1) ||
			h.Get("RateLimit-Reset") != "1" ||
			!strings.Contains(h.Get("RateLimit-Policy"), fmt.Sprintf(`"%s";q=%d;w=5`, name, most)) ||
			!strings.Contains(h.Get("RateLimit"), fmt.Sprintf(`"%s";r=%d;t=1`, name, most-1)) {
			t.Fatalf("first answer to %s: %v", name, h)
		}
		if len(all) <= most {
			t.Fatalf("refused after %d requests, %d are in hand", len(all)-1, most)
		}
		if last.code() != "rate-limited" || last.header.Get("Retry-After") != "1" || last.header.Get("RateLimit-Remaining") != "0" ||
			!strings.Contains(last.header.Get("Access-Control-Expose-Headers"), "RateLimit-Reset") {
			t.Fatalf("refusal: %s %v", last.body, last.header)
		}
	}
	f("", "203.0.113.9", "address", 15)
	f("t-driver", "203.0.113.10", "token", 10) // and its address would have allowed more
	if a := w.do("GET", "/api/v1/overview", "t-regulator", "X-Forwarded-For", "203.0.113.9"); a.code() == "" {
		// a token does not help an address
		for range 20 {
			a = w.do("GET", "/api/v1/overview", "t-regulator", "X-Forwarded-For", "203.0.113.9")
		}
		if a.code() != "rate-limited" {
			t.Fatalf("the address is allowed more: %d", a.status)
		}
	}
	// Guessing tokens is as fast as anything else.
	until("/api/v1/overview", "guess", "203.0.113.11")
	until("/metrics", "guess", "203.0.113.13")
	// Every answer of the API counts, also one that is no success.
	if a := w.do("GET", "/api/v1/stations", "", "X-Forwarded-For", "203.0.113.12"); a.status != 400 || a.header.Get("RateLimit") == "" {
		t.Fatalf("400: %v", a.header)
	}
	for range 40 { // neither probes, nor preflights, nor those who come from here
		for _, path := range []string{"/healthz", "/readyz"} {
			if a := w.do("GET", path, "", "X-Forwarded-For", "203.0.113.9"); a.status != 200 || a.header.Get("RateLimit") != "" {
				t.Fatalf("%s: %d %v", path, a.status, a.header)
			}
		}
		if a := w.do("OPTIONS", "/api/v1/overview", "", "X-Forwarded-For", "203.0.113.9"); a.status != 204 {
			t.Fatalf("preflight: %d", a.status)
		}
		if a := w.get("/api/v1/overview", ""); a.status != 200 || a.header.Get("RateLimit") != "" {
			t.Fatalf("from loopback: %d %v", a.status, a.header)
		}
	}
	metrics := string(w.get("/metrics", "").body)
	for _, name := range []string{`dianchi_http_limited_total{by="address"} `, `dianchi_http_limited_total{by="token"} `} {
		if _, n, ok := strings.Cut(metrics, name); !ok || n[0] == '0' {
			t.Errorf("no %s in the metrics", name)
		}
	}
}

// dialFrom opens a websocket as a proxy does for an address.
func (w *world) dialFrom(addr, token string) (*client, *http.Response) {
	w.tb.Helper()
	header := http.Header{"X-Forwarded-For": {addr}}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	conn, resp, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(w.url, "http")+"/api/v1/live", header)
	if err != nil {
		return nil, resp
	}
	w.tb.Cleanup(func() { conn.Close() })
	return &client{tb: w.tb, conn: conn, chans: make(map[string]*channelState)}, resp
}

func TestViewersOfOne(t *testing.T) {
	w := newWorld(t, func(c *Config, _ *Deps) { c.Limits.AddressViewers, c.Limits.TokenViewers = 2, 1 })
	w.tick()
	f := func(addr, token string, want int) *client {
		t.Helper()
		c, resp := w.dialFrom(addr, token)
		if resp.StatusCode != want || want == 429 && resp.Header.Get("Retry-After") == "" {
			t.Fatalf("from %s as %q: %d %v, want %d", addr, token, resp.StatusCode, resp.Header, want)
		}
		return c
	}
	first := f("203.0.113.9", "", 101)
	f("203.0.113.9", "", 101)
	f("203.0.113.9", "", 429)
	f("203.0.113.10", "t-teld", 101)
	f("203.0.113.11", "t-teld", 429)
	for range 3 {
		w.dial("").quiet(time.Millisecond) // from loopback
	}
	_ = first.conn.Close()
	eventually(t, func() bool { return w.api.Stats().Viewers == 5 })
	third := f("203.0.113.9", "", 101)
	third.send(`{"op":"auth","token":"t-teld"}`)
	if code := third.closed(2 * time.Second); code != closeTooFast {
		t.Fatalf("a second viewer of a token: close code %d", code)
	}
	other := f("203.0.113.12", "t-ykc", 101)
	other.send(`{"op":"auth","token":"t-nio"}`) // gives t-ykc back
	other.next()
	f("203.0.113.13", "t-ykc", 101)
	f("203.0.113.14", "t-nio", 429)

	c := &w.api.limiter.census
	eventually(t, func() bool { // nothing is left behind
		w.api.hub.each((*viewer).shut)
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.addresses)+len(c.tokens) == 0
	})
}

func TestMessageRate(t *testing.T) {
	w := newWorld(t, func(c *Config, _ *Deps) { c.Limits.MessageRate = 2 })
	w.api.pause = 10 * time.Millisecond
	w.tick()
	c, _ := w.dialFrom("203.0.113.9", "")
	const asked = 60
	written := make(chan struct{})
	go func() {
		defer close(written)
		for i := range asked {
			if c.conn.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, `{"op":"query","id":"q%d","near":[102,25]}`, i)) != nil {
				return
			}
		}
	}()
	refused := 0
	for i := range asked {
		f := c.next()
		if f.ID != fmt.Sprintf("q%d", i) || f.Op != "query" {
			t.Fatalf("answer %d: %s", i, f.raw)
		}
		if f.Error != nil {
			if refused++; f.Error.Code != "rate-limited" || i < 20 {
				t.Fatalf("answer %d: %s", i, f.raw)
			}
		}
	}
	if refused == 0 {
		t.Fatal("nothing was refused")
	}
	<-written
	// What is no message at all costs, too, and one who never stops is closed.
	for range 2 * paceStrikes {
		if c.conn.WriteMessage(websocket.TextMessage, []byte(`no`)) != nil {
			break
		}
	}
	if code := c.closed(20 * time.Second); code != closeTooFast {
		t.Fatalf("close code %d, want %d", code, closeTooFast)
	}

	free := w.dial("") // from loopback
	for i := range 300 {
		free.send(`{"op":"query","id":"q%d","near":[102,25]}`, i)
		if f := free.next(); f.Error != nil {
			t.Fatalf("message %d from loopback: %s", i, f.raw)
		}
	}
}

func TestPace(t *testing.T) {
	r := newRate(20, inHandMessages)
	var p pace
	now := int64(0)
	f := func(n int, wantRefused, wantStrikes int) {
		t.Helper()
		refused := 0
		for range n {
			if _, err := p.message(&r, now); err != nil {
				refused++
			}
		}
		if refused != wantRefused || p.strikes != wantStrikes {
			t.Fatalf("%d refused, %d strikes, want %d and %d", refused, p.strikes, wantRefused, wantStrikes)
		}
	}
	f(200, 0, 0)
	f(1, 1, 1)
	now += int64(time.Second)
	f(21, 1, 2)
	now += int64(9 * time.Second)
	f(1, 0, 2)                     // not yet forgiven
	now += int64(10 * time.Second) // quiet until the bucket was full
	f(1, 0, 0)
}

func BenchmarkAdmit(b *testing.B) {
	run := func(name, peer, forwarded string) {
		b.Run(name, func(b *testing.B) {
			l := newLimiter(Default().Limits, nil)
			r := &http.Request{RemoteAddr: peer, Header: http.Header{"User-Agent": {"x"}, "Accept": {"*/*"}}}
			if forwarded != "" {
				r.Header.Set("X-Forwarded-For", forwarded)
			}
			w := httptest.NewRecorder()
			now := l.since
			b.ReportAllocs()
			for b.Loop() {
				clear(w.HeaderMap)
				now = now.Add(time.Millisecond)
				if _, err := l.admit(w, r, now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("loopback", "127.0.0.1:41000", "")
	run("proxied", "127.0.0.1:41000", "203.0.113.9")
	run("direct", "203.0.113.9:41000", "")
}

func BenchmarkBuckets(b *testing.B) {
	t := newBuckets(newRate(1e6, inHand), addressPlaces)
	addr := netip.MustParseAddr("203.0.113.9")
	b.ReportAllocs()
	now := int64(0)
	for b.Loop() {
		now += 1000
		if !t.ofAddress(addr, now).ok {
			b.Fatal("refused")
		}
	}
}
