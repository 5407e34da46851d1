package ingest

import (
	"fmt"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/alarm"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

const oneVIN = "LNBMDBAH4PA000001"

// vehicle makes the first vehicle send reports in one message, now.
func (s *scene) vehicle(reports ...charge.VehicleReport) {
	num := s.num(oneVIN)
	rec := record.Record{Kind: record.Message, Party: byd, Vehicles: []charge.Vehicle{{Num: num, Party: byd, VIN: oneVIN}}}
	for _, r := range reports {
		r.VIN, r.TS = oneVIN, s.now+r.TS
		rec.Fleet = append(rec.Fleet, record.VehicleItem{Num: num, Verdict: charge.Taken, Report: r})
	}
	s.apply(rec)
}

func level(n uint8, flags uint64) charge.VehicleReport {
	return charge.VehicleReport{Has: charge.HasAlarmLevel | charge.HasAlarms, AlarmLevel: n, Alarms: flags}
}

func flagsOnly(flags uint64) charge.VehicleReport {
	return charge.VehicleReport{Has: charge.HasAlarms, Alarms: flags}
}

// nothing is a report that has neither level nor flags.
func nothing() charge.VehicleReport {
	return charge.VehicleReport{Has: charge.HasSOC | charge.HasState, SOCPct: 50, State: 1}
}

// What a report does not say is not over, before a start and after it.
func TestOnlyAReportEndsAVehicleAlarm(t *testing.T) {
	f := func(name string, first, then charge.VehicleReport, stays bool) {
		for _, restart := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				s := newScene(t)
				s.vehicle(first)
				s.run(10 * time.Second)
				s.open("vehicle.alarm " + oneVIN + " critical")
				was := *s.book.View().Open()[0]
				s.vehicle(then)
				if restart {
					s.begin()
				}
				s.run(2 * time.Minute)
				if !stays {
					s.open()
					return
				}
				s.open("vehicle.alarm " + oneVIN + " critical")
				if a := s.book.View().Find(was.ID); a == nil || a.Since != was.Since || a.Level < 3 {
					t.Errorf("it was %+v, is %+v", was, a)
				}
				s.vehicle(level(0, 0))
				s.run(2 * time.Minute)
				s.open()
				if n := s.raises(alarm.VehicleAlarm); n != 1 {
					t.Errorf("raised %d times", n)
				}
			})
		}
	}
	f("neither level nor flags", level(3, 2), nothing(), true)
	f("flags without a level", level(3, 2), flagsOnly(0), true)
	f("flags 23 and no level", flagsOnly(1<<23), nothing(), true)
	f("level 1", level(3, 2), level(1, 2), false)
	f("the flag falls", flagsOnly(1<<23), flagsOnly(1<<2), false)
}

// A level that was given is not over because flag 23 falls.
func TestALevelOutlivesItsFlag(t *testing.T) {
	s := newScene(t)
	s.vehicle(level(3, 1<<23))
	s.run(10 * time.Second)
	s.vehicle(flagsOnly(0))
	s.run(3 * time.Minute)
	s.open("vehicle.alarm " + oneVIN + " critical")
	for _, a := range s.book.View().Open() {
		if a.Level != 3 || a.Bits != 0 {
			t.Errorf("it is %+v", a)
		}
	}
}

// An alarm that is over before anybody looked is raised once, as it was at its
// worst, and cleared after the usual time.
func TestAlarmBetweenTwoLooks(t *testing.T) {
	at := func(r charge.VehicleReport, ms charge.Millis) charge.VehicleReport { r.TS = ms; return r }
	f := func(name string, worst uint8, flags uint64, reports ...charge.VehicleReport) {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.vehicle(reports...)
			begun := s.now + reports[0].TS
			s.run(10 * time.Second)
			open := s.book.View().Open()
			if len(open) != 1 || open[0].Level != worst || open[0].Bits != flags || open[0].Since != begun {
				t.Fatalf("open: %+v", open)
			}
			s.run(40 * time.Second)
			if len(s.book.View().Open()) != 1 {
				t.Error("cleared too early")
			}
			s.run(40 * time.Second)
			s.open()
			s.run(5 * time.Minute)
			if n, why := s.raises(alarm.VehicleAlarm), s.reasons(alarm.VehicleAlarm); n != 1 || len(why) != 1 || why[0] != alarm.ReasonEnded {
				t.Errorf("raised %d times, cleared for %v", n, why)
			}
		})
	}
	f("thermal event in one message", 4, 1<<23, at(level(4, 1<<23), -20_000), at(level(0, 0), -10_000))
	f("level 2", 2, 0, at(level(2, 0), -10), level(0, 0))
	f("the worst of three", 4, 5, at(level(2, 1), -30_000), at(level(4, 5), -20_000), at(level(2, 1), -10_000), level(0, 0))
	f("flag only", 4, 1<<23, at(flagsOnly(1<<23), -10_000), flagsOnly(0))

	// Of one that is open already the worst is told too.
	s := newScene(t)
	s.vehicle(level(2, 0))
	s.run(20 * time.Second)
	s.open("vehicle.alarm " + oneVIN + " warning")
	s.vehicle(level(4, 0), level(0, 0))
	s.run(10 * time.Second)
	s.open("vehicle.alarm " + oneVIN + " critical")
	s.run(80 * time.Second)
	s.open()
}

