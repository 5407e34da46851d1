package snapfile

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

type part struct {
	name string
	seq  uint64
	body string
}

func put(parts []part) func(*Writer) error {
	return func(w *Writer) error {
		for _, p := range parts {
			if err := w.Section(p.name, p.seq, []byte(p.body)); err != nil {
				return err
			}
		}
		return nil
	}
}

func collect(out *[]part) func(string, uint64, []byte) error {
	return func(name string, seq uint64, body []byte) error {
		*out = append(*out, part{name, seq, string(body)})
		return nil
	}
}

func TestRoundTrip(t *testing.T) {
	f := func(parts ...part) {
		t.Helper()
		dir := t.TempDir()
		var asked uint64
		if err := Write(dir, "live", put(parts), func(seq uint64) error { asked = seq; return nil }); err != nil {
			t.Fatal(err)
		}
		file, err := Newest(dir, "live")
		if err != nil {
			t.Fatal(err)
		}
		var got []part
		if err := file.Sections(collect(&got)); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(got) != fmt.Sprint(parts) {
			t.Errorf("got %v, want %v", got, parts)
		}
		var most uint64
		for _, p := range parts {
			most = max(most, p.seq)
		}
		if asked != most || file.MaxSeq != most {
			t.Errorf("ready was asked for %d, MaxSeq = %d, want %d", asked, file.MaxSeq, most)
		}
	}

	f()
	f(part{"a", 1, ""})
	f(part{"shard/1", 9, "x"}, part{"", 3, string(bytes.Repeat([]byte("long"), 300000))}, part{"shard/1", 9, "again"})
}

func TestTwoNewestStayAndTornOnesArePassedOver(t *testing.T) {
	dir := t.TempDir()
	for i := range 5 {
		if err := Write(dir, "live", put([]part{{"n", uint64(i), fmt.Sprint(i)}}), nil); err != nil {
			t.Fatal(err)
		}
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	if len(files) != 2 {
		t.Fatalf("files %v, want two", files)
	}
	f := func(name string, want uint64, torn int, damage func(b []byte) []byte) {
		t.Helper()
		data, err := os.ReadFile(files[1])
		if err != nil {
			t.Fatal(err)
		}
		os.WriteFile(files[1], damage(bytes.Clone(data)), 0o600)
		defer os.WriteFile(files[1], data, 0o600)
		got, err := Newest(dir, "live")
		if err != nil || got.MaxSeq != want || len(got.Torn) != torn {
			t.Errorf("%s: %+v, %v, want place %d", name, got, err, want)
		}
	}
	f("whole", 4, 0, func(b []byte) []byte { return b })
	f("empty", 3, 1, func(b []byte) []byte { return nil })
	f("without its end", 3, 1, func(b []byte) []byte { return b[:len(b)-headBytes-4] })
	f("one byte short", 3, 1, func(b []byte) []byte { return b[:len(b)-1] })
	for i := range 40 {
		f(fmt.Sprintf("bit of byte %d", i), 3, 1, func(b []byte) []byte { b[i%len(b)] ^= 4; return b })
	}
	for _, p := range files {
		os.Truncate(p, 9)
	}
	if _, err := Newest(dir, "live"); !errors.Is(err, ErrNone) || !errors.Is(err, ErrTorn) {
		t.Errorf("two torn files: %v", err)
	}
	if _, err := Newest(filepath.Join(dir, "nowhere"), "live"); !errors.Is(err, ErrNone) {
		t.Errorf("no folder: %v", err)
	}
}

func TestFailedWriteLeavesTheOldOne(t *testing.T) {
	dir := t.TempDir()
	if err := Write(dir, "live", put([]part{{"n", 7, "old"}}), nil); err != nil {
		t.Fatal(err)
	}
	f := func(name string, fill func(*Writer) error, ready func(uint64) error) {
		t.Helper()
		if err := Write(dir, "live", fill, ready); !errors.Is(err, os.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
		if files, _ := filepath.Glob(filepath.Join(dir, "*")); len(files) != 1 {
			t.Errorf("%s: left %v", name, files)
		}
		if got, err := Newest(dir, "live"); err != nil || got.MaxSeq != 7 {
			t.Errorf("%s: Newest = %+v, %v", name, got, err)
		}
	}
	f("fill", func(*Writer) error { return os.ErrInvalid }, nil)
	f("ready", put([]part{{"n", 8, "new"}}), func(uint64) error { return os.ErrInvalid })
}

func FuzzRead(f *testing.F) {
	for _, parts := range [][]part{nil, {{"a", 1, "b"}}, {{"a", 1, "b"}, {"", 1 << 60, "cc"}}} {
		var buf bytes.Buffer
		w := NewWriter(&buf)
		if put(parts)(w) != nil || w.End() != nil {
			f.Fatal("cannot write")
		}
		f.Add(buf.Bytes())
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var got []part
		if Read(bytes.NewReader(in), collect(&got)) != nil {
			return
		}
		var buf bytes.Buffer
		w := NewWriter(&buf)
		if put(got)(w) != nil || w.End() != nil || !bytes.HasPrefix(in, buf.Bytes()) {
			t.Fatalf("read from %x, written back %x", in, buf.Bytes())
		}
	})
}
