package api

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/alarm"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// secretWorld has one of everything that not everyone may see.
func secretWorld(t *testing.T) *world {
	w := newWorld(t, func(_ *Config, d *Deps) { d.History, d.Sessions = fixedHistory{}, fixedHistory{} })
	open, closed := station(1, teld, center, 1), station(2, teld, geo.Point{Lon: center.Lon + 0.002, Lat: center.Lat}, 2)
	closed.Access = charge.Private
	other := station(3, ykc, center, 3)
	other.Access = charge.Restricted
	w.put(open, closed, other)
	for n := charge.Num(1); n <= 3; n++ {
		w.pile(map[charge.Num]charge.Num{1: teld, 2: teld, 3: ykc}[n], n, charge.PileReport{Status: charge.StatusCharging,
			Has: charge.HasPower | charge.HasVIN | charge.HasSession, PowerKW: 7, VIN: vin(90 + n), Session: fmt.Sprint("SESSION", n)})
	}
	w.vehicle(nio, 1, seat(center, 20))
	w.vehicle(byd, 2, seat(center, 20))
	w.tick()
	return w
}

// askers are all who may come, "" a driver without a token.
var askers = []string{"", "t-driver", "t-teld", "t-ykc", "t-nio", "t-byd", "t-regulator"}

// TestPrivacy walks every resource as every role. For each it says who gets an
// answer and which secrets may stand in it.
func TestPrivacy(t *testing.T) {
	w := secretWorld(t)
	type sees map[string][]string // asker → secrets in the answer; absent: none
	secrets := []string{vin(1), vin(2), vin(91), vin(92), vin(93), "SESSION1", "SESSION2", "SESSION3", "teld:S2", "teld:P2", "ykc:S3", "ykc:P3"}
	f := func(path string, answered []string, else_ int, allowed sees) {
		t.Helper()
		for _, who := range askers {
			a := w.get(path, who)
			want := else_
			if slices.Contains(answered, who) {
				want = 200
			}
			if a.status != want {
				t.Errorf("%s as %q = %d, want %d", path, who, a.status, want)
			}
			for _, secret := range secrets {
				has := bytes.Contains(a.body, []byte(secret))
				if may := slices.Contains(allowed[who], secret); has != may && want == 200 {
					t.Errorf("%s as %q: %s is there %v, want %v", path, who, secret, has, may)
				} else if has && want != 200 && !bytes.Contains([]byte(path), []byte(secret)) {
					t.Errorf("%s as %q: the error tells %s", path, who, secret)
				}
			}
		}
	}
	box := "bbox=102.6,24.9,102.9,25.2"

	for _, path := range []string{"/overview", "/operators", "/makers", "/districts"} {
		f("/api/v1"+path, askers, 0, nil)
	}
	f("/api/v1/stations?"+box, askers, 0, nil)
	f("/api/v1/stations?near=102.71,25.04", askers, 0, nil)
	f("/api/v1/stations?access=all&"+box, askers, 0,
		sees{"t-teld": {"teld:S2"}, "t-ykc": {"ykc:S3"}, "t-regulator": {"teld:S2", "ykc:S3"}})
	f("/api/v1/stations?access=all&operator=teld&q=S2&"+box, askers, 0, sees{"t-teld": {"teld:S2"}, "t-regulator": {"teld:S2"}})
	f("/api/v1/stations/teld:S1", askers, 0, nil)
	f("/api/v1/stations/teld:S2", []string{"t-teld", "t-regulator"}, 404,
		sees{"t-teld": {"teld:S2", "teld:P2"}, "t-regulator": {"teld:S2", "teld:P2"}})
	f("/api/v1/piles/teld:P1", askers, 0, sees{"t-teld": {vin(91), "SESSION1"}, "t-regulator": {vin(91), "SESSION1"}})
	f("/api/v1/piles/teld:P2", []string{"t-teld", "t-regulator"}, 404, sees{
		"t-teld": {vin(92), "SESSION2", "teld:S2", "teld:P2"}, "t-regulator": {vin(92), "SESSION2", "teld:S2", "teld:P2"}})
	f("/api/v1/piles/ykc:P3", []string{"t-ykc", "t-regulator"}, 404, sees{
		"t-ykc": {vin(93), "SESSION3", "ykc:S3", "ykc:P3"}, "t-regulator": {vin(93), "SESSION3", "ykc:S3", "ykc:P3"}})

	// 403 for a role that may see no vehicle at all, 404 for another maker's.
	g := func(path string, status map[string]int, allowed sees) {
		t.Helper()
		for _, who := range askers {
			want, ok := status[who]
			if !ok {
				want = 403
			}
			a := w.get(path, who)
			if a.status != want {
				t.Errorf("%s as %q = %d, want %d", path, who, a.status, want)
			}
			for _, secret := range secrets {
				has := bytes.Contains(a.body, []byte(secret)) && !bytes.Contains([]byte(path), []byte(secret))
				if has != slices.Contains(allowed[who], secret) {
					t.Errorf("%s as %q: %s is there %v", path, who, secret, has)
				}
			}
		}
	}
	g("/api/v1/vehicles?"+box, map[string]int{"t-nio": 200, "t-byd": 200, "t-regulator": 200},
		sees{"t-nio": {vin(1)}, "t-byd": {vin(2)}, "t-regulator": {vin(1), vin(2)}})
	g("/api/v1/vehicles/"+vin(1), map[string]int{"t-nio": 200, "t-byd": 404, "t-regulator": 200}, nil)
	g("/api/v1/history/vehicles/"+vin(1), map[string]int{"t-nio": 200, "t-byd": 404, "t-regulator": 200}, nil)
	own := sees{"t-teld": {vin(1)}, "t-regulator": {vin(1)}} // what the fixed history says
	g("/api/v1/history/piles/teld:P1", map[string]int{"t-teld": 200, "t-ykc": 404, "t-regulator": 200}, own)
	g("/api/v1/history/piles/teld:P1/sessions", map[string]int{"t-teld": 200, "t-ykc": 404, "t-regulator": 200}, own)
	for _, path := range []string{"/history/city", "/history/operators/teld", "/history/makers/nio", "/history/districts/530102"} {
		if a := w.get("/api/v1"+path, ""); a.status != 200 {
			t.Errorf("%s = %d", path, a.status)
		}
	}

	// Heat: two vehicles in a cell are nobody's business but the regulator's,
	// and piles of stations that are not public are on nobody's map but its and
	// their operator's.
	for _, who := range askers {
		cells := len(w.get("/api/v1/heatmap?layer=vehicles&res=8", who).json(t)["cells"].([]any))
		if want := map[bool]int{true: 1}[who == "t-regulator"]; cells != want {
			t.Errorf("vehicles layer as %q: %d cells, want %d", who, cells, want)
		}
		var sum float64
		for _, c := range w.get("/api/v1/heatmap?layer=charging&res=5", who).json(t)["cells"].([]any) {
			sum += c.([]any)[1].(float64)
		}
		if want := 1 + map[string]float64{"t-teld": 1, "t-ykc": 1, "t-regulator": 2}[who]; sum != want {
			t.Errorf("charging layer as %q: %g piles, want %g", who, sum, want)
		}
	}
}

