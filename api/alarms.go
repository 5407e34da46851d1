package api

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/dianchi-platform/dianchi/internal/alarm"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/live"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// Alarms is what is wrong, as of the last revision.
type Alarms interface {
	View() *alarm.View
	// Ack notes that somebody has seen an open alarm, and returns it once View
	// has it so. Its errors carry not-found, conflict or not-ready.
	Ack(ctx context.Context, id uint64, by, note string) (*alarm.Alarm, error)
	// Past returns alarms that were ever raised, the newest first, as far as the
	// registry has them, at most q.Limit; View may know of newer ones.
	Past(ctx context.Context, q *alarm.Query) ([]*alarm.Alarm, error)
}

// Bounds of GET /alarms.
const (
	usualAlarms = 100
	maxAlarms   = 1000
)

// sees reports whether who may know of an alarm: a party of its own, regulators
// of all, also of the platform's own parts.
func (who identity) sees(x *alarm.Alarm) bool {
	return who.role == charge.RoleRegulator || x.Party != 0 && x.Party == who.party
}

func (a *API) alarms(rq *request, w *answer) error {
	if a.deps.Alarms == nil {
		return charge.Errorf(charge.NotReady, "there are no alarms here at present")
	}
	p := parseParams(rq.URL.RawQuery)
	q := alarm.Query{Limit: p.int("limit", usualAlarms, 1, maxAlarms)}
	switch p.oneOf("state", "open", "recent", "all") {
	case "recent":
		q.Which = alarm.Recent
	case "all":
		q.Which = alarm.All
	}
	q.Rule = p.text("rule", 64)
	q.Severity = alarm.ParseSeverity(p.oneOf("severity", "info", "warning", "critical"))
	q.From, q.To = p.time("from", 0), p.time("to", 0)
	slug := p.slug("party")
	if p.err == nil && q.Rule != "" && alarm.RuleOf(q.Rule) == nil {
		p.refuse("rule must be one of docs/alarms.md, such as %s", alarm.PileFault)
	}
	if _, given := p.get("to"); p.err == nil && given && q.To <= q.From {
		p.refuse("to must be after from")
	}
	if p.err != nil {
		return p.err
	}
	cursor, _ := p.get("cursor")
	var err error
	if q.After, err = alarm.ParseCursor(cursor, q.Which); err != nil {
		return err
	}
	who := rq.who
	names := a.deps.partyNames()
	if who.role != charge.RoleRegulator {
		q.OnlyOf, q.Party = true, who.party
	}
	v := a.deps.Alarms.View()
	var page []*alarm.Alarm
	var more bool
	switch num := names.num(slug); {
	case slug == "":
		page, more, err = a.alarmPage(rq.Context(), v, q)
	case num != 0 && (!q.OnlyOf || q.Party == num):
		q.OnlyOf, q.Party = true, num
		page, more, err = a.alarmPage(rq.Context(), v, q)
	}
	if err != nil {
		return err
	}
	w.obj("")
	w.time("at", v.At)
	w.alarmCounts(v.Count(who.sees))
	w.arr("alarms")
	for _, x := range page {
		w.obj("")
		w.alarm(x, names, a.deps.Live, who.role == charge.RoleRegulator)
		w.endObj()
	}
	w.endArr()
	next := ""
	if more {
		next = q.At(page[len(page)-1]).String()
	}
	w.strOrNull("next", next)
	w.endObj()
	return nil
}

// alarmPage returns a page of the view, of all alarms together with what only
// the registry has.
func (a *API) alarmPage(ctx context.Context, v *alarm.View, q alarm.Query) (page []*alarm.Alarm, more bool, err error) {
	page, more = v.Page(&q)
	if q.Which != alarm.All {
		return page, more, nil
	}
	limit := q.Limit
	q.Limit++ // one more tells whether there is a next page
	past, err := a.deps.Alarms.Past(ctx, &q)
	if err != nil {
		return nil, false, err
	}
	page = alarm.Merge(page, past)
	if len(page) > limit {
		return page[:limit], true, nil
	}
	return page, more, nil
}

// names finds parties by number.
type names map[charge.Num]charge.Party

func (d *Deps) partyNames() names {
	all, _ := d.Auth.Access()
	m := make(names, len(all))
	for _, p := range all {
		m[p.Num] = p
	}
	return m
}

func (m names) num(slug string) charge.Num {
	for n, p := range m {
		if slug != "" && p.Slug == slug {
			return n
		}
	}
	return 0
}

// alarmCounts appends how many alarms are open of those that may be seen.
func (w *jsonBuf) alarmCounts(c alarm.Counts) {
	w.obj("counts")
	w.int("open", int64(c.Open))
	w.int("acked", int64(c.Acked))
	w.obj("severity")
	for s := alarm.Critical; s >= alarm.Info; s-- {
		w.int(s.String(), int64(c.Severity[s]))
	}
	w.endObj()
	w.obj("rule")
	for i := range alarm.Rules {
		if n := c.Rule[alarm.Rules[i].ID]; n > 0 {
			w.int(alarm.Rules[i].ID, int64(n))
		}
	}
	w.endObj()
	w.endObj()
}

