package spool

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// FuzzSegment opens a folder with one segment of any content, alone or with a
// whole one behind it, and reads all of it.
func FuzzSegment(f *testing.F) {
	seg := appendSegmentHeader(nil, 1, 1)
	for n := uint64(1); n <= 4; n++ {
		seg = appendRecord(seg, n, body(n))
	}
	f.Add(seg, false)
	f.Add(seg, true)
	f.Add(seg[:len(seg)-3], true)
	f.Add(seg[:40], false)
	f.Add(append(bytes.Clone(seg), seg[segmentHeader:]...), true)
	f.Add([]byte{}, true)
	f.Fuzz(func(t *testing.T, in []byte, sealed bool) {
		dir := t.TempDir()
		os.WriteFile(segmentPath(dir, 1), in, 0o600)
		want := uint64(0)
		if sealed {
			tail := appendRecord(appendSegmentHeader(nil, 10, 10), 10, []byte("the last"))
			os.WriteFile(segmentPath(dir, 10), tail, 0o600)
			want = 10
		}
		s, err := Open(Config{Dir: dir, FloorBytes: -1}, slog.New(slog.DiscardHandler), 0)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close(context.Background())
		last := s.Synced()
		if last < want {
			t.Fatalf("Synced = %d", last)
		}
		r, at := s.Reader(1), uint64(0)
		for at < last {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			b, err := r.Next(ctx)
			cancel()
			if errors.Is(err, context.DeadlineExceeded) && r.Position() > last {
				break
			}
			if err != nil || b.First <= at {
				t.Fatalf("behind %d: %d, %v", at, b.First, err)
			}
			at = b.First + uint64(len(b.Bodies)) - 1
		}
		if sealed && at != 10 {
			t.Fatalf("read up to %d, the whole segment ends with 10", at)
		}
		next, err := s.Append([]byte("more"))
		if err != nil || next != last+1 {
			t.Fatalf("Append = %d, %v", next, err)
		}
		if _, err := os.Stat(filepath.Join(dir, "lock")); err != nil {
			t.Fatal(err)
		}
	})
}
