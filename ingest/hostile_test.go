package ingest

import (
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/account"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/quality"
)

var update = flag.Bool("update", false, "rewrite the wanted outcomes in testdata/hostile")

// hostile is one bad payload. In a file of testdata/hostile it is three lines:
//
//	== what is wrong with it
//	KIND PAYLOAD
//	-> VERDICTS: ACTION RULE, ACTION RULE, …
//
// VERDICTS are how many were rejected, taken and so on, without the number if
// it is one. In the payload «id» and «vin» are a pile and a VIN of the case's
// own, «ts» is now in epoch milliseconds and «rfc» in RFC 3339, «ts-2h» and
// «rfc+1m» that much off, «100*x» is x a hundred times, «=ff00» are bytes.
type hostile struct {
	file       string
	line       int
	kind       charge.Payload
	sentence   string
	text, want string
}

func readHostile(t *testing.T) (all []hostile) {
	t.Helper()
	files, err := filepath.Glob("testdata/hostile/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(b), "\n")
		for i := 0; i < len(lines); i++ {
			sentence, ok := strings.CutPrefix(lines[i], "== ")
			if !ok {
				continue
			}
			kind, text, _ := strings.Cut(lines[i+1], " ")
			want, ok := strings.CutPrefix(lines[i+2], "-> ")
			if charge.PayloadOf(kind) == 0 || !ok && !*update {
				t.Fatalf("%s:%d: not a case", name, i+1)
			}
			all = append(all, hostile{name, i + 2, charge.PayloadOf(kind), sentence, text, want})
		}
	}
	return all
}

var placeholder = regexp.MustCompile(`«[^»]*»`)

// payload returns the case's bytes; n makes its ids its own.
func (h *hostile) payload(t *testing.T, n int, now time.Time) string {
	return placeholder.ReplaceAllStringFunc(h.text, func(s string) string {
		word := strings.TrimSuffix(strings.TrimPrefix(s, "«"), "»")
		at := func(off string) time.Time {
			d, err := time.ParseDuration(off)
			if off != "" && err != nil {
				t.Fatalf("%s:%d: %v", h.file, h.line, err)
			}
			return now.Add(d)
		}
		switch {
		case word == "id":
			return hostilePile(n)
		case word == "vin":
			return hostileVIN(n)
		case strings.HasPrefix(word, "ts"):
			return strconv.FormatInt(at(word[2:]).UnixMilli(), 10)
		case strings.HasPrefix(word, "rfc"):
			return at(word[3:]).UTC().Format(time.RFC3339)
		case strings.HasPrefix(word, "="):
			b, err := hex.DecodeString(word[1:])
			if err != nil {
				t.Fatalf("%s:%d: %v", h.file, h.line, err)
			}
			return string(b)
		}
		times, text, _ := strings.Cut(word, "*")
		count, err := strconv.Atoi(times)
		if err != nil {
			t.Fatalf("%s:%d: %s is no placeholder", h.file, h.line, s)
		}
		return strings.Repeat(text, count)
	})
}

func hostilePile(n int) string { return "H-" + strconv.Itoa(n) }

// hostileVIN returns a VIN whose check character is right.
func hostileVIN(n int) string {
	for _, check := range "0123456789X" {
		vin := fmt.Sprintf("LTEST123%cPA%06d", check, n)
		if _, ok := quality.CheckVIN(vin); ok {
			return vin
		}
	}
	panic("no check character fits")
}

// neighbour is a good payload of a kind, unlike every other n's.
func neighbour(kind charge.Payload, n int, now time.Time) string {
	id, vin := hostilePile(n), hostileVIN(n)
	switch kind {
	case charge.Piles:
		return pileJSON(id, now, 1, 0)
	case charge.Vehicles:
		return fmt.Sprintf(`{"vin":%q,"ts":%d,"lon":102.7,"lat":25.03,"speedKmh":0,"state":2}`, vin, now.UnixMilli())
	case charge.Stations:
		return stationJSON("N-"+strconv.Itoa(n), "", "N-"+strconv.Itoa(n))
	case charge.Sessions:
		return fmt.Sprintf(`{"id":"N-%d","pile":%q,"startTs":%d,"endTs":%d,"energyKwh":1}`, n, id,
			now.Add(-time.Hour).UnixMilli(), now.UnixMilli())
	}
	return fmt.Sprintf(`{"vin":%q,"model":"N-%d"}`, vin, n)
}

