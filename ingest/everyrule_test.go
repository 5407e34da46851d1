package ingest

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/ingest/door"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/city"
	"github.com/dianchi-platform/dianchi/internal/quality"
)

// desk is a judge alone, with what it has found so far.
type desk struct {
	t     *testing.T
	j     *judge
	now   charge.Millis
	found map[string]bool // "rule action"
	said  []string        // what the last message's sender is told of it
}

func newDesk(t *testing.T) *desk {
	d := &desk{t: t, found: map[string]bool{}, now: charge.At(time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC))}
	cfg := Config{StaleAfter: 5 * time.Minute, TooOld: 71 * time.Hour, City: city.Kunming()}
	cfg.withBounds()
	d.j = newJudge(cfg, slog.New(slog.DiscardHandler), Deps{})
	d.send(teld, charge.Stations, stationJSON("S1", tariffJSON("2026-01-01T00:00:00+08:00", 1), "A", "B"))
	d.send(byd, charge.Fleet, fmt.Sprintf(`{"vin":%q,"class":"bus","batteryKwh":50}`, vin))
	return d
}

// send judges a message that comes now.
func (d *desk) send(party charge.Num, kind charge.Payload, text string) {
	_, samples := d.j.message(&door.Message{Party: party, Kind: kind, Payload: []byte(text), Received: d.now})
	d.said = nil
	for _, s := range samples {
		d.said = append(d.said, fmt.Sprint(s.rule, ": ", s.detail))
	}
	for _, r := range d.j.rules {
		d.found[string(r.rule)+" "+r.action.String()] = true
	}
}

// pile and car send reports made now that have some members, then a second passes.
func (d *desk) pile(more string) { d.pileOf("A", more) }

func (d *desk) pileOf(id, more string) {
	d.send(teld, charge.Piles, fmt.Sprintf(`{"id":%q,"ts":%d,%s}`, id, d.now, more))
	d.now += 1000
}

func (d *desk) car(more string) {
	d.send(byd, charge.Vehicles, fmt.Sprintf(`{"vin":%q,"ts":%d,%s}`, vin, d.now, more))
	d.now += 1000
}

// bill sends a session that ended some minutes ago and took so many.
func (d *desk) bill(id string, took, ago int, more string) {
	end := d.now - charge.Millis(ago)*60_000
	d.send(teld, charge.Sessions, fmt.Sprintf(`{"id":%q,"pile":"A","startTs":%d,"endTs":%d,%s}`, id,
		end-charge.Millis(took)*60_000, end, more))
}

func (d *desk) wait(t time.Duration) { d.now = d.now.Add(t) }

