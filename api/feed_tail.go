package api

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/tail"
)

// tailEvery is how often a watched party's messages are asked for. On a replica
// each is a request to the ingest process.
const tailEvery = 250 * time.Millisecond

// tailFeed is one party's newest messages. They are asked for beside the
// revisions, because on a replica that takes time, and only while somebody
// watches; each revision tells what came in between.
type tailFeed struct {
	ch    *channel
	num   charge.Num
	list  []tailed // oldest first, at most [tail.MaxMessages]
	gone  []goneMessage
	floor uint64 // from revisions before it nobody can resume
	ready bool
	rev   uint64
	at    charge.Millis
	stop  context.CancelFunc

	mu    sync.Mutex
	inbox []tail.Message // asked for, not told yet
}

type tailed struct {
	tail.Message
	rev uint64 // that tells of it
}

type goneMessage struct{ seq, rev uint64 }

func messageID(seq uint64) string { return strconv.FormatUint(seq, 36) }

// tailChannel returns the channel of a sub to `tail`: a party's own, or for
// regulators that of the party it names.
func (a *API) tailChannel(who identity, p *params) ([]spec, error) {
	if err := orParty.check(who.role); err != nil {
		return nil, err
	}
	slug := p.slug("party")
	if p.err == nil && slug == "" && who.role == charge.RoleRegulator {
		p.refuse("party is needed")
	}
	if p.err != nil {
		return nil, p.err
	}
	if slug == "" {
		slug = who.slug
	}
	party, ok := a.qualityParty(&request{who: who, param: slug})
	if !ok || party.Removed {
		return nil, notFound("party", slug)
	}
	if a.deps.Tail == nil {
		return nil, errNoTail()
	}
	h := a.hub
	return []spec{{"t@" + slug, func(c *channel) {
		ctx, stop := context.WithCancel(h.ctx)
		f := &tailFeed{ch: c, num: party.Num, stop: stop}
		h.feeds.tails = append(h.feeds.tails, f)
		c.src = f
		c.close = func() {
			stop()
			h.feeds.tails = remove(h.feeds.tails, f)
		}
		if ctx.Err() == nil {
			h.askers.Go(func() { f.ask(ctx, h) })
		}
	}}}, nil
}

// ask brings the party's messages until ctx ends. It rests while
// nobody watches.
func (f *tailFeed) ask(ctx context.Context, h *Hub) {
	every := time.NewTicker(tailEvery)
	defer every.Stop()
	var after uint64
	for {
		h.mu.RLock()
		watched := f.ch.refs > 0
		h.mu.RUnlock()
		if watched {
			list, err := h.deps.Tail.Messages(ctx, f.num, after)
			if err == nil && len(list) > 0 {
				after = list[len(list)-1].Seq
				f.mu.Lock()
				f.inbox = newest(append(f.inbox, list...))
				f.mu.Unlock()
			}
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			return
		}
	}
}

func newest[T any](list []T) []T {
	return list[max(0, len(list)-tail.MaxMessages):]
}

// tailsChanged takes over what came since the last revision.
func (f *feeds) tailsChanged(h *Hub) {
	for _, t := range f.tails {
		t.revision(h)
	}
}

func (f *tailFeed) revision(h *Hub) {
	f.rev, f.at = h.rev, h.at
	f.mu.Lock()
	came := f.inbox
	f.inbox = nil
	f.mu.Unlock()
	if !f.ready {
		f.ready, f.floor = true, h.rev
		f.ch.reset(h.rev)
	}
	for i := range came {
		f.list = append(f.list, tailed{came[i], h.rev})
	}
	if drop := len(f.list) - tail.MaxMessages; drop > 0 {
		for _, m := range f.list[:drop] {
			f.gone = append(f.gone, goneMessage{m.Seq, h.rev})
		}
		f.list = append(f.list[:0], f.list[drop:]...)
	}
	if len(came) > 0 {
		f.ch.touch(h.rev)
	}
	drop := 0
	for drop < len(f.gone) && f.gone[drop].rev+idleRevs < f.rev {
		f.floor = max(f.floor, f.gone[drop].rev)
		drop++
	}
	f.gone = append(f.gone[:0], f.gone[drop:]...)
}

func (f *tailFeed) data(_ *Hub, w *jsonBuf, since uint64) told {
	t := told{rev: f.rev, at: f.at, full: since < f.floor || since > f.rev, empty: true}
	if t.full {
		w.arr("messages")
	} else {
		w.arr("changed")
	}
	for i := range f.list {
		if m := &f.list[i]; t.full || m.rev > since {
			t.empty = false
			w.obj("")
			w.tailMessage(&m.Message)
			w.endObj()
		}
	}
	w.endArr()
	if t.full {
		return t
	}
	w.arr("removed")
	for _, g := range f.gone {
		if g.rev > since {
			t.empty = false
			w.str("", messageID(g.seq))
		}
	}
	w.endArr()
	return t
}
