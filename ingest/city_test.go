package ingest

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/ingest/door"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/city"
	"github.com/dianchi-platform/dianchi/internal/geo"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
	"github.com/dianchi-platform/dianchi/internal/wire/report"
	"github.com/dianchi-platform/dianchi/simulator/fleet"
)

// judgedCity is the simulated city before a judge: every report goes over the
// wire's form, in messages of up to 50, and what comes of it is counted.
type judgedCity struct {
	t       *testing.T
	j       *judge
	f       *fleet.Fleet
	parties []fleet.Party
	open    [][]byte // by party and kind: a message that is being filled
	held    []int
	now     charge.Millis

	reports map[charge.Payload]uint64
	rules   map[string]uint64 // "rule action payload"
	byParty map[string]uint64 // "slug rule"
	samples map[string]string
	account charge.Account
	replay  *judge // moves by the records alone
	// What becomes of a report on its way; false keeps it from going out.
	pile    func(party int, r *charge.PileReport) bool
	vehicle func(party int, r *charge.VehicleReport) bool
}

// tuesday is a working day's local clock.
func tuesday(hour int) charge.Millis {
	return charge.At(time.Date(2026, 11, 24, hour, 0, 0, 0, city.Kunming().Zone))
}

func newJudgedCity(t *testing.T, n int, cfg fleet.Config) *judgedCity {
	t.Helper()
	cfg.City, cfg.Vehicles, cfg.Piles = city.Kunming(), n, n
	f, err := fleet.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	own := Config{StaleAfter: 5 * time.Minute, TooOld: 71 * time.Hour, City: cfg.City}
	own.withBounds()
	c := &judgedCity{
		t: t, f: f, parties: fleet.Parties(), now: f.Now(), reports: map[charge.Payload]uint64{},
		j:      newJudge(own, slog.New(slog.DiscardHandler), Deps{}),
		replay: newJudge(own, slog.New(slog.DiscardHandler), Deps{}),
		rules:  map[string]uint64{}, byParty: map[string]uint64{}, samples: map[string]string{},
	}
	c.open, c.held = make([][]byte, len(c.parties)*8), make([]int, len(c.parties)*8)
	f.Stations(func(party int, s *charge.Station) bool {
		c.put(party, charge.Stations, func(b []byte) []byte { return report.AppendStation(b, s) })
		return true
	})
	f.Vehicles(func(party int, v *charge.Vehicle) bool {
		c.put(party, charge.Fleet, func(b []byte) []byte { return report.AppendFleet(b, v) })
		return true
	})
	c.flush()
	return c
}

func (c *judgedCity) put(party int, kind charge.Payload, write func([]byte) []byte) {
	at := party*8 + int(kind)
	c.open[at] = write(append(c.open[at], ','))
	c.reports[kind]++
	if c.held[at]++; c.held[at] == 50 {
		c.send(at)
	}
}

func (c *judgedCity) send(at int) {
	if c.held[at] == 0 {
		return
	}
	b := append(c.open[at], ']')
	b[0] = '['
	party, kind := at/8, charge.Payload(at%8)
	m := door.Message{Party: charge.Num(party + 1), Kind: kind, Payload: b, Received: c.now.Add(300 * time.Millisecond)}
	body, samples := c.j.message(&m)
	var rec record.Record
	if err := rec.Decode(slices.Clone(body)); err != nil {
		c.t.Fatal(err)
	}
	rec.Seq = 1
	c.replay.apply(&rec, &base{})
	c.account.Add(rec.Account)
	for _, r := range rec.Rules {
		c.rules[fmt.Sprint(r.Rule, " ", r.Action, " ", kind)] += uint64(r.Count)
		c.byParty[fmt.Sprint(c.parties[party].Slug, " ", r.Rule)] += uint64(r.Count)
	}
	for _, s := range samples {
		c.samples[fmt.Sprint(s.rule, " ", s.action, " ", kind)] = s.detail + " " + s.payload
	}
	c.open[at], c.held[at] = b[:0], 0
}

func (c *judgedCity) flush() {
	for at := range c.open {
		c.send(at)
	}
}

// live lets the city live and reports come in, a second at a time.
func (c *judgedCity) live(lasts time.Duration) {
	for end := c.now.Add(lasts); c.now < end; {
		c.now = c.now.Add(time.Second)
		c.f.Step(c.now, c)
		c.flush()
	}
}

