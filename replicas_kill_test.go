package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

// fetch asks for a body; any status but 200 is an error.
func (p *platform) fetch(path, token string) ([]byte, error) {
	req, err := http.NewRequest(http.MethodGet, p.http+path, nil)
	if err != nil {
		return nil, err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s: %.200s", path, res.Status, b)
	}
	return b, err
}

// again launches a program that was killed, where it was.
func (p *platform) again() {
	p.t.Helper()
	p.listen = strings.TrimPrefix(p.http, "http://")
	p.launch()
}

// Two replicas and ingest say the same of each revision, byte by byte, while
// ingest and a replica are killed and come back, and while viewers drop, stall,
// resume and change from one process to another. In the end every viewer knows
// what GET says, and random questions have one answer everywhere.
func TestReplicasSayTheSame(t *testing.T) {
	if testing.Short() {
		t.Skip("pulls plugs for half a minute")
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	data := t.TempDir()
	admin := &platform{t: t, data: data}
	city := &twoParties{r: rand.New(rand.NewPCG(seed, 1)),
		operator: admin.admin("party", "add", "demo-op", "--kind", "operator", "--name", "示例"),
		maker:    admin.admin("party", "add", "demo-car", "--kind", "maker", "--name", "示例车厂")}
	regulator := admin.admin("token", "add", "--role", "regulator")
	ingest := start(t, data, "ingest")
	city.connect(t, ingest.port())
	for n := range crowdStations {
		city.pub("demo-op", "stations", city.station(n))
	}
	one, two := start(t, "", "api", "--ingest", ingest.http), start(t, "", "api", "--ingest", ingest.http)
	all := []*platform{ingest, one, two}

	x := &told{step: map[string]string{}, state: map[string]string{}, by: map[string]string{}}
	stop := make(chan struct{})
	var running sync.WaitGroup
	for _, p := range all {
		address := p.http // it stays the same
		running.Go(func() {
			if err := x.follow(&watcher{token: regulator}, func() string { return address }, stop); err != nil {
				t.Error(err)
			}
		})
	}
	var roamers []*watcher
	for i := range 6 {
		w := &watcher{token: []string{"", regulator}[i%2]}
		roamers = append(roamers, w)
		r := rand.New(rand.NewPCG(seed, uint64(i+2)))
		running.Go(func() { roam(t, w, []string{one.http, two.http}, r, stop) })
	}
	changing := func(d time.Duration) {
		for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			city.change()
		}
	}

	changing(5 * time.Second)
	one.kill()
	changing(2 * time.Second)
	began := time.Now()
	one.again()
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("a fresh replica served after %v", took)
	}
	changing(4 * time.Second)
	ingest.kill()
	lost(t, one)
	ingest.again()
	city.connect(t, ingest.port())
	for _, p := range []*platform{one, two} {
		eventually(t, 15*time.Second, func() (string, bool) {
			_, m := p.get("/readyz", "")
			return fmt.Sprint(m), m["ready"] == true
		})
	}
	changing(4 * time.Second)
	two.stop()
	two.again()
	changing(3 * time.Second)

	time.Sleep(2500 * time.Millisecond) // the last change is in a revision, and told
	close(stop)
	running.Wait()
	if n, m := x.steps.Load(), x.states.Load(); n < 100 || m < 100 {
		t.Errorf("only %d steps and %d states were told by two processes", n, m)
	} else {
		t.Logf("%d steps and %d states were told alike by two processes", n, m)
	}
	r := rand.New(rand.NewPCG(seed, 99))
	for i, w := range roamers {
		settle(t, w, []*platform{one, two}[r.IntN(2)], i)
	}
	alike(t, all, regulator, r)
}