// Every row of the table of rules, with each of its actions, is met by
// something that a party can send. A new row needs its case here.
func TestEveryRuleIsMet(t *testing.T) {
	cases := map[string]func(d *desk){
		"msg.malformed reject":      func(d *desk) { d.send(teld, charge.Piles, `{"id":`) },
		"msg.too-large reject":      func(d *desk) { d.send(teld, charge.Piles, "["+strings.Repeat("{},", 1000)+"{}]") },
		"msg.field-missing reject":  func(d *desk) { d.send(teld, charge.Piles, `{"id":"A"}`) },
		"msg.field-missing null":    func(d *desk) { d.car(`"lon":102.7`) },
		"msg.field-type reject":     func(d *desk) { d.pile(`"status":"3"`) },
		"msg.field-type null":       func(d *desk) { d.pile(`"status":3,"powerKw":"7"`) },
		"msg.field-value reject":    func(d *desk) { d.send(teld, charge.Piles, `{"id":"","ts":1795392000000,"status":1}`) },
		"msg.field-value null":      func(d *desk) { d.car(`"lon":500,"lat":25`) },
		"status.unknown reject":     func(d *desk) { d.pile(`"status":7`) },
		"id.owner-mismatch reject":  func(d *desk) { d.send(nio, charge.Fleet, fmt.Sprintf(`{"vin":%q}`, vin)) },
		"id.unknown reject":         func(d *desk) { d.pileOf("X", `"status":1`) },
		"id.vin-check reject":       func(d *desk) { d.send(byd, charge.Fleet, `{"vin":"SHORT"}`) },
		"id.vin-check flag":         func(d *desk) { d.send(byd, charge.Fleet, `{"vin":"LNBMDBAH5PA000001"}`) },
		"time.future flag":          func(d *desk) { d.ahead(2 * time.Minute) },
		"time.future reject":        func(d *desk) { d.ahead(6 * time.Minute) },
		"time.too-old reject":       func(d *desk) { d.ahead(-72 * time.Hour) },
		"time.stale history":        func(d *desk) { d.ahead(-6 * time.Minute) },
		"time.out-of-order history": func(d *desk) { d.ahead(0); d.ahead(-time.Minute) },
		"dup.exact duplicate":       func(d *desk) { d.ahead(0); d.ahead(0) },
		"dup.conflict duplicate":    func(d *desk) { d.pile(`"status":1`); d.now -= 1000; d.pile(`"status":2`) },
		"dup.rate flag": func(d *desk) {
			d.pile(`"status":1`)
			d.now -= 500
			d.pile(`"status":2`)
			d.now -= 500
			d.pile(`"status":1`)
		},
		"soc.range null":       func(d *desk) { d.car(`"socPct":101`) },
		"soc.jump flag":        func(d *desk) { d.car(`"socPct":50`); d.car(`"socPct":60`) },
		"speed.range null":     func(d *desk) { d.car(`"speedKmh":230`) },
		"speed.range flag":     func(d *desk) { d.car(`"speedKmh":160`) },
		"geo.null-island null": func(d *desk) { d.car(`"lon":0,"lat":0`) },
		"geo.null-island reject": func(d *desk) {
			d.send(teld, charge.Stations, `{"id":"S2","name":"站","lon":0,"lat":0,"piles":[{"id":"C","kind":"dc","ratedKw":60}]}`)
		},
		"geo.out-of-yunnan flag": func(d *desk) { d.car(`"lon":116.4,"lat":39.9`) },
		"geo.teleport history":   func(d *desk) { d.car(`"lon":102.7,"lat":25`); d.car(`"lon":102.7,"lat":25.1`) },
		"geo.stuck flag":         (*desk).stuck,
		"geo.crs-suspect flag":   (*desk).shifted,
		"odo.decrease flag":      func(d *desk) { d.car(`"odometerKm":1000`); d.car(`"odometerKm":900`) },
		"odo.jump flag":          func(d *desk) { d.car(`"odometerKm":1000`); d.car(`"odometerKm":1100`) },
		"sensor.sentinel null":   func(d *desk) { d.car(`"socPct":255`) },
		"sensor.range null":      func(d *desk) { d.pile(`"status":3,"voltageV":2000`) },
		"power.over-rated flag":  func(d *desk) { d.pile(`"status":3,"powerKw":140`); d.pile(`"status":3,"powerKw":140`) },
		"power.vi-mismatch flag": func(d *desk) { d.pile(`"status":3,"powerKw":50,"voltageV":400,"currentA":50`) },
		"status.charging-no-power flag": func(d *desk) {
			d.pile(`"status":3,"powerKw":0`)
			d.wait(10 * time.Minute)
			d.pile(`"status":3,"powerKw":0`)
		},
		"status.power-not-charging flag": func(d *desk) { d.pile(`"status":1,"powerKw":7`) },
		"status.offline-busy flag":       func(d *desk) { d.pile(`"status":255,"session":"1"`) },
		"status.unchanged flag":          func(d *desk) { d.pile(`"status":1`); d.wait(30 * 24 * time.Hour); d.pile(`"status":1`) },
		"status.edge flag":               func(d *desk) { d.pile(`"status":1`); d.pile(`"status":3`) },
		"energy.decrease flag": func(d *desk) {
			d.pile(`"status":3,"session":"1","energyKwh":9`)
			d.pile(`"status":3,"session":"1","energyKwh":8`)
		},
		"energy.excess flag":      func(d *desk) { d.bill("1", 60, 0, `"energyKwh":140`) },
		"energy.pack flag":        func(d *desk) { d.bill("1", 60, 0, fmt.Sprintf(`"energyKwh":60,"vin":%q`, vin)) },
		"session.negative reject": func(d *desk) { d.bill("1", -1, 0, `"energyKwh":1`) },
		"session.zero flag":       func(d *desk) { d.bill("1", 0, 0, `"energyKwh":1`) },
		"session.long flag":       func(d *desk) { d.bill("1", 24*60+1, 0, `"energyKwh":1`) },
		"session.overlap flag":    func(d *desk) { d.bill("1", 10, 0, `"energyKwh":1`); d.bill("2", 10, 5, `"energyKwh":1`) },
		"session.too-many flag":   (*desk).many,
		"session.late flag":       func(d *desk) { d.bill("1", 10, 24*60+1, `"energyKwh":1`) },
		"session.no-status flag":  (*desk).quiet,
		"session.vehicle-apart flag": func(d *desk) {
			d.car(`"lon":102.8,"lat":25`)
			d.wait(time.Minute)
			d.bill("1", 10, 0, fmt.Sprintf(`"energyKwh":1,"vin":%q`, vin))
		},
		"money.sum flag": func(d *desk) { d.bill("1", 60, 0, `"energyKwh":10,"energyYuan":11`) },
		"meta.station flag": func(d *desk) {
			d.send(teld, charge.Stations, `{"id":"S2","name":"站","lon":102.7,"lat":25,"piles":[{"id":"C","kind":"dc","ratedKw":60}]}`)
		},
		"tariff.coverage flag": func(d *desk) {
			d.send(teld, charge.Stations, stationJSON("S2", `,"tariff":{"bands":[{"from":"00:00","to":"12:00","energyYuanPerKwh":1,"serviceYuanPerKwh":0}]}`, "C"))
		},
	}
	for _, rule := range quality.Rules {
		for _, action := range rule.Actions {
			want := string(rule.ID) + " " + action.String()
			if meet := cases[want]; meet == nil {
				t.Errorf("nothing meets %s", want)
			} else {
				d := newDesk(t)
				if d.found[want] {
					t.Errorf("%s is met without its case", want)
				}
				meet(d)
				if !d.found[want] {
					t.Errorf("%s is not met; found are %v", want, d.found)
				}
				delete(cases, want)
			}
		}
	}
	for left := range cases {
		t.Errorf("%s stands in no row", left)
	}
}

