package api

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
	"github.com/dianchi-platform/dianchi/internal/past"
)

// pastWorld keeps a moment whenever keep is called; its clock is the world's.
type pastWorld struct {
	*world
	store *past.Store
	dir   string
}

func newPastWorld(t *testing.T) *pastWorld {
	t.Helper()
	p := &pastWorld{dir: t.TempDir()}
	var err error
	if p.store, err = past.Open(past.Config{Dir: p.dir}, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	p.world = newWorld(t, func(_ *Config, d *Deps) {
		d.Moments = p.store
		d.now = func() time.Time { p.mu.Lock(); defer p.mu.Unlock(); return p.at.Time() }
	})
	p.at = noon + 299_000 // what is reported now is fresh at the first moment
	return p
}

// keep makes the next tick a moment, and returns which.
func (p *pastWorld) keep() charge.Millis {
	p.tb.Helper()
	p.mu.Lock()
	p.at = past.Floor(p.at) + 300_000 - 500 // the tick comes half a second after it
	p.tickLocked()
	m := past.Floor(p.at)
	body, err := p.state.Moment(m)().Encode()
	p.mu.Unlock()
	if err == nil {
		err = p.store.Put(m, body)
	}
	if err != nil {
		p.tb.Fatal(err)
	}
	return m
}

// pass lets milliseconds go by without a tick.
func (p *pastWorld) pass(by charge.Millis) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at += by
}

// keptMoment keeps how w is now as the moment before, for a world with moments.
func keptMoment(w *world) charge.Millis {
	w.tb.Helper()
	at := past.Floor(charge.At(time.Now()))
	body, err := w.state.Moment(at)().Encode()
	if err == nil {
		err = w.deps.Moments.(*past.Store).Put(at, body)
	}
	if err != nil {
		w.tb.Fatal(err)
	}
	return at
}

// fill puts public and other stations, and cells of one, two and four vehicles, on the map.
func (p *pastWorld) fill() {
	open, closed := station(1, teld, center, 1, 2), station(2, teld, center, 3)
	closed.Access = charge.Private
	p.put(open, closed, station(3, ykc, geo.Point{Lon: center.Lon + 0.2, Lat: center.Lat}, 4))
	for n := range charge.Num(3) {
		p.pile(teld, n+1, charge.PileReport{Status: charge.StatusCharging, Has: charge.HasPower, PowerKW: 7.123})
	}
	p.pile(ykc, 4, charge.PileReport{Status: charge.StatusIdle})
	for n, at := range []float64{0, 0, 0, 0, 0.1, 0.1, 0.3} {
		p.vehicle(nio, charge.Num(n+1), seat(geo.Point{Lon: center.Lon + at, Lat: center.Lat + 0.3}, 20))
	}
}

// momentPaths is everything that answers with `at`.
func momentPaths() []string {
	paths := []string{"/overview", "/operators", "/makers", "/districts"}
	for _, layer := range layerWords {
		for res := 5; res <= 8; res++ {
			paths = append(paths, fmt.Sprintf("/heatmap?layer=%s&res=%d", layer, res),
				fmt.Sprintf("/heatmap?layer=%s&res=%d&bbox=102.6,24.9,102.9,25.5", layer, res))
		}
	}
	return paths
}

func askThen(path string, at any) string {
	sep := "?"
	if strings.Contains(path, sep) {
		sep = "&"
	}
	return fmt.Sprint(prefix, path, sep, "at=", at)
}

func (p *pastWorld) then(path, who string, at charge.Millis) answered {
	p.tb.Helper()
	return p.get(askThen(path, at), who)
}

// TestThePastIsWhatLiveSaid asks everybody's questions of a moment, lets the city
// go on, and asks them again with `at`.
func TestThePastIsWhatLiveSaid(t *testing.T) {
	p := newPastWorld(t)
	p.fill()
	at := p.keep()
	type question struct{ path, who string }
	said := map[question]map[string]any{}
	for _, path := range momentPaths() {
		for _, who := range askers {
			said[question{path, who}] = p.get(prefix+path, who).json(t)
		}
	}
	for n := range charge.Num(3) { // everything changes
		p.pile(teld, n+1, charge.PileReport{TS: p.at + 1, Status: charge.StatusFault})
	}
	for n := range charge.Num(7) {
		r := seat(geo.Point{Lon: center.Lon + 0.4, Lat: center.Lat}, 90)
		r.TS = p.at + 1
		p.vehicle(nio, n+1, r)
	}
	p.put(station(9, ykc, center, 9))
	p.pass(200_000)
	p.tick()
	for q, want := range said {
		if q.who != "t-regulator" || !isPileLayer(q.path) { // others see what all see
			want = said[question{q.path, ""}]
		}
		got := p.then(q.path, q.who, at+123_456).json(t)
		if asOf := got["asOf"]; asOf != at.String() {
			t.Fatalf("%s as %q: asOf is %v, want %s", q.path, q.who, asOf, at)
		}
		delete(got, "asOf")
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s as %q was %v, is told as %v", q.path, q.who, want, got)
		}
	}
}

