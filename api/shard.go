package api

import (
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// shard is one of the few loops that send frames, with the viewers it serves.
type shard struct {
	h    *Hub
	tick chan struct{} // a revision was closed
	fed  chan struct{} // hungry is no longer empty
	quit chan struct{}
	done chan struct{}

	mu      sync.Mutex
	viewers []*viewer
	hungry  []*viewer
}

// Times of a shard's loop.
const (
	retryEvery = 20 * time.Millisecond  // for viewers that are owed something
	watchEvery = 500 * time.Millisecond // for pings and silence
	paceBatch  = 128                    // viewers between two looks at the clock
)

func newShard(h *Hub) *shard {
	return &shard{h: h, tick: make(chan struct{}, 1), fed: make(chan struct{}, 1),
		quit: make(chan struct{}), done: make(chan struct{})}
}

func (s *shard) add(v *viewer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v.shard, v.place = s, int32(len(s.viewers))
	s.viewers = append(s.viewers, v)
}

func (s *shard) remove(v *viewer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.viewers) - 1
	s.viewers[v.place] = s.viewers[last]
	s.viewers[v.place].place = v.place
	s.viewers[last] = nil
	s.viewers = s.viewers[:last]
}

// feed puts v on the list of those that are served again soon.
func (s *shard) feed(v *viewer) {
	if v.hungry.Swap(true) {
		return
	}
	s.mu.Lock()
	s.hungry = append(s.hungry, v)
	s.mu.Unlock()
	notify(s.fed)
}

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run sends until quit.
func (s *shard) run() {
	defer close(s.done)
	var (
		all     []*viewer
		tmp     = newScratch()
		watch   = time.NewTicker(watchEvery)
		retry   = time.NewTimer(time.Hour)
		waiting bool
	)
	defer watch.Stop()
	defer retry.Stop()
	for {
		select {
		case <-s.quit:
			return
		case <-s.tick:
			all = s.copyViewers(all)
			s.sendAll(all, tmp)
			clear(all)
		case <-s.fed:
		case <-watch.C:
			all = s.copyViewers(all)
			now := uptime()
			for _, v := range all {
				s.watch(v, now)
			}
			clear(all)
		case <-retry.C:
			waiting = false
			s.sendHungry(tmp)
		}
		if !waiting && s.anyHungry() {
			retry.Reset(retryEvery)
			waiting = true
		}
	}
}

func (s *shard) copyViewers(into []*viewer) []*viewer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append(into[:0], s.viewers...)
}

// sendAll spreads one revision over h.cfg.Spread at most, so that queries are
// answered in between.
func (s *shard) sendAll(all []*viewer, tmp *scratch) {
	began := time.Now()
	for i, v := range all {
		if i > 0 && i%paceBatch == 0 {
			due := s.h.cfg.Spread * 9 / 10 * time.Duration(i) / time.Duration(len(all))
			if ahead := due - time.Since(began); ahead > time.Millisecond {
				time.Sleep(ahead)
			}
		}
		s.send(v, tmp)
	}
	s.h.spread.Store(int64(time.Since(began)))
}

func (s *shard) sendHungry(tmp *scratch) {
	s.mu.Lock()
	list := s.hungry
	s.hungry = nil
	s.mu.Unlock()
	for _, v := range list {
		v.hungry.Store(false)
		s.send(v, tmp)
	}
}

func (s *shard) anyHungry() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.hungry) > 0
}

// send serves one viewer. One whose reader is just writing an answer has its
// turn a little later: a shard waits for nobody.
func (s *shard) send(v *viewer, tmp *scratch) {
	if !v.mu.TryLock() {
		s.feed(v)
		return
	}
	left := v.deliver(s.h, tmp)
	v.mu.Unlock()
	if left {
		s.feed(v)
	}
}

// watch pings v when it has been silent for a while, and cuts it when it has not
// answered that either. It goes by when v was asked: a process with too much to
// do comes by late, and whoever it did not ask is not to blame.
func (s *shard) watch(v *viewer, now int64) {
	heard, silence := v.heard.Load(), s.h.cfg.Silence-s.h.cfg.Ping
	if now-heard < int64(s.h.cfg.Ping.Seconds()) || !v.mu.TryLock() {
		return
	}
	defer v.mu.Unlock()
	switch {
	case v.pinged <= heard:
		v.pinged = now
		v.put(controlFrame(websocket.PingMessage, nil)) // behind what it has not read yet
	case now-v.pinged > int64(silence.Seconds()):
		v.drop(s.h)
	}
}
