// Package spool is the platform's one log: a bounded queue of records on
// disk that survives kill -9 and, where the disk keeps its word, loss of power.
//
// A [Spool] is one folder of segment files (segment.go has the format) with
// one owner: a lock file keeps a second process out. [Spool.Append] gives each
// record its place, a sequence number from 1 on that is never used again;
// records are gathered into groups and one fsync serves a group (flush.go).
// Readers (reader.go) see durable records only, from memory while they keep
// up and from the segments when they lag. A segment goes when every holder
// (hold.go) has made all of it its own.
//
// What goes wrong is told apart: when the disk or the bound is full, nothing
// is taken until space returns ([ErrFull]); when a write or an fsync fails,
// nothing is taken ever again by this Spool ([ErrBroken]), because nobody
// knows what such a disk still holds; its owner opens it anew.
//
// All methods may be called from several goroutines.
package spool

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Errors of a Spool. They come wrapped, with the why.
var (
	ErrFull   = errors.New("spool is full")
	ErrBroken = errors.New("spool is broken")
	ErrClosed = errors.New("spool is closed")
	ErrGone   = errors.New("record is no longer in the spool")
	ErrInUse  = errors.New("folder is in use by another process")
)

// MaxBody is the largest record in bytes.
const MaxBody = 32 << 20

// Config says where a Spool is and how much it may hold. Zero values mean the
// default in brackets.
type Config struct {
	Dir          string        // made if it is not there
	MaxBytes     int64         // bytes of all segments together [20 GB]
	SegmentBytes int64         // a segment is closed when it would grow over this [64 MiB, at most MaxBytes/8]
	GroupBytes   int           // a group is closed at this many bytes [128 kB] …
	GroupWait    time.Duration // … or this long after its first record if no other came [5 ms] …
	GroupMost    time.Duration // … or this long after it [4 × GroupWait]
	FloorBytes   int64         // free bytes of the disk below which nothing is taken; negative for none [3 GB]
	TailBytes    int           // newest records kept in memory for readers [32 MiB]
	Holders      []string      // nothing is trimmed before each of these has called Hold
}

// withDefaults returns c with its zero values replaced.
func (c Config) withDefaults() Config {
	c.MaxBytes = cmp.Or(c.MaxBytes, 20e9)
	c.SegmentBytes = min(cmp.Or(c.SegmentBytes, 64<<20), max(c.MaxBytes/8, 4096))
	c.GroupBytes = cmp.Or(c.GroupBytes, 128<<10)
	c.GroupWait = cmp.Or(c.GroupWait, 5*time.Millisecond)
	c.GroupMost = cmp.Or(c.GroupMost, 4*c.GroupWait)
	c.FloorBytes = cmp.Or(c.FloorBytes, 3e9)
	c.TailBytes = cmp.Or(c.TailBytes, 32<<20)
	return c
}

// Spool is an open log. See the package's comment.
type Spool struct {
	cfg  Config
	log  *slog.Logger
	lock *os.File
	disk disk

	mu       sync.Mutex
	next     uint64     // number of the next record
	synced   uint64     // all records up to this are durable
	ends     uint64     // one more than the last record on disk; below next only after a jump
	segments []*segment // oldest first; the last may be the one written to
	active   bool       // the last of segments is still written to
	bytes    int64      // of all segments on disk
	written  int64      // bytes of records since Open
	pending  *group     // records that wait for the flusher; never nil
	inFlight int64      // bytes that the flusher is writing right now
	room     *sync.Cond // signalled when the flusher takes pending
	full     error      // why nothing is taken at present; nil when there is room
	broken   error      // why nothing is ever taken again
	closed   bool
	looked   time.Time // when free space was last asked for
	holders  map[string]uint64
	tail     []*group // newest durable groups, oldest first
	tailSize int
	changed  chan struct{} // closed and replaced when synced, broken or closed changes
	appended uint64
	fsyncs   durations
	holes    uint64 // corrupt stretches met by readers

	wake    chan struct{} // a group has begun, or space may have returned
	fullUp  chan struct{} // the group has GroupBytes
	closing chan struct{}
	done    chan struct{} // the flusher has ended
}

// Open opens the spool in cfg.Dir and repairs what a crash left behind: the
// newest segment is cut behind its last whole record. The next record gets
// at least the number minNext: callers pass one more than the highest number
// that any consumer has seen, so that a folder that was emptied does not hand
// out numbers twice. It fails with ErrInUse when another process has the folder.
func Open(cfg Config, log *slog.Logger, minNext uint64) (*Spool, error) {
	return open(cfg, log, minNext, realDisk{})
}

