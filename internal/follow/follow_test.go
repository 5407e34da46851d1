package follow

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/spool"
)

func TestFollow(t *testing.T) {
	c := newCity(t, ServerConfig{}, spool.Config{})
	c.report(300, 0)
	s := &sink{t: t, city: func() *city { return c }}
	f := follower(t, c.http.URL, s)
	for range 20 {
		c.report(50, 0)
		time.Sleep(2 * time.Millisecond)
	}
	same(t, c, s)
	if st := f.Stats(); st.State != Following || st.Snapshots != 1 || st.Breaks != 0 || st.Seq != 1300 || s.resets != 1 {
		t.Fatalf("Stats = %+v, resets %d", st, s.resets)
	}
	if st := c.server.Stats(); st.Following != 1 || st.Snapshots != 1 || st.Cut != 0 {
		t.Fatalf("the server's Stats = %+v", st)
	}
}

// Connections that break anywhere, in the snapshot and in the stream, leave the
// copy right at every single revision.
func TestFollowTorn(t *testing.T) {
	c := newCity(t, ServerConfig{}, spool.Config{})
	c.report(500, 200)
	s := &sink{t: t, city: func() *city { return c }}
	p := newProxy(t, c.http.Listener.Addr().String(), func() int64 { return rand.Int64N(30_000) })
	f := follower(t, p.url(), s)
	for range 150 {
		c.report(10, rand.IntN(2000))
		time.Sleep(2 * time.Millisecond)
	}
	p.set(c.http.Listener.Addr().String(), whole)
	same(t, c, s)
	st := f.Stats()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cuts < 20 || st.Breaks < 20 {
		t.Fatalf("only %d cuts, %+v: the test tests nothing", p.cuts, st)
	}
	if st.Snapshots != 1 {
		t.Fatalf("%d snapshots were loaded though the log had every place", st.Snapshots)
	}
	t.Logf("%d cuts, %+v", p.cuts, st)
}

