// Package tail keeps what became of each party's newest messages, and of each
// rule that a party met when that was first and last, with examples.
//
// A [Book] is fed by the commit loop: Apply with each record that is on disk and
// the samples that its judge kept for the sender. It shows nothing
// that the party's own feedback would not, and holds little: a bounded ring and
// a few examples a party.
package tail

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// Bounds of what a Book keeps of a party: with them at most 0.4 MB, usually 50 kB.
const (
	MaxMessages = 200 // newest messages
	MaxSamples  = 60  // samples of those messages together
	MaxRules    = 96  // pairs of rule and action with their times
	Examples    = 3   // newest samples of each of those

	samplesEach = 3  // samples of one message
	plainEach   = 10 // messages a second that met no rule; the others are counted in Skipped
	foundEach   = 30 // messages a second that met one
	maxDetail   = 400
)

// Sample is one report that met a rule.
type Sample struct {
	Rule    charge.Rule
	Action  charge.Action
	Kind    charge.Payload
	ID      string        // of the object, as its party names it
	TS      charge.Millis // of the report; 0: none
	At      charge.Millis // when it was received
	Detail  string        // English, names the object and the value
	Payload string        // the report, cut
}

// Message is one message of a party as it was judged.
type Message struct {
	Seq      uint64 // of its record: rises, with gaps
	Received charge.Millis
	Kind     charge.Payload
	Account  charge.Account
	Rules    []record.RuleCount
	Samples  []Sample
	Skipped  uint64 // messages between this one and the one before that are not kept
}

// Met is a rule that a party met.
type Met struct {
	Rule        charge.Rule
	Action      charge.Action
	Count       uint64 // since First
	First, Last charge.Millis
	Samples     []Sample // newest first
}

// Book holds all parties' tails. Make it with [New]; its methods may be called
// from several goroutines. Apply must be called in the order of the log.
type Book struct {
	mu      sync.Mutex
	seq     uint64
	parties map[charge.Num]*party
}

type party struct {
	ring    []Message // oldest first
	samples int       // in ring
	second  int64     // of the newest message
	plain   int       // messages kept in that second that met no rule
	found   int       // and that met one
	skipped uint64    // since the newest one kept
	met     map[key]*Met
}

type key struct {
	rule   charge.Rule
	action charge.Action
}

// New returns an empty Book.
func New() *Book { return &Book{parties: map[charge.Num]*party{}} }

// Apply takes in a record that is on disk, with its samples, which are kept as
// they are; one that was applied changes nothing.
func (b *Book) Apply(rec *record.Record, samples ...Sample) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if rec.Seq <= b.seq {
		return
	}
	b.seq = rec.Seq
	switch rec.Kind {
	case record.PartyGone:
		delete(b.parties, rec.Party)
	case record.Message:
		p := b.of(rec.Party)
		p.message(rec)
		p.note(rec, samples)
	}
}

func (b *Book) of(num charge.Num) *party {
	p := b.parties[num]
	if p == nil {
		p = &party{met: map[key]*Met{}}
		b.parties[num] = p
	}
	return p
}

func (p *party) message(rec *record.Record) {
	for _, r := range rec.Rules {
		k := key{r.Rule, r.Action}
		m := p.met[k]
		if m == nil {
			if len(p.met) >= MaxRules {
				continue
			}
			m = &Met{Rule: r.Rule, Action: r.Action, First: rec.Received}
			p.met[k] = m
		}
		m.Count += uint64(r.Count)
		m.Last = max(m.Last, rec.Received)
	}
	if s := int64(rec.Received) / 1000; s != p.second {
		p.second, p.plain, p.found = s, 0, 0
	}
	kept := &p.plain
	limit := plainEach
	if len(rec.Rules) > 0 {
		kept, limit = &p.found, foundEach
	}
	if *kept >= limit {
		p.skipped++
		return
	}
	*kept++
	if len(p.ring) == MaxMessages {
		p.samples -= len(p.ring[0].Samples)
		copy(p.ring, p.ring[1:])
		p.ring = p.ring[:MaxMessages-1]
	}
	p.ring = append(p.ring, Message{
		Seq: rec.Seq, Received: rec.Received, Kind: rec.Payload, Account: rec.Account,
		Rules: slices.Clone(rec.Rules), Skipped: p.skipped,
	})
	p.skipped = 0
}

// note keeps the samples of the newest message.
func (p *party) note(rec *record.Record, samples []Sample) {
	for i := range samples {
		s := &samples[i]
		s.At = rec.Received
		s.Detail = cut(s.Detail)
		if m := p.met[key{s.Rule, s.Action}]; m != nil {
			if len(m.Samples) == Examples {
				m.Samples = m.Samples[:Examples-1]
			}
			m.Samples = slices.Insert(m.Samples, 0, *s)
		}
	}
	if len(samples) == 0 || p.ring[len(p.ring)-1].Seq != rec.Seq {
		return
	}
	newest := &p.ring[len(p.ring)-1]
	newest.Samples = slices.Clone(samples[:min(len(samples), samplesEach)])
	p.samples += len(newest.Samples)
	for i := range p.ring {
		if p.samples <= MaxSamples {
			break
		}
		p.samples -= len(p.ring[i].Samples)
		p.ring[i].Samples = nil
	}
}

// cut bounds a sentence to whole characters.
func cut(s string) string {
	if len(s) <= maxDetail {
		return s
	}
	n := maxDetail
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n] + "…"
}

// Messages returns what is kept of a party's messages after record seq, oldest
// first. The caller must not change what they point to.
func (b *Book) Messages(_ context.Context, num charge.Num, seq uint64) ([]Message, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.parties[num]
	if p == nil {
		return nil, nil
	}
	from, _ := slices.BinarySearchFunc(p.ring, seq, func(m Message, seq uint64) int {
		if m.Seq <= seq {
			return -1
		}
		return 1
	})
	return slices.Clone(p.ring[from:]), nil
}

// Met returns the rules that a party met, by rule and action.
func (b *Book) Met(_ context.Context, num charge.Num) ([]Met, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.parties[num]
	if p == nil {
		return nil, nil
	}
	return p.list(), nil
}

func (p *party) list() []Met {
	out := make([]Met, 0, len(p.met))
	for _, m := range p.met {
		one := *m
		one.Samples = slices.Clone(m.Samples)
		out = append(out, one)
	}
	slices.SortFunc(out, func(a, b Met) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Action, b.Action))
	})
	return out
}