func (c *judgedCity) Pile(party int, r *charge.PileReport) {
	if c.pile != nil && !c.pile(party, r) {
		return
	}
	c.put(party, charge.Piles, func(b []byte) []byte { return report.AppendPile(b, r) })
}

func (c *judgedCity) Vehicle(party int, r *charge.VehicleReport) {
	if c.vehicle != nil && !c.vehicle(party, r) {
		return
	}
	c.put(party, charge.Vehicles, func(b []byte) []byte { return report.AppendVehicle(b, r) })
}

func (c *judgedCity) Session(party int, s *charge.Session) {
	c.put(party, charge.Sessions, func(b []byte) []byte { return report.AppendSession(b, s) })
}

// show prints what was found, for who looks with -v.
func (c *judgedCity) show() {
	c.t.Logf("%v reports: %+v", c.reports, c.account)
	for _, k := range slices.Sorted(maps.Keys(c.rules)) {
		c.t.Logf("%8d %s, such as %s", c.rules[k], k, c.samples[k])
	}
}

// known are the only marks that a clean city gets: the domain page has stations
// with up to 140 piles, which meta.station finds odd.
func known(rule string) bool { return rule == "meta.station flag stations" }

// A city whose parties report as they should meets no rule at any hour.
func TestCleanCityMeetsNoRule(t *testing.T) {
	if testing.Short() {
		t.Skip("some simulated hours")
	}
	f := func(seed uint64, hour int, lasts, cadence time.Duration) {
		t.Run(fmt.Sprintf("%d o'clock, every %s", hour, cadence), func(t *testing.T) {
			c := newJudgedCity(t, 2000, fleet.Config{Seed: seed, Start: tuesday(hour), Cadence: cadence})
			c.live(lasts)
			c.show()
			for rule, n := range c.rules {
				if !known(rule) {
					t.Errorf("%s: %d times, such as %s", rule, n, c.samples[rule])
				}
			}
			if s := c.j.meetings.Suspects(c.now, &c.j.limits); len(s) > 0 {
				t.Errorf("suspects %+v", s)
			}
			if c.account.Duplicate+c.account.History+c.account.Rejected > 0 || c.reports[charge.Sessions] < 5 {
				t.Errorf("%+v of %v", c.account, c.reports)
			}
			c.sameMemory()
		})
	}
	f(31, 7, 90*time.Minute, 0)
	f(32, 23, 2*time.Hour, 0)
	f(33, 12, 10*time.Minute, 10*time.Second)
}

// sameMemory wants the judge that saw records only to remember what the judge does.
func (c *judgedCity) sameMemory() {
	c.t.Helper()
	for i := range c.j.index.pile {
		if c.j.index.pile[i].memory != c.replay.index.pile[i].memory {
			c.t.Fatalf("pile %d: replay remembers\n%+v, not\n%+v", i, c.replay.index.pile[i].memory, c.j.index.pile[i].memory)
		}
	}
	for i := range c.j.index.vehicle {
		if c.j.index.vehicle[i].memory != c.replay.index.vehicle[i].memory {
			c.t.Fatalf("vehicle %d: replay remembers another past", i)
		}
	}
	if a, b := c.j.meetings.Append(nil), c.replay.meetings.Append(nil); string(a) != string(b) {
		c.t.Fatal("replay remembers other meetings")
	}
}

