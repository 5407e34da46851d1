package broker

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/dianchi-platform/dianchi/ingest/door"
	"github.com/dianchi-platform/dianchi/internal/charge"
)

var quiet = slog.New(slog.DiscardHandler)

type directory struct{ removed bool }

func (d *directory) PartyBySlug(slug string) (charge.Party, bool) {
	switch {
	case slug == "teld" && !d.removed:
		return charge.Party{Num: 1, Slug: slug, Kind: charge.Operator}, true
	case slug == "byd":
		return charge.Party{Num: 3, Slug: slug, Kind: charge.Maker}, true
	}
	return charge.Party{}, false
}

// disk is a taker that acknowledges when it is told to.
type disk struct {
	mu    sync.Mutex
	open  bool // acknowledges at once
	full  bool // Submit waits
	got   []string
	waits []func(error)
}

func (d *disk) Submit(ctx context.Context, m door.Message) error {
	for {
		d.mu.Lock()
		if !d.full {
			defer d.mu.Unlock()
			break
		}
		d.mu.Unlock()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
	d.got = append(d.got, string(m.Payload))
	if d.open {
		m.Done(nil)
	} else {
		d.waits = append(d.waits, m.Done)
	}
	return nil
}

func (d *disk) release(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open = true
	for _, done := range d.waits {
		done(err)
	}
	d.waits = nil
}

// seen returns how often each payload came.
func (d *disk) seen() map[string]int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := map[string]int{}
	for _, p := range d.got {
		n[p]++
	}
	return n
}

func startSource(t *testing.T, m *mosquitto, d *disk, p parties, connected bool) *Source {
	t.Helper()
	s := New(Config{URL: m.url(), User: "platform", Password: "pw", Instance: "one"}, slog.New(slog.DiscardHandler), p, d)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopSource(t, s) })
	if connected {
		eventually(t, func() bool { return s.Stats().Connected })
	}
	return s
}

func stopSource(t *testing.T, s *Source) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Errorf("Stop: %v", err)
	}
}

// publish sends numbered messages, at QoS 1, and waits until the broker has them.
func publish(t *testing.T, c mqtt.Client, topic string, from, to int) {
	t.Helper()
	var last mqtt.Token
	for i := from; i < to; i++ {
		last = c.Publish(topic, 1, false, strconv.Itoa(i))
	}
	if !last.WaitTimeout(20*time.Second) || last.Error() != nil {
		t.Fatalf("cannot publish: %v", last.Error())
	}
}

// What is not on our disk stays at the broker: it comes again after our restart.
func TestNothingIsAcknowledgedBeforeItIsOnDisk(t *testing.T) {
	m := startMosquitto(t)
	d := new(disk)
	s := startSource(t, m, d, new(directory), true)
	c := m.client("teld")
	publish(t, c, "dianchi/v1/teld/piles", 0, 100)
	eventually(t, func() bool { return len(d.seen()) == 100 })
	d.mu.Lock()
	for i, done := range d.waits { // half of it gets there
		if i < 50 {
			done(nil)
		}
	}
	d.waits = nil
	d.mu.Unlock()
	time.Sleep(200 * time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	s.Stop(ctx)
	again := &disk{open: true}
	startSource(t, m, again, new(directory), true)
	eventually(t, func() bool { return len(again.seen()) >= 50 })
	publish(t, c, "dianchi/v1/teld/piles", 100, 101)
	eventually(t, func() bool { return again.seen()["100"] == 1 })
	repeated := 0 // an acknowledgement may have been on its way when we stopped, not all of them
	for i := range 100 {
		n := again.seen()[strconv.Itoa(i)]
		if n > 1 || n == 0 && i >= 50 {
			t.Errorf("message %d came %d times after the restart", i, n)
		}
		if i < 50 {
			repeated += n
		}
	}
	if repeated == 50 {
		t.Error("everything came again, also what was acknowledged")
	}
}

// Nothing is lost when the broker restarts, when we do, and when we stop under load.
func TestRestartsLoseNothing(t *testing.T) {
	m := startMosquitto(t)
	d := &disk{open: true}
	s := startSource(t, m, d, new(directory), true)
	c := m.client("teld")
	var load sync.WaitGroup
	const all = 4000
	load.Go(func() {
		for i := 0; i < all; i += 50 {
			publish(t, c, "dianchi/v1/teld/piles", i, i+50)
			time.Sleep(20 * time.Millisecond)
		}
	})
	time.Sleep(300 * time.Millisecond)
	m.cmd.Process.Signal(syscall.SIGTERM)
	m.cmd.Wait()
	m.launch()
	eventually(t, func() bool { return s.Stats().Connected })
	time.Sleep(200 * time.Millisecond)
	d.mu.Lock()
	d.full = true // the source stops while it waits for us
	d.mu.Unlock()
	time.Sleep(100 * time.Millisecond)
	began := time.Now()
	stopSource(t, s)
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("Stop took %v", took)
	}
	d.mu.Lock()
	d.full = false
	d.mu.Unlock()
	startSource(t, m, d, new(directory), true)
	load.Wait()
	eventually(t, func() bool { return len(d.seen()) == all })
}