// ahead sends a report whose clock is that far ahead.
func (d *desk) ahead(by time.Duration) {
	d.send(teld, charge.Piles, fmt.Sprintf(`{"id":"B","ts":%d,"status":1}`, d.now.Add(by)))
}

func (d *desk) stuck() {
	for range 7 {
		d.car(`"lon":102.7,"lat":25,"speedKmh":50`)
		d.wait(time.Minute)
	}
}

func (d *desk) many() {
	for i := range 61 {
		d.bill(fmt.Sprint(i), 1, 100-i, `"energyKwh":0`)
	}
}

func (d *desk) quiet() {
	for range 8 {
		d.pile(`"status":2`)
		d.wait(3 * time.Minute)
	}
	d.wait(-3 * time.Minute)
	d.bill("1", 15, 0, `"energyKwh":5`)
}

// shifted lets vehicles of two makers charge at piles whose station is one
// shift of GCJ-02 away from them.
func (d *desk) shifted() {
	for i := range 22 {
		maker, car := []charge.Num{byd, nio}[i%2], benchVIN(i)
		d.send(maker, charge.Vehicles, fmt.Sprintf(`{"vin":%q,"ts":%d,"lon":102.69858,"lat":25.00297,"speedKmh":0}`, car, d.now))
		for range 5 {
			d.pile(fmt.Sprintf(`"status":3,"session":"%d","vin":%q`, i, car))
		}
		d.pile(`"status":2`)
	}
}

