package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// viewer is one websocket that looks at the probe's stations.
type viewer struct {
	feed, subs string
	conn       *websocket.Conn
	reading    sync.WaitGroup
	closing    atomic.Bool

	mu      sync.Mutex
	waiting [probeStations]change
	frames  []time.Duration
	unseen  int
}

// change is what a viewer waits for at one station.
type change struct {
	at       time.Time // when it was published; its ts in whole milliseconds
	measured bool
	open     bool
}

// open connects, subscribes and begins to read.
func (v *viewer) open(ctx context.Context, url string) error {
	conn, _, err := websocket.DefaultDialer.DialContext(ctx, url, nil)
	if err != nil {
		return fmt.Errorf("no websocket to %s: %w", url, err)
	}
	v.conn = conn
	for line := range strings.Lines(v.subs) {
		if err := conn.WriteMessage(websocket.TextMessage, []byte(line)); err != nil {
			return err
		}
	}
	v.reading.Go(v.read)
	return nil
}

// seen is the part of a frame that says what the probe's stations show.
type seen struct {
	Op    string          `json:"op"`
	Error json.RawMessage `json:"error"`
	Data  struct {
		Station  *station  `json:"station"`
		Stations []station `json:"stations"`
		Changed  []station `json:"changed"`
	} `json:"data"`
}

type station struct {
	ID        string    `json:"id"`
	UpdatedAt time.Time `json:"updatedAt"`
}

func (v *viewer) read() {
	for {
		_, b, err := v.conn.ReadMessage()
		now := time.Now()
		if err != nil {
			if !v.closing.Load() {
				Say("the viewer of %s was cut: %v", v.feed, err)
			}
			return
		}
		var f seen
		if err := json.Unmarshal(b, &f); err != nil || len(f.Error) > 0 {
			Say("the viewer of %s cannot use a frame: %.300s", v.feed, b)
			continue
		}
		if f.Data.Station != nil {
			v.shown(f.Data.Station, now)
		}
		for i := range f.Data.Stations {
			v.shown(&f.Data.Stations[i], now)
		}
		for i := range f.Data.Changed {
			v.shown(&f.Data.Changed[i], now)
		}
	}
}

// expect notes a change that is about to be published.
func (v *viewer) expect(i int, at time.Time, measured bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if w := v.waiting[i]; w.open && w.measured {
		v.unseen++
	}
	v.waiting[i] = change{at, measured, true}
}

// shown takes note of a station in a frame that arrived at now.
func (v *viewer) shown(s *station, now time.Time) {
	var i int
	if _, err := fmt.Sscanf(s.ID, ProbeSlug+":S%d", &i); err != nil || i < 0 || i >= probeStations {
		return // a station of the city's
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	w := &v.waiting[i]
	if !w.open || s.UpdatedAt.UnixMilli() != w.at.UnixMilli() {
		return
	}
	w.open = false
	if w.measured {
		v.frames = append(v.frames, now.Sub(w.at))
	}
}

func (v *viewer) close() {
	v.closing.Store(true)
	v.conn.Close()
	v.reading.Wait()
}

// take returns what was seen since the last call; what is still open waits on.
func (v *viewer) take() FeedLatency {
	v.mu.Lock()
	defer v.mu.Unlock()
	out := FeedLatency{v.feed, v.frames, v.unseen}
	v.frames, v.unseen = nil, 0
	return out
}

func (v *viewer) result() FeedLatency {
	for _, w := range v.waiting {
		if w.open && w.measured {
			v.unseen++
		}
	}
	return FeedLatency{v.feed, v.frames, v.unseen}
}
