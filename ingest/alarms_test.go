package ingest

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/alarm"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/live"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// scene is a detector over a real live state, with a clock of its own: a second
// of the city takes no time.
type scene struct {
	t      *testing.T
	live   *live.State
	book   *alarm.Book
	det    *alarm.Detector
	health alarm.Health
	now    charge.Millis
	seq    uint64
	rev    uint64
	moves  int                 // makes values differ
	report map[string]func()   // who reports every 20 s
	log    []record.Record     // of alarms
	piles  map[string][]string // of a station
	nums   map[string]charge.Num
}

func newScene(t *testing.T) *scene {
	s := &scene{t: t, now: charge.At(time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)), report: map[string]func(){},
		piles: map[string][]string{}, nums: map[string]charge.Num{}}
	s.live = live.New(live.Config{StaleAfter: 5 * time.Minute}, slog.New(slog.DiscardHandler))
	people, _ := newPeople().Access()
	s.live.SetParties(people)
	s.book = alarm.NewBook()
	s.begin()
	return s
}

// begin starts a detector, as the platform does.
func (s *scene) begin() {
	s.det = alarm.NewDetector(alarm.Default(), s.book, world{s.live})
	s.det.Begin(s.now)
}

func (s *scene) apply(rec record.Record) {
	s.seq++
	rec.Seq, rec.Received = s.seq, s.now
	s.det.Observe(&rec)
	s.live.Apply(&rec)
	s.book.Apply(&rec)
}

// run lets time pass, with a tick a second and a look every five.
func (s *scene) run(d time.Duration) {
	for end := s.now.Add(d); s.now < end; {
		s.now += 1000
		s.rev++
		if s.rev%20 == 0 {
			for _, f := range s.report {
				f()
			}
		}
		s.live.Tick(s.rev, s.now)
		s.book.Tick(s.rev, s.now)
		if s.rev%5 != 0 {
			continue
		}
		events := s.det.Judge(s.now, s.health)
		if len(events) > 0 {
			rec := record.Record{Kind: record.Alarms, Alarms: slices.Clone(events)}
			s.apply(rec)
			rec.Received = s.now
			s.log = append(s.log, rec)
			s.book.Tick(s.rev, s.now)
		}
	}
}

func (s *scene) num(id string) charge.Num {
	if s.nums[id] == 0 {
		s.nums[id] = charge.Num(len(s.nums) + 1)
	}
	return s.nums[id]
}

// station makes a station of n piles that report a free pile's state from now on.
func (s *scene) station(party charge.Num, id string, n int) {
	st := charge.Station{Num: s.num(fmt.Sprint(party, id)), Party: party, ID: id, Name: "站" + id, Lon: 102.71, Lat: 25.04}
	for i := range n {
		pile := fmt.Sprintf("%s-%d", id, i)
		st.Piles = append(st.Piles, charge.Pile{Num: s.num(fmt.Sprint(party, pile)), ID: pile, Kind: charge.DC, RatedKW: 120})
		s.piles[id] = append(s.piles[id], pile)
		s.says(party, pile, charge.StatusIdle)
	}
	s.apply(record.Record{Kind: record.Message, Party: party, Stations: []record.StationPut{{Station: st}}})
	s.run(20 * time.Second)
}

// says makes a pile report a status every 20 s; 99 is silence.
func (s *scene) says(party charge.Num, pile string, status charge.Status) {
	if status == silence {
		delete(s.report, pile)
		return
	}
	s.report[pile] = func() {
		s.moves++
		s.apply(record.Record{Kind: record.Message, Party: party, Piles: []record.PileItem{{Num: s.num(fmt.Sprint(party, pile)), Verdict: charge.Taken,
			Report: charge.PileReport{ID: pile, TS: s.now, Status: status, Has: charge.HasMeter, MeterKWh: float64(s.moves)}}}})
	}
}

const silence charge.Status = 99

