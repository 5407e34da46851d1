package report

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// The usual forms of numbers are read in ways of their own, which must say what
// the general ways say, wherever in the payload the number stands.
func TestUsualNumbersAreThoseOfStrconv(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for n := range 200_000 {
		text := strconv.FormatFloat(float64(r.IntN(2e9)-1e9)/math.Pow10(r.IntN(9)), 'f', r.IntN(9), 64)
		switch n % 8 {
		case 0:
			text = strconv.Itoa(r.IntN(1e9) >> r.IntN(30))
		case 1:
			text += "e" + strconv.Itoa(r.IntN(5))
		}
		d := NewDecoder()
		d.b = []byte("," + text + "," + strings.Repeat(" ", r.IntN(30)))
		var got float64
		want, err := strconv.ParseFloat(text, 64)
		if end := d.float(1, 1, &got); err != nil || end != 1+len(text) ||
			math.Float64bits(got) != math.Float64bits(want) {
			t.Fatalf("%s: %v up to %d, want %v: %v", text, got, end, want, err)
		}
	}
}

func TestUsualCodesAndTimes(t *testing.T) {
	f := func(ts, status, park string, want string) {
		t.Helper()
		for _, tail := range []string{`}`, ` }`, `,"x":"0123456789012345678901234567890"}`} {
			in := fmt.Sprintf(`{"id":"a-1","ts":%s,"status":%s,"parkStatus":%s%s`, ts, status, park, tail)
			list, whole := NewDecoder().Piles([]byte(in))
			got := ""
			switch {
			case whole != nil:
				got = string(whole.Rule)
			case list[0].Rejected:
				got = string(list[0].Findings[0].Rule)
			case list[0].Findings != nil:
				got = "null"
			default:
				p := &list[0].Report
				got = fmt.Sprint(int64(p.TS), p.Status, p.Park)
			}
			if got != want {
				t.Errorf("%s: %s, want %s", in, got, want)
			}
		}
	}
	const ts = "1795392000000"
	f(ts, "3", "50", "1795392000000 3 50")
	f(ts, "255", "10", "1795392000000 255 10")
	f(ts, "0", "0", "1795392000000 0 0")
	f(ts, "-0", "0", "1795392000000 0 0")
	f(ts, "3.0", "5e1", "1795392000000 3 50")
	f(ts, "", "0", string(charge.RuleMalformed))
	f("", "3", "0", string(charge.RuleMalformed))
	f(ts, "03", "0", string(charge.RuleMalformed))
	f(ts, "3", "010", string(charge.RuleMalformed))
	f("01795392000000", "3", "0", string(charge.RuleMalformed))
	f("0795392000000", "3", "0", string(charge.RuleMalformed))
	f(ts, "3", "63", "null")
	f(ts, "63", "0", string(charge.RuleStatusUnknown))
	f(ts, "127", "0", string(charge.RuleStatusUnknown))
	f(ts, "319", "0", string(charge.RuleStatusUnknown))
	f("179539200000", "3", "0", "179539200000 3 0")
	f("17953920000000", "3", "0", "17953920000000 3 0")
	f("179539200000x", "3", "0", string(charge.RuleMalformed))
	f("1795392000000.0", "3", "0", "1795392000000 3 0")
	f("1795392000000.5", "3", "0", string(charge.RuleFieldType))
}

// Members come in any order, and not all of them each time.
func TestOrderOfMembersDoesNotMatter(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	members := strings.Split(strings.Trim(onePile, "{}"), ",")
	d := NewDecoder() // one for all, which expects the order of the last
	for range 2000 {
		r.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
		in := "{ " + strings.Join(members, " , ") + "}"
		if r.IntN(2) == 0 {
			in = "{" + strings.Join(members, ",") + "}"
		}
		list, whole := d.Piles([]byte(in))
		if whole != nil || list[0].Findings != nil {
			t.Fatalf("%s: %v %v", in, whole, list[0].Findings)
		}
		if got := string(AppendPile(nil, &list[0].Report)); got != onePile {
			t.Fatalf("\n got %s\nwant %s", got, onePile)
		}
	}
}
