package spool

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// group is a run of records that one fsync serves. It grows while it is
// Spool.pending and never changes afterwards.
type group struct {
	first uint64
	begun time.Time // when its first record came
	buf   []byte
	ends  []int  // offset behind each record in buf
	path  string // segment it was written to …
	end   int64  // … and the offset behind it there
}

func (g *group) empty() bool { return len(g.ends) == 0 }

func (g *group) add(seq uint64, body []byte) {
	g.buf = appendRecord(g.buf, seq, body)
	g.ends = append(g.ends, len(g.buf))
}

func (g *group) last() uint64 { return g.first + uint64(len(g.ends)) - 1 }

// retryFull is how long the flusher waits before it tries a full disk again.
const retryFull = 200 * time.Millisecond

// flush runs until Close: it closes groups, writes them and announces them.
func (s *Spool) flush() {
	defer close(s.done)
	for {
		select {
		case <-s.wake:
			s.gather()
		case <-s.closing:
			s.write(s.take())
			return
		}
		s.write(s.take())
	}
}

// gather waits until the group that has begun is to be closed. A record that
// stays alone, of a party that sends one message after each answer, is not
// kept waiting; where several come, fewer and larger groups cost less.
func (s *Spool) gather() {
	records, begun := s.begun()
	if records == 0 || !s.await(s.cfg.GroupWait-time.Since(begun)) {
		return
	}
	if records, begun = s.begun(); records > 1 {
		s.await(s.cfg.GroupMost - time.Since(begun))
	}
}

// begun returns how many records the pending group has and when the first came.
func (s *Spool) begun() (records int, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.pending.ends), s.pending.begun
}

// await waits, and reports whether the group may wait longer.
func (s *Spool) await(wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.fullUp:
	case <-s.closing:
	}
	return false
}

// take hands the pending group to the flusher, or nil when there is none.
func (s *Spool) take() *group {
	s.mu.Lock()
	defer s.mu.Unlock()
	select { // a mark that belongs to this group must not close the next one early
	case <-s.fullUp:
	default:
	}
	g := s.pending
	if g.empty() {
		return nil
	}
	s.pending = &group{buf: make([]byte, 0, len(g.buf)+len(g.buf)/4)} // the next is likely as large
	s.inFlight = int64(len(g.buf))
	s.room.Broadcast()
	return g
}

// write makes g durable and announces it. When the disk is full it keeps
// trying, as g is whole in memory; any other failure breaks the spool.
func (s *Spool) write(g *group) {
	s.rollIfHeld()
	if g == nil {
		return
	}
	s.mu.Lock()
	broken := s.broken
	s.mu.Unlock()
	if broken != nil {
		return
	}
	for {
		err := s.writeOnce(g)
		if err == nil {
			return
		}
		if !isNoSpace(err) || errors.Is(err, errSync) {
			s.fail(err)
			return
		}
		s.mu.Lock()
		s.setFull(fmt.Errorf("%w: the disk takes no more bytes: %w", ErrFull, err))
		s.mu.Unlock()
		select {
		case <-time.After(retryFull):
		case <-s.closing:
			if err := s.writeOnce(g); err != nil { // the last try
				return
			}
		}
	}
}

// errSync marks a failed fsync, after which not even a full disk is harmless:
// the kernel may have dropped pages of earlier groups.
var errSync = errors.New("fsync failed")

// writeOnce writes g at the end of the active segment, syncs it and publishes
// it. After an error the file may have grown, but nothing behind seg.size counts.
func (s *Spool) writeOnce(g *group) error {
	seg, err := s.activeFor(g)
	if err != nil {
		return err
	}
	if _, err := seg.file.Write(g.buf); err != nil {
		if _, e := seg.file.Seek(seg.size, io.SeekStart); e != nil {
			return fmt.Errorf("cannot return to the end of %s: %w", seg.path, e)
		}
		if e := seg.file.Truncate(seg.size); e != nil {
			return fmt.Errorf("cannot cut a half-written group off %s: %w", seg.path, e)
		}
		return fmt.Errorf("cannot write to %s: %w", seg.path, err)
	}
	begin := time.Now()
	if err := seg.file.Sync(); err != nil {
		return fmt.Errorf("cannot sync %s: %w: %w", seg.path, errSync, err)
	}
	s.publish(g, seg, time.Since(begin))
	return nil
}

// publish marks g as durable and gives it to the readers.
func (s *Spool) publish(g *group, seg *segment, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seg.size += int64(len(g.buf))
	s.bytes += int64(len(g.buf))
	s.written += int64(len(g.buf))
	s.inFlight = 0
	g.path, g.end = seg.path, seg.size
	s.synced = g.last()
	s.ends = s.synced + 1
	s.fsyncs.add(took)
	s.tail = append(s.tail, g)
	s.tailSize += len(g.buf)
	for s.tailSize > s.cfg.TailBytes && len(s.tail) > 1 {
		s.tailSize -= len(s.tail[0].buf)
		s.tail[0] = nil
		s.tail = s.tail[1:]
	}
	if s.full != nil || time.Since(s.looked) > 100*time.Millisecond {
		s.look()
	}
	s.announce()
}

// fail breaks the spool: nothing is taken or said to be durable any more.
func (s *Spool) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return
	}
	s.broken = fmt.Errorf("%w: %w", ErrBroken, err)
	s.log.Error("spool is broken: nothing is taken any more until it is opened anew", "dir", s.cfg.Dir, "err", err)
	s.room.Broadcast()
	s.announce()
}

// announce wakes everyone who waits for the state to change. s.mu is held.
func (s *Spool) announce() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// signal marks c, which holds one mark at most.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func isDone(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
