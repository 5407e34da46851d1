// Package account keeps what became of each party's reports: since the party
// was added, and by five minutes for the last day.
//
// A [Book] is fed with the records of the log and counts each of them once, by
// its Seq, so it is the same after a restart and in every copy. From its sums
// [Assess] makes indicators and a grade; indicators.go has every threshold and
// weight, and docs/quality.md is printed from it. [Check] compares counters
// that must agree.
package account

import (
	"maps"
	"slices"
	"sync"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// Bounds of what a Book keeps of a party. With them a party takes at most
// 400 kB of memory, usually 100 kB, and at most 250 kB of a snapshot.
const (
	BucketMS  = 5 * 60 * 1000 // width of a bucket in milliseconds; they begin at multiples of it since 1970
	Buckets   = 288           // kept of a party: 24 hours
	ruleBound = 96            // pairs of rule and action that are told apart in buckets
)

// RuleOther stands in windows for rules beyond the 96 that are told apart there.
const RuleOther charge.Rule = "other"

// RuleCount is how often reports met one rule.
type RuleCount struct {
	Rule   charge.Rule
	Action charge.Action
	Count  uint64
}

// Total is what was counted of a party since it was added.
type Total struct {
	Party  charge.Num
	Counts record.Counts
	Last   charge.Millis // when its last report was received; 0 for never
	Rules  []RuleCount   // by rule and action
}

// Book holds every party's account. Make it with [New]; its methods may be
// called from several goroutines. Apply must be called in the order of the log.
type Book struct {
	mu      sync.RWMutex
	seq     uint64 // of the newest record applied
	parties map[charge.Num]*party
}

type ruleKey struct {
	rule   charge.Rule
	action charge.Action
}

// party is one party's account. The records up to totals are counted in what
// was counted since it was added, those up to windows in the rest: a registry
// has the former only.
type party struct {
	totals, windows uint64

	total record.Counts
	last  charge.Millis
	rules map[ruleKey]uint64

	names    []ruleKey // of the cells in buckets
	ring     [Buckets]bucket
	pending  record.Counts // since the last quality row in the log
	promised record.Counts // of pending, what rows say that are not in the log yet
}

// bucket is what was received in five minutes.
type bucket struct {
	from   charge.Millis // 0: empty
	counts record.Counts
	rules  []cell // in the order in which they were met
	// Of the quality row of its end:
	objects, online uint32
}

// cell counts one rule: names[name].
type cell struct {
	name  uint8
	count uint32
}

// New returns an empty Book.
func New() *Book { return &Book{parties: map[charge.Num]*party{}} }

func (b *Book) of(num charge.Num) *party {
	p := b.parties[num]
	if p == nil {
		p = &party{rules: map[ruleKey]uint64{}}
		b.parties[num] = p
	}
	return p
}

// Apply counts a record that is on disk. One that a section or totals from
// elsewhere hold already changes nothing there.
func (b *Book) Apply(rec *record.Record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch rec.Kind {
	case record.Message:
		if rec.Account.Received > 0 || len(rec.Rules) > 0 {
			b.of(rec.Party).message(rec)
		}
	case record.Quality, record.Passed:
		for i := range rec.Quality {
			b.of(rec.Quality[i].Party).row(rec.Seq, &rec.Quality[i], rec.Kind == record.Quality)
		}
	}
	b.seq = max(b.seq, rec.Seq)
}

func (p *party) message(rec *record.Record) {
	counts := rec.Counts()
	if rec.Seq > p.totals {
		p.totals = rec.Seq
		p.total.Add(&counts)
		p.last = max(p.last, rec.Received)
		for i := range rec.Rules {
			r := &rec.Rules[i]
			p.rules[ruleKey{r.Rule, r.Action}] += uint64(r.Count)
		}
	}
	if rec.Seq <= p.windows {
		return
	}
	p.windows = rec.Seq
	p.pending.Add(&counts)
	at := p.bucket(rec.Received)
	if at == nil {
		return
	}
	at.counts.Add(&counts)
	for i := range rec.Rules {
		r := &rec.Rules[i]
		at.meet(p.name(ruleKey{r.Rule, r.Action}), r.Count)
	}
}

// bucket returns the bucket of t, emptied if it held a day before; nil when it
// holds a later day already, as after a clock was set back by that much.
func (p *party) bucket(t charge.Millis) *bucket {
	from := floor(t)
	at := &p.ring[slot(from)]
	switch {
	case from <= 0 || at.from > from:
		return nil
	case at.from < from:
		*at = bucket{from: from, rules: at.rules[:0]}
	}
	return at
}

func floor(t charge.Millis) charge.Millis { return t - t%BucketMS }

func slot(from charge.Millis) int { return int(from / BucketMS % Buckets) }

// name returns the number of k in this party's buckets.
func (p *party) name(k ruleKey) uint8 {
	i := slices.Index(p.names, k)
	if i >= 0 {
		return uint8(i)
	}
	if len(p.names) >= ruleBound-1 {
		k = ruleKey{rule: RuleOther}
		if len(p.names) == ruleBound {
			return ruleBound - 1
		}
	}
	p.names = append(p.names, k)
	return uint8(len(p.names) - 1)
}

func (b *bucket) meet(name uint8, n uint32) {
	for i := range b.rules {
		if b.rules[i].name == name {
			b.rules[i].count += n
			return
		}
	}
	b.rules = append(b.rules, cell{name, n})
}

// row takes off what a quality row says, and keeps what only rows know.
func (p *party) row(seq uint64, w *record.QualityRow, kept bool) {
	if seq <= p.windows {
		return
	}
	p.windows = seq
	p.pending.Less(&w.Counts)
	p.promised.Less(&w.Counts)
	if !kept {
		return
	}
	if at := p.bucket(w.T - 1); at != nil { // the five minutes before T
		at.objects, at.online = w.Objects, w.Online
	}
}

// Rows returns the quality rows of t: of each party what was counted since the
// rows before, that were made from this Book or stand in the log. What they say
// is taken off when the record that carries them is applied.
func (b *Book) Rows(t charge.Millis) []record.QualityRow {
	b.mu.Lock()
	defer b.mu.Unlock()
	rows := make([]record.QualityRow, 0, len(b.parties))
	for _, num := range slices.Sorted(maps.Keys(b.parties)) {
		p := b.parties[num]
		w := record.QualityRow{Party: num, T: t, Counts: p.pending}
		w.Counts.Less(&p.promised)
		p.promised.Add(&w.Counts)
		rows = append(rows, w)
	}
	return rows
}

// Start sets what was counted up to record seq, as a registry has it. It
// forgets everything else.
func (b *Book) Start(all []Total, seq uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.parties)
	b.seq = seq
	for i := range all {
		b.of(all[i].Party).start(&all[i], seq)
	}
}

func (p *party) start(t *Total, seq uint64) {
	p.totals, p.total, p.last = seq, t.Counts, t.Last
	clear(p.rules)
	for _, r := range t.Rules {
		p.rules[ruleKey{r.Rule, r.Action}] = r.Count
	}
}

// Totals returns all parties' totals by number, and the record they go up to.
func (b *Book) Totals() (all []Total, seq uint64) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for _, num := range slices.Sorted(maps.Keys(b.parties)) {
		all = append(all, b.parties[num].listed(num))
	}
	return all, b.seq
}

// Total returns what was counted of a party since it was added.
func (b *Book) Total(num charge.Num) record.Counts {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if p := b.parties[num]; p != nil {
		return p.total
	}
	return record.Counts{}
}

func (p *party) listed(num charge.Num) Total {
	return Total{Party: num, Counts: p.total, Last: p.last, Rules: sorted(p.rules)}
}