// What is none of a registered party's own is dropped and counted, once and for all.
func TestStrangersAreDropped(t *testing.T) {
	m := startMosquitto(t)
	d := &disk{open: true}
	p := new(directory)
	s := startSource(t, m, d, p, true)
	c := m.client("teld")
	for _, topic := range []string{"nobody/piles", "teld/vehicles", "byd/piles"} {
		publish(t, c, "dianchi/v1/"+topic, 0, 3)
	}
	eventually(t, func() bool { return s.Stats().Dropped == 9 })
	// Taken, but refused, because its party was removed at that moment.
	d.mu.Lock()
	d.open = false
	d.mu.Unlock()
	publish(t, c, "dianchi/v1/teld/piles", 0, 2)
	eventually(t, func() bool { return len(d.seen()) == 2 })
	p.removed = true
	d.release(errors.New("the party is gone"))
	eventually(t, func() bool { return s.Stats().Dropped == 11 })
	time.Sleep(100 * time.Millisecond)
	stopSource(t, s)
	again := startSource(t, m, d, p, true)
	publish(t, c, "dianchi/v1/byd/vehicles", 7, 8)
	eventually(t, func() bool { return d.seen()["7"] == 1 })
	if st := again.Stats(); st.Dropped != 0 || st.Messages != 1 {
		t.Errorf("after the restart %+v: dropped messages came again", st)
	}
}

// The operator of the platform reads why nothing comes.
func TestStatsSayWhy(t *testing.T) {
	m := startMosquitto(t)
	wrong := New(Config{URL: m.url(), User: "platform", Password: "wrong", Instance: "two"}, slog.New(slog.DiscardHandler),
		new(directory), new(disk))
	if err := wrong.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopSource(t, wrong) })
	eventually(t, func() bool {
		return strings.Contains(strings.ToLower(wrong.Stats().LastError), "not auth") ||
			strings.Contains(wrong.Stats().LastError, "bad user name or password")
	})
	if wrong.Stats().Connected {
		t.Error("connected with a wrong password")
	}

	m.cmd.Process.Kill()
	m.cmd.Wait()
	absent := startSource(t, m, new(disk), new(directory), false)
	eventually(t, func() bool { return strings.Contains(absent.Stats().LastError, "refused") })
	m.launch()
	eventually(t, func() bool { st := absent.Stats(); return st.Connected && st.LastError == "" })
}

// A party that comes late reads the latest account.
func TestFeedbackIsRetained(t *testing.T) {
	m := startMosquitto(t)
	s := startSource(t, m, new(disk), new(directory), true)
	teld, _ := new(directory).PartyBySlug("teld")
	for i := range 50 {
		s.PublishFeedback(teld, []byte(strconv.Itoa(i)))
	}
	heard := func() string {
		c := m.client("teld")
		defer c.Disconnect(0)
		got := make(chan string, 100)
		c.Subscribe("dianchi/v1/teld/feedback", 1, func(_ mqtt.Client, m mqtt.Message) { got <- string(m.Payload()) })
		select {
		case p := <-got:
			return p
		case <-time.After(time.Second):
			return "nothing"
		}
	}
	eventually(t, func() bool { return heard() == "49" })
	// What is said while the broker is away comes when it is back.
	m.cmd.Process.Signal(syscall.SIGTERM)
	m.cmd.Wait()
	began := time.Now()
	for i := range 50 {
		s.PublishFeedback(teld, []byte(strconv.Itoa(100+i)))
	}
	if took := time.Since(began); took > 100*time.Millisecond {
		t.Errorf("the committer waited %v for a broker that is away", took)
	}
	m.launch()
	eventually(t, func() bool { return heard() == "149" })
}

// A removed party's account does not stay at the broker, whatever is said of
// it at the last moment.
func TestRemovedPartysFeedbackGoes(t *testing.T) {
	m := startMosquitto(t)
	s := startSource(t, m, new(disk), new(directory), true)
	teld, _ := new(directory).PartyBySlug("teld")
	byd, _ := new(directory).PartyBySlug("byd")
	kept := func() map[string]string {
		c := m.client("teld")
		defer c.Disconnect(0)
		var mu sync.Mutex
		got := map[string]string{}
		c.Subscribe("dianchi/v1/+/feedback", 1, func(_ mqtt.Client, m mqtt.Message) {
			mu.Lock()
			defer mu.Unlock()
			if m.Retained() {
				got[m.Topic()] = string(m.Payload())
			}
		}).Wait()
		time.Sleep(100 * time.Millisecond)
		mu.Lock()
		defer mu.Unlock()
		return got
	}
	s.PublishFeedback(teld, []byte("one"))
	s.PublishFeedback(byd, []byte("two"))
	eventually(t, func() bool { return len(kept()) == 2 })
	s.Forget("teld")
	s.PublishFeedback(teld, []byte("late"))
	s.PublishFeedback(byd, []byte("three"))
	eventually(t, func() bool { return kept()["dianchi/v1/byd/feedback"] == "three" })
	if got := kept(); len(got) != 1 {
		t.Errorf("the broker keeps %v", got)
	}
}
