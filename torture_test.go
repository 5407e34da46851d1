package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// source is one client of an operator: it reports for its own piles in order,
// and sends again what was not acknowledged, as the contract tells parties to.
type source struct {
	piles  []string
	last   int64          // ts of its newest report
	queue  []sourceReport // not acknowledged, oldest first
	sent   map[string]map[int64]float64
	newest map[string]float64
}

type sourceReport struct {
	payload string
	reports int
}

func newSource(piles ...string) *source {
	s := &source{piles: piles, sent: map[string]map[int64]float64{}, newest: map[string]float64{}}
	for _, p := range piles {
		s.sent[p] = map[int64]float64{}
	}
	return s
}

// next makes one message with a report of each pile.
func (s *source) next() sourceReport {
	s.last = max(s.last+1, time.Now().UnixMilli())
	var texts []string
	for _, p := range s.piles {
		kw := float64(rand.IntN(1000)) / 10
		s.sent[p][s.last], s.newest[p] = kw, kw
		texts = append(texts, pileReport(p, time.UnixMilli(s.last), 3, kw))
	}
	return sourceReport{"[" + strings.Join(texts, ",") + "]", len(texts)}
}

// publish keeps up to 32 messages under way until the connection is lost or
// time is up, then only finishes. It returns how many reports were acknowledged.
func (s *source) publish(c mqtt.Client, until time.Time) (acknowledged int) {
	type pending struct {
		mqtt.Token
		sourceReport
	}
	var window []pending
	again := s.queue
	s.queue = nil
	for {
		var m sourceReport
		switch {
		case len(window) == 32 || len(again) == 0 && time.Now().After(until):
			if len(window) == 0 {
				return acknowledged
			}
			first := window[0]
			if !first.WaitTimeout(20*time.Second) || first.Error() != nil {
				for _, w := range window {
					s.queue = append(s.queue, w.sourceReport)
				}
				s.queue = append(s.queue, again...)
				return acknowledged
			}
			acknowledged += first.reports
			window = window[1:]
			continue
		case len(again) > 0:
			m, again = again[0], again[1:]
		default:
			m = s.next()
			time.Sleep(time.Millisecond)
		}
		window = append(window, pending{c.Publish("dianchi/v1/demo-op/piles", 1, false, m.payload), m})
	}
}

func (p *platform) client(slug, password string, n int) (mqtt.Client, error) {
	c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker("tcp://127.0.0.1:" + p.port()).
		SetUsername(slug).SetPassword(password).SetClientID(fmt.Sprint("torture-", n)).
		SetAutoReconnect(false).SetConnectTimeout(5 * time.Second))
	t := c.Connect()
	if !t.WaitTimeout(10 * time.Second) {
		return nil, fmt.Errorf("no connection within 10 s")
	}
	return c, t.Error()
}

// The plug is pulled again and again while clients publish. In the end every
// report that was ever sent is in the history once, live shows the newest one
// of each pile, and the account has at least what was acknowledged.
func TestTorture(t *testing.T) {
	if testing.Short() {
		t.Skip("kills the platform six times")
	}
	p := start(t, t.TempDir(), "")
	password := p.admin("party", "add", "demo-op", "--kind", "operator", "--name", "示例")
	regulator := p.admin("token", "add", "--role", "regulator")
	var sources []*source
	var piles []string
	for n := range 4 {
		var own []string
		for k := range 3 {
			own = append(own, fmt.Sprintf("T%d-%d", n, k))
		}
		sources = append(sources, newSource(own...))
		for _, id := range own {
			piles = append(piles, fmt.Sprintf(`{"id":%q,"kind":"dc","ratedKw":120}`, id))
		}
	}
	p.mustPub("demo-op", password, "stations",
		`{"id":"S1","name":"站","lon":102.775,"lat":24.985,"piles":[`+strings.Join(piles, ",")+`]}`)

	acknowledged := make([]int, len(sources))
	run := func(until time.Time) *sync.WaitGroup {
		var clients sync.WaitGroup
		for n, s := range sources {
			c, err := p.client("demo-op", password, n)
			if err != nil {
				t.Fatal(err)
			}
			clients.Go(func() {
				acknowledged[n] += s.publish(c, until)
				c.Disconnect(0)
			})
		}
		return &clients
	}
	for range 6 {
		clients := run(time.Now().Add(time.Minute))
		time.Sleep(time.Duration(200+rand.IntN(900)) * time.Millisecond)
		p.kill()
		clients.Wait()
		p.mu.Lock()
		p.mqtt = ""
		p.mu.Unlock()
		p.launch()
		eventually(t, 5*time.Second, func() (string, bool) { return "no MQTT door", p.port() != "" })
	}
	run(time.Now()).Wait()

	sent, all := 0, 0
	for n, s := range sources {
		if len(s.queue) > 0 {
			t.Errorf("client %d has %d messages without an acknowledgement", n, len(s.queue))
		}
		all += acknowledged[n]
		for _, id := range s.piles {
			sent += len(s.sent[id])
			_, m := p.get("/api/v1/piles/demo-op:"+id, regulator)
			if at(m, "pile", "powerKw") != s.newest[id] || at(m, "pile", "state") != "inUse" {
				t.Errorf("live says %v of %s, want %g kW", m, id, s.newest[id])
			}
			var got []string
			eventually(t, 30*time.Second, func() (string, bool) {
				_, m := p.get("/api/v1/history/piles/demo-op:"+id+"?every=raw", regulator)
				got = got[:0]
				rows, _ := m["rows"].([]any)
				columns, _ := m["columns"].([]any)
				kw := slices.Index(columns, any("powerKw"))
				for _, row := range rows {
					got = append(got, fmt.Sprint(at(row, 0), " ", at(row, kw)))
				}
				said := fmt.Sprintf("%d rows of %s, want %d; columns %v", len(got), id, len(s.sent[id]), columns)
				return said, len(got) >= len(s.sent[id])
			})
			var want []string
			for ts, kw := range s.sent[id] {
				want = append(want, fmt.Sprint(time.UnixMilli(ts).UTC().Format("2006-01-02T15:04:05.000Z"), " ", kw))
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("history of %s has %d rows, want the %d reports: %.300v and %.300v", id, len(got), len(want), got, want)
			}
		}
	}
	total := p.feedback("demo-op", password, func(t map[string]float64) bool { return t["received"] >= float64(all) })
	if kept := total["taken"] + total["history"]; kept != float64(sent+1) || total["rejected"] != 0 {
		t.Errorf("account %v, want %d reports and a station taken", total, sent)
	}
	t.Logf("%d reports sent, %d acknowledged, account %v", sent, all, total)
}
