package api

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/tail"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// reject lets a party send one report that is not taken, with a secret in it.
func (w *world) reject(party charge.Num, secret string) {
	r := record.Record{Party: party, Payload: charge.Piles, Account: charge.Account{Received: 2, Taken: 1, Rejected: 1},
		Rules: []record.RuleCount{{Rule: charge.RuleIDUnknown, Action: charge.ActReject, Count: 1}}}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.applyLocked(r, tail.Sample{Rule: charge.RuleIDUnknown, Action: charge.ActReject, Kind: charge.Piles, ID: secret,
		TS: w.at, Detail: "pile " + secret + " is in none of your stations", Payload: `{"id":"` + secret + `"}`})
}

// follow ticks until c was told of a text.
func (w *world) follow(c *client, text string) frameIn {
	w.tb.Helper()
	done := make(chan struct{})
	defer close(done)
	go func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(20 * time.Millisecond):
				w.tick()
			}
		}
	}()
	for {
		if f := c.next(); f.Ch != "" && bytes.Contains([]byte(f.raw), []byte(text)) {
			return f
		}
	}
}

func TestTailTellsAPartyOfItsMessages(t *testing.T) {
	w := newWorld(t)
	w.reject(teld, "BEFORE")
	for who, sub := range map[string]string{"t-teld": `"feed":"tail"`, "t-regulator": `"feed":"tail","party":"teld"`} {
		c := w.dial(who)
		if got := c.sub("a", sub); len(got) != 1 || got[0] != "t@teld" {
			t.Fatalf("channels %q", got)
		}
		f := w.follow(c, "BEFORE")
		w.reject(teld, "AFTER-"+who)
		g := w.follow(c, "AFTER-"+who)
		if g.Full || bytes.Contains(g.Data["changed"], []byte("BEFORE")) {
			t.Errorf("a later frame is %s", g.raw)
		}
		for _, want := range []string{`"kind":"piles"`, `"received":2`, `"rejected":1`, `"rule":"id.unknown"`, `"detail":"pile BEFORE is in`} {
			if !bytes.Contains([]byte(f.raw), []byte(want)) {
				t.Errorf("%s lacks %s", f.raw, want)
			}
		}
		// Who comes back with the revision it had is told the rest.
		w.reject(teld, "AWAY-"+who)
		c.send(`{"op":"unsub","id":"a"}`)
		c.send(`{"op":"sub","id":"b","feed":"tail","party":"teld","rev":{"t@teld":%q}}`, g.Rev)
		if h := w.follow(c, "AWAY-"+who); h.Full {
			t.Errorf("came back and got it whole: %s", h.raw)
		}
	}
}

func TestTailDropsTheOldest(t *testing.T) {
	w := newWorld(t)
	c := w.dial("t-teld")
	c.sub("a", `"feed":"tail"`)
	told := 0
	for i := range 3 * tail.MaxMessages / 30 {
		w.mu.Lock()
		w.at += 1000 // so many are told of a second
		w.mu.Unlock()
		for range 29 {
			w.reject(teld, "X")
		}
		last := fmt.Sprintf("LAST%d.", i)
		w.reject(teld, last)
		f := w.follow(c, last)
		told += len(list(t, f.Data["messages"])) + len(list(t, f.Data["changed"]))
		if n := len(c.chans["t@teld"].items); n > tail.MaxMessages {
			t.Fatalf("%d messages held, at most %d may be", n, tail.MaxMessages)
		}
	}
	if n := len(c.chans["t@teld"].items); n != tail.MaxMessages || told <= n {
		t.Errorf("%d messages held after %d, want %d", n, told, tail.MaxMessages)
	}
}

func TestTailIsNobodyElses(t *testing.T) {
	w := newWorld(t)
	w.reject(teld, "SECRET")
	f := func(who, sub, code string) {
		t.Helper()
		c := w.dial(who)
		c.send(`{"op":"sub","id":"a",%s}`, sub)
		for {
			g := c.next()
			if g.Op != "sub" {
				continue
			}
			if g.Error == nil || g.Error.Code != code {
				t.Errorf("%q asks for %s: %s, want %s", who, sub, g.raw, code)
			}
			return
		}
	}
	f("", `"feed":"tail"`, "role-missing")
	f("t-driver", `"feed":"tail","party":"teld"`, "role-missing")
	f("t-ykc", `"feed":"tail","party":"teld"`, "not-found")
	f("t-nio", `"feed":"tail","party":"teld"`, "not-found")
	f("t-regulator", `"feed":"tail"`, "value-range")
	f("t-regulator", `"feed":"tail","party":"nobody"`, "not-found")
	f("t-regulator", `"feed":"tail","party":"§"`, "value-range")

	// A neighbour's own tail and rules never have it.
	c := w.dial("t-ykc")
	c.sub("a", `"feed":"tail"`)
	w.reject(ykc, "OWN")
	w.follow(c, "OWN")
	for _, f := range c.frames {
		if bytes.Contains([]byte(f.raw), []byte("SECRET")) {
			t.Errorf("ykc reads %s", f.raw)
		}
	}
	for who, want := range map[string]int{"": 403, "t-driver": 403, "t-ykc": 404, "t-nio": 404, "t-teld": 200, "t-regulator": 200} {
		a := w.get("/api/v1/quality/teld/rules", who)
		if a.status != want || bytes.Contains(a.body, []byte("SECRET")) != (want == 200) {
			t.Errorf("rules of teld as %q = %d %s", who, a.status, a.body)
		}
	}
}

// stuckTail answers when it is no longer asked.
type stuckTail struct {
	Tail
	asked chan struct{}
	under atomic.Int32
}

func (s *stuckTail) Messages(ctx context.Context, _ charge.Num, _ uint64) ([]tail.Message, error) {
	s.under.Add(1)
	defer s.under.Add(-1)
	s.asked <- struct{}{}
	<-ctx.Done()
	time.Sleep(50 * time.Millisecond)
	return nil, ctx.Err()
}

// Stop waits for a question about the tail that is under way, which it ends.
func TestStopEndsTheTailsQuestions(t *testing.T) {
	stuck := &stuckTail{asked: make(chan struct{}, 1)}
	w := newWorld(t, func(_ *Config, d *Deps) { d.Tail = stuck })
	w.tick()
	c := w.dial("t-teld")
	c.sub("a", `"feed":"tail"`)
	<-stuck.asked
	if err := w.api.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := stuck.under.Load(); n != 0 {
		t.Fatal("a question is still under way")
	}
}
