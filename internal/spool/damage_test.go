package spool

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// segmentFiles returns the folder's segments, oldest first.
func segmentFiles(t testing.TB, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"+segmentSuffix))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(files)
	return files
}

// offsetOf returns where record seq begins in a segment file, and its length.
func offsetOf(t testing.TB, path string, seq uint64) (off, n int) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for off = segmentHeader; off < len(b); off += n {
		got, _, size, v := parseRecord(b[off:])
		if n = size; v != whole || got == seq {
			break
		}
	}
	return off, n
}

func TestTornEndIsCut(t *testing.T) {
	const n = 40
	f := func(name string, want uint64, damage func(b []byte, off, size int) []byte) {
		t.Helper()
		cfg := small(t.TempDir())
		cfg.SegmentBytes, cfg.MaxBytes = 1<<20, 1<<30
		s := mustOpen(t, cfg, 0)
		mustAppend(t, s, n)
		mustClose(t, s)
		path := segmentFiles(t, cfg.Dir)[0]
		off, size := offsetOf(t, path, 30)
		b, _ := os.ReadFile(path)
		os.WriteFile(path, damage(b, off, size), 0o600)

		s = mustOpen(t, cfg, 0)
		if got := readAll(t, s, 1); !slices.Equal(got, span(1, want)) || s.Next() != want+1 {
			t.Errorf("%s: read %v, next %d, want up to %d", name, got, s.Next(), want)
		}
		mustAppend(t, s, 3)
		mustClose(t, s)
		s = mustOpen(t, cfg, 0)
		if got := readAll(t, s, 1); !slices.Equal(got, span(1, want+3)) {
			t.Errorf("%s: after going on: %v", name, got)
		}
	}

	f("whole", n, func(b []byte, _, _ int) []byte { return b })
	f("cut in a head", 29, func(b []byte, off, _ int) []byte { return b[:off+5] })
	f("cut in a body", 29, func(b []byte, off, size int) []byte { return b[:off+size-1] })
	f("cut between", 29, func(b []byte, off, _ int) []byte { return b[:off] })
	f("a bit of a body", 29, func(b []byte, off, size int) []byte { b[off+size-1] ^= 1; return b })
	f("a bit of a length", 29, func(b []byte, off, _ int) []byte { b[off] ^= 64; return b })
	f("a hole of zeros", 29, func(b []byte, off, _ int) []byte { clear(b[off : off+100]); return b })
	f("zeros behind", n, func(b []byte, _, _ int) []byte { return append(b, make([]byte, 5000)...) })
	f("rubbish behind", n, func(b []byte, _, _ int) []byte { return append(b, bytes.Repeat([]byte("x"), 999)...) })
	f("an older record behind", n, func(b []byte, off, size int) []byte { return append(b, b[off:off+size]...) })
	f("header only", 0, func(b []byte, _, _ int) []byte { return b[:segmentHeader] })
	f("half a header", 0, func(b []byte, _, _ int) []byte { return b[:9] })
	f("damaged header", n, func(b []byte, _, _ int) []byte { b[3] ^= 1; return b })
}

