package api

import (
	"context"
	"math"

	"github.com/dianchi-platform/dianchi/internal/account"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/quality"
)

// windows are the values of ?window= in buckets of five minutes; 0 is everything.
var windows = []struct {
	name    string
	buckets int
}{{"1h", 12}, {"24h", account.Buckets}, {"total", 0}}

// asked is what a request about quality wants to know.
type asked struct {
	window  string
	buckets int
	at      charge.Millis
}

func (a *API) askedQuality(rq *request) (asked, error) {
	p := parseParams(rq.URL.RawQuery)
	q := asked{window: "24h", buckets: account.Buckets}
	word := p.oneOf("window", windows[0].name, windows[1].name, windows[2].name)
	for _, w := range windows {
		if w.name == word {
			q.window, q.buckets = w.name, w.buckets
		}
	}
	if p.err == nil && a.deps.Quality == nil {
		return q, charge.Errorf(charge.NotReady, "accounts are not copied here: the ingest process is of an older version")
	}
	_, q.at = a.deps.Live.Rev()
	return q, p.err
}

// qualities answers the accounts of all parties, or of the party that asks.
func (a *API) qualities(rq *request, w *answer) error {
	q, err := a.askedQuality(rq)
	if err != nil {
		return err
	}
	w.openedQuality(&q)
	w.arr("parties")
	parties, _ := a.deps.Auth.Access()
	for i := range parties {
		p := &parties[i]
		if !p.Removed && (rq.who.role == charge.RoleRegulator || p.Num == rq.who.party) {
			w.obj("")
			w.party(p, a.deps.Quality.Sum(p.Num, q.at, q.buckets))
			w.endObj()
		}
	}
	w.endArr()
	w.endObj()
	return nil
}

// quality answers one party's account.
func (a *API) quality(rq *request, w *answer) error {
	q, err := a.askedQuality(rq)
	if err != nil {
		return err
	}
	p, ok := a.qualityParty(rq)
	if !ok || p.Removed {
		return notFound("party", rq.param)
	}
	w.openedQuality(&q)
	w.obj("party")
	w.party(&p, a.deps.Quality.Sum(p.Num, q.at, q.buckets))
	w.endObj()
	w.endObj()
	return nil
}

// qualityParty returns the party that the path names if it is there for who asks.
func (a *API) qualityParty(rq *request) (charge.Party, bool) {
	parties, _ := a.deps.Auth.Access()
	for _, p := range parties {
		if p.Slug == rq.param {
			return p, rq.who.role == charge.RoleRegulator || p.Num == rq.who.party
		}
	}
	return charge.Party{}, false
}

// qualityHistory answers a party's five-minute rows, a removed one's, too.
func (a *API) qualityHistory(rq *request, w *answer) error {
	return a.ask(rq, w, func(ctx context.Context, q *question) (Table, error) {
		p, ok := a.qualityParty(rq)
		if !ok {
			return Table{}, notFound("party", rq.param)
		}
		if a.deps.History == nil {
			return Table{}, errAway()
		}
		return a.deps.History.QualityHistory(ctx, p.Slug, q.from, q.to, q.every)
	})
}

// openedQuality begins an answer: its window, and how grades are given.
func (w *jsonBuf) openedQuality(q *asked) {
	w.obj("")
	w.time("at", q.at)
	w.str("window", q.window)
	from := charge.Millis(0)
	if q.buckets > 0 {
		from = max(account.WindowFrom(q.at, q.buckets), 0)
	}
	w.time("from", from)
	w.obj("grading")
	w.text("formula", account.Formula)
	w.int("minSample", account.MinSample)
	w.arr("grades")
	for _, g := range account.Grades {
		w.obj("")
		w.str("grade", g.Grade)
		w.num("fromScore", g.From, 1)
		w.endObj()
	}
	w.endArr()
	w.endObj()
}

func (w *jsonBuf) text(key string, t account.Text) {
	w.obj(key)
	w.str("zh", t.Zh)
	w.str("en", t.En)
	w.endObj()
}

func (w *jsonBuf) count(key string, n uint64) { w.int(key, int64(min(n, math.MaxInt64))) }

