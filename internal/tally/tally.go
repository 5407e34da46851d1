// Package tally counts events that may come in floods, so that a log stays
// readable while a party sends rubbish all day.
//
// A [Tally] logs the first event at once, then at most one line a minute with
// the number of events since and the last of them. Its methods may be called
// from several goroutines.
package tally

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Every is the least time between two lines of one Tally.
const Every = time.Minute

// Tally counts one sort of event.
type Tally struct {
	log     *slog.Logger
	level   slog.Level
	message string

	mu      sync.Mutex
	total   uint64
	pending uint64 // counted since the last line
	last    error
	timer   *time.Timer // runs while no line may be written; nil when one may
	stopped bool
}

// New returns a Tally that logs message, with the attributes "count" and
// "err", at the given level. Callers bind what does not change with log.With.
func New(log *slog.Logger, level slog.Level, message string) *Tally {
	return &Tally{log: log, level: level, message: message}
}

// Add counts one event. err may be nil when the message says it all.
func (t *Tally) Add(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total++
	t.pending++
	t.last = err
	if t.timer == nil && !t.stopped {
		t.line()
		t.timer = time.AfterFunc(Every, t.tick)
	}
}

// Total returns how many events were counted since New.
func (t *Tally) Total() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.total
}

// Stop writes what is still pending and ends the timer. Later events are
// counted but no longer logged.
func (t *Tally) Stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.timer != nil {
		t.timer.Stop()
		t.timer = nil
	}
	t.line()
	t.stopped = true
}

// tick ends a quiet minute: it writes what came in it, and is quiet for
// another minute if there was something.
func (t *Tally) tick() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopped {
		return
	}
	if t.pending == 0 {
		t.timer = nil
		return
	}
	t.line()
	t.timer = time.AfterFunc(Every, t.tick)
}

// line writes one line for what is pending. t.mu is held.
func (t *Tally) line() {
	if t.pending == 0 {
		return
	}
	attrs := []slog.Attr{slog.Uint64("count", t.pending)}
	if t.last != nil {
		attrs = append(attrs, slog.Any("err", t.last))
	}
	t.log.LogAttrs(context.Background(), t.level, t.message, attrs...)
	t.pending, t.last = 0, nil
}
