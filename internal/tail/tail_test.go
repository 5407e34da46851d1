package tail

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// message is a record of party 1; rule "" met none.
func message(seq uint64, at charge.Millis, rule charge.Rule) *record.Record {
	r := &record.Record{Kind: record.Message, Seq: seq, Party: 1, Payload: charge.Piles, Received: at,
		Account: charge.Account{Received: 1, Taken: 1}}
	if rule != "" {
		r.Rules = []record.RuleCount{{Rule: rule, Action: charge.ActReject, Count: 2}}
	}
	return r
}

func messages(t *testing.T, b *Book, party charge.Num, after uint64) []Message {
	t.Helper()
	list, err := b.Messages(t.Context(), party, after)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestMessagesAreOfTheirPartyAndAfter(t *testing.T) {
	b := New()
	b.Apply(message(5, 1000, ""))
	r := message(7, 2000, charge.RuleIDUnknown)
	b.Apply(r, Sample{Rule: charge.RuleIDUnknown, Action: charge.ActReject, ID: "X9", Payload: "{}"})
	b.Apply(message(7, 2000, "")) // twice
	f := func(party charge.Num, after uint64, want ...uint64) {
		t.Helper()
		var got []uint64
		for _, m := range messages(t, b, party, after) {
			got = append(got, m.Seq)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("party %d after %d: %v, want %v", party, after, got, want)
		}
	}
	f(1, 0, 5, 7)
	f(1, 5, 7)
	f(1, 6, 7)
	f(1, 7)
	f(2, 0)
	if got := messages(t, b, 1, 6)[0].Samples; len(got) != 1 || got[0].ID != "X9" || got[0].At != 2000 {
		t.Errorf("samples %+v", got)
	}
	b.Apply(&record.Record{Kind: record.PartyGone, Seq: 8, Party: 1})
	f(1, 0)
}

// Who asks all the time never sees a message without its samples: who asks for
// what came after it would not see them any more.
func TestAMessageComesWithItsSamples(t *testing.T) {
	b := New()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for seq := range uint64(20_000) {
			b.Apply(message(seq+1, charge.Millis(seq+1)*100, charge.RuleIDUnknown),
				Sample{Rule: charge.RuleIDUnknown, Action: charge.ActReject, ID: "X9", Payload: "{}"})
		}
	}()
	for ended := false; !ended; {
		select {
		case <-done:
			ended = true
		default:
		}
		if list := messages(t, b, 1, 0); len(list) > 0 && len(list[len(list)-1].Samples) == 0 {
			t.Fatalf("message %d has no samples", list[len(list)-1].Seq)
		}
	}
}

func TestAFloodIsBounded(t *testing.T) {
	b := New()
	seq := uint64(0)
	for second := range charge.Millis(100) {
		for i := range 500 {
			seq++
			r := message(seq, 1000*(second+1), "")
			if i%2 == 0 {
				r = message(seq, 1000*(second+1), charge.Rule(fmt.Sprint("rule", i)))
			}
			var five []Sample
			for _, c := range r.Rules {
				s := Sample{Rule: c.Rule, Action: c.Action, Detail: strings.Repeat("é", maxDetail)}
				five = []Sample{s, s, s, s, s}
			}
			b.Apply(r, five...)
		}
	}
	list := messages(t, b, 1, 0)
	samples, told := 0, uint64(0)
	for _, m := range list {
		samples += len(m.Samples)
		told += 1 + m.Skipped
		for _, s := range m.Samples {
			if len(s.Detail) > maxDetail+3 || !utf8.ValidString(s.Detail) {
				t.Fatalf("detail of %d bytes", len(s.Detail))
			}
		}
	}
	if len(list) != MaxMessages || samples != MaxSamples {
		t.Errorf("%d messages with %d samples, want %d and %d", len(list), samples, MaxMessages, MaxSamples)
	}
	if span := list[len(list)-1].Seq - list[0].Seq; told < span {
		t.Errorf("told of %d messages of %d", told, span)
	}
	met, _ := b.Met(t.Context(), 1)
	if len(met) != MaxRules {
		t.Errorf("%d rules, want %d", len(met), MaxRules)
	}
	for _, m := range met {
		if m.Count != 200 || m.First != 1000 || m.Last != 100_000 || len(m.Samples) != Examples {
			t.Fatalf("%s: %d from %d to %d with %d examples", m.Rule, m.Count, m.First, m.Last, len(m.Samples))
		}
	}
}

func TestRulesSurviveASnapshot(t *testing.T) {
	b := New()
	r := message(3, 5000, charge.RuleIDUnknown)
	b.Apply(r, Sample{Rule: charge.RuleIDUnknown, Action: charge.ActReject, Kind: charge.Piles, ID: "X9", TS: 4000,
		Detail: "no such pile", Payload: `{"id":"X9"}`})
	seq, body, err := b.Section()
	if err != nil || seq != 3 {
		t.Fatalf("seq %d, %v", seq, err)
	}
	c := New()
	if err := c.LoadSection(seq, body); err != nil {
		t.Fatal(err)
	}
	want, _ := b.Met(t.Context(), 1)
	if got, _ := c.Met(t.Context(), 1); !reflect.DeepEqual(got, want) || len(got) != 1 {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	c.Apply(r) // replayed: it is in the section
	c.Apply(message(4, 9000, charge.RuleIDUnknown))
	if got, _ := c.Met(t.Context(), 1); got[0].Count != 4 || got[0].First != 5000 || got[0].Last != 9000 {
		t.Errorf("after the replay %+v", got[0])
	}
	if err := c.LoadSection(1, []byte("{")); err == nil {
		t.Error("a torn section was taken")
	}
}

func BenchmarkApply(b *testing.B) {
	b.ReportAllocs()
	book := New()
	seq := uint64(0)
	r := message(0, 0, "")
	for b.Loop() {
		seq++
		r.Seq, r.Received = seq, charge.Millis(seq) // a thousand messages a second
		book.Apply(r)
	}
}
