package door

import (
	"bytes"
	"fmt"
	"testing"
	"time"
)

const ownFeedback = "dianchi/v1/teld/feedback"

// subscribe3 and subscribe5 are SUBSCRIBE packets with one filter.
func subscribe3(id byte, topic string, qos byte) []byte {
	return frame(0x82, []byte{0, id}, field(topic), []byte{qos})
}

func subscribe5(id byte, topic string, options byte) []byte {
	return frame(0x82, []byte{0, id, 0}, field(topic), []byte{options})
}

// account is the PUBLISH that the door sends.
func account(version, flags byte, id byte, payload string) []byte {
	props := []byte{}
	if version == 5 {
		props = []byte{0}
	}
	if flags&6 == 0 {
		return frame(0x30|flags, field(ownFeedback), props, []byte(payload))
	}
	return frame(0x30|flags, field(ownFeedback), []byte{0, id}, props, []byte(payload))
}

func TestSubscriptions(t *testing.T) {
	d := start(t, Config{}, Deps{Auth: newPeople(), Taker: newBelt(false)})
	f := func(topic string, qos, code3, code5 byte) {
		t.Helper()
		w := login(t, d, 4, "three", "teld")
		w.send(subscribe3(7, topic, qos)...)
		w.want(0x90, 3, 0, 7, code3)
		w.send(0xA2, 7, 0, 8, 0, 3, 'x', '/', 'y')
		w.want(0xB0, 2, 0, 8)
		w = login(t, d, 5, "five", "teld")
		w.send(subscribe5(7, topic, qos)...)
		w.want(0x90, 4, 0, 7, 0, code5)
		w.send(frame(0xA2, []byte{0, 8, 0}, field(topic))...)
		if code5 < 0x80 {
			w.want(0xB0, 4, 0, 8, 0, 0)
		} else {
			w.want(0xB0, 4, 0, 8, 0, 0x11)
		}
	}

	f(ownFeedback, 0, 0, 0)
	f(ownFeedback, 1, 1, 1)
	f(ownFeedback, 2, 1, 1)
	for _, topic := range []string{"dianchi/v1/byd/feedback", "dianchi/v1/teld/piles", "dianchi/v1/teld/#",
		"dianchi/v1/+/feedback", "#", "+/+/+/+", "$SYS/#", "dianchi/v1/teld/feedback/#", "dianchi/v1/teld/feedback/", "x"} {
		f(topic, 1, 0x80, 0x87)
	}
	f("$share/g/"+ownFeedback, 1, 0x80, 0x9E)

	w := login(t, d, 5, "c", "teld") // several at once are answered one by one
	w.send(frame(0x82, []byte{0, 1, 0}, field("x"), []byte{1}, field(ownFeedback), []byte{1}, field("#"), []byte{0})...)
	w.want(0x90, 6, 0, 1, 0, 0x87, 1, 0x87)
}

func TestFeedbackIsSentAndKept(t *testing.T) {
	f := func(version byte) {
		t.Helper()
		d := start(t, Config{}, Deps{Auth: newPeople(), Taker: newBelt(false)})
		sub := subscribe3
		if version == 5 {
			sub = subscribe5
		}
		ack := func(w *wire, id, qos byte) {
			t.Helper()
			if version == 5 {
				w.want(0x90, 4, 0, id, 0, qos)
			} else {
				w.want(0x90, 3, 0, id, qos)
			}
		}
		d.PublishFeedback(1, []byte("old"))
		d.PublishFeedback(3, []byte("another party's"))
		w := login(t, d, version, "c", "teld")
		d.PublishFeedback(1, []byte("not subscribed"))
		w.quiet()
		w.send(sub(1, ownFeedback, 1)...)
		ack(w, 1, 1)
		w.want(account(version, 0x03, 1, "not subscribed")...) // kept: the retain flag is set
		w.send(0x40, 2, 0, 1)
		d.PublishFeedback(1, []byte("live"))
		w.want(account(version, 0x02, 2, "live")...)
		w.send(0x40, 2, 0, 2)
		w.ping()

		zero := login(t, d, version, "zero", "teld")
		zero.send(sub(1, ownFeedback, 0)...)
		ack(zero, 1, 0)
		zero.want(account(version, 0x01, 0, "live")...)
		for i, s := range []string{"a", "b"} {
			d.PublishFeedback(1, []byte(s))
			zero.want(account(version, 0x00, 0, s)...)
			w.want(account(version, 0x02, byte(3+i), s)...)
			w.send(0x40, 2, 0, byte(3+i))
			w.ping()
		}
	}

	f(4)
	f(5)
}

