package api

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/live"
	"github.com/dianchi-platform/dianchi/internal/past"
)

// Codes of questions with `at`.
const (
	momentFuture charge.Code = "moment-future"
	momentTooOld charge.Code = "moment-too-old"
	resNotKept   charge.Code = "res-not-kept"
)

// Moments is how the city was at each five minutes of the last days; *past.Store is one.
type Moments interface {
	// Moment returns what [live.Moment.Encode] made of t, or charge.MomentMissing.
	Moment(ctx context.Context, t charge.Millis) ([]byte, error)
	Spans(ctx context.Context) ([]past.Span, error)
}

// momentsKept is how many moments stay decoded: a wall that looks back asks
// five resources for each. A moment of a large city takes 2 MB.
const momentsKept = 12

// momentCache decodes each moment once for all who ask at a time. That costs a
// core tens of milliseconds and 5 MB: clients take turns.
type momentCache struct {
	from  Moments
	log   *slog.Logger
	turns *queue

	mu     sync.Mutex
	recent []*cachedMoment // what was asked for last comes first
}

type cachedMoment struct {
	t      charge.Millis
	ready  chan struct{}
	moment *live.Moment
	err    error
}

func newMomentCache(from Moments, log *slog.Logger) *momentCache {
	return &momentCache{from: from, log: log, turns: newQueue(workAtOnce)}
}

// get returns the moment t to client. What could not be had is asked for anew
// by the next; who waited for somebody whose turn did not come asks himself.
func (c *momentCache) get(ctx context.Context, client string, t charge.Millis) (*live.Moment, error) {
	if c.from == nil {
		return nil, errAway()
	}
	for {
		m, known := c.entry(t)
		if !known {
			c.load(ctx, client, m)
			return m.moment, m.err
		}
		select {
		case <-m.ready:
			if charge.CodeOf(m.err) != busy {
				return m.moment, m.err
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// load fills m. Others may wait for it: it is finished also when who asked
// first has left.
func (c *momentCache) load(ctx context.Context, client string, m *cachedMoment) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), historyTimeout)
	defer cancel()
	defer close(m.ready)
	m.err = errors.New("reading a moment did not end") // until it has: a panic must not be an answer
	defer func() {
		if m.err != nil {
			c.mu.Lock()
			c.recent = slices.DeleteFunc(c.recent, func(o *cachedMoment) bool { return o == m })
			c.mu.Unlock()
		}
	}()
	m.moment, m.err = c.read(ctx, client, m.t)
}

func (c *momentCache) read(ctx context.Context, client string, t charge.Millis) (*live.Moment, error) {
	if err := c.turns.enter(ctx, client); err != nil {
		return nil, err
	}
	defer c.turns.leave(client)
	body, err := c.from.Moment(ctx, t)
	if err != nil {
		return nil, err
	}
	m, err := live.DecodeMoment(body)
	if err != nil { // damaged on disk, or of a newer program
		c.log.Error("a moment that is kept cannot be read", "t", t.String(), "err", err)
		return nil, past.Missing(t)
	}
	return m, nil
}

// entry returns the place of t in the cache, and whether it was there.
func (c *momentCache) entry(t charge.Millis) (m *cachedMoment, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := slices.IndexFunc(c.recent, func(o *cachedMoment) bool { return o.t == t })
	if at >= 0 {
		m = c.recent[at]
		c.recent = slices.Delete(c.recent, at, at+1)
	} else {
		m = &cachedMoment{t: t, ready: make(chan struct{})}
	}
	c.recent = slices.Insert(c.recent, 0, m)
	if len(c.recent) > momentsKept {
		c.recent = c.recent[:momentsKept]
	}
	return m, at >= 0
}

// pastAge is for how long an answer about the past may be kept: it never changes.
const pastAge = "max-age=604800, immutable"

// then returns the moment that `at` names, nil without it: the newest of the
// five-minute moments that is not after it, and no other in its stead.
func (a *API) then(rq *request, p *params, w *answer) (*live.Moment, error) {
	at := p.time("at", -1)
	if p.err != nil || at < 0 {
		return nil, p.err
	}
	now := a.deps.clock()
	switch {
	case at > now:
		return nil, charge.Errorf(momentFuture, "at is in the future: nobody knows yet")
	case at < now.Add(-past.Keep):
		return nil, charge.Errorf(momentTooOld, "at is more than %d hours ago: older moments are not kept", past.Keep/time.Hour)
	}
	m, err := a.moments.get(rq.Context(), rq.client(), past.Floor(at))
	if err != nil {
		return nil, err
	}
	w.cache = "public, " + pastAge
	if rq.who.token != "" {
		w.cache = "private, " + pastAge
	}
	return m, nil
}

// clock is the time that questions about moments are judged by.
func (d *Deps) clock() charge.Millis {
	if d.now != nil {
		return charge.At(d.now())
	}
	return charge.At(time.Now())
}

// openedThen begins an answer of a past moment: at is the tick that it was of,
// asOf the five minutes that it stands for.
func (w *jsonBuf) openedThen(m *live.Moment) {
	w.obj("")
	w.time("at", m.Overview.At)
	w.time("asOf", m.T)
}

// spans answers which moments there are.
func (a *API) spans(rq *request, w *answer) error {
	if a.deps.Moments == nil {
		return errAway()
	}
	spans, err := a.deps.Moments.Spans(rq.Context())
	if err != nil {
		return err
	}
	now := a.deps.clock()
	w.obj("")
	w.time("at", now)
	w.int("everyMs", past.Every.Milliseconds())
	w.int("keptMs", past.Keep.Milliseconds())
	w.arr("spans")
	for _, s := range spans {
		if s.To < now.Add(-past.Keep) {
			continue
		}
		w.arr("")
		w.time("", max(s.From, past.Floor(now.Add(-past.Keep)+charge.Millis(past.Every.Milliseconds())-1)))
		w.time("", s.To)
		w.endArr()
	}
	w.endArr()
	w.endObj()
	return nil
}
