package ingest

import (
	"bytes"
	"time"

	"github.com/dianchi-platform/dianchi/ingest/door"
	"github.com/dianchi-platform/dianchi/internal/charge"
)

// laneOf says in which lane a message waits: in the late one if its first and
// its last report are older than the stale limit, so that all of it, most
// likely, is history. It is a guess for the order of work alone: the judge
// looks at each report, whichever lane it came by.
func laneOf(m *door.Message, stale time.Duration) int {
	if m.Shared || m.Kind != charge.Piles && m.Kind != charge.Vehicles {
		return laneLive
	}
	limit := int64(m.Received) - stale.Milliseconds()
	if ts := firstTS(m.Payload); ts <= 0 || ts >= limit {
		return laneLive
	}
	if ts := lastTS(m.Payload); ts <= 0 || ts >= limit {
		return laneLive
	}
	return laneLate
}

// firstTS returns the first report's time in epoch ms, 0 when there is none.
func firstTS(b []byte) int64 {
	for i := 0; i+4 <= len(b); i += stepOn(b[i+3]) {
		if isTS(b, i) {
			return timeAt(b[i+4:])
		}
	}
	return 0
}

// lastTS returns the last report's time in epoch ms, 0 when there is none.
func lastTS(b []byte) int64 {
	for i := len(b) - 4; i >= 0; i -= stepBack(b[i]) {
		if isTS(b, i) {
			return timeAt(b[i+4:])
		}
	}
	return 0
}

func isTS(b []byte, i int) bool {
	return b[i] == '"' && b[i+1] == 't' && b[i+2] == 's' && b[i+3] == '"'
}

// stepOn and stepBack are how far the next `"ts"` is at least, by the letter
// where this one would end or begin (Horspool's search).
func stepOn(c byte) int {
	switch c {
	case 's':
		return 1
	case 't':
		return 2
	case '"':
		return 3
	}
	return 4
}

func stepBack(c byte) int {
	switch c {
	case 't':
		return 1
	case 's':
		return 2
	case '"':
		return 3
	}
	return 4
}

// timeAt reads the time behind a key: epoch milliseconds or RFC 3339; 0 for
// anything else.
func timeAt(b []byte) (ms int64) {
	i := 0
	for i < len(b) && (b[i] == ' ' || b[i] == ':' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
		i++
	}
	b = b[i:]
	if len(b) > 0 && b[0] == '"' {
		end := bytes.IndexByte(b[1:min(len(b), 64)], '"')
		if end < 0 {
			return 0
		}
		t, err := time.Parse(time.RFC3339, string(b[1:1+end]))
		if err != nil {
			return 0
		}
		return t.UnixMilli()
	}
	n := 0
	for n < len(b) && n < 15 && '0' <= b[n] && b[n] <= '9' {
		ms = 10*ms + int64(b[n]-'0')
		n++
	}
	return ms
}
