package tally

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// lines returns what a Tally logged, one "count last" a line.
func lines(buf *bytes.Buffer) string {
	var out []string
	for l := range strings.Lines(buf.String()) {
		_, rest, _ := strings.Cut(strings.TrimSpace(l), "msg=bad ")
		out = append(out, rest)
	}
	return strings.Join(out, "; ")
}

func TestTally(t *testing.T) {
	f := func(name, want string, events ...time.Duration) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			var buf bytes.Buffer
			tl := New(slog.New(slog.NewTextHandler(&buf, nil)), slog.LevelWarn, "bad")
			start := time.Now()
			for i, at := range events {
				time.Sleep(time.Until(start.Add(at)))
				tl.Add(fmt.Errorf("e%d", i))
			}
			time.Sleep(5 * time.Minute)
			tl.Stop()
			if got := lines(&buf); got != want {
				t.Errorf("%s: logged %q, want %q", name, got, want)
			}
			if got := tl.Total(); got != uint64(len(events)) {
				t.Errorf("%s: Total = %d, want %d", name, got, len(events))
			}
		})
	}

	s := time.Second
	f("none", "")
	f("one is said at once and once", "count=1 err=e0", 0)
	f("a flood is one line a minute", "count=1 err=e0; count=3 err=e3; count=1 err=e4", 0, s, 2*s, 3*s, 61*s)
	f("after a quiet minute at once again", "count=1 err=e0; count=1 err=e1", 0, 200*s)
}

func TestStopSaysWhatIsPending(t *testing.T) {
	var buf bytes.Buffer
	tl := New(slog.New(slog.NewTextHandler(&buf, nil)), slog.LevelWarn, "bad")
	for range 5 {
		tl.Add(errors.New("x"))
	}
	tl.Stop()
	tl.Add(errors.New("y"))
	if got, want := lines(&buf), "count=1 err=x; count=4 err=x"; got != want {
		t.Fatalf("logged %q, want %q", got, want)
	}
}
