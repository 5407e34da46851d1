package api

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// One client's questions never keep another's from a place.
func TestHistoryTakesTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(4)
		var running, greedy, most atomic.Int64
		ask := func(client string) {
			if err := q.enter(t.Context(), client); err != nil {
				t.Error(err)
				return
			}
			if client == "greedy" {
				n := greedy.Add(1)
				if n > most.Load() {
					most.Store(n)
				}
				defer greedy.Add(-1)
			}
			if n := running.Add(1); n > 4 {
				t.Errorf("%d at once", n)
			}
			time.Sleep(time.Second)
			running.Add(-1)
			q.leave(client)
		}
		for range 16 {
			go ask("greedy")
		}
		synctest.Wait()
		for _, client := range []string{"a", "b"} { // there is a place for these at once
			go ask(client)
		}
		synctest.Wait()
		if running.Load() != 4 || greedy.Load() != 2 {
			t.Fatalf("%d run, %d of the greedy one", running.Load(), greedy.Load())
		}
		for i := range 4 { // and for these when theirs have ended
			go ask(fmt.Sprint(i))
		}
		synctest.Wait()
		time.Sleep(3100 * time.Millisecond)
		synctest.Wait()
		q.mu.Lock()
		if len(q.lines) != 1 {
			t.Errorf("after three rounds %d clients are still there, want the greedy one", len(q.lines))
		}
		q.mu.Unlock()
		time.Sleep(time.Minute)
		synctest.Wait()
		if most.Load() != 2 || q.free != 4 || len(q.lines) != 0 || len(q.turns) != 0 || q.waiting != 0 {
			t.Fatalf("most %d of the greedy one; left: %+v", most.Load(), q)
		}
	})
}

func TestHistoryQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(4)
		var refused atomic.Int64
		count := func(client string, times int) {
			for range times {
				go func() {
					if charge.CodeOf(q.enter(t.Context(), client)) == busy {
						refused.Add(1)
					}
				}()
				synctest.Wait()
			}
		}
		count("a", 2+lineWaits+3)
		if refused.Load() != 3 {
			t.Fatalf("%d of one client refused at once, want 3", refused.Load())
		}
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error)
		go func() { gone <- q.enter(ctx, "b") }() // has a place
		if err := <-gone; err != nil {
			t.Fatal(err)
		}
		go func() { _ = q.enter(t.Context(), "b") }()
		synctest.Wait()
		go func() { gone <- q.enter(ctx, "b") }()
		synctest.Wait()
		cancel()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Fatalf("a client that left: %v", err)
		}
		time.Sleep(queueWait)
		synctest.Wait()
		if refused.Load() != 3+lineWaits || q.waiting != 0 || len(q.turns) != 0 {
			t.Fatalf("%d refused, %d wait", refused.Load(), q.waiting)
		}
		for i := range queueWaits + 5 {
			count(fmt.Sprint(i), 1)
		}
		if refused.Load() != 3+lineWaits+5 {
			t.Fatalf("%d refused, want five more", refused.Load())
		}
		time.Sleep(queueWait)
	})
}

// heldHistory answers when it is let.
type heldHistory struct {
	fixedHistory
	let chan struct{}
}

func (h heldHistory) TotalsHistory(ctx context.Context, s record.Scope, id string, from, to charge.Millis, every time.Duration) (Table, error) {
	select {
	case <-h.let:
	case <-ctx.Done():
	}
	return h.fixedHistory.TotalsHistory(ctx, s, id, from, to, every)
}

