package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// The audit finds every way in which InfluxDB could differ from the ledger.
func TestAudit(t *testing.T) {
	const ts = int64(1_795_392_000_000)
	var first, second values
	first.set(atStatus, 3)
	first.set(atPower, 582)
	second.set(atStatus, 1)
	row := func(id string, ns int64, rest string) string { return fmt.Sprintf("pile,id=%s,%d,%s\n", id, ns, rest) }
	const (
		head  = "name,tags,time,has,powerKw,same,session,status\n"
		whole = "1,58.2,,,3"
		free  = "0,,,,1"
	)
	refer := fmt.Sprintf(",,%d,,", ts)
	good := row("op:P1", ts*1e6, whole) + row("op:P1", (ts+1000)*1e6, refer) + row("op:P1", (ts-500)*1e6+1, free)
	f := func(name, body string, want findings) {
		t.Helper()
		o := &object{id: "P1", global: "op:P1", members: pileMembers, sent: []entry{
			{ts, first.print(pileMembers)}, {ts + 1000, first.print(pileMembers)}, {ts - 500, second.print(pileMembers)},
		}}
		a := newAudit(&world{objects: map[string]*object{"pile,op:P1": o}}, 0)
		err := readPoints(strings.NewReader(head+body), pileMembers, func(p *point) { a.take("pile", p) })
		a.end()
		if err != nil || a.lost != want.lost || a.doubled != want.doubled || a.changed != want.changed || a.unknown != want.unknown {
			t.Errorf("%s: %+v, %v; want %+v", name, a.findings, err, want)
		}
	}

	f("all there", good, findings{})
	f("one missing", row("op:P1", ts*1e6, whole)+row("op:P1", (ts+1000)*1e6, refer), findings{lost: 1})
	f("one twice", good+row("op:P1", (ts-500)*1e6, free), findings{doubled: 1})
	f("one never sent", good+row("op:P1", (ts+2000)*1e6, whole), findings{unknown: 1})
	f("of nobody", good+row("op:P2", ts*1e6, whole), findings{unknown: 1})
	f("other value", strings.Replace(good, "58.2", "58.3", 1), findings{changed: 2}) // and what refers to it
	f("member missing", strings.Replace(good, "1,58.2,", "0,,", 1), findings{changed: 2})
	f("reference to nothing", strings.Replace(good, fmt.Sprint(",,", ts), fmt.Sprint(",,", ts-7), 1), findings{changed: 1})
	f("nothing", "", findings{lost: 3})
}

// The account must fit between what was surely and what was possibly counted.
func TestAddsUp(t *testing.T) {
	f := func(name string, total account, own sums, cuts int, want bool) {
		t.Helper()
		if p := (&party{sums: own, total: total, cuts: cuts}); p.addsUp(false) != want {
			t.Errorf("%s: addsUp = %v, want %v: %s", name, !want, want, p.explain())
		}
	}
	own := sums{sent: 12, acked: 11, distinct: 8, bad: 1, badCopies: 1}
	calm := sums{sent: 11, acked: 11, distinct: 8, bad: 1, badCopies: 1}
	f("equal while nothing broke", account{11, 7, 2, 1, 1}, calm, 0, true)
	f("one too many", account{12, 7, 3, 1, 1}, calm, 0, false)
	f("a lost PUBACK", account{12, 7, 3, 1, 1}, own, 1, true)
	f("less than acknowledged", account{10, 7, 1, 1, 1}, own, 1, false)
	f("more than sent", account{13, 7, 4, 1, 1}, own, 1, false)
	f("not the sum", account{12, 7, 2, 1, 1}, own, 1, false)
	f("one not kept", account{12, 6, 4, 1, 1}, own, 1, false)
	f("one kept twice", account{12, 8, 2, 1, 1}, own, 1, false)
	f("bad one kept", account{12, 8, 3, 1, 0}, own, 1, false)
}

// An object is shown by its newest report, and not at all once it is silent.
func TestStanding(t *testing.T) {
	now := time.Now()
	f := func(age time.Duration, status int32, state string, fresh, unsure bool) {
		t.Helper()
		o := &object{station: &station{}, members: pileMembers, last: now.Add(-age).UnixMilli()}
		o.now.set(atStatus, status)
		if s := o.standing(now); s.unsure != unsure || !unsure && (s.state != state || s.fresh != fresh) {
			t.Errorf("%v old, status %d: %+v, want %s", age, status, s, state)
		}
	}
	f(time.Second, 1, "free", true, false)
	f(time.Second, 2, "inUse", true, false)
	f(time.Minute, 3, "inUse", true, false)
	f(time.Minute, 4, "reserved", true, false)
	f(time.Minute, 255, "fault", true, false)
	f(time.Minute, 0, "offline", true, false)
	f(5*time.Minute-time.Second, 1, "", false, true)
	f(5*time.Minute+10*time.Second, 1, "offline", false, false)
}