func isPileLayer(path string) bool {
	return !strings.Contains(path, "layer=vehicles") && !strings.Contains(path, "layer=demand")
}

// Few vehicles in a cell are not kept, so that no program can tell of them later.
func TestFewVehiclesAreNotKept(t *testing.T) {
	p := newPastWorld(t)
	p.fill()
	at := p.keep()
	m, err := p.api.moments.get(t.Context(), "", at)
	if err != nil {
		t.Fatal(err)
	}
	for res := 5; res <= 8; res++ {
		for _, c := range m.Heat(0, res, nil, true) {
			if c.Value < 3 {
				t.Errorf("cell %s of %v vehicles is kept", c.Cell, c.Value)
			}
		}
		if len(m.Heat(0, res, nil, true)) == 0 {
			t.Errorf("no cell of resolution %d is kept", res)
		}
	}
}

func TestMomentsThatCannotBeHad(t *testing.T) {
	p := newPastWorld(t)
	p.fill()
	first := p.keep()
	p.pass(2 * 300_000) // the platform is away
	last := p.keep()
	f := func(path string, at any, status int, code string) {
		t.Helper()
		a := p.get(askThen(path, at), "")
		if a.status != status || a.code() != code {
			t.Errorf("%s at %v = %d %s, want %d %s", path, at, a.status, a.code(), status, code)
		}
		if status != 200 && a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s at %v may be kept: %s", path, at, a.header.Get("Cache-Control"))
		}
	}

	f("/overview", first, 200, "")
	f("/overview", first.String(), 200, "")
	f("/overview", first+299_999, 200, "")
	f("/overview", first+300_000, 404, "moment-missing") // a gap is no neighbour's
	f("/overview", last-1, 404, "moment-missing")
	f("/overview", first-1, 404, "moment-missing")
	f("/overview", int64(last)+301_000, 400, "moment-future")
	f("/overview", last.Add(-8*24*time.Hour), 410, "moment-too-old")
	f("/overview", "yesterday", 400, "value-range")
	f("/overview", -5, 400, "value-range")
	f("/heatmap?layer=free", last, 200, "")
	f("/heatmap?layer=free&res=9", last, 400, "res-not-kept")
	f("/heatmap?layer=free&res=10", last, 400, "res-not-kept")
	f("/heatmap?layer=free&res=11", last, 400, "value-range")

	if err := os.WriteFile(filepath.Join(p.dir, first.Time().Format("20060102T150405Z")+".json.gz"), []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.api.moments = newMomentCache(p.store, slog.New(slog.DiscardHandler))
	f("/overview", first, 404, "moment-missing") // damaged is not there, and never zero

	bare := newWorld(t)
	if a := bare.get(prefix+"/overview?at=0", ""); a.code() != "moment-too-old" {
		t.Errorf("1970 = %d %s", a.status, a.code())
	}
	if a := bare.get(fmt.Sprint(prefix, "/overview?at=", charge.At(time.Now())), ""); a.code() != "history-unavailable" {
		t.Errorf("a platform that keeps nothing says %d %s", a.status, a.code())
	}
}

func TestMomentsMayBeCached(t *testing.T) {
	p := newPastWorld(t)
	p.fill()
	at := p.keep()
	f := func(who, want string) {
		t.Helper()
		a := p.then("/overview", who, at)
		tag := a.header.Get("ETag")
		if got := a.header.Get("Cache-Control"); got != want || tag == "" {
			t.Errorf("as %q: Cache-Control %q, ETag %q, want %q", who, got, tag, want)
		}
		again := p.do("GET", fmt.Sprint(prefix, "/overview?at=", at), who, "If-None-Match", tag)
		if again.status != 304 {
			t.Errorf("as %q: asked again with the tag: %d", who, again.status)
		}
	}

	f("", "public, max-age=604800, immutable")
	f("t-regulator", "private, max-age=604800, immutable")
	if got := p.get(prefix+"/overview", "").header.Get("Cache-Control"); got != "no-cache" {
		t.Errorf("what is now has Cache-Control %q", got)
	}
}

