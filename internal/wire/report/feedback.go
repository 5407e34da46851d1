package report

import (
	"unicode/utf8"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// Limits of a feedback, from the contract.
const (
	MaxSamples       = 20  // samples of one rule
	MaxSamplePayload = 512 // bytes of a sample's payload
)

// Feedback is the account of what became of a party's messages.
type Feedback struct {
	At     charge.Millis
	Seq    uint64
	Counts charge.Account // since the last feedback
	Total  charge.Account // since the party was added
	Rules  []FeedbackRule
}

// FeedbackRule is what one rule did since the last feedback.
type FeedbackRule struct {
	Rule    charge.Rule
	Action  charge.Action
	Count   uint64
	Samples []Sample
}

// Sample is one report that a rule met.
type Sample struct {
	Kind    charge.Payload
	ID      string        // "" when the report had none
	TS      charge.Millis // 0 when the report had none
	Detail  string
	Payload string // the report as it came, cut at [MaxSamplePayload] bytes
}

// AppendFeedback appends f as a feedback payload, with at most [MaxSamples] samples a rule.
func AppendFeedback(dst []byte, f *Feedback) []byte {
	w := writer{b: dst}
	w.open()
	w.time("at", f.At)
	w.uint("seq", f.Seq)
	w.account(&f.Counts)
	w.key("total")
	w.open()
	w.account(&f.Total)
	w.close()
	w.key("rules")
	w.b = append(w.b, '[')
	for i := range f.Rules {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.rule(&f.Rules[i])
	}
	w.b = append(w.b, ']')
	w.close()
	return w.b
}

func (w *writer) account(a *charge.Account) {
	w.uint("received", a.Received)
	w.uint("taken", a.Taken)
	w.uint("duplicate", a.Duplicate)
	w.uint("history", a.History)
	w.uint("rejected", a.Rejected)
}

func (w *writer) rule(r *FeedbackRule) {
	w.open()
	w.str("rule", string(r.Rule))
	w.str("action", r.Action.String())
	w.uint("count", r.Count)
	w.key("samples")
	w.b = append(w.b, '[')
	for i := range r.Samples[:min(len(r.Samples), MaxSamples)] {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		s := &r.Samples[i]
		w.open()
		w.str("kind", s.Kind.String())
		w.text("id", s.ID)
		if s.TS != 0 {
			w.time("ts", s.TS)
		}
		w.str("detail", s.Detail)
		w.str("payload", CutSample(s.Payload))
		w.close()
	}
	w.b = append(w.b, ']')
	w.close()
}

// CutSample cuts payload at [MaxSamplePayload] bytes, never inside a character.
func CutSample(payload string) string {
	if len(payload) <= MaxSamplePayload {
		return payload
	}
	n := MaxSamplePayload
	for n > MaxSamplePayload-utf8.UTFMax && !utf8.RuneStart(payload[n]) {
		n--
	}
	return payload[:n]
}