func TestDamageInASealedSegment(t *testing.T) {
	const n = 200
	f := func(name string, lost func(path string, b []byte) (newB []byte, from, to uint64)) {
		t.Helper()
		cfg := small(t.TempDir())
		s := mustOpen(t, cfg, 0)
		mustAppend(t, s, n)
		mustClose(t, s)
		path := segmentFiles(t, cfg.Dir)[1]
		b, _ := os.ReadFile(path)
		b, from, to := lost(path, b)
		os.WriteFile(path, b, 0o600)

		var log bytes.Buffer
		s, err := Open(cfg, slog.New(slog.NewTextHandler(&log, nil)), 0)
		if err != nil {
			t.Fatal(err)
		}
		defer mustClose(t, s)
		want := append(span(1, from-1), span(to+1, n)...)
		if got := readAll(t, s, 1); !slices.Equal(got, want) {
			t.Errorf("%s: read %v, want all but %d to %d", name, got, from, to)
		}
		if s.Stats().Holes != 1 || strings.Count(log.String(), "damaged on disk") != 1 ||
			!strings.Contains(log.String(), fmt.Sprintf("first=%d last=%d ", from, to)) {
			t.Errorf("%s: %d holes, log %q", name, s.Stats().Holes, log.String())
		}
		if got := readAll(t, s, to+1); !slices.Equal(got, span(to+1, n)) {
			t.Errorf("%s: from behind the damage: %v", name, got)
		}
		if s.Stats().Holes != 1 {
			t.Errorf("%s: a reader that begins behind the damage reports it", name)
		}
	}

	first := func(path string) uint64 { n, _ := segmentFirst(filepath.Base(path)); return n }
	f("one body", func(path string, b []byte) ([]byte, uint64, uint64) {
		seq := first(path) + 3
		off, size := offsetOf(t, path, seq)
		b[off+size-1] ^= 1
		return b, seq, seq
	})
	f("one length", func(path string, b []byte) ([]byte, uint64, uint64) {
		seq := first(path) + 3
		off, _ := offsetOf(t, path, seq)
		b[off+1] ^= 0x40
		return b, seq, seq
	})
	f("two records and a half", func(path string, b []byte) ([]byte, uint64, uint64) {
		seq := first(path) + 3
		off, _ := offsetOf(t, path, seq)
		end, size := offsetOf(t, path, seq+2)
		clear(b[off : end+size/2])
		return b, seq, seq + 2
	})
	next := func(path string) uint64 { return first(segmentFiles(t, filepath.Dir(path))[2]) }
	f("its end is cut", func(path string, b []byte) ([]byte, uint64, uint64) {
		seq := first(path) + 3
		off, _ := offsetOf(t, path, seq)
		return b[:off+7], seq, next(path) - 1
	})
	f("all of it", func(path string, b []byte) ([]byte, uint64, uint64) {
		clear(b)
		return b, first(path), next(path) - 1
	})
	f("emptied", func(path string, b []byte) ([]byte, uint64, uint64) {
		return nil, first(path), next(path) - 1
	})
}

// TestAgainstASlice does random things to a spool and to a slice of records,
// and holds them against each other after each.
func TestAgainstASlice(t *testing.T) {
	for seed := range uint64(25) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		cfg := small(t.TempDir())
		cfg.TailBytes = 1 + rnd.IntN(4000)
		s := mustOpen(t, cfg, 0)
		var model []uint64 // numbers that are there
		held, next := uint64(0), uint64(1)
		for range 60 {
			switch rnd.IntN(6) {
			case 0, 1:
				k := 1 + rnd.IntN(30)
				mustAppend(t, s, k)
				model = append(model, span(next, next+uint64(k)-1)...)
				next += uint64(k)
			case 2: // a clean restart
				mustClose(t, s)
				s = mustOpen(t, cfg, 0)
				s.Hold("a", held)
			case 3: // a restart after the newest segment lost its end
				mustClose(t, s)
				files := segmentFiles(t, cfg.Dir)
				if len(files) == 0 {
					s = mustOpen(t, cfg, 0)
					continue
				}
				path := files[len(files)-1]
				first, _ := segmentFirst(filepath.Base(path))
				st, _ := os.Stat(path)
				size := segmentHeader + rnd.Int64N(st.Size()-segmentHeader+1)
				os.Truncate(path, size)
				good := first
				b, _ := os.ReadFile(path)
				scan(b[segmentHeader:], first, func(seq uint64, _ []byte) { good = seq + 1 })
				model = slices.DeleteFunc(model, func(n uint64) bool { return n >= good })
				next = good
				s = mustOpen(t, cfg, 0)
				held = min(held, next-1)
				s.Hold("a", held)
			case 4: // a restart with numbers jumped over
				mustClose(t, s)
				next += uint64(rnd.IntN(20))
				s = mustOpen(t, cfg, next)
				s.Hold("a", held)
				mustAppend(t, s, 1) // a jump is kept by the record behind it
				model = append(model, next)
				next++
			case 5:
				held = max(held, uint64(rnd.Int64N(int64(next))))
				s.Hold("a", held)
			}
			first := s.First() // trimmed may be what is held, nothing else
			model = slices.DeleteFunc(model, func(n uint64) bool {
				if n < first && n > held {
					t.Fatalf("seed %d: %d is gone, only %d is held", seed, n, held)
				}
				return n < first
			})
			if s.Next() != next {
				t.Fatalf("seed %d: Next = %d, want %d", seed, s.Next(), next)
			}
			if got := readAll(t, s, 0); !slices.Equal(got, model) {
				t.Fatalf("seed %d: read %v, want %v", seed, got, model)
			}
			if holes := s.Stats().Holes; holes != 0 {
				t.Fatalf("seed %d: %d holes", seed, holes)
			}
		}
		mustClose(t, s)
	}
}
