package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/dianchi-platform/dianchi/bench/internal/lab"
)

// part is one process and what it used in the window.
type part struct {
	name    string
	pid     int
	ours    bool // counts to "all parts together"
	first   lab.Usage
	cores   float64
	mean    uint64 // bytes resident, mean of one sample a second
	peak    uint64 // most bytes resident, ever
	written uint64 // bytes to disk in the window
}

// window is what was measured while the city was warm.
type window struct {
	took           time.Duration
	parts          []part
	others         float64 // cores used by everything else on the machine
	stolen         float64 // cores taken by the machine's host
	published      uint64  // by the city, between two of its counts
	acked          uint64
	between        time.Duration // these counts
	skipped        uint64
	ackP50, ackP99 time.Duration // the city's slowest party's, since the start
	points         float64       // taken by InfluxDB
	same           float64       // of these, references
	log            float64       // bytes written to the log
	compacted      int64         // bytes by which InfluxDB's TSM files grew, in the window itself
	mostLag        float64       // seconds, InfluxDB behind
	mostWaiting    float64       // messages waiting for the disk
	fsyncP99       float64       // seconds, at the end
}

// measure watches the warm city for d.
func measure(ctx context.Context, p *lab.Platform, s *lab.City, b *lab.Probe, d time.Duration) (*window, error) {
	w := &window{parts: []part{
		{name: "platform (`dianchi`)", pid: p.PID(), ours: true},
		{name: "store (`influxd`)", pid: p.Child, ours: true},
		{name: "publishers (`dianchi simulator`)", pid: s.PID(), ours: true},
		{name: "this program (probe, viewers)", pid: os.Getpid()},
	}}
	led0, at0, err := s.Ledger()
	if err != nil {
		return nil, err
	}
	m0, err := p.Metrics(ctx)
	if err != nil {
		return nil, err
	}
	for i := range w.parts {
		if w.parts[i].first, err = lab.UsageOf(w.parts[i].pid); err != nil {
			return nil, err
		}
	}
	store := filepath.Join(p.Data, "influxdb")
	_, files0, err := footprintOf(store)
	if err != nil {
		return nil, err
	}
	used0, stolen0, err := lab.Busy()
	if err != nil {
		return nil, err
	}
	b.Measure(true)
	began := time.Now()
	if err := w.watch(ctx, p, s, began.Add(d)); err != nil {
		return nil, err
	}
	b.Measure(false)
	w.took = time.Since(began)
	used, stolen, err := lab.Busy()
	if err != nil {
		return nil, err
	}
	w.others, w.stolen = (used-used0)/w.took.Seconds(), (stolen-stolen0)/w.took.Seconds()
	for i := range w.parts {
		x := &w.parts[i]
		u, err := lab.UsageOf(x.pid)
		if err != nil {
			return nil, err
		}
		x.cores = (u.CPU - x.first.CPU) / w.took.Seconds()
		x.peak, x.written = u.Peak, u.Written-x.first.Written
		w.others -= x.cores
	}
	_, files1, err := footprintOf(store)
	if err != nil {
		return nil, err
	}
	w.compacted = files1.points - files0.points
	led1, at1, err := s.Ledger()
	if err != nil {
		return nil, err
	}
	m1, err := p.Metrics(ctx)
	if err != nil {
		return nil, err
	}
	sum0, sum1 := led0.Sum(), led1.Sum()
	w.published, w.acked, w.between = sum1.Published-sum0.Published, sum1.Acknowledged-sum0.Acknowledged, at1.Sub(at0)
	w.skipped, w.ackP50, w.ackP99 = sum1.Skipped, sum1.AckP50, sum1.AckP99
	w.points = m1["dianchi_influx_points_total"] - m0["dianchi_influx_points_total"]
	w.same = m1["dianchi_influx_same_total"] - m0["dianchi_influx_same_total"]
	w.log = m1["dianchi_spool_written_bytes_total"] - m0["dianchi_spool_written_bytes_total"]
	w.fsyncP99 = m1[`dianchi_spool_fsync_seconds{quantile="0.99"}`]
	return w, nil
}

// watch samples memory each second, and the platform's metrics as often as a
// Prometheus would, each 15 s.
func (w *window) watch(ctx context.Context, p *lab.Platform, s *lab.City, end time.Time) error {
	sums, n := make([]uint64, len(w.parts)), 0
	for time.Now().Before(end) {
		for i := range w.parts {
			u, err := lab.UsageOf(w.parts[i].pid)
			if err != nil {
				return fmt.Errorf("%s is gone: %w; the platform's last words:\n%s\nthe simulator's:\n%s",
					w.parts[i].name, err, p.Tail(), s.Tail())
			}
			sums[i] += u.RSS
		}
		if n++; n%15 == 0 {
			m, err := p.Metrics(ctx)
			if err != nil {
				return err
			}
			w.mostLag = max(w.mostLag, m["dianchi_influx_lag_seconds"])
			w.mostWaiting = max(w.mostWaiting, m["dianchi_mqtt_waiting"])
		}
		if err := lab.Sleep(ctx, min(time.Second, max(0, time.Until(end)))); err != nil {
			return err
		}
	}
	for i := range w.parts {
		w.parts[i].mean = sums[i] / uint64(max(1, n))
	}
	return nil
}

// together returns the cores of all parts of the city.
func (w *window) together() float64 {
	sum := 0.0
	for _, p := range w.parts {
		if p.ours {
			sum += p.cores
		}
	}
	return sum
}
