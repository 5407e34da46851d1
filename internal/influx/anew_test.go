package influx

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// choosy is an InfluxDB that keeps the lines it gets. It can refuse a line or
// say that it has no such database, and waits for leave before it answers.
type choosy struct {
	*httptest.Server
	mu      sync.Mutex
	lines   map[string]string // by series and time
	refuse  func(line string) bool
	missing bool
	leave   chan struct{} // nil: at once
}

func newChoosy(t *testing.T) *choosy {
	c := &choosy{lines: map[string]string{}, refuse: func(string) bool { return false }}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		c.mu.Lock()
		leave := c.leave
		c.mu.Unlock()
		if leave != nil {
			<-leave
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.missing {
			clear(c.lines)
			c.missing = false
			http.Error(w, `{"error":"database not found"}`, http.StatusNotFound)
			return
		}
		dropped := 0
		for line := range bytes.Lines(body) {
			if c.refuse(string(line)) {
				dropped++
				continue
			}
			f := bytes.Fields(line)
			c.lines[string(f[0])+" "+string(f[len(f)-1])] = string(f[1])
		}
		if dropped > 0 {
			http.Error(w, fmt.Sprintf(`{"error":"partial write: field type conflict dropped=%d"}`, dropped), http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(c.Close)
	return c
}

// dangling counts references to points that are not there.
func (c *choosy) dangling() (references, dangling int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, fields := range c.lines {
		var at int64
		if n, _ := fmt.Sscanf(fields, "same=%d", &at); n != 1 {
			continue
		}
		references++
		var series string
		var ns int64
		fmt.Sscan(key, &series, &ns)
		if _, ok := c.lines[fmt.Sprint(series, " ", at*1_000_000)]; !ok {
			dangling++
		}
	}
	return references, dangling
}

// What InfluxDB does not have is never referred to: neither by what was on its
// way when it refused the point, nor after its database was lost.
func TestReferencesAreToWhatIsThere(t *testing.T) {
	f := func(name string, spoil func(c *choosy)) {
		t.Run(name, func(t *testing.T) {
			c := newChoosy(t)
			r := newRig(t, Target{Endpoint: Fixed(c.URL, "x:y"), Bucket: "dianchi/raw"})
			r.cfg.BatchPoints = 10
			r.cfg.BatchWait = time.Millisecond
			r.start()
			const objects = 10
			ts := charge.Millis(1_795_392_000_000)
			round := func() uint64 {
				ts += 30_000
				rec := &record.Record{Kind: record.Message, Received: ts, Party: 1, Payload: charge.Piles}
				for i := range objects {
					rec.Piles = append(rec.Piles, record.PileItem{Num: charge.Num(1 + i), Verdict: charge.Taken,
						Report: charge.PileReport{ID: fmt.Sprint("P", i), TS: ts, Status: 1}})
				}
				return r.log(rec)
			}
			// Batch 1 is held in InfluxDB until the next two are encoded behind it.
			c.leave = make(chan struct{})
			spoil(c)
			var last uint64
			for range 6 {
				last = round()
			}
			if err := r.spool.WaitSynced(t.Context(), last); err != nil {
				t.Fatal(err)
			}
			time.Sleep(50 * time.Millisecond)
			c.mu.Lock()
			close(c.leave)
			c.leave = nil
			c.mu.Unlock()
			r.stop()
			references, dangling := c.dangling()
			if dangling > 0 || references < objects {
				t.Errorf("%d of %d references lead nowhere", dangling, references)
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			if want := 6*objects - int(r.writer.Stats().Dropped); len(c.lines) != want {
				t.Errorf("%d points, want %d", len(c.lines), want)
			}
		})
	}

	f("a point is refused", func(c *choosy) {
		n := 0
		c.refuse = func(line string) bool {
			if n < 12 && bytes.Contains([]byte(line), []byte(":P3 ")) && bytes.Contains([]byte(line), []byte("1795392030000000000")) {
				n++
				return true
			}
			return false
		}
	})
	f("the database is lost", func(c *choosy) {
		go func() {
			time.Sleep(20 * time.Millisecond)
			c.mu.Lock()
			c.missing = true
			c.mu.Unlock()
		}()
	})
	f("nothing happens", func(*choosy) {})
}