// alarm appends the members of one alarm; the English title calls its station
// by its English name, as far as that is known now. Who of the regulators acknowledged is
// shown to regulators only.
func (w *jsonBuf) alarm(x *alarm.Alarm, m names, now *live.State, regulator bool) {
	slug := m[x.Party].Slug
	global := func(id string) string {
		if id == "" || slug == "" {
			return ""
		}
		return charge.GlobalID(slug, id)
	}
	object := x.Object
	switch x.Kind {
	case record.AlarmParty:
		object = slug
	case record.AlarmStation, record.AlarmPile:
		object = global(x.Object)
	}
	w.str("id", alarm.IDString(x.ID))
	w.str("rule", x.Rule)
	w.str("severity", x.Severity.String())
	w.str("state", x.State().String())
	w.strOrNull("party", slug)
	w.str("kind", alarm.KindWord(x.Kind))
	w.strOrNull("object", object)
	w.strOrNull("station", global(x.Station))
	w.words("title", x.TitleNaming(stationNameEn(x, now)))
	w.words("detail", x.Detail())
	if r := alarm.RuleOf(x.Rule); r != nil {
		w.words("do", r.Do)
	} else {
		w.words("do", alarm.Words{})
	}
	vehicle := x.Kind == record.AlarmVehicle
	w.code(vehicle, "level", int64(x.Level))
	w.code(vehicle, "alarms", int64(x.Bits))
	w.int("count", int64(max(1, x.Count)))
	w.bool("lastKnown", x.Last)
	w.time("since", x.Since)
	w.time("raisedAt", x.Raised)
	w.time("updatedAt", x.Updated)
	w.time("ackedAt", x.Acked)
	by := x.AckedBy
	if !regulator {
		by, _, _ = strings.Cut(by, "/")
	}
	w.strOrNull("ackedBy", by)
	w.strOrNull("note", x.Note)
	w.time("clearedAt", x.Cleared)
	w.strOrNull("reason", x.Reason)
}

// stationNameEn returns the English name of the station that an alarm is about.
func stationNameEn(x *alarm.Alarm, now *live.State) string {
	switch x.Kind {
	case record.AlarmStation:
		return now.NameEn(x.Party, x.Object)
	case record.AlarmPile:
		return now.NameEn(x.Party, x.Station)
	}
	return ""
}

func (w *jsonBuf) words(key string, t alarm.Words) {
	w.obj(key)
	w.str("zh", t.Zh)
	w.str("en", t.En)
	w.endObj()
}

// maxNote bounds the note of an acknowledgement, in characters.
const maxNote = 500

// ackAlarm notes that somebody has seen an alarm: POST /alarms/{id}/ack.
func (a *API) ackAlarm(rq *request, w *answer) error {
	if a.deps.Alarms == nil {
		return charge.Errorf(charge.NotReady, "there are no alarms here at present")
	}
	note, err := noteOf(rq.Request)
	if err != nil {
		return err
	}
	missing := charge.Errorf(charge.NotFound, "there is no alarm %s", clip(rq.param, 64))
	id, ok := alarm.ParseID(rq.param)
	if !ok {
		return missing
	}
	if x := a.deps.Alarms.View().Find(id); x == nil || !rq.who.sees(x) {
		return missing
	}
	by := rq.who.slug
	if by == "" {
		by = rq.who.role.String()
	}
	x, err := a.deps.Alarms.Ack(rq.Context(), id, by+"/"+rq.who.token, note)
	if err != nil {
		return err
	}
	w.cache = "no-store"
	w.obj("")
	w.obj("alarm")
	w.alarm(x, a.deps.partyNames(), a.deps.Live, rq.who.role == charge.RoleRegulator)
	w.endObj()
	w.endObj()
	return nil
}

// noteOf reads the body {"note":"…"}; no body is no note.
func noteOf(r *http.Request) (string, error) {
	bad := charge.Errorf(charge.ValueRange, `the body must be {"note":"…"} with at most %d characters of text, or empty`, maxNote)
	const most = 16 * maxNote // a character may be escaped in 12 bytes
	body, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	if err != nil || len(body) > most {
		return "", bad
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return "", nil
	}
	m, err := parseMessage(body, nil)
	if err != nil {
		return "", bad
	}
	raw := m.raw("note")
	if raw == nil {
		return "", nil
	}
	if raw[0] != '"' {
		return "", bad
	}
	note := unquote(raw)
	if utf8.RuneCountInString(note) > maxNote || !validText(note) {
		return "", bad
	}
	return note, nil
}
