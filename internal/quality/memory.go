package quality

import (
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// kept is how many of an object's reports are remembered for dup.exact.
const kept = 16

// memory is what the rules of time and order know of an object's past.
type memory struct {
	last    charge.Millis // ts of the newest taken report; 0 before the first
	at      charge.Millis // when we received that one
	gap     uint32        // milliseconds from the taken report before to last; 0 when there is none or it is long
	next    uint8         // place in prints that is written next
	changes uint16        // changes of status on day
	day     uint32        // days since 1970 (UTC) of the last change
	print   uint64        // fingerprint of the newest taken report
	prints  [kept]uint64  // fingerprints (ts and values) of the last kept reports; 0 is none
}

// LastTS returns the ts of the newest taken report, or 0.
func (m *memory) LastTS() charge.Millis { return m.last }

// decide sorts a report that is in time: it was known, comes late or is news.
//
// It is older than the last one if its ts is and its order is not later: a
// clock that was ahead and has been put right goes on at once.
func (m *memory) decide(id string, ts charge.Millis, print uint64, received charge.Millis, l *Limits,
	f *Findings) (verdict charge.Verdict) {
	verdict = charge.Taken
	if m.knows(print) {
		f.add(charge.RuleDupExact, charge.ActDuplicate,
			"%s: the report of %s with the same values was received before", id, ts)
		return charge.Duplicate
	}
	if m.last != 0 {
		if ts == m.last {
			f.add(charge.RuleDupConflict, charge.ActDuplicate,
				"%s: the last report was of %s too, with other values; the first one counts", id, ts)
			return charge.Duplicate
		}
		if ts < m.last && l.Order(ts, received) <= l.Order(m.last, m.at) {
			f.add(charge.RuleOutOfOrder, charge.ActHistory, "%s: ts %s is before that of the last report, %s", id,
				ts, m.last)
			verdict = charge.Late
		}
	}
	if age := received.Sub(ts); age > l.StaleAfter {
		f.add(charge.RuleTimeStale, charge.ActHistory, "%s: ts %s is %s old, more than %s", id, ts,
			age.Round(time.Second), l.StaleAfter)
		verdict = charge.Late
	}
	return verdict
}

func (m *memory) knows(print uint64) bool {
	for _, p := range m.prints {
		if p == print {
			return true
		}
	}
	return print == m.print // late reports may have pushed the last one out
}

// keep remembers a report that was kept. It depends on nothing but its
// arguments, so replay gives the memory that judging gave.
func (m *memory) keep(ts charge.Millis, print uint64, v charge.Verdict, received charge.Millis) {
	m.prints[m.next%kept] = print
	m.next = (m.next + 1) % kept
	if v != charge.Taken {
		return
	}
	m.gap = 0
	if d := ts - m.last; m.last != 0 && d > 0 && d < longGap {
		m.gap = uint32(d)
	}
	m.last, m.at, m.print = ts, received, print
}

// longGap is a time between two reports, in ms, that no rule of rates asks for.
const longGap = 60_000

// rate flags objects that report more than once a second.
func (m *memory) rate(id string, ts charge.Millis, l *Limits, f *Findings) {
	if m.gap == 0 {
		return
	}
	if d := ts - m.last; d > 0 && d+charge.Millis(m.gap) < charge.Millis(l.RateWindow.Milliseconds()) {
		f.add(charge.RuleDupRate, charge.ActFlag, "%s: three reports within %d ms, more than one a second", id,
			d+charge.Millis(m.gap))
	}
}

// ahead flags clocks that run ahead, but not too far.
func (l *Limits) ahead(id string, ts, received charge.Millis, f *Findings) {
	if d := ts.Sub(received); d > l.FutureFlag {
		f.add(charge.RuleTimeFuture, charge.ActFlag, "%s: ts %s is %s ahead of our clock", id, ts,
			d.Round(time.Millisecond))
	}
}
