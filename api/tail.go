package api

import (
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/quality"
	"github.com/dianchi-platform/dianchi/internal/tail"
)

// partyRules answers the rules that a party met: when first and last, with
// examples and with what helps.
func (a *API) partyRules(rq *request, w *answer) error {
	p, ok := a.qualityParty(rq)
	if !ok || p.Removed {
		return notFound("party", rq.param)
	}
	if a.deps.Tail == nil {
		return errNoTail()
	}
	list, err := a.deps.Tail.Met(rq.Context(), p.Num)
	if err != nil {
		return err
	}
	_, at := a.deps.Live.Rev()
	w.obj("")
	w.time("at", at)
	w.str("party", p.Slug)
	w.arr("rules")
	for i := range list {
		m := &list[i]
		w.obj("")
		w.str("id", string(m.Rule))
		w.str("action", m.Action.String())
		w.count("count", m.Count)
		w.time("firstAt", m.First)
		w.time("lastAt", m.Last)
		words := ruleWords[m.Rule]
		w.strOrNull("zh", words.Zh)
		w.strOrNull("en", words.En)
		w.mend(m.Rule)
		w.samples(m.Samples)
		w.endObj()
	}
	w.endArr()
	w.endObj()
	return nil
}

// mend appends what helps against a rule, and the members that it is about.
func (w *jsonBuf) mend(rule charge.Rule) {
	help := quality.MendOf(rule)
	w.obj("mend")
	w.strOrNull("zh", help.Zh)
	w.strOrNull("en", help.En)
	w.endObj()
	w.arr("fields")
	for _, f := range help.Fields {
		w.str("", f)
	}
	w.endArr()
}

func errNoTail() error {
	return charge.Errorf(charge.NotReady, "what became of single messages is not known here at present")
}

// samples appends reports that met rules, as their party sent them.
func (w *jsonBuf) samples(list []tail.Sample) {
	w.arr("samples")
	for i := range list {
		s := &list[i]
		w.obj("")
		w.str("rule", string(s.Rule))
		w.str("action", s.Action.String())
		w.str("kind", s.Kind.String())
		w.strOrNull("id", s.ID)
		w.time("ts", s.TS)
		w.time("at", s.At)
		w.str("detail", s.Detail)
		w.str("payload", s.Payload)
		w.endObj()
	}
	w.endArr()
}

// tailMessage appends the members of one message as it was judged.
func (w *jsonBuf) tailMessage(m *tail.Message) {
	w.str("id", messageID(m.Seq))
	w.time("receivedAt", m.Received)
	w.str("kind", m.Kind.String())
	w.count("received", m.Account.Received)
	w.count("taken", m.Account.Taken)
	w.count("duplicate", m.Account.Duplicate)
	w.count("history", m.Account.History)
	w.count("rejected", m.Account.Rejected)
	w.count("skipped", m.Skipped)
	w.arr("rules")
	for _, r := range m.Rules {
		w.obj("")
		w.str("rule", string(r.Rule))
		w.str("action", r.Action.String())
		w.count("count", uint64(r.Count))
		w.endObj()
	}
	w.endArr()
	w.samples(m.Samples)
}
