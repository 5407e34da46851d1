package influx

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// Lines are counted and cut as InfluxDB reads them, whatever texts hold.
func TestLinesAreCountedAndCut(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	texts := []string{"", "A17", "a\nb", "\n", `"`, `\`, `\"` + "\n", "x\n\"\n", "会话"}
	for range 2000 {
		var b []byte
		ends := map[int]bool{}
		n := 1 + rng.IntN(6)
		for range n {
			b = appendTag(append(b, "pile,id="...), []string{"teld:x", `odd"id`, "a b", "c=,d"}[rng.IntN(4)])
			r := charge.PileReport{Status: 1, Has: charge.HasSession | charge.HasFault,
				Session: texts[rng.IntN(len(texts))], Fault: texts[rng.IntN(len(texts))]}
			if rng.IntN(2) == 0 {
				r.Has = charge.HasPower
			}
			b = appendTime(appendPileFields(append(b, ' '), &r), 1)
			ends[len(b)] = true
		}
		if got := countLines(b); got != n {
			t.Fatalf("%d lines, want %d:\n%s", got, n, b)
		}
		if at := middle(b); n > 1 && (!ends[at] || at == len(b)) {
			t.Fatalf("cut at %d of %d:\n%s", at, len(b), b)
		}
	}
	if n := countLines([]byte(strings.Repeat("x", 10))); n != 1 {
		t.Fatalf("a line without its end counts %d times", n)
	}
}