// Each kind of bad data that the simulator mixes in is found by its rule, at
// about the rate at which it is mixed in, and by no other.
func TestEachInjectedFaultIsFound(t *testing.T) {
	if testing.Short() {
		t.Skip("some simulated hours")
	}
	// Rules with a ~ may come too and do not count.
	f := func(name string, faults fleet.Faults, share float64, rules ...string) {
		t.Run(name, func(t *testing.T) {
			c := newJudgedCity(t, 500, fleet.Config{Seed: 41, Start: tuesday(8), Cadence: 20 * time.Second, Faults: faults})
			c.live(40 * time.Minute)
			c.show()
			found, of := uint64(0), uint64(0)
			kinds := map[charge.Payload]bool{}
			for rule, n := range c.rules {
				kind := charge.PayloadOf(rule[strings.LastIndexByte(rule, ' ')+1:])
				switch {
				case slices.Contains(rules, rule):
					found += n
					kinds[kind] = true
				case !known(rule) && !slices.Contains(rules, "~"+rule):
					t.Errorf("%s: %d times, such as %s", rule, n, c.samples[rule])
				}
			}
			for kind := range kinds {
				of += c.reports[kind]
			}
			if got := float64(found) / float64(max(1, of)); got < share*0.8 || got > share*1.25 {
				t.Errorf("%d of %d found, %.5f; injected are %.5f", found, of, got, share)
			}
			c.sameMemory()
		})
	}
	f("none", fleet.Faults{}, 0)
	f("duplicates", fleet.Faults{Duplicates: 0.005}, 0.005, "dup.exact duplicate piles", "dup.exact duplicate vehicles")
	f("out of order", fleet.Faults{OutOfOrder: 0.01}, 0.01, "time.out-of-order history piles",
		"time.out-of-order history vehicles")
	f("future", fleet.Faults{Future: 0.002}, 0.002, "time.future flag piles", "time.future flag vehicles",
		"time.future reject piles", "time.future reject vehicles")
	f("null island", fleet.Faults{NullIsland: 0.002}, 0.002, "geo.null-island null vehicles")
	f("sentinels", fleet.Faults{Sentinels: 0.005}, 0.005, "sensor.sentinel null vehicles",
		"~sensor.sentinel null piles") // of which only some have a voltage
	f("unknown ids", fleet.Faults{UnknownIDs: 0.005}, 0.005, "id.unknown reject piles")
	// The newer half of an outage of ten minutes is not stale and still in order.
	f("reissue", fleet.Faults{Reissue: 0.02}, 0.01, "time.out-of-order history vehicles", "time.stale history vehicles")
	f("skewed clocks", fleet.Faults{SkewedShare: 0.5}, 0)
}

// Who is in the wrong coordinates is found, whoever it is, and nobody else is.
func TestWrongCoordinatesAreFound(t *testing.T) {
	if testing.Short() {
		t.Skip("some simulated hours")
	}
	shift := func(slug string, to func(geo.Point) geo.Point) func(int, *charge.VehicleReport) {
		off := fleet.PartyIndex(slug)
		return func(party int, r *charge.VehicleReport) {
			if party == off {
				at := to(geo.Point{Lon: r.Lon, Lat: r.Lat})
				r.Lon, r.Lat = at.Lon, at.Lat
			}
		}
	}
	f := func(name string, faults fleet.Faults, change func(int, *charge.VehicleReport), want map[string]int8,
		marks ...string) {
		t.Run(name, func(t *testing.T) {
			c := newJudgedCity(t, 8000, fleet.Config{Seed: 51, Start: tuesday(12), Cadence: time.Minute, Faults: faults})
			// What charges is enough, and takes less time.
			c.pile = func(_ int, r *charge.PileReport) bool { return r.Status == charge.StatusCharging }
			c.vehicle = func(party int, r *charge.VehicleReport) bool {
				if change != nil {
					change(party, r)
				}
				return r.Charge == 1
			}
			c.live(3 * time.Hour)
			c.show()
			got := map[string]int8{}
			for _, s := range c.j.meetings.Suspects(c.now, &c.j.limits) {
				t.Logf("%s: %+v", c.parties[s.Party-1].Slug, s)
				got[c.parties[s.Party-1].Slug] = s.Shift
			}
			if !maps.Equal(got, want) {
				t.Errorf("suspected are %v, want %v", got, want)
			}
			n := 0
			for rule := range c.rules {
				if !known(rule) {
					n++
				}
			}
			for _, mark := range marks {
				if c.rules[mark] == 0 {
					t.Errorf("no %s", mark)
				}
			}
			if n != len(marks) {
				t.Errorf("marks are %v", c.rules)
			}
			for party := range want {
				if c.byParty[party+" geo.crs-suspect"] == 0 {
					t.Errorf("%s is not told", party)
				}
			}
			c.sameMemory()
		})
	}
	const piles, cars = "geo.crs-suspect flag piles", "geo.crs-suspect flag vehicles"
	f("an operator", fleet.Faults{WrongCRS: true}, nil, map[string]int8{"dzhn": 1}, piles)
	f("one of each, opposite", fleet.Faults{WrongCRS: true}, shift("byd", geo.FromGCJ02),
		map[string]int8{"dzhn": 1, "byd": -1}, piles, cars)
}
