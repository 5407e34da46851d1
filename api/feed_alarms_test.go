package api

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/alarm"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// watched is what a viewer makes of the frames of one alarms channel.
type watched struct {
	rev    string
	alarms map[string]map[string]any
	counts any
}

func (s *watched) take(t *testing.T, f *frameIn) {
	t.Helper()
	var d struct {
		Alarms, Changed []map[string]any
		Removed         []string
		Counts          any
		Truncated       *bool
	}
	b, _ := json.Marshal(f.Data)
	if err := json.Unmarshal(b, &d); err != nil || d.Counts == nil || d.Truncated == nil {
		t.Fatalf("%s: %v", f.raw, err)
	}
	if f.Full {
		s.alarms = map[string]map[string]any{}
		d.Changed = d.Alarms
	}
	for _, a := range d.Changed {
		s.alarms[a["id"].(string)] = a
	}
	for _, id := range d.Removed {
		delete(s.alarms, id)
	}
	s.rev, s.counts = f.Rev, d.Counts
}

// TestAlarmsFeed changes alarms at random while a regulator and two parties
// watch, one of whom goes and comes back. In the end each holds what GET says.
func TestAlarmsFeed(t *testing.T) {
	w := newWorld(t)
	w.tick()
	r := rand.New(rand.NewPCG(3, 4))
	type viewer struct {
		who string
		c   *client
		s   watched
	}
	read := func(v *viewer, until string) {
		t.Helper()
		for {
			f := v.c.next()
			if f.Error != nil {
				t.Fatal(f.raw)
			}
			if f.Ch != "" {
				v.s.take(t, &f)
			}
			if until == "" && f.Ch != "" || until != "" && f.Op == "query" {
				return
			}
		}
	}
	var viewers []*viewer
	for _, who := range []string{"t-regulator", "t-teld", "t-byd"} {
		v := &viewer{who: who, c: w.dial(who)}
		v.c.chans[map[string]string{"t-regulator": "a+", "t-teld": "a@teld", "t-byd": "a@byd"}[who]] = &channelState{}
		v.c.send(`{"op":"sub","id":"a","feed":"alarms"}`)
		if f := v.c.next(); f.Op != "sub" || f.Error != nil {
			t.Fatal(f.raw)
		}
		viewers = append(viewers, v)
	}
	w.tick()
	for _, v := range viewers {
		read(v, "")
	}
	var ids []uint64
	away := viewers[1]
	for i := range 60 {
		for range r.IntN(3) {
			switch e := (record.AlarmEvent{Severity: uint8(2 + r.IntN(2)), Count: r.Uint32N(9)}); r.IntN(4) {
			case 0, 1:
				e.Op, e.Rule, e.Party, e.Object = record.AlarmRaise, alarm.PileFault, charge.Num(1+r.IntN(2)), fmt.Sprint("P", r.IntN(9))
				if r.IntN(4) == 0 {
					e.Rule, e.Party, e.Object = alarm.VehicleAlarm, byd, vin(charge.Num(r.IntN(5)))
				}
				ids = append(ids, w.event(e))
			default:
				if len(ids) > 0 {
					e.Op, e.ID = record.AlarmOp(2+r.IntN(3)), ids[r.IntN(len(ids))]
					w.event(e)
				}
			}
		}
		switch i {
		case 20:
			away.c.conn.Close()
		case 40:
			away.c = w.dial(away.who)
			away.c.chans["a@teld"] = &channelState{}
			away.c.send(`{"op":"sub","id":"a","feed":"alarms","rev":{"a@teld":%q}}`, away.s.rev)
			f := away.c.next()
			for ; f.Ch == ""; f = away.c.next() {
			}
			if f.Full {
				t.Errorf("a viewer that was away for 20 revisions gets everything anew: %s", f.raw)
			}
			away.s.take(t, &f)
		}
		w.tick()
		time.Sleep(2 * time.Millisecond)
	}
	time.Sleep(50 * time.Millisecond)
	for _, v := range viewers {
		v.c.send(`{"op":"query","id":"q","near":[0,0]}`)
		read(v, "query")
		got := w.get("/api/v1/alarms?limit=1000", v.who).json(t)
		want := map[string]map[string]any{}
		for _, a := range got["alarms"].([]any) {
			want[a.(map[string]any)["id"].(string)] = a.(map[string]any)
		}
		if !reflect.DeepEqual(v.s.alarms, want) || !reflect.DeepEqual(v.s.counts, got["counts"]) {
			t.Errorf("%s holds %v %v\nwant %v %v", v.who, v.s.alarms, v.s.counts, want, got["counts"])
		}
		if len(want) == 0 {
			t.Errorf("%s has nothing to see", v.who)
		}
		for _, f := range v.c.frames {
			if v.who == "t-teld" && (strings.Contains(f.raw, "ykc") || strings.Contains(f.raw, "LNBMDB")) {
				t.Errorf("teld reads %s", f.raw)
			}
		}
	}
}

func TestAlarmsFeedIsForRoles(t *testing.T) {
	w := newWorld(t)
	w.tick()
	for _, who := range []string{"", "t-driver"} {
		c := w.dial(who)
		c.send(`{"op":"sub","id":"a","feed":"alarms"}`)
		if f := c.next(); f.Error == nil || f.Error.Code != "role-missing" {
			t.Errorf("as %q: %s", who, f.raw)
		}
	}
}

// A thousand are told, with the count of all; what is pushed out by worse ones
// is removed, and comes back.
func TestAlarmsFeedIsBounded(t *testing.T) {
	w := newWorld(t)
	for i := range maxAlarms + 20 {
		w.event(record.AlarmEvent{Op: record.AlarmRaise, Rule: alarm.PileFault, Party: teld, Object: fmt.Sprint("P", i)})
	}
	w.tick()
	c := w.dial("t-regulator")
	c.chans["a+"] = &channelState{}
	c.send(`{"op":"sub","id":"a","feed":"alarms"}`)
	c.next()
	w.tick()
	var s watched
	f := c.next()
	s.take(t, &f)
	if len(s.alarms) != maxAlarms || !strings.Contains(f.raw, `"truncated":true`) || !strings.Contains(f.raw, `"open":1020`) {
		t.Fatalf("%d alarms: %.300s", len(s.alarms), f.raw)
	}
	worse := w.event(record.AlarmEvent{Op: record.AlarmRaise, Rule: alarm.VehicleAlarm, Severity: 3, Party: byd, Object: vin(1), Level: 4})
	w.tick()
	f = c.next()
	s.take(t, &f)
	if len(s.alarms) != maxAlarms || s.alarms[alarm.IDString(worse)] == nil || f.Full {
		t.Fatalf("%d alarms after %.300s", len(s.alarms), f.raw)
	}
	w.event(record.AlarmEvent{Op: record.AlarmClear, ID: worse, Text: alarm.ReasonEnded})
	w.tick()
	f = c.next()
	if s.take(t, &f); len(s.alarms) != maxAlarms || s.alarms[alarm.IDString(worse)] != nil {
		t.Fatalf("%d alarms after %.300s", len(s.alarms), f.raw)
	}
}