func (s *scene) stationSays(party charge.Num, id string, status charge.Status) {
	for _, p := range s.piles[id] {
		s.says(party, p, status)
	}
}

// drives makes a vehicle report every 20 s.
func (s *scene) drives(maker charge.Num, n int, level uint8, bits uint64) {
	vin := fmt.Sprintf("LNBMDBAH4PA%06d", n)
	s.report[vin] = func() {
		s.moves++
		num := s.num(vin)
		s.apply(record.Record{Kind: record.Message, Party: maker,
			Vehicles: []charge.Vehicle{{Num: num, Party: maker, VIN: vin}},
			Fleet: []record.VehicleItem{{Num: num, Verdict: charge.Taken, Report: charge.VehicleReport{VIN: vin, TS: s.now,
				Has:   charge.HasAlarmLevel | charge.HasAlarms | charge.HasOdometer | charge.HasState | charge.HasSpeed,
				State: 1, SpeedKMH: 30, OdometerKM: float64(s.moves), AlarmLevel: level, Alarms: bits}}}})
	}
}

// open describes what is open: rule, object, severity, count.
func (s *scene) open(want ...string) {
	s.t.Helper()
	var got []string
	for _, a := range s.book.View().Open() {
		text := fmt.Sprintf("%s %s %s", a.Rule, a.Object, a.Severity)
		if a.Count > 0 {
			text += fmt.Sprint(" ", a.Count)
		}
		if a.Last {
			text += " last"
		}
		got = append(got, strings.Join(strings.Fields(text), " "))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		s.t.Errorf("%s: open\n  %s\nwant\n  %s", s.now, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// reasons are those of the cleared alarms of a rule.
func (s *scene) reasons(rule string) (out []string) {
	q := alarm.Query{Which: alarm.Recent, Rule: rule, Limit: 1000}
	page, _ := s.book.View().Page(&q)
	for _, a := range page {
		out = append(out, a.Reason)
	}
	return out
}

// raises counts how often a rule was raised.
func (s *scene) raises(rule string) (n int) {
	for _, rec := range s.log {
		for _, e := range rec.Alarms {
			if e.Op == record.AlarmRaise && e.Rule == rule {
				n++
			}
		}
	}
	return n
}

func TestVehicleAlarms(t *testing.T) {
	s := newScene(t)
	vin := "LNBMDBAH4PA000001"
	s.drives(byd, 1, 1, 0)
	s.run(time.Minute)
	s.open()
	s.drives(byd, 1, 2, 1<<11)
	s.run(30 * time.Second)
	s.open("vehicle.alarm " + vin + " warning")
	s.drives(byd, 1, 3, 1<<11|1<<1)
	s.run(30 * time.Second)
	s.open("vehicle.alarm " + vin + " critical")
	if d := s.book.View().Open()[0].Detail(); d.En != "battery over-temperature, insulation" || d.Zh != "电池高温报警、绝缘报警" {
		t.Errorf("the flags read %+v", d)
	}
	// A level that goes up and down does not flap.
	for range 10 {
		s.drives(byd, 1, 0, 0)
		s.run(40 * time.Second)
		s.drives(byd, 1, 3, 0)
		s.run(40 * time.Second)
	}
	s.open("vehicle.alarm " + vin + " critical")
	s.drives(byd, 1, 0, 0)
	s.run(90 * time.Second)
	s.open()
	if got := s.raises(alarm.VehicleAlarm); got != 1 {
		t.Errorf("raised %d times", got)
	}
	// Flag 23 is level 4, whatever the level says. Silence makes it the last that is known.
	s.drives(byd, 1, 0, 1<<23)
	s.run(30 * time.Second)
	s.open("vehicle.alarm " + vin + " critical")
	delete(s.report, vin)
	s.run(7 * time.Minute)
	s.open("vehicle.alarm " + vin + " critical last")
	s.run(24 * time.Hour)
	s.open()
	if got := s.reasons(alarm.VehicleAlarm); got[0] != alarm.ReasonForgotten {
		t.Errorf("cleared for %v", got)
	}
	// Of who never sends a level the flags alone tell that it is over.
	flags := func(bits uint64) {
		s.apply(record.Record{Kind: record.Message, Party: byd, Fleet: []record.VehicleItem{{Num: s.num(vin), Verdict: charge.Taken,
			Report: charge.VehicleReport{VIN: vin, TS: s.now, Has: charge.HasAlarms, Alarms: bits}}}})
	}
	flags(1 << 23)
	s.run(30 * time.Second)
	s.open("vehicle.alarm " + vin + " critical")
	flags(1 << 2)
	s.run(90 * time.Second)
	s.open()
}

func TestPileAndStationFaults(t *testing.T) {
	s := newScene(t)
	s.station(teld, "A", 4)
	s.station(teld, "B", 3)
	s.says(teld, "A-0", charge.StatusFault)
	s.run(25 * time.Second)
	s.open() // not for long enough
	s.run(40 * time.Second)
	s.open("pile.fault A-0 warning")
	if a := s.book.View().Open()[0]; a.Station != "A" || a.Name != "站A" {
		t.Errorf("the pile's station is %q %q", a.Station, a.Name)
	}
	// Half of a station with four is one incident, of a station with three it is not.
	s.says(teld, "A-1", charge.StatusFault)
	s.says(teld, "B-0", charge.StatusFault)
	s.says(teld, "B-1", charge.StatusFault)
	s.run(2 * time.Minute)
	s.open("station.fault A critical 2", "pile.fault B-0 warning", "pile.fault B-1 warning")
	if got := s.reasons(alarm.PileFault); len(got) != 1 || got[0] != "part-of station.fault" {
		t.Errorf("cleared for %v", got)
	}
	s.says(teld, "A-1", charge.StatusIdle)
	s.run(3 * time.Minute)
	s.open("pile.fault A-0 warning", "pile.fault B-0 warning", "pile.fault B-1 warning")
	// A pile that leaves its station, and a party that leaves, leave nothing open.
	s.apply(record.Record{Kind: record.Message, Party: teld, Stations: []record.StationPut{{Station: charge.Station{
		Num: s.num(fmt.Sprint(teld, "A")), Party: teld, ID: "A"}, Removed: true}}})
	for _, p := range s.piles["A"] {
		s.says(teld, p, silence)
	}
	s.run(10 * time.Second)
	s.open("pile.fault B-0 warning", "pile.fault B-1 warning")
	people := newPeople()
	people.remove(teld)
	all, _ := people.Access()
	s.live.SetParties(all)
	s.report = map[string]func(){}
	s.apply(record.Record{Kind: record.PartyGone, Party: teld})
	s.run(10 * time.Second)
	s.open()
	if got := s.reasons(alarm.PileFault); got[0] != alarm.ReasonGone {
		t.Errorf("cleared for %v", got)
	}
}

func TestSilence(t *testing.T) {
	s := newScene(t)
	for i := range 12 {
		s.station(teld, fmt.Sprint("S", i), 4)
	}
	s.station(star, "X", 3)
	s.run(10 * time.Minute)
	s.open()
	// One station: one alarm, five minutes and a bit after its last report.
	s.stationSays(teld, "S0", silence)
	s.run(5 * time.Minute)
	s.open()
	s.run(3 * time.Minute)
	s.open("station.silent S0 warning 4")
	// A station that says of itself that it is offline is no better.
	s.stationSays(teld, "S1", charge.StatusOffline)
	s.run(3 * time.Minute)
	s.open("station.silent S0 warning 4", "station.silent S1 warning 4")
	// The whole operator: one incident, which stands for its stations.
	for i := range 12 {
		s.stationSays(teld, fmt.Sprint("S", i), silence)
	}
	s.run(8 * time.Minute)
	s.open("party.silent warning 48")
	if got := s.reasons(alarm.StationSilent); len(got) != 2 || got[0] != "part-of party.silent" {
		t.Errorf("stations were cleared for %v", got)
	}
	if got := s.raises(alarm.StationSilent); got != 2 {
		t.Errorf("%d stations were raised", got)
	}
	// It comes back station by station: no line for those that take longer.
	for i := range 12 {
		s.stationSays(teld, fmt.Sprint("S", i), charge.StatusIdle)
		s.run(20 * time.Second)
	}
	s.run(time.Minute)
	s.open()
	if got := s.raises(alarm.StationSilent); got != 2 {
		t.Errorf("%d stations were raised", got)
	}
	// A maker whose vehicles are parked one after the other is not silent, one that goes at once is.
	for n := range 20 {
		s.drives(byd, n, 0, 0)
	}
	s.run(time.Hour)
	for n := range 20 {
		delete(s.report, fmt.Sprintf("LNBMDBAH4PA%06d", n))
		s.run(10 * time.Minute)
	}
	s.run(time.Hour)
	s.open()
	for n := range 20 {
		s.drives(byd, n, 0, 0)
	}
	s.run(5 * time.Minute)
	for n := range 20 {
		delete(s.report, fmt.Sprintf("LNBMDBAH4PA%06d", n))
	}
	s.run(6 * time.Minute)
	s.open("party.silent warning 20")
}

// Our own absence is nobody's silence, but who is silent before and after is.
func TestNobodyIsSilentBecauseWeWereAway(t *testing.T) {
	f := func(name string, away func(s *scene), first time.Duration) {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.station(teld, "A", 4)
			s.station(star, "X", 4)
			s.run(10 * time.Minute)
			away(s)
			delete(s.report, "A-0")
			s.stationSays(star, "X", silence)
			s.run(first)
			s.open()
			s.run(8 * time.Minute)
			s.open("party.silent warning 4")
			if a := s.book.View().Open()[0]; a.Party != star {
				t.Errorf("it is party %d", a.Party)
			}
		})
	}
	f("a start", func(s *scene) { s.now += 3600_000; s.begin() }, 5*time.Minute)
	f("a stopped process", func(s *scene) { s.now += 3600_000 }, 5*time.Minute)
	f("a lost broker", func(s *scene) {
		reports := s.report
		s.report = map[string]func(){}
		s.health.BrokerAway, s.health.Absent = true, true
		s.run(20 * time.Minute)
		s.open("own.broker broker critical")
		s.health = alarm.Health{}
		s.report = reports
		s.run(30 * time.Second)
	}, 4*time.Minute)
}

func TestDeadFeeds(t *testing.T) {
	s := newScene(t)
	s.station(teld, "A", 30)
	say := func(status charge.Status, moves bool) {
		for _, pile := range s.piles["A"] {
			s.report[pile] = func() {
				if moves {
					s.moves++
				}
				s.apply(record.Record{Kind: record.Message, Party: teld, Piles: []record.PileItem{{Num: s.num(fmt.Sprint(teld, pile)),
					Verdict: charge.Taken, Report: charge.PileReport{ID: pile, TS: s.now, Status: status, Has: charge.HasEnergy, EnergyKWh: float64(s.moves)}}}})
			}
		}
	}
	say(charge.StatusCharging, true)
	s.run(3 * time.Hour)
	s.open()
	say(charge.StatusIdle, false) // a quiet night
	s.run(12 * time.Hour)
	s.open()
	say(charge.StatusCharging, false)
	s.run(50 * time.Minute)
	s.open()
	s.run(15 * time.Minute)
	s.open("feed.dead warning 30")
	say(charge.StatusCharging, true)
	s.run(10 * time.Minute)
	s.open()
	say(charge.StatusIdle, false)
	s.run(25 * time.Hour)
	s.open("feed.dead warning 30")
	for range 3 { // a start does not make it alive
		s.now += 100_000
		s.begin()
		s.run(15 * time.Minute)
		s.open("feed.dead warning 30")
	}
	if n := s.raises(alarm.FeedDead); n != 2 {
		t.Errorf("raised %d times", n)
	}
	s.begin()
	say(charge.StatusCharging, true)
	s.run(10 * time.Minute)
	s.open()
}

func TestFindingsOfAParty(t *testing.T) {
	s := newScene(t)
	find := func(rule charge.Rule, n uint32, taken int) {
		rec := record.Record{Kind: record.Message, Party: byd, Rules: []record.RuleCount{{Rule: rule, Action: charge.ActFlag, Count: n}}}
		for i := range taken {
			rec.Fleet = append(rec.Fleet, record.VehicleItem{Num: charge.Num(1000 + i), Verdict: charge.Taken, Report: charge.VehicleReport{VIN: fmt.Sprintf("LNBMDBAH4PB%06d", i), TS: s.now}})
		}
		s.apply(rec)
	}
	s.health.Suspects = []alarm.Suspect{{Party: byd, Shift: 1, Votes: 24, Of: 26}, {Party: 99, Votes: 20, Of: 20}}
	s.run(10 * time.Second)
	s.open("party.crs warning 24")
	if d := s.book.View().Open()[0].Detail().En; d != "24 of 26 meetings show positions in GCJ-02 that do not say so" {
		t.Errorf("it reads %s", d)
	}
	s.health.Suspects = nil // as after a start, until meetings are counted again
	s.run(20 * time.Minute)
	s.open("party.crs warning 24")
	s.run(12 * time.Minute)
	s.open()
	find("status.unchanged", 200, 500)
	s.run(10 * time.Second)
	s.open() // less than half
	find("status.unchanged", 200, 200)
	s.run(10 * time.Second)
	s.open("feed.dead warning 500")
	s.begin() // what was counted before a start is taken as it was
	s.run(180 * time.Second)
	find("status.unchanged", 60, 60)
	s.run(140 * time.Second)
	s.open("feed.dead warning 200")
	s.begin()
	find("status.unchanged", 0, 200)
	s.run(320 * time.Second)
	s.open()
}

func TestOwnParts(t *testing.T) {
	s := newScene(t)
	f := func(h alarm.Health, want ...string) {
		t.Helper()
		h.InfluxDropped, h.ShardsDropped = max(h.InfluxDropped, s.health.InfluxDropped), max(h.ShardsDropped, s.health.ShardsDropped)
		s.health = h
		s.run(40 * time.Second)
		s.open(want...)
		s.health = alarm.Health{InfluxDropped: h.InfluxDropped, ShardsDropped: h.ShardsDropped}
		s.run(2 * time.Hour)
		s.open()
	}
	f(alarm.Health{InfluxLag: 59 * time.Second})
	f(alarm.Health{InfluxLag: 61 * time.Second}, "own.influx lag warning 61")
	f(alarm.Health{InfluxLag: time.Hour}, "own.influx lag critical 3600")
	f(alarm.Health{InfluxDropped: 5}, "own.influx refused critical 5")
	f(alarm.Health{SpoolPct: 49})
	f(alarm.Health{SpoolPct: 50}, "own.spool spool warning")
	f(alarm.Health{SpoolPct: 90}, "own.spool spool critical")
	f(alarm.Health{SpoolFull: true}, "own.spool spool critical")
	f(alarm.Health{DiskKnown: true, DiskFree: 11e9})
	f(alarm.Health{DiskKnown: true, DiskFree: 9e9}, "own.disk disk warning 9000")
	f(alarm.Health{DiskKnown: true, DiskFree: 1e9}, "own.disk disk critical 1000")
	f(alarm.Health{ShardsDropped: 2}, "own.history raw critical 2")
	f(alarm.Health{RegistryErr: "disk I/O error"}, "own.registry registry warning")
	f(alarm.Health{RegistryLag: 100_000}, "own.registry registry warning 100000")
	f(alarm.Health{SnapshotAge: 6 * time.Minute}, "own.snapshot snapshot warning 360")
	f(alarm.Health{BrokerAway: true, Absent: true}, "own.broker broker critical")
	f(alarm.Health{ClockJump: -7 * time.Second}, "own.clock clock warning")
	f(alarm.Health{Differences: []alarm.Difference{{Of: "sum teld", Text: "x"}, {Of: "sum teld", Text: "y"},
		{Of: "influx", Text: "z"}}}, "own.account sum teld critical", "own.account influx critical")
	// A first look sees what was lost before it.
	s.begin()
	f(alarm.Health{}, "own.history raw critical 2", "own.influx refused critical 5")
}

// More than fits is counted, in an alarm of its own; incidents still find room.
func TestAlarmsAreBounded(t *testing.T) {
	s := newScene(t)
	lim := alarm.Default()
	lim.MaxOpen, lim.MaxEvents = 50, 20
	s.det = alarm.NewDetector(lim, s.book, world{s.live})
	s.det.Begin(s.now)
	for n := range 80 {
		s.drives(byd, n, 3, 1)
	}
	s.run(3 * time.Minute)
	s.health.BrokerAway = true
	s.run(time.Minute)
	c := s.book.View().Count(func(*alarm.Alarm) bool { return true })
	if c.Rule[alarm.VehicleAlarm] > 50 || c.Rule[alarm.VehicleAlarm] < 48 || c.Rule[alarm.OwnAlarms] != 1 || c.Rule[alarm.OwnBroker] != 1 {
		t.Errorf("open: %v", c.Rule)
	}
	for _, rec := range s.log {
		if len(rec.Alarms) > lim.MaxEvents {
			t.Errorf("%d changes in one look", len(rec.Alarms))
		}
	}
	s.health.BrokerAway = false
	for n := range 80 {
		s.drives(byd, n, 0, 0)
	}
	s.run(10 * time.Minute)
	s.open()
	// However many alarms one party has, there is room for the others'.
	lim.PartyOpen = 30
	s.det = alarm.NewDetector(lim, s.book, world{s.live})
	s.det.Begin(s.now)
	for n := range 80 {
		s.drives(byd, n, 3, 1)
	}
	s.run(3 * time.Minute)
	for n := range 10 {
		s.drives(nio, 100+n, 4, 1<<23)
	}
	s.run(time.Minute)
	of := func(party charge.Num) int {
		return s.book.View().Count(func(a *alarm.Alarm) bool { return a.Party == party }).Open
	}
	if of(byd) != 30 || of(nio) != 10 || of(0) != 1 {
		t.Errorf("%d of one maker, %d of another, %d of our own", of(byd), of(nio), of(0))
	}
}

// A start finds open what was open, and neither raises it again nor clears it.
func TestAlarmsOverAStart(t *testing.T) {
	s := newScene(t)
	s.station(teld, "A", 4)
	s.station(teld, "B", 4)
	s.says(teld, "A-0", charge.StatusFault)
	s.drives(byd, 1, 3, 0)
	s.run(5 * time.Minute)
	s.stationSays(teld, "B", silence)
	s.run(8 * time.Minute)
	open := []string{"pile.fault A-0 warning", "vehicle.alarm LNBMDBAH4PA000001 critical", "station.silent B warning 4"}
	s.open(open...)
	raised := len(s.log)
	for range 3 {
		s.now += 200_000
		s.begin()
		s.run(4 * time.Minute)
		s.open(open...)
	}
	for _, rec := range s.log[raised:] {
		for _, e := range rec.Alarms {
			if e.Op != record.AlarmUpdate {
				t.Errorf("after a start: %+v", e)
			}
		}
	}
}
