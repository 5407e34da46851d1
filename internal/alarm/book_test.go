package alarm

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

const noon = charge.Millis(1795406400000)

// slow is the obvious book: every event in a list, read anew for each question.
type slow struct{ log []record.Record }

func (s *slow) all() (out []Alarm) {
	for _, rec := range s.log {
		for i, e := range rec.Alarms {
			switch e.Op {
			case record.AlarmRaise:
				if !slices.ContainsFunc(out, func(a Alarm) bool {
					return a.Cleared == 0 && a.Rule == e.Rule && a.Party == e.Party && a.Object == e.Object
				}) {
					out = append(out, Alarm{ID: record.AlarmID(rec.Seq, i), Rule: e.Rule, Severity: Severity(e.Severity), Party: e.Party,
						Kind: e.Kind, Object: e.Object, Station: e.Station, Name: e.Name, Level: e.Level, Bits: e.Bits, Count: e.Count,
						Total: e.Total, Last: e.Last, Text: e.Text, Since: e.Since, Raised: rec.Received, Updated: rec.Received})
				}
			case record.AlarmUpdate, record.AlarmAck, record.AlarmClear:
				for j := range out {
					a := &out[j]
					if a.ID != e.ID || a.Cleared != 0 {
						continue
					}
					switch e.Op {
					case record.AlarmUpdate:
						a.Severity, a.Station, a.Name, a.Level, a.Bits = Severity(e.Severity), e.Station, e.Name, e.Level, e.Bits
						a.Count, a.Total, a.Last, a.Text, a.Since, a.Updated = e.Count, e.Total, e.Last, e.Text, e.Since, rec.Received
					case record.AlarmAck:
						a.Acked, a.AckedBy, a.Note = rec.Received, e.By, e.Text
					case record.AlarmClear:
						a.Cleared, a.Updated, a.Reason = rec.Received, rec.Received, e.Text
					}
				}
			}
		}
	}
	return out
}

func (s *slow) page(q *Query) (out []Alarm) {
	for _, a := range s.all() {
		if (q.Which == IsOpen) == (a.Cleared == 0) || q.Which == All {
			if q.Passes(&a) {
				out = append(out, a)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Alarm) int {
		switch q.Which {
		case IsOpen:
			return cmp.Or(cmp.Compare(b.rank(), a.rank()), cmp.Compare(b.Raised, a.Raised), cmp.Compare(b.ID, a.ID))
		case Recent:
			return cmp.Or(cmp.Compare(b.Cleared, a.Cleared), cmp.Compare(b.ID, a.ID))
		}
		return cmp.Compare(b.ID, a.ID)
	})
	return out
}

// randomLog makes events that mostly fit, and some that do not.
func randomLog(r *rand.Rand, n int) (log []record.Record) {
	ids := []uint64{7}
	at := noon
	for seq := uint64(1); len(log) < n; seq += 1 + uint64(r.IntN(3)) {
		at += charge.Millis(r.IntN(3) * 500)
		rec := record.Record{Seq: seq, Kind: record.Alarms, Received: at}
		for i := range 1 + r.IntN(4) {
			e := record.AlarmEvent{Op: record.AlarmOp(1 + r.IntN(5)), ID: ids[r.IntN(len(ids))], Severity: uint8(1 + r.IntN(3)),
				Level: uint8(r.IntN(5)), Count: r.Uint32N(9), Text: fmt.Sprint(r.IntN(9)), By: "x", Since: at, Last: r.IntN(2) == 0}
			if e.Op == record.AlarmRaise {
				rule := table()[r.IntN(4)]
				e.Rule, e.Kind, e.Party, e.Object = rule.ID, rule.Kind, charge.Num(r.IntN(3)), fmt.Sprint(r.IntN(6))
				ids = append(ids, record.AlarmID(seq, i))
			}
			rec.Alarms = append(rec.Alarms, e)
		}
		log = append(log, rec)
	}
	return log
}

// TestBookIsWhatTheEventsSay compares with the slow book, through restarts from
// sections and from the registry's lists, and over records that come again.
func TestBookIsWhatTheEventsSay(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 1))
		b, s := NewBook(), &slow{}
		for i, rec := range randomLog(r, 200) {
			b.Apply(&rec)
			s.log = append(s.log, rec)
			if i%7 == 0 {
				b.Apply(&s.log[r.IntN(len(s.log))]) // once more
			}
			switch r.IntN(40) {
			case 0:
				next := NewBook()
				next.Load(nil, 3) // a registry that is behind
				err := b.Now().Sections(func(name string, seq uint64, body []byte) error { return next.LoadSection(name, seq, body) })
				if err != nil {
					t.Fatal(err)
				}
				b = next
			case 1:
				next := NewBook()
				var all []*Alarm
				for _, a := range s.all() {
					all = append(all, &a)
				}
				r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
				next.Load(all, rec.Seq)
				b = next
			}
			b.Tick(uint64(i), rec.Received)
		}
		v := b.View()
		for range 100 {
			q := Query{Which: Which(r.IntN(3)), Limit: 1 + r.IntN(20)}
			if r.IntN(3) == 0 {
				q.OnlyOf, q.Party = true, charge.Num(r.IntN(3))
			}
			if r.IntN(3) == 0 {
				q.Rule = table()[r.IntN(4)].ID
			}
			if r.IntN(3) == 0 {
				q.Severity = Severity(1 + r.IntN(3))
			}
			if r.IntN(4) == 0 {
				q.From, q.To = noon+charge.Millis(r.IntN(50_000)), noon+charge.Millis(50_000+r.IntN(50_000))
			}
			var got []Alarm
			for more := true; more; {
				var page []*Alarm
				page, more = v.Page(&q)
				for _, a := range page {
					got = append(got, *a)
				}
				if more {
					var err error
					if q.After, err = ParseCursor(q.At(page[len(page)-1]).String(), q.Which); err != nil {
						t.Fatal(err)
					}
				}
			}
			if want := s.page(&q); !reflect.DeepEqual(got, want) {
				t.Fatalf("seed %d, %+v:\ngot  %+v\nwant %+v", seed, q, got, want)
			}
		}
		for _, a := range s.all() {
			if got := v.Find(a.ID); got == nil || *got != a {
				t.Fatalf("Find %d = %+v, want %+v", a.ID, got, a)
			}
		}
		c := v.Count(func(a *Alarm) bool { return a.Party == 1 })
		want := s.page(&Query{OnlyOf: true, Party: 1})
		if c.Open != len(want) || c.Severity[1]+c.Severity[2]+c.Severity[3] != len(want) {
			t.Fatalf("counts %+v, want %d", c, len(want))
		}
	}
}

