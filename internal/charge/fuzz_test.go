package charge

import (
	"strings"
	"testing"
)

// A topic is ours only if it is what we would write for the same party and payload.
func FuzzParseTopic(f *testing.F) {
	for _, s := range []string{
		"dianchi/v1/teld/piles", "dianchi/v1/teld/feedback", "dianchi/v1//piles", "dianchi/v1/teld/piles/",
		"dianchi/v1/a/b/piles", "dianchi/v2/teld/piles", "dianchi/v1/teld/", "dianchi/v1/+/piles", "dianchi/v1/#",
		"/dianchi/v1/teld/piles", "dianchi/v1/teld/Piles", "dianchi/v1/teld/piles\x00", "$share/g/dianchi/v1/a/piles", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, topic string) {
		slug, p := ParseTopic(topic)
		if p == 0 {
			for p := Stations; p <= Feedback; p++ {
				middle, ok := strings.CutPrefix(topic, "dianchi/v1/")
				middle, end := strings.CutSuffix(middle, "/"+p.String())
				if ok && end && !strings.Contains(middle, "/") {
					t.Fatalf("%q is %s of %q, but was not taken for it", topic, p, middle)
				}
			}
			return
		}
		if strings.Contains(slug, "/") || Topic(slug, p) != topic {
			t.Fatalf("%q was taken for %s of %q", topic, p, slug)
		}
	})
}