// While the server is away the copy stays and is stale; a place that the log no
// longer has, and another log, make it load a new snapshot.
func TestFollowReloads(t *testing.T) {
	c := newCity(t, ServerConfig{}, spool.Config{SegmentBytes: 8 << 10, TailBytes: 1})
	c.report(100, 200)
	s := &sink{t: t, city: func() *city { return c }}
	p := newProxy(t, c.http.Listener.Addr().String(), whole)
	f := follower(t, p.url(), s)
	same(t, c, s)

	p.set("127.0.0.1:1", whole) // nobody there
	c.http.CloseClientConnections()
	eventually(t, "stale", func() bool { return f.Stats().State == Stale })
	if st := f.Stats(); st.Err == nil || st.Seq != 100 {
		t.Fatalf("while the server is away: %+v", st)
	}
	for i := range uint64(10) { // a group each, so several segments
		c.report(50, 200)
		if err := c.spool.WaitSynced(t.Context(), 150+50*i); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.spool.WaitSynced(t.Context(), 600); err != nil {
		t.Fatal(err)
	}
	c.spool.Hold("test", 600)
	if first := c.spool.First(); first < 102 {
		t.Fatalf("the log still begins at %d: the test tests nothing", first)
	}
	p.set(c.http.Listener.Addr().String(), whole)
	same(t, c, s)
	if st := f.Stats(); st.Snapshots != 2 || st.State != Following || s.resets != 2 {
		t.Fatalf("after the log was trimmed: %+v", st)
	}

	other := newCity(t, ServerConfig{Instance: "two"}, spool.Config{})
	other.report(700, 0)
	if err := other.spool.WaitSynced(t.Context(), 700); err != nil {
		t.Fatal(err)
	}
	p.set("127.0.0.1:1", whole)
	c.http.CloseClientConnections()
	eventually(t, "the end of the old stream", func() bool { return f.Stats().Err != nil })
	s.mu.Lock()
	s.city, s.rev = func() *city { return other }, 0
	s.mu.Unlock()
	other.mu.Lock()
	other.rev += 1_000_000 // as the wall clock would have it
	other.mu.Unlock()
	p.set(other.http.Listener.Addr().String(), whole)
	c.close()
	same(t, other, s)
	if st := f.Stats(); st.Snapshots != 3 || s.resets != 3 {
		t.Fatalf("after another log: %+v", st)
	}
}

// The server's end and return, with its log: the copy resumes, no new snapshot.
func TestServerRestarts(t *testing.T) {
	dir := t.TempDir()
	c := newCity(t, ServerConfig{}, spool.Config{Dir: dir})
	c.report(100, 0)
	now := c
	s := &sink{t: t, city: func() *city { return now }}
	p := newProxy(t, c.http.Listener.Addr().String(), whole)
	f := follower(t, p.url(), s)
	same(t, c, s)
	c.mu.Lock()
	rev := c.rev
	c.mu.Unlock()
	c.close()
	eventually(t, "a break", func() bool { return f.Stats().Err != nil })
	again := newCity(t, ServerConfig{}, spool.Config{Dir: dir})
	again.mu.Lock()
	again.rev = rev + 1000
	again.mu.Unlock()
	s.mu.Lock()
	now = again
	s.mu.Unlock()
	p.set(again.http.Listener.Addr().String(), whole)
	again.report(100, 0)
	same(t, again, s)
	if st := f.Stats(); st.Snapshots != 1 || st.Seq != 200 {
		t.Fatalf("after the restart: %+v", st)
	}
}

// A follower that takes nothing is cut, and nobody else waits for it.
func TestSlowFollowerIsCut(t *testing.T) {
	c := newCity(t, ServerConfig{Patience: 300 * time.Millisecond}, spool.Config{})
	conn, err := net.Dial("tcp", c.http.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /internal/stream?after=0 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer internal\r\n\r\n")
	eventually(t, "the stream", func() bool { return c.server.Stats().Following == 1 })
	s := &sink{t: t, city: func() *city { return c }}
	follower(t, c.http.URL, s)
	for range 30 {
		c.report(1, 1<<20)
	}
	same(t, c, s)
	eventually(t, "the cut", func() bool { return c.server.Stats().Cut == 1 })
	if n := c.server.Stats().Following; n != 1 {
		t.Fatalf("%d streams are left, want the good one", n)
	}
	same(t, c, s)
}

// Stop does not wait for a follower that takes nothing.
func TestStopWithStuckFollower(t *testing.T) {
	c := newCity(t, ServerConfig{Patience: time.Hour}, spool.Config{})
	conn, err := net.Dial("tcp", c.http.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /internal/stream?after=0 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer internal\r\n\r\n")
	eventually(t, "the stream", func() bool { return c.server.Stats().Following == 1 })
	c.report(30, 1<<20)
	time.Sleep(200 * time.Millisecond) // now it is stuck in a write
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := c.server.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if resp := get(t, c.http.URL+"/internal/snapshot", "Bearer internal"); resp.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("after Stop a snapshot answers %s", resp.Status)
	}
}

// A server that accepts and says nothing is left after a while.
func TestSilentServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})}
	go srv.Serve(l)
	defer srv.Close()
	s := &sink{t: t}
	c, err := NewClient(ClientConfig{URL: "http://" + l.Addr().String(), Token: "x", Dir: t.TempDir(),
		Silence: 50 * time.Millisecond, MinWait: time.Millisecond}, quiet, s)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer c.Stop(context.Background())
	eventually(t, "the breaks", func() bool { return c.Stats().Breaks >= 3 })
	if st := c.Stats(); st.State != Loading || s.resets != 0 {
		t.Fatalf("Stats = %+v, resets %d", st, s.resets)
	}
}

