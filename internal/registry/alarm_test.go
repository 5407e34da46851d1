package registry

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dianchi-platform/dianchi/internal/alarm"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// TestAlarmsAreKeptAsTheBookHasThem applies random events to registry and book,
// in batches of which some come twice, and compares both ways of reading.
func TestAlarmsAreKeptAsTheBookHasThem(t *testing.T) {
	r := open(t, t.TempDir())
	book := alarm.NewBook()
	rnd := rand.New(rand.NewPCG(1, 2))
	ids := []uint64{99}
	var last []*record.Record
	seq := uint64(0)
	for range 60 {
		var batch []*record.Record
		for range 1 + rnd.IntN(5) {
			seq++
			rec := &record.Record{Seq: seq, Kind: record.Alarms, Received: charge.Millis(1000 + seq*10)}
			for i := range 1 + rnd.IntN(3) {
				e := record.AlarmEvent{Op: record.AlarmOp(1 + rnd.IntN(4)), ID: ids[rnd.IntN(len(ids))], Severity: uint8(1 + rnd.IntN(3)),
					Bits: rnd.Uint64(), Level: uint8(rnd.IntN(5)), Count: rnd.Uint32N(9), Text: fmt.Sprint(rnd.IntN(9)), By: "x/1",
					Since: 7, Last: rnd.IntN(2) == 0}
				if e.Op == record.AlarmRaise {
					e.Rule, e.Kind, e.Party, e.Object = alarm.PileFault, record.AlarmPile, charge.Num(rnd.IntN(3)), fmt.Sprint(rnd.IntN(5))
					ids = append(ids, record.AlarmID(seq, i))
				}
				rec.Alarms = append(rec.Alarms, e)
			}
			book.Apply(rec)
			batch = append(batch, rec)
		}
		if err := r.applyBatch(append(slices.Clone(last), batch...)); err != nil {
			t.Fatal(err)
		}
		last = batch
	}
	book.Tick(1, 1)
	want := func(q alarm.Query) (out []string) {
		q.Limit = 1 << 20
		page, _ := book.View().Page(&q)
		for _, a := range page {
			out = append(out, fmt.Sprintf("%+v", *a))
		}
		return out
	}
	show := func(all []*alarm.Alarm) (out []string) {
		for _, a := range all {
			out = append(out, fmt.Sprintf("%+v", *a))
		}
		return out
	}
	loaded := catalog(t, r).Alarms
	slices.SortFunc(loaded, func(a, b *alarm.Alarm) int { return int(int64(b.ID) - int64(a.ID)) })
	if got := show(loaded); !slices.Equal(got, want(alarm.Query{Which: alarm.All})) {
		t.Fatalf("the catalog has\n%v\nwant\n%v", got, want(alarm.Query{Which: alarm.All}))
	}
	for range 50 {
		q := alarm.Query{Which: alarm.All, Limit: 1 + rnd.IntN(10)}
		if rnd.IntN(2) == 0 {
			q.OnlyOf, q.Party = true, charge.Num(rnd.IntN(3))
		}
		if rnd.IntN(2) == 0 {
			q.Severity = alarm.Severity(1 + rnd.IntN(3))
		}
		if rnd.IntN(2) == 0 {
			q.From, q.To = charge.Millis(1000+rnd.IntN(900)), charge.Millis(1900+rnd.IntN(900))
		}
		all := want(q)
		var got []string
		for {
			page, err := r.PastAlarms(t.Context(), &q)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, show(page)...)
			if len(page) < q.Limit {
				break
			}
			q.After = q.At(page[len(page)-1])
		}
		if !slices.Equal(got, all) {
			t.Fatalf("%+v:\n%v\nwant\n%v", q, got, all)
		}
	}
}

// Cleared alarms are kept for 400 days and up to a number; open ones always.
func TestClearedAlarmsAreBounded(t *testing.T) {
	r := open(t, t.TempDir())
	r.cleared, r.trimAfter, r.mostAlarms = 0, 10, 50
	const day = charge.Millis(24 * 60 * 60 * 1000)
	seq, now := uint64(0), 1000*day
	apply := func(e record.AlarmEvent) uint64 {
		t.Helper()
		seq++
		rec := &record.Record{Seq: seq, Kind: record.Alarms, Received: now, Alarms: []record.AlarmEvent{e}}
		if err := r.applyBatch([]*record.Record{rec}); err != nil {
			t.Fatal(err)
		}
		return record.AlarmID(seq, 0)
	}
	raise := func(object string) uint64 {
		return apply(record.AlarmEvent{Op: record.AlarmRaise, Rule: alarm.PileFault, Severity: 2, Kind: record.AlarmPile, Object: object})
	}
	had := func(want int, oldest string) {
		t.Helper()
		all, err := r.PastAlarms(t.Context(), &alarm.Query{Which: alarm.All, Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		open, cleared := 0, 0
		for _, a := range all {
			if a.Cleared == 0 {
				open++
			} else {
				cleared++
			}
		}
		if open != 1 || cleared != want || all[len(all)-2].Object != oldest {
			t.Fatalf("%d open and %d cleared ones, the oldest %s, want 1, %d and %s", open, cleared, all[len(all)-2].Object, want, oldest)
		}
	}
	raise("open")
	pass := func(name string, n int) {
		for i := range n {
			apply(record.AlarmEvent{Op: record.AlarmClear, ID: raise(fmt.Sprintf("%s%d", name, i))})
		}
	}
	pass("a", 20)
	now += 399 * day
	pass("b", 10)
	had(30, "a0")
	now += 2 * day // the first ones are 401 days old
	pass("c", 10)
	had(20, "b0")
	pass("d", 40)
	had(50, "c0") // no more than 50
	now += 399 * day
	pass("e", 10)
	had(50, "d0") // c went by number
	now += 2 * day
	pass("f", 10)
	had(20, "e0") // what went by age makes room for the rest
}
