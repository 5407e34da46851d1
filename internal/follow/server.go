package follow

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/secret"
	"github.com/dianchi-platform/dianchi/internal/spool"
)

// ServerConfig sets a [Server]. Zero values mean the default in brackets.
type ServerConfig struct {
	Token    string        // what followers must show; "" refuses everyone
	Instance string        // names this log: the registry's instance
	Dir      string        // for snapshots on their way [the system's temporary folder]
	Patience time.Duration // how long a follower may take nothing before it is cut [20 s]
	Ticks    int           // ticks kept for followers that lag [600]
}

// journal is the log: a spool.
type journal interface {
	Reader(from uint64) *spool.Reader
	First() uint64
	Synced() uint64
}

// Sources are what a [Server] serves from.
type Sources struct {
	Journal journal
	// Snapshot calls section for every part of the live state, each with the
	// last record of the whole log that the state had when the part was made.
	// It may be called while another one runs; section never waits for a line.
	Snapshot func(ctx context.Context, section func(name string, seq uint64, body []byte) error) error
	Sessions func(ctx context.Context, party charge.Num, pileID string,
		from, to charge.Millis) ([]charge.Session, error)
	Alarms  alarms  // nil: there are none
	Tail    tails   // nil: there is none
	Moments moments // nil: there are none
}

// Server serves followers. Advance, Tick and SetAccess never wait for one.
type Server struct {
	cfg  ServerConfig
	log  *slog.Logger
	from Sources

	mu      sync.Mutex
	applied uint64 // records up to here are in our own live state
	ticks   []tick // newest last
	access  []byte // JSON
	version uint64 // of access
	changed chan struct{}
	stopped bool
	streams sync.WaitGroup
	stop    chan struct{}

	following, snapshots, cut atomic.Int64
}

// tick closes revision rev after the record afterSeq.
type tick struct {
	rev      uint64
	at       charge.Millis
	afterSeq uint64
}

// NewServer returns a Server that has nothing to tell yet.
func NewServer(cfg ServerConfig, log *slog.Logger, from Sources) *Server {
	cfg.Patience = cmp.Or(cfg.Patience, 20*time.Second)
	cfg.Ticks = cmp.Or(cfg.Ticks, 600)
	return &Server{cfg: cfg, log: log, from: from, access: encodeAccess(nil, nil),
		changed: make(chan struct{}), stop: make(chan struct{})}
}

// Advance says that all records up to seq are in the live state; followers are
// sent them with the next tick, or within [gather]. The commit loop calls it after
// each group, also while it replays the log at a start.
func (s *Server) Advance(seq uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.applied = max(s.applied, seq)
}

// Tick says that revision rev was closed at `at`, when afterSeq was the last
// record in the live state. Revisions must rise.
func (s *Server) Tick(rev uint64, at charge.Millis, afterSeq uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.applied = max(s.applied, afterSeq)
	if len(s.ticks) >= 2*s.cfg.Ticks { // cut off half now and then, so that it costs nothing
		s.ticks = append(s.ticks[:0:0], s.ticks[len(s.ticks)-s.cfg.Ticks:]...)
	}
	s.ticks = append(s.ticks, tick{rev, at, afterSeq})
	s.announce()
}

// SetAccess says which parties and tokens there are, at a start and after each
// change; it should come before the first record that needs it.
func (s *Server) SetAccess(parties []charge.Party, tokens []charge.Token) {
	b := encodeAccess(parties, tokens)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.access = b
	s.version++
	s.announce()
}

// announce wakes the streams. s.mu is held.
func (s *Server) announce() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// End ends all streams and does not wait for them: an HTTP server that is shut
// down would else wait for answers that never end. Requests that come later are
// refused.
func (s *Server) End() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopped {
		s.stopped = true
		close(s.stop)
	}
}

// Stop is [Server.End], and waits for the streams.
func (s *Server) Stop(ctx context.Context) error {
	s.End()
	done := make(chan struct{})
	go func() { s.streams.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("cannot end the followers' streams: %w", ctx.Err())
	}
}

// ServerStats counts since NewServer.
type ServerStats struct {
	Following int64 // streams now
	Snapshots int64 // sent
	Cut       int64 // followers that were too slow
}

// Stats returns the counts.
func (s *Server) Stats() ServerStats {
	return ServerStats{s.following.Load(), s.snapshots.Load(), s.cut.Load()}
}

// ServeHTTP answers everything under /internal/.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || s.cfg.Token == "" || !secret.Equal(token, s.cfg.Token) {
		http.Error(w, "the internal token is missing or wrong", http.StatusUnauthorized)
		return
	}
	method := http.MethodGet
	if strings.HasPrefix(r.URL.Path, alarmsPath) || strings.HasPrefix(r.URL.Path, tailPath) {
		method = http.MethodPost
	}
	if r.Method != method {
		http.Error(w, "only "+method+" is served here", http.StatusMethodNotAllowed)
		return
	}
	s.mu.Lock()
	stopped := s.stopped
	if !stopped {
		s.streams.Add(1)
	}
	s.mu.Unlock()
	if stopped {
		http.Error(w, "stopping", http.StatusServiceUnavailable)
		return
	}
	defer s.streams.Done()
	w.Header().Set(instanceHeader, s.cfg.Instance)
	w.Header().Set("Cache-Control", "no-store")
	switch r.URL.Path {
	case "/internal/snapshot":
		s.serveSnapshot(w, r)
	case "/internal/stream":
		s.serveStream(w, r)
	case "/internal/sessions":
		s.serveSessions(w, r)
	case alarmsPath + "ack", alarmsPath + "past":
		s.serveAlarms(w, r)
	case tailPath + "messages", tailPath + "met":
		s.serveTail(w, r)
	case momentsPath:
		s.serveMoments(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (s *Server) serveSessions(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	party, err1 := strconv.ParseUint(q.Get("party"), 10, 32)
	from, err2 := strconv.ParseInt(q.Get("from"), 10, 64)
	to, err3 := strconv.ParseInt(q.Get("to"), 10, 64)
	if err := errors.Join(err1, err2, err3); err != nil || q.Get("pile") == "" {
		http.Error(w, "party, pile, from and to are needed", http.StatusBadRequest)
		return
	}
	var out sessionsShape
	list, err := s.from.Sessions(r.Context(), charge.Num(party), q.Get("pile"), charge.Millis(from), charge.Millis(to))
	status := http.StatusOK
	if err != nil {
		status = http.StatusInternalServerError
		out.Code, out.Text = charge.CodeOf(err), err.Error()
		if out.Code == charge.Internal {
			s.log.Error("sessions for a follower cannot be read", "err", err)
		}
	}
	for i := range list {
		out.Sessions = append(out.Sessions, sessionToShape(&list[i]))
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(out); err != nil {
		s.lost(r, err)
	}
}

// lost notes why a follower's answer ended before its end.
func (s *Server) lost(r *http.Request, err error) {
	select {
	case <-s.stop:
		return
	default:
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		s.cut.Add(1)
		s.log.Warn("a follower was too slow and was cut", "from", r.RemoteAddr, "path", r.URL.Path)
	}
}
