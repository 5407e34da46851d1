package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestCitySize(t *testing.T) {
	size := fullCity
	if memoryGiB() < enoughGiB {
		size = smallCity
	}
	f := func(vehicles, piles, wantVehicles, wantPiles int) {
		t.Helper()
		v, p := citySize(&config{Vehicles: vehicles, Piles: piles})
		if v != wantVehicles || p != wantPiles {
			t.Errorf("--vehicles %d --piles %d is a city of %d and %d, want %d and %d",
				vehicles, piles, v, p, wantVehicles, wantPiles)
		}
	}

	f(0, 0, size, size)
	f(500, 0, 500, 500)
	f(0, 300, size, 300)
	f(500, 300, 500, 300)
}

// What the spool holds already counts as room for it: else a start with a spool
// that is half full would find it full.
func TestSpoolBoundCountsTheSpool(t *testing.T) {
	const held = 1 << 30
	dir := filepath.Join(t.TempDir(), "spool")
	before := spoolBound(dir, 1<<20)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(dir, "segment"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(held); err != nil { // takes no room of the disk itself
		t.Fatal(err)
	}
	if got := spoolBound(dir, 1<<20) - before; got < held/8 || got > held/2 {
		t.Errorf("a spool of %d bytes moves its bound by %d, want a quarter", held, got)
	}
	if got := spoolBound(dir, 1); got > 1e9 {
		t.Errorf("the bound is %d bytes, want at most 1 GB", got)
	}
}

// A child that writes a line of a megabyte goes on.
func TestChildWritesALongLine(t *testing.T) {
	if os.Getenv("DIANCHI_TEST_LONG_LINE") != "" {
		os.Stderr.WriteString(strings.Repeat("x", 1<<20))
		os.Exit(0)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	c := &child{name: "child", args: []string{"-test.run=^TestChildWritesALongLine$"},
		env: []string{"DIANCHI_TEST_LONG_LINE=1"}, log: slog.New(slog.DiscardHandler)}
	if err := c.once(ctx); err != nil || ctx.Err() != nil {
		t.Fatalf("the child ended with %v, %v", err, ctx.Err())
	}
}
