package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/alarm"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
	"github.com/dianchi-platform/dianchi/internal/live"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// truth is what GET said at each revision, in the form of a client's state.
type truth struct {
	mu   sync.Mutex
	by   map[string]map[uint64]string // channel, revision
	last uint64
}

func (x *truth) put(ch string, rev uint64, state string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.by[ch] == nil {
		x.by[ch] = make(map[uint64]string)
	}
	x.by[ch][rev] = state
}

// at waits for what GET said at that revision: a frame may be there first.
func (x *truth) at(ch string, rev uint64) (string, bool) {
	for range 2000 {
		x.mu.Lock()
		s, ok := x.by[ch][rev]
		x.mu.Unlock()
		if ok {
			return s, true
		}
		time.Sleep(time.Millisecond)
	}
	return "", false
}

// stationMembers are those that the feed has in common with GET /stations.
var stationMembers = []string{"id", "operator", "name", "nameEn", "lon", "lat", "access", "maxKw", "piles", "updatedAt"}

// canon prints items by id, with the given members only (nil: all).
func canon(items map[string]map[string]json.RawMessage, members []string) string {
	var b strings.Builder
	for _, id := range slices.Sorted(maps.Keys(items)) {
		names := members
		if names == nil {
			names = slices.Sorted(maps.Keys(items[id]))
		}
		for _, m := range names {
			fmt.Fprintf(&b, "%s=%s ", m, items[id][m])
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func (s *channelState) canon(feed string) string {
	switch feed {
	case "stations":
		return canon(s.items, stationMembers)
	case "vehicles":
		return canon(s.items, nil)
	case "heatmap":
		return fmt.Sprint(s.cells)
	case "alarms":
		return canon(s.items, nil) + string(s.counts)
	case "station":
		return string(s.whole["station"])
	}
	return canon(map[string]map[string]json.RawMessage{"": s.whole}, nil)
}

// feedCase is a subscription whose channel and whose GET are known.
type feedCase struct {
	feed, token, sub string
	ch, get          string
	only             func(o map[string]json.RawMessage) bool // of what GET says
}

func feedCases(tiles []geo.Tile, r *rand.Rand) []feedCase {
	cases := []feedCase{{feed: "overview", sub: `"feed":"overview"`, ch: "overview", get: "/overview"},
		{feed: "operators", sub: `"feed":"operators"`, ch: "operators", get: "/operators"},
		{feed: "makers", sub: `"feed":"makers"`, ch: "makers", get: "/makers"},
		{feed: "districts", sub: `"feed":"districts"`, ch: "districts", get: "/districts"},
		{feed: "station", sub: `"feed":"station","station":"teld:S90"`, ch: "st/teld:S90", get: "/stations/teld:S90"},
		{feed: "station", token: "t-teld", sub: `"feed":"station","station":"teld:S91"`, ch: "st+/teld:S91", get: "/stations/teld:S91"},
		{feed: "alarms", token: "t-regulator", sub: `"feed":"alarms"`, ch: "a+", get: "/alarms?limit=1000"},
		{feed: "alarms", token: "t-teld", sub: `"feed":"alarms"`, ch: "a@teld", get: "/alarms?limit=1000"}}
	for _, tile := range tiles {
		b, id := tile.Box(), tile.String()
		box := fmt.Sprintf("%.9f,%.9f,%.9f,%.9f", b.West+1e-6, b.South+1e-6, b.East-1e-6, b.North-1e-6)
		stations := `"feed":"stations","bbox":[` + box + `]`
		get := "/stations?limit=200&bbox=" + box
		own := func(o map[string]json.RawMessage) bool {
			return string(o["operator"]) == `"teld"` && string(o["access"]) != `"public"`
		}
		cases = append(cases,
			feedCase{feed: "stations", sub: stations, ch: "s/" + id, get: get},
			feedCase{feed: "stations", token: "t-regulator", sub: stations + `,"access":"all"`, ch: "s+/" + id, get: get + "&access=all"},
			feedCase{feed: "stations", token: "t-teld", sub: stations + `,"access":"all"`, ch: "s/" + id, get: get},
			feedCase{feed: "stations", token: "t-teld", sub: stations + `,"access":"all"`, ch: "s@teld/" + id,
				get: get + "&access=all", only: own})
		for _, who := range []struct{ token, head string }{{"t-regulator", "v+/"}, {"t-nio", "v@nio/"}} {
			cases = append(cases, feedCase{feed: "vehicles", token: who.token, sub: `"feed":"vehicles","bbox":[` + box + `]`,
				ch: who.head + id, get: "/vehicles?bbox=" + box})
		}
		for _, layer := range []string{"vehicles", "demand", "charging", "free", "inUse", "powerKw"} {
			res := live.MinRes + r.IntN(live.MaxRes-live.MinRes+1)
			heads := map[string]string{"": "h/", "t-regulator": "h+/", "t-teld": "h/"}
			if layer != "vehicles" && layer != "demand" {
				heads["t-teld"] = "h@teld/"
			}
			for token, head := range heads {
				cases = append(cases, feedCase{feed: "heatmap", token: token,
					sub: fmt.Sprintf(`"feed":"heatmap","layer":%q,"res":%d,"bbox":[%s]`, layer, res, box),
					ch:  fmt.Sprintf("%s%s/%d/%s", head, layer, res, id),
					get: fmt.Sprintf("/heatmap?layer=%s&res=%d&bbox=%.12f,%.12f,%.12f,%.12f", layer, res, b.West, b.South, b.East, b.North)})
			}
		}
	}
	return cases
}

// ask returns what GET says now, as a client's state.
func (f *feedCase) ask(w *world) string {
	var body map[string]json.RawMessage
	a := w.get("/api/v1"+f.get, f.token)
	if err := json.Unmarshal(a.body, &body); err != nil || a.status != 200 {
		w.tb.Fatalf("GET %s: %d %s", f.get, a.status, a.body)
	}
	s := channelState{whole: body, items: make(map[string]map[string]json.RawMessage)}
	delete(body, "at")
	s.counts = body["counts"]
	for _, name := range []string{"stations", "vehicles", "alarms"} {
		for _, raw := range list(w.tb, body[name]) {
			var o map[string]json.RawMessage
			_ = json.Unmarshal(raw, &o)
			if f.only == nil || f.only(o) {
				s.items[idText(o)] = o
			}
		}
	}
	for _, raw := range list(w.tb, body["cells"]) {
		s.cell(w.tb, raw)
	}
	if body["next"] != nil && string(body["next"]) != "null" {
		w.tb.Fatal("more stations than one page")
	}
	return s.canon(f.feed)
}

// TestClientsHoldWhatGETSaid drives random changes while clients come, go,
// resume and read slowly. After every frame a client's state must be what GET
// said at the frame's revision, and in the end all must be up to date.
func TestClientsHoldWhatGETSaid(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	w := newWorld(t)
	home := geo.TileAt(center, live.TileZoom)
	tiles := []geo.Tile{home, geo.TileAt(geo.Point{Lon: center.Lon + 0.09, Lat: center.Lat}, live.TileZoom)}
	cases := feedCases(tiles, r)
	x := &truth{by: make(map[string]map[uint64]string)}

	tick := func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.rev++
		w.at += 1000
		rev := w.state.Tick(w.rev, w.at)
		w.alarms.Tick(w.rev, w.at)
		for i := range cases {
			x.put(cases[i].ch, w.rev, cases[i].ask(w))
		}
		x.last = w.rev
		w.api.Hub().Revision(rev)
	}
	for n := charge.Num(90); n < 92; n++ {
		w.put(station(n, teld, center, 2*n, 2*n+1))
	}
	for range 30 {
		randomChange(w, r, tiles)
	}
	tick()

	stop := make(chan struct{})
	var clients sync.WaitGroup
	for i := range cases {
		clients.Go(func() { randomClient(w, x, &cases[i], rand.New(rand.NewPCG(seed, uint64(i+2))), stop) })
	}
	steps := 100
	if testing.Short() {
		steps = 30
	}
	for range steps {
		for range r.IntN(6) {
			randomChange(w, r, tiles)
		}
		tick()
		time.Sleep(time.Duration(r.IntN(8)) * time.Millisecond)
	}
	tick()
	close(stop)
	clients.Wait()
}

// randomChange applies one record.
func randomChange(w *world, r *rand.Rand, tiles []geo.Tile) {
	num := charge.Num(1 + r.IntN(12))
	party := 1 + num%2
	spot := func() geo.Point {
		b := tiles[r.IntN(len(tiles))].Box()
		return geo.Point{Lon: b.West + (b.East-b.West)*(0.1+0.8*r.Float64()), Lat: b.South + (b.North-b.South)*(0.1+0.8*r.Float64())}
	}
	switch n := r.IntN(24); {
	case n > 21: // an alarm comes, is seen, or goes; one that is not there changes nothing
		e := record.AlarmEvent{Op: record.AlarmOp(1 + r.IntN(4)), ID: record.AlarmID(uint64(1+r.IntN(400)), 0)}
		if r.IntN(2) == 0 {
			e = record.AlarmEvent{Op: record.AlarmRaise, Rule: alarm.PileFault, Party: party, Object: fmt.Sprint("P", num)}
		}
		w.event(e)
	case n > 19: // the two that are watched alone
		st := charge.Num(90 + r.IntN(2))
		if r.IntN(3) > 0 {
			w.pile(teld, 2*st+charge.Num(r.IntN(2)), charge.PileReport{Status: charge.Status(1 + r.IntN(3))})
			return
		}
		put := station(st, teld, center, 2*st, 2*st+1)
		put.Name = fmt.Sprintf("站%d-%d", st, r.IntN(3))
		if st == 91 { // its operator sees it all the same
			put.Access = charge.Access(r.IntN(3))
		}
		w.put(put)
	case n == 0:
		w.apply(record.Record{Party: party, Stations: []record.StationPut{{Removed: true,
			Station: charge.Station{Num: num, Party: party, ID: fmt.Sprintf("S%d", num)}}}})
	case n < 5:
		st := station(num, party, spot(), num*2, num*2+1)
		st.Name = fmt.Sprintf("站%d-%d", num, r.IntN(3))
		st.Access = charge.Access(r.IntN(3) * r.IntN(2))
		w.put(st)
	case n < 12:
		status := []charge.Status{0, 1, 1, 2, 3, 4, 255}[r.IntN(7)]
		w.pile(party, num*2+charge.Num(r.IntN(2)), charge.PileReport{Status: status, Has: charge.HasPower, PowerKW: float64(r.IntN(60))})
	default:
		v := charge.Num(1 + r.IntN(20))
		w.vehicle(nio+v%2, v, seat(spot(), float64(r.IntN(100))))
	}
}

// randomClient subscribes, reads, leaves and comes back until stop.
func randomClient(w *world, x *truth, f *feedCase, r *rand.Rand, stop chan struct{}) {
	var kept channelState
	for last := false; !last; {
		c := w.dial(f.token)
		rev := ""
		if kept.rev != "" && r.IntN(4) > 0 {
			rev = fmt.Sprintf(`,"rev":{%q:%q}`, f.ch, kept.rev)
			kept.items, kept.cells = maps.Clone(kept.items), maps.Clone(kept.cells)
		} else {
			kept = channelState{}
		}
		c.chans[f.ch] = &kept
		if got := c.sub("a", f.sub+rev); !slices.Contains(got, f.ch) {
			w.tb.Errorf("%s: channels %v, want %s", f.sub, got, f.ch)
			return
		}
		for range 1 + r.IntN(40) {
			select {
			case <-stop:
				last = true
			default:
			}
			if last && kept.n > 0 {
				x.mu.Lock()
				now := x.last
				same := kept.canon(f.feed) == x.by[f.ch][now]
				x.mu.Unlock()
				if same {
					return
				}
			}
			in, err := c.read(3 * time.Second)
			if err != nil {
				if last {
					w.tb.Errorf("%s: never came up to date: at %s", f.ch, kept.rev)
					return
				}
				break // nothing changed for long
			}
			if in.Ch == f.ch {
				want, ok := x.at(f.ch, kept.n)
				if got := kept.canon(f.feed); !ok || got != want {
					w.tb.Errorf("%s at %s holds\n%s\nGET said (%v)\n%s\nafter %s", f.ch, kept.rev, got, ok, want, in.raw)
					return
				}
			}
			switch r.IntN(20) {
			case 0, 1:
				time.Sleep(time.Duration(r.IntN(60)) * time.Millisecond)
			case 2: // it looks away and back, and says what it has
				c.send(`{"op":"unsub","id":"a"}`)
				for f := c.next(); f.Op != "unsub"; f = c.next() {
				}
				c.sub("a", f.sub+fmt.Sprintf(`,"rev":{%q:%q}`, f.ch, kept.rev))
			}
		}
		_ = c.conn.Close()
	}
}
