package follow

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/dianchi-platform/dianchi/internal/spool"
)

// Frames are gathered before they are sent: a dozen followers would else be woken
// for each group of the log, 200 times a second, and would wake their process for
// each. Ticks and changes of access are sent at once.
const (
	flushAt = 64 << 10 // bytes
	gather  = 50 * time.Millisecond
)

// stream is one follower on its way through the log.
type stream struct {
	s       *Server
	out     *patient
	reader  *spool.Reader
	batch   spool.Batch // read, but sent only up to at
	at      int
	sent    uint64 // last seq that the follower has
	rev     uint64 // last revision that it has
	version uint64 // of access that it has
	buf     []byte
}

// serveStream sends records, ticks and changes of access until the follower
// goes, is too slow, or we stop.
func (s *Server) serveStream(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	after, err := strconv.ParseUint(q.Get("after"), 10, 64)
	if err != nil {
		http.Error(w, "after is needed", http.StatusBadRequest)
		return
	}
	rev, _ := strconv.ParseUint(q.Get("rev"), 10, 64) // 0 for a follower that has none
	j := s.from.Journal
	if i := q.Get("instance"); i != "" && i != s.cfg.Instance || after+1 < j.First() || after > j.Synced() {
		http.Error(w, "the log does not go on from there: load a snapshot", http.StatusGone)
		return
	}
	st := &stream{s: s, sent: after, rev: rev, reader: j.Reader(after + 1),
		out: s.patient(w)}
	defer st.out.close()
	defer st.reader.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.WriteHeader(http.StatusOK)
	s.following.Add(1)
	defer s.following.Add(-1)
	if err := st.run(r.Context()); err != nil {
		s.lost(r, err)
	}
}

func (st *stream) run(ctx context.Context) error {
	s := st.s
	gathered := time.NewTicker(gather)
	defer gathered.Stop()
	for {
		s.mu.Lock()
		applied, ticks, access, version, changed := s.applied, s.ticks, s.access, s.version, s.changed
		s.mu.Unlock()
		if version != st.version {
			st.buf = appendFrame(st.buf, kindAccess, access, nil)
			st.version = version
		}
		err := st.catchUp(ctx, applied, ticks)
		if errors.Is(err, spool.ErrGone) {
			st.buf = appendFrame(st.buf, kindGone, nil, nil)
			return errors.Join(st.flush(), err)
		}
		if err == nil {
			err = st.flush()
		}
		if err != nil {
			return err
		}
		select {
		case <-changed:
		case <-gathered.C:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.stop:
			return nil
		}
	}
}

// catchUp sends the records up to applied, each tick in its place.
func (st *stream) catchUp(ctx context.Context, applied uint64, ticks []tick) error {
	for len(ticks) > 0 && (ticks[0].rev <= st.rev || ticks[0].afterSeq < st.sent) {
		ticks = ticks[1:] // the follower has it, or its snapshot is newer
	}
	tickUpTo := func(seq uint64) {
		for len(ticks) > 0 && ticks[0].afterSeq <= seq {
			st.buf = appendTick(st.buf, ticks[0].rev, ticks[0].at)
			st.rev = ticks[0].rev
			ticks = ticks[1:]
		}
	}
	for {
		for st.at < len(st.batch.Bodies) {
			seq := st.batch.First + uint64(st.at)
			if seq > applied {
				tickUpTo(applied)
				return nil
			}
			tickUpTo(seq - 1)
			st.buf = appendRecord(st.buf, seq, st.batch.Bodies[st.at])
			st.sent = seq
			st.at++
			if len(st.buf) >= flushAt {
				if err := st.flush(); err != nil {
					return err
				}
			}
		}
		if st.reader.Position() > applied {
			tickUpTo(applied)
			return nil
		}
		// What is applied is durable, so this waits only where records are damaged.
		wait, cancel := context.WithTimeout(ctx, time.Second)
		b, err := st.reader.Next(wait)
		cancel()
		if err != nil {
			if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
				tickUpTo(applied)
				return nil
			}
			return err
		}
		st.batch, st.at = b, 0
	}
}

// flush sends what was gathered, through to the wire.
func (st *stream) flush() error {
	if len(st.buf) == 0 {
		return nil
	}
	if _, err := st.out.Write(st.buf); err != nil {
		return err
	}
	if cap(st.buf) > 4<<20 {
		st.buf = nil
	}
	st.buf = st.buf[:0]
	return st.out.rc.Flush()
}
