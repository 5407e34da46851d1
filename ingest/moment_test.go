package ingest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/live"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// album keeps moments in memory, and says how often one came.
type album struct {
	mu  sync.Mutex
	put map[charge.Millis][][]byte
}

func (a *album) Put(t charge.Millis, body []byte) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.put[t] = append(a.put[t], body)
	return nil
}

func (a *album) has() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	counts := map[charge.Millis]int{}
	for t, bodies := range a.put {
		counts[t] = len(bodies)
	}
	return fmt.Sprint(counts)
}

// A moment is kept once for each five minutes, from the tick that makes its
// rows; of one that was seen more than a minute late, or not at all, there is none.
func TestAMomentEachFiveMinutes(t *testing.T) {
	kept := &album{put: map[charge.Millis][][]byte{}}
	r := newRig(t)
	r.past = kept
	r.open(Catalog{})
	r.send(teld, charge.Stations, stationJSON("S1", "", "A"))
	r.send(teld, charge.Piles, pileJSON("A", time.Now(), 3, 60))
	now := charge.At(time.Now())
	first := now - now%totalsEvery + totalsEvery
	want := func(moments ...charge.Millis) {
		t.Helper()
		all := map[charge.Millis]int{}
		for _, m := range moments {
			all[m] = 1
		}
		for end := time.Now().Add(5 * time.Second); kept.has() != fmt.Sprint(all); {
			if time.Now().After(end) {
				t.Fatalf("moments are %s, want %v", kept.has(), all)
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	r.tickAt(first - 1)
	want()
	r.tickAt(first + 300)
	r.tickAt(first + 1300)
	want(first)
	r.tickAt(first + totalsEvery + lateMoment + 1) // the machine slept
	r.tickAt(first + totalsEvery + lateMoment + 2)
	r.tickAt(first + 2*totalsEvery + lateMoment)
	want(first, first+2*totalsEvery)
	r.crash()
	r.open(Catalog{})
	r.tickAt(first + 2*totalsEvery + lateMoment + 1) // a start is no new moment
	r.tickAt(first + 5*totalsEvery)                  // and what was missed stays so
	want(first, first+2*totalsEvery, first+5*totalsEvery)

	m, err := live.DecodeMoment(kept.put[first][0])
	if err != nil {
		t.Fatal(err)
	}
	if m.T != first || m.Overview.At != first+300 || m.Overview.PowerKW != 60 || m.Overview.Piles.Charging != 1 {
		t.Errorf("the first moment is %+v", m.Overview)
	}
	for _, rec := range r.records() {
		if rec.Kind == record.Totals && rec.Received == first && rec.Rows[0].PowerKW != m.Overview.PowerKW {
			t.Errorf("the row of the city says %v kW, the moment %v", rec.Rows[0].PowerKW, m.Overview.PowerKW)
		}
	}
}
