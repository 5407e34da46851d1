package account

import (
	"flag"
	"os"
	"testing"

	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

var update = flag.Bool("update", false, "rewrite docs/quality.md")

func TestPage(t *testing.T) {
	const page = "../../docs/quality.md"
	if *update {
		if err := os.WriteFile(page, []byte(Page()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := os.ReadFile(page); err != nil || string(b) != Page() {
		t.Fatalf("docs/quality.md is not the printed table (%v): go test ./internal/account -run TestPage -update", err)
	}
	operator, maker := 0, 0
	for _, k := range Criteria {
		operator, maker = operator+k.Operator, maker+k.Maker
		if k.Full == k.None || k.Name.Zh == "" || k.Raise.En == "" || k.of == nil {
			t.Fatalf("criterion %s is not complete", k.ID)
		}
	}
	if operator != 100 || maker != 100 {
		t.Fatalf("weights add up to %d and %d, want 100", operator, maker)
	}
	found := false
	for _, ms := range record.DelayBoundsMS {
		found = found || ms == LimitMS
	}
	if !found {
		t.Fatal("the limit of timeliness is no bound of a delay class, so it cannot be counted")
	}
}
