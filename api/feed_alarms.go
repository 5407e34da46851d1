package api

import (
	"github.com/dianchi-platform/dianchi/internal/alarm"
	"github.com/dianchi-platform/dianchi/internal/charge"
)

// alarmFeed is the open alarms that one audience sees, as of the last revision:
// the worst ones, with counts of all. It is kept only while somebody watches.
type alarmFeed struct {
	ch     *channel
	who    identity // of a party, or any regulator
	seen   uint64   // version of the view
	known  map[uint64]alarmNow
	order  []*alarm.Alarm
	gone   []goneAlarm // oldest first
	counts alarm.Counts
	more   bool   // there are more than are told
	floor  uint64 // from revisions before it nobody can resume
	rev    uint64
	at     charge.Millis
}

type alarmNow struct {
	alarm *alarm.Alarm
	rev   uint64 // of its last change
}

type goneAlarm struct{ id, rev uint64 }

// alarmChannel returns the channel of a sub to `alarms`.
func (a *API) alarmChannel(who identity) ([]spec, error) {
	if err := orParty.check(who.role); err != nil {
		return nil, err
	}
	if a.deps.Alarms == nil {
		return nil, charge.Errorf(charge.NotReady, "there are no alarms here at present")
	}
	name, aud := "a+", identity{role: charge.RoleRegulator}
	if who.role != charge.RoleRegulator {
		name, aud = "a@"+who.slug, identity{role: who.role, party: who.party, slug: who.slug}
	}
	h := a.hub
	return []spec{{name, func(c *channel) {
		f := &alarmFeed{ch: c, who: aud}
		h.feeds.alarms = append(h.feeds.alarms, f)
		c.src = f
		c.close = func() { h.feeds.alarms = remove(h.feeds.alarms, f) }
	}}}, nil
}

// alarmsChanged takes over what a revision changed. The book was closed with
// the same revision just before.
func (f *feeds) alarmsChanged(h *Hub) {
	for _, a := range f.alarms {
		if a.known == nil {
			a.load(h)
		} else {
			a.revision(h)
		}
		a.rev, a.at = h.rev, h.at
		a.trim()
	}
}

// load fills a channel that was just opened.
func (f *alarmFeed) load(h *Hub) {
	f.known = make(map[uint64]alarmNow)
	f.rev, f.at, f.floor = h.rev, h.at, h.rev
	f.take(h, h.deps.Alarms.View())
	f.ch.reset(h.rev)
}

func (f *alarmFeed) revision(h *Hub) {
	v := h.deps.Alarms.View()
	if v.Version != f.seen && f.take(h, v) {
		f.ch.touch(h.rev)
	}
}

// take compares with the view and reports whether the audience is told anything.
func (f *alarmFeed) take(h *Hub, v *alarm.View) (changed bool) {
	f.seen = v.Version
	before := f.counts
	f.counts, f.order, f.more = v.Count(f.who.sees), f.order[:0], false
	changed = f.counts.Open != before.Open || f.counts.Acked != before.Acked || f.counts.Severity != before.Severity
	for _, a := range v.Open() {
		if !f.who.sees(a) {
			continue
		}
		if len(f.order) == maxAlarms {
			f.more = true
			break
		}
		f.order = append(f.order, a)
		if was := f.known[a.ID]; was.alarm != a {
			f.known[a.ID] = alarmNow{a, h.rev}
			changed = true
		}
	}
	if len(f.known) == len(f.order) {
		return changed
	}
	told := make(map[uint64]bool, len(f.order))
	for _, a := range f.order {
		told[a.ID] = true
	}
	for id := range f.known {
		if !told[id] {
			delete(f.known, id)
			f.gone = append(f.gone, goneAlarm{id, h.rev})
		}
	}
	return true
}

// trim forgets what left longer ago than anyone may resume.
func (f *alarmFeed) trim() {
	drop := 0
	for drop < len(f.gone) && f.gone[drop].rev+idleRevs < f.rev {
		f.floor = max(f.floor, f.gone[drop].rev)
		drop++
	}
	f.gone = append(f.gone[:0], f.gone[drop:]...)
}

func (f *alarmFeed) data(h *Hub, w *jsonBuf, since uint64) told {
	t := told{rev: f.rev, at: f.at, full: since < f.floor || since > f.rev, empty: true}
	names := h.deps.partyNames()
	w.alarmCounts(f.counts)
	if t.full {
		w.arr("alarms")
	} else {
		w.arr("changed")
	}
	for _, a := range f.order {
		if now := f.known[a.ID]; t.full || now.rev > since {
			t.empty = false
			w.obj("")
			w.alarm(a, names, h.deps.Live, f.who.role == charge.RoleRegulator)
			w.endObj()
		}
	}
	w.endArr()
	if t.full {
		w.bool("truncated", f.more)
		return t
	}
	w.arr("removed")
	for _, g := range f.gone {
		if _, back := f.known[g.id]; g.rev > since && !back {
			t.empty = false
			w.str("", alarm.IDString(g.id))
		}
	}
	w.endArr()
	w.bool("truncated", f.more)
	return t
}
