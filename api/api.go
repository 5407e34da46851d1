// Package api answers drivers, screens, parties and regulators over HTTP and
// over one websocket, as the contract under /api/v1 says.
//
// It reads: the present from live, the past through small interfaces, who may
// see what from auth. It writes nothing but frames. One file is one resource
// with its JSON shapes; problem.go alone turns error codes into statuses;
// deps.go holds everything that this room knows of the others.
package api

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Config sets how the API serves; [Default] returns the usual values.
type Config struct {
	Addr         string        // listen address, ":8080"; port 0 takes a free one
	MaxViewers   int           // open websockets; more are answered 503 not-ready
	MaxConns     int           // connections of the whole process, websockets and what Deps.Others counts included; 0: any number
	Shards       int           // loops that send frames; 0 is one for each core, at least 2
	Spread       time.Duration // a revision's frames go out within this time
	Ping         time.Duration // between pings to a viewer
	Silence      time.Duration // a viewer that has not even answered a ping this long is cut
	Backlog      int           // unsent bytes in the kernel from which a viewer counts as slow
	ReadLimit    int64         // bytes of a message from a viewer
	MaxSubs      int           // subscriptions of one viewer
	Limits       Limits        // of one client
	Drain        time.Duration // Stop goes on answering so long, /readyz with 503, before it closes
	ComeBack     time.Duration // a viewer is told to come again at a random moment within it
	DrainTimeout time.Duration // for answers under way after Drain
}

// Default returns the usual values.
func Default() Config {
	return Config{
		Addr:       ":8080",
		MaxViewers: 18_000,
		Spread:     300 * time.Millisecond,
		Ping:       30 * time.Second,
		Silence:    75 * time.Second,
		Backlog:    32 << 10,
		ReadLimit:  64 << 10,
		MaxSubs:    64,
		Limits: Limits{
			Proxies:        Proxies{loopback: true, text: "loopback"},
			AddressViewers: 9000,
			TokenViewers:   9000,
			AddressRate:    2000,
			TokenRate:      2000,
			MessageRate:    20,
			HistoryAtOnce:  4,
		},
		Drain:        2 * time.Second,
		ComeBack:     15 * time.Second,
		DrainTimeout: 5 * time.Second,
	}
}

// Validate names the member that is out of its range.
func (c *Config) Validate() error {
	switch {
	case c.MaxConns < 0:
		return fmt.Errorf("MaxConns must not be negative, is %d", c.MaxConns)
	case c.MaxViewers < 1:
		return fmt.Errorf("MaxViewers must be at least 1, is %d", c.MaxViewers)
	case c.Shards < 0 || c.Shards > 256:
		return fmt.Errorf("Shards must be 0 … 256, is %d", c.Shards)
	case c.Spread < 0 || c.Spread > 800*time.Millisecond:
		return fmt.Errorf("Spread must be 0 … 800ms, is %s", c.Spread)
	case c.Ping <= 0 || c.Silence <= c.Ping:
		return fmt.Errorf("Silence (%s) must be longer than Ping (%s), which must be positive", c.Silence, c.Ping)
	case c.Backlog < 1024 || c.ReadLimit < 1024 || c.MaxSubs < 1:
		return fmt.Errorf("Backlog and ReadLimit must be at least 1024, MaxSubs at least 1")
	case c.Drain < 0 || c.ComeBack < time.Second:
		return fmt.Errorf("Drain must not be negative, ComeBack at least 1s")
	}
	return c.Limits.validate()
}

// API is the HTTP and websocket part. Its methods may be called from several
// goroutines.
type API struct {
	cfg     Config
	log     *slog.Logger
	deps    Deps
	hub     *Hub
	routes  *router
	metrics *metrics
	limiter *limiter
	door    *doorman
	paced   rate          // of a viewer's messages
	pause   time.Duration // of a viewer that asks too fast
	full    atomic.Uint64 // viewers refused because there are too many
	leaving atomic.Bool   // Stop was called
	asked   atomic.Int64  // Unix seconds when somebody was noticed
	desks   *desks        // where viewers' messages are handled
	work    *queue        // of what costs a core much
	past    *queue        // of questions about the past
	moments *momentCache
	hurried atomic.Uint64 // messages refused because they came too fast
	seed    maphash.Seed  // of entity tags
	srv     *http.Server
	ln      net.Listener
	served  chan struct{}

	hurry     chan struct{} // closed by Hurry
	hurryOnce sync.Once
}

