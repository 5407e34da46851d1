package simulator

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/report"
	"github.com/dianchi-platform/dianchi/simulator/fleet"
)

func start(t *testing.T, cfg Config) *Simulator {
	t.Helper()
	if cfg.Accounts == nil {
		cfg.Accounts = accounts()
	}
	s := New(cfg, quiet())
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func stop(t *testing.T, s *Simulator) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if sum := s.Stats().Sum(); sum.Published != sum.Acknowledged {
		t.Fatalf("after Stop %d of %d reports are acknowledged", sum.Acknowledged, sum.Published)
	}
}

func TestPartiesIntroduceThemselvesThenReport(t *testing.T) {
	b := startBroker(t)
	w := b.watch(t)
	file := filepath.Join(t.TempDir(), "stats.json")
	s := start(t, Config{Broker: "tcp://" + b.addr, Vehicles: 400, Piles: 400, Cadence: time.Second, Seed: 1, StatsFile: file})
	eventually(t, "reports", func() bool { return s.Stats().Sum().Acknowledged > 3000 })
	stop(t, s)
	eventually(t, "all messages at the watcher", func() bool { return uint64(len(w.all())) >= s.Stats().Sum().Messages })

	d := report.NewDecoder()
	known := map[string]bool{}
	seen, stations, vehicles := 0, 0, 0
	counted := map[string]int{} // by party and kind
	clean := func(topic string, finding *charge.Finding, head *report.Head) {
		t.Helper()
		if finding != nil {
			t.Fatalf("%s: %+v", topic, *finding)
		}
		if head != nil && (head.Rejected || len(head.Findings) > 0) {
			t.Fatalf("%s: %+v", topic, head.Findings)
		}
	}
	for _, m := range w.all() {
		slug, kind, _ := strings.Cut(strings.TrimPrefix(m.topic, "dianchi/v1/"), "/")
		var elements []json.RawMessage
		if err := json.Unmarshal([]byte(m.payload), &elements); err != nil {
			t.Fatalf("%s: %v", m.topic, err)
		}
		counted[slug+" "+kind] += len(elements)
		switch charge.PayloadOf(kind) {
		case charge.Stations:
			entries, f := d.Stations([]byte(m.payload))
			clean(m.topic, f, nil)
			for i := range entries {
				clean(m.topic, nil, &entries[i].Head)
				stations++
				for _, p := range entries[i].Station.Piles {
					known[slug+p.ID] = true
				}
			}
		case charge.Fleet:
			entries, f := d.Fleet([]byte(m.payload))
			clean(m.topic, f, nil)
			for i := range entries {
				clean(m.topic, nil, &entries[i].Head)
				known[slug+entries[i].Vehicle.VIN] = true
				vehicles++
			}
		case charge.Piles:
			entries, f := d.Piles([]byte(m.payload))
			clean(m.topic, f, nil)
			if len(entries) > batchSize {
				t.Fatalf("%d reports in a message", len(entries))
			}
			for i := range entries {
				clean(m.topic, nil, &entries[i].Head)
				if !known[slug+entries[i].Report.ID] {
					t.Fatalf("pile %s of %s reports before its station is known", entries[i].Report.ID, slug)
				}
				seen++
			}
		case charge.Vehicles:
			entries, f := d.Vehicles([]byte(m.payload))
			clean(m.topic, f, nil)
			for i := range entries {
				clean(m.topic, nil, &entries[i].Head)
				if !known[slug+entries[i].Report.VIN] {
					t.Fatalf("vehicle %s of %s reports before it is known", entries[i].Report.VIN, slug)
				}
				seen++
			}
		case charge.Sessions:
			entries, f := d.Sessions([]byte(m.payload))
			clean(m.topic, f, nil)
			for i := range entries {
				clean(m.topic, nil, &entries[i].Head)
				seen++
			}
		default:
			t.Fatalf("a message on %s", m.topic)
		}
	}
	sum := s.Stats().Sum()
	if uint64(seen) != sum.Published || vehicles != 400 || stations == 0 || sum.Resent != 0 || sum.Skipped != 0 {
		t.Fatalf("the broker saw %d reports, %d stations, %d vehicles of %+v", seen, stations, vehicles, sum)
	}
	// The count in the file is what the broker saw, party by party and kind by kind.
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var told Stats
	if err := json.Unmarshal(text, &told); err != nil {
		t.Fatal(err)
	}
	kinds := 0
	for _, p := range told.Parties {
		for _, k := range p.Kinds {
			kinds++
			if want := uint64(counted[p.Slug+" "+k.Kind]); k.Published != want || k.Acknowledged != want {
				t.Errorf("%s tells %+v, the broker saw %d", p.Slug, k, want)
			}
		}
	}
	if kinds != len(counted) || told.Sum().Published != sum.Published {
		t.Errorf("the file has %d kinds and %d reports, the broker saw %d and %d", kinds, told.Sum().Published, len(counted), seen)
	}
	if sum.AckP50 <= 0 || sum.AckP99 < sum.AckP50 {
		t.Fatalf("latency of PUBACKs: p50 %s, p99 %s", sum.AckP50, sum.AckP99)
	}
}

