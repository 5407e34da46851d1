package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"github.com/dianchi-platform/dianchi/bench/internal/lab"
)

// window is what was seen over some seconds.
type window struct {
	seconds, cpu, clientCPU             float64
	sends, frames, bytes, made, skipped float64
	messages, wire                      float64 // as the clients count
	p50, p99, most                      float64 // milliseconds
	lost                                int
}

// turns are windows of one kind.
type turns []window

func (t turns) sum(f func(*window) float64) (s float64) {
	for i := range t {
		s += f(&t[i])
	}
	return s
}

// middle returns the median of a figure over the turns.
func (t turns) middle(f func(*window) float64) float64 {
	var all []float64
	for i := range t {
		all = append(all, f(&t[i]))
	}
	return lab.Quantile(all, 0.5)
}

// perCPU returns how many of something a second of the server's CPU made.
func (t turns) perCPU(f func(*window) float64) float64 {
	return t.sum(f) / t.sum(func(w *window) float64 { return w.cpu })
}

// bed is a server and its clients.
type bed struct{ server, clients *worker }

func (b *bed) stop() {
	b.clients.stop()
	b.server.stop()
}

// start brings up both and opens the websockets.
func start(ctx context.Context, c *config) (*bed, string, error) {
	lab.Say("a city of %d piles and as many vehicles", c.piles)
	server, at, err := self(ctx, c, "server")
	if err != nil {
		return nil, "", err
	}
	clients, _, err := self(ctx, c, "clients")
	if err != nil {
		server.stop()
		return nil, "", err
	}
	return &bed{server, clients}, at.Addr, nil
}

// all gives orders one after the other.
func all(w *worker, orders ...order) error {
	for _, o := range orders {
		if _, err := w.do(o); err != nil {
			return fmt.Errorf("%s: %w", o.Do, err)
		}
	}
	return nil
}

// settle is how long a change of what is done may make waves.
const settle = 3 * time.Second

// measure watches for so long.
func (b *bed) measure(ctx context.Context, d time.Duration) (w window, err error) {
	if err := lab.Sleep(ctx, settle); err != nil {
		return w, err
	}
	if _, err := b.clients.do(order{Do: "take"}); err != nil {
		return w, err
	}
	count := func() (answer, lab.Usage, lab.Usage, error) {
		a, err := b.server.do(order{Do: "stats"})
		u, err1 := b.server.usage()
		v, err2 := b.clients.usage()
		return a, u, v, errors.Join(err, err1, err2)
	}
	before, cpu, own, err := count()
	if err != nil {
		return w, err
	}
	began := time.Now()
	if err := lab.Sleep(ctx, d); err != nil {
		return w, err
	}
	after, cpuAfter, ownAfter, err := count()
	if err != nil {
		return w, err
	}
	got, err := b.clients.do(order{Do: "take"})
	return window{
		seconds: time.Since(began).Seconds(), cpu: cpuAfter.CPU - cpu.CPU, clientCPU: ownAfter.CPU - own.CPU,
		sends: float64(after.Sends - before.Sends), frames: float64(after.Frames - before.Frames),
		bytes: float64(after.Bytes - before.Bytes), made: float64(after.Made - before.Made),
		skipped:  float64(after.Skipped - before.Skipped),
		messages: float64(got.Messages), wire: float64(got.Wire), p50: got.P50, p99: got.P99, most: got.Max, lost: got.Lost,
	}, err
}

