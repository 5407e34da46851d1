package live

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"reflect"
	"testing"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// TestMomentIsWhatLiveSays keeps a moment after many ticks of random cities,
// reads it back, and compares it with what live says there, all of it.
func TestMomentIsWhatLiveSays(t *testing.T) {
	revisions := 80
	if testing.Short() {
		revisions = 10
	}
	box := geo.Box{West: 102.69, South: 25.02, East: 102.74, North: 25.06}
	shown := map[string]int{}
	for seed := range uint64(2) {
		c := newRandomCity(4100 + seed)
		p := newPair(t, c)
		for range revisions {
			for range 2 + c.IntN(8) {
				p.apply(c.record())
			}
			c.now += 1000
			if c.chance(0.05) {
				c.now += 100_000 // a silence, after which objects are stale
			}
			p.tick(c)
			at := c.now - c.now%300_000
			kept, err := p.s.Moment(at)().Encode()
			if err != nil {
				t.Fatal(err)
			}
			m, err := DecodeMoment(kept)
			if err != nil {
				t.Fatal(err)
			}
			compareRows(t, m, p.s, at)
			for layer := range layers {
				for res := MinRes; res <= MomentRes; res++ {
					for _, b := range []*geo.Box{nil, &box} {
						for _, seesAll := range []bool{false, true} {
							who := Viewer{}
							if seesAll && layer.OfPiles() {
								who = regulator
							}
							want := cellMap(p.s.Heat(layer, res, b, who))
							got := cellMap(m.Heat(layer, res, b, seesAll))
							if !maps.Equal(got, want) {
								t.Fatalf("seed %d, revision %d: %v at %d (regulator %v) is kept as %v, was %v",
									seed, c.rev, layer, res, seesAll, got, want)
							}
							shown[layer.String()] += len(got)
						}
					}
				}
			}
			if finer := m.Heat(LayerFree, MomentRes+1, nil, true); finer != nil {
				t.Fatalf("finer cells than are kept: %v", finer)
			}
		}
	}
	for layer := range layers {
		if shown[layer.String()] == 0 {
			t.Errorf("%v was empty all the time", layer)
		}
	}
}

// compareRows holds a moment's figures against live, and against the 5-minute
// rows that InfluxDB gets of the same tick.
func compareRows(t *testing.T, m *Moment, s *State, at charge.Millis) {
	t.Helper()
	f := func(what string, got, want any) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%s is kept as %+v, was %+v", what, got, want)
		}
	}
	f("the time", m.T, at)
	f("overview", m.Overview, s.Overview())
	f("operators", m.Operators, append([]OperatorRow(nil), s.Operators()...))
	f("makers", m.Makers, append([]MakerRow(nil), s.Makers()...))
	f("districts", m.Districts, s.Districts())
	for _, row := range s.Totals(at) {
		switch row.Scope {
		case record.ScopeCity:
			f("the city's row", []any{m.Overview.Piles, m.Overview.Vehicles, m.Overview.PowerKW}, []any{row.Piles, row.Vehicles, row.PowerKW})
		case record.ScopeOperator:
			for _, o := range m.Operators {
				if o.ID == row.ID {
					f("an operator's row", []any{o.Piles, o.PowerKW}, []any{row.Piles, row.PowerKW})
				}
			}
		}
	}
}

// A moment keeps nothing that names an object.
func TestMomentNamesNobody(t *testing.T) {
	c := newRandomCity(7)
	p := newPair(t, c)
	for range 200 {
		p.apply(c.record())
	}
	c.now += 1000
	p.tick(c)
	m := p.s.Moment(c.now - c.now%300_000)()
	for i := range m.heat {
		for l := range firstPiles {
			for j, v := range m.heat[i].values[l] {
				if v != 0 && v < leastShown || m.heat[i].all[l][j] != v {
					t.Fatalf("%v: cell %s keeps %d, and %d for regulators", Layer(l), m.heat[i].cells[j], v, m.heat[i].all[l][j])
				}
			}
		}
	}
}

// smallMoment is a moment of a random city.
func smallMoment(seed uint64, records int) *Moment {
	c := newRandomCity(seed)
	s := New(Config{}, slog.New(slog.DiscardHandler))
	s.SetParties(c.parties)
	for range records {
		s.Apply(c.record())
	}
	s.Tick(c.rev+1, c.now+1000)
	return s.Moment(c.now - c.now%300_000)()
}

func TestTornMomentsAreNone(t *testing.T) {
	whole, err := smallMoment(9, 100).Encode()
	if err != nil {
		t.Fatal(err)
	}
	f := func(what string, b []byte) {
		t.Helper()
		if m, err := DecodeMoment(b); err == nil {
			t.Errorf("%s is read as %+v", what, m)
		}
	}

	f("nothing", nil)
	f("a half", whole[:len(whole)/2])
	f("all but the end", whole[:len(whole)-1])
	for at := 20; at < len(whole); at += len(whole) / 50 {
		turned := bytes.Clone(whole)
		turned[at] ^= 0x10
		f(fmt.Sprintf("one with byte %d turned", at), turned)
	}
}

func FuzzDecodeMoment(f *testing.F) {
	whole, err := smallMoment(9, 100).Encode()
	if err != nil {
		f.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(whole))
	if err != nil {
		f.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"v":1,"heat":[{"res":8,"cells":[1],"values":{"free":[1]}}]}`))
	f.Add([]byte(`{"v":1,"heat":[{"res":5,"cells":[581109487465660415,0]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write(text)
		z.Close()
		m, err := DecodeMoment(b.Bytes())
		if err != nil {
			return
		}
		again, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := DecodeMoment(again)
		if err != nil || !reflect.DeepEqual(m, back) {
			t.Fatalf("%+v reads back as %+v (%v)", m, back, err)
		}
	})
}

// BenchmarkMoment takes the moment of a city of 12,000 stations, as the writer
// does each five minutes, and packs it.
func BenchmarkMoment(b *testing.B) {
	s := newBigCity().s
	b.Run("take", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.Moment(noon)
		}
	})
	b.Run("order", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			b.StopTimer()
			order := s.Moment(noon)
			b.StartTimer()
			order()
		}
	})
	b.Run("encode", func(b *testing.B) {
		m := s.Moment(noon)()
		b.ReportAllocs()
		for b.Loop() {
			body, err := m.Encode()
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(len(body)), "B/moment")
		}
	})
}
