package ingest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// A replica that leaves in the middle of its snapshot costs nobody anything.
func TestReplicaLeaves(t *testing.T) {
	r := newRig(t).open(Catalog{})
	r.send(teld, charge.Stations, stationJSON("S1", "", "A"))
	end := time.Now().Add(time.Second)
	var replicas sync.WaitGroup
	for n := range 4 {
		replicas.Go(func() {
			for i := 0; time.Now().Before(end); i++ {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%20*(n+1))*20*time.Microsecond)
				r.p.LiveSections(ctx, func(string, uint64, []byte) error { return nil })
				cancel()
			}
		})
	}
	base := time.Now().Add(-time.Minute)
	for i := 0; time.Now().Before(end); i++ {
		r.send(teld, charge.Piles, pileJSON("A", base.Add(time.Duration(i)*time.Millisecond), 3, 60))
	}
	replicas.Wait()
	r.send(teld, charge.Piles, pileJSON("A", time.Now(), 3, 61))
}

// A replica that does not read keeps nobody from stopping, and reports go on.
func TestReplicaStalls(t *testing.T) {
	r := newRig(t).open(Catalog{})
	r.send(teld, charge.Stations, stationJSON("S1", "", "A"))
	entered, leave := make(chan struct{}), make(chan struct{})
	var once sync.Once
	left := make(chan error, 1)
	go func() {
		left <- r.p.LiveSections(context.Background(), func(string, uint64, []byte) error {
			once.Do(func() { close(entered) })
			<-leave
			return nil
		})
	}()
	<-entered
	r.send(teld, charge.Piles, pileJSON("A", time.Now(), 3, 60))
	r.stop()
	close(leave)
	if err := <-left; err == nil {
		t.Error("a snapshot that was cut short is said to be whole")
	}
}

// Everything at once: sources, snapshots, replicas, feedback, readers, parties
// that go, and a stop in the middle. Every message is answered once, in the
// order of its source, and the account is what was acknowledged.
func TestEverythingAtOnce(t *testing.T) {
	r := newRig(t)
	r.cfg.SnapshotEvery, r.cfg.FeedbackEvery = 3*time.Millisecond, 2*time.Millisecond
	r.spool.SegmentBytes = 64 << 10
	r.open(Catalog{})
	for _, party := range []charge.Num{teld, star} {
		r.send(party, charge.Stations, stationJSON("S1", "", "A", "B", "C", "D"))
	}
	var stop atomic.Bool
	var rest, sources sync.WaitGroup
	var taken [nio + 1]atomic.Int64
	for n := range 12 {
		sources.Go(func() {
			party := []charge.Num{teld, star, byd, nio}[n%4]
			var order []chan error
			for i := 0; !stop.Load(); i++ {
				now := time.Now()
				kind, text := charge.Piles, pileJSON(string(rune('A'+n%4)), now, 3, float64(i))
				switch {
				case party >= byd:
					kind, text = charge.Vehicles, fmt.Sprintf(`{"vin":"LNBMDBAH4PA%06d","ts":%d,"speedKmh":%d}`, 1000*n+i%200,
						now.UnixMilli(), i%100)
				case i%20 == 10:
					kind, text = charge.Stations, stationJSON(fmt.Sprint("S", i%3),
						fmt.Sprintf(`,"phone":"%d"`, i), "A", "B", "C", "D")
				}
				order = append(order, r.message(party, kind, text, charge.At(now)))
				if len(order) < 100 {
					continue
				}
				for i, done := range order {
					select {
					case err := <-done:
						if err == nil {
							taken[party].Add(1)
						}
					case <-time.After(10 * time.Second):
						t.Errorf("message %d of a source is not answered", i)
						return
					}
				}
				order = order[:0]
			}
			for _, done := range order {
				if err := <-done; err == nil {
					taken[party].Add(1)
				}
			}
		})
	}
	for range 2 {
		rest.Go(func() {
			for !stop.Load() {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
				r.p.LiveSections(ctx, func(string, uint64, []byte) error { return nil })
				cancel()
				r.p.Book().Totals()
				r.live.Overview()
				r.live.Pile("star", "A", regulator)
			}
		})
	}
	rest.Go(func() {
		time.Sleep(300 * time.Millisecond)
		r.p.PartiesChanged(nil, []charge.Party{r.people.remove(teld)})
		for !stop.Load() {
			r.p.PartiesChanged(nil, nil)
			time.Sleep(time.Millisecond)
		}
	})
	time.Sleep(900 * time.Millisecond)
	r.stop()
	stop.Store(true)
	sources.Wait()
	rest.Wait()
	for _, party := range []charge.Num{star, byd, nio} {
		want := uint64(taken[party].Load())
		if party == star {
			want++
		}
		if got := r.total(party); got.Received != want || !counts(got).addUp() || got.Received < 50 {
			t.Errorf("account of %d: %+v, %d messages of one acknowledged", party, got, want)
		}
	}
	if r.live.Overview().Piles.Total > 4 {
		t.Errorf("%d piles, the removed party's are still there", r.live.Overview().Piles.Total)
	}
	before := r.total(star)
	r.open(Catalog{})
	if got := r.total(star); got != before {
		t.Errorf("account after the restart %+v, want %+v", got, before)
	}
}
