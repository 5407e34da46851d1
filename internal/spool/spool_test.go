package spool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// small is a configuration with groups and segments that tests can fill.
func small(dir string) Config {
	return Config{
		Dir: dir, SegmentBytes: 4096, GroupBytes: 512, GroupWait: time.Millisecond, FloorBytes: -1, TailBytes: 2048,
	}
}

func mustOpen(t testing.TB, cfg Config, minNext uint64) *Spool {
	t.Helper()
	s, err := Open(cfg, slog.New(slog.DiscardHandler), minNext)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		s.Close(ctx)
	})
	return s
}

func mustClose(t testing.TB, s *Spool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Fatal(err)
	}
}

// body is record n's content: of a size that depends on n, so that records
// begin at odd places.
func body(n uint64) []byte {
	return append(fmt.Appendf(nil, "record %d ", n), bytes.Repeat([]byte{byte(n)}, int(n*37%200))...)
}

func mustAppend(t testing.TB, s *Spool, n int) {
	t.Helper()
	for range n {
		want := s.Next()
		seq, err := s.Append(body(want))
		if err != nil || seq != want {
			t.Fatalf("Append = %d, %v, want %d", seq, err, want)
		}
		if seq%9 == 0 { // many small groups, so that there are several segments
			if err := s.WaitSynced(t.Context(), seq); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.WaitSynced(t.Context(), s.Next()-1); err != nil {
		t.Fatal(err)
	}
}

// readAll reads from `from` to the last durable record and checks each body.
func readAll(t testing.TB, s *Spool, from uint64) (seqs []uint64) {
	t.Helper()
	r := s.Reader(from)
	defer r.Close()
	for r.Position() <= s.Synced() {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		b, err := r.Next(ctx)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) && r.Position() > s.Synced() {
			break // the rest was jumped over
		}
		if err != nil {
			t.Fatalf("Next at %d: %v", r.Position(), err)
		}
		for i, got := range b.Bodies {
			seq := b.First + uint64(i)
			if !bytes.Equal(got, body(seq)) {
				t.Fatalf("record %d reads %q, want %q", seq, got, body(seq))
			}
			seqs = append(seqs, seq)
		}
	}
	return seqs
}

// span returns the numbers from a to b.
func span(a, b uint64) (out []uint64) {
	for ; a <= b; a++ {
		out = append(out, a)
	}
	return out
}

func TestReadersGetEverythingInOrder(t *testing.T) {
	f := func(name string, n int, tail int, reopen bool, from, wantFirst uint64) {
		t.Helper()
		cfg := small(t.TempDir())
		cfg.TailBytes = tail
		s := mustOpen(t, cfg, 0)
		mustAppend(t, s, n)
		if reopen {
			mustClose(t, s)
			s = mustOpen(t, cfg, 0)
		}
		if got := readAll(t, s, from); !slices.Equal(got, span(wantFirst, uint64(n))) {
			t.Errorf("%s: read %v", name, got)
		}
		if s.Next() != uint64(n)+1 || s.Synced() != uint64(n) {
			t.Errorf("%s: Next = %d, Synced = %d", name, s.Next(), s.Synced())
		}
	}

	f("empty", 0, 1<<20, true, 1, 1)
	f("one", 1, 1<<20, false, 1, 1)
	f("from memory", 300, 1<<20, false, 1, 1)
	f("from disk, then memory", 300, 2048, false, 1, 1)
	f("after a restart", 300, 2048, true, 1, 1)
	f("from the middle", 300, 2048, true, 123, 123)
	f("from the oldest", 300, 2048, true, 0, 1)
}

func TestReaderFollowsTheWriter(t *testing.T) {
	s := mustOpen(t, small(t.TempDir()), 0)
	const n = 2000
	fail := make(chan error, 1)
	go func() {
		for i := uint64(1); i <= n; i++ {
			if _, err := s.Append(body(i)); err != nil {
				fail <- err
				return
			}
		}
		fail <- nil
	}()
	r, want := s.Reader(1), uint64(1)
	for want <= n {
		b, err := r.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if b.First != want || b.First+uint64(len(b.Bodies))-1 > s.Synced() {
			t.Fatalf("batch begins at %d with %d records, want %d, durable %d", b.First, len(b.Bodies), want, s.Synced())
		}
		for i, got := range b.Bodies {
			if !bytes.Equal(got, body(want)) {
				t.Fatalf("record %d (%d of its batch) differs", want, i)
			}
			want++
		}
	}
	if err := <-fail; err != nil {
		t.Fatal(err)
	}
}

func TestGroupsShareAnFsync(t *testing.T) {
	cfg := Config{Dir: t.TempDir(), FloorBytes: -1, GroupWait: 50 * time.Millisecond}
	s := mustOpen(t, cfg, 0)
	for range 200 {
		if _, err := s.Append(body(1)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.WaitSynced(t.Context(), 200); err != nil {
		t.Fatal(err)
	}
	if got := s.Stats().Fsyncs; got > 2 {
		t.Errorf("200 small records at once took %d fsyncs", got)
	}
}

// One that sends a message after each answer is not kept waiting; where several
// come, they share an fsync.
func TestGroupWait(t *testing.T) {
	f := func(records uint64, want time.Duration) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			s := mustOpen(t, Config{Dir: t.TempDir(), FloorBytes: -1}, 0)
			began := time.Now()
			for n := range records {
				if _, err := s.Append(body(n)); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.WaitSynced(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took != want { // of the bubble's clock
				t.Errorf("%d records: the first on disk after %s, want %s", records, took, want)
			}
			mustClose(t, s)
		})
	}

	f(1, 5*time.Millisecond)
	f(2, 20*time.Millisecond)
	f(2000, 0) // more than a group has
}

func TestMinNext(t *testing.T) {
	f := func(name string, have int, empty bool, minNext, want uint64) {
		t.Helper()
		cfg := small(t.TempDir())
		s := mustOpen(t, cfg, 0)
		mustAppend(t, s, have)
		mustClose(t, s)
		if empty {
			os.RemoveAll(cfg.Dir)
		}
		s = mustOpen(t, cfg, minNext)
		if got := s.Next(); got != want {
			t.Errorf("%s: Next = %d, want %d", name, got, want)
		}
		mustAppend(t, s, 5)
		wantSeqs := span(want, want+4)
		if !empty {
			wantSeqs = append(span(1, uint64(have)), wantSeqs...)
		}
		for range 2 {
			if got := readAll(t, s, 0); !slices.Equal(got, wantSeqs) {
				t.Errorf("%s: read %v, want %v", name, got, wantSeqs)
			}
			if holes := s.Stats().Holes; holes != 0 {
				t.Errorf("%s: numbers jumped over count as %d damaged stretches", name, holes)
			}
			mustClose(t, s)
			s = mustOpen(t, cfg, 0)
		}
	}

	f("in step", 100, false, 101, 101)
	f("behind", 100, false, 50, 101)
	f("ahead", 100, false, 205, 205)
	f("folder emptied", 100, true, 101, 101)
	f("never used", 0, false, 7, 7)
}

func TestOneOwner(t *testing.T) {
	cfg := small(t.TempDir())
	s := mustOpen(t, cfg, 0)
	_, err := Open(cfg, slog.New(slog.DiscardHandler), 0)
	if !errors.Is(err, ErrInUse) || strings.Contains(err.Error(), "\n") ||
		!strings.Contains(err.Error(), cfg.Dir) || !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
		t.Fatalf("second Open: %v", err)
	}
	mustClose(t, s)
	mustClose(t, mustOpen(t, cfg, 0))
}

func TestClosed(t *testing.T) {
	s := mustOpen(t, small(t.TempDir()), 0)
	if _, err := s.Append(body(1)); err != nil {
		t.Fatal(err)
	}
	r := s.Reader(1)
	mustClose(t, s)
	if _, err := s.Append(body(2)); !errors.Is(err, ErrClosed) {
		t.Errorf("Append: %v", err)
	}
	if err := s.WaitSynced(t.Context(), 2); !errors.Is(err, ErrClosed) {
		t.Errorf("WaitSynced: %v", err)
	}
	if b, err := r.Next(t.Context()); err != nil || len(b.Bodies) != 1 {
		t.Errorf("Next = %v, %v: Close keeps what was appended", b, err)
	}
	if _, err := r.Next(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("Next behind the end: %v", err)
	}
}
