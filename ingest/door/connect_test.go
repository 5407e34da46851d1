package door

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

func TestConnectAnswers(t *testing.T) {
	d := start(t, Config{}, Deps{Auth: newPeople(), Taker: newBelt(false)})
	f := func(name string, packet []byte, want ...byte) {
		t.Helper()
		w := dial(t, d)
		w.send(packet...)
		got := w.packet()
		if len(got) > 4 && len(want) > 1 {
			want[1] = got[1] // the length differs with what is said
		}
		if !bytes.HasPrefix(got, want) || len(want) == 0 && got != nil {
			t.Errorf("%s: answer % x, want % x…", name, got, want)
		}
		if len(got) < 4 || got[3] != 0 {
			w.wantClosed()
		}
	}
	// in3 and in5 build a CONNECT with the given flags and payload fields.
	in3 := func(flags byte, fields ...string) []byte {
		parts := [][]byte{field("MQTT"), {4, flags, 0, 60}}
		for _, s := range fields {
			parts = append(parts, field(s))
		}
		return frame(0x10, parts...)
	}
	in5 := func(flags byte, props string, fields ...string) []byte {
		parts := [][]byte{field("MQTT"), {5, flags, 0, 60, byte(len(props))}, []byte(props)}
		for _, s := range fields {
			parts = append(parts, field(s))
		}
		return frame(0x10, parts...)
	}

	f("3.1.1", in3(0xC2, "c", "teld", "pw-teld"), 0x20, 2, 0, 0)
	f("3.1.1 session asked for, none present", in3(0xC0, "c", "teld", "pw-teld"), 0x20, 2, 0, 0)
	f("3.1.1 with a will", in3(0xC6, "c", "dianchi/v1/byd/fleet", "gone", "teld", "pw-teld"), 0x20, 2, 0, 0)
	f("3.1.1 wrong password", in3(0xC2, "c", "teld", "no"), 0x20, 2, 0, 4)
	f("3.1.1 unknown user", in3(0xC2, "c", "nobody", "pw-nobody"), 0x20, 2, 0, 4)
	f("3.1.1 no user", in3(0x02, "c"), 0x20, 2, 0, 5)
	f("3.1.1 no client id but a session", in3(0xC0, "", "teld", "pw-teld"), 0x20, 2, 0, 2)
	f("3.1.1 a field is cut short", frame(0x10, in3(0xC2, "c", "teld", "pw-teld")[2:20]))
	f("3.1.1 bytes behind", frame(0x10, in3(0xC2, "c", "teld", "pw-teld")[2:], []byte("x")))
	f("3.1", frame(0x10, field("MQIsdp"), []byte{3, 0xC2, 0, 60}, field("c"), field("teld"), field("pw-teld")),
		0x20, 2, 0, 1)
	f("version 6", frame(0x10, field("MQTT"), []byte{6, 2, 0, 60, 0}, field("c")), 0x20, 21, 0, 0x84)
	f("5", in5(0xC2, "", "c", "teld", "pw-teld"), 0x20)
	f("5 wrong password", in5(0xC2, "", "c", "teld", "no"), 0x20, 17, 0, 0x86)
	f("5 no user", in5(0x02, "", "c"), 0x20, 12, 0, 0x87)
	f("5 a method", in5(0xC2, "\x15\x00\x01x", "c", "teld", "pw-teld"), 0x20, 16, 0, 0x8C)
	f("5 receive maximum 0", in5(0xC2, "\x21\x00\x00", "c", "teld", "pw-teld"), 0x20, 19, 0, 0x82)
	f("5 a property of others", in5(0xC2, "\x23\x00\x01", "c", "teld", "pw-teld"), 0x20, 21, 0, 0x81)
	f("not CONNECT", []byte{0xC0, 0})
	f("HTTP", []byte("GET / HTTP/1.1\r\n\r\n"))
	f("huge CONNECT", []byte{0x10, 0xff, 0xff, 0x7f})
	f("second CONNECT", append(in3(0xC2, "c", "teld", "pw-teld"), in3(0xC2, "c", "teld", "pw-teld")...), 0x20, 2, 0, 0)
}

