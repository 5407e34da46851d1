package spool

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const childDir = "SPOOL_TEST_CHILD_DIR"

// TestMain is also the child of TestKill: with a folder in its environment it
// appends records without end and prints the number of each durable one.
func TestMain(m *testing.M) {
	dir := os.Getenv(childDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	s, err := Open(small(dir), slog.New(slog.DiscardHandler), 0)
	if err != nil {
		fmt.Println("cannot open:", err)
		os.Exit(1)
	}
	go func() {
		for s.Next() < 1<<20 {
			if _, err := s.Append(body(s.Next())); err != nil {
				fmt.Println("cannot append:", err)
				os.Exit(1)
			}
		}
	}()
	for n := uint64(1); ; n = s.Synced() + 1 {
		if err := s.WaitSynced(context.Background(), n); err != nil {
			fmt.Println("cannot wait:", err)
			os.Exit(1)
		}
		fmt.Println(s.Synced())
	}
}

func TestKill(t *testing.T) {
	dir := t.TempDir()
	rounds := 20
	if testing.Short() {
		rounds = 4
	}
	var promised uint64
	for round := range rounds {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), childDir+"="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		alive := time.AfterFunc(time.Hour, func() {})
		for first := true; lines.Scan(); first = false {
			n, err := strconv.ParseUint(lines.Text(), 10, 64)
			if err != nil {
				t.Fatalf("child says %q", lines.Text())
			}
			if promised = max(promised, n); first {
				alive.Stop()
				alive = time.AfterFunc(time.Duration(rand.IntN(60))*time.Millisecond, func() { child.Process.Kill() })
			}
		}
		if err := child.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
			t.Fatalf("child ended by itself: %v", err)
		}

		s := mustOpen(t, small(dir), 0)
		got := readAll(t, s, 1)
		if !slices.Equal(got, span(1, s.Synced())) || s.Synced() < promised {
			t.Fatalf("round %d: %d records are there, up to %d were durable", round, len(got), promised)
		}
		if s.Stats().Holes != 0 {
			t.Fatalf("round %d: damage", round)
		}
		mustClose(t, s)
	}
	t.Logf("%d kills, %d records durable", rounds, promised)
}
