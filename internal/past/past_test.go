package past

import (
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

var noon = charge.At(time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC))

func open(t *testing.T, cfg Config) *Store {
	t.Helper()
	s, err := Open(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t *testing.T, s *Store, at charge.Millis, body string) {
	t.Helper()
	if err := s.Put(at, []byte(body)); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsPutIsThereAfterAStart(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	for i, body := range []string{"a", "b", "c", "", "e"} {
		if body != "" { // a gap
			put(t, s, noon+charge.Millis(i)*every, body)
		}
	}
	put(t, s, noon, "another") // stays as it is
	if err := s.Put(noon+1, []byte("x")); err == nil {
		t.Error("a moment between the five minutes was kept")
	}
	// What a kill leaves half made, and what is not ours.
	for _, name := range []string{"20261123T050000Z.json.gz.part", "20261123T050001Z.json.gz", "notes.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := func(s *Store) {
		t.Helper()
		spans, err := s.Spans(t.Context())
		want := []Span{{noon, noon + 2*every}, {noon + 4*every, noon + 4*every}}
		if err != nil || !reflect.DeepEqual(spans, want) {
			t.Errorf("spans are %v (%v), want %v", spans, err, want)
		}
		for i, body := range []string{"a", "b", "c", "", "e", ""} {
			got, err := s.Moment(t.Context(), noon+charge.Millis(i)*every)
			if string(got) != body || (body == "") != (charge.CodeOf(err) == charge.MomentMissing && err != nil) {
				t.Errorf("moment %d is %q (%v), want %q", i, got, err, body)
			}
		}
		if st := s.Stats(); st != (Stats{4, 4}) {
			t.Errorf("stats are %+v", st)
		}
	}

	f(s)
	f(open(t, Config{Dir: dir}))
	if _, err := os.Stat(filepath.Join(dir, "20261123T050000Z.json.gz.part")); err == nil {
		t.Error("a leftover of a kill stays")
	}
	if _, err := os.Stat(filepath.Join(dir, "notes.txt")); err != nil {
		t.Error("a file of somebody else's was removed")
	}
}

func TestTheOldestGo(t *testing.T) {
	f := func(what string, cfg Config, puts, want int) {
		t.Helper()
		cfg.Dir = t.TempDir()
		s := open(t, cfg)
		for i := range puts {
			put(t, s, noon+charge.Millis(i)*every, "0123456789")
		}
		files, err := os.ReadDir(cfg.Dir)
		if err != nil || len(files) != want || s.Stats() != (Stats{want, int64(10 * want)}) {
			t.Errorf("%s: %d files (%v), %+v, want %d", what, len(files), err, s.Stats(), want)
		}
		if _, err := s.Moment(t.Context(), noon+charge.Millis(puts-1)*every); err != nil {
			t.Errorf("%s: the newest is gone: %v", what, err)
		}
	}

	f("by age", Config{Keep: time.Hour}, 40, 14) // an hour back from any time in the five minutes after the newest
	f("by bytes", Config{MaxBytes: 55}, 40, 5)
	f("a week", Config{}, 20, 20)
}

// A moment that somebody took away meanwhile is missing, not an error of ours.
func TestAMomentTakenAway(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	put(t, s, noon, "a")
	if err := os.Remove(filepath.Join(dir, name(noon))); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Moment(t.Context(), noon); charge.CodeOf(err) != charge.MomentMissing {
		t.Errorf("it is %v", err)
	}
}

// A disk that takes nothing costs moments, never the ones that are there.
func TestADiskThatTakesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "moments")
	s := open(t, Config{Dir: dir})
	put(t, s, noon, "a")
	if err := os.Rename(dir, dir+"-away"); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(noon+every, []byte("b")); err == nil {
		t.Error("it was kept nowhere")
	}
	if err := os.Rename(dir+"-away", dir); err != nil {
		t.Fatal(err)
	}
	put(t, s, noon+2*every, "c")
	spans, _ := s.Spans(t.Context())
	if want := []Span{{noon, noon}, {noon + 2*every, noon + 2*every}}; !reflect.DeepEqual(spans, want) {
		t.Errorf("spans are %v, want %v", spans, want)
	}
}

// A full disk gets room: what is too old goes although nothing new can be kept.
func TestTheOldestGoFromAFullDisk(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir, Keep: time.Hour})
	put(t, s, noon, "a")
	put(t, s, noon+12*every, "b")
	late := noon + 15*every
	if err := os.Mkdir(filepath.Join(dir, name(late)+halfMade), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(late, []byte("c")); err == nil {
		t.Fatal("it was kept nowhere")
	}
	spans, _ := s.Spans(t.Context())
	if want := []Span{{noon + 12*every, noon + 12*every}}; !reflect.DeepEqual(spans, want) {
		t.Errorf("spans are %v, want %v", spans, want)
	}
}

// A clock that was ahead for a moment costs two old moments at most; what it put
// is nobody's, and gives way when its time comes. A start in between changes nothing.
func TestAClockThatWasAhead(t *testing.T) {
	f := func(what string, restart bool) {
		t.Helper()
		dir := t.TempDir()
		s := open(t, Config{Dir: dir, Keep: 24 * time.Hour})
		for i := range charge.Millis(10) {
			put(t, s, noon+i*every, "right")
		}
		wrong := noon + 1000*every
		put(t, s, wrong, "wrong")
		if restart {
			s = open(t, Config{Dir: dir, Keep: 24 * time.Hour})
		}
		put(t, s, noon+10*every, "right")
		spans, _ := s.Spans(t.Context())
		if want := []Span{{noon + 2*every, noon + 10*every}}; !reflect.DeepEqual(spans, want) {
			t.Errorf("%s: spans are %v, want %v", what, spans, want)
		}
		if _, err := s.Moment(t.Context(), wrong); charge.CodeOf(err) != charge.MomentMissing {
			t.Errorf("%s: what a wrong clock put is %v", what, err)
		}
		put(t, s, wrong, "right")
		put(t, s, wrong, "late")
		if b, err := s.Moment(t.Context(), wrong); string(b) != "right" {
			t.Errorf("%s: when its time has come it is %q, %v", what, b, err)
		}
	}

	f("at once", false)
	f("after a start", true)
}
