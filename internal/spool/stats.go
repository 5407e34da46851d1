package spool

import (
	"slices"
	"time"
)

// Stats is a Spool's state for metrics and readiness.
type Stats struct {
	Bytes    int64  // of all segments on disk
	MaxBytes int64  // the most that Bytes may be
	Segments int    // files
	First    uint64 // oldest record that is still there
	Next     uint64 // number that the next record gets
	Synced   uint64 // newest durable record
	Appended uint64 // records taken since Open
	Written  int64  // bytes of the durable ones among them
	Fsyncs   uint64 // groups written since Open
	FsyncP50 time.Duration
	FsyncP99 time.Duration     // both over the last 1,024 groups
	Lag      map[string]uint64 // durable records that each holder has not made its own
	Full     bool
	Broken   bool
	Why      string // why it is full or broken, "" when it is neither
	Holes    uint64 // damaged stretches that readers met since Open
}

// Stats returns the present state.
func (s *Spool) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Stats{
		Bytes: s.bytes, MaxBytes: s.cfg.MaxBytes, Segments: len(s.segments),
		First: s.firstLocked(), Next: s.next, Synced: s.synced, Appended: s.appended, Written: s.written,
		Fsyncs: s.fsyncs.n, Full: s.full != nil, Broken: s.broken != nil, Holes: s.holes,
		Lag: make(map[string]uint64, len(s.holders)),
	}
	st.FsyncP50, st.FsyncP99 = s.fsyncs.quantiles()
	for name, seq := range s.holders {
		st.Lag[name] = s.synced - min(seq, s.synced)
	}
	switch {
	case s.broken != nil:
		st.Why = s.broken.Error()
	case s.full != nil:
		st.Why = s.full.Error()
	}
	return st
}

// durations keeps the newest of a run of durations.
type durations struct {
	n    uint64
	ring [1024]time.Duration
}

func (d *durations) add(t time.Duration) {
	d.ring[d.n%uint64(len(d.ring))] = t
	d.n++
}

// quantiles returns the median and the 99th percentile.
func (d *durations) quantiles() (p50, p99 time.Duration) {
	n := int(min(d.n, uint64(len(d.ring))))
	if n == 0 {
		return 0, 0
	}
	v := slices.Sorted(slices.Values(d.ring[:n]))
	return v[n/2], v[n*99/100]
}
