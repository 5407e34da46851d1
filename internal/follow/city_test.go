package follow

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/spool"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

var quiet = slog.New(slog.DiscardHandler)

const chunks = 3

// state stands for the live state: a digest per chunk of all records that
// belong to it, in their order, and the seq that each chunk holds.
type state struct {
	digest [chunks]uint64
	upTo   [chunks]uint64
}

// apply is idempotent per chunk, as live's is.
func (s *state) apply(r *record.Record) {
	c := r.Seq % chunks
	if r.Seq <= s.upTo[c] {
		return
	}
	s.digest[c] = s.digest[c]*1_000_003 + r.Seq*31 + r.Account.Received
	s.upTo[c] = r.Seq
}

func (s *state) String() string { return fmt.Sprintf("%x", s.digest) }

// city is the process that takes reports in: a log, a commit loop, a server.
type city struct {
	t      *testing.T
	spool  *spool.Spool
	server *Server
	http   *httptest.Server

	mu       sync.Mutex
	state    state
	seq      uint64
	rev      uint64
	at       map[uint64]string // revision → state
	sessions func(party charge.Num, pile string, from, to charge.Millis) ([]charge.Session, error)

	stop context.CancelFunc
	wg   sync.WaitGroup
}

func newCity(t *testing.T, cfg ServerConfig, sc spool.Config) *city {
	t.Helper()
	if sc.Dir == "" {
		sc.Dir = t.TempDir()
	}
	sc.FloorBytes, sc.GroupWait = -1, time.Millisecond
	sp, err := spool.Open(sc, quiet, 1)
	if err != nil {
		t.Fatal(err)
	}
	c := &city{t: t, spool: sp, at: map[uint64]string{}}
	if cfg.Token == "" {
		cfg.Token = "internal"
	}
	if cfg.Instance == "" {
		cfg.Instance = "one"
	}
	cfg.Dir = t.TempDir()
	c.server = NewServer(cfg, quiet, Sources{Journal: sp, Snapshot: c.snapshot,
		Sessions: func(_ context.Context, party charge.Num, pile string, from, to charge.Millis) ([]charge.Session, error) {
			return c.sessions(party, pile, from, to)
		}})
	c.http = httptest.NewServer(c.server)
	ctx, stop := context.WithCancel(context.Background())
	c.stop = stop
	c.wg.Go(func() { c.commit(ctx) })
	t.Cleanup(c.close)
	return c
}

func (c *city) close() {
	if c.stop == nil {
		return
	}
	if err := c.server.Stop(context.Background()); err != nil {
		c.t.Error(err)
	}
	c.http.CloseClientConnections()
	c.http.Close()
	c.stop()
	c.wg.Wait()
	c.spool.Close(context.Background())
	c.stop = nil
}

// commit applies what is durable and closes a revision every few milliseconds.
func (c *city) commit(ctx context.Context) {
	r := c.spool.Reader(0)
	defer r.Close()
	var rec record.Record
	for next := time.Now(); ctx.Err() == nil; {
		wait, cancel := context.WithDeadline(ctx, next)
		b, err := r.Next(wait)
		cancel()
		c.mu.Lock()
		if err == nil {
			for i, body := range b.Bodies {
				if err := rec.Decode(body); err != nil {
					c.t.Error(err)
				}
				rec.Seq = b.First + uint64(i)
				c.state.apply(&rec)
				c.seq = rec.Seq
				if rand.IntN(8) == 0 { // revisions end anywhere in a group
					c.tick()
				}
			}
			c.server.Advance(c.seq)
		}
		if time.Now().After(next) {
			c.tick()
			next = time.Now().Add(5 * time.Millisecond)
		}
		c.mu.Unlock()
	}
}

func (c *city) tick() {
	c.rev++
	c.at[c.rev] = c.state.String()
	c.server.Tick(c.rev, charge.Millis(c.rev*1000), c.seq)
}

// snapshot gives each chunk at another moment, while records go on coming.
func (c *city) snapshot(ctx context.Context, section func(string, uint64, []byte) error) error {
	for i := range chunks {
		c.mu.Lock()
		body := binary.LittleEndian.AppendUint64(nil, c.state.digest[i])
		body = binary.LittleEndian.AppendUint64(body, c.state.upTo[i])
		seq := c.seq
		c.mu.Unlock()
		if err := section(fmt.Sprint(i), seq, body); err != nil {
			return err
		}
		time.Sleep(3 * time.Millisecond)
	}
	return nil
}