func TestWhatIsNotAcknowledgedIsSentAgainByteForByte(t *testing.T) {
	b := startBroker(t)
	w := b.watch(t)
	p := startProxy(t, b.addr)
	s := start(t, Config{Broker: "tcp://" + p.addr, Vehicles: 300, Cadence: 500 * time.Millisecond, Seed: 2, Party: "byd"})
	eventually(t, "reports", func() bool { return s.Stats().Sum().Acknowledged > 200 })
	p.mute.Store(true)
	before := s.Stats().Sum().Acknowledged
	eventually(t, "reports on their way", func() bool { return s.Stats().Sum().Published > before+300 })
	p.cut()
	p.mute.Store(false)
	eventually(t, "reports after the cut", func() bool { return s.Stats().Sum().Acknowledged > before+1000 })
	stop(t, s)
	sum := s.Stats().Sum()
	if sum.Resent == 0 || sum.Connects < 2 {
		t.Fatalf("nothing was sent again: %+v", sum)
	}
	// Every message reached the broker; those that were cut off twice, alike.
	times := map[string]int{}
	eventually(t, "all messages at the watcher", func() bool {
		clear(times)
		for _, m := range w.all() {
			if strings.HasSuffix(m.topic, "/vehicles") {
				times[m.payload]++
			}
		}
		return uint64(len(times)) == sum.Messages
	})
	twice := 0
	for _, n := range times {
		if n > 1 {
			twice++
		}
	}
	if twice == 0 {
		t.Fatal("no message came twice with the same bytes")
	}
}

func TestPartiesComeBackAfterTheBrokerDied(t *testing.T) {
	b := startBroker(t)
	s := start(t, Config{Broker: "tcp://" + b.addr, Vehicles: 200, Piles: 200, Cadence: time.Second, Seed: 3})
	eventually(t, "reports", func() bool { return s.Stats().Sum().Acknowledged > 500 })
	b.stop()
	eventually(t, "all parties away", func() bool {
		for _, p := range s.Stats().Parties {
			if p.Connected {
				return false
			}
		}
		return true
	})
	b.start(t)
	eventually(t, "all parties back", func() bool {
		for _, p := range s.Stats().Parties {
			if !p.Connected {
				return false
			}
		}
		return true
	})
	before := s.Stats().Sum().Acknowledged
	eventually(t, "new reports", func() bool { return s.Stats().Sum().Acknowledged > before+500 })
	stop(t, s)
}

func TestSlowPlatformIsNotOutrun(t *testing.T) {
	b := startBroker(t)
	p := startProxy(t, b.addr)
	s := start(t, Config{Broker: "tcp://" + p.addr, Vehicles: 2000, Cadence: 100 * time.Millisecond, Seed: 4, Party: "byd"})
	eventually(t, "reports", func() bool { return s.Stats().Sum().Acknowledged > 1000 })
	p.mute.Store(true)
	eventually(t, "skipped reports", func() bool { return s.Stats().Sum().Skipped > 1000 })
	sum := s.Stats().Sum()
	if pending := sum.Published - sum.Acknowledged; pending > window*batchSize {
		t.Fatalf("%d reports are on their way, the window is %d", pending, window*batchSize)
	}
	if n := len(s.parties[fleet.PartyIndex("byd")].queue); n > queueLength {
		t.Fatalf("%d batches wait", n)
	}
	p.mute.Store(false)
	p.cut() // the lost answers never come; the connection ends as the platform would end it
	before := s.Stats().Sum().Acknowledged
	eventually(t, "reports once it is fast again", func() bool { return s.Stats().Sum().Acknowledged > before+5000 })
	stop(t, s)
}

