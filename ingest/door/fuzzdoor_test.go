package door

import (
	"context"
	"io"
	"net"
	"runtime/metrics"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// samples are the packets that a mutated conversation is made of, by version.
func samples(v5 bool) [][]byte {
	pub, sub, unsub := publish3, subscribe3, []byte(nil)
	if v5 {
		pub, sub, unsub = publish5, subscribe5, []byte{0}
	}
	const piles = "dianchi/v1/teld/piles"
	all := [][]byte{
		pub(piles, 0, 0, "[]"), pub(piles, 1, 1, `{"id":"S1-1"}`), pub(piles, 2, 2, "[]"), pub(piles, 2, 2, "[]"),
		pub("dianchi/v1/byd/fleet", 1, 3, "[]"), pub("$SYS/x", 1, 4, ""),
		sub(1, ownFeedback, 1), sub(2, "#", 2), frame(0xA2, []byte{0, 3}, unsub, field(ownFeedback)),
		{0x40, 2, 0, 1}, {0x50, 2, 0, 1}, {0x62, 2, 0, 2}, {0x70, 2, 0, 1}, {0xC0, 0}, {0xE0, 0},
		{0x32, 0xff, 0xff, 0xff, 0x7f, 0, 1, 'x'}, {0x10, 0x80, 0x80, 0x80, 0x80, 1},
		connect3("again", "teld", 60), connect5("again", "teld", 60),
	}
	if v5 {
		all = append(all,
			frame(0x32, field(piles), []byte{0, 1, 7, 0x26, 0, 1, 'k', 0, 1, 'v'}, []byte("[]")),
			frame(0x32, field(""), []byte{0, 1, 3, 0x23, 0, 1}), // a topic alias
			frame(0xE0, []byte{4, 5, 0x11, 0, 0, 0, 9}), []byte{0xF0, 2, 0x18, 0})
	}
	return all
}

// converse turns a script into what a client sends: samples whole, changed in
// one byte, cut short, repeated, and bytes as they stand. At most 1 MiB.
func converse(script []byte, v5 bool) (out []byte) {
	of := samples(v5)
	take := func() byte {
		if len(script) == 0 {
			return 0
		}
		b := script[0]
		script = script[1:]
		return b
	}
	for len(script) > 0 && len(out) < 1<<20 {
		op := take()
		if op%8 == 7 {
			n := min(int(take()), len(script))
			out = append(out, script[:n]...)
			script = script[n:]
			continue
		}
		p := slices.Clone(of[int(take())%len(of)])
		switch op % 8 {
		case 0, 1:
		case 2:
			p[int(take())%len(p)] = take()
		case 3:
			p[int(take())%len(p)] ^= 1 << (take() % 8)
		case 4:
			p = p[:int(take())%len(p)]
		case 5:
			p = slices.Repeat(p, int(take()))
		case 6:
			at := int(take()) % len(p)
			p = slices.Insert(p, at, take())
		}
		out = append(out, p...)
	}
	return out
}

// allocated is how many bytes this process has ever taken from its heap.
func allocated() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// FuzzDoor holds mutated conversations with a door that stays open: from the
// first byte, and behind a CONNECT of either version, in pieces of any size.
// Whatever comes, nothing panics, memory stays within bounds, the connection
// ends with its client, and a neighbour gets its PUBACKs.
func FuzzDoor(f *testing.F) {
	for _, version := range []byte{0, 4, 5} {
		n := len(samples(version == 5))
		for i := range n {
			for op := range byte(7) {
				f.Add(version, byte(0), []byte{op, byte(i), 3, 0x81})
			}
			f.Add(version, byte(1), []byte{0, byte(i), 5, byte(i), 20, 0, 1})
		}
		all := []byte{}
		for i := range n {
			all = append(all, 0, byte(i))
		}
		f.Add(version, byte(7), all)
		f.Add(version, byte(0), append([]byte{7, 255}, connect5("c", "teld", 60)...))
		f.Add(version, byte(0), []byte("\x07\x20GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
		f.Add(version, byte(0), []byte("\x07\x20\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"))
	}
	b := &sink{}
	d := start(f, Config{PacketTimeout: 2 * time.Second, StallAfter: time.Minute}, Deps{Auth: newPeople(), Taker: b})
	d.PublishFeedback(1, []byte("kept"))
	neighbour := login(f, d, 5, "neighbour", "byd")
	f.Fuzz(func(t *testing.T, version, piece byte, script []byte) {
		neighbour.t = t
		d.guard = newGuard() // nobody else logs in now; mutated passwords would make the next ones wait
		before := allocated()
		in := converse(script, version == 5)
		ours, theirs := net.Pipe()
		d.serve(ours)
		drained := make(chan struct{})
		go func() {
			io.Copy(io.Discard, theirs)
			close(drained)
		}()
		switch version {
		case 4:
			theirs.Write(connect3("c", "teld", 60))
		case 5:
			theirs.Write(connect5("c", "teld", 60))
		}
		theirs.SetWriteDeadline(time.Now().Add(10 * time.Second))
		size := len(in)
		if piece > 0 && len(in) < 4096 {
			size = int(piece)
		}
		for len(in) > 0 {
			n := min(size, len(in))
			if _, err := theirs.Write(in[:n]); err != nil {
				break
			}
			in = in[n:]
		}
		neighbour.send(publish5("dianchi/v1/byd/vehicles", 1, 9, "[]")...)
		neighbour.want(0x40, 2, 0, 9)
		theirs.Close()
		<-drained
		for end := time.Now().Add(10 * time.Second); d.Stats().Sockets > 1; time.Sleep(100 * time.Microsecond) {
			if time.Now().After(end) {
				t.Fatal("the connection does not end")
			}
		}
		if n := d.panics.Total(); n != 0 {
			t.Fatalf("%d panics", n)
		}
		if st := d.Stats(); st.Waiting != 0 || st.Connections != 1 {
			t.Fatalf("%+v", st)
		}
		if took := allocated() - before; took > 64<<20 {
			t.Fatalf("%d bytes were allocated", took)
		}
		if wrong := b.wrong.Load(); wrong != nil {
			t.Fatalf("took %+v", *wrong)
		}
	})
}

// sink is a taker that keeps nothing but the first message that no party of
// the test may publish.
type sink struct{ wrong atomic.Pointer[Message] }

func (s *sink) Submit(_ context.Context, m Message) error {
	teld := m.Party == 1 && m.Kind >= charge.Stations && m.Kind <= charge.Sessions
	byd := m.Party == 2 && (m.Kind == charge.Fleet || m.Kind == charge.Vehicles)
	if !teld && !byd {
		s.wrong.CompareAndSwap(nil, &m)
	}
	m.Done(nil)
	return nil
}
