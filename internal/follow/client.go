package follow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/snapfile"
	"github.com/dianchi-platform/dianchi/internal/tally"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// ClientConfig sets a [Client]. Zero values mean the default in brackets.
type ClientConfig struct {
	URL     string        // of the ingest process, such as http://10.0.0.5:8080
	Token   string        // DIANCHI_INTERNAL_TOKEN
	Dir     string        // for snapshots on their way [the system's temporary folder]
	Silence time.Duration // without a byte for so long, the connection is dropped [10 s]
	Stale   time.Duration // without a tick for so long, the copy is stale [5 s]
	MinWait time.Duration // before the first new attempt [100 ms] …
	MaxWait time.Duration // … and before later ones, at most [5 s]
}

// State is how a [Client]'s copy is.
type State uint8

// States of a copy.
const (
	Loading   State = iota // there is no copy yet, or it is being replaced
	Following              // as the server is
	Stale                  // as the server was: the stream is interrupted
)

// String returns the word for /readyz.
func (s State) String() string { return [...]string{"loading", "following", "stale", "stale"}[s&3] }

// Client keeps a [Sink] like the server's live state.
type Client struct {
	cfg  ClientConfig
	log  *slog.Logger
	sink Sink
	base *url.URL
	http *http.Client

	trouble *tally.Tally // questions for sessions that were not answered

	stop context.CancelFunc
	done chan struct{}

	// Only the client's goroutine uses these.
	instance string // of the log that after counts in
	loaded   bool
	after    uint64
	even     uint64 // from this record on, all parts of the copy hold for the same place
	rev      uint64
	rec      record.Record

	mu    sync.Mutex
	stats Stats
	tick  time.Time // when the last tick came, by our clock; zero while loading
}

// Stats tells how a [Client] does.
type Stats struct {
	State     State
	Instance  string        // of the log that is followed; "" before the first copy
	Seq       uint64        // last record applied
	Rev       uint64        // last revision closed
	At        charge.Millis // the server's time of it
	Records   uint64        // applied since New
	Snapshots uint64        // loaded since New
	Breaks    uint64        // connections that ended
	Err       error         // why the last one did; nil while it holds
}

// NewClient returns a Client that feeds sink.
func NewClient(cfg ClientConfig, log *slog.Logger, sink Sink) (*Client, error) {
	base, err := url.Parse(strings.TrimRight(cfg.URL, "/"))
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("--ingest %q must be a URL such as http://10.0.0.5:8080", cfg.URL)
	}
	if cfg.Token == "" {
		return nil, errors.New("DIANCHI_INTERNAL_TOKEN must be set, to the same value as at the ingest process")
	}
	cfg.Silence = cmp.Or(cfg.Silence, 10*time.Second)
	cfg.Stale = cmp.Or(cfg.Stale, 5*time.Second)
	cfg.MinWait = cmp.Or(cfg.MinWait, 100*time.Millisecond)
	cfg.MaxWait = cmp.Or(cfg.MaxWait, 5*time.Second)
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DisableCompression = true
	t.ResponseHeaderTimeout = time.Minute // the server makes the snapshot first
	return &Client{cfg: cfg, log: log, sink: sink, base: base, http: &http.Client{Transport: t},
		trouble: tally.New(log, slog.LevelWarn, "the ingest process does not answer a question")}, nil
}

// Start begins to load and to follow; nobody waits for the server.
func (c *Client) Start(context.Context) error {
	ctx, stop := context.WithCancel(context.Background())
	c.stop, c.done = stop, make(chan struct{})
	go func() {
		defer close(c.done)
		c.run(ctx)
	}()
	return nil
}

// Stop ends the connection. The sink is called no more once it returns nil.
func (c *Client) Stop(ctx context.Context) error {
	if c.stop == nil {
		return nil
	}
	c.stop()
	select {
	case <-c.done:
		c.http.CloseIdleConnections()
		c.trouble.Stop()
		return nil
	case <-ctx.Done():
		return fmt.Errorf("cannot stop following: %w", ctx.Err())
	}
}