// New returns an API that answers from deps and logs to log.
func New(cfg Config, log *slog.Logger, deps Deps) *API {
	a := &API{cfg: cfg, log: log, deps: deps, seed: maphash.MakeSeed(), served: make(chan struct{}), pause: paceWait,
		hurry: make(chan struct{})}
	a.metrics = newMetrics(deps.Metrics)
	a.hub = newHub(cfg, log, deps, a.metrics)
	a.limiter = newLimiter(cfg.Limits, log)
	a.door = newDoorman(&cfg, deps.Others, &a.hub.viewers)
	a.desks = newDesks(a)
	a.work = newQueue(workAtOnce)
	a.past = newQueue(cfg.Limits.HistoryAtOnce)
	a.moments = newMomentCache(deps.Moments, log)
	if n := cfg.Limits.MessageRate; n > 0 {
		a.paced = newRate(n, inHandMessages)
	}
	a.metrics.watchLimits(a)
	a.routes = newRouter(a.table(), a.metrics)
	a.srv = &http.Server{
		Handler:           a.Handler(),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      2 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		ConnState:         a.door.state,
	}
	if s, ok := deps.Internal.(interface{ End() }); ok {
		a.srv.RegisterOnShutdown(s.End)
	}
	return a
}

// Hub returns the part that feeds websockets; the commit loop calls its
// Revision after each tick.
func (a *API) Hub() *Hub { return a.hub }

// Start listens on cfg.Addr and serves until Stop.
func (a *API) Start(ctx context.Context) error {
	if err := a.cfg.Validate(); err != nil {
		return fmt.Errorf("cannot start the api: %w", err)
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", a.cfg.Addr)
	if err != nil {
		return fmt.Errorf("cannot serve HTTP on %s: %w", a.cfg.Addr, err)
	}
	a.ln = ln
	a.hub.start()
	go func() {
		defer close(a.served)
		if err := a.srv.Serve(ln); err != nil && !errors.Is(err, http.ErrServerClosed) {
			a.log.Error("HTTP server ended", "err", err)
		}
	}()
	a.log.Info("HTTP is served", "addr", ln.Addr().String())
	return nil
}

// Connections returns how many are open, websockets included. It waits for nobody.
func (a *API) Connections() int { return a.door.connections() }

// Addr returns the address that is listened on; valid after Start.
func (a *API) Addr() net.Addr { return a.ln.Addr() }

// Stop says on /readyz that this process goes, answers for cfg.Drain, unless there
// is nobody to whom that is of use, then takes no new requests, sends viewers a close frame (1012 with when to come again)
// and waits for answers under way, at most cfg.DrainTimeout. A client that does
// not finish by then, such as one that never sends the rest of its request, is
// cut: that is no failure of ours.
func (a *API) Stop(ctx context.Context) error {
	if a.ln == nil {
		return nil
	}
	if !a.leaving.Load() {
		a.leaveSoon(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, a.cfg.DrainTimeout)
	defer cancel()
	shut := make(chan error, 1)
	go func() { shut <- a.srv.Shutdown(ctx) }()
	a.hub.stop(ctx)
	err := <-shut
	if errors.Is(err, context.DeadlineExceeded) {
		a.log.Warn("connections cut that did not finish in time", "after", a.cfg.DrainTimeout)
		err = nil
	}
	_ = a.srv.Close() // what is still open has had its time
	<-a.served
	a.limiter.behind.Stop()
	if err != nil {
		return fmt.Errorf("cannot stop serving HTTP: %w", err)
	}
	return nil
}

// Stats counts what the API did.
type Stats struct {
	Viewers, Channels    int
	Requests, Frames     uint64
	Sends                uint64 // times that a viewer was written frames; those of one revision go at once
	FrameBytes, Skipped  uint64 // Skipped: frames conflated because a viewer was slow
	FramesMade, Dropped  uint64 // FramesMade: encoded; Dropped: viewers cut for silence or a full socket
	Revision             uint64
	SpreadLast, MakeLast time.Duration // of the last revision
}

// Stats returns the counts so far.
func (a *API) Stats() Stats {
	s := a.hub.stats()
	s.Requests = a.metrics.requestCount()
	return s
}