func TestConnack5Announces(t *testing.T) {
	d := start(t, Config{MaxKeepAlive: 2 * time.Minute}, Deps{Auth: newPeople(), Taker: newBelt(false)})
	f := func(name string, packet []byte, want map[byte]string) {
		t.Helper()
		w := dial(t, d)
		w.send(packet...)
		got := w.packet()
		for id, value := range want {
			if has := bytes.Contains(got[5:], append([]byte{id}, value...)); has == (value == "") {
				t.Errorf("%s: property %#x: % x", name, id, got)
			}
		}
	}
	always := map[byte]string{0x21: "\x01\x00", 0x27: "\x00\x10\x10\x00", 0x22: "\x00\x00", 0x2A: "\x00"}
	f("limits", connect5("c", "teld", 60), always)
	f("own client id", connect5("", "teld", 60), map[byte]string{0x12: "\x00"})
	f("keep-alive for who has none", connect5("c", "teld", 0), map[byte]string{0x13: "\x00\x78"})
	f("no session", frame(0x10, field("MQTT"), []byte{5, 0xC2, 0, 60, 5, 0x11, 0, 0, 1, 0}, field("c"), field("teld"),
		field("pw-teld")), map[byte]string{0x11: "\x00\x00\x00\x00"})
}

func TestTakeOverIsWithinAParty(t *testing.T) {
	d := start(t, Config{MaxPartyConns: 1}, Deps{Auth: newPeople(), Taker: newBelt(false)})
	first := login(t, d, 5, "c", "teld")
	other := login(t, d, 5, "c", "starshine") // another party's client id is another one
	second := login(t, d, 4, "c", "teld")     // at the party's limit, but in the first one's place
	first.want(0xE0, 2, 0x8E, 0)
	first.wantClosed()
	third := login(t, d, 4, "c", "teld")
	second.wantClosed()
	for _, w := range []*wire{other, third} {
		w.ping()
	}
	if st := d.Stats(); st.Connections != 2 || st.TakenOver != 2 {
		t.Errorf("%+v", st)
	}
}

func TestLimits(t *testing.T) {
	d := start(t, Config{MaxConns: 3, MaxPartyConns: 2}, Deps{Auth: newPeople(), Taker: newBelt(false)})
	f := func(name string, packet []byte, want byte) *wire {
		t.Helper()
		w := dial(t, d)
		w.send(packet...)
		if got := w.packet(); len(got) < 4 || got[3] != want {
			t.Fatalf("%s: % x, want code %#x", name, got, want)
		}
		return w
	}
	a := f("1 of 3", connect3("a", "teld", 60), 0)
	f("2 of 3", connect3("b", "teld", 60), 0)
	f("third of a party", connect3("c", "teld", 60), 3)
	f("third of a party, 5", connect5("c", "teld", 60), 0x97)
	f("3 of 3", connect3("a", "byd", 60), 0)
	f("4 of 3", connect3("b", "byd", 60), 3)
	f("4 of 3, 5", connect5("b", "byd", 60), 0x89)
	a.send(0xE0, 0)
	a.wantClosed()
	eventually(t, "the place is free", func() bool { return d.Stats().Connections == 2 })
	f("3 of 3 again", connect5("b", "byd", 60), 0)
}

func TestSilenceEndsConnections(t *testing.T) {
	const soon = 200 * time.Millisecond
	d := start(t, Config{ConnectTimeout: soon, PacketTimeout: soon, MaxKeepAlive: time.Second},
		Deps{Auth: newPeople(), Taker: newBelt(false)})
	f := func(name string, min, max time.Duration, w *wire, last ...byte) {
		t.Helper()
		begin := time.Now()
		if last != nil {
			w.want(last...)
		}
		w.wantClosed()
		if took := time.Since(begin); took < min || took > max {
			t.Errorf("%s: ended after %s", name, took)
		}
	}

	f("no CONNECT", 150*time.Millisecond, time.Second, dial(t, d))
	w := dial(t, d)
	w.send(connect3("c", "teld", 1)[:9]...)
	f("half a CONNECT", 0, time.Second, w)
	w = dial(t, d)
	w.send(connect3("c", "teld", 1)...)
	w.want(0x20, 2, 0, 0)
	f("keep-alive of 1 s", 1400*time.Millisecond, 2500*time.Millisecond, w)
	w = login(t, d, 5, "c", "teld") // is told 1 s
	f("keep-alive of 1 s, 5", 1400*time.Millisecond, 2500*time.Millisecond, w, 0xE0, 2, 0x8D, 0)
	w = login(t, d, 4, "c", "teld")
	w.send(publish3("dianchi/v1/teld/piles", 1, 1, "[]")[:8]...)
	f("half a packet", 150*time.Millisecond, time.Second, w)

	w = dial(t, d)
	w.send(connect3("c", "teld", 1)...)
	w.want(0x20, 2, 0, 0)
	for range 5 { // any packet keeps it alive
		time.Sleep(700 * time.Millisecond)
		w.ping()
	}
}