// Stats returns how the Client does.
func (c *Client) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	switch {
	case c.tick.IsZero():
		s.State = Loading
	case s.Err != nil && time.Since(c.tick) > time.Second || time.Since(c.tick) > c.cfg.Stale:
		s.State = Stale
	default:
		s.State = Following
	}
	return s
}

// errReload says that only a new snapshot helps.
var errReload = errors.New("the log does not go on from where we are")

// run loads and follows until ctx ends.
func (c *Client) run(ctx context.Context) {
	wait := c.cfg.MinWait
	for ctx.Err() == nil {
		before := c.Stats()
		var err error
		if !c.loaded {
			err = c.load(ctx)
		}
		if err == nil {
			err = c.follow(ctx)
		}
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, errReload) {
			c.loaded = false
		}
		now := c.Stats()
		if now.Rev != before.Rev { // it worked for a while
			wait = c.cfg.MinWait
		}
		c.broke(err)
		t := time.NewTimer(wait/2 + rand.N(wait)) // many replicas do not come back at once
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
		wait = min(2*wait, c.cfg.MaxWait)
	}
}

// broke notes the end of a connection, and logs the first of a row.
func (c *Client) broke(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stats.Err == nil {
		c.log.Warn("following the ingest process was interrupted", "url", c.base.Redacted(), "seq", c.stats.Seq, "err", err)
	}
	c.stats.Breaks++
	c.stats.Err = err
}

// do asks for a path under /internal/.
func (c *Client) do(ctx context.Context, path string, q url.Values) (*http.Response, error) {
	u := c.base.JoinPath("internal", path)
	u.RawQuery = q.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.cfg.Token)
	return c.http.Do(req)
}

// get is do for answers whose status must be 200.
func (c *Client) get(ctx context.Context, path string, q url.Values) (*http.Response, error) {
	resp, err := c.do(ctx, path, q)
	if err != nil || resp.StatusCode == http.StatusOK {
		return resp, err
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 300))
	err = fmt.Errorf("the answer is %s: %s", resp.Status, strings.TrimSpace(string(text)))
	if resp.StatusCode == http.StatusGone {
		err = fmt.Errorf("%w: %w", errReload, err)
	}
	return nil, err
}

// load fetches a snapshot whole, and only then puts it in the sink's place: the
// old copy goes on answering meanwhile, and no half snapshot is ever seen.
func (c *Client) load(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	resp, err := c.get(ctx, "snapshot", nil)
	if err != nil {
		return fmt.Errorf("cannot load a snapshot: %w", err)
	}
	defer resp.Body.Close()
	f, err := os.CreateTemp(c.cfg.Dir, "dianchi-follow-*")
	if err != nil {
		return fmt.Errorf("cannot load a snapshot: %w", err)
	}
	defer f.Close()
	os.Remove(f.Name()) // only we read it: nothing is left behind, however we end
	after, even, first := uint64(0), uint64(0), true
	body := c.watched(resp.Body, cancel)
	defer body.stop()
	err = snapfile.Read(io.TeeReader(body, f), func(name string, seq uint64, b []byte) error {
		if name == accessSection {
			_, _, err := decodeAccess(b)
			return err
		}
		if first || seq < after {
			after, first = seq, false
		}
		even = max(even, seq)
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot load a snapshot: %w", because(ctx, err))
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("cannot load a snapshot: %w", err)
	}
	c.mu.Lock()
	c.tick = time.Time{}
	c.mu.Unlock()
	c.sink.Reset()
	err = snapfile.Read(f, func(name string, seq uint64, b []byte) error {
		if name == accessSection {
			parties, tokens, err := decodeAccess(b)
			if err == nil {
				c.sink.Access(parties, tokens)
			}
			return err
		}
		return c.sink.LoadSection(name, seq, b)
	})
	if err != nil {
		return fmt.Errorf("cannot use the snapshot: %w", err)
	}
	c.loaded, c.instance, c.after, c.even = true, resp.Header.Get(instanceHeader), after, even
	c.mu.Lock()
	c.stats.Instance = c.instance
	c.mu.Unlock()
	c.mu.Lock()
	c.stats.Snapshots++
	c.stats.Seq = after
	c.mu.Unlock()
	return nil
}