// An operator may send any VIN from a station that it puts anywhere: what it is
// told must not depend on how far away the vehicle is, nor on its battery.
func TestOperatorsLearnNothingOfVehicles(t *testing.T) {
	told := func(lat, battery float64) (said []string) {
		start := func() *desk {
			d := newDesk(t)
			d.send(byd, charge.Fleet, fmt.Sprintf(`{"vin":%q,"class":"bus","batteryKwh":%v}`, vin, battery))
			d.car(fmt.Sprintf(`"lon":102.8,"lat":%v,"speedKmh":0`, lat))
			return d
		}
		d := start()
		for range 5 {
			d.pile(fmt.Sprintf(`"status":3,"session":"1","vin":%q`, vin))
		}
		said = append(said, d.said...)
		d = start() // a platform that was not asked today
		d.bill("1", 60, 0, fmt.Sprintf(`"energyKwh":70,"vin":%q`, vin))
		said = append(said, d.said...)
		d.said = nil
		d.bill("2", 60, 0, fmt.Sprintf(`"energyKwh":1,"vin":%q`, vin))
		for _, s := range d.said {
			if strings.HasPrefix(s, "session.vehicle-apart") {
				t.Errorf("asked twice a day: %s", s)
			}
		}
		return said
	}
	near, far := told(25, 50), told(25.3, 55.5)
	if !slices.Equal(near, far) {
		t.Errorf("of a vehicle near by:\n%q\nfar away:\n%q", near, far)
	}
	for _, rule := range []string{"session.vehicle-apart: A:", "session.vehicle-apart: session 1:", "energy.pack: "} {
		if !slices.ContainsFunc(near, func(s string) bool { return strings.HasPrefix(s, rule) }) {
			t.Errorf("nothing is said of %s in %q", rule, near)
		}
	}
}

// What a sample says of a station, session or vehicle that changes nothing, and of swapped coordinates, is true.
func TestDetailsAreTrue(t *testing.T) {
	d := newDesk(t)
	f := func(party charge.Num, kind charge.Payload, text, want string) {
		t.Helper()
		d.send(party, kind, text)
		if got := strings.Join(d.said, "; "); got != want {
			t.Errorf("%s is told %q, want %q", text, got, want)
		}
	}
	more := `,"parking":{"type":0}` + tariffJSON("2026-01-01T00:00:00+08:00", 1) + `,"piles":[]`
	st := func(lon, lat string) string {
		return `{"id":"S8","name":"站","lon":` + lon + `,"lat":` + lat + `` + more + `}`
	}

	f(teld, charge.Stations, `{"id":"S8","removed":true}`, "dup.exact: there is no station S8 to remove")
	f(teld, charge.Stations, st("102.7", "25"), "")
	f(teld, charge.Stations, st("102.7", "25"), "dup.exact: station S8 is known with these values")
	f(teld, charge.Stations, `{"id":"S8","removed":true}`, "")
	f(teld, charge.Stations, `{"id":"S8","removed":true}`, "dup.exact: there is no station S8 to remove")
	f(teld, charge.Stations, st("25", "102.7"),
		"msg.field-value: lon 25, lat 102.7 is not within 180 degrees of longitude and 90 of latitude: lon and lat swapped?")
	f(teld, charge.Stations, st("200", "102.7"),
		"msg.field-value: lon 200, lat 102.7 is not within 180 degrees of longitude and 90 of latitude")
	f(byd, charge.Fleet, fmt.Sprintf(`{"vin":%q,"class":"bus","batteryKwh":50}`, vin),
		"dup.exact: vehicle "+vin+" is known with these values")
	f(byd, charge.Vehicles, fmt.Sprintf(`{"vin":%q,"ts":%d,"lon":25.04,"lat":102.71}`, vin, d.now),
		"msg.field-value: lon 25.04, lat 102.71 is not within 180 degrees of longitude and 90 of latitude: lon and lat swapped?")
}
