package ingest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/ingest/door"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/spool"
)

// many returns a message of n reports of pile A that are all news.
func many(n int, from time.Time) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,{"id":"A","ts":%d,"status":3,"powerKw":%d,"session":"%0128d"}`, from.UnixMilli()+int64(i), i%100, i)
	}
	return "[" + b.String()[1:] + "]"
}

// fill submits messages until the spool is full, and returns the
// acknowledgements that are to come, oldest first.
func (r *rig) fill() (acks []chan error) {
	r.t.Helper()
	from := time.Now().Add(-4 * time.Minute)
	for i := 0; r.p.Stalled() == 0; i++ {
		if i > 1000 {
			r.t.Fatal("the spool does not become full")
		}
		text := many(500, from.Add(time.Duration(i)*time.Second/2))
		acks = append(acks, r.message(teld, charge.Piles, text, charge.At(time.Now())))
		if i > 20 {
			time.Sleep(5 * time.Millisecond)
		}
	}
	return acks
}

// settled counts what has been acknowledged and what refused.
func settled(acks []chan error) (taken, refused int) {
	for _, a := range acks {
		select {
		case err := <-a:
			if err == nil {
				taken++
			} else {
				refused++
			}
			a <- err
		default:
		}
	}
	return taken, refused
}

func smallRig(t testing.TB) *rig {
	r := newRig(t)
	r.spool.MaxBytes = 3 << 20
	r.spool.Holders = []string{snapshotName, "elsewhere"}
	r.open(Catalog{})
	r.send(teld, charge.Stations, stationJSON("S1", "", "A"))
	return r
}

// While the spool is full nothing is acknowledged and nothing lost; snapshots
// go on; when there is room again everything is taken.
func TestFullSpool(t *testing.T) {
	r := smallRig(t)
	acks := r.fill()
	var taken, refused int
	r.eventually(func() bool { // what is live is acknowledged a moment later; the station was, too
		taken, refused = settled(acks)
		return r.p.Stalled() != 0 && r.p.commit.applied.Load() == r.sp.Last() && uint64(taken+refused)+1 == r.p.OnRecord()
	})
	if taken == len(acks) || refused > 0 {
		t.Fatalf("%d of %d messages acknowledged and %d refused with a full spool", taken, len(acks), refused)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := r.p.commit.snapshotNow(ctx); err != nil {
		t.Fatalf("no snapshot with a full spool: %v", err)
	}
	if more, _ := settled(acks); more != taken {
		t.Errorf("%d messages acknowledged, then %d: the spool is held elsewhere", taken, more)
	}
	r.sp.Hold("elsewhere", r.sp.Next()-1)
	r.eventually(func() bool { n, _ := settled(acks); return n == len(acks) })
	if r.p.Stalled() != 0 {
		t.Error("the pipeline says that it is stalled")
	}
	if got := r.total(teld); got.Received != 1+500*uint64(len(acks)) || !counts(got).addUp() {
		t.Errorf("account %+v after %d messages of 500", got, len(acks))
	}
}

// A snapshot may be what makes room.
func TestSnapshotMakesRoom(t *testing.T) {
	r := smallRig(t)
	r.sp.Hold("elsewhere", 1<<40)
	acks := r.fill()
	r.eventually(func() bool { return r.p.Stalled() != 0 })
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := r.p.commit.snapshotNow(ctx); err != nil {
		t.Fatal(err)
	}
	r.eventually(func() bool { n, _ := settled(acks); return n == len(acks) })
}

// Stop does not wait for room that will not come: what waits is refused.
func TestStopWhileFull(t *testing.T) {
	r := smallRig(t)
	acks := r.fill()
	began := time.Now()
	r.p.Quiesce()
	r.eventually(func() bool { a, b := settled(acks); return a+b == len(acks) })
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := r.p.Stop(ctx); err != nil {
		t.Errorf("Stop: %v", err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("stopping took %v", took)
	}
	taken, refused := settled(acks)
	if taken+refused != len(acks) || refused == 0 {
		t.Errorf("%d acknowledged, %d refused of %d", taken, refused, len(acks))
	}
	if err := r.sp.Close(ctx); err != nil {
		t.Fatal(err)
	}
	r.spool.MaxBytes = 30 << 20
	r.open(Catalog{})
	if got := r.total(teld); got.Received != 1+500*uint64(taken) {
		t.Errorf("after the restart %+v, want what was acknowledged: %d messages", got, taken)
	}
}

// After a failed write nothing more is acknowledged, and the platform is told.
func TestBrokenSpool(t *testing.T) {
	r := newRig(t)
	r.spool.SegmentBytes = 8192
	r.open(Catalog{})
	r.send(teld, charge.Stations, stationJSON("S1", "", "A"))
	if err := os.RemoveAll(r.spool.Dir); err != nil { // no new segment can be made
		t.Fatal(err)
	}
	var acks []chan error
	now := time.Now().Add(-time.Minute)
	for i := range 100 {
		text := many(20, now.Add(time.Duration(i)*time.Second/4))
		acks = append(acks, r.message(teld, charge.Piles, text, charge.At(time.Now())))
	}
	select {
	case err := <-r.fatal:
		if !errors.Is(err, spool.ErrBroken) {
			t.Errorf("the platform is told %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("the platform is not told")
	}
	r.eventually(func() bool { a, b := settled(acks); return a+b == len(acks) })
	taken, _ := settled(acks)
	if err := r.try(teld, charge.Piles, "[]"); !errors.Is(err, spool.ErrBroken) {
		t.Errorf("Submit says %v", err)
	}
	if got := r.total(teld).Received; got != 1+20*uint64(taken) {
		t.Errorf("%d reports counted, %d messages of 20 acknowledged", got, taken)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := r.p.Stop(ctx); !errors.Is(err, spool.ErrBroken) {
		t.Errorf("Stop says %v", err)
	}
}

// A record that the disk lost before it was live is not acknowledged, and the
// others keep their own acknowledgements.
func TestAcknowledgementsSkipWhatIsLost(t *testing.T) {
	p := newRig(t).open(Catalog{}).p
	p.Stop(t.Context())
	q := New(p.cfg, p.log, p.deps)
	var got []string
	for seq := range uint64(6) {
		q.acks <- ack{seq: seq, done: func(err error) { got = append(got, fmt.Sprint(seq, " ", err)) }}
	}
	for _, seq := range []uint64{0, 1, 4, 5} {
		a, ok := q.commit.ackOf(seq)
		if !ok || a.seq != seq {
			t.Fatalf("record %d has the acknowledgement of %d", seq, a.seq)
		}
	}
	if want := []string{fmt.Sprint(2, " ", errLost), fmt.Sprint(3, " ", errLost)}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("told %v, want %v", got, want)
	}
}

// Stop may come before Start, twice, and while others submit.
func TestStopAnyTime(t *testing.T) {
	before := runtime.NumGoroutine()
	r := newRig(t).open(Catalog{})
	r.send(teld, charge.Stations, stationJSON("S1", "", "A"))

	idle := New(r.cfg, r.log, r.p.deps)
	waiting := make(chan error, 1)
	early := door.Message{Party: teld, Kind: charge.Piles, Done: func(err error) { waiting <- err }}
	if err := idle.Submit(t.Context(), early); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := idle.Stop(t.Context()); err != nil {
			t.Errorf("Stop before Start: %v", err)
		}
	}
	if err := <-waiting; err == nil {
		t.Error("acknowledged by a pipeline that never ran")
	}
	if err := idle.Start(t.Context()); err == nil {
		t.Error("started after Stop")
	}

	var submitted, answered, taken atomic.Int64
	var sources sync.WaitGroup
	base := time.Now().Add(-time.Minute)
	for n := range 8 {
		sources.Go(func() {
			for i := range 1 << 20 {
				err := r.p.Submit(context.Background(), door.Message{
					Party: teld, Kind: charge.Piles, Received: charge.At(time.Now()),
					Payload: []byte(pileJSON("A", base.Add(time.Duration(8*i+n)*time.Millisecond), 3, 60)),
					Done: func(err error) {
						answered.Add(1)
						if err == nil {
							taken.Add(1)
						}
					},
				})
				if err != nil {
					return
				}
				submitted.Add(1)
			}
		})
	}
	time.Sleep(50 * time.Millisecond)
	r.p.PartiesChanged(nil, nil)
	r.stop()
	sources.Wait()
	if err := r.p.Stop(t.Context()); err != nil {
		t.Errorf("second Stop: %v", err)
	}
	r.p.PartiesChanged(nil, []charge.Party{{Num: teld}}) // too late, but no harm
	if submitted.Load() != answered.Load() || taken.Load() == 0 {
		t.Errorf("%d messages submitted, %d answered, %d taken", submitted.Load(), answered.Load(), taken.Load())
	}
	r.eventually(func() bool { return runtime.NumGoroutine() <= before+2 })
	r.open(Catalog{})
	if got := r.total(teld).Received; got != uint64(taken.Load())+1 {
		t.Errorf("%d reports in the account, %d messages of one acknowledged", got, taken.Load())
	}
}

// Submit does not outlive its context while it waits for room.
func TestSubmitWaitsNoLongerThanItsContext(t *testing.T) {
	r := smallRig(t)
	r.p.lanes.limits.total = 1 << 20
	acks := r.fill()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	var err error
	large := door.Message{Party: teld, Kind: charge.Piles, Payload: make([]byte, 200<<10), Done: func(error) {}}
	for err == nil {
		err = r.p.Submit(ctx, large)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Submit says %v", err)
	}
	r.p.Quiesce()
	r.eventually(func() bool { a, b := settled(acks); return a+b == len(acks) })
}