func (w *jsonBuf) known(key string, v account.Value, decimals int) {
	w.numIf(v.Known, key, v.V, decimals)
}

// delay appends the estimate of a quantile and the bounds between which it
// lies; the upper one is null where there is none.
func (w *jsonBuf) delay(name string, d account.Delay) {
	w.known(name+"S", d.Value, 3)
	if !d.Known {
		w.null(name + "RangeS")
		return
	}
	w.arr(name + "RangeS")
	w.num("", d.Low, 3)
	w.numIf(d.High > 0 || d.Low == 0, "", d.High, 3)
	w.endArr()
}

// party appends the members of one party's account.
func (w *jsonBuf) party(p *charge.Party, s account.Sum) {
	x := account.Of(p.Kind, &s)
	w.str("id", p.Slug)
	w.str("kind", p.Kind.String())
	w.str("name", p.Name)
	w.strOrNull("nameEn", p.NameEn)
	w.time("lastReportAt", s.Last)
	g := account.Assess(p.Kind, &s, &x)
	w.count("sample", g.Sample)
	c := &s.Counts.Account
	w.obj("account")
	w.count("received", c.Received)
	w.count("taken", c.Taken)
	w.count("duplicate", c.Duplicate)
	w.count("history", c.History)
	w.count("rejected", c.Rejected)
	w.endObj()
	w.rules(s.Rules)
	w.obj("timeliness")
	w.count("reports", x.Delayed)
	w.delay("p50", x.P50)
	w.delay("p95", x.P95)
	w.delay("p99", x.P99)
	w.num("limitS", account.LimitMS/1000, 0)
	w.known("withinLimitPct", x.Timeliness, 3)
	w.endObj()
	w.obj("missing")
	w.num("cadenceS", account.Cadence(p.Kind).Seconds(), 0)
	w.count("expected", x.Expected)
	w.count("missing", x.Missing)
	w.known("ratePct", x.MissingRate, 3)
	w.endObj()
	w.obj("flagged")
	w.count("kept", x.Kept)
	w.count("flagged", x.Flagged)
	w.known("ratePct", x.FlaggedRate, 3)
	w.known("accuracyPct", x.Accuracy, 3)
	w.endObj()
	w.obj("nulls")
	w.count("values", x.Nulls)
	w.known("ratePct", x.NullRate, 3)
	w.endObj()
	w.obj("online")
	w.int("rows", int64(x.Rows))
	w.known("ratePct", x.OnlineRate, 3)
	w.endObj()
	w.grade(g)
}

// ruleWords are the words of docs/rules.md.
var ruleWords = func() map[charge.Rule]account.Text {
	m := map[charge.Rule]account.Text{account.RuleOther: {Zh: "其他规则", En: "other rules"}}
	for _, r := range quality.Rules {
		m[r.ID] = account.Text{Zh: r.Zh, En: r.En}
	}
	return m
}()

func (w *jsonBuf) rules(rules []account.RuleCount) {
	w.arr("rules")
	for _, r := range rules {
		w.obj("")
		w.str("id", string(r.Rule))
		w.strOrNull("action", r.Action.String())
		w.count("count", r.Count)
		words := ruleWords[r.Rule]
		w.strOrNull("zh", words.Zh)
		w.strOrNull("en", words.En)
		w.mend(r.Rule)
		w.endObj()
	}
	w.endArr()
}

func (w *jsonBuf) grade(g account.Assessment) {
	w.obj("grade")
	w.strOrNull("grade", g.Grade)
	w.known("score", g.Score, 2)
	if g.Grade == "" {
		w.text("reason", g.Why)
	} else {
		w.null("reason")
	}
	w.arr("components")
	for i := range g.Components {
		c := &g.Components[i]
		w.obj("")
		w.str("id", c.ID)
		w.text("name", c.Name)
		w.known("valuePct", c.Value, 3)
		w.count("sample", c.Sample)
		w.num("fullPct", c.Full, 3)
		w.num("nonePct", c.None, 3)
		w.known("points", c.Points, 2)
		w.int("weight", int64(c.Weight))
		w.bool("needed", c.Needed)
		w.text("reason", c.Reason)
		w.endObj()
	}
	w.endArr()
	w.endObj()
}
