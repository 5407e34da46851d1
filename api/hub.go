package api

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// Hub feeds the websockets. Once a second Revision moves the published state
// of every feed in use; a few shards then send each viewer what leads from the
// revision it has to the present one. A frame is made once and shared.
type Hub struct {
	cfg   Config
	log   *slog.Logger
	deps  Deps
	epoch string

	mu       sync.RWMutex // guards the published state and the channels
	rev      uint64
	at       charge.Millis
	channels map[string]*channel
	swept    uint64 // revision at which room was last made
	feeds    feeds

	newest  atomic.Uint64 // rev, for who looks without the lock
	shards  []*shard
	turn    atomic.Uint32 // next shard
	viewers atomic.Int64

	replyWait time.Duration // only tests have another
	most      int           // channels; likewise
	closing   atomic.Bool
	quit      chan struct{}
	watched   chan struct{}
	ctx       context.Context // ends with the hub; mu is held while it does
	cancel    context.CancelFunc
	askers    sync.WaitGroup // what feeds let run; begun with mu held, while ctx goes on

	made, sends, frames, bytes, skipped, dropped atomic.Uint64
	spread, making                               atomic.Int64 // nanoseconds
}

// idleRevs is how long, in revisions, a channel without viewers is kept so
// that one that comes back can resume.
const idleRevs = 60

// maxChannels bounds channels, some 50 MB: a city has a few thousand, but
// anybody may ask for any place on earth.
const maxChannels = 100_000

func newHub(cfg Config, log *slog.Logger, deps Deps, m *metrics) *Hub {
	h := &Hub{cfg: cfg, log: log, deps: deps, epoch: deps.Instance, replyWait: replyWait, most: maxChannels,
		channels: make(map[string]*channel), quit: make(chan struct{}), watched: make(chan struct{})}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.feeds = newFeeds(h)
	n := cfg.Shards
	if n == 0 {
		n = max(2, runtime.GOMAXPROCS(0))
	}
	for range n {
		h.shards = append(h.shards, newShard(h))
	}
	m.watchHub(h)
	return h
}

func (h *Hub) start() {
	for _, s := range h.shards {
		go s.run()
	}
	go h.watchAccess()
}

// stop sends every viewer a close frame and waits for them to go, at most
// until ctx ends.
func (h *Hub) stop(ctx context.Context) {
	if h.closing.Swap(true) {
		return // stopped before
	}
	h.each(func(v *viewer) { v.bye(closeRestart, restartReason(h.cfg.ComeBack)) })
	wait := time.NewTicker(5 * time.Millisecond)
	defer wait.Stop()
	for h.viewers.Load() > 0 && ctx.Err() == nil {
		select {
		case <-wait.C:
		case <-ctx.Done():
		}
	}
	h.each((*viewer).shut)
	h.mu.Lock()
	h.cancel()
	h.mu.Unlock()
	h.askers.Wait()
	close(h.quit)
	<-h.watched
	for _, s := range h.shards {
		close(s.quit)
		<-s.done
	}
}

func (h *Hub) each(f func(*viewer)) {
	for _, s := range h.shards {
		for _, v := range s.copyViewers(nil) {
			f(v)
		}
	}
}

// accessEvery is how often changes of tokens are looked for.
const accessEvery = 100 * time.Millisecond

// watchAccess cuts viewers whose token is known no longer, within a second.
func (h *Hub) watchAccess() {
	defer close(h.watched)
	tick := time.NewTicker(accessEvery)
	defer tick.Stop()
	seen := h.deps.accessVersion()
	for {
		select {
		case <-h.quit:
			return
		case <-tick.C:
		}
		if now := h.deps.accessVersion(); now != seen {
			seen = now
			h.each(func(v *viewer) { h.recheck(v) })
		}
	}
}