func TestWhichMomentsThereAre(t *testing.T) {
	p := newPastWorld(t)
	p.fill()
	a := p.keep()
	b := p.keep()
	p.pass(2 * 300_000)
	c := p.keep()
	got := p.get(prefix+"/moments", "").json(t)
	want := []any{[]any{a.String(), b.String()}, []any{c.String(), c.String()}}
	if !reflect.DeepEqual(got["spans"], want) || got["everyMs"] != 300000.0 || got["keptMs"] != 604800000.0 {
		t.Errorf("moments are %v, want spans %v", got, want)
	}
	if got := newWorld(t).get(prefix+"/moments", ""); got.code() != "history-unavailable" {
		t.Errorf("a platform that keeps nothing says %d %s", got.status, got.code())
	}
}

// slowMoments are on a slow disk; it notes how many are read at a time.
type slowMoments struct {
	Moments
	body      []byte
	now, most atomic.Int64
}

func (s *slowMoments) Moment(context.Context, charge.Millis) ([]byte, error) {
	n := s.now.Add(1)
	defer s.now.Add(-1)
	for most := s.most.Load(); n > most && !s.most.CompareAndSwap(most, n); most = s.most.Load() {
	}
	time.Sleep(5 * time.Millisecond)
	return s.body, nil
}

// Who asks for many moments at once waits for himself, and others who want one
// of them are answered.
func TestMomentsAreReadFewAtATime(t *testing.T) {
	p := newPastWorld(t)
	p.fill()
	at := p.keep()
	body, err := p.store.Moment(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	slow := &slowMoments{body: body}
	cache := newMomentCache(slow, slog.New(slog.DiscardHandler))
	var wg sync.WaitGroup
	var refused atomic.Int64
	for i := range 200 {
		client := "greedy"
		if i%20 == 19 {
			client = fmt.Sprint("modest", i)
		}
		wg.Go(func() {
			_, err := cache.get(t.Context(), client, at+charge.Millis(i/2)*300_000)
			switch {
			case err == nil:
			case client == "greedy" && charge.CodeOf(err) == busy:
				refused.Add(1)
			default:
				t.Error(client, err)
			}
		})
	}
	wg.Wait()
	if most := slow.most.Load(); most > workAtOnce {
		t.Errorf("%d were read at a time", most)
	}
	if refused.Load() == 0 {
		t.Error("a client with 180 questions was not told to wait")
	}
}

// What answers of now alone says so, and never hands now out as then.
func TestOnlySomeAnswersKnowThePast(t *testing.T) {
	w := fullWorld(t)
	known, refused := 0, 0
	for _, row := range w.api.table() {
		if row.root {
			continue
		}
		method, path := "GET", row.full()
		if row.post {
			method = "POST"
		}
		for _, param := range []string{"{id}", "{vin}", "{party}", "{adcode}"} {
			path = strings.Replace(path, param, "teld:S1", 1)
		}
		for _, query := range []string{"?at=1795392000000", "?x=1&%61t=now", "?near=102.71,25.04&at"} {
			a := w.do(method, path+query, "t-regulator")
			switch says := strings.Contains(string(a.body), "at is not known here"); {
			case row.past && says:
				t.Errorf("%s%s: %s", path, query, a.body)
			case row.past:
				known++
			case a.status != 400 || a.code() != "value-range" || !says:
				t.Errorf("%s %s%s = %d %s", method, path, query, a.status, a.body)
			default:
				refused++
			}
		}
	}
	if known != 15 || refused < 60 {
		t.Errorf("%d know it, %d refuse it", known, refused)
	}
	f := func(path, who string, status int) {
		t.Helper()
		if a := w.get(path, who); a.status != status {
			t.Errorf("%s as %q = %d %s, want %d", path, who, a.status, a.body, status)
		}
	}

	f("/api/v1/alarms?at=1", "", 403) // rights come first
	f("/api/v1/stations/teld:none?at=1", "", 400)
	f("/api/v1/stations?near=102.71,25.04&q=at=1", "", 200) // not a name
	f("/api/v1/stations?near=102.71,25.04&format=json&lat=1&atom=2", "", 200)
	f("/healthz?at=1", "", 200)
	for _, row := range w.api.table() {
		if row.past && !strings.Contains(string(w.get("/api/v1/stations?at=1", "").body), row.path) {
			t.Errorf("the refusal does not name %s", row.path)
		}
	}
}
