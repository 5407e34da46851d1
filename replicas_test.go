package main

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/gorilla/websocket"

	"github.com/dianchi-platform/dianchi/api/apitest"
)

// liveBox is where the test's city is: four tiles and more.
const liveBox = "[102.60,24.90,102.85,25.10]"

// allFeeds subscribes to every feed, as a regulator or as a driver.
func allFeeds(regulator bool) []string {
	sub := func(id, rest string) string { return fmt.Sprintf(`{"op":"sub","id":%q,"feed":%s`, id, rest) }
	list := []string{
		sub("o", `"overview"`), sub("op", `"operators"`), sub("m", `"makers"`), sub("d", `"districts"`),
		sub("s", `"stations","bbox":`+liveBox), sub("st", `"station","station":"demo-op:S3"`),
	}
	for _, layer := range []string{"vehicles", "free", "powerKw", "demand"} {
		list = append(list, sub("h-"+layer, fmt.Sprintf(`"heatmap","layer":%q,"res":8,"bbox":%s`, layer, liveBox)))
	}
	if regulator {
		list = append(list, sub("v", `"vehicles","bbox":`+liveBox), sub("a", `"alarms"`),
			sub("sa", `"stations","access":"all","bbox":`+liveBox))
	}
	return list
}

// watcher is a client that knows what it was told, wherever it is connected.
type watcher struct {
	token string
	model apitest.Model
	conn  *websocket.Conn
}

// connect subscribes to all feeds; with resume it says how far it has got.
func (w *watcher) connect(at string, resume bool) error {
	header := map[string][]string{}
	if w.token != "" {
		header["Authorization"] = []string{"Bearer " + w.token}
	}
	d := websocket.Dialer{EnableCompression: rand.IntN(2) == 0, HandshakeTimeout: 5 * time.Second}
	conn, res, err := d.Dial("ws"+strings.TrimPrefix(at, "http")+"/api/v1/live", header)
	if err != nil {
		if res != nil {
			err = fmt.Errorf("%w: %s, retry after %q", err, res.Status, res.Header.Get("Retry-After"))
		}
		return err
	}
	w.conn = conn
	rev := ""
	if !resume {
		w.model = apitest.Model{}
	} else if len(w.model.Channels) > 0 {
		var have []string
		for name, c := range w.model.Channels {
			have = append(have, fmt.Sprintf("%q:%q", name, c.Rev))
		}
		rev = `,"rev":{` + strings.Join(have, ",") + "}"
	}
	for _, sub := range allFeeds(w.token != "") {
		if err := conn.WriteMessage(websocket.TextMessage, []byte(sub+rev+"}")); err != nil {
			return err
		}
	}
	return nil
}

// errSilent says that nothing came in time; the connection is of no more use.
var errSilent = errors.New("nothing came")

// errWrong says that a client could not go by what it was told.
var errWrong = errors.New("a frame cannot be used")

// read takes the next frame in.
func (w *watcher) read(wait time.Duration) (apitest.Frame, error) {
	if err := w.conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return apitest.Frame{}, err
	}
	_, text, err := w.conn.ReadMessage()
	if ne := net.Error(nil); errors.As(err, &ne) && ne.Timeout() {
		return apitest.Frame{}, errSilent
	}
	if err != nil {
		return apitest.Frame{}, err
	}
	f, err := w.model.Take(text)
	if err == nil && f.Error != nil {
		err = fmt.Errorf("%s: %s", f.Error.Code, f.Error.Message)
	}
	if err != nil {
		err = fmt.Errorf("%w: %w", errWrong, err)
	}
	return f, err
}

// told is what processes said, step by step, and what a client then knew.
type told struct {
	mu    sync.Mutex
	step  map[string]string // channel, from, to → data in bytes
	state map[string]string // channel, revision → all that is known
	by    map[string]string // key → who said it first

	steps, states atomic.Int64 // that were compared between two processes
}

// agree notes what a process said and returns an error if another said something else.
func (x *told) agree(who, before string, f *apitest.Frame, c *apitest.Channel) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	one := func(in map[string]string, compared *atomic.Int64, key, value string) error {
		was, ok := in[key]
		switch {
		case !ok:
			in[key], x.by[key] = value, who
		case was != value:
			return fmt.Errorf("%s: %s says\n%.2000s\n%s said\n%.2000s", key, who, value, x.by[key], was)
		case x.by[key] != who:
			compared.Add(1)
		}
		return nil
	}
	if f.Full {
		before = "nothing"
	}
	return errors.Join(
		one(x.step, &x.steps, fmt.Sprintf("%s from %s to %s", f.Ch, before, f.Rev), string(f.Data)),
		one(x.state, &x.states, f.Ch+" at "+f.Rev, c.Canon()))
}

