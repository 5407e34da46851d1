package ingest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/ingest/door"
	"github.com/dianchi-platform/dianchi/internal/charge"
)

// lateMessage is 50 reports of star's pile, an hour old.
func lateMessage(n int) string {
	from := time.Now().Add(-time.Hour).Add(time.Duration(n) * 50 * time.Millisecond)
	var b strings.Builder
	for i := range 50 {
		fmt.Fprintf(&b, `,{"id":"A","ts":%d,"status":3,"powerKw":%d}`, from.UnixMilli()+int64(i), i)
	}
	return "[" + b.String()[1:] + "]"
}

// A party that sends its past at full speed from many connections keeps nobody
// waiting, nor its own live reports, and loses nothing.
func TestLateFlood(t *testing.T) {
	r := newRig(t)
	r.cfg.LateRate = 2000
	r.open(Catalog{})
	r.send(teld, charge.Stations, stationJSON("S1", "", "A"))
	r.send(star, charge.Stations, stationJSON("S1", "", "A"))

	var sources sync.WaitGroup
	var submitted, acknowledged, next atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	for range 8 {
		sources.Go(func() {
			for ctx.Err() == nil {
				err := r.p.Submit(ctx, door.Message{
					Party: star, Kind: charge.Piles, Received: charge.At(time.Now()),
					Payload: []byte(lateMessage(int(next.Add(1)))),
					Done: func(err error) {
						if err == nil {
							acknowledged.Add(1)
						}
					},
				})
				if err == nil {
					submitted.Add(1)
				}
			}
		})
	}
	r.eventually(func() bool { _, late := r.p.Waiting(); return late.Outside == 8 })
	began := time.Now()
	before := acknowledged.Load()
	for i := range 300 {
		for _, party := range []charge.Num{teld, star} {
			if got := r.send(party, charge.Piles, pileJSON("A", began.Add(time.Duration(i)*time.Millisecond), 3, float64(i))); got.Taken != 1 && party == teld {
				t.Fatalf("%+v", got)
			}
		}
	}
	live := time.Since(began)
	if _, late := r.p.Waiting(); late.Outside == 0 || late.Bytes > maxLate {
		t.Errorf("the flood had ended before the live reports, or is too large: %+v", late)
	}
	judged := 50 * float64(acknowledged.Load()-before)
	if most := 2000*(live.Seconds()+1) + 500; judged > most {
		t.Errorf("%.0f late reports judged in %v, %.0f are allowed", judged, live, most)
	}
	cancel()
	sources.Wait()
	r.p.Quiesce() // or it would take its time
	r.eventually(func() bool { return acknowledged.Load() == submitted.Load() })
	if got := r.total(star); got.History < 50*uint64(submitted.Load()) || !counts(got).addUp() {
		t.Errorf("account %+v after %d late messages of 50", got, submitted.Load())
	}
}
