package main

import (
	"fmt"
	"sync"
	"time"
)

// events is what happened when, kept to be printed around a failure.
type events struct {
	began time.Time

	mu  sync.Mutex
	all []event
}

type event struct {
	at         time.Time
	lane, text string
}

func (e event) String() string {
	return fmt.Sprintf("%s %s: %s", e.at.UTC().Format("15:04:05.000Z"), e.lane, e.text)
}

func (l *events) add(lane, format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, event{time.Now(), lane, fmt.Sprintf(format, args...)})
}

// around returns what happened in a lane within a minute of at.
func (l *events) around(lane string, at time.Time) (out []event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.all {
		if d := e.at.Sub(at); e.lane == lane && d > -time.Minute && d < time.Minute {
			out = append(out, e)
		}
	}
	return out
}
