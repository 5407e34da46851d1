package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dianchi-platform/dianchi/bench/internal/lab"
	"github.com/dianchi-platform/dianchi/internal/charge"
)

// Slugs of the two parties.
const (
	operator = "bench-operator"
	maker    = "bench-maker"
)

// publisher sends a job's reports over several connections, each message again
// until it is acknowledged, as a party does that wants nothing lost.
type publisher struct {
	job   job
	lines []*line

	acked atomic.Int64    // reports
	sums  [2]atomic.Int64 // of what was acknowledged: piles' meters, vehicles' mileages, in tenths
}

// line is one connection with its share of one kind's objects.
type line struct {
	p       *publisher
	topic   string
	vin     []string // of vehicles
	first   int      // object
	objects int
	sent    int // messages
	client  *client
}

func newPublisher(door string, login func(party string) (user, password string), c config, j job) *publisher {
	p := &publisher{job: j}
	half := c.conns / 2
	each := c.objects / 2 / half / batch * batch
	for i := range c.conns {
		party, kind := operator, charge.Piles
		if i >= half {
			party, kind = maker, charge.Vehicles
		}
		user, password := login(party)
		l := &line{p: p, topic: charge.Topic(party, kind), first: i % half * each, objects: each}
		if kind == charge.Vehicles {
			for n := range each {
				l.vin = append(l.vin, vinOf(l.first+n))
			}
		}
		l.client = newClient(door, fmt.Sprint("bench-", i), user, password)
		p.lines = append(p.lines, l)
	}
	return p
}

// introduce publishes the stations of all piles and returns how many there are.
func (p *publisher) introduce(ctx context.Context) (stations int, err error) {
	l := p.lines[0]
	if err := l.client.open(ctx); err != nil {
		return 0, err
	}
	for piles := l.objects * len(p.lines) / 2; stations*stationPiles < piles; stations++ {
		payload := appendStation(nil, stations)
		if err := l.client.send(ctx, charge.Topic(operator, charge.Stations), payload, nil); err != nil {
			return 0, err
		}
	}
	return stations, l.client.flush(ctx)
}

// warm publishes one report of each object: what is known to nobody yet is
// dearer than what follows, in InfluxDB and on our side.
func (p *publisher) warm(ctx context.Context) error {
	for _, l := range p.lines {
		if err := l.client.open(ctx); err != nil {
			return err
		}
	}
	return p.publish(ctx, p.lines[0].objects*len(p.lines))
}

// run publishes the job's reports and waits until all are acknowledged.
func (p *publisher) run(ctx context.Context) error {
	defer func() {
		for _, l := range p.lines {
			l.client.close()
		}
	}()
	return p.publish(ctx, p.job.reports)
}

func (p *publisher) publish(ctx context.Context, reports int) error {
	errs := make([]error, len(p.lines))
	var running sync.WaitGroup
	begin := time.Now().Add(100 * time.Millisecond)
	for i, l := range p.lines {
		running.Go(func() { errs[i] = l.publish(ctx, begin, i, reports/batch/len(p.lines)) })
	}
	running.Wait()
	return errors.Join(errs...)
}

func (l *line) publish(ctx context.Context, begin time.Time, index, messages int) error {
	kind := min(1, len(l.vin))
	for m := range messages {
		if rate := l.p.job.rate; rate > 0 {
			// All connections together send evenly.
			due := begin.Add(time.Duration(float64(m*len(l.p.lines)+index) * batch / float64(rate) * float64(time.Second)))
			if err := lab.Sleep(ctx, time.Until(due)); err != nil {
				return err
			}
		}
		payload, sum := l.render(l.sent)
		l.sent++
		if err := l.client.send(ctx, l.topic, payload, func() {
			l.p.acked.Add(batch)
			l.p.sums[kind].Add(sum)
		}); err != nil {
			return err
		}
	}
	return l.client.flush(ctx)
}

// render makes message m of the line and returns the sum of its meters or mileages.
func (l *line) render(m int) (payload []byte, sum int64) {
	round, from := m*batch/l.objects, m*batch%l.objects
	at := time.Now().UnixMilli()
	dst, tenths := append(make([]byte, 0, 320*batch), '['), int64(0)
	for i := range batch {
		if i > 0 {
			dst = append(dst, ',')
		}
		n := l.first + from + i
		step := change(n, round, l.p.job.city)
		if len(l.vin) > 0 {
			dst, tenths = appendVehicle(dst, l.vin[from+i], n, at, step)
		} else {
			dst, tenths = appendPile(dst, n, at, step)
		}
		sum += tenths
	}
	return append(dst, ']'), sum
}
