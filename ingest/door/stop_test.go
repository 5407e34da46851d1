package door

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"
)

func TestStopAcknowledgesWhatWasTaken(t *testing.T) {
	b := newBelt(true)
	d := start(t, Config{}, Deps{Auth: newPeople(), Taker: b})
	three, five := login(t, d, 4, "a", "teld"), login(t, d, 5, "b", "teld")
	idle := dial(t, d)
	three.send(publish3("dianchi/v1/teld/piles", 1, 1, "[]")...)
	b.await(t, 1)
	five.send(publish5("dianchi/v1/teld/piles", 1, 2, "[]")...)
	b.await(t, 2)
	stopped := make(chan error)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		stopped <- d.Stop(ctx)
	}()
	idle.wantClosed()
	three.quiet()
	three.nc.Write(publish3("dianchi/v1/teld/piles", 1, 3, "[]")) // too late
	time.Sleep(20 * time.Millisecond)
	b.finish(2, nil)
	three.want(0x40, 2, 0, 1)
	three.wantClosed()
	five.want(0x40, 2, 0, 2)
	five.want(0xE0, 2, 0x8B, 0)
	five.wantClosed()
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	b.await(t, 2)
}

func TestStopEndsInTime(t *testing.T) {
	b := newBelt(true)
	d := start(t, Config{}, Deps{Auth: newPeople(), Taker: b})
	w := login(t, d, 4, "a", "teld")
	w.send(publish3("dianchi/v1/teld/piles", 1, 1, "[]")...)
	b.await(t, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := d.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	w.wantClosed()
	b.finish(1, nil) // comes too late and does no harm
}

func TestNoProgressClosesAndRefuses(t *testing.T) {
	b := newBelt(true)
	d := start(t, Config{StallAfter: 300 * time.Millisecond}, Deps{Auth: newPeople(), Taker: b})
	w := login(t, d, 5, "a", "teld")
	time.Sleep(500 * time.Millisecond) // nothing waits: nothing is wrong
	for id := range uint16(4) {
		w.send(publish5("dianchi/v1/teld/piles", 1, id+1, "[]")...)
	}
	b.await(t, 4)
	for id := range byte(3) { // slow, but it moves
		time.Sleep(200 * time.Millisecond)
		b.finish(1, nil)
		w.want(0x40, 2, 0, id+1)
	}
	w.want(0xE0, 2, 0x88, 0)
	w.wantClosed()
	refused := dial(t, d)
	refused.send(connect3("a", "teld", 60)...)
	refused.want(0x20, 2, 0, 3)
	refused = dial(t, d)
	refused.send(connect5("a", "teld", 60)...)
	if got := refused.packet(); len(got) < 4 || got[3] != 0x88 {
		t.Fatalf("CONNACK % x", got)
	}
	b.finish(1, nil) // the disk takes bytes again
	eventually(t, "the door lets clients in again", func() bool { return !d.Stats().Stalled })
	login(t, d, 4, "a", "teld")
}

func TestFullRefusesUntilThereIsRoom(t *testing.T) {
	var full atomic.Bool
	b := newBelt(true)
	d := start(t, Config{StallAfter: 200 * time.Millisecond}, Deps{Auth: newPeople(), Taker: b, Full: full.Load})
	w := login(t, d, 4, "a", "teld")
	full.Store(true)
	w.wantClosed()
	if !d.Stats().Stalled {
		t.Fatal("not stalled")
	}
	time.Sleep(300 * time.Millisecond)
	if !d.Stats().Stalled {
		t.Fatal("lets clients in while it is full")
	}
	full.Store(false)
	eventually(t, "the door lets clients in again", func() bool { return !d.Stats().Stalled })
	login(t, d, 4, "a", "teld")
}

// wall is a taker that panics, or refuses.
type wall struct{ err error }

func (w wall) Submit(context.Context, Message) error {
	if w.err == nil {
		panic("a fault in the pipeline")
	}
	return w.err
}

func TestTakersFaultEndsOneConnection(t *testing.T) {
	f := func(name string, taker wall, reason byte) {
		t.Helper()
		d := New(Config{Addr: "127.0.0.1:0"}, discard, Deps{Auth: newPeople(), Taker: taker})
		if err := d.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer d.Stop(t.Context())
		witness := login(t, d, 4, "w", "teld")
		w := login(t, d, 5, "a", "teld")
		w.send(publish5("dianchi/v1/teld/piles", 1, 1, "[]")...)
		w.want(0xE0, 2, reason, 0)
		w.wantClosed()
		witness.ping()
		if n := d.panics.Total(); (n == 1) != (taker.err == nil) {
			t.Errorf("%s: %d panics", name, n)
		}
		if st := d.Stats(); st.Waiting != 0 {
			t.Errorf("%s: %+v", name, st)
		}
	}
	f("panics", wall{}, 0x80)
	f("refuses", wall{errors.New("stopping")}, 0x88)
}
