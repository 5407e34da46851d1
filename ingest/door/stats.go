package door

import (
	"errors"
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// Stats is a Door's state for metrics.
type Stats struct {
	Connections int               // clients that are let in
	Sockets     int               // with those that are not yet
	Messages    uint64            // handed to the pipeline since Start
	Acked       uint64            // of these, acknowledged, whatever their QoS
	Bytes       uint64            // of packets from clients since Start
	Waiting     int               // messages that wait for the disk
	TakenOver   uint64            // connections that their client replaced
	Refused     map[string]uint64 // what was refused since Start, by reason
	Faults      uint64            // connections that a fault of ours ended, since Start
	Stalled     bool              // no one is let in because nothing moves
}

type counters struct {
	messages  atomic.Uint64
	acked     atomic.Uint64
	bytes     atomic.Uint64
	takenOver atomic.Uint64
	mu        sync.Mutex
	refused   map[string]uint64
}

// Stats returns the present state.
func (d *Door) Stats() Stats {
	d.mu.Lock()
	st := Stats{Connections: len(d.clients), Sockets: len(d.all)}
	d.mu.Unlock()
	st.Messages, st.Bytes = d.count.messages.Load(), d.count.bytes.Load()
	st.Acked = d.count.acked.Load()
	st.TakenOver, st.Faults = d.count.takenOver.Load(), d.panics.Total()
	d.count.mu.Lock()
	st.Refused = maps.Clone(d.count.refused)
	d.count.mu.Unlock()
	d.progress.mu.Lock()
	st.Waiting, st.Stalled = d.progress.waiting, d.progress.stalled
	d.progress.mu.Unlock()
	return st
}

// Sockets returns how many are open, let in or not.
func (d *Door) Sockets() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.all)
}

// refuse counts a refusal and mentions it in the log once a minute.
func (d *Door) refuse(why string, err error) {
	d.count.mu.Lock()
	d.count.refused[why]++
	d.count.mu.Unlock()
	if err == nil {
		err = errors.New(why)
	}
	d.refused.Add(err)
}

// progress watches that what was taken is answered.
type progress struct {
	mu      sync.Mutex
	waiting int
	last    time.Time // last answer, or when the first of those waiting came
	stalled bool
}

func (p *progress) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waiting == 0 {
		p.last = time.Now()
	}
	p.waiting++
}

func (p *progress) end(ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting--
	if ok {
		p.last = time.Now()
	}
}

func (d *Door) isStalled() bool {
	d.progress.mu.Lock()
	defer d.progress.mu.Unlock()
	return d.progress.stalled
}

// watch closes the connections when nothing has moved for StallAfter, and lets
// clients in again when something moves.
func (d *Door) watch() {
	defer close(d.watching)
	tick := time.NewTicker(min(time.Second, d.cfg.StallAfter/4))
	defer tick.Stop()
	p := &d.progress
	for {
		select {
		case <-tick.C:
		case <-d.ctx.Done():
			return
		}
		full := d.deps.Full != nil && d.deps.Full()
		p.mu.Lock()
		if p.waiting == 0 && !full {
			p.last = time.Now()
		}
		was := p.stalled
		p.stalled = time.Since(p.last) > d.cfg.StallAfter
		now := p.stalled
		p.mu.Unlock()
		if now && !was {
			d.log.Error("MQTT door closes its connections: nothing is taken any more", "after", d.cfg.StallAfter)
			d.closeAll(&refusal{"stalled", 3, reasonUnavailable})
		}
		if was && !now {
			d.log.Info("MQTT door lets parties in again")
		}
	}
}

// closeAll closes every connection.
func (d *Door) closeAll(why *refusal) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for c := range d.all {
		c.close(why)
	}
}
