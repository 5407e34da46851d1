package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/dianchi-platform/dianchi/bench/internal/lab"
)

// world is everything that runs.
type world struct {
	config   *config
	dir      string
	platform *lab.Platform
	city     *lab.City
	replicas []*lab.Replica
	clients  []*lab.Process
	statuses []string
}

const token = "the-crowds-own"

// startCity starts ingest and the city, and waits until it is warm.
func (w *world) startCity(ctx context.Context) (err error) {
	p := &lab.Platform{Dir: w.dir, Data: filepath.Join(w.dir, "data"), Command: "ingest",
		Env: []string{"DIANCHI_INTERNAL_TOKEN=" + token}}
	if p.Program, p.Influxd, err = lab.Build(ctx); err != nil {
		return err
	}
	if err := p.Launch(ctx); err != nil {
		return err
	}
	w.platform = p
	if w.city, err = lab.StartCity(ctx, p, w.config.city); err != nil {
		return err
	}
	return w.city.Warm(ctx, p)
}

// startReplicas starts them one after the other and measures how long each
// takes until it is right.
func (w *world) startReplicas(ctx context.Context, r *results) error {
	t, err := watchTruth(ctx, w.platform.HTTP)
	if err != nil {
		return err
	}
	defer t.close()
	for i := range w.config.replicas {
		began := time.Now()
		p, err := lab.StartReplica(ctx, w.platform, "replica-"+strconv.Itoa(i+1), token)
		if err != nil {
			return err
		}
		w.replicas = append(w.replicas, p)
		if err := t.agrees(ctx, p.HTTP, 30*time.Second); err != nil {
			return fmt.Errorf("replica %d: %w", i+1, err)
		}
		r.starts = append(r.starts, start{p.Ready, time.Since(began)})
	}
	return nil
}

// connect starts the client processes and waits until all sockets are open.
func (w *world) connect(ctx context.Context, r *results) error {
	c := w.config
	self, err := os.Executable()
	if err != nil {
		return err
	}
	var at []string
	for _, p := range w.replicas {
		at = append(at, p.HTTP)
	}
	if r.before, err = w.memory(); err != nil {
		return err
	}
	n := c.processes()
	lab.Say("%d processes open %d websockets", n, c.viewers)
	began := time.Now()
	for i := range n {
		s := spec{First: c.viewers * i / n, Source: fmt.Sprintf("127.0.1.%d", i+1), Replicas: at,
			Rate: max(1, c.rate/n), Ask: c.ask, Status: filepath.Join(w.dir, fmt.Sprintf("clients-%d.json", i+1))}
		s.Viewers = c.viewers*(i+1)/n - s.First
		file := filepath.Join(w.dir, fmt.Sprintf("clients-%d.spec", i+1))
		if err := writeJSON(file, &s); err != nil {
			return err
		}
		p, err := lab.Launch(filepath.Join(w.dir, fmt.Sprintf("clients-%d.log", i+1)), nil, self, clientCommand, file)
		if err != nil {
			return err
		}
		w.clients, w.statuses = append(w.clients, p), append(w.statuses, s.Status)
	}
	var now *status
	said := time.Now()
	err = lab.Until(ctx, 2*time.Minute+time.Duration(c.viewers/100)*time.Second, "all websockets are open", func() bool {
		if now, err = w.status(); err != nil {
			return true
		}
		if time.Since(said) > 30*time.Second {
			said = time.Now()
			lab.Say("%d are open", now.Open)
		}
		return now.Open+now.Failed+now.Lost >= c.viewers
	})
	if err != nil {
		return err
	}
	r.connecting, r.opened = time.Since(began), *now
	if now.Open < c.viewers {
		lab.Say("%d of %d are open; %d failed, %d lost: %s", now.Open, c.viewers, now.Failed, now.Lost, now.reasons())
	}
	if err := lab.Sleep(ctx, 5*time.Second); err != nil { // the first, whole frames are on their way
		return err
	}
	r.after, err = w.memory()
	return err
}