func TestKick(t *testing.T) {
	p := newPeople()
	d := start(t, Config{}, Deps{Auth: p, Taker: newBelt(false)})
	gone := []*wire{login(t, d, 4, "a", "teld"), login(t, d, 5, "b", "teld")}
	stays := login(t, d, 4, "a", "byd")
	p.remove("teld")
	d.Kick(1)
	gone[0].wantClosed()
	gone[1].want(0xE0, 2, 0x98, 0)
	gone[1].wantClosed()
	w := dial(t, d)
	w.send(connect3("a", "teld", 60)...)
	w.want(0x20, 2, 0, 4)
	stays.ping()
}

// slowPeople lets a party be removed while its password is being checked.
type slowPeople struct {
	*people
	in, out chan struct{}
}

func (p *slowPeople) CheckPassword(slug, password string) (charge.Party, error) {
	party, err := p.people.CheckPassword(slug, password)
	p.in <- struct{}{}
	<-p.out
	return party, err
}

func TestKickWhileConnecting(t *testing.T) {
	p := &slowPeople{newPeople(), make(chan struct{}, 9), make(chan struct{})}
	d := start(t, Config{}, Deps{Auth: p, Taker: newBelt(false)})
	w := dial(t, d)
	w.send(connect3("a", "teld", 60)...)
	<-p.in
	p.remove("teld")
	d.Kick(1)
	close(p.out)
	w.want(0x20, 2, 0, 4)
	w.wantClosed()
}

func TestMalformedPacketsEndOnlyTheirConnection(t *testing.T) {
	d := start(t, Config{}, Deps{Auth: newPeople(), Taker: newBelt(false)})
	witness := login(t, d, 5, "witness", "teld")
	f := func(version byte, reason byte, packet ...byte) {
		t.Helper()
		w := login(t, d, version, "c", "teld")
		w.send(packet...)
		w.nc.(interface{ CloseWrite() error }).CloseWrite()
		if version == 5 {
			w.want(0xE0, 2, reason, 0)
		}
		w.wantClosed()
		witness.ping()
	}
	for _, v := range []byte{4, 5} {
		f(v, 0x82, 0x00, 0)                         // type 0
		f(v, 0x82, 0x20, 2, 0, 0)                   // a CONNACK
		f(v, 0x82, 0xF0, 0)                         // AUTH
		f(v, 0x81, 0x36, 5, 0, 1, 'x', 0, 1)        // QoS 3
		f(v, 0x81, 0x38, 5, 0, 1, 'x', 0, 1)        // DUP of QoS 0
		f(v, 0x81, 0x80, 6, 0, 1, 0, 1, 'x', 0)     // SUBSCRIBE with wrong flags
		f(v, 0x81, 0x32, 0xff, 0xff, 0xff, 0xff, 1) // a length of five bytes
		f(v, 0x81, 0x32, 6, 0, 1, 'x', 0, 0, 0)     // packet id 0
		f(v, 0x81, 0x32, 2, 0, 9)                   // a topic longer than the packet
		f(v, 0x81, 0x32, 7, 0, 2, 'x', 0, 0, 1, 0)  // U+0000
		f(v, 0x81, 0x32, 6, 0, 1, 0xff, 0, 1, 0)    // not UTF-8
		f(v, 0x81, 0x40, 1, 0)                      // half an id
	}
	f(4, 0, 0x82, 4, 0, 1, 0, 9)                  // a filter longer than the packet
	f(4, 0, 0x82, 2, 0, 1)                        // no filter
	f(5, 0x82, 0x82, 3, 0, 1, 0)                  // no filter
	f(5, 0x81, 0x82, 7, 0, 1, 0, 0, 1, 'x', 0x30) // retain handling 3
	// an alias
	f(5, 0x94, frame(0x32, field("dianchi/v1/teld/piles"), []byte{0, 1, 3, 0x23, 0, 1})...)
	if n := d.Stats().Refused["malformed-packet"]; n == 0 {
		t.Error(fmt.Sprint(d.Stats()))
	}
}
