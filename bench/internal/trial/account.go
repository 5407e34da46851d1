package trial

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/dianchi-platform/dianchi/bench/internal/lab"
	"github.com/dianchi-platform/dianchi/bench/internal/stream"
	"github.com/dianchi-platform/dianchi/internal/charge"
)

// Totals is what a party's feedback says of everything it ever sent.
type Totals struct {
	Received, Taken, Duplicate, History, Rejected uint64
}

// Account is one party's, from its own ledger to InfluxDB.
type Account struct {
	Slug   string
	Kind   charge.Payload
	Late   bool
	Count  stream.Count
	Totals Totals
	Points uint64 // in InfluxDB; of makers only the sum is known, here of the first
}

// Books is the account of all parties.
type Books struct {
	Accounts []Account
	Probe    uint64            // reports of the probe, acknowledged
	Drained  time.Duration     // from the publisher's end until InfluxDB had everything
	Counting time.Duration     // the queries
	Rules    map[string]uint64 // findings by rule and action
	Dropped  uint64            // points that InfluxDB refused
	Gaps     []string          // what does not add up; none is what is promised
}

// Settle waits until InfluxDB has everything and closes the books. The publisher has ended.
func (t *Trial) Settle(ctx context.Context, within time.Duration) (*Books, error) {
	b := &Books{Rules: map[string]uint64{}}
	began, calm := time.Now(), 0
	var m map[string]float64
	err := lab.Until(ctx, within, "InfluxDB has everything", func() bool {
		now, err := t.Platform.Metrics(ctx)
		lag, ok := now[`dianchi_spool_lag_records{consumer="influx"}`]
		if err != nil || !ok || lag > 0 || now["dianchi_mqtt_waiting"] > 0 {
			calm = 0
			return t.Platform.Ended()
		}
		m = now
		calm++
		return calm > 8 // two seconds
	})
	if t.Platform.Ended() {
		return nil, fmt.Errorf("the platform ended; its last words:\n%s", t.Platform.Tail())
	}
	if err != nil {
		return nil, err
	}
	b.Drained = max(0, time.Since(began)-2*time.Second)
	s, _, err := t.Status()
	if err != nil {
		return nil, err
	}
	probe, err := t.Probe.Acknowledged()
	if err != nil {
		return nil, err
	}
	b.Probe = probe["piles"]
	lab.Say("reading the parties' accounts and counting points in InfluxDB")
	counting := time.Now()
	for i := range t.Parties {
		p := &t.Parties[i]
		a := Account{Slug: p.Slug, Kind: p.Kind, Late: p.Late, Count: s.Parties[p.Slug]}
		if a.Totals, err = t.feedback(ctx, p, a.Count.Acked+a.Count.Masters); err != nil {
			return nil, err
		}
		if p.Kind == charge.Piles {
			a.Points, err = t.Store.Count(ctx, "pile", fmt.Sprintf(` WHERE "id" =~ /^%s:/`, p.Slug))
			if err != nil {
				return nil, err
			}
		}
		b.Accounts = append(b.Accounts, a)
	}
	vehicles, err := t.Store.Count(ctx, "vehicle", "")
	if err != nil {
		return nil, err
	}
	b.Counting = time.Since(counting)
	for name, n := range m {
		if strings.HasPrefix(name, "dianchi_rule_findings_total") && n > 0 {
			b.Rules[strings.TrimPrefix(name, "dianchi_rule_findings_total")] = uint64(n)
		}
	}
	b.Dropped = uint64(m["dianchi_influx_dropped_total"])
	b.compare(vehicles)
	return b, nil
}

// compare finds what does not add up. vehicles are the points of all makers.
func (b *Books) compare(vehicles uint64) {
	differ := func(who, what string, want, got uint64) {
		if want != got {
			b.Gaps = append(b.Gaps, fmt.Sprintf("%s: %d %s, want %d (%+d)", who, got, what, want, int64(got-want)))
		}
	}
	first, cars := -1, uint64(0)
	for i := range b.Accounts {
		a := &b.Accounts[i]
		c, n := a.Count, a.Totals
		differ(a.Slug, "reports acknowledged", c.Published, c.Acked)
		differ(a.Slug, "elements received by the platform's account", c.Acked+c.Masters, n.Received)
		differ(a.Slug, "taken + duplicate + history + rejected", n.Received, n.Taken+n.Duplicate+n.History+n.Rejected)
		kept := n.Taken + n.History - min(n.Taken, c.Masters)
		differ(a.Slug, "reports kept", c.Acked, kept)
		if a.Kind == charge.Piles {
			differ(a.Slug, "points in InfluxDB", c.Acked, a.Points)
			continue
		}
		if cars += c.Acked; first < 0 {
			first = i
		}
	}
	if first >= 0 {
		b.Accounts[first].Points = vehicles
	}
	differ("all makers", "points in InfluxDB", cars, vehicles)
	differ("InfluxDB", "points refused", 0, b.Dropped)
}

// feedback subscribes as the party and waits until its account has want elements,
// or until it is half a minute old.
func (t *Trial) feedback(ctx context.Context, p *stream.Party, want uint64) (Totals, error) {
	var mu sync.Mutex
	var last Totals
	seen := false
	c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://" + t.Platform.MQTT).SetClientID("books").
		SetUsername(p.Slug).SetPassword(p.Password).SetProtocolVersion(4).SetAutoReconnect(false))
	if k := c.Connect(); !k.WaitTimeout(20*time.Second) || k.Error() != nil {
		return last, fmt.Errorf("%s cannot connect for its account: %w", p.Slug, k.Error())
	}
	defer c.Disconnect(100)
	k := c.Subscribe(charge.Topic(p.Slug, charge.Feedback), 1, func(_ mqtt.Client, m mqtt.Message) {
		var f struct{ Total Totals }
		if json.Unmarshal(m.Payload(), &f) == nil {
			mu.Lock()
			defer mu.Unlock()
			last, seen = f.Total, true
		}
	})
	if !k.WaitTimeout(20*time.Second) || k.Error() != nil {
		return last, fmt.Errorf("%s cannot subscribe to its account: %w", p.Slug, k.Error())
	}
	var got Totals
	err := lab.Until(ctx, 30*time.Second, p.Slug+"'s account", func() bool {
		mu.Lock()
		defer mu.Unlock()
		got = last
		return seen && got.Received >= want
	})
	mu.Lock()
	defer mu.Unlock()
	if err != nil && !seen {
		return last, err
	}
	return last, ctx.Err() // an account that stays behind is a finding, not a fault
}
