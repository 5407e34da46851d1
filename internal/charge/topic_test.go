package charge

import "testing"

func TestTopics(t *testing.T) {
	for p := Stations; p <= Feedback; p++ {
		if slug, got := ParseTopic(Topic("teld", p)); slug != "teld" || got != p {
			t.Errorf("%s reads as %q, %v", Topic("teld", p), slug, got)
		}
	}
	for _, topic := range []string{
		"", "dianchi", "dianchi/v1/", "dianchi/v1/teld", "dianchi/v1/teld/", "dianchi/v1/teld/other",
		"dianchi/v2/teld/piles", "/dianchi/v1/teld/piles", "dianchi/v1/teld/piles/", "dianchi/v1/teld/piles/x",
	} {
		if slug, p := ParseTopic(topic); p != 0 {
			t.Errorf("%q reads as %q, %v: it is no topic of ours", topic, slug, p)
		}
	}
}
