package account

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"testing"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

const start = charge.Millis(1795392000000)

// day is a log of messages over two days, with the quality rows in between
// that a platform would write: slow, obvious sums of what came since the last.
type day struct {
	*rand.Rand
	log   []*record.Record
	now   charge.Millis
	since map[charge.Num]*record.Counts
}

func newDay(seed uint64) *day {
	return &day{Rand: rand.New(rand.NewPCG(seed, 5)), now: start, since: map[charge.Num]*record.Counts{}}
}

func (d *day) add(r *record.Record) {
	r.Seq = uint64(len(d.log)) + 1
	d.log = append(d.log, r)
}

func (d *day) step() {
	before := d.now
	d.now += charge.Millis(d.IntN(240_000))
	if t := d.now - d.now%BucketMS; t > before {
		row := &record.Record{Kind: record.Quality, Received: t}
		if d.IntN(8) == 0 {
			row.Kind = record.Passed
		}
		for num := charge.Num(1); num <= 3; num++ {
			if n := d.since[num]; n != nil {
				row.Quality = append(row.Quality, record.QualityRow{Party: num, T: t, Counts: *n,
					Objects: uint32(d.IntN(5)), Online: uint32(d.IntN(2))})
				*n = record.Counts{}
			}
		}
		d.add(row)
	}
	r := &record.Record{Kind: record.Message, Party: 1 + charge.Num(d.IntN(3)), Received: d.now - charge.Millis(d.IntN(400_000)),
		Missing: d.Uint32N(3), OnlineMS: d.Uint64N(90_000)}
	for range 1 + d.IntN(4) {
		r.Account.Count(charge.Verdict(1+d.IntN(4)), 1)
		r.Delays[d.IntN(len(r.Delays))]++
		r.Fleet = append(r.Fleet, record.VehicleItem{Flagged: d.IntN(3) == 0})
	}
	for range d.IntN(3) {
		rule := charge.Rule(fmt.Sprint("rule.", d.IntN(3)))
		if d.IntN(20) == 0 {
			rule = charge.Rule(fmt.Sprint("rare.", d.IntN(1000)))
		}
		r.Rules = append(r.Rules, record.RuleCount{Rule: rule, Action: charge.Action(1 + d.IntN(5)), Count: 1 + d.Uint32N(3)})
	}
	n := d.since[r.Party]
	if n == nil {
		n = new(record.Counts)
		d.since[r.Party] = n
	}
	add(n, r)
	d.add(r)
	if d.IntN(10) == 0 {
		d.add(&record.Record{Kind: record.Totals})
	}
}

// add counts a message one report at a time.
func add(n *record.Counts, r *record.Record) {
	n.Received += r.Account.Received
	n.Taken += r.Account.Taken
	n.Duplicate += r.Account.Duplicate
	n.History += r.Account.History
	n.Rejected += r.Account.Rejected
	for _, it := range r.Fleet {
		n.Kept++
		if it.Flagged {
			n.Flagged++
		}
	}
	for _, it := range r.Piles {
		n.Kept++
		if it.Flagged {
			n.Flagged++
		}
	}
	for _, rule := range r.Rules {
		if rule.Action == charge.ActNull {
			n.Nulls += uint64(rule.Count)
		}
	}
	n.Missing += uint64(r.Missing)
	n.OnlineMS += r.OnlineMS
	for i, k := range r.Delays {
		n.Delays[i] += uint64(k)
	}
}

// sum looks at every record ever.
func (d *day) sum(num charge.Num, now charge.Millis, buckets int) Sum {
	s := Sum{To: now}
	from := now - now%BucketMS - charge.Millis(max(buckets, 1)-1)*BucketMS
	if buckets == 0 {
		from = now - now%BucketMS - 287*BucketMS
	} else {
		s.From = from
	}
	rules := map[ruleKey]uint64{}
	shares := map[charge.Millis]float64{}
	for _, r := range d.log {
		for _, w := range r.Quality {
			if r.Kind == record.Quality && w.Party == num && w.T > from && w.T <= now && w.Objects > 0 {
				shares[w.T] = float64(w.Online) / float64(w.Objects)
			}
		}
		if r.Party != num {
			continue
		}
		s.Last = max(s.Last, r.Received)
		if buckets == 0 || r.Received >= from {
			add(&s.Counts, r)
			for _, x := range r.Rules {
				rules[ruleKey{x.Rule, x.Action}] += uint64(x.Count)
			}
		}
	}
	for i := 0; i < Buckets; i++ { // in the order of the ring, so that floats are the same
		for t, share := range shares {
			if slot(t-BucketMS) == i {
				s.Rows++
				s.Online += share
			}
		}
	}
	if s.Rows > 0 {
		s.Online /= float64(s.Rows)
	}
	s.Rules = sorted(rules)
	return s
}

