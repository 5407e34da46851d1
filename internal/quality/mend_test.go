package quality

import "testing"

func TestEveryRuleSaysHowToMendIt(t *testing.T) {
	for _, r := range Rules {
		if m := MendOf(r.ID); m.Zh == "" || m.En == "" {
			t.Errorf("%s has no advice", r.ID)
		}
	}
	if len(mends) != len(Rules) {
		t.Errorf("advice for %d rules, there are %d", len(mends), len(Rules))
	}
}
