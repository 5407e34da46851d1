package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"

	"github.com/gorilla/websocket"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// errBye ends reading: the viewer was sent a close frame.
var errBye = errors.New("viewer was sent away")

// operate carries out one message of a viewer. An error ends the connection.
func (a *API) operate(v *viewer, m *message) error {
	op, _ := m.text("op")
	id, err := idOf(m)
	if err != nil {
		return a.refuse(v, clip(op, 64), nil, err)
	}
	switch op {
	case "query":
		return a.query(v, id, m)
	case "sub":
		return a.sub(v, id, m)
	case "unsub":
		return a.unsub(v, id)
	case "auth":
		return a.auth(v, id, m)
	}
	return a.refuse(v, clip(op, 64), id, charge.Errorf(opUnknown, "op must be one of: sub, unsub, query, auth"))
}

// idOf returns the viewer's own id of its request as it stands, nil without one.
func idOf(m *message) ([]byte, error) {
	raw := m.raw("id")
	switch {
	case raw == nil:
		return nil, nil
	case raw[0] == '{' || raw[0] == '[' || len(raw) > 130:
		return nil, charge.Errorf(charge.ValueRange, "id must be a short string")
	}
	return raw, nil
}

// replyFrame returns {"op":…,"id":…, and what fill adds}.
func replyFrame(op string, id []byte, fill func(*jsonBuf)) frame {
	w := jsonBuf{b: append(newFrame(512), '{')}
	w.str("op", op)
	if id != nil {
		w.raw("id", id)
	}
	fill(&w)
	w.endObj()
	return finish(w.b, websocket.TextMessage)
}

func errorFrame(op string, id []byte, code charge.Code, text string) frame {
	return replyFrame(op, id, func(w *jsonBuf) {
		w.obj("error")
		w.str("code", string(code))
		w.str("message", text)
		w.endObj()
	})
}

// refuse answers a request with its error.
func (a *API) refuse(v *viewer, op string, id []byte, err error) error {
	code, text := codeAndText(a.log, err, "websocket "+op)
	return v.reply(errorFrame(op, id, code, text))
}

// auth makes the viewer who its token says. It comes before subscriptions,
// because they are made for who asked.
func (a *API) auth(v *viewer, id []byte, m *message) error {
	var token string
	if raw := m.raw("token"); raw != nil && raw[0] == '"' {
		token = unquote(raw)
	}
	who, err := a.deps.identify(context.Background(), token)
	if err != nil || token == "" {
		v.bye(closeTokenUnknown, "the token is not known")
		return errBye
	}
	v.mu.Lock()
	if len(v.subs) > 0 {
		v.mu.Unlock()
		return a.refuse(v, "auth", id, charge.Errorf(charge.Conflict, "auth comes before the first sub"))
	}
	former := v.who().token
	if err := a.limiter.census.enter(netip.Addr{}, who.token); err != nil {
		v.mu.Unlock()
		v.bye(closeTooFast, err.Error())
		return errBye
	}
	a.limiter.census.leave(netip.Addr{}, former)
	v.ident.Store(&ident{who, token})
	v.mu.Unlock()
	if a.hub.recheck(v) { // a change of tokens may have passed it by
		return errBye
	}
	return v.reply(replyFrame("auth", id, func(w *jsonBuf) { w.str("role", who.role.String()) }))
}

// query answers like GET /stations, from the newest state.
func (a *API) query(v *viewer, id []byte, m *message) error {
	ans := answers.Get().(*answer)
	defer ans.release()
	p := params{message: m}
	w := &ans.jsonBuf
	w.b = append(w.b, "0123456789"[:headRoom]...) // room for the frame's header
	w.b = append(w.b, '{')
	w.str("op", "query")
	if id != nil {
		w.raw("id", id)
	}
	if err := a.stationList(w, &p, v.who(), "data"); err != nil {
		return a.refuse(v, "query", id, err)
	}
	w.endObj()
	// The bytes go back to the pool, so what the kernel does not take at once
	// is waited for.
	return v.reply(finish(w.b, websocket.TextMessage))
}

// sub subscribes. The same id again replaces that subscription: channels in
// both go on without a break, which is what panning a map needs.
func (a *API) sub(v *viewer, id []byte, m *message) error {
	if id == nil {
		return a.refuse(v, "sub", nil, charge.Errorf(charge.ValueRange, "id is missing"))
	}
	specs, err := a.channelsOf(v.who(), m)
	if err == nil {
		err = a.subscribe(v, string(id), specs, resumeRevs(m))
	}
	var refused *charge.Error
	switch {
	case errors.As(err, &refused):
		return a.refuse(v, "sub", id, err)
	case err != nil:
		return err // the viewer is gone
	}
	// Not here: making frames takes a deep stack, which the reader would keep.
	go v.begin(a.hub)
	return nil
}

