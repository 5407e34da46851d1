package follow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/dianchi-platform/dianchi/internal/snapfile"
)

// serveSnapshot makes a snapshot in a file of its own first: the live state
// must not wait for a follower's line.
func (s *Server) serveSnapshot(w http.ResponseWriter, r *http.Request) {
	f, err := os.CreateTemp(s.cfg.Dir, "dianchi-snapshot-*")
	if err != nil {
		s.log.Error("no snapshot for a follower", "err", err)
		http.Error(w, "no place for a snapshot", http.StatusServiceUnavailable)
		return
	}
	defer f.Close()
	os.Remove(f.Name()) // only we read it: nothing is left behind, however we end
	sw := snapfile.NewWriter(f)
	s.mu.Lock()
	access := s.access
	s.mu.Unlock()
	err = sw.Section(accessSection, 0, access)
	if err == nil {
		ctx, cancel := s.untilEnd(r.Context())
		err = s.from.Snapshot(ctx, sw.Section)
		cancel()
	}
	if err == nil {
		err = sw.End()
	}
	var size int64
	if err == nil {
		size, err = f.Seek(0, io.SeekCurrent)
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		s.log.Error("no snapshot for a follower", "err", err)
		http.Error(w, "no snapshot at present", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
	out := s.patient(w)
	defer out.close()
	if _, err := io.Copy(out, f); err != nil {
		s.lost(r, err)
		return
	}
	s.snapshots.Add(1)
}

// untilEnd returns a context that ends with ctx, and when the server does.
func (s *Server) untilEnd(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	s.streams.Go(func() {
		select {
		case <-s.stop:
			cancel()
		case <-ctx.Done():
		}
	})
	return ctx, cancel
}

// patient writes to a follower that must take something within patience, and
// gives up at once when the server stops.
type patient struct {
	s    *Server
	w    http.ResponseWriter
	rc   *http.ResponseController
	done chan struct{}
}

func (s *Server) patient(w http.ResponseWriter) *patient {
	p := &patient{s: s, w: w, rc: http.NewResponseController(w), done: make(chan struct{})}
	s.streams.Go(func() {
		select {
		case <-s.stop:
			p.rc.SetWriteDeadline(time.Now()) // wakes a Write that waits
		case <-p.done:
		}
	})
	return p
}

func (p *patient) close() {
	close(p.done)
	p.rc.SetWriteDeadline(time.Time{}) // the connection may serve other requests
}

func (p *patient) Write(b []byte) (int, error) {
	for done := 0; ; {
		if err := p.rc.SetWriteDeadline(time.Now().Add(p.s.cfg.Patience)); err != nil {
			return done, fmt.Errorf("a follower cannot be given a deadline: %w", err)
		}
		select {
		case <-p.s.stop:
			return done, errStopping
		default:
		}
		n, err := p.w.Write(b[done:min(len(b), done+64<<10)])
		done += n
		if err != nil || done == len(b) {
			return done, err
		}
	}
}

var errStopping = errors.New("stopping")
