package spool

import "os"

// Hold says that consumer name has made everything up to seq its own, so that
// these records may go as far as it is concerned. The first call registers the
// consumer; 0 keeps everything. A position never goes back.
func (s *Spool) Hold(name string, seq uint64) {
	s.mu.Lock()
	if old, ok := s.holders[name]; !ok || seq > old {
		s.holders[name] = seq
	}
	gone := s.trim()
	full := s.full != nil
	s.mu.Unlock()
	s.remove(gone)
	if full {
		signal(s.wake)
	}
}

// held returns the highest number that all holders are past. Without holders,
// and before each of Config.Holders has called, it is 0. s.mu is held.
func (s *Spool) held() uint64 {
	for _, name := range s.cfg.Holders {
		if _, ok := s.holders[name]; !ok {
			return 0
		}
	}
	var least uint64
	for _, seq := range s.holders {
		if least == 0 || seq < least {
			least = seq
		}
		if seq == 0 {
			return 0
		}
	}
	return least
}

// trim takes off the segments that nobody needs and returns their paths, for
// remove. The newest segment always stays: its name keeps the numbers going
// after a restart. s.mu is held.
func (s *Spool) trim() (gone []string) {
	held := s.held()
	for len(s.segments) > 1 && held+1 >= s.segments[1].before {
		gone = append(gone, s.segments[0].path)
		s.bytes -= s.segments[0].size
		s.segments = s.segments[1:]
	}
	return gone
}

// remove deletes segment files. A file that cannot be deleted is said and
// costs space until the next start, nothing else.
func (s *Spool) remove(paths []string) {
	for _, p := range paths {
		if err := os.Remove(p); err != nil {
			s.log.Warn("cannot delete a segment that is no longer needed", "err", err)
		}
	}
}
