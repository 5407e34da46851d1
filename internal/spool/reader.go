package spool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
)

// Batch is a run of durable records without a gap; the first has number First.
// Bodies are valid until the reader's next call and must not be changed.
type Batch struct {
	First  uint64
	Bodies [][]byte
}

// readChunk is how much a lagging reader reads at once.
const readChunk = 256 << 10

// Reader hands out records in order. It belongs to one goroutine.
type Reader struct {
	s      *Spool
	next   uint64
	path   string // segment in which next is expected …
	off    int64  // … at this offset; valid if path is not empty
	file   *os.File
	open   string // path of file
	buf    []byte
	bodies [][]byte
}

// Reader returns a reader whose first record is number from; 0 means the
// oldest that is still there.
func (s *Spool) Reader(from uint64) *Reader {
	if from == 0 {
		from = s.First()
	}
	return &Reader{s: s, next: from}
}

// Close gives the reader's file free. It is needed only when the reader is left
// before the spool.
func (r *Reader) Close() error {
	if r.file == nil {
		return nil
	}
	f := r.file
	r.file, r.open, r.path = nil, "", ""
	return f.Close()
}

// Position returns the number of the record that Next looks for.
func (r *Reader) Position() uint64 { return r.next }

// Next waits for durable records and returns some. It fails with ErrGone when
// its place has been trimmed, with ErrBroken or ErrClosed once the spool has
// ended and everything durable has been read, or with ctx. Records that are
// damaged on disk are reported in the log and left out: Batch.First then jumps.
func (r *Reader) Next(ctx context.Context) (Batch, error) {
	for {
		if err := ctx.Err(); err != nil {
			return Batch{}, err
		}
		r.s.mu.Lock()
		if r.next <= r.s.synced {
			b, err := r.readLocked()
			if err != nil || len(b.Bodies) > 0 {
				return b, err
			}
			continue
		}
		broken, closed, changed := r.s.broken, r.s.closed, r.s.changed
		r.s.mu.Unlock()
		if broken != nil {
			return Batch{}, broken
		}
		if closed && isDone(r.s.done) {
			return Batch{}, ErrClosed
		}
		select {
		case <-changed:
		case <-r.s.done:
		case <-ctx.Done():
		}
	}
}

// readLocked reads from memory if it can, else from disk. It unlocks s.mu. An
// empty batch means: look again.
func (r *Reader) readLocked() (Batch, error) {
	s := r.s
	if len(s.tail) > 0 && r.next >= s.tail[0].first {
		g := s.tail[sort.Search(len(s.tail), func(i int) bool { return s.tail[i].last() >= r.next })]
		s.mu.Unlock()
		return r.fromMemory(g), nil
	}
	i := sort.Search(len(s.segments), func(i int) bool { return s.segments[i].first > r.next }) - 1
	if i < 0 {
		first := s.firstLocked()
		s.mu.Unlock()
		return Batch{}, fmt.Errorf("%w: %d is wanted, %d is the oldest", ErrGone, r.next, first)
	}
	seg := *s.segments[i]
	// The records of seg end before limit; after them goes on at jump.
	limit, jump := s.ends, s.synced+1
	if i+1 < len(s.segments) {
		limit, jump = s.segments[i+1].before, s.segments[i+1].first
	}
	s.mu.Unlock()
	if r.next >= limit { // in numbers that were jumped over
		r.next, r.path = jump, ""
		return Batch{}, nil
	}
	return r.fromDisk(&seg, limit, jump)
}

func (r *Reader) fromMemory(g *group) Batch {
	skip := int(r.next - g.first)
	r.bodies = r.bodies[:0]
	at := 0
	if skip > 0 {
		at = g.ends[skip-1]
	}
	for _, end := range g.ends[skip:] {
		r.bodies = append(r.bodies, g.buf[at+recordHeader:end:end])
		at = end
	}
	b := Batch{First: r.next, Bodies: r.bodies}
	r.next, r.path, r.off = g.last()+1, g.path, g.end
	return b
}

