package report

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// Whatever stood in a party's payload, its feedback is JSON and says it again.
func FuzzFeedback(f *testing.F) {
	f.Add("id.unknown", "X9", `pile X9 is not "yours"`, `{"id":"X9"}`, int64(1795392000000), uint64(2))
	f.Add("", "\x00\xff", "站\u2028\x7f", "\\\"\n</script>", int64(0), uint64(1)<<63)
	f.Fuzz(func(t *testing.T, rule, id, detail, payload string, ts int64, count uint64) {
		if ts < minMillis || ts > maxMillis {
			ts = 0
		}
		fb := Feedback{At: 1795392000123, Seq: count, Counts: charge.Account{Received: count, Taken: count},
			Rules: []FeedbackRule{{charge.Rule(rule), charge.ActReject, 1, []Sample{{Kind: charge.Piles, ID: id,
				TS: charge.Millis(ts), Detail: detail, Payload: CutSample(payload)}}}}}
		var back struct {
			Seq, Received uint64
			Rules         []struct {
				Rule, Action string
				Samples      []struct{ Kind, ID, Detail, Payload string }
			}
		}
		out := AppendFeedback(nil, &fb)
		if err := json.Unmarshal(out, &back); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		valid := func(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
		same := func(what, got, want string) {
			// An encoder may write one U+FFFD for several bad bytes or one for each.
			if strings.ReplaceAll(got, "\uFFFD", "") != strings.ReplaceAll(valid(want), "\uFFFD", "") {
				t.Fatalf("%s is %q, want %q: %s", what, got, want, out)
			}
		}
		r := back.Rules[0]
		same("rule", r.Rule, rule)
		same("id", r.Samples[0].ID, id)
		same("detail", r.Samples[0].Detail, detail)
		same("payload", r.Samples[0].Payload, CutSample(payload))
		if back.Seq != count || back.Received != count || r.Action != "reject" || r.Samples[0].Kind != "piles" ||
			len(CutSample(payload)) > MaxSamplePayload {
			t.Fatalf("%s", out)
		}
	})
}

// rfc3339 is narrower than package time: two digits for hours, a point for fractions, zones under 24 h.
var rfc3339 = regexp.MustCompile(`^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

// What we take for a time is one for package time too, and the same one, but
// for leap seconds, which it does not know.
func FuzzTime(f *testing.F) {
	for _, s := range []string{"2026-11-01T00:00:00Z", "2026-11-01t00:00:00.123456789z", "2026-11-01T00:00:00+08:00",
		"2016-12-31T23:59:60Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999-00:00", "2026-02-29T00:00:00Z", "", "T"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := parseTime(text)
		want, err := time.Parse(time.RFC3339, strings.ToUpper(text))
		if ok && err == nil && charge.Millis(want.UnixMilli()) != got {
			t.Fatalf("%q: %d, want %d", text, got, want.UnixMilli())
		}
		if ok && err != nil && (len(text) < 19 || text[17:19] != "60") {
			t.Fatalf("%q was taken, but %v", text, err)
		}
		if !ok && err == nil && rfc3339.MatchString(text) {
			if ms := want.UnixMilli(); ms >= minMillis && ms <= maxMillis && text[:4] != "0000" {
				t.Fatalf("%q was not taken, but is %v", text, want)
			}
		}
	})
}
