package report

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

func TestLimitsOfAPayload(t *testing.T) {
	f := func(why string, in []byte, reports int, want charge.Rule) {
		t.Helper()
		d := NewDecoder()
		var got charge.Rule
		list, whole := d.Piles(in)
		if whole != nil {
			got, list = whole.Rule, nil
		}
		if got != want || len(list) != reports {
			t.Fatalf("%s: %q and %d reports, want %q and %d", why, got, len(list), want, reports)
		}
	}
	report := `{"id":"S1-1","ts":1795392000000,"status":3}`
	f("1,000 reports", batch(report, 1000), 1000, "")
	f("1,001 reports", batch(report, 1001), 0, charge.RuleTooLarge)
	f("256 KiB", []byte(report+strings.Repeat(" ", MaxBytes-len(report))), 1, "")
	f("a byte more", []byte(report+strings.Repeat(" ", MaxBytes-len(report)+1)), 0, charge.RuleTooLarge)
	f("a report of 256 KiB", []byte(`{"id":"S1-1","x":"`+strings.Repeat("x", MaxBytes-20)+`"}`), 1, "")
	deep := func(n int) []byte {
		return []byte(`{"x":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + `,` + report[1:])
	}
	f("nested 10,000 deep", deep(10_000), 1, "")
	f("nested deeper", deep(10_001), 0, charge.RuleMalformed)
	f("brackets without end", []byte(strings.Repeat("[", MaxBytes)), 0, charge.RuleMalformed)
	f("objects without end", []byte(strings.Repeat(`{"a":`, MaxBytes/5)), 0, charge.RuleMalformed)
}

func TestCleanReportsAllocateNothing(t *testing.T) {
	d := NewDecoder()
	piles, vehicles := batch(onePile, 50), batch(oneVehicle, 50)
	if n := testing.AllocsPerRun(100, func() {
		if list, whole := d.Piles(piles); whole != nil || len(list) != 50 {
			t.Fatal(whole)
		}
		if list, whole := d.Vehicles(vehicles); whole != nil || len(list) != 50 {
			t.Fatal(whole)
		}
	}); n != 0 {
		t.Fatalf("%v allocations for 100 reports", n)
	}
}

func TestLongIDsAreCutInTheHead(t *testing.T) {
	d := NewDecoder()
	list, _ := d.Piles([]byte(`{"id":"a` + strings.Repeat("站", 50000) + `"}`))
	if id := list[0].ID; len(id) == 0 || len(id) > maxHeadID || !utf8.ValidString(id) {
		t.Fatalf("%d bytes: %q", len(id), id)
	}
}

func TestNumbersAreThoseOfStrconv(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		text := strconv.Itoa(r.IntN(2000) - 1000)
		switch r.IntN(5) {
		case 0:
			text = strconv.FormatFloat(math.Float64frombits(r.Uint64()), "efg"[r.IntN(3)], r.IntN(25)-1, 64)
		case 1:
			text = fmt.Sprintf("%d.%d", r.IntN(1e6), r.Uint64()>>r.IntN(64))
		case 2:
			text = fmt.Sprintf("%d.%03de%d", r.IntN(1e6), r.IntN(1000), r.IntN(60)-30)
		case 3:
			text = strconv.FormatUint(r.Uint64()>>r.IntN(64)|1, 10) + strings.Repeat("0", r.IntN(5))
		}
		want, err := strconv.ParseFloat(text, 64)
		if math.IsNaN(want) || strings.Contains(text, "Inf") {
			continue
		}
		s := scanner{b: []byte(text)}
		n, end := s.number(0)
		if end != len(text) {
			t.Fatalf("%s: read %d bytes, %s", text, end, s.why)
		}
		if got, ok := n.float(text); ok != (err == nil) || ok && math.Float64bits(got) != math.Float64bits(want) {
			t.Fatalf("%s: %v, want %v", text, got, want)
		}
		m, w := n.integer(text)
		if u, err := strconv.ParseUint(strings.TrimPrefix(text, "-"), 10, 64); err == nil && (w != isWhole || m != u) {
			t.Fatalf("%s: %d (%d), want %d", text, m, w, u)
		}
	}
}

func TestWholeNumbers(t *testing.T) {
	f := func(text string, want uint64, w whole) {
		t.Helper()
		s := scanner{b: []byte(text)}
		n, _ := s.number(0)
		if m, got := n.integer(text); got != w || w == isWhole && m != want {
			t.Fatalf("%s: %d (%d), want %d (%d)", text, m, got, want, w)
		}
	}
	f("0", 0, isWhole)
	f("0e99999999999", 0, isWhole)
	f("0.000", 0, isWhole)
	f("1.79e12", 1790000000000, isWhole)
	f("5.0", 5, isWhole)
	f("500e-2", 5, isWhole)
	f("501e-2", 0, hasFraction)
	f("0.5", 0, hasFraction)
	f("1e-99999999999", 0, hasFraction)
	f("18446744073709551615", math.MaxUint64, isWhole)
	f("18446744073709551616", 0, tooLarge)
	f("1e19", 1e19, isWhole)
	f("1e20", 0, tooLarge)
	f("1e99999999999", 0, tooLarge)
	f("5.00000000000000000000000000", 5, isWhole)
	f("5.00000000000000000000000001", 0, hasFraction)
	f("1795392000000000000000000e-12", 1795392000000, isWhole)
	f("12345678901234567890123", 0, tooLarge)
}

func TestTimesAreThoseOfTheTimePackage(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 100_000 {
		at := time.UnixMilli(minMillis + r.Int64N(maxMillis-minMillis)).In(time.FixedZone("",
			(r.IntN(2*23*60)-23*60)*60))
		if y := at.Year(); y < 1 || y > 9999 {
			continue
		}
		layout := []string{time.RFC3339, "2006-01-02T15:04:05.000Z07:00",
			"2006-01-02t15:04:05.000000000Z07:00"}[r.IntN(3)]
		text := at.Format(layout)
		if layout == time.RFC3339 {
			at = at.Truncate(time.Second)
		}
		if got, ok := parseTime(text); !ok || int64(got) != at.UnixMilli() {
			t.Fatalf("%s: %d, %v; want %d", text, got, ok, at.UnixMilli())
		}
	}
	f := func(text string, ok bool) {
		t.Helper()
		if _, got := parseTime(text); got != ok {
			t.Fatalf("%q: %v, want %v", text, got, ok)
		}
	}
	f("2026-12-31T23:59:60Z", true)
	f("2026-12-31T23:59:61Z", false)
	f("2026-12-31T23:59:59.Z", false)
	f("2026-12-31T23:59:59+24:00", false)
	f("2026-12-31T23:59:59+08:60", false)
	f("2026-12-31T23:59:59+0800", false)
	f("2026-12-31T23:59:59-00:00", true)
	f("0000-01-01T00:00:00Z", false)
	f("0001-01-01T00:00:00+08:00", false)
	f("9999-12-31T23:59:59-08:00", false)
	f("2026-1-31T23:59:59Z", false)
	f("2026-12-31T23:59:59Z ", false)
	f("２026-12-31T23:59:59Z", false)
	f("2026-12-31T24:00:00Z", false)
	f("1900-02-29T00:00:00Z", false)
	f("2000-02-29T00:00:00Z", true)
}

func TestFeedback(t *testing.T) {
	many := make([]Sample, MaxSamples+5)
	for i := range many {
		many[i] = Sample{Kind: charge.Piles, ID: "X9", TS: 1795392000000, Detail: `pile X9 is not "yours"`,
			Payload: "站" + strings.Repeat("x", 600)}
	}
	f := Feedback{At: 1795392000123, Seq: 8, Counts: charge.Account{Received: 5, Taken: 1, Duplicate: 1, History: 1,
		Rejected: 2},
		Total: charge.Account{Received: 9, Taken: 9}, Rules: []FeedbackRule{{charge.RuleIDUnknown, charge.ActReject,
			25, many}}}
	got := string(AppendFeedback(nil, &f))
	sample := `{"kind":"piles","id":"X9","ts":"2026-11-23T00:00:00.000Z","detail":"pile X9 is not \"yours\"","payload":"站` + strings.Repeat("x", 509) + `"}`
	want := `{"at":"2026-11-23T00:00:00.123Z","seq":8,"received":5,"taken":1,"duplicate":1,"history":1,"rejected":2,` +
		`"total":{"received":9,"taken":9,"duplicate":0,"history":0,"rejected":0},"rules":[{"rule":"id.unknown","action":"reject","count":25,"samples":[` +
		strings.Repeat(sample+",", MaxSamples-1) + sample + `]}]}`
	if got != want {
		t.Fatalf("\n got %s\nwant %s", got, want)
	}
	if cut := CutSample(strings.Repeat("站", 300)); len(cut) > MaxSamplePayload || len(cut) < MaxSamplePayload-3 ||
		!utf8.ValidString(cut) {
		t.Fatalf("%d bytes, valid %v", len(cut), utf8.ValidString(cut))
	}
	if got := string(AppendFeedback(nil, &Feedback{At: 1795392000123})); !strings.HasSuffix(got, `"rules":[]}`) {
		t.Fatal(got)
	}
}
