package door

import (
	"errors"
	"strings"
	"testing"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

func TestPublishIsTakenThenAcknowledged(t *testing.T) {
	f := func(name string, version, qos byte, answer ...byte) {
		t.Helper()
		b := newBelt(true)
		d := start(t, Config{}, Deps{Auth: newPeople(), Taker: b})
		w := login(t, d, version, "c", "teld")
		pub := publish3("dianchi/v1/teld/piles", qos, 0x0102, "[]")
		if version == 5 {
			pub = publish5("dianchi/v1/teld/piles", qos, 0x0102, "[]")
		}
		w.send(pub...)
		m := b.await(t, 1)[0]
		if m.Party != 1 || m.Kind != charge.Piles || string(m.Payload) != "[]" || m.Received == 0 {
			t.Errorf("%s: took %+v", name, m)
		}
		w.quiet() // nothing before it is on disk
		b.finish(1, nil)
		if qos == 0 {
			w.quiet()
			return
		}
		w.want(answer...)
		if qos == 2 {
			w.send(0x62, 2, 1, 2)
			w.want(0x70, 2, 1, 2)
		}
	}

	f("3.1.1 QoS 0", 4, 0)
	f("3.1.1 QoS 1", 4, 1, 0x40, 2, 1, 2)
	f("3.1.1 QoS 2", 4, 2, 0x50, 2, 1, 2)
	f("5 QoS 0", 5, 0)
	f("5 QoS 1", 5, 1, 0x40, 2, 1, 2)
	f("5 QoS 2", 5, 2, 0x50, 2, 1, 2)
}

func TestAnswersLeaveInOrder(t *testing.T) {
	b := newBelt(true)
	d := start(t, Config{}, Deps{Auth: newPeople(), Taker: b})
	w := login(t, d, 5, "c", "teld")
	for id := range uint16(5) {
		topic := "dianchi/v1/teld/piles"
		if id == 2 {
			topic = "dianchi/v1/byd/piles" // refused at once, but answered in its turn
		}
		w.send(publish5(topic, 1+byte(id&1), id+1, "[]")...)
	}
	ms := b.await(t, 4)
	for _, i := range []int{3, 1, 0} { // even if Done were called out of order
		ms[i].Done(nil)
	}
	w.want(0x40, 2, 0, 1)
	w.want(0x50, 2, 0, 2)
	w.want(0x40, 3, 0, 3, 0x87)
	w.quiet()
	ms[2].Done(nil)
	w.want(0x50, 2, 0, 4)
	w.want(0x40, 2, 0, 5)
}

func TestNotTakenClosesWithoutAnswer(t *testing.T) {
	f := func(version byte, last ...byte) {
		t.Helper()
		b := newBelt(true)
		d := start(t, Config{}, Deps{Auth: newPeople(), Taker: b})
		w := login(t, d, version, "c", "teld")
		for id := range uint16(3) {
			if version == 5 {
				w.send(publish5("dianchi/v1/teld/piles", 1, id+1, "[]")...)
			} else {
				w.send(publish3("dianchi/v1/teld/piles", 1, id+1, "[]")...)
			}
		}
		b.await(t, 3)
		b.finish(1, nil)
		w.want(0x40, 2, 0, 1)
		b.finish(1, errors.New("no"))
		b.finish(1, nil)
		if last != nil {
			w.want(last...)
		}
		w.wantClosed()
	}

	f(4)
	f(5, 0xE0, 2, 0x88, 0)
}

func TestWindowStopsReading(t *testing.T) {
	f := func(name string, cfg Config, size, want int) {
		t.Helper()
		b := newBelt(true)
		d := start(t, cfg, Deps{Auth: newPeople(), Taker: b})
		w := login(t, d, 4, "c", "teld")
		payload := strings.Repeat("x", size)
		const all = 20
		go func() {
			for id := range uint16(all) {
				w.nc.Write(publish3("dianchi/v1/teld/piles", 1, id+1, payload))
			}
		}()
		b.await(t, want)
		b.finish(1, nil)
		w.want(0x40, 2, 0, 1)
		b.await(t, want+1)
		for n := range all - 1 {
			eventually(t, "the next comes", func() bool { return len(b.messages()) > n+1 })
			b.finish(1, nil)
			w.want(0x40, 2, 0, byte(n+2))
		}
		if st := d.Stats(); st.Messages != all || st.Waiting != 0 {
			t.Errorf("%s: %+v", name, st)
		}
	}

	f("by count", Config{Window: 4}, 10, 4)
	f("by bytes", Config{WindowBytes: 30000}, 10000, 3)
}

func TestWrongTopicIsRefusedVisibly(t *testing.T) {
	f := func(version, qos byte, topic string, answer ...byte) {
		t.Helper()
		b := newBelt(false)
		d := start(t, Config{}, Deps{Auth: newPeople(), Taker: b})
		w := login(t, d, version, "c", "teld")
		if version == 5 {
			w.send(publish5(topic, qos, 9, "[]")...)
		} else {
			w.send(publish3(topic, qos, 9, "[]")...)
		}
		if answer != nil {
			w.want(answer...)
		}
		if answer == nil || answer[0] == 0xE0 {
			w.wantClosed()
		} else { // the connection goes on
			w.send(publish5("dianchi/v1/teld/piles", 1, 10, "[]")...)
			w.want(0x40, 2, 0, 10)
			b.await(t, 1)
			return
		}
		b.await(t, 0)
		if st := d.Stats(); st.Refused["topic"] != 1 {
			t.Errorf("version %d QoS %d %s: %+v", version, qos, topic, st)
		}
	}

	for _, topic := range []string{"dianchi/v1/byd/piles", "dianchi/v1/teld/vehicles", "dianchi/v1/teld/feedback",
		"dianchi/v1/teld", "dianchi/v1/teld/piles/x", "dianchi/v1//piles", "other", "dianchi/v1/teld/#",
		"/dianchi/v1/teld/piles"} {
		f(4, 1, topic)
		f(5, 1, topic, 0x40, 3, 0, 9, 0x87)
		f(5, 2, topic, 0x50, 3, 0, 9, 0x87)
		f(5, 0, topic, 0xE0, 2, 0x87, 0)
	}
}

func TestQoS2IsTakenOnce(t *testing.T) {
	b := newBelt(true)
	d := start(t, Config{}, Deps{Auth: newPeople(), Taker: b})
	w := login(t, d, 5, "c", "teld")
	pub := publish5("dianchi/v1/teld/piles", 2, 7, "[]")
	dup := append([]byte{pub[0] | 8}, pub[1:]...)
	w.send(pub...)
	w.send(dup...)
	b.await(t, 1)
	b.finish(1, nil)
	w.want(0x50, 2, 0, 7)
	w.send(dup...)
	w.want(0x50, 2, 0, 7)
	w.send(0x62, 2, 0, 7)
	w.want(0x70, 2, 0, 7)
	w.send(0x62, 2, 0, 7) // released already
	w.want(0x70, 3, 0, 7, 0x92)
	w.send(pub...) // a new message
	b.await(t, 2)
}

func TestPacketSizes(t *testing.T) {
	b := newBelt(false)
	d := start(t, Config{}, Deps{Auth: newPeople(), Taker: b})
	for i, size := range []int{0, 300 << 10, 1 << 20} {
		w := login(t, d, 4, "", "teld")
		w.send(publish3("dianchi/v1/teld/piles", 1, 1, strings.Repeat("x", size))...)
		w.want(0x40, 2, 0, 1)
		if got := b.await(t, i+1)[i].Payload; len(got) != size {
			t.Errorf("payload of %d bytes came as %d", size, len(got))
		}
	}
	w := login(t, d, 4, "", "teld")
	w.send(publish3("dianchi/v1/teld/piles", 1, 1, strings.Repeat("x", 1<<20+1))...)
	w.wantClosed()
	w = login(t, d, 4, "", "teld")
	w.send(0x32, 0x80, 0xa0, 0x40) // announces 1 MiB and the room behind the header
	w.wantClosed()
	w = login(t, d, 5, "c", "teld")
	w.send(0x32, 0xff, 0xff, 0xff, 0x7f)
	w.want(0xE0, 2, 0x95, 0)
	w.wantClosed()
}