// atOnce is a context that has ended: no look-up waits under it.
var atOnce = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// recheck cuts a viewer whose token no longer says who it is, and reports
// whether it did.
func (h *Hub) recheck(v *viewer) (cut bool) {
	id := v.ident.Load()
	if id == nil {
		return false // a driver without a token
	}
	now, err := h.deps.identify(atOnce, id.token)
	if err == nil && now == id.who {
		return false
	}
	v.bye(closeTokenUnknown, "the token is known no longer")
	return true
}

// Revision publishes what changed. The goroutine that writes live calls it
// right after Tick, before it applies anything else.
func (h *Hub) Revision(rev *Revision) {
	began := time.Now()
	h.mu.Lock()
	h.rev, h.at = rev.Rev, rev.At
	h.feeds.revision(h, rev)
	h.forgetIdle()
	h.newest.Store(rev.Rev)
	h.mu.Unlock()
	h.making.Store(int64(time.Since(began)))
	for _, s := range h.shards {
		notify(s.tick)
	}
}

// open returns the channel of that name with one more subscription, made by
// build when there is none. h.mu is held.
func (h *Hub) open(name string, build func(*channel)) *channel {
	c := h.channels[name]
	if c == nil {
		c = &channel{name: name}
		h.channels[name] = c
		build(c)
	}
	c.refs++
	return c
}

// release takes one subscription away. h.mu is held.
func (h *Hub) release(c *channel) {
	if c.refs--; c.refs == 0 {
		c.idle = h.rev
	}
}

// forgetIdle drops channels that nobody has come back to. h.mu is held.
func (h *Hub) forgetIdle() {
	h.forget(func(c *channel) bool { return h.rev > c.idle+idleRevs })
}

// forget drops those channels without viewers of which f says so. h.mu is held.
func (h *Hub) forget(f func(*channel) bool) {
	for name, c := range h.channels {
		if c.refs == 0 && !c.kept && f(c) {
			delete(h.channels, name)
			if c.close != nil {
				c.close()
			}
		}
	}
}

// room reports whether n more channels may be opened. Those that nobody watches
// make room, looked for once a revision: who comes back to one gets it whole.
// h.mu is held.
func (h *Hub) room(n int) bool {
	if len(h.channels)+n > h.most && h.swept != h.rev {
		h.swept = h.rev
		h.forget(func(*channel) bool { return true })
	}
	return len(h.channels)+n <= h.most
}

// reserve counts one more viewer; false when there are too many or the hub stops.
func (h *Hub) reserve() bool {
	if n := h.viewers.Add(1); h.closing.Load() || n > int64(h.cfg.MaxViewers) {
		h.viewers.Add(-1)
		return false
	}
	return true
}

// add takes a viewer in that was counted before.
func (h *Hub) add(v *viewer) {
	h.shards[int(h.turn.Add(1))%len(h.shards)].add(v)
	if h.closing.Load() { // stop may have passed this one by
		v.bye(closeRestart, restartReason(h.cfg.ComeBack))
	}
	h.recheck(v) // likewise a change of tokens since it was identified
}

// remove gives up all that a viewer held.
func (h *Hub) remove(v *viewer) {
	v.mu.Lock()
	chans := v.chans
	v.chans, v.subs, v.pending, v.closing = nil, nil, nil, true
	v.mu.Unlock()
	h.mu.Lock()
	for _, c := range chans {
		for range c.refs {
			h.release(c.ch)
		}
	}
	h.mu.Unlock()
	v.shard.remove(v)
	h.viewers.Add(-1)
}

func (h *Hub) stats() Stats {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return Stats{
		Viewers: int(h.viewers.Load()), Channels: len(h.channels), Revision: h.rev,
		Sends: h.sends.Load(), Frames: h.frames.Load(), FrameBytes: h.bytes.Load(), Skipped: h.skipped.Load(),
		FramesMade: h.made.Load(), Dropped: h.dropped.Load(),
		SpreadLast: time.Duration(h.spread.Load()), MakeLast: time.Duration(h.making.Load()),
	}
}
