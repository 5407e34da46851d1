package live

import (
	"log/slog"
	"slices"
	"testing"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/city"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

type testSection struct {
	name string
	seq  uint64
	body []byte
}

// sections takes a snapshot; between its sections it lets more happen.
func sections(t testing.TB, s *State, more func()) []testSection {
	t.Helper()
	var out []testSection
	err := s.Snapshot(func(name string, seq uint64, body []byte) error {
		out = append(out, testSection{name, seq, slices.Clone(body)})
		if name != sectionHead { // as the commit loop may, while a section waits to be written
			more()
		}
		return nil
	}, more)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func load(t testing.TB, s *State, from []testSection) (least uint64) {
	t.Helper()
	least = ^uint64(0)
	for _, x := range from {
		if err := s.LoadSection(x.name, x.seq, x.body); err != nil {
			t.Fatal(err)
		}
		least = min(least, x.seq)
	}
	return least
}

// all compares a pair from every side.
func (p *pair) all(c *randomCity) {
	p.t.Helper()
	p.sums()
	p.objects()
	p.heat(c)
	p.queries(c)
}

func TestLoadedStateEqualsTheOriginal(t *testing.T) {
	for seed := range uint64(3) {
		c := newRandomCity(100 + seed)
		p := newPair(t, c)
		for range 300 {
			p.apply(c.record())
			if c.chance(0.2) {
				p.tick(c)
			}
		}
		p.tick(c)
		back := &pair{t, New(Config{}, slog.New(slog.DiscardHandler)), p.m}
		load(t, back.s, sections(t, p.s, func() {}))
		back.all(c) // at once, with the parties from the snapshot
		if r, at := back.s.Rev(); r != c.rev || at != c.now {
			t.Fatalf("loaded revision is %d at %v, want %d at %v", r, at, c.rev, c.now)
		}
		for range 200 { // and it goes on like the original
			r := c.record()
			p.apply(r)
			back.s.Apply(r)
			if c.chance(0.2) {
				p.tick(c)
				back.s.Tick(c.rev, c.now)
			}
		}
		back.all(c)
		again := New(Config{}, slog.New(slog.DiscardHandler))
		load(t, again, sections(t, back.s, func() {}))
		(&pair{t, again, p.m}).sums()
	}
}

func TestOldRecordsChangeNothing(t *testing.T) {
	c := newRandomCity(9)
	p := newPair(t, c)
	var journal []*record.Record
	for range 300 {
		r := c.record()
		journal = append(journal, r)
		p.apply(r)
	}
	p.tick(c)
	back := &pair{t, New(Config{}, slog.New(slog.DiscardHandler)), p.m}
	load(t, back.s, sections(t, p.s, func() {}))
	c.Shuffle(len(journal), func(i, j int) { journal[i], journal[j] = journal[j], journal[i] })
	for _, r := range journal {
		back.s.Apply(r)
	}
	back.all(c)
}

func TestReplayOverASnapshotThatTookTime(t *testing.T) {
	for seed := range uint64(8) {
		c := newRandomCity(200 + seed)
		p := newPair(t, c)
		var journal []*record.Record
		more := func(n int) {
			for range n {
				r := c.record()
				if c.chance(0.05) {
					r = &record.Record{Seq: r.Seq, Kind: record.Totals, Rows: p.s.Totals(c.now)}
				}
				journal = append(journal, r)
				p.apply(r)
			}
		}
		more(300)
		p.tick(c)
		taken := sections(t, p.s, func() { more(c.IntN(40)) })
		more(50)

		back := &pair{t, New(Config{}, slog.New(slog.DiscardHandler)), p.m}
		back.s.SetParties(c.parties)
		least := load(t, back.s, taken)
		from := least
		if c.chance(0.5) { // a replay may begin earlier than it must
			from = uint64(c.IntN(int(least)))
		}
		for _, r := range journal {
			if r.Seq > from {
				back.s.Apply(r)
			}
		}
		if got := back.s.Applied(); got != c.seq {
			t.Fatalf("applied up to %d, want %d", got, c.seq)
		}
		p.tick(c)
		back.s.Tick(c.rev, c.now)
		back.all(c)
	}
}

func TestLoadSectionRefusesDamage(t *testing.T) {
	f := func(name string, body string) {
		t.Helper()
		if err := testState().LoadSection(name, 1, []byte(body)); err == nil {
			t.Fatalf("section %q with %q loads", name, body)
		}
	}
	f("head", "")
	f("head", "{}")
	f("head", `{"Version":2}`)
	f("stations/0", "")
	f("stations/0", "\xff\xff\xff\xff")
	f("piles/x", "\x00\x00\x00\x00")
	f("piles/0", "\x00\x00\x00\x00")
	f("vehicles/-1", "")
	f("weather", "")
	f("", "")
}

func FuzzLoadSection(f *testing.F) {
	c := newRandomCity(1)
	s := testState()
	for range 100 {
		s.Apply(c.record())
	}
	s.Tick(1, noon)
	for _, x := range sections(f, s, func() {}) {
		f.Add(x.name, x.body)
	}
	small := city.Kunming()
	small.Bounds = small.BuiltUp // makes a State faster
	f.Fuzz(func(t *testing.T, name string, body []byte) {
		s := New(Config{City: small}, slog.New(slog.DiscardHandler))
		if s.LoadSection(name, 1, body) == nil { // whatever it was, the state must be sound
			s.Tick(1, noon)
			c := s.Overview().Piles
			if c.Free+c.InUse+c.Reserved+c.Fault+c.Offline != c.Total {
				t.Fatalf("%+v do not add up", c)
			}
		}
	})
}

func TestPartyGoneStaysGoneOverASnapshot(t *testing.T) {
	l := &log{s: testState()}
	l.put(station(1, 1, center, 1))
	l.apply(record.Record{Kind: record.PartyGone, Party: 1})
	back := testState()
	load(t, back, sections(t, l.s, func() {}))
	(&log{s: back, seq: l.seq}).put(station(2, 1, center, 2)) // a message that was on its way
	if o := back.Overview(); o.Stations != 0 || o.Piles != (charge.PileCounts{}) {
		t.Fatalf("a removed party came back: %+v", o)
	}
}
