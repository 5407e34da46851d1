package api

import (
	"bytes"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// dialSlow returns a client whose kernel takes little that it has not read.
func (w *world) dialSlow() *client {
	w.tb.Helper()
	d := websocket.Dialer{NetDial: func(network, addr string) (net.Conn, error) {
		c, err := net.Dial(network, addr)
		if err == nil {
			err = c.(*net.TCPConn).SetReadBuffer(32 << 10)
		}
		return c, err
	}}
	conn, _, err := d.Dial("ws"+w.url[4:]+"/api/v1/live", nil)
	if err != nil {
		w.tb.Fatal(err)
	}
	w.tb.Cleanup(func() { conn.Close() })
	return &client{tb: w.tb, conn: conn, chans: make(map[string]*channelState)}
}

// busyWorld has 200 stations in one tile.
func busyWorld(tb testing.TB, change ...func(*Config, *Deps)) *world {
	w := newWorld(tb, change...)
	for n := charge.Num(1); n <= 200; n++ {
		w.put(station(n, teld, geo.Point{Lon: center.Lon + float64(n%20)*0.0005, Lat: center.Lat + float64(n/20)*0.0005}, n))
	}
	w.tick()
	return w
}

// churn has every station report.
func (w *world) churn(i int) {
	rec := record.Record{Party: teld}
	for n := charge.Num(1); n <= 200; n++ {
		rec.Piles = append(rec.Piles, record.PileItem{Num: n, Verdict: charge.Taken,
			Report: charge.PileReport{TS: w.at, Status: charge.Status(1 + (i+int(n))%3)}})
	}
	w.apply(rec)
}

// TestSlowReader: who does not read gets the newest state later and never a
// backlog, and nobody else notices.
func TestSlowReader(t *testing.T) {
	w := busyWorld(t)
	slow, fast := w.dialSlow(), w.dial("")
	ch := slow.sub("a", `"feed":"stations",`+cityBox)[0]
	fast.sub("a", `"feed":"stations",`+cityBox)
	fast.next()

	const revisions = 150
	var worst time.Duration
	for i := range revisions {
		w.churn(i)
		began := time.Now()
		w.tick()
		if f := fast.next(); f.Full || revNumber(t, f.Rev) != w.rev {
			t.Fatalf("revision %d: %s", w.rev, f.raw[:100])
		}
		worst = max(worst, time.Since(began))
	}
	if worst > 2*time.Second { // the machine may be busy; a loop that waits for the slow one would never go on
		t.Errorf("beside a slow reader a frame took %s", worst)
	}
	if w.api.Stats().Skipped == 0 {
		t.Error("the slow reader was never skipped: the test shows nothing")
	}

	var bytes int
	for slow.chans[ch].n < w.rev {
		f := slow.next()
		bytes += len(f.raw)
	}
	if n := len(slow.frames); n > revisions/3 {
		t.Errorf("the slow reader got %d frames of %d revisions", n, revisions)
	}
	if got, want := slow.chans[ch].canon("stations"), fast.chans[ch].canon("stations"); got != want {
		t.Errorf("the slow reader holds\n%s\nwant\n%s", got, want)
	}
	t.Logf("%d revisions: the slow reader got %d frames, %d bytes; the fast one waited %s at most",
		revisions, len(slow.frames), bytes, worst)
}

// TestSlowAsker: who asks faster than it reads is slowed, and keeps no memory.
func TestSlowAsker(t *testing.T) {
	w := busyWorld(t)
	slow, other := w.dialSlow(), w.dial("")
	stopped := make(chan int, 1)
	go func() {
		_ = slow.conn.SetWriteDeadline(time.Now().Add(time.Second))
		for i := 0; ; i++ {
			if err := slow.conn.WriteMessage(websocket.TextMessage,
				fmt.Appendf(nil, `{"op":"query","id":%d,"near":[102.71,25.04],"limit":200}`, i)); err != nil {
				stopped <- i
				return
			}
		}
	}()
	for range 20 {
		began := time.Now()
		other.send(`{"op":"query","id":"q","near":[102.71,25.04]}`)
		if other.next(); time.Since(began) > 2*time.Second {
			t.Fatalf("beside a slow asker an answer took %s", time.Since(began))
		}
	}
	if n := <-stopped; n > 200_000 {
		t.Fatalf("%d questions were taken from a viewer that reads no answers", n)
	}
}

// TestSilentViewersAreCut: a viewer that does not answer pings goes.
func TestSilentViewersAreCut(t *testing.T) {
	w := newWorld(t, func(c *Config, _ *Deps) { c.Ping, c.Silence = time.Second, 3*time.Second })
	w.tick()
	dead, alive := w.dial(""), w.dial("")
	dead.conn.SetPingHandler(func(string) error { return nil })
	go func() {
		for {
			if _, _, err := alive.conn.ReadMessage(); err != nil {
				return
			}
		}
	}()
	if code := dead.closed(6 * time.Second); code != 0 && code != websocket.CloseAbnormalClosure {
		t.Fatalf("close code %d", code)
	}
	eventually(t, func() bool { return w.api.Stats().Viewers == 1 })
}

// TestNobodyIsCutUnasked: a process that comes by late asks first, however long a
// viewer was silent, and cuts only the one that then says nothing.
func TestNobodyIsCutUnasked(t *testing.T) {
	w := newWorld(t)
	w.tick()
	w.dialSlow() // its reader answers nothing
	w.eventuallyViewers(1)
	v, now := w.onlyViewer(), uptime()+1000
	for _, step := range []struct {
		after, pinged int64 // seconds
		cut           bool
	}{{29, 0, false}, {500, 500, false}, {540, 500, false}, {546, 500, true}} {
		v.heard.Store(now)
		v.shard.watch(v, now+step.after)
		v.mu.Lock()
		pinged, cut := max(0, v.pinged-now), v.closing
		v.mu.Unlock()
		if pinged != step.pinged || cut != step.cut {
			t.Fatalf("after %d s: pinged at %d, cut %v; want %d, %v", step.after, pinged, cut, step.pinged, step.cut)
		}
	}
}

// TestPingsUnanswered: one that pings and reads nothing is kept one pong ready,
// behind what it is being sent, however often it pings.
func TestPingsUnanswered(t *testing.T) {
	w := newWorld(t)
	w.tick()
	c := w.dialSlow()
	w.eventuallyViewers(1)
	v := w.onlyViewer()
	wait := func() bool {
		v.mu.Lock()
		defer v.mu.Unlock()
		return len(v.pending) > 0
	}
	for i := 0; !wait(); i++ { // until the kernel takes no more
		if i == 1_000_000 {
			t.Fatal("the kernel takes everything")
		}
		v.control(controlFrame(websocket.PongMessage, bytes.Repeat([]byte("x"), 125)))
	}
	for i := range 1000 {
		v.control(controlFrame(websocket.PongMessage, fmt.Append(nil, i)))
	}
	v.mu.Lock()
	n := len(v.pending)
	v.mu.Unlock()
	if n > 2 {
		t.Fatalf("%d frames wait for one that does not read", n)
	}
	var last string
	c.conn.SetPongHandler(func(data string) error { last = data; return nil })
	c.send(`{"op":"query","id":"q","near":[102.71,25.04]}`)
	if f := c.next(); f.ID != "q" || last != "999" {
		t.Fatalf("after pong %q it reads %s, want the newest", last, f.raw)
	}
}

// TestSubBehindAnUnreadAnswer: what a subscription brings holds up no goroutine
// while the viewer leaves an answer unread.
func TestSubBehindAnUnreadAnswer(t *testing.T) {
	w := newWorld(t)
	w.dial("")
	w.eventuallyViewers(1)
	v := w.onlyViewer()
	v.mu.Lock()
	v.waits.Store(true) // as its reader does
	done := make(chan struct{})
	go func() { v.begin(w.api.hub); close(done) }()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Error("it waits for the viewer to read")
	}
	v.waits.Store(false)
	v.mu.Unlock()
	<-done
}

func (w *world) eventuallyViewers(n int) {
	w.tb.Helper()
	eventually(w.tb, func() bool { return w.api.Stats().Viewers == n && w.onlyViewer() != nil })
}

// onlyViewer returns a viewer, nil when there is none.
func (w *world) onlyViewer() (v *viewer) {
	w.api.hub.each(func(one *viewer) { v = one })
	return v
}