// When an alarm began stays over a start, and is not after it was raised.
func TestSinceStaysOverAStart(t *testing.T) {
	s := newScene(t)
	s.station(teld, "A", 4)
	s.says(teld, "A-0", charge.StatusFault)
	s.drives(byd, 1, 3, 0)
	s.run(3 * time.Minute)
	was := map[uint64]charge.Millis{}
	for _, a := range s.book.View().Open() {
		was[a.ID] = a.Since
	}
	s.begin()
	s.drives(byd, 1, 4, 1)
	s.run(3 * time.Minute)
	if len(was) != 2 || len(s.book.View().Open()) != 2 {
		t.Fatalf("%d and %d are open", len(was), len(s.book.View().Open()))
	}
	for _, a := range s.book.View().Open() {
		if a.Since != was[a.ID] || a.Since > a.Raised {
			t.Errorf("%s: since %s, was %s, raised %s", a.Rule, a.Since, was[a.ID], a.Raised)
		}
	}
}

// A vehicle is silent when it sends nothing, not when it sends no level; what
// it sends after it was forgotten raises nothing by itself.
func TestLastKnownCountsFromTheNewestReport(t *testing.T) {
	for _, restart := range []bool{false, true} {
		s := newScene(t)
		s.vehicle(level(3, 0))
		for range 10 {
			s.run(time.Minute)
			s.vehicle(nothing())
		}
		if restart {
			s.begin()
		}
		s.run(4 * time.Minute)
		s.open("vehicle.alarm " + oneVIN + " critical")
		s.run(3 * time.Minute)
		s.open("vehicle.alarm " + oneVIN + " critical last")
		s.run(24 * time.Hour)
		s.open()
		s.vehicle(nothing())
		s.run(time.Minute)
		s.open()
		s.vehicle(level(2, 0))
		s.run(time.Minute)
		s.open("vehicle.alarm " + oneVIN + " warning")
	}
}

// The same from messages, through a kill: what the newest report does not say is
// still wrong, and what was over at once was told.
func TestVehicleAlarmOverACrash(t *testing.T) {
	r := alarmRig(t).open(Catalog{})
	say := func(vin, rest string) string {
		return fmt.Sprintf(`{"vin":%q,"ts":%d,%s}`, vin, time.Now().UnixMilli(), rest)
	}
	brief := "LNBMDBAH4PA000002"
	r.send(byd, charge.Vehicles, "["+say(oneVIN, `"alarmLevel":3`)+"]")
	now := time.Now().UnixMilli()
	r.send(byd, charge.Vehicles, fmt.Sprintf(`[{"vin":%q,"ts":%d,"alarmLevel":4,"alarms":8388608},{"vin":%q,"ts":%d,"alarmLevel":0,"alarms":0}]`,
		brief, now-20_000, brief, now-10_000))
	raised := map[string]*alarm.Alarm{}
	r.eventually(func() bool {
		for _, a := range r.p.Alarms().Open() {
			raised[a.Object] = a
		}
		return len(raised) == 2
	})
	if a := raised[brief]; a.Level != 4 || a.Severity != alarm.Critical {
		t.Errorf("the brief one is %+v", a)
	}
	r.eventually(func() bool { return r.p.Alarms().Find(raised[brief].ID).Cleared != 0 })
	r.send(byd, charge.Vehicles, "["+say(oneVIN, `"socPct":50,"state":1`)+"]")
	cat := booksAt(r.records(), 2, Catalog{})
	r.crash()
	r.open(cat)
	time.Sleep(2500 * time.Millisecond) // two looks, and nothing waits in this rig
	id := raised[oneVIN].ID
	if a := r.p.Alarms().Find(id); a == nil || a.Cleared != 0 || a.Since != raised[oneVIN].Since {
		t.Fatalf("after a crash it is %+v, was %+v", a, raised[oneVIN])
	}
	r.send(byd, charge.Vehicles, "["+say(oneVIN, `"alarmLevel":0`)+"]")
	r.eventually(func() bool { return r.p.Alarms().Find(id).Reason == alarm.ReasonEnded })
}
