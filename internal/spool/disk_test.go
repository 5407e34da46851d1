package spool

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// badDisk fails as it is told.
type badDisk struct {
	realDisk
	write, sync atomic.Pointer[error]
}

type badFile struct {
	file
	d *badDisk
}

func (d *badDisk) Create(path string) (file, error) {
	f, err := d.realDisk.Create(path)
	return badFile{f, d}, err
}

func (f badFile) Write(b []byte) (int, error) {
	if err := f.d.write.Load(); err != nil {
		n, _ := f.file.Write(b[:len(b)/2]) // half of it gets there
		return n, *err
	}
	return f.file.Write(b)
}

func (f badFile) Sync() error {
	if err := f.d.sync.Load(); err != nil {
		return *err
	}
	return f.file.Sync()
}

func TestFailedDiskBreaksTheSpool(t *testing.T) {
	f := func(name string, fail func(*badDisk)) {
		t.Helper()
		cfg := small(t.TempDir())
		d := new(badDisk)
		s, err := open(cfg, slog.New(slog.DiscardHandler), 0, d)
		if err != nil {
			t.Fatal(err)
		}
		mustAppend(t, s, 10)
		fail(d)
		seq, err := s.Append(body(11))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.WaitSynced(t.Context(), seq); !errors.Is(err, ErrBroken) || !errors.Is(err, io.ErrNoProgress) {
			t.Errorf("%s: WaitSynced: %v", name, err)
		}
		d.write.Store(nil)
		d.sync.Store(nil)
		if _, err := s.Append(body(12)); !errors.Is(err, ErrBroken) {
			t.Errorf("%s: Append after it works again: %v", name, err)
		}
		if s.Synced() != 10 || !s.Stats().Broken {
			t.Errorf("%s: Synced = %d, %+v", name, s.Synced(), s.Stats())
		}
		if got := readAll(t, s, 1); !slices.Equal(got, span(1, 10)) {
			t.Errorf("%s: read %v", name, got)
		}
		if _, err := s.Reader(11).Next(t.Context()); !errors.Is(err, ErrBroken) {
			t.Errorf("%s: reading on: %v", name, err)
		}
		mustClose(t, s)
		s = mustOpen(t, cfg, 0) // opened anew it goes on
		if s.Next() < 11 {
			t.Errorf("%s: Next = %d after opening anew", name, s.Next())
		}
		mustAppend(t, s, 3)
	}

	err := io.ErrNoProgress
	f("write", func(d *badDisk) { d.write.Store(&err) })
	f("fsync", func(d *badDisk) { d.sync.Store(&err) })
}

func TestFullDiskStopsAndGoesOn(t *testing.T) {
	cfg := small(t.TempDir())
	d := new(badDisk)
	s, err := open(cfg, slog.New(slog.DiscardHandler), 0, d)
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, s, 10)
	var noSpace error = syscall.ENOSPC
	d.write.Store(&noSpace)
	seq, err := s.Append(body(11))
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, err = s.Append(body(s.Next())); errors.Is(err, ErrFull) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("Append to a full disk: %v", err)
		}
	}
	if s.Synced() != 10 {
		t.Fatalf("Synced = %d", s.Synced())
	}
	d.write.Store(nil)
	last := s.Next() - 1
	if err := s.WaitSynced(t.Context(), last); err != nil || last < seq {
		t.Fatal(err)
	}
	mustAppend(t, s, 5)
	if got := readAll(t, s, 1); !slices.Equal(got, span(1, last+5)) {
		t.Fatalf("read %v", got)
	}
	mustClose(t, s)
	s = mustOpen(t, cfg, 0)
	if got := readAll(t, s, 1); !slices.Equal(got, span(1, last+5)) {
		t.Fatalf("read %v after a restart", got)
	}
}

// TestReallyFullDisk runs against a file system of 2 MiB, which takes root.
func TestReallyFullDisk(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("cannot mount a small file system: %v %s", err, out)
	}
	t.Cleanup(func() { exec.Command("umount", "-l", dir).Run() })
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := Config{Dir: filepath.Join(dir, "spool"), SegmentBytes: 256 << 10, GroupBytes: 10000, FloorBytes: -1}
	s := mustOpen(t, cfg, 0)
	var err error
	for err == nil {
		var seq uint64
		if seq, err = s.Append(body(s.Next())); seq%50 == 0 {
			// What waits in memory must fit into the room that comes back.
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			s.WaitSynced(ctx, seq) // times out once the disk is full
			cancel()
		}
	}
	if !errors.Is(err, ErrFull) {
		t.Fatal(err)
	}
	durable := s.Synced()
	if got := readAll(t, s, 1); !slices.Equal(got, span(1, durable)) {
		t.Fatalf("a full disk reads %d records, %d are durable", len(got), durable)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	last := s.Next() - 1
	if err := s.WaitSynced(t.Context(), last); err != nil || last <= durable {
		t.Fatalf("%d of %d records were waiting: %v", last-durable, last, err)
	}
	mustAppend(t, s, 100)
	mustClose(t, s)
	s = mustOpen(t, cfg, 0)
	if got := readAll(t, s, 1); !slices.Equal(got, span(1, last+100)) {
		t.Fatalf("%d records after a restart, want %d", len(got), last+100)
	}
	mustClose(t, s)

	cfg.FloorBytes = 600 << 10 // with a floor the rest of the disk stays free
	s = mustOpen(t, cfg, 0)
	s.Hold("influx", 0)
	for err = nil; err == nil; time.Sleep(50 * time.Microsecond) {
		_, err = s.Append(body(s.Next()))
	}
	if free, _ := freeBytes(dir); !errors.Is(err, ErrFull) || free < 300<<10 {
		t.Fatalf("%v with %d bytes free", err, free)
	}
	s.Hold("influx", s.Next()-1)
	for deadline := time.Now().Add(5 * time.Second); err != nil; time.Sleep(time.Millisecond) {
		if _, err = s.Append(body(s.Next())); time.Now().After(deadline) {
			t.Fatalf("still %v after space returned", err)
		}
	}
}
