package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/dianchi-platform/dianchi/internal/city"
)

// spec tells a client process what to do.
type spec struct {
	First, Viewers int      // its viewers are numbered from First
	Source         string   // address that its sockets come from
	Replicas       []string // host:port; viewer i is at i modulo their number
	Rate           int      // connections a second
	Ask            time.Duration
	Status         string // file of its count, JSON of [status], each second
}

// One viewer in so many is of a kind. Kinds are drawn by number, so that they
// do not go with the replicas.
const (
	wallEvery   = 50  // looks at totals and a heat map instead of a driver's map
	askEvery    = 10  // asks for the nearest free piles
	sampleEvery = 100 // is checked
)

// person is what a viewer wants.
type person struct {
	lon, lat            float64
	wall, asks, sampled bool
}

// who returns viewer i, the same one each time: people are around the city's
// hot spots, within some kilometres.
func who(c *city.City, i int) person {
	r := rand.New(rand.NewPCG(uint64(i), 7))
	spot := c.Hotspots[r.IntN(len(c.Hotspots))].At
	return person{spot.Lon + r.NormFloat64()*0.02, spot.Lat + r.NormFloat64()*0.02,
		r.IntN(wallEvery) == 0, r.IntN(askEvery) == 0, r.IntN(sampleEvery) == 0}
}

// subs are the messages with which a viewer begins: a driver's phone shows
// about three by four kilometres.
func (p *person) subs() []string {
	box := func(w, h float64) string {
		return fmt.Sprintf("[%.5f,%.5f,%.5f,%.5f]", p.lon-w, p.lat-h, p.lon+w, p.lat+h)
	}
	if p.wall {
		return []string{`{"op":"sub","id":"o","feed":"overview"}`,
			`{"op":"sub","id":"h","feed":"heatmap","layer":"vehicles","res":8,"bbox":` + box(0.05, 0.04) + `}`}
	}
	return []string{`{"op":"sub","id":"s","feed":"stations","bbox":` + box(0.015, 0.018) + `}`}
}

func (p *person) question() string {
	return fmt.Sprintf(`{"op":"query","id":"q","near":[%.5f,%.5f],"radiusM":5000,"free":true,"limit":10}`, p.lon, p.lat)
}

// status is what a client process has counted. Times are of the window that
// the last SIGUSR1 began.
type status struct {
	PID                int
	Open, Failed, Lost int            // sockets that are open, could not be opened, were closed on us
	Why                map[string]int // of these
	Connecting         time.Duration
	From, To           time.Time // the window, up to when this was written

	Frames, Zipped, Bytes    uint64 // frames of channels, of these compressed; all bytes that came
	Asked, Answered, Skipped uint64 // questions; skipped: the last one was not answered yet
	Gaps, Latency, Query     hist   // between two frames of a viewer; of checked viewers' frames; of answers
	Blind, Mute              int    // viewers without a frame in the window, without one ever
	Waiting                  int    // questions that have had no answer for so long as [patience]

	Checked  int // sampled viewers that were compared, after SIGUSR2
	Channels int // and their channels
	Wrong    []string
	Done     bool // all is compared

	span float64 // seconds × sockets of a sum
}

// because books why a socket was lost or failed.
func (s *status) because(err error) { s.blame(err.Error(), 1) }

// reasonsKept bounds the different ones; what comes after goes into one.
const reasonsKept = 20

func (s *status) blame(why string, n int) {
	if s.Why == nil {
		s.Why = map[string]int{}
	}
	if _, ok := s.Why[why]; !ok && len(s.Why) >= reasonsKept {
		why = "other reasons"
	}
	s.Why[why] += n
}

func (s *status) reasons() string {
	var all []string
	for _, why := range slices.Sorted(maps.Keys(s.Why)) {
		all = append(all, fmt.Sprintf("%d × %s", s.Why[why], why))
	}
	return strings.Join(all, "; ")
}

// patience is how long an answer may take before it counts as none.
const patience = 30 * time.Second

// hist counts times in steps of 4.4 %, up to a minute.
type hist [27 * 16]uint64

func (h *hist) add(d time.Duration) {
	i := int(math.Log2(float64(max(d.Microseconds(), 1))) * 16)
	h[min(i, len(h)-1)]++
}

func (h *hist) merge(o *hist) {
	for i, n := range o {
		h[i] += n
	}
}

func (h *hist) count() (n uint64) {
	for _, v := range h {
		n += v
	}
	return n
}

// at returns the value that the share q of all does not exceed, 0 for none.
func (h *hist) at(q float64) time.Duration {
	want := uint64(math.Ceil(q * float64(h.count())))
	sum := uint64(0)
	for i, n := range h {
		if sum += n; sum >= want && sum > 0 {
			return time.Duration(math.Exp2(float64(i+1)/16)) * time.Microsecond
		}
	}
	return 0
}

// writeJSON replaces the file at once.
func writeJSON(file string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", b, 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

func readJSON(file string, v any) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}
