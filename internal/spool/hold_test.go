package spool

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestTrim(t *testing.T) {
	cfg := small(t.TempDir())
	cfg.Holders = []string{"influx", "registry"}
	s := mustOpen(t, cfg, 0)
	mustAppend(t, s, 500)
	files := func() int {
		m, _ := filepath.Glob(filepath.Join(cfg.Dir, "*.seg"))
		return len(m)
	}
	all := files()
	if all < 5 {
		t.Fatalf("only %d segments", all)
	}
	s.Hold("influx", 500)
	if files() != all {
		t.Fatal("trimmed before the registry said anything")
	}
	s.Hold("registry", 0)
	s.Hold("snapshot", 300)
	if files() != all {
		t.Fatal("trimmed what the registry still needs")
	}
	s.Hold("registry", 250)
	if first := s.First(); first < 200 || first > 251 || files() >= all {
		t.Fatalf("First = %d with %d of %d files after everyone is past 250", first, files(), all)
	}
	if _, err := s.Reader(1).Next(t.Context()); !errors.Is(err, ErrGone) {
		t.Fatalf("reading a trimmed record: %v", err)
	}
	if got := readAll(t, s, 251); !slices.Equal(got, span(251, 500)) {
		t.Fatalf("read %v", got)
	}
	s.Hold("registry", 100) // goes back: ignored
	s.Hold("snapshot", 500)
	s.Hold("registry", 500)
	if s.Stats().Segments != 1 || files() != 1 {
		t.Fatalf("%d segments, %d files after everyone is past all", s.Stats().Segments, files())
	}
	mustClose(t, s)
	if s = mustOpen(t, cfg, 0); s.Next() != 501 {
		t.Fatalf("Next = %d after a restart of a trimmed spool", s.Next())
	}
}

func TestBoundAndRecovery(t *testing.T) {
	cfg := small(t.TempDir())
	cfg.MaxBytes = 20000
	s := mustOpen(t, cfg, 0)
	s.Hold("influx", 0)
	var err error
	for err == nil {
		_, err = s.Append(body(s.Next()))
	}
	if !errors.Is(err, ErrFull) || !s.Stats().Full {
		t.Fatalf("Append = %v, full %v", err, s.Stats().Full)
	}
	last := s.Next() - 1
	if err := s.WaitSynced(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	if got := readAll(t, s, 1); !slices.Equal(got, span(1, last)) {
		t.Fatalf("a full spool reads %v", got)
	}
	if st := s.Stats(); st.Bytes > cfg.MaxBytes {
		t.Fatalf("%d bytes on disk, %d allowed", st.Bytes, cfg.MaxBytes)
	}
	if st := s.Stats(); st.Written <= 0 || st.Written > st.Bytes {
		t.Fatalf("%d bytes of records written, %d on disk with the heads of segments", st.Written, st.Bytes)
	}
	s.Hold("influx", last) // also the segment written to can go now
	deadline := time.Now().Add(5 * time.Second)
	for {
		if _, err = s.Append(body(s.Next())); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("still %v after everything was read", err)
		}
		time.Sleep(5 * time.Millisecond)
	}
	mustAppend(t, s, 3)
	if got := readAll(t, s, last+1); !slices.Equal(got, span(last+1, last+4)) {
		t.Fatalf("read %v after recovery", got)
	}
}
