package registry

import (
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// batch is what a stretch of the log changes: counters summed up, changes of
// the catalog and sessions in their order. Adding a record that only counts
// allocates nothing, so thousands of them cost one small transaction.
type batch struct {
	first, last uint64 // Seq of the first and the last record; 0 when there is none
	records     int
	bytes       int // encoded

	accounts map[charge.Num]*counts
	rules    map[ruleKey]uint64
	steps    []step
	sessions []charge.Session
	alarms   []alarmStep
	mark     Numbers // largest numbers named
}

// counts is what is counted of a party.
type counts struct {
	record.Counts
	last charge.Millis
}

type ruleKey struct {
	party  charge.Num
	rule   charge.Rule
	action charge.Action
}

// step is one change of the catalog: exactly one member is set.
type step struct {
	station *record.StationPut
	vehicle *charge.Vehicle
	gone    charge.Num // a party
}

// Numbers are the largest numbers that were ever given, by kind of object.
type Numbers struct {
	Station, Pile, Vehicle charge.Num
}

// add takes r in. It keeps none of r's slices that decoding the next record
// would overwrite.
func (b *batch) add(r *record.Record) {
	if b.records == 0 {
		b.first = r.Seq
	}
	b.last = r.Seq
	b.records++
	if r.Kind == record.PartyGone {
		b.steps = append(b.steps, step{gone: r.Party})
		return
	}
	if r.Kind == record.Alarms {
		b.addAlarms(r)
		return
	}
	if r.Kind != record.Message {
		return
	}
	b.count(r)
	for i := range r.Stations {
		s := r.Stations[i]
		b.steps = append(b.steps, step{station: &s})
		b.mark.Station = max(b.mark.Station, s.Station.Num)
		for j := range s.Station.Piles {
			b.mark.Pile = max(b.mark.Pile, s.Station.Piles[j].Num)
		}
	}
	for i := range r.Vehicles {
		v := r.Vehicles[i]
		b.steps = append(b.steps, step{vehicle: &v})
		b.mark.Vehicle = max(b.mark.Vehicle, v.Num)
	}
	b.sessions = append(b.sessions, r.Sessions...)
}

func (b *batch) count(r *record.Record) {
	if n := r.Counts(); !n.Zero() {
		c := b.accounts[r.Party]
		if c == nil {
			if b.accounts == nil {
				b.accounts = make(map[charge.Num]*counts)
			}
			c = new(counts)
			b.accounts[r.Party] = c
		}
		c.Add(&n)
		c.last = max(c.last, r.Received)
	}
	for _, rc := range r.Rules {
		if b.rules == nil {
			b.rules = make(map[ruleKey]uint64)
		}
		b.rules[ruleKey{r.Party, rc.Rule, rc.Action}] += uint64(rc.Count)
	}
}

// urgent reports whether somebody may soon ask for what b holds; mere counters
// may wait longer.
func (b *batch) urgent() bool { return len(b.steps) > 0 || len(b.sessions) > 0 || len(b.alarms) > 0 }

// reset empties b.
func (b *batch) reset() { *b = batch{} }
