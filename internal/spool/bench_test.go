package spool

import (
	"log/slog"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// cpu returns the CPU time that this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkPaced appends 800 records of 10 kB a second, which is 40,000
// reports/s in messages of 50, with one reader, and reports what that costs.
func BenchmarkPaced(b *testing.B) {
	s, err := Open(Config{Dir: b.TempDir(), FloorBytes: -1}, slog.New(slog.DiscardHandler), 0)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close(b.Context())
	go func() {
		r := s.Reader(1)
		for {
			if _, err := r.Next(b.Context()); err != nil {
				return
			}
		}
	}()
	rec := make([]byte, 10_000)
	b.ReportAllocs()
	begin, used := time.Now(), cpu()
	n := 0
	for b.Loop() {
		n++
		time.Sleep(time.Until(begin.Add(time.Duration(n) * time.Second / 800)))
		if _, err := s.Append(rec); err != nil {
			b.Fatal(err)
		}
	}
	took := time.Since(begin)
	st := s.Stats()
	b.ReportMetric(float64(n)/took.Seconds(), "records/s")
	b.ReportMetric(float64(st.Fsyncs)/took.Seconds(), "fsyncs/s")
	b.ReportMetric(float64(st.FsyncP50.Microseconds()), "fsync-p50-µs")
	b.ReportMetric(float64(st.FsyncP99.Microseconds()), "fsync-p99-µs")
	b.ReportMetric((cpu()-used).Seconds()/took.Seconds(), "cores")
}

// BenchmarkAppend appends as fast as the disk takes it.
func BenchmarkAppend(b *testing.B) {
	s, err := Open(Config{Dir: b.TempDir(), FloorBytes: -1}, slog.New(slog.DiscardHandler), 0)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close(b.Context())
	rec := make([]byte, 10_000)
	b.SetBytes(int64(len(rec)))
	b.ReportAllocs()
	for b.Loop() {
		if seq, err := s.Append(rec); err != nil {
			b.Fatal(err)
		} else {
			s.Hold("b", seq)
		}
	}
}

// BenchmarkReadDisk reads records that are no longer in memory.
func BenchmarkReadDisk(b *testing.B) {
	s, err := Open(Config{Dir: b.TempDir(), FloorBytes: -1, TailBytes: 1}, slog.New(slog.DiscardHandler), 0)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close(b.Context())
	rec := make([]byte, 10_000)
	for range 5000 {
		if _, err := s.Append(rec); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.WaitSynced(b.Context(), 5000); err != nil {
		b.Fatal(err)
	}
	r := s.Reader(1)
	b.SetBytes(int64(len(rec)))
	b.ReportAllocs()
	left := 0
	for b.Loop() {
		if left == 0 {
			if r.Position() > 4900 {
				r.Close()
				r = s.Reader(1)
			}
			batch, err := r.Next(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			left = len(batch.Bodies)
		}
		left--
	}
	runtime.KeepAlive(r)
}
