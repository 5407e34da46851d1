package report

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

var update = flag.Bool("update", false, "rewrite the wanted outcomes in testdata")

// outcome prints what became of a payload: a line an element, taken ones as we
// write them again, and a line a finding.
func outcome(d *Decoder, kind string, in []byte) string {
	var b strings.Builder
	head := func(h *Head, again []byte) {
		if h.Rejected {
			fmt.Fprintf(&b, "rejected id=%q ts=%d\n", h.ID, h.TS)
		} else {
			fmt.Fprintf(&b, "taken %s\n", again)
		}
		for _, f := range h.Findings {
			fmt.Fprintf(&b, "  %s %s: %s\n", f.Action, f.Rule, f.Detail)
		}
	}
	var whole *charge.Finding
	switch kind {
	case "piles":
		list, f := d.Piles(in)
		for i := range list {
			head(&list[i].Head, AppendPile(nil, &list[i].Report))
		}
		whole = f
	case "vehicles":
		list, f := d.Vehicles(in)
		for i := range list {
			head(&list[i].Head, AppendVehicle(nil, &list[i].Report))
		}
		whole = f
	case "stations":
		list, f := d.Stations(in)
		for i := range list {
			again := AppendStation(nil, &list[i].Station)
			if list[i].Removed {
				again = AppendStationRemoved(nil, list[i].Station.ID)
			}
			head(&list[i].Head, again)
		}
		whole = f
	case "sessions":
		list, f := d.Sessions(in)
		for i := range list {
			head(&list[i].Head, AppendSession(nil, &list[i].Session))
		}
		whole = f
	case "fleet":
		list, f := d.Fleet(in)
		for i := range list {
			head(&list[i].Head, AppendFleet(nil, &list[i].Vehicle))
		}
		whole = f
	}
	if whole != nil {
		return fmt.Sprintf("whole message %s %s: %s\n", whole.Action, whole.Rule, whole.Detail)
	}
	return b.String()
}

// section returns what stands under "-- name --" up to the next such line.
func section(file []byte, name string) (string, bool) {
	_, rest, ok := strings.Cut("\n"+string(file), "\n-- "+name+" --\n")
	body, _, _ := strings.Cut("\n"+rest, "\n-- ")
	if body = strings.TrimPrefix(body, "\n"); !strings.HasSuffix(body, "\n") && body != "" {
		body += "\n"
	}
	return body, ok
}

// Each file under testdata is one behaviour: a sentence, the payload (as it is
// under "input", or as a Go string literal under "quoted"), and its outcome.
// The file's folder is the topic.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.txt")
	if err != nil || len(files) < 150 {
		t.Fatalf("%d cases, %v", len(files), err)
	}
	d := NewDecoder() // one for all, so that leftovers would show
	for _, name := range files {
		file, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		in, ok := section(file, "input")
		in = strings.TrimSuffix(in, "\n")
		if quoted, is := section(file, "quoted"); is {
			if in, err = strconv.Unquote(strings.TrimSpace(quoted)); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		} else if !ok {
			t.Fatalf("%s has no input", name)
		}
		want, _ := section(file, "want")
		got := outcome(d, filepath.Base(filepath.Dir(name)), []byte(in))
		if *update && got != want {
			before, _, _ := bytes.Cut(file, []byte("-- want --\n"))
			if err := os.WriteFile(name, append(before, "-- want --\n"+got...), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if got != want {
			t.Errorf("%s\n got %s\nwant %s", name, got, want)
		}
	}
}