func TestHistoryBusy(t *testing.T) {
	h := heldHistory{let: make(chan struct{})}
	w := newWorld(t, func(_ *Config, d *Deps) { d.History = h })
	w.tick()
	answers := make(chan answered)
	ask := func(from string) {
		answers <- w.do("GET", "/api/v1/history/city", "", "X-Forwarded-For", from)
	}
	const all = 2 + lineWaits
	for range all + 1 {
		go ask("203.0.113.9")
	}
	if a := <-answers; a.code() != "busy" || a.header.Get("Retry-After") == "" {
		t.Fatalf("one too many: %d %s", a.status, a.body)
	}
	go ask("203.0.113.10")
	eventually(t, func() bool {
		w.api.past.mu.Lock()
		defer w.api.past.mu.Unlock()
		return w.api.past.free == 1 // of four: the first client has two, the other one
	})
	close(h.let)
	for range all + 1 {
		if a := <-answers; a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
}

// From 0 is from the beginning; it is a time like any other.
func TestHistoryFromZero(t *testing.T) {
	w := fullWorld(t)
	f := func(query string, status int) {
		t.Helper()
		if a := w.get("/api/v1/history/city?"+query, ""); a.status != status {
			t.Fatalf("%s: %d %s", query, a.status, a.body)
		}
	}
	f("from=0", 200)
	f("from=1970-01-01T00:00:00Z", 200)
	f("from=0&to=1&every=24h", 200)
	f("from=-1", 400)
	f("from=1969-12-31T23:59:59Z", 400)
	f("to=0", 400)
	f("from=5&to=0", 400)
	if a := w.get("/api/v1/alarms?from=0", "t-regulator"); a.status != 200 {
		t.Fatalf("alarms from 0: %d", a.status)
	}
	if a := w.get("/api/v1/alarms?to=0", "t-regulator"); a.status != 400 {
		t.Fatalf("alarms to 0: %d", a.status)
	}
}

// Files and cells that cost a core much are made in turns.
func TestLargeWorkTakesTurns(t *testing.T) {
	w := newWorld(t)
	w.tick()
	q := w.api.work
	if err := q.enter(t.Context(), "token d1"); err != nil { // it has its one place
		t.Fatal(err)
	}
	const cells = "/api/v1/cells?res=8&bbox=102.7,25.0,102.75,25.05"
	waits := make(chan answered, 1)
	go func() { waits <- w.get(cells, "t-driver") }()
	eventually(t, func() bool {
		q.mu.Lock()
		defer q.mu.Unlock()
		return q.waiting == 1
	})
	if a := w.get(cells, "t-teld"); a.status != 200 {
		t.Fatalf("another client: %d", a.status)
	}
	if a := w.do("GET", "/api/v1/operators", "t-driver", "Accept", "text/csv"); a.status != 200 {
		t.Fatalf("a small file waits: %d", a.status)
	}
	q.leave("token d1")
	if a := <-waits; a.status != 200 {
		t.Fatalf("then: %d %s", a.status, a.body)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.free != workAtOnce || len(q.lines) != 0 {
		t.Fatalf("left: %+v", q)
	}
}

// TestLargeAnswersAreCompressedInTurns: what costs a core much waits its turn,
// what does not goes by, and one whose turn does not come has it as it is.
func TestLargeAnswersAreCompressedInTurns(t *testing.T) {
	w := newWorld(t)
	q := w.api.work
	ask := func(size int) *httptest.ResponseRecorder {
		rq := &request{Request: httptest.NewRequestWithContext(t.Context(), "GET", "/api/v1/overview", nil)}
		rq.Header.Set("Accept-Encoding", "gzip")
		rec, ans := httptest.NewRecorder(), new(answer)
		ans.b = bytes.Repeat([]byte("all sorts "), size/10)
		w.api.write(rec, rq, ans)
		return rec
	}
	waiting := func(n int) {
		t.Helper()
		eventually(t, func() bool {
			q.mu.Lock()
			defer q.mu.Unlock()
			return q.waiting == n
		})
	}
	for _, who := range []string{"one", "two"} {
		if err := q.enter(t.Context(), who); err != nil {
			t.Fatal(err)
		}
	}
	if a := ask(largeTable / 2); a.Header().Get("Content-Encoding") != "gzip" {
		t.Fatalf("a small one: %v", a.Header())
	}
	came := make(chan *httptest.ResponseRecorder, 1)
	go func() { came <- ask(2 * largeTable) }()
	waiting(1)
	q.leave("one")
	a := <-came
	if a.Header().Get("Content-Encoding") != "gzip" || a.Header().Get("Content-Length") != strconv.Itoa(a.Body.Len()) {
		t.Fatalf("a large one: %v", a.Header())
	}
	z, err := gzip.NewReader(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(z); err != nil || len(b) != 2*largeTable/10*10 {
		t.Fatalf("it unpacks to %d bytes, %v", len(b), err)
	}
	if err := q.enter(t.Context(), "one"); err != nil {
		t.Fatal(err)
	}
	for range lineWaits { // its own line is full
		go func() { _ = q.enter(t.Context(), netip.Addr{}.String()) }()
	}
	waiting(lineWaits)
	if a := ask(2 * largeTable); a.Header().Get("Content-Encoding") != "" || a.Body.Len() != 2*largeTable/10*10 {
		t.Fatalf("without a turn: %d %v", a.Code, a.Header())
	}
}
