package spool

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// load finds the segments, repairs the newest and sets where to go on.
func (s *Spool) load(minNext uint64) error {
	entries, err := os.ReadDir(s.cfg.Dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if first, ok := segmentFirst(e.Name()); ok && e.Type().IsRegular() {
			s.segments = append(s.segments, &segment{path: filepath.Join(s.cfg.Dir, e.Name()), first: first})
		}
	}
	slices.SortFunc(s.segments, func(a, b *segment) int {
		if a.first < b.first {
			return -1
		}
		return 1
	})
	s.next = max(minNext, 1)
	if n := len(s.segments); n > 0 {
		for _, seg := range s.segments[:n-1] {
			if err := s.loadSealed(seg); err != nil {
				return err
			}
		}
		if err := s.loadNewest(minNext); err != nil {
			return err
		}
	} else {
		s.ends = s.next
	}
	for _, seg := range s.segments {
		s.bytes += seg.size
	}
	s.synced = s.next - 1
	return nil
}

// loadSealed reads what must be known of a segment that is complete. Its
// records are checked when they are read.
func (s *Spool) loadSealed(seg *segment) error {
	f, err := os.Open(seg.path)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	seg.size = st.Size()
	var head [segmentHeader]byte
	if _, err := f.ReadAt(head[:], 0); err != nil && st.Size() >= segmentHeader {
		return fmt.Errorf("cannot read %s: %w", seg.path, err)
	}
	s.readHeader(seg, head[:])
	return nil
}

// readHeader sets seg.before; the file's name answers for a damaged header.
func (s *Spool) readHeader(seg *segment, head []byte) (ok bool) {
	first, before, ok := parseSegmentHeader(head)
	if ok && first == seg.first && before <= first {
		seg.before = before
		return true
	}
	seg.before = seg.first
	s.log.Error("spool segment has a damaged header", "segment", seg.path)
	return false
}

// loadNewest cuts the newest segment behind its last whole record. What stands
// behind that was never said to be durable: an fsync covers all before it.
func (s *Spool) loadNewest(minNext uint64) error {
	n := len(s.segments)
	seg := s.segments[n-1]
	data, err := os.ReadFile(seg.path)
	if err != nil {
		return err
	}
	seg.size = segmentHeader
	var ok bool
	if len(data) < segmentHeader {
		s.log.Warn("spool segment was hardly begun and is dropped", "segment", seg.path, "bytes", len(data))
		seg.before = seg.first
	} else {
		ok = s.readHeader(seg, data)
		good, last := scan(data[segmentHeader:], seg.first, nil)
		seg.size += int64(good)
		s.ends = last + 1
		if cut := int64(len(data)) - seg.size; cut > 0 {
			s.log.Warn("spool was not closed cleanly: its torn end is cut off", "segment", seg.path,
				"lastRecord", last, "bytesKept", seg.size, "bytesCut", cut)
		}
	}
	if seg.size == segmentHeader { // no record in it
		s.ends = seg.before
		s.next = max(s.next, seg.first)
		if !ok || s.next != seg.first {
			s.segments = s.segments[:n-1]
			return os.Remove(seg.path)
		}
	}
	s.next = max(s.next, s.ends)
	if s.next > max(s.ends, seg.first) {
		s.log.Warn("spool ends before what its readers know; numbers are jumped over",
			"ends", s.ends, "next", s.next)
	}
	return s.reopen(seg, s.next == max(s.ends, seg.first))
}

// reopen cuts seg to its size and, if more goes, leaves it open to go on with.
func (s *Spool) reopen(seg *segment, more bool) error {
	f, err := s.disk.Append(seg.path)
	if err != nil {
		return err
	}
	if err := f.Truncate(seg.size); err != nil {
		return fmt.Errorf("cannot cut the torn end off: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("cannot sync %s: %w", seg.path, err)
	}
	if _, err := f.Seek(seg.size, 0); err != nil {
		return err
	}
	if !more {
		return f.Close()
	}
	seg.file = f
	s.active = true
	return nil
}