// report appends n records of about size bytes.
func (c *city) report(n, size int) {
	c.t.Helper()
	for range n {
		r := record.Record{Kind: record.Message, Party: 1, Account: charge.Account{Received: rand.Uint64N(1e6)}}
		for len(r.Vehicles)*100 < size {
			r.Vehicles = append(r.Vehicles, charge.Vehicle{Num: 1, VIN: fmt.Sprintf("%090d", rand.Uint64())})
		}
		if _, err := c.spool.Append(r.Append(nil)); err != nil {
			c.t.Fatal(err)
		}
	}
}

// sink is the replica's state; it checks every revision against the city's.
type sink struct {
	t    *testing.T
	city func() *city

	mu      sync.Mutex
	state   state
	last    uint64
	rev     uint64
	ticks   int
	resets  int
	bad     string
	parties []charge.Party
	tokens  []charge.Token
	hold    chan struct{} // Apply waits for it; nil for no wait
}

func (s *sink) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state, s.last = state{}, 0
	s.resets++
}

func (s *sink) LoadSection(name string, seq uint64, body []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := int(name[0] - '0')
	s.state.digest[i] = binary.LittleEndian.Uint64(body)
	s.state.upTo[i] = binary.LittleEndian.Uint64(body[8:])
	return nil
}

func (s *sink) Apply(r *record.Record) {
	s.mu.Lock()
	hold := s.hold
	if r.Seq <= s.last {
		s.bad = fmt.Sprintf("record %d after %d", r.Seq, s.last)
	}
	s.last = r.Seq
	s.state.apply(r)
	s.mu.Unlock()
	if hold != nil {
		<-hold
	}
}

func (s *sink) Tick(rev uint64, at charge.Millis) {
	s.mu.Lock()
	city := s.city()
	s.mu.Unlock()
	city.mu.Lock()
	want, known := city.at[rev]
	city.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.bad != "":
	case !known || s.state.String() != want:
		s.bad = fmt.Sprintf("at revision %d the copy is %s, the city was %s (%v)", rev, s.state.String(), want, known)
	case rev <= s.rev:
		s.bad = fmt.Sprintf("revision %d after %d", rev, s.rev)
	case at != charge.Millis(rev*1000):
		s.bad = fmt.Sprintf("revision %d at %d", rev, at)
	}
	s.rev = rev
	s.ticks++
}

func (s *sink) Access(parties []charge.Party, tokens []charge.Token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parties, s.tokens = slices.Clone(parties), slices.Clone(tokens)
}

// proxy passes bytes to target and cuts each connection after `after()` bytes.
type proxy struct {
	l     net.Listener
	mu    sync.Mutex
	to    string
	after func() int64
	cuts  int
}

func newProxy(t *testing.T, to string, after func() int64) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{l: l, to: to, after: after}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			go p.pass(in)
		}
	}()
	return p
}

func (p *proxy) pass(in net.Conn) {
	defer in.Close()
	p.mu.Lock()
	to, n := p.to, p.after()
	p.mu.Unlock()
	out, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer out.Close()
	go func() { io.Copy(out, in); out.Close() }()
	if _, err := io.CopyN(in, out, n); err == nil {
		p.mu.Lock()
		p.cuts++
		p.mu.Unlock()
	}
}

func (p *proxy) url() string { return "http://" + p.l.Addr().String() }

func (p *proxy) set(to string, after func() int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.to, p.after = to, after
}

func whole() int64 { return 1 << 60 }

// follower starts a Client on url.
func follower(t *testing.T, url string, s *sink) *Client {
	t.Helper()
	c, err := NewClient(ClientConfig{URL: url, Token: "internal", Dir: t.TempDir(), MinWait: time.Millisecond,
		MaxWait: 5 * time.Millisecond, Silence: 2 * time.Second}, quiet, s)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return c
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for begin := time.Now(); !ok(); time.Sleep(time.Millisecond) {
		if time.Since(begin) > 30*time.Second {
			t.Fatalf("%s: not within 30 s", what)
		}
	}
}

// same waits until the copy holds all that the log holds, and checks it.
func same(t *testing.T, c *city, s *sink) {
	t.Helper()
	end := c.spool.Next() - 1
	eventually(t, fmt.Sprint("the copy at ", end), func() bool {
		c.mu.Lock()
		rev, seq, want := c.rev, c.seq, c.state.String()
		c.mu.Unlock()
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.bad != "" {
			t.Fatal(s.bad)
		}
		return seq == end && s.rev+3 > rev && s.state.String() == want
	})
}

func get(t *testing.T, url, token string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}