func TestAccess(t *testing.T) {
	c := newCity(t, ServerConfig{}, spool.Config{})
	parties := []charge.Party{{Num: 1, Slug: "teld", Kind: charge.Operator, Name: "特来电", NameEn: "TELD", Added: 1795392000000,
		PasswordHash: "$7$1$a$b"}, {Num: 2, Slug: "byd", Kind: charge.Maker, Name: "比亚迪", Removed: true}}
	tokens := []charge.Token{{ID: "t1", Role: charge.RoleOperator, Party: "teld", Hash: [32]byte{1, 2, 3}, Added: 5}}
	c.server.SetAccess(parties[:1], nil)
	s := &sink{t: t, city: func() *city { return c }}
	follower(t, c.http.URL, s)
	f := func(parties []charge.Party, tokens []charge.Token) {
		t.Helper()
		want := append([]charge.Party{}, parties...)
		for i := range want {
			want[i].PasswordHash = "" // stays at home
		}
		eventually(t, "parties and tokens", func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			return reflect.DeepEqual(s.parties, want) && len(s.tokens) == len(tokens) &&
				(len(tokens) == 0 || reflect.DeepEqual(s.tokens, tokens))
		})
	}

	f(parties[:1], nil)
	c.server.SetAccess(parties, tokens)
	f(parties, tokens)
	c.server.SetAccess(parties, nil)
	f(parties, nil)
	resp := get(t, c.http.URL+"/internal/snapshot", "Bearer internal")
	b, err := io.ReadAll(resp.Body)
	if err != nil || bytes.Contains(b, []byte("$7$")) || !bytes.Contains(b, []byte("teld")) {
		t.Fatalf("the snapshot (%d bytes, %v) names a password's hash, or no party", len(b), err)
	}
}

func TestToken(t *testing.T) {
	c := newCity(t, ServerConfig{}, spool.Config{})
	none := NewServer(ServerConfig{}, quiet, Sources{})
	f := func(token string, want int) {
		t.Helper()
		for _, path := range []string{"snapshot", "sessions?party=1&pile=P&from=0&to=1", "stream?after=99", "nothing"} {
			resp := get(t, c.http.URL+"/internal/"+path, token)
			if got := resp.StatusCode == http.StatusUnauthorized; got != (want == http.StatusUnauthorized) {
				t.Fatalf("%s with %q answers %s", path, token, resp.Status)
			}
		}
	}

	c.sessions = func(charge.Num, string, charge.Millis, charge.Millis) ([]charge.Session, error) { return nil, nil }
	f("", 401)
	f("internal", 401)
	f("Bearer ", 401)
	f("Bearer Internal", 401)
	f("Bearer internal ", 200) // HTTP drops the space
	f("Bearer internal", 200)
	req, _ := http.NewRequest(http.MethodGet, "/internal/snapshot", nil)
	req.Header.Set("Authorization", "Bearer ")
	w := &recorder{header: http.Header{}}
	if none.ServeHTTP(w, req); w.status != http.StatusUnauthorized {
		t.Fatalf("a server without a token answers %d", w.status)
	}
}

type recorder struct {
	header http.Header
	status int
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) Write(b []byte) (int, error) { return len(b), nil }
func (r *recorder) WriteHeader(status int)      { r.status = status }

func TestSessions(t *testing.T) {
	c := newCity(t, ServerConfig{}, spool.Config{})
	want := []charge.Session{{Party: 3, ID: "A/1", Pile: 9, PileID: "S1-1", Start: 1000, End: 2000, EnergyKWh: 31.25, VIN: "V",
		Bands:     []charge.SessionBand{{From: 1000, To: 2000, EnergyKWh: 31.25, EnergyFen: 1, ServiceFen: 2}},
		EnergyFen: 3187, ServiceFen: -1, ParkingFen: 0, TotalFen: 4437, StopReason: -1}, {Party: 3, ID: "A2"}}
	var asked string
	var fail error
	c.sessions = func(party charge.Num, pile string, from, to charge.Millis) ([]charge.Session, error) {
		asked = fmt.Sprint(party, pile, int64(from), int64(to))
		if fail != nil {
			return nil, fail
		}
		return want, nil
	}
	cl, err := NewClient(ClientConfig{URL: c.http.URL + "/", Token: "internal"}, quiet, &sink{t: t})
	if err != nil {
		t.Fatal(err)
	}
	got, err := cl.Sessions(t.Context(), 3, "S1 &?1", 500, 1500)
	if err != nil || !reflect.DeepEqual(got, want) || asked != "3S1 &?1500 1500" {
		t.Fatalf("Sessions = %+v, %v, asked %q", got, err, asked)
	}
	f := func(err error, want charge.Code, text string) {
		t.Helper()
		fail = err
		_, got := cl.Sessions(t.Context(), 3, "P", 0, 1)
		if got == nil || charge.CodeOf(got) != want || text != "" && got.Error() != text {
			t.Fatalf("Sessions = %v (%s), want %q (%s)", got, charge.CodeOf(got), text, want)
		}
	}

	f(charge.Errorf(charge.RangeTooLarge, "too many"), charge.RangeTooLarge, "too many")
	f(errors.New("disk on fire"), charge.Internal, "disk on fire")
	c.close()
	f(nil, charge.HistoryUnavailable, "sessions of pile P cannot be had at present") // and no address of ours
}