func open(cfg Config, log *slog.Logger, minNext uint64, d disk) (*Spool, error) {
	cfg = cfg.withDefaults()
	if err := os.MkdirAll(cfg.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("cannot make the spool's folder: %w", err)
	}
	lock, err := lockDir(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("cannot open the spool in %s: %w", cfg.Dir, err)
	}
	s := &Spool{
		cfg: cfg, log: log, lock: lock, disk: d,
		pending: new(group), holders: map[string]uint64{}, changed: make(chan struct{}),
		wake: make(chan struct{}, 1), fullUp: make(chan struct{}, 1),
		closing: make(chan struct{}), done: make(chan struct{}),
	}
	s.room = sync.NewCond(&s.mu)
	if err := s.load(minNext); err != nil {
		lock.Close()
		return nil, fmt.Errorf("cannot open the spool in %s: %w", cfg.Dir, err)
	}
	s.look()
	go s.flush()
	return s, nil
}

// Append takes a copy of body as the next record and returns its number. The
// record is not durable yet: see WaitSynced. It blocks only while the disk is
// several groups behind. It fails with ErrFull, ErrBroken or ErrClosed, and
// then the record has not been taken.
func (s *Spool) Append(body []byte) (uint64, error) { return s.append(body, false) }

// AppendReady is Append for a caller who asked Ready a moment ago and cannot go
// back: the record is taken also when the spool has become full since, which
// goes over the bound by this one record. It never fails with ErrFull.
func (s *Spool) AppendReady(body []byte) (uint64, error) { return s.append(body, true) }

func (s *Spool) append(body []byte, anyway bool) (uint64, error) {
	if len(body) > MaxBody {
		return 0, fmt.Errorf("cannot append a record of %d bytes: the most is %d", len(body), MaxBody)
	}
	size := int64(recordHeader + len(body))
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		err := s.refuse(size)
		if err != nil && !(anyway && errors.Is(err, ErrFull)) {
			return 0, err
		}
		if err != nil || len(s.pending.buf) == 0 || len(s.pending.buf)+int(size) <= maxPending(s.cfg) {
			break
		}
		s.room.Wait()
	}
	seq := s.next
	s.next++
	s.appended++
	if s.pending.empty() {
		s.pending.first, s.pending.begun = seq, time.Now()
		signal(s.wake)
	}
	s.pending.add(seq, body)
	if len(s.pending.buf) >= s.cfg.GroupBytes {
		signal(s.fullUp)
	}
	return seq, nil
}

// Ready returns nil while a record of ordinary size (1 MiB) would be taken,
// else why not: ErrFull, ErrBroken or ErrClosed.
func (s *Spool) Ready() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refuse(1 << 20)
}

// maxPending is how many bytes may wait for the flusher.
func maxPending(c Config) int { return max(8*c.GroupBytes, 8<<20) }

// refuse returns why size more bytes cannot be taken, or nil. s.mu is held.
func (s *Spool) refuse(size int64) error {
	switch {
	case s.closed:
		return ErrClosed
	case s.broken != nil:
		return s.broken
	}
	if s.full != nil && time.Since(s.looked) > 100*time.Millisecond && s.inFlight == 0 {
		s.look()
	}
	if s.full != nil {
		return s.full
	}
	if s.taken()+size+2*segmentHeader > s.cfg.MaxBytes { // what waits may need two new segments
		s.setFull(s.atBound())
		signal(s.wake) // perhaps the active segment can be closed and let go
		return s.full
	}
	return nil
}

// Synced returns the highest number n such that all records up to n are durable.
func (s *Spool) Synced() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.synced
}

// Next returns the number that the next record will get.
func (s *Spool) Next() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.next
}

// Last returns the number of the newest record on disk. It is Next less one, or
// less when Open jumped over numbers that others have seen.
func (s *Spool) Last() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ends - 1
}

// First returns the number of the oldest record that is still there, or Next
// when there is none.
func (s *Spool) First() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.firstLocked()
}

func (s *Spool) firstLocked() uint64 {
	if len(s.segments) > 0 {
		return s.segments[0].first
	}
	return s.synced + 1
}

// WaitSynced returns nil once all records up to seq are durable. It fails when
// that cannot be any more, or with ctx.
func (s *Spool) WaitSynced(ctx context.Context, seq uint64) error {
	for {
		s.mu.Lock()
		synced, broken, closed, changed := s.synced, s.broken, s.closed, s.changed
		s.mu.Unlock()
		switch {
		case synced >= seq:
			return nil
		case broken != nil:
			return broken
		case closed && isDone(s.done):
			return ErrClosed
		}
		select {
		case <-changed:
		case <-s.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Close makes durable what was appended, ends the flusher and gives the folder
// free. When ctx ends first, the records that the disk does not take are given
// up; they were never said to be durable.
func (s *Spool) Close(ctx context.Context) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		<-s.done
		return nil
	}
	s.closed = true
	close(s.closing)
	s.room.Broadcast()
	s.mu.Unlock()
	select {
	case <-s.done:
	case <-ctx.Done():
		return fmt.Errorf("cannot close the spool in time: %w", ctx.Err())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.announce()
	var err error
	if s.active {
		err = s.segments[len(s.segments)-1].close()
	}
	err = errors.Join(err, s.lock.Close())
	if lost := s.next - 1 - s.synced; lost > 0 && s.broken == nil {
		err = errors.Join(err, fmt.Errorf("cannot write the spool's last %d records: %w", lost, s.full))
	}
	return err
}