func TestFeedbackIsKept(t *testing.T) {
	b := startBroker(t)
	w := b.watch(t)
	s := start(t, Config{Broker: "tcp://" + b.addr, Piles: 300, Cadence: time.Second, Seed: 5, Party: "teld"})
	eventually(t, "introduction", func() bool { return s.Stats().Parties[0].Introduced })
	say := func(payload string) {
		t.Helper()
		tok := w.client.Publish("dianchi/v1/teld/feedback", 1, true, payload)
		if !tok.WaitTimeout(10*time.Second) || tok.Error() != nil {
			t.Fatal(tok.Error())
		}
	}
	say(`{"at":"2026-11-23T01:00:00.000Z","seq":8,"received":100,"taken":98,"duplicate":1,"history":0,"rejected":1,
		"total":{"received":500,"taken":490,"duplicate":4,"history":4,"rejected":2},"rules":[{"rule":"dup.exact","action":"duplicate","count":1,"samples":[]}]}`)
	eventually(t, "the account", func() bool { return s.Stats().Parties[0].Feedback != nil })
	f := s.Stats().Parties[0].Feedback
	if f.Seq != 8 || f.Taken != 98 || f.Total.Received != 500 || f.Total.Rejected != 2 || f.Rules[0].Rule != "dup.exact" {
		t.Fatalf("account %+v", f)
	}
	// A platform that has lost the party's stations is told them again.
	introductions := func() int {
		n := 0
		for _, m := range w.all() {
			if strings.HasSuffix(m.topic, "/stations") {
				n++
			}
		}
		return n
	}
	before := introductions()
	say(`{"at":"2026-11-23T01:00:05.000Z","seq":9,"received":50,"taken":0,"duplicate":0,"history":0,"rejected":50,
		"total":{},"rules":[{"rule":"id.unknown","action":"reject","count":50,"samples":[]}]}`)
	eventually(t, "a second introduction", func() bool { return introductions() == 2*before })
	say(`{`) // what cannot be read changes nothing
	stop(t, s)
	if s.Stats().Parties[0].Feedback.Seq != 9 {
		t.Fatalf("account %+v", s.Stats().Parties[0].Feedback)
	}
}

func TestWrongPasswordStopsOnlyItsParty(t *testing.T) {
	b := startBroker(t)
	all := accounts()
	all["teld"] = "wrong"
	s := start(t, Config{Broker: "tcp://" + b.addr, Accounts: all, Vehicles: 200, Piles: 200, Cadence: time.Second, Seed: 6})
	eventually(t, "reports", func() bool { return s.Stats().Sum().Acknowledged > 500 })
	for _, p := range s.Stats().Parties {
		if p.Slug == "teld" && (p.Connected || p.Published > 0) || p.Slug == "byd" && !p.Connected {
			t.Fatalf("%+v", p)
		}
	}
	stop(t, s)
}

func TestStartNamesWhatCannotBe(t *testing.T) {
	f := func(cfg Config, want string) {
		t.Helper()
		err := New(cfg, quiet()).Start(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("Start(%+v) = %v, want %q in it", cfg, err, want)
		}
	}

	f(Config{Broker: "tcp://127.0.0.1:1", Accounts: accounts(), Vehicles: -1}, "vehicles")
	f(Config{Accounts: accounts()}, "broker")
	f(Config{Broker: "tcp://127.0.0.1:1"}, "password")
	f(Config{Broker: "tcp://127.0.0.1:1", Accounts: accounts(), Party: "nobody"}, "nobody")
	f(Config{Broker: "tcp://127.0.0.1:1", Accounts: map[string]string{"teld": "x"}, Party: "byd"}, "byd")
}

func TestStopWithoutABrokerEnds(t *testing.T) {
	s := start(t, Config{Broker: "tcp://127.0.0.1:1", Vehicles: 50, Piles: 50})
	eventually(t, "the city", func() bool { return s.Stats().Ready })
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if err := s.Stop(ctx); err != nil {
		t.Fatal(err) // nothing was sent, so nothing is missing
	}
	if d := time.Since(begin); d > 10*time.Second {
		t.Fatalf("Stop took %s", d)
	}
	if err := New(Config{}, quiet()).Stop(ctx); err != nil {
		t.Fatalf("Stop before Start: %v", err)
	}
}

func TestHistogram(t *testing.T) {
	var h histogram
	if h.quantile(0.5) != 0 {
		t.Fatal("nothing has a median")
	}
	for i := 1; i <= 1000; i++ {
		h.add(time.Duration(i) * 100 * time.Microsecond)
	}
	f := func(q float64, want time.Duration) {
		t.Helper()
		if got := h.quantile(q); got < want || got > want*5/4+time.Microsecond {
			t.Fatalf("quantile %v = %s, want %s or up to a quarter more", q, got, want)
		}
	}

	f(0.5, 50*time.Millisecond)
	f(0.99, 99*time.Millisecond)
	f(0, 100*time.Microsecond)
	f(1, 100*time.Millisecond)
}
