package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"time"

	"github.com/dianchi-platform/dianchi/bench/internal/lab"
	"github.com/dianchi-platform/dianchi/bench/internal/stream"
	"github.com/dianchi-platform/dianchi/internal/charge"
)

// Aims of a warm start after kill -9, from the start of the process until live is
// right, by the load before it.
const (
	aimRestart     = 5 * time.Second // up to 14,000 reports/s
	aimRestartFull = 10 * time.Second
	sampled        = 200 // objects that are compared one by one
)

// restart is a kill -9 right after the last acknowledgement, and the start after it.
type restart struct {
	ready time.Duration // until the program says so
	right time.Duration // until the overview is what it was
	wrong []string      // objects that are not what they were
	aim   time.Duration
}

// overview is the part of GET /overview that must come back.
type overview struct {
	Vehicles, Piles map[string]int
	Stations        int
}

// measureRestart pulls the plug of the platform and starts it again. The publisher has ended.
func (r *results) measureRestart(ctx context.Context) error {
	t, p := r.trial, r.trial.Platform
	x := &restart{aim: aimRestart}
	if t.Plan.Rate() > 14_000 {
		x.aim = aimRestartFull
	}
	token, err := p.Admin(ctx, "token", "add", "--role", "regulator")
	if err != nil {
		return err
	}
	ask := func(path string, v any) error { return getJSON(ctx, "http://"+p.HTTP+"/api/v1"+path, token, v) }
	var before, after overview
	if err := ask("/overview", &before); err != nil {
		return err
	}
	paths := r.samplePaths()
	known := make([]map[string]any, len(paths))
	for i, path := range paths {
		if known[i], err = object(ask, path); err != nil {
			return err
		}
	}
	lab.Say("kill -9 of the platform")
	p.Kill()
	began := time.Now()
	if err := p.Launch(ctx); err != nil {
		return err
	}
	x.ready = time.Since(began)
	for !reflect.DeepEqual(after, before) {
		if time.Since(began) > time.Minute {
			return fmt.Errorf("a minute after kill -9 the overview is %+v, was %+v", after, before)
		}
		after = overview{}
		_ = ask("/overview", &after) // it may not answer yet
		if err := lab.Sleep(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	x.right = time.Since(began)
	for i, path := range paths {
		now, err := object(ask, path)
		if err != nil {
			return err
		}
		if !reflect.DeepEqual(now, known[i]) {
			x.wrong = append(x.wrong, fmt.Sprintf("%s: %v, was %v", path, now, known[i]))
		}
	}
	r.restart = x
	return lab.Until(ctx, 2*time.Minute, "the store after the restart", func() bool {
		if t.Store, err = lab.StoreIn(p.Data + "/influxdb"); err != nil {
			return false
		}
		_, err = t.Store.Count(ctx, "pile", " WHERE time > now() + 1d")
		return err == nil
	})
}

// samplePaths returns where objects of all live parties are asked for.
func (r *results) samplePaths() (paths []string) {
	var live []*stream.Party
	for i := range r.trial.Parties {
		if q := &r.trial.Parties[i]; !q.Late && q.Objects > 0 {
			live = append(live, q)
		}
	}
	for i := range sampled {
		q := live[i%len(live)]
		n := q.First + i*7919%q.Objects
		if q.Kind == charge.Vehicles {
			paths = append(paths, "/vehicles/"+stream.VIN(n))
		} else {
			paths = append(paths, "/piles/"+q.Slug+":"+stream.PileID(n))
		}
	}
	return paths
}

// object asks for a pile or vehicle; the answer's own moment does not count.
func object(ask func(string, any) error, path string) (map[string]any, error) {
	var m map[string]any
	err := ask(path, &m)
	delete(m, "at")
	return m, err
}

func getJSON(ctx context.Context, url, token string, v any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, res.Status)
	}
	return json.NewDecoder(res.Body).Decode(v)
}

// print says how the start went.
func (x *restart) print(p printer) {
	p("- kill -9 after the last acknowledgement: ready %.1f s after the process began, live state right after %.1f s"+
		" (aim %v: %s); %d of %d objects asked for one by one are what they were.", x.ready.Seconds(), x.right.Seconds(),
		x.aim, met(x.right <= x.aim), sampled-len(x.wrong), sampled)
	for _, w := range x.wrong[:min(3, len(x.wrong))] {
		p("  - **%s**", w)
	}
}

func (x *restart) verdict() error {
	if len(x.wrong) > 0 || x.right > x.aim {
		return fmt.Errorf("after kill -9 live was right after %v with %d objects wrong", x.right.Round(time.Millisecond),
			len(x.wrong))
	}
	return nil
}

func met(ok bool) string {
	if ok {
		return "met"
	}
	return "**missed**"
}