// begin sends what a new subscription brings at once; one that leaves an answer
// unread is not waited for, and gets it from its shard.
func (v *viewer) begin(h *Hub) {
	if !v.lock() {
		v.shard.feed(v)
		return
	}
	defer v.mu.Unlock()
	tmp := scratches.Get().(*scratch) // 64 kB: not while waiting
	defer scratches.Put(tmp)
	if v.deliver(h, tmp) {
		v.shard.feed(v)
	}
}

// resumeRevs returns the revisions that the viewer still holds, by channel.
func resumeRevs(m *message) map[string]string {
	raw := m.raw("rev")
	if raw == nil || raw[0] != '{' {
		return nil
	}
	var revs map[string]string
	if json.Unmarshal(raw, &revs) != nil {
		return nil // what cannot be resumed comes whole
	}
	return revs
}

// spec is a channel that a subscription needs, and how to make it.
type spec struct {
	name  string
	build func(*channel)
}

// subscribe answers the sub and opens its channels, so that no frame of them
// comes before the answer.
func (a *API) subscribe(v *viewer, id string, specs []spec, revs map[string]string) error {
	h := a.hub
	v.mu.Lock()
	defer v.mu.Unlock()
	old := v.subs[id]
	if old == nil && len(v.subs) >= a.cfg.MaxSubs {
		return charge.Errorf(tooManySubs, "at most %d subscriptions a connection", a.cfg.MaxSubs)
	}
	if v.closing {
		return errBye
	}
	sub := &subscription{chans: make([]*channel, 0, len(specs))}
	h.mu.Lock()
	if err := v.mayHold(h, old, specs); err != nil {
		h.mu.Unlock()
		return err
	}
	for _, s := range specs {
		c := h.open(s.name, s.build)
		sub.chans = append(sub.chans, c)
		since := h.parseRev(revs[s.name])
		if at := v.find(c); at >= 0 {
			had := &v.chans[at]
			had.refs++
			if !old.holds(c) {
				had.sent, had.resume = since, since != 0 // another subscription starts anew
			}
			continue
		}
		v.chans = append(v.chans, held{ch: c, sent: since, refs: 1, resume: since != 0})
	}
	v.release(h, old)
	h.mu.Unlock()
	if v.subs == nil {
		v.subs = make(map[string]*subscription)
	}
	v.subs[id] = sub
	return v.say(replyFrame("sub", []byte(id), func(w *jsonBuf) {
		w.arr("channels")
		for _, c := range sub.chans {
			w.str("", c.name)
		}
		w.endArr()
	}))
}

// maxHeld is how many channels one viewer may hold: eight views of 64 tiles.
const maxHeld = 512

// mayHold reports whether a subscription, instead of old, comes within the
// bounds of channels. Both locks are held.
func (v *viewer) mayHold(h *Hub, old *subscription, specs []spec) error {
	fresh, held := 0, len(v.chans)
	named := make(map[string]bool, len(specs))
	for _, s := range specs {
		named[s.name] = true
		c := h.channels[s.name]
		if c == nil {
			fresh++
		}
		if c == nil || v.find(c) < 0 {
			held++
		}
	}
	if old != nil {
		for _, c := range old.chans {
			if v.chans[v.find(c)].refs == 1 && !named[c.name] {
				held--
			}
		}
	}
	switch {
	case held > maxHeld:
		return charge.Errorf(tooManySubs, "at most %d tiles and feeds a connection, in all subscriptions together", maxHeld)
	case fresh > 0 && !h.room(fresh):
		return charge.Errorf(charge.NotReady, "too many different views are watched here, try again")
	}
	return nil
}

func (a *API) unsub(v *viewer, id []byte) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	sub := v.subs[string(id)]
	if sub == nil {
		return v.say(errorFrame("unsub", id, charge.NotFound, "there is no subscription of that id"))
	}
	delete(v.subs, string(id))
	a.hub.mu.Lock()
	v.release(a.hub, sub)
	a.hub.mu.Unlock()
	return v.say(replyFrame("unsub", id, func(*jsonBuf) {}))
}

func (s *subscription) holds(c *channel) bool {
	if s != nil {
		for _, have := range s.chans {
			if have == c {
				return true
			}
		}
	}
	return false
}

// find returns where in v.chans c is, or -1.
func (v *viewer) find(c *channel) int {
	for i := range v.chans {
		if v.chans[i].ch == c {
			return i
		}
	}
	return -1
}

// release gives up a subscription's channels. Both locks are held.
func (v *viewer) release(h *Hub, sub *subscription) {
	if sub == nil {
		return
	}
	for _, c := range sub.chans {
		h.release(c)
		at := v.find(c)
		if v.chans[at].refs--; v.chans[at].refs == 0 {
			v.chans[at] = v.chans[len(v.chans)-1]
			v.chans = v.chans[:len(v.chans)-1]
		}
	}
}