// A live answer that is not the newest report is told, member by member.
func TestDiffer(t *testing.T) {
	now := time.Now()
	o := &object{global: "op:P1", station: &station{}, members: pileMembers, last: now.Add(-time.Second).UnixMilli()}
	o.now.set(atStatus, 3)
	o.now.set(atPower, 582)
	answer := func(change func(shown)) shown {
		s := shown{"state": "inUse", "status": 3.0, "powerKw": 58.2, "socPct": nil,
			"updatedAt": time.UnixMilli(o.last).UTC().Format(time.RFC3339Nano)}
		change(s)
		return s
	}
	f := func(name string, want int, change func(shown)) {
		t.Helper()
		if d := o.differ("pile", answer(change), now, []int{atStatus, atPower, atSOC}); len(d) != want {
			t.Errorf("%s: %q, want %d differences", name, d, want)
		}
	}
	f("the same", 0, func(shown) {})
	f("other state", 1, func(s shown) { s["state"] = "free" })
	f("other power", 1, func(s shown) { s["powerKw"] = 58.3 })
	f("power missing", 1, func(s shown) { s["powerKw"] = nil })
	f("of its own", 1, func(s shown) { s["socPct"] = 4.0 })
	f("an older report", 1, func(s shown) { s["updatedAt"] = now.Add(-time.Minute).UTC().Format(time.RFC3339Nano) })
}

// Each mode of the proxy does to a request what its name says.
func TestProxy(t *testing.T) {
	var got [][]byte
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err == nil {
			got = append(got, b)
		}
		fmt.Fprint(w, "done")
	}))
	defer behind.Close()
	p, err := newProxy(behind.Listener.Addr().String(), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	f := func(m mode, arrives bool, status int) {
		t.Helper()
		p.set(m)
		for p.rng = rand.New(rand.NewPCG(1, 1)); ; { // the first request that is spoiled
			got = nil
			before := p.spoiled.Load()
			res, err := http.Post("http://"+p.addr+"/write", "text/plain", bytes.NewReader([]byte("point")))
			if err == nil {
				_, err = io.ReadAll(res.Body)
				res.Body.Close()
			}
			if m != through && p.spoiled.Load() == before {
				continue
			}
			if arrives != (len(got) == 1 && string(got[0]) == "point") {
				t.Errorf("mode %d: %q arrived", m, got)
			}
			if status == 0 && err == nil || status != 0 && (err != nil || res.StatusCode != status) {
				t.Errorf("mode %d: %v, %v, want status %d", m, res, err, status)
			}
			return
		}
	}
	f(through, true, 200)
	f(unwilling, false, 503)
	f(halfSent, false, 0)
	f(unanswered, true, 0)
	f(halfTold, true, 0)
}

// The bench's own MQTT speaks as the standard has it.
func TestLink(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	seen := make(chan []byte, 8)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		r := bufio.NewReader(c)
		for {
			head, body, err := readPacket(r)
			if err != nil {
				close(seen)
				return
			}
			seen <- append([]byte{head}, body...)
			switch head {
			case 0x10:
				c.Write([]byte{0x20, 2, 0, 0})
			case 0x32:
				c.Write([]byte{0x40, 2, 0, 9})
				c.Write([]byte("\x32\x07\x00\x01t\x00\x05hi"))
			}
		}
	}()
	link, err := dial(l.Addr().String(), "c", "u", "p")
	if err != nil {
		t.Fatal(err)
	}
	acks, words, ends := make(chan uint16, 1), make(chan string, 1), make(chan error, 1)
	link.puback, link.word, link.ended = func(id uint16) { acks <- id }, func(b []byte) { words <- string(b) }, func(err error) { ends <- err }
	go link.serve()
	if err := link.publish(9, "a/b", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if id, word := <-acks, <-words; id != 9 || word != "hi" {
		t.Errorf("PUBACK %d, message %q", id, word)
	}
	for _, want := range []string{"\x10\x00\x04MQTT\x04\xc2\x00\x00\x00\x01c\x00\x01u\x00\x01p", "\x32\x00\x03a/b\x00\x09x", "\x40\x00\x05"} {
		if got := <-seen; string(got) != want {
			t.Errorf("sent %q, want %q", got, want)
		}
	}
	link.cut()
	if err := <-ends; !errors.Is(err, net.ErrClosed) {
		t.Errorf("after a cut: %v", err)
	}
}

// Vehicles have numbers that the rules take: 17 characters, the ninth of which is
// the check character of GB 16735, here worked out by hand.
func TestVIN(t *testing.T) {
	// L3 T3 R9 T3 D4 1 0 0 _ 0 … 7 by the weights 8 7 6 5 4 3 2 10 0 9 … 2 is 147 = 13·11 + 4
	if got := vin("door", 1, 0, 7); got != "LTRTD100400000007" {
		t.Errorf("%q, want the check character 4", got)
	}
}
