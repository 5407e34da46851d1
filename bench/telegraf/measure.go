package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/dianchi-platform/dianchi/bench/internal/lab"
)

// result is what one contender did with one job.
type result struct {
	contender contender
	job       job
	reports   int // published and acknowledged
	points    int // in InfluxDB
	sumsAgree bool

	ingest, broker, store, publisher float64 // seconds of CPU
	peak                             uint64  // bytes of memory, the ingest process
	offered                          time.Duration
	all                              time.Duration // until InfluxDB had all that it got
}

func (r *result) perMillion(cpu float64) float64 { return cpu / float64(r.reports) * 1e6 }

// settled is how long the number of points must stay the same before those that
// are missing are given up.
const settled = 20 * time.Second

// measure publishes the job's reports and waits until InfluxDB has them all, or
// gets no more.
func (b *bed) measure(ctx context.Context, k contender, j job, p *publisher) (*result, error) {
	r := &result{contender: k, job: j}
	if err := p.warm(ctx); err != nil {
		return nil, err
	}
	warm := int(p.acked.Load())
	if err := lab.Until(ctx, time.Minute, "the first report of each object is in InfluxDB", func() bool {
		points, _, err := b.stored(ctx, k)
		return err == nil && points >= warm
	}); err != nil {
		return nil, err
	}
	first, err := b.usage()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	published := make(chan error, 1)
	go func() { published <- p.run(ctx) }()
	if j.kill {
		half := time.Duration(float64(j.reports) / float64(j.rate) / 2 * float64(time.Second))
		if err := lab.Sleep(ctx, half); err != nil {
			return nil, err
		}
		lab.Say("kill -9")
		b.ingest.Kill()
		if err := lab.Sleep(ctx, time.Second); err != nil {
			return nil, err
		}
		if b.ingest, err = b.launch(); err != nil {
			return nil, err
		}
	}
	if err := <-published; err != nil {
		return nil, err
	}
	r.reports, r.offered = int(p.acked.Load())-warm, time.Since(began)
	sums := [2]float64{float64(p.sums[0].Load()) / 10, float64(p.sums[1].Load()) / 10}
	for changed := time.Now(); ; {
		last, err := b.usage()
		if err != nil {
			return nil, err
		}
		at := time.Now()
		points, got, err := b.stored(ctx, k)
		if err != nil {
			return nil, err
		}
		if points -= warm; points > r.points {
			changed, r.points, r.all = at, points, at.Sub(began)
			r.sumsAgree = about(got[0], sums[0]) && about(got[1], sums[1])
			r.ingest, r.broker, r.store = last[0].CPU-first[0].CPU, last[1].CPU-first[1].CPU, last[2].CPU-first[2].CPU
			r.publisher, r.peak = last[3].CPU-first[3].CPU, last[0].Peak
		}
		if r.points >= r.reports || at.Sub(changed) > settled {
			return r, b.alive()
		}
		if err := lab.Sleep(ctx, time.Second); err != nil {
			return nil, err
		}
	}
}

func (b *bed) alive() error {
	if b.ingest.Ended() {
		return fmt.Errorf("the ingest process ended by itself:\n%s", b.ingest.Tail())
	}
	return nil
}

// about compares sums of floats that were added in another order.
func about(got, want float64) bool { return got > want*(1-1e-9) && got < want*(1+1e-9) }

// usage is that of ingest, mosquitto, InfluxDB and this program, which publishes.
func (b *bed) usage() (all [4]lab.Usage, err error) {
	pids := [4]int{b.ingest.PID(), 0, b.store.PID(), os.Getpid()}
	if b.mosquitto != nil {
		pids[1] = b.mosquitto.PID()
	}
	for i, pid := range pids {
		if pid != 0 && err == nil {
			all[i], err = lab.UsageOf(pid)
		}
	}
	return all, err
}
