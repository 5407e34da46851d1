package live

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// noon is 2026-11-23 12:00 in Kunming.
var noon = charge.At(time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC))

var (
	regulator = Viewer{Role: charge.RoleRegulator}
	driver    = Viewer{}
)

func testState() *State {
	s := New(Config{}, slog.New(slog.DiscardHandler))
	s.SetParties([]charge.Party{
		{Num: 1, Slug: "teld", Kind: charge.Operator, Name: "特来电"},
		{Num: 2, Slug: "ykc", Kind: charge.Operator, Name: "云快充"},
		{Num: 3, Slug: "nio", Kind: charge.Maker, Name: "蔚来"},
		{Num: 4, Slug: "byd", Kind: charge.Maker, Name: "比亚迪"},
	})
	return s
}

// log is a writer that numbers its records.
type log struct {
	s   *State
	seq uint64
}

func (l *log) apply(r record.Record) {
	l.seq++
	r.Seq = l.seq
	if r.Kind == 0 {
		r.Kind = record.Message
	}
	l.s.Apply(&r)
}

func station(num, party charge.Num, at geo.Point, piles ...charge.Num) charge.Station {
	st := charge.Station{
		Num: num, Party: party, ID: fmt.Sprintf("S%d", num), Name: fmt.Sprintf("站%d", num), Lon: at.Lon, Lat: at.Lat,
	}
	for _, n := range piles {
		st.Piles = append(st.Piles, charge.Pile{Num: n, ID: fmt.Sprintf("P%d", n), Kind: charge.DC, RatedKW: 120})
	}
	return st
}

func (l *log) put(st charge.Station) {
	l.apply(record.Record{Party: st.Party, Stations: []record.StationPut{{Station: st}}})
}

func (l *log) pile(party, num charge.Num, status charge.Status, kw float64, ts charge.Millis) {
	l.apply(record.Record{Party: party, Received: ts, Piles: []record.PileItem{{Num: num, Verdict: charge.Taken,
		Report: charge.PileReport{TS: ts, Status: status, Has: charge.HasPower, PowerKW: kw}}}})
}

var center = geo.Point{Lon: 102.71, Lat: 25.04}

func TestStaleness(t *testing.T) {
	f := func(ts, received, tick time.Duration, want charge.State) {
		t.Helper()
		l := &log{s: testState()}
		l.put(station(1, 1, center, 1))
		l.s.Tick(1, noon)
		l.apply(record.Record{Party: 1, Received: noon.Add(received), Piles: []record.PileItem{{Num: 1, Verdict: charge.Taken,
			Report: charge.PileReport{TS: noon.Add(ts), Status: charge.StatusIdle, Has: charge.HasPower, PowerKW: 7}}}})
		l.s.Tick(2, noon.Add(tick))
		p, ok := l.s.Pile("teld", "P1", driver)
		if !ok || p.State != want {
			t.Fatalf("ts %v, received %v: state at %v is %v, want %v", ts, received, tick, p.State, want)
		}
		o := l.s.Overview()
		if free := o.Piles.Free == 1; free != (want == charge.Free) || (o.PowerKW == 7) != free {
			t.Fatalf("ts %v, received %v: overview at %v is %+v", ts, received, tick, o)
		}
	}
	f(0, 0, 0, charge.Free)
	f(0, 0, 5*time.Minute, charge.Free)
	f(0, 0, 5*time.Minute+time.Millisecond, charge.Offline)
	f(0, time.Minute, 5*time.Minute+time.Millisecond, charge.Offline) // ts is older
	f(time.Minute, 0, 5*time.Minute+time.Millisecond, charge.Offline) // a clock that runs ahead wins nothing
	f(time.Minute, time.Minute, 6*time.Minute, charge.Free)
	f(-10*time.Minute, 0, 0, charge.Offline) // stale when it came
	f(0, 0, 24*time.Hour, charge.Offline)
}

func TestStalenessWithinASecond(t *testing.T) {
	l := &log{s: testState()}
	l.put(station(1, 1, center, 1))
	l.pile(1, 1, charge.StatusIdle, 0, noon+500)
	for ms := charge.Millis(0); ms < 1000; ms += 100 {
		at := noon + 300_000 + ms
		l.s.Tick(uint64(ms)+1, at)
		if got, want := l.s.Overview().Piles.Offline == 1, ms > 500; got != want {
			t.Fatalf("%d ms into the second: stale is %v, want %v", ms, got, want)
		}
	}
}
