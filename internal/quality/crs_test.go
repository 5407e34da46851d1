package quality

import (
	"bytes"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

func TestShiftOf(t *testing.T) {
	at := geo.Point{Lon: 102.712, Lat: 25.04}
	f := func(why string, station geo.Point, shift int8, ok bool) {
		t.Helper()
		if s, is := limits().ShiftOf(station, at); s != shift || is != ok {
			t.Errorf("%s: %d, %v; want %d, %v", why, s, is, shift, ok)
		}
	}
	f("there", at, 0, true)
	f("at its other end", geo.Offset(at, 149, 0), 0, true)
	f("between", geo.Offset(at, 0, 180), 0, false)
	f("station in GCJ-02", geo.ToGCJ02(at), 1, true)
	f("and at its other end", geo.Offset(geo.ToGCJ02(at), 0, 149), 1, true)
	f("station shifted back", geo.FromGCJ02(at), -1, true)
	f("as far, but another way", geo.Offset(at, 361, 0), 0, false)
}

func TestMeetingAt(t *testing.T) {
	station := geo.Point{Lon: 102.7, Lat: 25}
	f := func(why string, eastM, speed float64, age time.Duration, apart, ok bool) {
		t.Helper()
		var m VehicleMemory
		p := geo.Offset(station, eastM, 0)
		r := charge.VehicleReport{VIN: vin, TS: noon, Has: charge.HasPosition | charge.HasSpeed, Lon: p.Lon, Lat: p.Lat,
			SpeedKMH: speed}
		JudgeVehicle(&m, &r, VehicleFacts{}, noon, limits(), new(Findings))
		if _, far, is := limits().MeetingAt(station, &m, noon.Add(age)); far > 0 != apart || is != ok {
			t.Errorf("%s: %v m, %v", why, far, is)
		}
	}
	f("there", 10, 0, 0, false, true)
	f("3 min ago", 10, 0, 3*time.Minute, false, true)
	f("longer ago", 10, 0, 3*time.Minute+time.Second, false, false)
	f("after", 10, 0, -4*time.Minute, false, false)
	f("it moves", 10, 6, 0, false, false)
	f("too far for anything", 1001, 0, 0, true, true)
	f("a bit off", 999, 0, 0, false, false)
	if _, _, ok := limits().MeetingAt(station, new(VehicleMemory), noon); ok {
		t.Error("a vehicle that never said where it is was met")
	}
}

// town is some operators (1, 2, …) whose piles meet vehicles of makers (11, 12, …).
type town struct {
	Meetings
	car charge.Num
}

// meet lets n different vehicles of a maker charge at an operator's piles.
func (w *town) meet(operator, maker charge.Num, n int, shift int8) {
	for range n {
		w.car++
		w.Add(Meeting{Operator: operator, Maker: maker, Pile: w.car, Vehicle: w.car, Shift: shift}, noon)
	}
}

func TestSuspects(t *testing.T) {
	f := func(why string, fill func(w *town), want ...Suspect) {
		t.Helper()
		var w town
		fill(&w)
		var back Meetings
		if err := back.Decode(w.Append(nil)); err != nil {
			t.Fatal(err)
		}
		for _, s := range []*Meetings{&w.Meetings, &back} {
			got := s.Suspects(noon, limits())
			if len(got) != len(want) {
				t.Fatalf("%s: %+v, want %+v", why, got, want)
			}
			for i := range got {
				if got[i] != want[i] || s.Off(want[i].Party) != want[i].Shift {
					t.Fatalf("%s: %+v, want %+v", why, got, want)
				}
			}
		}
	}
	f("nothing is known", func(*town) {})
	f("all is right", func(w *town) { w.meet(1, 11, 30, 0); w.meet(2, 12, 30, 0); w.meet(1, 12, 30, 0) })
	f("an operator", func(w *town) { w.meet(1, 11, 10, 1); w.meet(1, 12, 10, 1) },
		Suspect{Party: 1, Shift: 1, Votes: 20, Of: 20})
	f("too few", func(w *town) { w.meet(1, 11, 10, 1); w.meet(1, 12, 9, 1) })
	f("80 %", func(w *town) { w.meet(1, 11, 12, 1); w.meet(1, 12, 12, 1); w.meet(1, 13, 6, 0) },
		Suspect{Party: 1, Shift: 1, Votes: 24, Of: 30})
	f("less", func(w *town) { w.meet(1, 11, 12, 1); w.meet(1, 12, 12, 1); w.meet(1, 13, 7, 0) })
	f("two who met nobody else", func(w *town) { w.meet(1, 11, 30, 1) })
	f("a maker", func(w *town) {
		w.meet(1, 11, 10, -1)
		w.meet(2, 11, 10, -1)
		w.meet(1, 12, 10, 0)
		w.meet(2, 12, 10, 0)
	},
		Suspect{Party: 11, Shift: 1, Votes: 20, Of: 20})
	f("a maker that charges mostly at an operator that is off", func(w *town) {
		w.meet(1, 11, 30, 1)
		w.meet(1, 12, 10, 1)
		w.meet(2, 11, 5, 0)
		w.meet(2, 12, 10, 0)
	}, Suspect{Party: 1, Shift: 1, Votes: 40, Of: 40})
	f("both ways", func(w *town) {
		w.meet(1, 11, 20, 1)
		w.meet(1, 12, 20, 1)
		w.meet(2, 13, 20, 1)
		w.meet(3, 13, 20, 1)
		w.meet(2, 11, 20, 0)
		w.meet(3, 12, 20, 0)
	}, Suspect{Party: 1, Shift: 1, Votes: 40, Of: 40}, Suspect{Party: 13, Shift: -1, Votes: 40, Of: 40})
	f("the same two again and again", func(w *town) {
		for range 30 {
			w.car = 0
			w.meet(1, 11, 5, 1)
			w.meet(1, 12, 5, 1)
		}
	})
	f("put right", func(w *town) {
		w.meet(1, 11, 32, 1)
		w.meet(1, 12, 32, 1)
		w.meet(1, 11, 32, 0)
		w.meet(1, 12, 32, 0)
	})
	f("a party that left", func(w *town) { w.meet(1, 11, 20, 1); w.meet(1, 12, 20, 1); w.Drop(1) })
}

func TestMeetingsGrowOldAndStaySmall(t *testing.T) {
	var w town
	w.meet(1, 11, 20, 1)
	w.meet(1, 12, 20, 1)
	if s := w.Suspects(noon.Add(24*time.Hour), limits()); len(s) != 1 {
		t.Errorf("after a day: %+v", s)
	}
	if s := w.Suspects(noon.Add(24*time.Hour+time.Second), limits()); len(s) != 0 || w.Off(1) != 0 {
		t.Errorf("after more than a day: %+v", s)
	}
	for i := range charge.Num(3 * maxCells) {
		w.meet(100+i, 50, 100, 0)
	}
	if n := len(w.Append(nil)); len(w.cells) != maxCells || n > maxCells*(12+cellVotes*10) {
		t.Errorf("%d pairs, %d bytes", len(w.cells), n)
	}
}

func FuzzMeetings(f *testing.F) {
	var w town
	f.Add(w.Append(nil))
	w.meet(1, 11, 3, 1)
	w.meet(2, 12, 40, -1)
	f.Add(w.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		var s, again Meetings
		if s.Decode(b) != nil {
			return
		}
		s.Suspects(noon, limits())
		if err := again.Decode(s.Append(nil)); err != nil || !bytes.Equal(again.Append(nil), s.Append(nil)) {
			t.Fatalf("%x came back otherwise, %v", b, err)
		}
	})
}
