package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"
)

// results is what a run found.
type results struct {
	mu              sync.Mutex
	config          config
	lanes           []*lane
	log             *events
	took            time.Duration
	liveAsked       int
	liveDifferences int
	rows            int
	inHistory       map[string]int
	sums            findings
}

// add changes r for one of the lanes.
func (r *results) add(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

// audited adds up what a check of history found; the last one has read it all.
func (r *results) audited(l *lane, a *audit, last bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.inHistory == nil {
		r.inHistory = map[string]int{}
	}
	if last || a.any() {
		r.inHistory[l.name] = a.compared
	}
	r.sums.lost += a.lost
	r.sums.doubled += a.doubled
	r.sums.changed += a.changed
	r.sums.unknown += a.unknown
}

// print writes the summary.
func (r *results) print(w io.Writer) {
	p := func(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }
	p("Torture for %v at %d reports/s, seed %d.\n", r.took, r.config.rate, r.config.seed)
	p("| | %s |\n|---|%s|", cells(r.lanes, func(l *lane) string {
		if l.outside {
			return "mosquitto and InfluxDB outside"
		}
		return "door and bundled InfluxDB"
	}), cells(r.lanes, func(*lane) string { return "--:" }))
	row := func(name string, f func(l *lane) any) {
		p("| %s | %s |", name, cells(r.lanes, func(l *lane) string { return fmt.Sprint(f(l)) }))
	}
	kept := func(l *lane) (n int) {
		for _, o := range l.world.objects {
			n += len(o.sent)
		}
		return n
	}
	row("reports published, copies and bad ones not counted", func(l *lane) any { return kept(l) })
	row("copies published", func(l *lane) any { return sumOf(l, func(s *sums) uint64 { return s.sent }) })
	row("copies acknowledged", func(l *lane) any { return sumOf(l, func(s *sums) uint64 { return s.acked }) })
	row("in history, each compared", func(l *lane) any { return r.inHistory[l.name] })
	row("sessions", func(l *lane) any { return len(l.world.sessions) })
	row("platform launched", func(l *lane) any { n, _ := l.platform.counts(); return n })
	row("platform ended by itself", func(l *lane) any { _, n := l.platform.counts(); return n })
	row("longest time without a PUBACK", func(l *lane) any {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.longest.Round(100 * time.Millisecond)
	})
	names := map[string]bool{}
	for _, l := range r.lanes {
		for name := range l.counts {
			names[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		row(name, func(l *lane) any { return l.counts[name] })
	}
	p("\nLost %d, doubled %d, with other values %d, never sent %d. Live: %d differences in %d answers. Rows of 5-minute totals checked: %d.",
		r.sums.lost, r.sums.doubled, r.sums.changed, r.sums.unknown, r.liveDifferences, r.liveAsked, r.rows)
	for _, l := range r.lanes {
		p("Lane %s: %s.", l.name, l.disk.how)
	}
}

func cells(lanes []*lane, f func(*lane) string) (s string) {
	for i, l := range lanes {
		if i > 0 {
			s += " | "
		}
		s += f(l)
	}
	return s
}

func sumOf(l *lane, f func(*sums) uint64) (n uint64) {
	for _, p := range l.world.parties {
		p.mu.Lock()
		n += f(&p.sums)
		p.mu.Unlock()
	}
	return n
}