// status adds up the client processes' counts.
func (w *world) status() (*status, error) {
	sum := &status{Done: true, From: time.Now(), To: time.Now()}
	for i, file := range w.statuses {
		if w.clients[i].Ended() {
			return nil, fmt.Errorf("client process %d ended; its last words:\n%s", i+1, w.clients[i].Tail())
		}
		var s status
		if err := readJSON(file, &s); err != nil {
			if errors.Is(err, os.ErrNotExist) { // it has not begun
				sum.Done = false
				continue
			}
			return nil, err
		}
		sum.add(&s)
	}
	return sum, nil
}

func (s *status) add(o *status) {
	s.Open, s.Failed, s.Lost, s.Blind = s.Open+o.Open, s.Failed+o.Failed, s.Lost+o.Lost, s.Blind+o.Blind
	s.Mute, s.Waiting = s.Mute+o.Mute, s.Waiting+o.Waiting
	for why, n := range o.Why {
		s.blame(why, n)
	}
	s.Connecting = max(s.Connecting, o.Connecting)
	s.span += o.To.Sub(o.From).Seconds() * float64(o.Open-o.Blind)
	s.Frames, s.Zipped, s.Bytes = s.Frames+o.Frames, s.Zipped+o.Zipped, s.Bytes+o.Bytes
	s.Asked, s.Answered, s.Skipped = s.Asked+o.Asked, s.Answered+o.Answered, s.Skipped+o.Skipped
	s.Gaps.merge(&o.Gaps)
	s.Latency.merge(&o.Latency)
	s.Query.merge(&o.Query)
	s.Checked, s.Channels = s.Checked+o.Checked, s.Channels+o.Channels
	s.Wrong = append(s.Wrong, o.Wrong...)
	s.Done = s.Done && o.Done
}

// compare stops the city, waits until no frame comes any more, and lets the
// checked viewers compare.
func (w *world) compare(ctx context.Context, r *results) error {
	lab.Say("the city stops; the checked viewers compare what they know with what GET says")
	if err := w.city.Stop(); err != nil { // a full machine does not acknowledge all in the time that it has
		r.cityEnd = strings.TrimSpace(err.Error())
	}
	if err := w.quiet(ctx); err != nil {
		return err
	}
	for _, p := range w.clients {
		if err := p.Signal(compareNow); err != nil {
			return err
		}
	}
	return lab.Until(ctx, 5*time.Minute, "the comparison", func() bool {
		s, err := w.status()
		if err == nil && s.Done {
			r.compared = *s
		}
		return err != nil || s.Done
	})
}

// quiet waits until no frame comes any more: what was on its way is told, and what
// goes offline, five minutes after it was last heard, has gone.
func (w *world) quiet(ctx context.Context) error {
	var last, said uint64
	since, spoke := time.Now(), time.Now()
	return lab.Until(ctx, 10*time.Minute, "quiet", func() bool {
		s, err := w.status()
		if err != nil {
			return false
		}
		if s.Frames != last {
			since = time.Now()
		}
		last = s.Frames
		if d := time.Since(spoke); d > 30*time.Second {
			lab.Say("%.0f frames a second still come; %s", float64(last-said)/d.Seconds(), w.behind(ctx))
			said, spoke = last, time.Now()
		}
		return time.Since(since) > 6*time.Second
	})
}

// behind says how far the replicas' state is behind that of ingest.
func (w *world) behind(ctx context.Context) string {
	var failed error
	at := func(addr string) (t time.Time) {
		var m struct{ At time.Time }
		rq, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/api/v1/overview", nil)
		if err == nil {
			var rs *http.Response
			if rs, err = http.DefaultClient.Do(rq); err == nil {
				err = json.NewDecoder(rs.Body).Decode(&m)
				rs.Body.Close()
			}
		}
		failed = errors.Join(failed, err)
		return m.At
	}
	now, most := at(w.platform.HTTP), time.Duration(0)
	for _, p := range w.replicas {
		most = max(most, now.Sub(at(p.HTTP)))
	}
	if failed != nil {
		return failed.Error()
	}
	return fmt.Sprintf("the last replica is %.1f s behind ingest", most.Seconds())
}

// stop ends everything that was started, clients first.
func (w *world) stop() error {
	var all []error
	for _, p := range w.clients {
		all = append(all, p.Stop())
	}
	for _, p := range w.replicas {
		all = append(all, p.Stop())
	}
	if w.city != nil {
		all = append(all, w.city.Stop())
	}
	if w.platform != nil {
		all = append(all, w.platform.Stop())
	}
	return errors.Join(all...)
}