// toldOf is a message's verdicts and what the rules said from before to after.
func toldOf(c counts, before, after []account.RuleCount) string {
	var verdicts, rules []string
	for _, v := range []struct {
		word string
		n    uint64
	}{{"taken", c.Taken}, {"duplicate", c.Duplicate}, {"history", c.History}, {"rejected", c.Rejected}} {
		switch {
		case v.n == 1:
			verdicts = append(verdicts, v.word)
		case v.n > 1:
			verdicts = append(verdicts, fmt.Sprintf("%d %s", v.n, v.word))
		}
	}
	for _, a := range after {
		n := a.Count
		for _, b := range before {
			if b.Rule == a.Rule && b.Action == a.Action {
				n -= b.Count
			}
		}
		switch {
		case n == 1:
			rules = append(rules, fmt.Sprintf("%s %s", a.Action, a.Rule))
		case n > 1:
			rules = append(rules, fmt.Sprintf("%d %s %s", n, a.Action, a.Rule))
		}
	}
	slices.Sort(rules)
	if verdicts == nil {
		verdicts = []string{"nothing"}
	}
	return strings.TrimSuffix(strings.Join(verdicts, ", ")+": "+strings.Join(rules, ", "), ": ")
}

// outcome sends a payload and says what became of it.
func (r *rig) outcome(kind charge.Payload, payload string, now time.Time) string {
	r.t.Helper()
	party := teld
	if kind.PublishedBy() == charge.Maker {
		party = byd
	}
	rules := func() []account.RuleCount {
		totals, _ := r.p.Book().Totals()
		for _, a := range totals {
			if a.Party == party {
				return a.Rules
			}
		}
		return nil
	}
	sum, before := r.total(party), rules()
	if err := r.tryAt(party, kind, payload, charge.At(now)); err != nil {
		r.t.Fatalf("%.200s: %v", payload, err)
	}
	after := r.total(party)
	after.Sub(sum)
	if !counts(after).addUp() {
		r.t.Errorf("%.200s: the account does not add up: %+v", payload, after)
	}
	return toldOf(counts(after), before, rules())
}

// Every bad payload gets the verdict and the rules that its file says, alone
// and between two good ones, and never costs these.
func TestHostilePayloads(t *testing.T) {
	cases := readHostile(t)
	if len(cases) < 250 {
		t.Errorf("%d cases, want at least 250", len(cases))
	}
	r := newRig(t).open(Catalog{})
	for i := 0; i < 4*len(cases); i += 50 {
		var ids []string
		for n := i; n < i+50; n++ {
			ids = append(ids, hostilePile(n))
		}
		r.send(teld, charge.Stations, stationJSON("H"+strconv.Itoa(i), "", ids...))
	}
	now := time.Now()
	got := map[string]map[int]string{}
	for i, h := range cases {
		alone := r.outcome(h.kind, h.payload(t, 4*i, now), now)
		if got[h.file] == nil {
			got[h.file] = map[int]string{}
		}
		if got[h.file][h.line] = alone; alone != h.want && !*update {
			t.Errorf("%s:%d: %s: %s, want %s", h.file, h.line, h.sentence, alone, h.want)
		}
		left, right := neighbour(h.kind, 4*i+1, now), neighbour(h.kind, 4*i+3, now)
		between := h.payload(t, 4*i+2, now)
		if whole := strings.Contains(alone, "msg.malformed") || strings.Contains(alone, "msg.too-large"); whole ||
			strings.HasPrefix(strings.TrimSpace(between), "[") {
			// It is a message, not a report: the next message must not suffer.
			left, between, alone = "", left, "nothing"
		}
		both := "[" + strings.TrimPrefix(left+","+between+","+right, ",") + "]"
		want := addTwoTaken(alone)
		if beside := r.outcome(h.kind, both, now); beside != want {
			t.Errorf("%s:%d: %s: with two neighbours: %s, want %s", h.file, h.line, h.sentence, beside, want)
		}
	}
	if *update {
		rewriteHostile(t, got)
	}
}

// addTwoTaken returns an outcome with two more reports that are taken.
func addTwoTaken(outcome string) string {
	verdicts, rules, _ := strings.Cut(outcome, ": ")
	switch {
	case verdicts == "nothing":
		verdicts = "2 taken"
	case verdicts == "taken":
		verdicts = "3 taken"
	default:
		verdicts = "2 taken, " + verdicts
	}
	return strings.TrimSuffix(verdicts+": "+rules, ": ")
}

func rewriteHostile(t *testing.T, got map[string]map[int]string) {
	for name, outcomes := range got {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(b), "\n")
		for line, told := range outcomes {
			lines[line] = "-> " + told // the line after the payload's
		}
		if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