// follow takes what one process says until stop is closed, coming back
// whenever the connection ends, and holds it against what others said.
func (x *told) follow(w *watcher, who func() string, stop chan struct{}) error {
	for resume := false; ; resume = true {
		err := w.connect(who(), resume)
		for err == nil {
			select {
			case <-stop:
				return w.conn.Close()
			default:
			}
			before := map[string]string{}
			for name, c := range w.model.Channels {
				before[name] = c.Rev
			}
			var f apitest.Frame
			if f, err = w.read(3 * time.Second); err == nil && f.Ch != "" {
				err = x.agree(who(), before[f.Ch], &f, w.model.Channels[f.Ch])
				if err != nil {
					return err
				}
			}
		}
		if errors.Is(err, errWrong) {
			return err
		}
		select {
		case <-stop:
			return nil
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// upToDate returns why the watcher does not know what GET says at a process.
func (w *watcher) upToDate(at *platform) string {
	for _, name := range slices.Sorted(maps.Keys(w.model.Channels)) {
		get, err := apitest.State(name, func(path string) ([]byte, error) { return at.fetch("/api/v1"+path, w.token) })
		if err != nil {
			return err.Error()
		}
		if diff := w.model.Channels[name].Diff(get); diff != "" {
			return diff
		}
	}
	return ""
}

// twoParties publishes what two parties report: an operator with stations that
// come, go and change, and a maker.
type twoParties struct {
	r        *rand.Rand
	operator string // passwords
	maker    string

	mu     sync.Mutex
	client map[string]mqtt.Client
}

func (p *twoParties) connect(t *testing.T, port string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.client {
		c.Disconnect(0)
	}
	p.client = map[string]mqtt.Client{}
	for slug, password := range map[string]string{"demo-op": p.operator, "demo-car": p.maker} {
		c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://127.0.0.1:" + port).SetClientID("test").
			SetUsername(slug).SetPassword(password).SetAutoReconnect(false))
		if tok := c.Connect(); !tok.WaitTimeout(10*time.Second) || tok.Error() != nil {
			t.Fatalf("%s cannot connect: %v", slug, tok.Error())
		}
		p.client[slug] = c
	}
}

// pub publishes and forgets: what is lost with a connection is lost.
func (p *twoParties) pub(slug, kind, payload string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.client[slug].Publish("dianchi/v1/"+slug+"/"+kind, 1, false, payload).WaitTimeout(5 * time.Second)
}

const crowdStations = 24

func (p *twoParties) station(n int) string {
	access := []string{"public", "public", "public", "restricted"}[p.r.IntN(4)]
	if n == 3 {
		access = "public"
	}
	return fmt.Sprintf(`{"id":"S%d","name":"站%d-%d","lon":%.4f,"lat":%.4f,"access":%q,"piles":[{"id":"P%d-1","kind":"dc",`+
		`"ratedKw":120},{"id":"P%d-2","kind":"ac","ratedKw":7}],"tariff":{"validFrom":"2026-01-01T00:00:00+08:00","bands":[`+
		`{"from":"00:00","to":"24:00","energyYuanPerKwh":0.7,"serviceYuanPerKwh":0.4}]}}`,
		n, n, p.r.IntN(3), 102.62+0.009*float64(n), 24.92+0.007*float64(n), access, n, n)
}

// change publishes one random thing.
func (p *twoParties) change() {
	switch n := p.r.IntN(20); {
	case n == 0 && p.r.IntN(3) == 0:
		p.pub("demo-op", "stations", fmt.Sprintf(`{"id":"S%d","removed":true}`, 4+p.r.IntN(crowdStations-4)))
	case n < 2:
		p.pub("demo-op", "stations", p.station(p.r.IntN(crowdStations)))
	case n < 12:
		pile := fmt.Sprintf("P%d-%d", p.r.IntN(crowdStations), 1+p.r.IntN(2))
		p.pub("demo-op", "piles", pileReport(pile, time.Now(), []int{0, 1, 1, 2, 3, 4, 255}[p.r.IntN(7)], float64(p.r.IntN(7))))
	default:
		p.pub("demo-car", "vehicles", fmt.Sprintf(`{"vin":"LNBMDBAH4PA0000%02d","ts":%d,"lon":%.4f,"lat":%.4f,"speedKmh":%d,`+
			`"socPct":%d,"state":1,"charge":2,"alarmLevel":%d}`, p.r.IntN(40), time.Now().UnixMilli(), 102.62+0.2*p.r.Float64(),
			24.92+0.15*p.r.Float64(), p.r.IntN(80), p.r.IntN(100), p.r.IntN(5)*p.r.IntN(2)))
	}
}