// push measures the product and its floor in turns.
func push(ctx context.Context, c *config, r *report) (*trace, error) {
	b, addr, err := start(ctx, c)
	if err != nil {
		return nil, err
	}
	defer b.stop()
	lab.Say("%d viewers come", c.viewers)
	if err := all(b.server, order{Do: "push"}); err != nil {
		return nil, err
	}
	if err := all(b.clients, order{Do: "open", N: c.viewers, Addr: addr}, order{Do: "see"}, order{Do: "move"}); err != nil {
		return nil, err
	}
	if err := lab.Sleep(ctx, settle); err != nil {
		return nil, err
	}
	tr, err := listen(ctx, addr, min(10, int(c.duration.Seconds())))
	if err != nil {
		return nil, fmt.Errorf("cannot record what is published: %w", err)
	}
	each := c.duration / time.Duration(2*c.rounds)
	stalled := int(float64(c.viewers) * c.stalled)
	for i := range c.rounds {
		lab.Say("round %d of %d: push", i+1, c.rounds)
		if c.profile != "" && i == c.rounds-1 {
			if err := all(b.server, order{Do: "profile", Addr: c.profile}); err != nil {
				return nil, err
			}
		}
		w, err := b.measure(ctx, each)
		if err != nil {
			return nil, err
		}
		r.push = append(r.push, w)
		if c.profile != "" && i == c.rounds-1 {
			if err := all(b.server, order{Do: "profile"}); err != nil {
				return nil, err
			}
		}
		lab.Say("round %d: %d viewers stall; %.0f sends/s before, p99 %.0f ms, %.2f cores", i+1, stalled,
			w.sends/w.seconds, w.p99, w.cpu/w.seconds)
		if err := all(b.clients, order{Do: "stall", N: stalled}); err != nil {
			return nil, err
		}
		if w, err = b.measure(ctx, each); err != nil {
			return nil, err
		}
		r.stalled = append(r.stalled, w)
		if err := all(b.clients, order{Do: "unstall"}, order{Do: "rest"}); err != nil {
			return nil, err
		}
		lab.Say("round %d: the floor", i+1)
		if err := lab.Sleep(ctx, settle); err != nil { // what was stalled goes
			return nil, err
		}
		for _, f := range []struct {
			into *turns
			of   func(*window) float64
		}{{&r.floor, frames}, {&r.floorTurn, sends}} {
			size := int(r.push.sum(bytes_) / r.push.sum(f.of))
			if err := all(b.server, order{Do: "quiet"}, order{Do: "floor", Bytes: size}); err != nil {
				return nil, err
			}
			if w, err = b.measure(ctx, each/2); err != nil {
				return nil, err
			}
			*f.into = append(*f.into, w)
		}
		if err := all(b.server, order{Do: "quiet"}); err != nil {
			return nil, err
		}
		if i == 0 {
			lab.Say("round %d: the city alone", i+1)
			if w, err = b.measure(ctx, min(each, 10*time.Second)); err != nil {
				return nil, err
			}
			r.quiet = w
		}
		if err := all(b.server, order{Do: "push"}); err != nil {
			return nil, err
		}
		if err := all(b.clients, order{Do: "move"}); err != nil {
			return nil, err
		}
	}
	return tr, nil
}

// trace is what was published, revision by revision.
type trace struct {
	revs  []map[string]string // by channel: the frame's text
	bytes int
}

// listen records everything that is published for some revisions.
func listen(ctx context.Context, addr string, revisions int) (*trace, error) {
	conn, _, err := websocket.DefaultDialer.DialContext(ctx, "ws://"+addr+"/api/v1/live", nil)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	for _, sub := range everything() {
		if err := conn.WriteMessage(websocket.TextMessage, []byte(sub)); err != nil {
			return nil, err
		}
	}
	tr, last := &trace{}, ""
	_ = conn.SetReadDeadline(time.Now().Add(time.Duration(revisions)*time.Second + time.Minute))
	for {
		_, b, err := conn.ReadMessage()
		if err != nil {
			return nil, err
		}
		var f struct {
			Ch, Rev string
			Full    bool
		}
		if err := json.Unmarshal(b, &f); err != nil {
			return nil, err
		}
		if f.Ch == "" || f.Full && strings.Contains(f.Ch, "/") {
			continue // an answer, or the state at the beginning
		}
		if f.Rev != last {
			if len(tr.revs) == revisions {
				return tr, nil
			}
			tr.revs, last = append(tr.revs, map[string]string{}), f.Rev
		}
		tr.revs[len(tr.revs)-1][f.Ch] = string(b)
		tr.bytes += len(b)
	}
}
