package alarm

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/alarms.md anew")

func TestRulesPage(t *testing.T) {
	const page = "../../docs/alarms.md"
	want := RulesMarkdown()
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil || string(got) != want {
		t.Fatalf("docs/alarms.md is not what the table says (%v): run go test ./internal/alarm -run TestRulesPage -update", err)
	}
}

func TestEveryRuleIsWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range table() {
		if seen[r.ID] {
			t.Errorf("%s is there twice", r.ID)
		}
		seen[r.ID] = true
		for _, w := range []Words{r.Name, r.Raises, r.Clears, r.Do} {
			if w.Zh == "" || w.En == "" || strings.ContainsAny(w.Zh+w.En, "|\n") {
				t.Errorf("%s has the words %q and %q", r.ID, w.Zh, w.En)
			}
		}
		if r.Severity < Info || r.Severity > Critical || KindWord(r.Kind) == "" {
			t.Errorf("%s has severity %d and object %d", r.ID, r.Severity, r.Kind)
		}
		a := Alarm{Rule: r.ID, Kind: r.Kind, Object: "LNBMDBAH4PA000001"}
		if text := a.Title().Zh + a.Title().En + a.Detail().Zh + a.Detail().En; strings.Contains(text, a.Object) && r.ID != OwnAccount {
			t.Errorf("%s tells the object in words: %s", r.ID, text)
		}
	}
}