// fromDisk reads the next stretch of seg, whose records end before limit.
func (r *Reader) fromDisk(seg *segment, limit, jump uint64) (Batch, error) {
	if err := r.openSegment(seg); err != nil {
		if r.s.holds(seg.path) {
			return Batch{}, fmt.Errorf("cannot read the spool: %w", err)
		}
		return Batch{}, nil // trimmed meanwhile
	}
	data, err := r.read(seg, readChunk)
	if err != nil {
		return Batch{}, err
	}
	b := Batch{}
	r.bodies = r.bodies[:0]
	at := 0
	for at < len(data) {
		seq, body, n, v := parseRecord(data[at:])
		if v == short && r.off+int64(len(data)) < seg.size { // more of it is on disk
			if at == 0 {
				if data, err = r.read(seg, n); err != nil {
					return Batch{}, err
				}
				continue
			}
			break
		}
		if v != whole || seq > r.next {
			if len(r.bodies) == 0 {
				r.off += int64(at)
				return Batch{}, r.skipDamage(seg, limit)
			}
			break
		}
		at += n
		if seq < r.next { // on the way to where we begin
			continue
		}
		if len(r.bodies) == 0 {
			b.First = seq
		}
		r.bodies = append(r.bodies, body)
		r.next++
	}
	r.off += int64(at)
	if r.off >= seg.size && r.next < limit && len(r.bodies) == 0 {
		r.lost(seg, limit)
	}
	if r.next >= limit {
		r.next, r.path = max(r.next, jump), ""
	}
	b.Bodies = r.bodies
	return b, nil
}

// openSegment makes r.file and r.off those of seg.
func (r *Reader) openSegment(seg *segment) error {
	if r.open != seg.path {
		path, off := r.path, r.off
		r.Close()
		f, err := os.Open(seg.path)
		if err != nil {
			return err
		}
		r.file, r.open, r.path, r.off = f, seg.path, path, off
	}
	if r.path != seg.path {
		r.path, r.off = seg.path, segmentHeader
	}
	return nil
}

// read returns up to n durable bytes of seg from r.off on.
func (r *Reader) read(seg *segment, n int) ([]byte, error) {
	n = int(max(0, min(int64(n), seg.size-r.off)))
	if cap(r.buf) < n {
		r.buf = make([]byte, n)
	}
	got, err := r.file.ReadAt(r.buf[:n], r.off)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("cannot read %s at %d: %w", seg.path, r.off, err)
	}
	if got < n { // someone cut the file; what is missing counts as damaged
		seg.size = r.off + int64(got)
	}
	return r.buf[:got], nil
}

// skipDamage moves on to the next whole record of seg, behind what is damaged
// at r.off.
func (r *Reader) skipDamage(seg *segment, limit uint64) error {
	data, err := r.read(seg, int(seg.size-r.off))
	if err != nil {
		return err
	}
	to := limit
	if i := resync(data, r.next, limit); i >= 0 {
		to, _, _, _ = parseRecord(data[i:])
		r.off += int64(i)
	} else {
		r.off = seg.size
	}
	if to > r.next {
		r.lost(seg, to)
	}
	if cap(r.buf) > 4<<20 { // most of a segment; not needed every day
		r.buf = nil
	}
	return nil
}

// lost reports that the records from r.next to before `to` cannot be read, and
// goes on behind them.
func (r *Reader) lost(seg *segment, to uint64) {
	r.s.log.Error("spool records are damaged on disk and left out",
		"segment", seg.path, "first", r.next, "last", to-1, "count", to-r.next)
	r.s.mu.Lock()
	r.s.holes++
	r.s.mu.Unlock()
	r.next = to
}

// holds reports whether the segment at path still belongs to the spool.
func (s *Spool) holds(path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.segments {
		if g.path == path {
			return true
		}
	}
	return false
}
