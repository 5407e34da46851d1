package api

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

const cityBox = `"bbox":[102.70,25.03,102.72,25.05]`

func TestStationsFeed(t *testing.T) {
	w := newWorld(t)
	w.put(station(1, teld, center, 1, 2))
	w.tick()
	c := w.dial("")
	chans := c.sub("a", `"feed":"stations",`+cityBox)
	if len(chans) != 1 || !strings.HasPrefix(chans[0], "s/") {
		t.Fatalf("channels %v", chans)
	}
	first := c.next()
	want := `{"ch":"` + chans[0] + `","rev":"x1.1001","at":"2026-11-23T04:00:01.000Z","full":true,"data":{"stations":[` +
		`{"id":"teld:S1","operator":"teld","name":"站1","nameEn":null,"lon":102.71,"lat":25.04,"access":"public","maxKw":120,` +
		`"piles":{"total":2,"free":0,"inUse":0,"charging":0,"reserved":0,"fault":0,"offline":2},"updatedAt":null}]}}`
	if first.raw != want {
		t.Fatalf("first frame\n%s\nwant\n%s", first.raw, want)
	}

	w.pile(teld, 1, charge.PileReport{Status: charge.StatusIdle})
	w.tick()
	second := c.next()
	want = `{"ch":"` + chans[0] + `","rev":"x1.1002","at":"2026-11-23T04:00:02.000Z","data":{"changed":[{"id":"teld:S1",` +
		`"piles":{"total":2,"free":1,"inUse":0,"charging":0,"reserved":0,"fault":0,"offline":1},` +
		`"updatedAt":"2026-11-23T04:00:01.000Z"}],"removed":[]}}`
	if second.raw != want {
		t.Fatalf("second frame\n%s\nwant\n%s", second.raw, want)
	}

	w.tick() // nothing changed: no frame
	w.apply(record.Record{Party: teld, Stations: []record.StationPut{{Station: charge.Station{Num: 1, Party: teld, ID: "S1"}, Removed: true}}})
	w.tick()
	third := c.next()
	if !strings.Contains(third.raw, `"rev":"x1.1004"`) || !strings.Contains(third.raw, `"changed":[],"removed":["teld:S1"]`) {
		t.Fatalf("third frame %s", third.raw)
	}

	c.send(`{"op":"unsub","id":"a"}`)
	if f := c.next(); f.Op != "unsub" || f.ID != "a" || f.Error != nil {
		t.Fatalf("unsub: %s", f.raw)
	}
	w.put(station(2, teld, center, 3))
	w.tick()
	c.quiet(100 * time.Millisecond)
	if f := c.frames[len(c.frames)-2]; f.Op != "unsub" {
		t.Fatalf("a frame after unsub: %s", f.raw)
	}
}

func TestWholeFeeds(t *testing.T) {
	w := newWorld(t)
	w.put(station(1, teld, center, 1))
	w.tick()
	for _, feed := range []string{"overview", "operators", "makers", "districts"} {
		c := w.dial("")
		c.sub("a", `"feed":"`+feed+`"`)
		if f := c.next(); f.Ch != feed || !f.Full || f.Rev == "" {
			t.Fatalf("%s: %s", feed, f.raw)
		}
	}
	c := w.dial("")
	c.sub("a", `"feed":"overview"`)
	c.next()
	w.pile(teld, 1, charge.PileReport{Status: charge.StatusCharging, Has: charge.HasPower, PowerKW: 60.5})
	w.tick()
	f := c.next()
	if !f.Full || string(f.Data["powerKw"]) != "60.5" || !strings.Contains(string(f.Data["piles"]), `"charging":1`) {
		t.Fatalf("overview: %s", f.raw)
	}
}

