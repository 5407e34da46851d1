package door

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

var discard = slog.New(slog.DiscardHandler)

// people is an authenticator with an operator and a maker; passwords are "pw-" + slug.
type people struct {
	mu      sync.Mutex
	parties map[string]charge.Party
}

func newPeople() *people {
	return &people{parties: map[string]charge.Party{
		"teld":      {Num: 1, Slug: "teld", Kind: charge.Operator},
		"byd":       {Num: 2, Slug: "byd", Kind: charge.Maker},
		"starshine": {Num: 3, Slug: "starshine", Kind: charge.Operator},
	}}
}

func (p *people) CheckPassword(slug, password string) (charge.Party, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if party, ok := p.parties[slug]; ok && password == "pw-"+slug {
		return party, nil
	}
	return charge.Party{}, errors.New("wrong user or password")
}

func (p *people) remove(slug string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.parties, slug)
}

// belt is a taker that keeps what it takes. With hold set, messages wait for finish.
type belt struct {
	hold bool
	mu   sync.Mutex
	got  []Message
	next int // first of got that is not done
	more chan struct{}
}

func newBelt(hold bool) *belt { return &belt{hold: hold, more: make(chan struct{}, 1)} }

func (b *belt) Submit(ctx context.Context, m Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b.mu.Lock()
	b.got = append(b.got, m)
	hold := b.hold
	if !hold {
		b.next = len(b.got)
	}
	b.mu.Unlock()
	select {
	case b.more <- struct{}{}:
	default:
	}
	if !hold {
		m.Done(nil)
	}
	return nil
}

// finish answers the next n messages that wait.
func (b *belt) finish(n int, err error) {
	b.mu.Lock()
	ms := b.got[b.next : b.next+n]
	b.next += n
	b.mu.Unlock()
	for _, m := range ms {
		m.Done(err)
	}
}

func (b *belt) messages() []Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]Message(nil), b.got...)
}

// await waits until n messages have come, and a moment longer for more.
func (b *belt) await(t testing.TB, n int) []Message {
	t.Helper()
	eventually(t, "messages come", func() bool { return len(b.messages()) >= n })
	time.Sleep(20 * time.Millisecond)
	if got := b.messages(); len(got) == n {
		return got
	}
	t.Fatalf("%d messages came, want %d", len(b.messages()), n)
	return nil
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

func start(t testing.TB, cfg Config, deps Deps) *Door {
	t.Helper()
	cfg.Addr = "127.0.0.1:0"
	d := New(cfg, discard, deps)
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		defer cancel()
		if err := d.Stop(ctx); err != nil {
			t.Error(err)
		}
		if st := d.Stats(); st.Sockets != 0 || st.Connections != 0 {
			t.Errorf("after Stop: %+v", st)
		}
		if n := d.panics.Total(); n > 0 {
			t.Errorf("%d panics", n)
		}
	})
	return d
}

// wire is a client that sends and expects bytes.
type wire struct {
	t  testing.TB
	nc net.Conn
	r  *bufio.Reader
}

func dial(t testing.TB, d *Door) *wire {
	t.Helper()
	nc, err := net.Dial("tcp", d.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	return &wire{t, nc, bufio.NewReader(nc)}
}

func (w *wire) send(b ...byte) {
	w.t.Helper()
	if _, err := w.nc.Write(b); err != nil {
		w.t.Fatal(err)
	}
}

// packet reads one packet; nil when the connection has been closed.
func (w *wire) packet() []byte {
	w.t.Helper()
	w.nc.SetReadDeadline(time.Now().Add(5 * time.Second))
	first, err := w.r.ReadByte()
	if err != nil {
		if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
			w.t.Fatal("nothing came")
		}
		return nil
	}
	head := []byte{first}
	size := 0
	for {
		b, err := w.r.ReadByte()
		if err != nil {
			return nil
		}
		size |= int(b&127) << (7 * (len(head) - 1))
		if head = append(head, b); b < 128 {
			break
		}
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(w.r, body); err != nil {
		return nil
	}
	return append(head, body...)
}

func (w *wire) want(b ...byte) {
	w.t.Helper()
	if got := w.packet(); string(got) != string(b) {
		w.t.Fatalf("got packet % x, want % x", got, b)
	}
}

func (w *wire) wantClosed() {
	w.t.Helper()
	if got := w.packet(); got != nil {
		w.t.Fatalf("got packet % x, want the end", got)
	}
}

// ping waits until the door has handled everything sent before.
func (w *wire) ping() {
	w.t.Helper()
	w.send(0xC0, 0)
	w.want(0xD0, 0)
}

// quiet checks that nothing comes for a moment.
func (w *wire) quiet() {
	w.t.Helper()
	w.nc.SetReadDeadline(time.Now().Add(60 * time.Millisecond))
	if b, err := w.r.Peek(1); err == nil {
		w.t.Fatalf("a packet % x came, want none", b)
	}
}

func field(s string) []byte { return append([]byte{byte(len(s) >> 8), byte(len(s))}, s...) }

// frame puts a fixed header before the parts.
func frame(first byte, parts ...[]byte) []byte {
	var body []byte
	for _, p := range parts {
		body = append(body, p...)
	}
	out := []byte{first}
	for n := len(body); ; {
		b := byte(n & 127)
		if n >>= 7; n > 0 {
			out = append(out, b|128)
			continue
		}
		return append(append(out, b), body...)
	}
}

// connect3 and connect5 are CONNECT packets of the two versions.
func connect3(id, user string, alive byte) []byte {
	return frame(0x10, field("MQTT"), []byte{4, 0xC2, 0, alive}, field(id), field(user), field("pw-"+user))
}

func connect5(id, user string, alive byte) []byte {
	return frame(0x10, field("MQTT"), []byte{5, 0xC2, 0, alive, 0}, field(id), field(user), field("pw-"+user))
}

// publish3 is a PUBLISH of 3.1.1; publish5 adds empty properties.
func publish3(topic string, qos byte, id uint16, payload string) []byte {
	if qos == 0 {
		return frame(0x30, field(topic), []byte(payload))
	}
	return frame(0x30|qos<<1, field(topic), []byte{byte(id >> 8), byte(id)}, []byte(payload))
}

func publish5(topic string, qos byte, id uint16, payload string) []byte {
	if qos == 0 {
		return frame(0x30, field(topic), []byte{0}, []byte(payload))
	}
	return frame(0x30|qos<<1, field(topic), []byte{byte(id >> 8), byte(id), 0}, []byte(payload))
}

// login connects as user; version is 4 or 5.
func login(t testing.TB, d *Door, version byte, id, user string) *wire {
	t.Helper()
	w := dial(t, d)
	if version == 5 {
		w.send(connect5(id, user, 60)...)
	} else {
		w.send(connect3(id, user, 60)...)
	}
	if got := w.packet(); len(got) < 4 || got[0] != 0x20 || got[2] != 0 || got[3] != 0 {
		t.Fatalf("CONNACK % x", got)
	}
	return w
}
