package ingest

import (
	"cmp"
	"slices"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/report"
)

// speak publishes the account of each party that has something to hear.
func (s *accounts) speak(now charge.Millis, p *Pipeline) {
	type word struct {
		party   charge.Party
		payload []byte
	}
	var words []word
	s.mu.Lock()
	for num, a := range s.byNum {
		if a.since.Received == 0 && !a.owed {
			continue
		}
		party, ok := p.deps.Parties.Party(num)
		if !ok || party.Removed {
			a.forget()
			continue
		}
		a.spoken++
		words = append(words, word{party, report.AppendFeedback(nil, a.feedback(now))})
		a.forget()
	}
	s.mu.Unlock()
	for _, w := range words {
		p.deps.Speak(w.party, w.payload)
	}
}

// forget drops what has been said.
func (a *account) forget() {
	a.since, a.owed = charge.Account{}, false
	clear(a.found)
	clear(a.samples)
}

func (a *account) feedback(now charge.Millis) *report.Feedback {
	f := &report.Feedback{At: now, Seq: a.spoken, Counts: a.since, Total: a.total}
	for k, n := range a.found {
		r := report.FeedbackRule{Rule: k.rule, Action: k.action, Count: uint64(n)}
		for _, x := range a.samples[k] {
			r.Samples = append(r.Samples, report.Sample{
				Kind: x.kind, ID: x.id, TS: x.ts, Detail: x.detail, Payload: x.payload,
			})
		}
		f.Rules = append(f.Rules, r)
	}
	slices.SortFunc(f.Rules, func(a, b report.FeedbackRule) int {
		return cmp.Or(cmp.Compare(a.Action, b.Action), cmp.Compare(a.Rule, b.Rule))
	})
	return f
}

func sortedRules(m map[ruleKey]uint64) []RuleTotal {
	out := make([]RuleTotal, 0, len(m))
	for k, n := range m {
		out = append(out, RuleTotal{k.rule, k.action, n})
	}
	slices.SortFunc(out, func(a, b RuleTotal) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Action, b.Action))
	})
	return out
}