func TestSlowSubscriberGetsTheNewest(t *testing.T) {
	d := start(t, Config{}, Deps{Auth: newPeople(), Taker: newBelt(false)})
	w := login(t, d, 4, "c", "teld")
	w.send(subscribe3(1, ownFeedback, 1)...)
	w.want(0x90, 3, 0, 1, 1)
	d.PublishFeedback(1, []byte("0"))
	w.want(account(4, 2, 1, "0")...)
	for i := range 1000 {
		d.PublishFeedback(1, fmt.Append(nil, i))
	}
	w.quiet() // the first is not acknowledged
	w.send(0x40, 2, 0, 9)
	w.quiet() // nor is it by another id
	w.send(0x40, 2, 0, 1)
	w.want(account(4, 2, 2, "999")...)
	w.send(0x40, 2, 0, 2)
	w.quiet()
}

func TestRetainOptionsOf5(t *testing.T) {
	d := start(t, Config{}, Deps{Auth: newPeople(), Taker: newBelt(false)})
	d.PublishFeedback(1, []byte("kept"))
	f := func(name string, options byte, want ...bool) {
		t.Helper()
		w := login(t, d, 5, "c", "teld")
		for i, kept := range want { // subscribes again and again
			w.send(subscribe5(1, ownFeedback, options)...)
			w.want(0x90, 4, 0, 1, 0, 0)
			if kept {
				w.want(account(5, 1, 0, "kept")...)
			} else {
				w.quiet()
			}
			_ = i
		}
		flag := byte(0)
		if options&8 != 0 {
			flag = 1
		}
		d.PublishFeedback(1, []byte("kept"))
		if got := w.packet(); !bytes.Equal(got, account(5, flag, 0, "kept")) {
			t.Errorf("%s: live account % x", name, got)
		}
	}

	f("always", 0x00, true, true)
	f("if new", 0x10, true, false)
	f("never", 0x20, false, false)
	f("as published", 0x08, true)

	w := login(t, d, 5, "c", "teld")
	w.send(frame(0x82, []byte{0, 1, 2, 0x0B, 5}, field(ownFeedback), []byte{0})...)
	w.want(0x90, 4, 0, 1, 0, 0)
	w.want(frame(0x31, field(ownFeedback), []byte{2, 0x0B, 5}, []byte("kept"))...) // with its identifier
}

func TestAccountLargerThanTheClientTakes(t *testing.T) {
	d := start(t, Config{}, Deps{Auth: newPeople(), Taker: newBelt(false)})
	w := dial(t, d)
	w.send(frame(0x10, field("MQTT"), []byte{5, 0xC2, 0, 60, 5, 0x27, 0, 0, 0, 100},
		field("c"), field("teld"), field("pw-teld"))...)
	w.packet()
	w.send(subscribe5(1, ownFeedback, 1)...)
	w.want(0x90, 4, 0, 1, 0, 1)
	d.PublishFeedback(1, bytes.Repeat([]byte("x"), 101))
	w.quiet()
	d.PublishFeedback(1, []byte("short"))
	w.want(account(5, 2, 2, "short")...)
}

func TestSlowClientHoldsNobodyUp(t *testing.T) {
	d := start(t, Config{WriteTimeout: 300 * time.Millisecond}, Deps{Auth: newPeople(), Taker: newBelt(false)})
	slow := login(t, d, 4, "slow", "teld")
	good := login(t, d, 4, "good", "teld")
	slow.send(subscribe3(1, ownFeedback, 0)...)
	good.send(subscribe3(1, ownFeedback, 0)...)
	good.want(0x90, 3, 0, 1, 0)
	big := bytes.Repeat([]byte("x"), 200<<10)
	for i := 0; d.Stats().Refused["slow-client"] == 0; i++ {
		d.PublishFeedback(1, big)
		if got := good.packet(); len(got) < len(big) {
			t.Fatalf("a client that reads got %d bytes", len(got))
		}
		if i > 2000 {
			t.Fatal("the client that does not read is never cut off")
		}
	}
	good.ping()
}
