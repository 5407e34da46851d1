package door

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// counting is a taker that counts and has everything at once.
type counting struct{ taken *atomic.Int64 }

func (c *counting) Submit(_ context.Context, m Message) error {
	c.taken.Add(1)
	m.Done(nil)
	return nil
}

// publishes lets w send n messages with up to 32 on their way, and wants their
// PUBACKs in order.
func publishes(t testing.TB, w *wire, topic string, n int) {
	t.Helper()
	room := make(chan struct{}, 32)
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		for i := range n {
			select {
			case room <- struct{}{}:
			case <-ended:
				return
			}
			if _, err := w.nc.Write(publish3(topic, 1, uint16(i%60_000+1), "[]")); err != nil {
				return
			}
		}
	}()
	for i := range n {
		id := i%60_000 + 1
		w.want(0x40, 2, byte(id>>8), byte(id))
		<-room
	}
}

// quietly opens a connection and logs in, without what a wire costs.
func quietly(t testing.TB, addr net.Addr, id, user string, alive byte) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.Write(connect3(id, user, alive))
	var ack [4]byte
	nc.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := nc.Read(ack[:]); err != nil || ack != [4]byte{0x20, 2, 0, 0} {
		t.Fatalf("CONNACK % x, %v", ack, err)
	}
	return nc
}

func TestFiveThousandIdleClients(t *testing.T) {
	b := newBelt(false)
	d := start(t, Config{MaxPartyConns: 6000}, Deps{Auth: newPeople(), Taker: b})
	var idle []net.Conn
	for i := range 5000 {
		idle = append(idle, quietly(t, d.Addr(), fmt.Sprint(i), "teld", 0))
	}
	w := login(t, d, 4, "busy", "byd")
	publishes(t, w, "dianchi/v1/byd/vehicles", 2000)
	b.await(t, 2000)
	if n := d.Stats().Connections; n != 5001 {
		t.Fatalf("%d connections", n)
	}
	for i := 0; i < 5000; i += 100 { // they are all there
		idle[i].Write([]byte{0xC0, 0})
		var pong [2]byte
		idle[i].SetReadDeadline(time.Now().Add(10 * time.Second))
		if _, err := idle[i].Read(pong[:]); err != nil || pong[0] != 0xD0 {
			t.Fatalf("client %d: % x, %v", i, pong, err)
		}
	}
}

// Who sends byte by byte has as long for a packet as everybody, not longer.
func TestByteByByte(t *testing.T) {
	const limit = 400 * time.Millisecond
	d := start(t, Config{ConnectTimeout: limit, PacketTimeout: limit}, Deps{Auth: newPeople(), Taker: newBelt(false)})
	witness := login(t, d, 4, "witness", "byd")
	f := func(name string, w *wire, packet []byte) {
		t.Helper()
		began := time.Now()
		for _, b := range packet {
			if _, err := w.nc.Write([]byte{b}); err != nil {
				break
			}
			time.Sleep(limit / 20)
		}
		for w.packet() != nil {
		}
		if took := time.Since(began); took > 5*limit {
			t.Errorf("%s ended after %v", name, took)
		}
	}
	var all sync.WaitGroup
	for i := range 50 {
		w := dial(t, d)
		in := login(t, d, 4, fmt.Sprint(i), "teld")
		all.Go(func() { f("a CONNECT", w, connect3(strings.Repeat("c", 60), "teld", 60)) })
		all.Go(func() { f("a PUBLISH", in, publish3("dianchi/v1/teld/piles", 1, 1, strings.Repeat("x", 60))) })
	}
	publishes(t, witness, "dianchi/v1/byd/vehicles", 1000)
	all.Wait()
	witness.ping()
	if n := d.Stats().Refused["time-out"]; n != 100 {
		t.Errorf("%d time-outs are counted, want 100", n)
	}
}

// Announced lengths take no memory, and giants of one party are few at a time.
func TestGiants(t *testing.T) {
	b := newBelt(false)
	d := start(t, Config{}, Deps{Auth: newPeople(), Taker: b})
	witness := login(t, d, 4, "witness", "byd")
	before := allocated()
	for i := range 200 {
		w := login(t, d, 4, fmt.Sprint("over", i), "teld")
		w.send(0x32, 0xff, 0xff, 0xff, 0x7f) // 256 MiB
		w.wantClosed()
	}
	if took := allocated() - before; took > 32<<20 {
		t.Errorf("200 packets of 256 MiB, announced only, took %d bytes", took)
	}
	if n := d.Stats().Refused["packet-too-large"]; n != 200 {
		t.Errorf("%d are counted", n)
	}

	giant := publish3("dianchi/v1/teld/piles", 1, 7, strings.Repeat("x", 1<<20))
	var slow []*wire
	for i := range 100 { // all but the last byte
		w := login(t, d, 4, fmt.Sprint("slow", i), "teld")
		slow = append(slow, w)
		go w.nc.Write(giant[:len(giant)-1])
	}
	eventually(t, "the party's share is taken", func() bool { return d.coming(1) > maxShare*9/10 })
	publishes(t, witness, "dianchi/v1/byd/vehicles", 500)
	login(t, d, 4, "small", "teld").ping() // the party's own small packets go on
	if n := d.coming(1); n > maxShare {
		t.Errorf("%d bytes of giants at a time, want at most %d", n, maxShare)
	}
	var all sync.WaitGroup
	for _, w := range slow {
		all.Go(func() {
			w.nc.Write(giant[len(giant)-1:]) // goes behind the rest
		})
	}
	all.Wait()
	eventually(t, "all giants are taken", func() bool { return len(b.messages()) >= 600 })
	if n := d.coming(1); n != 0 {
		t.Errorf("%d bytes are still held", n)
	}
}

