package alarm

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// MaxRecent is how many cleared alarms are kept in memory.
const MaxRecent = 10_000

// Book is every open alarm, and those that were cleared last. Make it with
// [NewBook]. But for View its methods belong to the goroutine that applies
// records.
type Book struct {
	seq    uint64 // last record applied
	open   map[uint64]*Alarm
	keys   map[Key]*Alarm // the same
	recent []*Alarm       // cleared, newest last
	dirty  bool
	view   atomic.Pointer[View]
}

// NewBook returns an empty Book.
func NewBook() *Book {
	b := &Book{open: map[uint64]*Alarm{}, keys: map[Key]*Alarm{}}
	b.view.Store(&View{})
	return b
}

// View returns how the book was at the last revision.
func (b *Book) View() *View { return b.view.Load() }

// Apply makes a record of the log part of the book. Records come in their
// order; one that the book holds already changes nothing.
func (b *Book) Apply(rec *record.Record) {
	if rec.Seq <= b.seq {
		return
	}
	b.seq = rec.Seq
	if rec.Kind != record.Alarms {
		return
	}
	for i := range rec.Alarms {
		b.event(&rec.Alarms[i], record.AlarmID(rec.Seq, i), rec.Received)
	}
}

// event changes one alarm. What does not fit is left out: an open alarm is not
// raised again, a cleared one does not change.
func (b *Book) event(e *record.AlarmEvent, id uint64, at charge.Millis) {
	b.dirty = true
	if e.Op == record.AlarmRaise {
		if b.keys[keyOf(e)] != nil {
			return
		}
		a := &Alarm{ID: id, Rule: e.Rule, Party: e.Party, Kind: e.Kind, Object: e.Object, Raised: at}
		a.is(e, at)
		b.put(a)
		return
	}
	was := b.open[e.ID]
	if was == nil {
		return
	}
	a := *was
	switch e.Op {
	case record.AlarmUpdate:
		a.is(e, at)
	case record.AlarmAck:
		a.Acked, a.AckedBy, a.Note = at, e.By, e.Text
	case record.AlarmClear:
		a.Cleared, a.Updated, a.Reason = at, at, e.Text
		delete(b.open, a.ID)
		delete(b.keys, a.key())
		b.past(&a)
		return
	default:
		return // of a newer program
	}
	b.put(&a)
}

// is takes over what a raise or an update says.
func (a *Alarm) is(e *record.AlarmEvent, at charge.Millis) {
	a.Severity, a.Station, a.Name, a.Level, a.Bits = Severity(e.Severity), e.Station, e.Name, e.Level, e.Bits
	a.Count, a.Total, a.Last, a.Text, a.Since, a.Updated = e.Count, e.Total, e.Last, e.Text, e.Since, at
}

func (b *Book) put(a *Alarm) { b.open[a.ID], b.keys[a.key()] = a, a }

// past keeps a cleared alarm. Views hold parts of the slice, so nothing in it
// is ever overwritten.
func (b *Book) past(a *Alarm) {
	if len(b.recent) >= 2*MaxRecent {
		b.recent = slices.Clone(b.recent[len(b.recent)-MaxRecent+1:])
	}
	b.recent = append(b.recent, a)
}

// Tick closes revision rev: it is what readers see until the next one.
func (b *Book) Tick(rev uint64, at charge.Millis) {
	v := b.Now()
	v.Rev, v.At = rev, at
	b.view.Store(v)
	b.dirty = false
}

// Now returns how the book is between two revisions, for a snapshot.
func (b *Book) Now() *View {
	was := b.view.Load()
	v := &View{Rev: was.Rev, At: was.At, Seq: b.seq, Version: was.Version, list: was.list}
	if b.dirty || was.list == nil {
		v.Version++
		v.list = &list{open: make([]*Alarm, 0, len(b.open)), recent: b.recent[max(0, len(b.recent)-MaxRecent):]}
		for _, a := range b.open {
			v.list.open = append(v.list.open, a)
		}
	}
	return v
}

// byKey returns the open alarm of that key, or nil.
func (b *Book) byKey(k Key) *Alarm { return b.keys[k] }

// Load makes the book what all says, up to record seq: from the registry, open
// alarms and those cleared last, in any order.
func (b *Book) Load(all []*Alarm, seq uint64) {
	b.open, b.keys, b.recent = map[uint64]*Alarm{}, map[Key]*Alarm{}, nil
	b.seq, b.dirty = seq, true
	b.add(all)
}

func (b *Book) add(all []*Alarm) {
	for _, a := range all {
		if a.Cleared == 0 {
			b.put(a)
		} else {
			b.recent = append(b.recent, a)
		}
	}
	slices.SortStableFunc(b.recent, func(x, y *Alarm) int { return compare(uint64(x.Cleared), uint64(y.Cleared)) })
}

// sectionAlarms is how many alarms stand in a section.
const sectionAlarms = 4096

// SectionPrefix begins the names of a book's sections.
const SectionPrefix = "alarm/"

// Sections hands out the view in sections, each with the record that it goes
// up to. There is always one.
func (v *View) Sections(section func(name string, seq uint64, body []byte) error) error {
	l := v.alarms()
	all := slices.Concat(l.recent, l.open)
	for i := 0; i == 0 || len(all) > 0; i++ {
		n := min(len(all), sectionAlarms)
		body, err := json.Marshal(all[:n])
		if err != nil {
			return fmt.Errorf("cannot write the alarms: %w", err)
		}
		all = all[n:]
		if err := section(SectionPrefix+strconv.Itoa(i), v.Seq, body); err != nil {
			return err
		}
	}
	return nil
}

// LoadSection takes a section in, unless the book is further than that.
func (b *Book) LoadSection(name string, seq uint64, body []byte) error {
	if seq < b.seq {
		return nil
	}
	var all []*Alarm
	if err := json.Unmarshal(body, &all); err != nil {
		return fmt.Errorf("cannot read the alarms: %w", err)
	}
	if slices.Contains(all, nil) {
		return fmt.Errorf("cannot read the alarms: %s has an empty one", name)
	}
	if strings.TrimPrefix(name, SectionPrefix) == "0" {
		b.Load(all, seq)
		return nil
	}
	b.dirty = true
	b.add(all)
	return nil
}
