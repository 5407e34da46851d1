package ingest

import (
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// looks bounds what an operator can learn of where a vehicle is. It chooses
// its stations, the VINs that it names and the times, so that each answer to "was
// the vehicle near?" (session.vehicle-apart) is one bit of a position that is not
// its own: it gets one a vehicle and day.
type looks struct {
	at    map[look]charge.Millis // of the last one
	swept charge.Millis          // when those that are over were last looked for
}

// look is who asks for whom.
type look struct{ party, vehicle charge.Num }

const (
	lookEvery  = 24 * time.Hour
	maxLooks   = 500_000 // pairs, some 30 MB; beyond it nobody is told anything
	sweepEvery = time.Minute
)

// may reports whether party may be told now about the vehicle, and counts that it was.
func (l *looks) may(party, vehicle charge.Num, now charge.Millis) bool {
	k := look{party, vehicle}
	last, known := l.at[k]
	if known && now.Sub(last) < lookEvery {
		return false
	}
	if !known && len(l.at) >= maxLooks {
		if now.Sub(l.swept) < sweepEvery { // a sweep takes milliseconds, in which nothing is judged
			return false
		}
		l.swept = now
		for k, last := range l.at {
			if now.Sub(last) >= lookEvery {
				delete(l.at, k)
			}
		}
		if len(l.at) >= maxLooks {
			return false
		}
	}
	if l.at == nil {
		l.at = make(map[look]charge.Millis)
	}
	l.at[k] = now
	return true
}
