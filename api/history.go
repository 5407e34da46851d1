package api

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// window is what a history request asks for.
type window struct {
	from, to charge.Millis // from ≤ t < to
	every    time.Duration // 0 is raw
}

// windowOf reads from, to and every. How many rows they mean is for the store
// to say.
func windowOf(p *params, now charge.Millis) (window, error) {
	w := window{to: p.time("to", now)}
	w.from = p.time("from", max(w.to.Add(-24*time.Hour), 0))
	p.wgs84()
	if p.err == nil && w.from >= w.to {
		p.refuse("from must be before to")
	}
	if text, ok := p.get("every"); ok && text != "raw" {
		d, ok := parseEvery(text)
		if !ok {
			p.refuse("every must be raw or 1m … 24h, such as 15m")
		}
		w.every = d
	}
	return w, p.err
}

var everyForm = regexp.MustCompile(`^[1-9][0-9]{0,4}(s|m|h)$`)

// parseEvery reads a width of 1m … 24h in whole seconds, minutes or hours.
func parseEvery(s string) (time.Duration, bool) {
	if !everyForm.MatchString(s) {
		return 0, false
	}
	d, err := time.ParseDuration(s)
	return d, err == nil && d >= time.Minute && d <= 24*time.Hour
}

// historyTimeout bounds one question to the store.
const historyTimeout = 25 * time.Second

// question is a request about the past with its range.
type question struct {
	rq *request
	window
}

// ask reads the range, finds out what is asked about, and answers its table.
func (a *API) ask(rq *request, w *answer, f func(context.Context, *question) (Table, error)) error {
	p := parseParams(rq.URL.RawQuery)
	win, err := windowOf(&p, charge.At(time.Now()))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(rq.Context(), historyTimeout)
	defer cancel()
	if err := a.past.enter(ctx, rq.client()); err != nil {
		return err
	}
	defer a.past.leave(rq.client())
	t, err := f(ctx, &question{rq, win})
	if err != nil {
		return err
	}
	return w.table(&t)
}

// table appends {columns, rows}.
func (w *answer) table(t *Table) error {
	w.obj("")
	w.arr("columns")
	for _, c := range t.Columns {
		w.str("", c)
	}
	w.endArr()
	w.arr("rows")
	for _, row := range t.Rows {
		w.arr("")
		for _, v := range row {
			if err := w.value(v); err != nil {
				return err
			}
		}
		w.endArr()
	}
	w.endArr()
	w.endObj()
	return nil
}

// value appends one cell of a table.
func (w *jsonBuf) value(v any) error {
	switch v := v.(type) {
	case nil:
		w.null("")
	case charge.Millis:
		w.time("", v)
	case time.Time:
		w.time("", charge.At(v))
	case string:
		w.str("", v)
	case bool:
		w.bool("", v)
	case int:
		w.int("", int64(v))
	case int64:
		w.int("", v)
	case uint64:
		w.int("", int64(min(v, math.MaxInt64)))
	case float64:
		w.num("", v, 6)
	default:
		return fmt.Errorf("history gave a cell of type %T", v)
	}
	return nil
}

// errAway is the answer when no store is connected.
func errAway() error {
	return charge.Errorf(charge.HistoryUnavailable, "history is not available here at present")
}

func (a *API) pileHistory(rq *request, w *answer) error {
	return a.ask(rq, w, func(ctx context.Context, q *question) (Table, error) {
		gid := rq.param
		_, live, err := a.ownPile(rq.who, gid)
		if err != nil {
			return Table{}, err
		}
		return a.remembered(live, "pile", gid, func(h History) (Table, error) {
			return h.PileHistory(ctx, gid, q.from, q.to, q.every)
		})
	})
}

func (a *API) vehicleHistory(rq *request, w *answer) error {
	return a.ask(rq, w, func(ctx context.Context, q *question) (Table, error) {
		vin := rq.param
		_, live := a.deps.Live.Vehicle(vin, rq.who.viewer())
		if !live && (rq.who.role != charge.RoleRegulator || !validVIN(vin)) {
			return Table{}, notFound("vehicle", vin)
		}
		return a.remembered(live, "vehicle", vin, func(h History) (Table, error) {
			return h.VehicleHistory(ctx, vin, q.from, q.to, q.every)
		})
	})
}

// remembered asks the store. What is no longer live was there only if the
// store remembers it; else it is not found, also while the store is away.
func (a *API) remembered(live bool, kind, id string, f func(History) (Table, error)) (Table, error) {
	if a.deps.History == nil {
		if !live {
			return Table{}, notFound(kind, id)
		}
		return Table{}, errAway()
	}
	t, err := f(a.deps.History)
	if !live && (err == nil && len(t.Rows) == 0 || charge.CodeOf(err) == charge.HistoryUnavailable) {
		return Table{}, notFound(kind, id)
	}
	return t, err
}

// ownPile returns the operator of a pile that who may ask about: a regulator
// about any, an operator about its own. A pile that is no longer in a station,
// or whose operator was removed, is not live but may have a past.
func (a *API) ownPile(who identity, gid string) (operator charge.Party, live bool, err error) {
	slug, id, ok := splitGlobal(gid)
	if ok {
		operator, ok = a.deps.party(slug, charge.Operator)
	}
	if !ok || !who.owns(charge.RoleOperator, operator.Num) {
		return operator, false, notFound("pile", gid)
	}
	_, live = a.deps.Live.Pile(slug, id, who.viewer())
	return operator, live, nil
}

func (a *API) operatorHistory(rq *request, w *answer) error {
	return a.partyHistory(rq, w, charge.Operator, record.ScopeOperator)
}

func (a *API) makerHistory(rq *request, w *answer) error {
	return a.partyHistory(rq, w, charge.Maker, record.ScopeMaker)
}

func (a *API) partyHistory(rq *request, w *answer, kind charge.PartyKind, scope record.Scope) error {
	return a.ask(rq, w, func(ctx context.Context, q *question) (Table, error) {
		if _, ok := a.deps.party(rq.param, kind); !ok {
			return Table{}, notFound(kind.String(), rq.param)
		}
		return a.totals(ctx, scope, rq.param, q)
	})
}

func (a *API) districtHistory(rq *request, w *answer) error {
	return a.ask(rq, w, func(ctx context.Context, q *question) (Table, error) {
		for _, d := range a.deps.Live.Districts() {
			if d.ID == rq.param {
				return a.totals(ctx, record.ScopeDistrict, rq.param, q)
			}
		}
		return Table{}, notFound("district", rq.param)
	})
}

func (a *API) cityHistory(rq *request, w *answer) error {
	return a.ask(rq, w, func(ctx context.Context, q *question) (Table, error) {
		return a.totals(ctx, record.ScopeCity, "", q)
	})
}

func (a *API) totals(ctx context.Context, scope record.Scope, id string, q *question) (Table, error) {
	if a.deps.History == nil {
		return Table{}, errAway()
	}
	return a.deps.History.TotalsHistory(ctx, scope, id, q.from, q.to, q.every)
}