// TestPrivacyOfFeeds subscribes as every role to everything, while everything
// changes, and looks for secrets in every frame.
func TestPrivacyOfFeeds(t *testing.T) {
	w := secretWorld(t)
	may := map[string][]string{
		"t-teld": {"teld:S2", "teld:P2"}, "t-ykc": {"ykc:S3", "ykc:P3"}, "t-nio": {vin(1)}, "t-byd": {vin(2)},
		"t-regulator": {"teld:S2", "teld:P2", "ykc:S3", "ykc:P3", vin(1), vin(2), "own.disk", "OWN"},
	}
	secrets := []string{vin(1), vin(2), vin(91), vin(92), vin(93), "SESSION", "teld:S2", "teld:P2", "ykc:S3", "ykc:P3", "own.disk", "OWN"}
	clients := make(map[string]*client)
	box := `"bbox":[102.68,25.01,102.74,25.07]`
	for _, who := range askers {
		c := w.dial(who)
		clients[who] = c
		for i, sub := range []string{`"feed":"overview"`, `"feed":"operators"`, `"feed":"makers"`, `"feed":"districts"`,
			`"feed":"stations",` + box, `"feed":"stations","access":"all",` + box, `"feed":"vehicles",` + box,
			`"feed":"alarms"`, `"feed":"station","station":"teld:S1"`, `"feed":"station","station":"teld:S2"`, `"feed":"station","station":"ykc:S3"`,
			`"feed":"heatmap","layer":"vehicles","res":8,` + box, `"feed":"heatmap","layer":"charging","res":8,` + box} {
			c.send(`{"op":"sub","id":"%d",%s}`, i, sub)
			for {
				f := c.next()
				for _, ch := range f.Channels {
					if c.chans[ch] == nil {
						c.chans[ch] = &channelState{}
					}
				}
				if f.Op == "sub" {
					break
				}
			}
		}
	}
	for i := range 4 {
		// Alarms of a pile, a station and a vehicle, of our own parts too.
		w.event(record.AlarmEvent{Op: record.AlarmRaise, Rule: alarm.PileFault, Party: teld, Object: "P2", Station: "S2", Count: uint32(i)})
		w.event(record.AlarmEvent{Op: record.AlarmRaise, Rule: alarm.StationSilent, Party: ykc, Object: "S3"})
		w.event(record.AlarmEvent{Op: record.AlarmRaise, Rule: alarm.VehicleAlarm, Party: nio, Object: vin(1), Level: 3})
		w.event(record.AlarmEvent{Op: record.AlarmRaise, Rule: alarm.OwnDisk, Object: "disk", Text: "OWN"})
		for n, party := range map[charge.Num]charge.Num{1: teld, 2: teld, 3: ykc} {
			w.pile(party, n, charge.PileReport{Status: charge.Status(2 + i%2), Has: charge.HasVIN | charge.HasSession,
				VIN: vin(90 + n), Session: "SESSION"})
		}
		for n := charge.Num(1); n <= 2; n++ {
			w.vehicle(nio+n-1, n, seat(geo.Point{Lon: center.Lon + float64(i)*0.05, Lat: center.Lat}, 20))
		}
		st := station(2, teld, geo.Point{Lon: center.Lon + 0.002*float64(i), Lat: center.Lat}, 2)
		st.Access = charge.Private
		w.put(st)
		w.tick()
		time.Sleep(30 * time.Millisecond)
	}
	for who, c := range clients {
		reads := func(s string) bool {
			return slices.ContainsFunc(c.frames, func(f frameIn) bool { return bytes.Contains([]byte(f.raw), []byte(s)) })
		}
		c.quiet(50 * time.Millisecond)
		for range 100 { // a full machine pushes later
			if !slices.ContainsFunc(may[who], func(s string) bool { return !reads(s) }) {
				break
			}
			c.quiet(50 * time.Millisecond)
		}
		seen := make(map[string]bool)
		for _, f := range c.frames {
			if f.Error != nil || f.Op != "" && f.Op != "query" {
				continue
			}
			for _, s := range secrets {
				if bytes.Contains([]byte(f.raw), []byte(s)) {
					seen[s] = true
					if !slices.Contains(may[who], s) {
						t.Errorf("%q reads of %s: %s", who, s, f.raw)
					}
				}
			}
			if bytes.HasPrefix([]byte(f.Ch), []byte("h")) && f.Ch[1] != '+' && bytes.Contains([]byte(f.Ch), []byte("vehicles")) {
				if len(f.Data["cells"]) > 2 || len(f.Data["changed"]) > 2 || len(f.Data["removed"]) > 2 {
					t.Errorf("%q reads of cells with two vehicles: %s", who, f.raw)
				}
			}
		}
		for _, s := range may[who] {
			if !seen[s] {
				t.Errorf("%q does not read of %s", who, s)
			}
		}
	}
}