func TestStationFeed(t *testing.T) {
	w := newWorld(t)
	st := station(1, teld, center, 1)
	w.put(st)
	w.tick()
	c := w.dial("")
	c.sub("a", `"feed":"station","station":"teld:S1"`)
	w.tick()
	if f := c.next(); !f.Full || !strings.Contains(string(f.Data["station"]), `"pileList":[{"id":"teld:P1"`) {
		t.Fatalf("station: %s", f.raw)
	}
	w.pile(teld, 1, charge.PileReport{Status: charge.StatusCharging, Has: charge.HasSOC | charge.HasVIN | charge.HasSession,
		SOCPct: 41, VIN: "LNBMDBAH4PA000001", Session: "A17"})
	w.tick()
	if f := c.next(); !strings.Contains(f.raw, `"socPct":41`) || strings.Contains(f.raw, "LNBM") || strings.Contains(f.raw, "A17") {
		t.Fatalf("station: %s", f.raw)
	}
	// It is closed to the public: its viewers are told, and its operator goes on.
	o := w.dial("t-teld")
	o.sub("a", `"feed":"station","station":"teld:S1"`)
	st.Access = charge.Private
	w.put(st)
	w.tick()
	if f := c.next(); string(f.Data["station"]) != "null" {
		t.Fatalf("station for the public: %s", f.raw)
	}
	if f := o.next(); !strings.Contains(string(f.Data["station"]), `"access":"private"`) {
		t.Fatalf("station for its operator: %s", f.raw)
	}
}

func TestPricesMoveTheStationFeed(t *testing.T) {
	w := newWorld(t)
	st := station(1, teld, center, 1)
	st.Tariffs = []charge.Tariff{{Bands: []charge.Band{
		{FromMinute: 0, ToMinute: 721, EnergyE4: 4500}, {FromMinute: 721, ToMinute: 1440, EnergyE4: 10000}}}}
	w.put(st)
	w.tick()
	c := w.dial("")
	c.sub("a", `"feed":"station","station":"teld:S1"`)
	w.tick()
	if f := c.next(); !strings.Contains(f.raw, `"nowYuanPerKwh":0.45`) {
		t.Fatalf("before 12:01: %s", f.raw)
	}
	for range 60 {
		w.tick()
	}
	if f := c.next(); !strings.Contains(f.raw, `"nowYuanPerKwh":1,`) {
		t.Fatalf("after 12:01: %s", f.raw)
	}
}

func TestVehiclesFeed(t *testing.T) {
	w := newWorld(t)
	w.vehicle(nio, 1, seat(center, 50))
	w.vehicle(byd, 2, seat(center, 60))
	w.tick()
	c, m := w.dial("t-regulator"), w.dial("t-nio")
	chans := c.sub("a", `"feed":"vehicles",`+cityBox)
	own := m.sub("a", `"feed":"vehicles",`+cityBox)
	if chans[0] == own[0] {
		t.Fatalf("regulator and maker share %s", own[0])
	}
	w.tick()
	if f := c.next(); !f.Full || len(c.chans[chans[0]].items) != 2 {
		t.Fatalf("regulator: %s", f.raw)
	}
	if f := m.next(); !f.Full || len(m.chans[own[0]].items) != 1 || strings.Contains(f.raw, vin(2)) {
		t.Fatalf("maker: %s", f.raw)
	}
	away := geo.Point{Lon: 102.9, Lat: 25.2}
	w.vehicle(byd, 2, seat(away, 59))
	w.tick()
	if f := c.next(); !strings.Contains(f.raw, `"removed":["`+vin(2)+`"]`) {
		t.Fatalf("a vehicle left: %s", f.raw)
	}
	w.vehicle(nio, 1, seat(center, 49))
	w.vehicle(byd, 2, seat(center, 58))
	w.tick()
	if f := m.next(); !strings.Contains(f.raw, `"socPct":49`) || strings.Contains(f.raw, vin(2)) {
		t.Fatalf("maker: %s", f.raw)
	}
	if c.next(); len(c.chans[chans[0]].items) != 2 {
		t.Fatalf("a vehicle came back: %v", c.chans[chans[0]].items)
	}
}