// lost wants a replica without its ingest to say so, and to show nothing as fresh.
func lost(t *testing.T, p *platform) {
	t.Helper()
	died := time.Now()
	eventually(t, 15*time.Second, func() (string, bool) {
		status, m := p.get("/readyz", "")
		return fmt.Sprint(m), status == http.StatusServiceUnavailable && at(m, "parts", 0, "detail") == "stale"
	})
	for _, path := range []string{"/api/v1/overview", "/api/v1/stations?near=102.7,25.0&radiusM=50000"} {
		_, m := p.get(path, "")
		text, _ := m["at"].(string)
		when, err := time.Parse(time.RFC3339, text)
		if err != nil || when.After(died.Add(time.Second)) {
			t.Errorf("%s: at is %q, %v after ingest died", path, text, when.Sub(died))
		}
	}
	var w watcher
	if err := w.connect(p.http, false); err != nil {
		t.Fatal(err)
	}
	defer w.conn.Close()
	for len(w.model.Channels) < 4 {
		f, err := w.read(5 * time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if f.Ch == "" {
			continue
		}
		if when, err := time.Parse(time.RFC3339, f.At); err != nil || when.After(died.Add(time.Second)) {
			t.Errorf("%s: at is %q, %v after ingest died", f.Ch, f.At, when.Sub(died))
		}
	}
}

// roam is a viewer on the road: it drops, stalls, resumes, begins anew, and
// changes from one replica to another, until stop is closed.
func roam(t *testing.T, w *watcher, places []string, r *rand.Rand, stop chan struct{}) {
	for {
		err := w.connect(places[r.IntN(len(places))], r.IntN(5) > 0)
		for range r.IntN(60) {
			if err != nil {
				break
			}
			select {
			case <-stop:
				w.conn.Close()
				return
			default:
			}
			if r.IntN(25) == 0 {
				time.Sleep(time.Duration(r.IntN(2500)) * time.Millisecond)
			}
			_, err = w.read(2 * time.Second)
		}
		if errors.Is(err, errWrong) {
			t.Error(err)
			return
		}
		if w.conn != nil {
			w.conn.Close()
		}
		select {
		case <-stop:
			return
		case <-time.After(time.Duration(r.IntN(300)) * time.Millisecond):
		}
	}
}

// settle lets a viewer resume and read until it knows what GET says.
func settle(t *testing.T, w *watcher, at *platform, number int) {
	t.Helper()
	if err := w.connect(at.http, true); err != nil {
		t.Fatal(err)
	}
	defer w.conn.Close()
	end, diff := time.Now().Add(30*time.Second), ""
	for time.Now().Before(end) {
		_, err := w.read(time.Second)
		if err == nil {
			continue
		}
		if !errors.Is(err, errSilent) {
			t.Fatalf("viewer %d: %v", number, err)
		}
		if diff = w.upToDate(at); diff == "" && len(w.model.Channels) > 10 {
			return
		}
		if err := w.connect(at.http, true); err != nil { // a read that timed out ends the connection
			t.Fatal(err)
		}
	}
	t.Errorf("viewer %d never came up to date, %d channels: %s", number, len(w.model.Channels), diff)
}

// alike asks random questions everywhere once nothing changes any more.
func alike(t *testing.T, all []*platform, token string, r *rand.Rand) {
	t.Helper()
	for range 40 {
		path := fmt.Sprintf("/api/v1/stations?near=%.4f,%.4f&radiusM=%d&limit=%d", 102.62+0.2*r.Float64(), 24.92+0.15*r.Float64(),
			1000+r.IntN(30_000), 1+r.IntN(50))
		for _, filter := range []string{"&free=1", "&minKw=30", "&kind=ac", "&open=1", "&maxYuan=1.2", "&access=all", "&crs=gcj02", "&q=1"} {
			if r.IntN(4) == 0 {
				path += filter
			}
		}
		switch r.IntN(8) {
		case 0:
			path = fmt.Sprintf("/api/v1/stations/demo-op:S%d", r.IntN(crowdStations))
		case 1:
			path = fmt.Sprintf("/api/v1/vehicles/LNBMDBAH4PA0000%02d", r.IntN(40))
		case 2:
			path = []string{"/api/v1/overview", "/api/v1/operators", "/api/v1/alarms", "/api/v1/vehicles?bbox=102.6,24.9,102.9,25.1",
				"/api/v1/quality/demo-op", "/api/v1/heatmap?layer=demand&res=9&bbox=102.6,24.9,102.9,25.1"}[r.IntN(6)]
		}
		eventually(t, 5*time.Second, func() (string, bool) {
			first, want := all[0].get(path, token)
			for _, p := range all[1:] {
				status, got := p.get(path, token)
				delete(want, "at")
				delete(got, "at")
				if status != first || !reflect.DeepEqual(got, want) {
					return fmt.Sprintf("%s: %d %v; ingest: %d %v", path, status, got, first, want), false
				}
			}
			return "", true
		})
	}
}