func (d *Door) coming(num int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p := d.parties[1]; p != nil && num == 1 {
		return p.coming
	}
	return 0
}

// Who does not read its PUBACKs is cut; the others do not notice. The pipes
// keep nothing, as a socket does whose buffers are full.
func TestUnreadAcknowledgements(t *testing.T) {
	d := start(t, Config{WriteTimeout: 500 * time.Millisecond}, Deps{Auth: newPeople(), Taker: newBelt(false)})
	witness := login(t, d, 4, "witness", "byd")
	many := []byte(strings.Repeat(string(publish3("dianchi/v1/teld/piles", 1, 1, "")), 1000))
	var all sync.WaitGroup
	for i := range 4 {
		ours, theirs := net.Pipe()
		d.serve(ours)
		theirs.Write(connect3(fmt.Sprint(i), "teld", 60))
		var ack [4]byte
		if _, err := io.ReadFull(theirs, ack[:]); err != nil || ack != [4]byte{0x20, 2, 0, 0} {
			t.Fatalf("CONNACK % x, %v", ack, err)
		}
		all.Go(func() {
			defer theirs.Close()
			theirs.SetWriteDeadline(time.Now().Add(20 * time.Second))
			for {
				if _, err := theirs.Write(many); err != nil {
					if os.IsTimeout(err) {
						t.Error("a client that does not read is not cut")
					}
					return
				}
			}
		})
	}
	publishes(t, witness, "dianchi/v1/byd/vehicles", 500)
	all.Wait()
	eventually(t, "they are gone", func() bool { return d.Stats().Sockets == 1 })
	if n := d.Stats().Refused["slow-client"]; n != 4 {
		t.Errorf("%d are counted, want 4", n)
	}
	witness.ping()
}

// A storm of connections passes without a trace.
func TestConnectStorm(t *testing.T) {
	d := start(t, Config{}, Deps{Auth: newPeople(), Taker: newBelt(false)})
	witness := login(t, d, 4, "witness", "byd")
	var all sync.WaitGroup
	for k := range 10 {
		all.Go(func() {
			for i := range 200 {
				nc, err := net.Dial("tcp", d.Addr().String())
				if err != nil {
					t.Error(err)
					return
				}
				switch i % 5 {
				case 0: // says nothing
				case 1:
					nc.Write([]byte("\x16\x03\x01 no MQTT"))
				case 2:
					nc.Write(connect3(fmt.Sprint(k), "teld", 60)[:20])
				default: // in each other's place
					nc.Write(connect5(fmt.Sprint(k%3), "teld", 60))
					nc.Write(publish5("dianchi/v1/teld/piles", 1, 1, "[]"))
				}
				nc.Close()
			}
		})
	}
	publishes(t, witness, "dianchi/v1/byd/vehicles", 2000)
	all.Wait()
	eventually(t, "all are gone", func() bool { st := d.Stats(); return st.Sockets == 1 && st.Connections == 1 })
	d.mu.Lock()
	left := len(d.waiting.byAddr) + d.waiting.order.Len() + len(d.parties) - 1
	d.mu.Unlock()
	if left != 0 {
		t.Errorf("%d entries are left", left)
	}
	witness.ping()
}

// A removed party is cut off at once, also in the middle of a flood.
func TestKickInAFlood(t *testing.T) {
	p := newPeople()
	var taken atomic.Int64
	b := &counting{&taken}
	d := start(t, Config{}, Deps{Auth: p, Taker: b})
	stays := login(t, d, 4, "stays", "byd")
	many := []byte(strings.Repeat(string(publish3("dianchi/v1/teld/piles", 0, 0, "[]")), 100))
	var all sync.WaitGroup
	for i := range 8 {
		w := login(t, d, 4, fmt.Sprint(i), "teld")
		all.Go(func() {
			for {
				if _, err := w.nc.Write(many); err != nil {
					return
				}
			}
		})
	}
	eventually(t, "the flood runs", func() bool { return taken.Load() > 10_000 })
	p.remove("teld")
	d.Kick(1)
	at := taken.Load()
	ended := make(chan struct{})
	go func() { all.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Fatal("a removed party still sends")
	}
	if more := taken.Load() - at; more > 8 { // the one that each connection had in hand
		t.Errorf("%d messages were taken after the end", more)
	}
	stays.ping()
}