func TestViewsStayAsTheyWere(t *testing.T) {
	b := NewBook()
	at := noon
	raise := func(seq uint64, object string) uint64 {
		b.Apply(&record.Record{Seq: seq, Kind: record.Alarms, Received: at, Alarms: []record.AlarmEvent{
			{Op: record.AlarmRaise, Rule: PileFault, Party: 1, Object: object, Severity: 2}}})
		return record.AlarmID(seq, 0)
	}
	first := raise(1, "a")
	if len(b.View().Open()) != 0 {
		t.Fatal("readers see what no revision has closed")
	}
	b.Tick(1, at)
	v := b.View()
	b.Tick(2, at)
	if w := b.View(); w.Version != v.Version || w.Rev != 2 {
		t.Fatalf("nothing changed, and the version is %d after %d", w.Version, v.Version)
	}
	b.Apply(&record.Record{Seq: 2, Kind: record.Alarms, Received: at + 1, Alarms: []record.AlarmEvent{{Op: record.AlarmClear, ID: first, Text: ReasonEnded}}})
	second := raise(3, "a")
	b.Tick(3, at)
	if len(v.Open()) != 1 || v.Open()[0].ID != first || v.Open()[0].Cleared != 0 {
		t.Fatalf("an old view has %+v", v.Open())
	}
	if w := b.View(); len(w.Open()) != 1 || w.Open()[0].ID != second || w.Find(first).Cleared == 0 {
		t.Fatalf("the new view has %+v", w.Open())
	}
}

func TestRecentOnesAreBounded(t *testing.T) {
	b := NewBook()
	seq := uint64(0)
	apply := func(events ...record.AlarmEvent) {
		seq++
		b.Apply(&record.Record{Seq: seq, Kind: record.Alarms, Received: noon + charge.Millis(seq), Alarms: events})
	}
	for i := range 3*MaxRecent + 5 {
		apply(record.AlarmEvent{Op: record.AlarmRaise, Rule: PileFault, Party: 1, Object: fmt.Sprint(i), Severity: 2})
		apply(record.AlarmEvent{Op: record.AlarmClear, ID: record.AlarmID(seq, 0), Text: ReasonEnded})
	}
	b.Tick(1, noon)
	q := Query{Which: Recent, Limit: 3 * MaxRecent}
	page, more := b.View().Page(&q)
	if len(page) != MaxRecent || more || page[0].Object != fmt.Sprint(3*MaxRecent+4) || len(b.recent) > 2*MaxRecent {
		t.Fatalf("%d recent ones, the newest of %s, %d held", len(page), page[0].Object, len(b.recent))
	}
}

func TestIDsAndCursors(t *testing.T) {
	for _, id := range []uint64{1, 35, 36, 1 << 52, 1<<64 - 1} {
		if got, ok := ParseID(IDString(id)); !ok || got != id {
			t.Errorf("%d is %s and comes back as %d", id, IDString(id), got)
		}
	}
	for _, bad := range []string{"", "A", "1", "a1", "A01", "AZ", "A-1", "A1 ", "A3w5e11264sgsg", "A00000000000000"} {
		if id, ok := ParseID(bad); ok {
			t.Errorf("%q is taken for %d", bad, id)
		}
	}
	for _, bad := range []string{"x", "0.1.1", "1.1.1.1", "0.1.1.0", "0.1.1.1.1", "0.-1.1.1", "0.1.1.zzzzzzzzzzzzzzzzzz"} {
		if _, err := ParseCursor(bad, IsOpen); charge.CodeOf(err) != charge.ValueRange {
			t.Errorf("cursor %q: %v", bad, err)
		}
	}
}

func FuzzLoadSection(f *testing.F) {
	b := NewBook()
	for _, rec := range randomLog(rand.New(rand.NewPCG(1, 1)), 20) {
		b.Apply(&rec)
	}
	_ = b.Now().Sections(func(_ string, _ uint64, body []byte) error { f.Add(body); return nil })
	f.Add([]byte(`[null]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		b := NewBook()
		if b.LoadSection(SectionPrefix+"0", 1, body) != nil {
			return
		}
		b.Tick(1, noon)
		b.View().Page(&Query{Which: All, Limit: 10})
		_ = b.View().Count(func(*Alarm) bool { return true })
	})
}