// fold counts rules as a window does that cannot tell all of them apart.
func fold(rules []RuleCount) (names int, sum uint64) {
	for _, r := range rules {
		sum += r.Count
	}
	return len(rules), sum
}

// Whatever comes, and wherever the power goes between sections of a snapshot:
// the Book says what a look at all records says.
func TestBookAgainstModel(t *testing.T) {
	for seed := range uint64(6) {
		d := newDay(seed)
		for range 2000 {
			d.step()
		}
		b := New()
		next := 0 // of d.log
		for next < len(d.log) {
			for n := d.IntN(400); n > 0 && next < len(d.log); n-- {
				b.Apply(d.log[next])
				next++
			}
			at := &day{log: d.log[:next]}
			now := start
			for _, r := range at.log {
				now = max(now, r.Received)
			}
			for num := charge.Num(1); num <= 4; num++ {
				for _, buckets := range []int{1, 12, Buckets, 0} {
					got, want := b.Sum(num, now, buckets), at.sum(num, now, buckets)
					if n, sum := fold(got.Rules); n >= ruleBound-1 {
						if m, all := fold(want.Rules); sum != all || n > m {
							t.Fatalf("seed %d: rules of %d add up to %d, want %d", seed, num, sum, all)
						}
						got.Rules, want.Rules = nil, nil
					}
					if !reflect.DeepEqual(got, want) {
						t.Fatalf("seed %d, %d records, party %d, %d buckets:\n%+v, want\n%+v", seed, next, num, buckets, got, want)
					}
				}
			}
			if found := b.Differences(); len(found) > 0 {
				t.Fatalf("seed %d: %+v", seed, found)
			}
			// The power goes while a snapshot is written; some records more are in
			// later sections, or in the registry, than in the first.
			least, back := next, New()
			type part struct {
				name string
				seq  uint64
				body []byte
			}
			var parts []part
			if err := b.Sections(func(name string, seq uint64, body []byte) error {
				parts = append(parts, part{name, seq, slices.Clone(body)})
				for n := d.IntN(5); n > 0 && next < len(d.log); n-- {
					b.Apply(d.log[next])
					next++
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if d.IntN(2) == 0 {
				all, seq := b.Totals()
				back.Start(all, seq)
			}
			for _, p := range parts {
				if err := back.LoadSection(p.name, p.seq, p.body); err != nil {
					t.Fatal(err)
				}
			}
			for _, r := range d.log[d.IntN(least+1):next] { // may repeat what sections cover
				back.Apply(r)
			}
			b = back
		}
	}
}

// Rows made from a Book hold every report once, whether the record that has
// them comes at once, late or never, and whether more comes meanwhile.
func TestRowsHaveEverythingOnce(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	b := New()
	var sent, told uint64
	var waiting []*record.Record
	seq := uint64(0)
	apply := func(rec *record.Record) { seq++; rec.Seq = seq; b.Apply(rec) }
	for i := range 5000 {
		switch n := r.IntN(10); {
		case n < 7:
			apply(&record.Record{Kind: record.Message, Party: 1, Received: start, Account: charge.Account{Received: 3, Taken: 3}})
			sent += 3
		case n == 7:
			waiting = append(waiting, &record.Record{Kind: record.Quality, Quality: b.Rows(start + charge.Millis(i)*BucketMS)})
		case len(waiting) > 0:
			rec := waiting[0]
			waiting = waiting[1:]
			if r.IntN(4) == 0 {
				rec.Kind = record.Passed
			}
			for _, w := range rec.Quality {
				told += w.Counts.Received
			}
			apply(rec)
		}
	}
	for _, rec := range waiting {
		for _, w := range rec.Quality {
			told += w.Counts.Received
		}
		apply(rec)
	}
	for _, w := range b.Rows(start) {
		told += w.Counts.Received
	}
	if told != sent {
		t.Fatalf("rows have %d reports, %d were sent", told, sent)
	}
}

// The bounds that book.go states, with more rules than there are.
func TestBookIsBounded(t *testing.T) {
	b := New()
	seq := uint64(0)
	fill := func() {
		for i := range 3 * Buckets {
			rec := &record.Record{Kind: record.Message, Party: 1, Received: start + charge.Millis(i)*BucketMS,
				Account: charge.Account{Received: 1 << 20, Taken: 1 << 20}, OnlineMS: 1 << 33}
			for k := range rec.Delays {
				rec.Delays[k] = 1 << 17
			}
			for k := range 200 {
				rec.Rules = append(rec.Rules, record.RuleCount{Rule: charge.Rule(fmt.Sprint("rule.number", k)), Action: charge.ActFlag, Count: 1 << 20})
			}
			seq++
			rec.Seq = seq
			b.Apply(rec)
		}
	}
	fill()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	size := 0
	if err := b.Sections(func(_ string, _ uint64, body []byte) error { size = max(size, len(body)); return nil }); err != nil {
		t.Fatal(err)
	}
	b = nil
	runtime.GC()
	runtime.ReadMemStats(&after)
	if used := int64(before.HeapAlloc) - int64(after.HeapAlloc); used > 400_000 || used < 50_000 {
		t.Errorf("a party takes %d bytes, the stated bound is 400 kB", used)
	}
	if size > 250_000 {
		t.Errorf("a section takes %d bytes, the stated bound is 250 kB", size)
	}
}

func FuzzLoadSection(f *testing.F) {
	d := newDay(1)
	for range 300 {
		d.step()
	}
	b := New()
	for _, r := range d.log {
		b.Apply(r)
	}
	if err := b.Sections(func(name string, _ uint64, body []byte) error { f.Add(slices.Clone(body)); return nil }); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		a := New()
		if a.LoadSection(SectionPrefix+"1", 7, body) != nil {
			return
		}
		sections := func(b *Book) (all [][]byte) {
			if err := b.Sections(func(_ string, _ uint64, body []byte) error { all = append(all, slices.Clone(body)); return nil }); err != nil {
				t.Fatal(err)
			}
			return all
		}
		first, again := sections(a), New()
		for _, s := range first[1:] {
			if err := again.LoadSection(SectionPrefix+"1", 7, s); err != nil {
				t.Fatal(err)
			}
		}
		if !reflect.DeepEqual(sections(again), first) {
			t.Fatal("a section loaded and written again has another meaning")
		}
	})
}

func BenchmarkApply(b *testing.B) {
	book := New()
	rec := &record.Record{Kind: record.Message, Party: 1, Received: start, Account: charge.Account{Received: 50, Taken: 50}}
	rec.Fleet = make([]record.VehicleItem, 50)
	rec.Delays[3] = 50
	rec.Rules = []record.RuleCount{{Rule: charge.RuleSentinel, Action: charge.ActNull, Count: 1}}
	b.ReportAllocs()
	for b.Loop() {
		rec.Seq++
		rec.Received += 100
		book.Apply(rec)
	}
}

// BenchmarkSections writes the accounts of 40 parties with a day each, as the
// committer does between records every 30 s.
func BenchmarkSections(b *testing.B) {
	book := New()
	seq := uint64(0)
	for i := range Buckets {
		for num := range charge.Num(40) {
			rec := &record.Record{Kind: record.Message, Party: 1 + num, Received: start + charge.Millis(i)*BucketMS,
				Account: charge.Account{Received: 300_000, Taken: 300_000}, OnlineMS: 1 << 30, Missing: 100}
			for k := range rec.Delays {
				rec.Delays[k] = 10_000
			}
			for k := range 10 {
				rec.Rules = append(rec.Rules, record.RuleCount{Rule: charge.Rule(fmt.Sprint("rule.", k)), Action: charge.ActFlag, Count: 100})
			}
			seq++
			rec.Seq = seq
			book.Apply(rec)
		}
	}
	size := 0
	b.ReportAllocs()
	for b.Loop() {
		size = 0
		if err := book.Sections(func(_ string, _ uint64, body []byte) error { size += len(body); return nil }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(size)/40, "B/party")
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/40, "µs/party")
}
