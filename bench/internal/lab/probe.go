package lab

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// The probe is an operator of its own whose stations of one pile each stand in
// the city's centre. It reports for one pile after the other, so that a pile's
// change is on the screens before its next one is made.
const (
	ProbeSlug     = "city-probe"
	probeStations = 16
	leastPause    = 150 * time.Millisecond
	mostPause     = 450 * time.Millisecond
	centreBox     = "[102.70,25.02,102.73,25.05]"
)

// Probe measures publish → PUBACK and publish → frame with one client and two viewers.
type Probe struct {
	client  mqtt.Client
	topic   string
	viewers []*viewer
	halt    context.CancelFunc
	running sync.WaitGroup

	mu        sync.Mutex
	measuring bool
	pubacks   []time.Duration
	acked     map[string]uint64 // by kind
	status    [probeStations]int
	err       error
}

// Latencies are what the probe saw of the reports that it published while measuring.
type Latencies struct {
	Pubacks []time.Duration
	Feeds   []FeedLatency
}

// FeedLatency is how long changes took to the viewer of a feed.
type FeedLatency struct {
	Feed   string
	Frames []time.Duration
	Unseen int // acknowledged changes that no frame brought
}

// StartProbe registers the probe's party, says its stations, and opens the viewers.
func StartProbe(ctx context.Context, p *Platform) (*Probe, error) {
	password, err := p.Admin(ctx, "party", "add", ProbeSlug, "--kind", "operator", "--name", "探针")
	if err != nil {
		return nil, err
	}
	b := &Probe{topic: "dianchi/v1/" + ProbeSlug + "/", acked: map[string]uint64{}}
	b.client = mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://" + p.MQTT).SetClientID("probe").
		SetUsername(ProbeSlug).SetPassword(password).SetProtocolVersion(4).SetAutoReconnect(false))
	if t := b.client.Connect(); !t.WaitTimeout(10*time.Second) || t.Error() != nil {
		return nil, fmt.Errorf("the probe cannot connect: %w", errors.Join(t.Error(), ctx.Err()))
	}
	for i := range probeStations {
		station := fmt.Sprintf(`{"id":"S%d","name":"探针%d","lon":%.3f,"lat":25.035,`+
			`"piles":[{"id":"P%d","kind":"dc","ratedKw":120}],"parking":{"type":0},`+
			`"tariff":{"validFrom":"2026-01-01T00:00:00+08:00","bands":[`+
			`{"from":"00:00","to":"24:00","energyYuanPerKwh":0.7,"serviceYuanPerKwh":0.4}]}}`,
			i, i, 102.705+float64(i)*0.001, i)
		if _, err := b.publish("stations", station); err != nil {
			return nil, err
		}
	}
	all := ""
	for i := range probeStations {
		all += fmt.Sprintf(`{"op":"sub","id":"s%d","feed":"station","station":"%s:S%d"}`+"\n", i, ProbeSlug, i)
	}
	for _, v := range []*viewer{
		{feed: "station", subs: all},
		{feed: "stations", subs: `{"op":"sub","id":"b","feed":"stations","bbox":` + centreBox + `}` + "\n"},
	} {
		if err := v.open(ctx, "ws://"+p.HTTP+"/api/v1/live"); err != nil {
			return nil, err
		}
		b.viewers = append(b.viewers, v)
	}
	own, halt := context.WithCancel(ctx)
	b.halt = halt
	b.running.Go(func() { b.run(own) })
	return b, nil
}

// publish sends one element and returns how long its PUBACK took.
func (b *Probe) publish(kind, payload string) (time.Duration, error) {
	began := time.Now()
	t := b.client.Publish(b.topic+kind, 1, false, payload)
	if !t.WaitTimeout(30 * time.Second) {
		return 0, fmt.Errorf("the probe's %s was not acknowledged within 30 s", kind)
	}
	took := time.Since(began)
	if t.Error() != nil {
		return 0, fmt.Errorf("the probe's %s was not acknowledged: %w", kind, t.Error())
	}
	b.mu.Lock()
	b.acked[kind]++
	b.mu.Unlock()
	return took, nil
}

// run reports for one pile after the other at random instants.
func (b *Probe) run(ctx context.Context) {
	for i := range b.status {
		b.status[i] = 1
	}
	for i := 0; ; i = (i + 1) % probeStations {
		if Sleep(ctx, leastPause+rand.N(mostPause-leastPause)) != nil {
			return
		}
		b.status[i] = 4 - b.status[i] // free and charging in turn
		b.mu.Lock()
		measured := b.measuring
		b.mu.Unlock()
		now := time.Now()
		for _, v := range b.viewers {
			v.expect(i, now, measured)
		}
		report := fmt.Sprintf(`{"id":"P%d","ts":%d,"status":%d}`, i, now.UnixMilli(), b.status[i])
		took, err := b.publish("piles", report)
		b.mu.Lock()
		if measured && err == nil {
			b.pubacks = append(b.pubacks, took)
		}
		b.err = err
		b.mu.Unlock()
		if err != nil {
			Say("%v", err)
			return
		}
	}
}

// Measure says whether what is published from now on counts.
func (b *Probe) Measure(on bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.measuring = on
}

// Stop ends the probe; frames have a few seconds to arrive. A second call does nothing.
func (b *Probe) Stop() {
	if b.halt == nil {
		return
	}
	b.halt()
	b.halt = nil
	b.running.Wait()
	time.Sleep(3 * time.Second)
	b.client.Disconnect(250)
	for _, v := range b.viewers {
		v.close()
	}
}

// Acknowledged returns what was acknowledged so far, by kind, and why the probe ended early.
func (b *Probe) Acknowledged() (map[string]uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.acked), b.err
}

// Take returns what was seen since the last call or the start.
func (b *Probe) Take() Latencies {
	b.mu.Lock()
	out := Latencies{Pubacks: b.pubacks}
	b.pubacks = nil
	b.mu.Unlock()
	for _, v := range b.viewers {
		out.Feeds = append(out.Feeds, v.take())
	}
	return out
}

// Latency returns what was seen since the last [Probe.Take], and counts as unseen
// what no frame brought. It is called after Stop.
func (b *Probe) Latency() Latencies {
	out := Latencies{Pubacks: b.pubacks}
	for _, v := range b.viewers {
		out.Feeds = append(out.Feeds, v.result())
	}
	return out
}
