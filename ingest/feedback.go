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
	p.judge.round.Add(1)
	for num, a := range s.byNum {
		if a.since.Received == 0 && !a.owed {
			continue
		}
		party, ok := p.deps.Parties.Party(num)
		if !ok || party.Removed {
			a.forget()
			continue
		}
		a.count++
		words = append(words, word{party, report.AppendFeedback(nil, a.feedback(now, s.book.Total(num).Account))})
		a.forget()
	}
	for _, w := range words {
		p.deps.Speak(w.party, w.payload)
	}
}

// forget drops what has been said.
func (a *spoken) forget() {
	a.since, a.owed = charge.Account{}, false
	clear(a.found)
	clear(a.samples)
}

func (a *spoken) feedback(now charge.Millis, total charge.Account) *report.Feedback {
	f := &report.Feedback{At: now, Seq: a.count, Counts: a.since, Total: total}
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
