package ingest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/alarm"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// alarmRig looks every second and waits for nothing.
func alarmRig(t *testing.T) *rig {
	r := newRig(t)
	r.cfg.Alarms = alarm.Default()
	for i := range r.cfg.Alarms.Rules {
		r.cfg.Alarms.Rules[i].RaiseAfter, r.cfg.Alarms.Rules[i].ClearAfter = 0, 0
	}
	r.cfg.AlarmEvery = time.Second
	return r
}

// openAlarm waits for an open alarm of a rule.
func (r *rig) openAlarm(rule string) (found *alarm.Alarm) {
	r.t.Helper()
	r.eventually(func() bool {
		for _, a := range r.p.Alarms().Open() {
			if a.Rule == rule {
				found = a
			}
		}
		return found != nil
	})
	return found
}

// From a message to an open alarm, through a crash to an acknowledgement,
// through another to its end: raised once, and nothing of it is lost.
func TestAlarmOverCrashes(t *testing.T) {
	r := alarmRig(t).open(Catalog{})
	r.send(teld, charge.Stations, stationJSON("S1", "", "A"))
	r.send(teld, charge.Piles, pileJSON("A", time.Now(), 255, 0))
	raised := r.openAlarm(alarm.PileFault)
	if raised.Object != "A" || raised.Station != "S1" || raised.Party != teld {
		t.Fatalf("raised %+v", raised)
	}
	books := func() Catalog { return booksAt(r.records(), 2, Catalog{}) }
	cat := books()
	r.crash()
	r.open(cat)
	if a := r.p.Alarms().Find(raised.ID); a == nil || *a != *raised {
		t.Fatalf("after a crash it is %+v, was %+v", a, raised)
	}
	acked, err := r.p.AckAlarm(t.Context(), raised.ID, "teld/o1", "已派人")
	if err != nil || acked.Note != "已派人" || acked.AckedBy != "teld/o1" || acked.State() != alarm.Acked {
		t.Fatalf("acknowledged: %+v, %v", acked, err)
	}
	// The second crash finds a snapshot with the alarm in it.
	if err := r.p.commit.snapshotNow(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.crash()
	r.open(cat)
	if a := r.p.Alarms().Find(raised.ID); a == nil || *a != *acked {
		t.Fatalf("after a second crash it is %+v, was %+v", a, acked)
	}
	time.Sleep(2500 * time.Millisecond) // two looks: it is in fault still, and nothing is raised again
	r.send(teld, charge.Piles, pileJSON("A", time.Now(), 1, 0))
	r.eventually(func() bool { return len(r.p.Alarms().Open()) == 0 })
	if a := r.p.Alarms().Find(raised.ID); a.Cleared == 0 || a.Reason != alarm.ReasonEnded || a.Note != "已派人" {
		t.Fatalf("cleared %+v", a)
	}
	if _, err := r.p.AckAlarm(t.Context(), raised.ID, "x", ""); charge.CodeOf(err) != charge.Conflict {
		t.Errorf("acknowledging a cleared one: %v", err)
	}
	if _, err := r.p.AckAlarm(t.Context(), 12345, "x", ""); charge.CodeOf(err) != charge.NotFound {
		t.Errorf("acknowledging none: %v", err)
	}
	var ops []record.AlarmOp
	for _, rec := range r.records() {
		for _, e := range rec.Alarms {
			ops = append(ops, e.Op)
		}
	}
	if want := []record.AlarmOp{record.AlarmRaise, record.AlarmAck, record.AlarmClear}; !slices.Equal(ops, want) {
		t.Errorf("the log has %v, want %v", ops, want)
	}
}

// The registry's list is enough when there is no snapshot and the log is gone.
func TestAlarmsFromTheRegistry(t *testing.T) {
	kept := []*alarm.Alarm{
		{ID: 5, Rule: alarm.OwnDisk, Severity: alarm.Warning, Kind: record.AlarmPlatform, Object: "disk", Raised: 5},
		{ID: 4, Rule: alarm.PileFault, Severity: alarm.Warning, Party: teld, Kind: record.AlarmPile, Object: "A", Raised: 3, Cleared: 4},
	}
	r := alarmRig(t).open(Catalog{Position: 9, Alarms: kept})
	for _, want := range kept {
		if a := r.p.Alarms().Find(want.ID); a == nil || a.Rule != want.Rule {
			t.Errorf("%d is %+v", want.ID, a)
		}
	}
	// Nothing of it is wrong any more, so it is cleared.
	r.eventually(func() bool { a := r.p.Alarms().Find(5); return a != nil && a.Cleared != 0 })
}

// A replica begins with the sections and follows the records: at every revision
// it has the same book.
func TestAlarmSectionsLeadAReplica(t *testing.T) {
	r := alarmRig(t).open(Catalog{})
	r.send(teld, charge.Stations, stationJSON("S1", "", "A", "B"))
	r.send(teld, charge.Piles, pileJSON("A", time.Now(), 255, 0))
	r.openAlarm(alarm.PileFault)
	copied := alarm.NewBook()
	err := r.p.LiveSections(t.Context(), func(name string, seq uint64, body []byte) error {
		if len(name) > 6 && name[:6] == alarm.SectionPrefix {
			return copied.LoadSection(name, seq, body)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	r.send(teld, charge.Piles, pileJSON("B", time.Now(), 255, 0))
	r.eventually(func() bool { return len(r.p.Alarms().Open()) == 2 })
	for _, rec := range r.records() {
		copied.Apply(rec)
	}
	copied.Tick(1, 1)
	show := func(v *alarm.View) (out []string) {
		for _, a := range v.Open() {
			out = append(out, fmt.Sprintf("%+v", *a))
		}
		return out
	}
	if got, want := show(copied.View()), show(r.p.Alarms()); !slices.Equal(got, want) {
		t.Errorf("the copy has\n%v\nwant\n%v", got, want)
	}
}

// Of two who acknowledge an alarm within a second each is told so, and the last
// one's word stays.
func TestTwoAcknowledgeAtATime(t *testing.T) {
	r := alarmRig(t).open(Catalog{})
	r.send(teld, charge.Stations, stationJSON("S1", "", "A"))
	r.send(teld, charge.Piles, pileJSON("A", time.Now(), 255, 0))
	id := r.openAlarm(alarm.PileFault).ID
	var wg sync.WaitGroup
	defer wg.Wait()
	for i := range 5 {
		wg.Go(func() {
			a, err := r.p.AckAlarm(t.Context(), id, fmt.Sprint("teld/", i), "")
			if err != nil || a == nil || a.State() != alarm.Acked {
				t.Errorf("acknowledged: %+v, %v", a, err)
			}
		})
		time.Sleep(3 * time.Millisecond)
	}
}