func TestNewClientRefuses(t *testing.T) {
	f := func(url, token string) {
		t.Helper()
		if _, err := NewClient(ClientConfig{URL: url, Token: token}, quiet, nil); err == nil {
			t.Fatalf("NewClient(%q, %q) worked", url, token)
		}
	}

	f("", "x")
	f("10.0.0.5:8080", "x")
	f("ftp://10.0.0.5", "x")
	f("http://", "x")
	f("http://10.0.0.5:8080", "")
}

func TestFailingSnapshot(t *testing.T) {
	c := newCity(t, ServerConfig{}, spool.Config{})
	dir := t.TempDir()
	bad := NewServer(ServerConfig{Token: "internal", Dir: dir}, quiet, Sources{Journal: c.spool,
		Snapshot: func(context.Context, func(string, uint64, []byte) error) error {
			if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
				t.Errorf("a kill now would leave %v behind (%v)", files, err)
			}
			return errors.New("not yet")
		}})
	w := &recorder{header: http.Header{}}
	req, _ := http.NewRequest(http.MethodGet, "/internal/snapshot", nil)
	req.Header.Set("Authorization", "Bearer internal")
	if bad.ServeHTTP(w, req); w.status != http.StatusServiceUnavailable {
		t.Fatalf("a snapshot that cannot be made answers %d", w.status)
	}
}

func TestFrames(t *testing.T) {
	b := appendRecord(nil, 7, []byte("body"))
	b = appendTick(b, 8, 9000)
	b = appendFrame(b, kindGone, nil, nil)
	r := newFrameReader(bytes.NewReader(b))
	k, p, err := r.next()
	if seq, body, err2 := parseRecord(p); k != kindRecord || seq != 7 || string(body) != "body" || err != nil || err2 != nil {
		t.Fatalf("record = %v %d %q, %v, %v", k, seq, body, err, err2)
	}
	k, p, err = r.next()
	if rev, at, err2 := parseTick(p); k != kindTick || rev != 8 || at != 9000 || err != nil || err2 != nil {
		t.Fatalf("tick = %v %d %d, %v, %v", k, rev, at, err, err2)
	}
	if k, p, err = r.next(); k != kindGone || len(p) != 0 || err != nil {
		t.Fatalf("gone = %v %q, %v", k, p, err)
	}
	if _, _, err = r.next(); err != io.EOF {
		t.Fatalf("the end = %v", err)
	}
	for i := range len(b) { // a frame that is cut or changed is no frame
		if k, _, err := newFrameReader(bytes.NewReader(b[:min(i, 20)])).next(); i < 21 && err == nil {
			t.Fatalf("%d of 21 bytes are a frame of kind %d", i, k)
		}
		c := bytes.Clone(b[:21])
		if i < 21 {
			c[i] ^= 0x10
			if k, _, err := newFrameReader(bytes.NewReader(c)).next(); err == nil {
				t.Fatalf("byte %d changed is still a frame of kind %d", i, k)
			}
		}
	}
}

func FuzzFrames(f *testing.F) {
	f.Add(appendTick(appendRecord(nil, 7, []byte("body")), 8, 9000))
	f.Add(appendFrame(nil, kindAccess, encodeAccess([]charge.Party{{Num: 1, Slug: "teld"}}, []charge.Token{{ID: "x"}}), nil))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := newFrameReader(bytes.NewReader(in))
		var again []byte
		for {
			k, p, err := r.next()
			if err != nil {
				break
			}
			parseRecord(p)
			parseTick(p)
			decodeAccess(p)
			again = appendFrame(again, k, p, nil)
		}
		if !bytes.HasPrefix(in, again) {
			t.Fatalf("round trip changed %x to %x", in, again)
		}
	})
}
