package trial

import (
	"context"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/dianchi-platform/dianchi/bench/internal/lab"
	"github.com/dianchi-platform/dianchi/bench/internal/stream"
)

// Part is one process and what it used in a window.
type Part struct {
	Name    string
	PID     int
	CPU     float64 // seconds
	Mean    uint64  // bytes resident, mean of one sample a second
	Most    uint64  // most of these samples
	Ever    uint64  // most bytes resident since it began
	Written uint64  // bytes to disk
	first   lab.Usage
}

// Window is what was measured in a stretch of time.
type Window struct {
	From, To    time.Time
	Parts       []Part  // platform, store, publisher, this program
	Others      float64 // cores used by everything else on the machine
	Stolen      float64 // cores taken by the machine's host
	First, Last map[string]float64
	MostLag     float64 // seconds, InfluxDB behind
	MostWaiting float64 // messages waiting for the disk
	MostSpool   float64 // bytes
	Probe       lab.Latencies
	Queries     []time.Duration
	QueryErrors int
}

// Names of the parts, in their order.
const (
	PlatformPart = iota
	StorePart
	PublisherPart
	SelfPart
)

// Took returns the window's length.
func (w *Window) Took() time.Duration { return w.To.Sub(w.From) }

// Delta returns by how much a metric grew.
func (w *Window) Delta(name string) float64 { return w.Last[name] - w.First[name] }

// Cores returns what a part used.
func (w *Window) Cores(part int) float64 { return w.Parts[part].CPU / w.Took().Seconds() }

// Measure watches for d. storePID is the store's process, 0 when there is none now.
func (t *Trial) Measure(ctx context.Context, d time.Duration, storePID int) (*Window, error) {
	return t.MeasureUntil(ctx, d, storePID, func(map[string]float64) bool { return false })
}

// MeasureUntil watches until done holds for the platform's metrics, which it asks
// each second, or for d.
func (t *Trial) MeasureUntil(ctx context.Context, d time.Duration, storePID int,
	done func(map[string]float64) bool) (*Window, error) {
	w := &Window{Parts: []Part{
		{Name: "platform (`dianchi`)", PID: t.Platform.PID()},
		{Name: "store (`influxd`)", PID: storePID},
		{Name: "publisher", PID: t.Publisher.PID()},
		{Name: "this program (probe, viewers, queries)", PID: os.Getpid()},
	}}
	var err error
	if w.First, err = t.Platform.Metrics(ctx); err != nil {
		return nil, err
	}
	for i := range w.Parts {
		if p := &w.Parts[i]; p.PID != 0 {
			if p.first, err = lab.UsageOf(p.PID); err != nil {
				return nil, err
			}
		}
	}
	used0, stolen0, err := lab.Busy()
	if err != nil {
		return nil, err
	}
	t.Probe.Measure(true)
	t.Probe.Take()
	w.From = time.Now()
	asking, stop := context.WithCancel(ctx)
	defer stop()
	var asked sync.WaitGroup
	asked.Go(func() { w.ask(asking, "http://"+t.Platform.HTTP) })
	if err := t.watch(ctx, w, w.From.Add(d), done); err != nil {
		return nil, err
	}
	stop()
	asked.Wait()
	w.To = time.Now()
	w.Probe = t.Probe.Take()
	t.Probe.Measure(false)
	used, stolen, err := lab.Busy()
	if err != nil {
		return nil, err
	}
	w.Others, w.Stolen = (used-used0)/w.Took().Seconds(), (stolen-stolen0)/w.Took().Seconds()
	for i := range w.Parts {
		p := &w.Parts[i]
		if p.PID == 0 {
			continue
		}
		u, err := lab.UsageOf(p.PID)
		if err != nil {
			return nil, err
		}
		p.CPU, p.Ever, p.Written = u.CPU-p.first.CPU, u.Peak, u.Written-p.first.Written
		w.Others -= w.Cores(i)
	}
	w.Last, err = t.Platform.Metrics(ctx)
	return w, err
}

// watch samples memory and metrics each second.
func (t *Trial) watch(ctx context.Context, w *Window, end time.Time, done func(map[string]float64) bool) error {
	sums, n := make([]uint64, len(w.Parts)), 0
	for time.Now().Before(end) {
		if err := t.Alive(); err != nil {
			return err
		}
		for i := range w.Parts {
			p := &w.Parts[i]
			if p.PID == 0 {
				continue
			}
			u, err := lab.UsageOf(p.PID)
			if err != nil {
				return err
			}
			sums[i] += u.RSS
			p.Most = max(p.Most, u.RSS)
		}
		m, err := t.Platform.Metrics(ctx)
		if err != nil {
			return err
		}
		w.MostLag = max(w.MostLag, m["dianchi_influx_lag_seconds"])
		w.MostWaiting = max(w.MostWaiting, m["dianchi_mqtt_waiting"])
		w.MostSpool = max(w.MostSpool, m["dianchi_spool_bytes"])
		if n++; n%30 == 0 {
			s, _, err := t.Status()
			if err != nil {
				return err
			}
			sum := s.Sum(nil)
			lab.Say("%d reports published, %d acknowledged; InfluxDB %.1f s behind", sum.Published, sum.Acked,
				m["dianchi_influx_lag_seconds"])
		}
		if done(m) {
			break
		}
		if err := lab.Sleep(ctx, min(time.Second, max(0, time.Until(end)))); err != nil {
			return err
		}
	}
	for i := range w.Parts {
		w.Parts[i].Mean = sums[i] / uint64(max(1, n))
	}
	return nil
}

// ask makes a driver's query ten times a second: the nearest free piles.
func (w *Window) ask(ctx context.Context, url string) {
	url += "/api/v1/stations?near=102.75,25.08&radiusM=5000&free=1&limit=20"
	next := time.Now()
	for {
		next = next.Add(100 * time.Millisecond)
		if lab.Sleep(ctx, time.Until(next)) != nil {
			return
		}
		began := time.Now()
		if err := get(ctx, url); err != nil {
			if ctx.Err() != nil {
				return
			}
			w.QueryErrors++
			continue
		}
		w.Queries = append(w.Queries, time.Since(began))
	}
}

func get(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return &http.ProtocolError{ErrorString: res.Status}
	}
	return nil
}

// Acks are the latencies of messages of a window, live or late, from the ledger.
type Acks struct {
	Messages, Reports int
	Took              []time.Duration // sent → PUBACK
	Behind            []time.Duration // due → sent
}

// AcksIn returns those of messages that were sent in the window.
func (t *Trial) AcksIn(w *Window, ledger []stream.Entry, late bool) (a Acks) {
	from, to := w.From.UnixMicro(), w.To.UnixMicro()
	for i := range ledger {
		e := &ledger[i]
		if e.Sent < from || e.Sent >= to || t.Parties[e.Party].Late != late || e.Acked == 0 {
			continue
		}
		a.Messages++
		a.Reports += e.Reports
		a.Took = append(a.Took, time.Duration(e.Acked-e.Sent)*time.Microsecond)
		a.Behind = append(a.Behind, time.Duration(e.Sent-e.Due)*time.Microsecond)
	}
	return a
}

// Ledger reads the publisher's messages; it has ended.
func (t *Trial) Ledger() ([]stream.Entry, error) { return stream.ReadLedger(t.spec.Ledger) }

// SizeOf adds up the files under a folder, which may change meanwhile.
func SizeOf(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if info, err := d.Info(); err == nil {
				n += info.Size()
			}
		}
		return nil // what went away meanwhile does not count
	})
	return n
}
