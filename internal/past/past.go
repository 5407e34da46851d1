// Package past keeps how the city was: for each five minutes one file, whole
// or not there, for a week.
//
// A [Store] knows bytes and times; what the bytes say is live's ([live.Moment]).
// Files are written beside their place, flushed and renamed, so that kill -9
// leaves the old ones and at most a leftover that the next Open removes. A
// moment once kept stays as it is. The methods of a Store may be called from
// several goroutines.
package past

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// Every is the grid on which moments stand, counted from 1970.
const Every = 5 * time.Minute

// Keep is how far back a moment can be had.
const Keep = 7 * 24 * time.Hour

const every = charge.Millis(Every / time.Millisecond)

// Floor returns the newest moment that is not after t.
func Floor(t charge.Millis) charge.Millis { return t - t%every }

// Config sets a [Store]. Zero values mean the default in brackets.
type Config struct {
	Dir      string
	Keep     time.Duration // [Keep]
	MaxBytes int64         // of all files; beyond it the oldest go [1 GiB]
}

// Store is a folder of moments.
type Store struct {
	cfg Config
	log *slog.Logger

	mu    sync.Mutex
	files []file // by time
	bytes int64
}

type file struct {
	t     charge.Millis
	size  int64
	ahead bool // its time had not come when an earlier one was put: the clock was wrong
}

const (
	nameForm = "20060102T150405Z"
	suffix   = ".json.gz"
	halfMade = ".part"
)

func name(t charge.Millis) string { return t.Time().UTC().Format(nameForm) + suffix }

// Open makes the folder where there is none and reads what is in it.
func Open(cfg Config, log *slog.Logger) (*Store, error) {
	cfg.Keep = cmp.Or(cfg.Keep, Keep)
	cfg.MaxBytes = cmp.Or(cfg.MaxBytes, 1<<30)
	s := &Store{cfg: cfg, log: log}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot keep how the city was: %w", err)
	}
	entries, err := os.ReadDir(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("cannot read how the city was: %w", err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), halfMade) {
			_ = os.Remove(filepath.Join(cfg.Dir, e.Name())) // nobody can use it
			continue
		}
		text, ok := strings.CutSuffix(e.Name(), suffix)
		at, err := time.Parse(nameForm, text)
		if !ok || err != nil || charge.At(at)%every != 0 {
			continue // not ours
		}
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		s.files = append(s.files, file{t: charge.At(at), size: info.Size()})
		s.bytes += info.Size()
	}
	slices.SortFunc(s.files, func(a, b file) int { return cmp.Compare(a.t, b.t) })
	return s, nil
}

// Put keeps body as the moment t, a multiple of [Every], and lets go of the oldest
// beyond those that the store keeps. A moment that is kept already stays as it is,
// unless it was put before its time by a clock that has been set back since: such
// ones are nobody's until they are put again.
func (s *Store) Put(t charge.Millis, body []byte) error {
	if t%every != 0 {
		return fmt.Errorf("cannot keep the moment %s: it is on no five minutes", t)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at, there := s.find(t)
	if there && !s.files[at].ahead {
		return nil
	}
	for i := range s.files[at:] { // what is later was put by a clock that was ahead
		f := &s.files[at+i]
		f.ahead = f.ahead || f.t > t
	}
	defer s.trim(t) // also when the disk is full
	if err := s.write(name(t), body); err != nil {
		return fmt.Errorf("cannot keep the moment %s: %w", t, err)
	}
	if there {
		s.bytes -= s.files[at].size
		s.files[at] = file{t: t}
	} else {
		s.files = slices.Insert(s.files, at, file{t: t})
	}
	s.files[at].size = int64(len(body))
	s.bytes += int64(len(body))
	return nil
}

func (s *Store) find(t charge.Millis) (int, bool) {
	return slices.BinarySearchFunc(s.files, t, func(f file, t charge.Millis) int { return cmp.Compare(f.t, t) })
}

// write makes a file that is whole whenever it can be seen, also after a loss of power.
func (s *Store) write(name string, body []byte) (err error) {
	path := filepath.Join(s.cfg.Dir, name)
	f, err := os.OpenFile(path+halfMade, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(body)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(path+halfMade, path)
	}
	if err != nil {
		_ = os.Remove(path + halfMade)
		return err
	}
	dir, err := os.Open(s.cfg.Dir)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// leave is how many moments may go for their age when one is put: in order, one
// comes and one goes, and a clock that is days ahead for a second costs no week.
const leave = 2

// trim removes what nobody within Keep of now can ask for, and the oldest beyond MaxBytes.
func (s *Store) trim(now charge.Millis) {
	gone := 0
	for _, f := range s.files {
		old := f.t < now.Add(-s.cfg.Keep-Every) && gone < leave
		if !old && s.bytes <= s.cfg.MaxBytes {
			break
		}
		if err := os.Remove(filepath.Join(s.cfg.Dir, name(f.t))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.log.Warn("a moment that is too old cannot be removed", "t", f.t.String(), "err", err)
			break
		}
		s.bytes -= f.size
		gone++
	}
	s.files = slices.Delete(s.files, 0, gone)
}

// Moment returns the bytes kept of t; charge.MomentMissing where there are none.
func (s *Store) Moment(_ context.Context, t charge.Millis) ([]byte, error) {
	s.mu.Lock()
	at, there := s.find(t)
	there = there && !s.files[at].ahead
	s.mu.Unlock()
	if !there {
		return nil, Missing(t)
	}
	body, err := os.ReadFile(filepath.Join(s.cfg.Dir, name(t)))
	if errors.Is(err, fs.ErrNotExist) { // let go of meanwhile, or taken away by somebody
		return nil, Missing(t)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the moment %s: %w", t, err)
	}
	return body, nil
}

// Missing is the error for a moment that is not kept.
func Missing(t charge.Millis) error {
	return charge.Errorf(charge.MomentMissing, "nothing is kept of %s", t)
}

// Span is moments without a gap, both ends included.
type Span struct {
	From, To charge.Millis
}

// Spans returns what is kept, oldest first.
func (s *Store) Spans(context.Context) ([]Span, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Span
	for _, f := range s.files {
		if f.ahead {
			continue
		}
		if n := len(out); n > 0 && out[n-1].To+every == f.t {
			out[n-1].To = f.t
		} else {
			out = append(out, Span{f.t, f.t})
		}
	}
	return out, nil
}

// Stats tells how much is kept.
type Stats struct {
	Moments int
	Bytes   int64
}

// Stats returns how much is kept.
func (s *Store) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Stats{len(s.files), s.bytes}
}
