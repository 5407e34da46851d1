package account

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// A forced difference of each kind is seen, and named; equal books give none.
func TestDifferences(t *testing.T) {
	total := func() Total {
		return Total{Party: 3, Counts: record.Counts{Account: charge.Account{Received: 10, Taken: 7, Duplicate: 1, History: 1, Rejected: 1},
			Kept: 8, Flagged: 2, Nulls: 1, Missing: 4, OnlineMS: 1000}, Rules: []RuleCount{{charge.RuleDupExact, charge.ActDuplicate, 1}}}
	}
	f := func(what string, found []Difference, want ...string) {
		t.Helper()
		var got []string
		for _, d := range found {
			got = append(got, d.String())
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	compare := func(change func(*Total)) []Difference {
		a := total()
		change(&a)
		return Compare(CheckRegistry, []Total{total()}, []Total{a})
	}

	f("the same", compare(func(*Total) {}))
	f("a party without counts", Compare(CheckRegistry, []Total{total(), {Party: 4}}, []Total{total()}))
	f("one more taken", compare(func(a *Total) { a.Counts.Taken++ }), "registry: taken of party 3 is 8, want 7")
	f("another rule", compare(func(a *Total) { a.Rules[0].Rule = charge.RuleDupConflict }),
		"registry: rule dup.conflict duplicate of party 3 is 1, want 0", "registry: rule dup.exact duplicate of party 3 is 0, want 1")
	f("a delay", compare(func(a *Total) { a.Counts.Delays[2] = 5 }), "registry: delay class 2 of party 3 is 5, want 0")
	if n := len(Compare(CheckRegistry, []Total{total()}, nil)); n != 11 {
		t.Errorf("a party that is missing differs in %d figures, want 11", n)
	}

	f("points", Points{Due: 10, Accepted: 7, Refused: 2, Lost: 1}.Differences())
	f("points lost", Points{Due: 10, Accepted: 7, Refused: 2}.Differences(), "influx: points since the start is 9, want 10")
	f("acknowledged", Acknowledged(7, 7))
	f("acknowledged what is not there", Acknowledged(8, 7), "acknowledged: acknowledgements since the start is 8, want 7")

	b := New()
	b.Apply(&record.Record{Seq: 1, Kind: record.Message, Party: 3, Received: start, Account: total().Counts.Account})
	f("a book", b.Differences())
	b.Apply(&record.Record{Seq: 2, Kind: record.Message, Party: 3, Received: start + BucketMS, Account: charge.Account{Received: 2, Taken: 1}})
	f("a book with a record that does not add up", b.Differences(),
		"sum: received since it was added of party 3 is 12, want 11", "sum: received since the last row of party 3 is 12, want 11",
		"sum: received in five minutes of party 3 is 2, want 1")
}

// Grades at the borders of their table, and never from too little.
func TestGrades(t *testing.T) {
	good := func() Sum {
		return Sum{Counts: record.Counts{Account: charge.Account{Received: 100, Taken: 100}, Kept: 100, OnlineMS: 100 * 60_000,
			Delays: [12]uint64{2: 100}}, Rows: 3, Online: 1}
	}
	f := func(kind charge.PartyKind, change func(*Sum), grade string, score float64, why string) {
		t.Helper()
		s := good()
		change(&s)
		x := Of(kind, &s)
		a := Assess(kind, &s, &x)
		if a.Grade != grade || a.Score.Known != (grade != "") || a.Score.Known && (a.Score.V-score > .01 || score-a.Score.V > .01) ||
			!strings.Contains(a.Why.En, why) || (a.Why.Zh == "") != (why == "") {
			t.Errorf("%q %+v %+v, want %q %v %q", a.Grade, a.Score, a.Why, grade, score, why)
		}
	}

	f(charge.Operator, func(*Sum) {}, "A", 100, "")
	f(charge.Operator, func(s *Sum) { s.Counts.Received, s.Counts.Taken = 99, 99 }, "", 0, "rejected rests on 99 reports")
	f(charge.Operator, func(s *Sum) { s.Counts.OnlineMS = 0 }, "", 0, "missing rests on 0 reports")
	f(charge.Operator, func(s *Sum) { s.Counts.Delays = [12]uint64{} }, "", 0, "timeliness rests on 0")
	f(charge.Operator, func(s *Sum) { s.Counts.Kept = 0 }, "", 0, "accuracy rests on 0")
	f(charge.Operator, func(s *Sum) { s.Rows = 0 }, "A", 100, "")                                 // what is not known is left out
	f(charge.Operator, func(s *Sum) { s.Online = .6 }, "B", 85, "")                               // 15 points of 100
	f(charge.Operator, func(s *Sum) { s.Online, s.Counts.Missing = .6, 20 }, "D", 55, "")         // and 30
	f(charge.Maker, func(s *Sum) { s.Online = 0 }, "A", 100, "")                                  // parked
	f(charge.Maker, func(s *Sum) { s.Counts.Missing = 200 }, "C", 65, "")                         // all of 35
	f(charge.Maker, func(s *Sum) { s.Counts.Missing, s.Counts.History = 200, 198 }, "A", 100, "") // 1 %
	f(charge.Operator, func(s *Sum) { s.Counts.Flagged = 11 }, "B", 87.5, "")                     // half of 25
	f(charge.Operator, func(s *Sum) { s.Counts.Delays = [12]uint64{7: 80, 8: 20} }, "B", 80, "")  // 20 % above 60 s
	f(charge.Operator, func(s *Sum) { s.Counts.Taken, s.Counts.Rejected = 90, 10 }, "A", 90, "")  // all of 10
	f(charge.Operator, func(s *Sum) { s.Counts.Delays = [12]uint64{7: 99, 11: 1} }, "A", 100, "") // just good enough
}

// The bounds of a quantile are certain, however wide they are.
func TestDelayBounds(t *testing.T) {
	f := func(delays [12]uint64, want Delay) {
		t.Helper()
		x := Of(charge.Operator, &Sum{Counts: record.Counts{Delays: delays}})
		if x.P95 != want {
			t.Errorf("p95 of %v is %+v, want %+v", delays, x.P95, want)
		}
	}
	f([12]uint64{}, Delay{})
	f([12]uint64{0: 10}, Delay{Value{0, true}, 0, 0})
	f([12]uint64{1: 20}, Delay{Value{.475, true}, 0, .5})
	f([12]uint64{10: 20}, Delay{Value{3435, true}, 300, 3600})
	f([12]uint64{11: 20}, Delay{Value{3600, true}, 3600, 0})
}

// Quantiles lie inside their class.
func TestQuantiles(t *testing.T) {
	f := func(delays map[int]uint64, q, want float64, known bool) {
		t.Helper()
		var c record.Counts
		for i, n := range delays {
			c.Delays[i] = n
		}
		if got, ok := c.Quantile(q); ok != known || got != want {
			t.Errorf("%v of %v is %v %v, want %v", q, delays, got, ok, want)
		}
	}

	f(nil, .5, 0, false)
	f(map[int]uint64{0: 10}, .99, 0, true)
	f(map[int]uint64{1: 10}, .5, 250, true)
	f(map[int]uint64{2: 100}, .95, 975, true)
	f(map[int]uint64{0: 50, 4: 50}, .5, 0, true)
	f(map[int]uint64{0: 50, 4: 50}, .75, 3500, true)
	f(map[int]uint64{11: 3}, .5, 3600_000, true)
	f(map[int]uint64{10: 4, 11: 1}, .5, 300_000+3300_000*2.5/4, true)
}
