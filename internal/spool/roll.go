package spool

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// activeFor returns the segment that g belongs into, and makes it if needed.
func (s *Spool) activeFor(g *group) (*segment, error) {
	s.mu.Lock()
	var seg *segment
	if s.active {
		seg = s.segments[len(s.segments)-1]
	}
	s.mu.Unlock()
	if seg != nil && (seg.size+int64(len(g.buf)) <= s.cfg.SegmentBytes || seg.size == segmentHeader) {
		return seg, nil
	}
	return s.roll()
}

// roll closes the active segment, if there is one, and makes the next, which
// begins with the first record that is not durable yet.
func (s *Spool) roll() (*segment, error) {
	s.mu.Lock()
	first, before := s.synced+1, s.ends
	var err error
	if s.active {
		s.active = false
		err = s.segments[len(s.segments)-1].close()
	}
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	path := segmentPath(s.cfg.Dir, first)
	f, err := s.create(path, appendSegmentHeader(nil, first, before))
	if err != nil {
		return nil, fmt.Errorf("cannot make the segment %s: %w", path, err)
	}
	seg := &segment{path: path, first: first, before: before, size: segmentHeader, file: f}
	s.mu.Lock()
	s.segments = append(s.segments, seg)
	s.active = true
	s.bytes += seg.size
	gone := s.trim()
	s.mu.Unlock()
	s.remove(gone)
	return seg, nil
}

// create makes a file that begins with header and is there after a crash.
func (s *Spool) create(path string, header []byte) (file, error) {
	f, err := s.disk.Create(path)
	if err != nil {
		return nil, err
	}
	if _, err = f.Write(header); err == nil {
		if err = errors.Join(f.Sync(), s.disk.SyncDir(s.cfg.Dir)); err == nil {
			return f, nil
		}
		err = fmt.Errorf("%w: %w", errSync, err)
	}
	f.Close()
	return nil, errors.Join(err, os.Remove(path))
}

// rollIfHeld begins a new segment when the spool is full and every holder is
// past the active one, so that a full spool can become empty.
func (s *Spool) rollIfHeld() {
	s.mu.Lock()
	roll := s.full != nil && s.broken == nil && s.active && s.held() >= s.synced &&
		s.segments[len(s.segments)-1].size > segmentHeader
	s.mu.Unlock()
	if !roll {
		return
	}
	if _, err := s.roll(); err != nil && !isNoSpace(err) {
		s.fail(err)
	}
	s.mu.Lock()
	s.look()
	s.mu.Unlock()
}

// taken returns the bytes that the spool has on disk or is about to. s.mu is held.
func (s *Spool) taken() int64 { return s.bytes + s.inFlight + int64(len(s.pending.buf)) }

func (s *Spool) atBound() error {
	return fmt.Errorf("%w: %d bytes are the most it may hold", ErrFull, s.cfg.MaxBytes)
}

// look asks whether there is room, and sets or clears full. Once full, it takes
// a little more room to be open again, so that it does not swing. s.mu is held.
func (s *Spool) look() {
	s.looked = time.Now()
	most, floor := s.cfg.MaxBytes, s.cfg.FloorBytes
	if s.full != nil {
		most -= most / 16
		floor += min(floor/16, 256<<20)
	}
	if s.taken()+recordHeader > most {
		s.setFull(s.atBound())
		return
	}
	if floor > 0 {
		free, err := s.disk.Free(s.cfg.Dir)
		if err != nil {
			s.setFull(fmt.Errorf("%w: cannot learn the disk's free space: %w", ErrFull, err))
			return
		}
		if free < floor {
			s.setFull(fmt.Errorf("%w: the disk has %d bytes free, %d stay untouched", ErrFull, free, floor))
			return
		}
	}
	if s.full != nil {
		s.full = nil
		s.log.Info("spool takes records again", "dir", s.cfg.Dir, "bytes", s.bytes)
	}
}

// setFull notes why nothing is taken and says so once. s.mu is held.
func (s *Spool) setFull(err error) {
	if s.full == nil {
		s.log.Error("spool takes nothing more", "dir", s.cfg.Dir, "bytes", s.bytes, "err", err)
	}
	s.full = err
	s.looked = time.Now()
	s.room.Broadcast()
}