// One that comes back from a replica that is a second ahead never goes back: it
// waits until its revision is reached.
func TestResumeAhead(t *testing.T) {
	w := newWorld(t)
	w.put(station(1, teld, center, 1))
	w.tick()
	c := w.dial("")
	ch := c.sub("a", `"feed":"stations",`+cityBox)[0]
	c.next()
	ahead := w.api.Hub().revString(w.rev + 1)

	back := w.dial("")
	back.sub("b", `"feed":"stations",`+cityBox+`,"rev":{"`+ch+`":"`+ahead+`"}`)
	back.chans[ch].items = map[string]map[string]json.RawMessage{"teld:S1": {}}
	w.tick()
	w.pile(teld, 1, charge.PileReport{Status: charge.StatusFault})
	w.tick()
	if got := back.next(); got.Full || got.Rev < ahead {
		t.Errorf("after %s: %s", ahead, got.raw)
	}
}

func TestResume(t *testing.T) {
	w := newWorld(t)
	w.put(station(1, teld, center, 1), station(2, teld, center, 2))
	w.tick()
	c := w.dial("")
	ch := c.sub("a", `"feed":"stations",`+cityBox)[0]
	rev := c.next().Rev
	f := func(rev string, full bool, want string) {
		t.Helper()
		c := w.dial("")
		c.sub("b", `"feed":"stations",`+cityBox+`,"rev":{"`+ch+`":"`+rev+`"}`)
		c.chans[ch].items = map[string]map[string]json.RawMessage{"teld:S1": {}, "teld:S2": {}, "teld:S3": {}}
		got := c.next()
		if got.Full != full || !strings.Contains(got.raw, want) {
			t.Fatalf("resumed from %s: %s\nwant full %v …%s…", rev, got.raw, full, want)
		}
	}

	f(rev, false, `"data":{"changed":[],"removed":[]}`)
	w.pile(teld, 2, charge.PileReport{Status: charge.StatusFault})
	w.tick()
	w.put(station(3, teld, center, 3))
	w.tick()
	w.apply(record.Record{Party: teld, Stations: []record.StationPut{{Station: charge.Station{Num: 1, Party: teld, ID: "S1"}, Removed: true}}})
	w.tick()
	f(rev, false, `"changed":[{"id":"teld:S2","piles"`)
	f(rev, false, `"removed":["teld:S1"]`)
	f(rev, false, `{"id":"teld:S3","operator"`)
	f("x1.99999", true, `"stations"`)
	f("x2.1001", true, `"stations"`)
	f("1001", true, `"stations"`)
	f("x1.-1", true, `"stations"`)
	f("x1.1", true, `"stations"`) // before this process began
	for range 70 {
		w.tick()
	}
	f(rev, true, `"stations"`) // too long ago
}

func TestSubscriptionsShareChannels(t *testing.T) {
	w := newWorld(t)
	w.put(station(1, teld, center, 1))
	w.tick()
	c := w.dial("")
	c.sub("a", `"feed":"stations",`+cityBox)
	c.next()
	c.sub("b", `"feed":"stations","bbox":[102.69,25.03,102.80,25.05]`) // the first tile and one more
	for range 2 {
		if f := c.next(); !f.Full {
			t.Fatalf("a new subscription begins whole: %s", f.raw)
		}
	}
	// A panned map: what stays in view goes on without a break.
	c.sub("b", `"feed":"stations","bbox":[102.60,25.03,102.72,25.05]`)
	f := c.next()
	if !f.Full || f.Ch == c.frames[1].Ch {
		t.Fatalf("only the new tile comes whole: %s", f.raw)
	}
	c.send(`{"op":"unsub","id":"a"}`)
	c.next()
	w.pile(teld, 1, charge.PileReport{Status: charge.StatusIdle})
	w.tick()
	if f := c.next(); f.Full || !strings.Contains(f.raw, `"teld:S1"`) {
		t.Fatalf("the channel is still held by b: %s", f.raw)
	}
	if got := w.api.Stats(); got.Channels != 7 || got.Viewers != 1 {
		t.Fatalf("stats: %+v", got)
	}
	_ = c.conn.Close()
	eventually(t, func() bool { return w.api.Stats().Viewers == 0 })
	for range 70 {
		w.tick()
	}
	if got := w.api.Stats().Channels; got != 4 {
		t.Fatalf("%d channels are kept without viewers", got)
	}
}

func eventually(tb testing.TB, ok func() bool) {
	tb.Helper()
	for end := time.Now().Add(5 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			tb.Fatal("it did not come to be")
		}
	}
}
