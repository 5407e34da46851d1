package door

import (
	"io"
	"net"
	"testing"
	"time"
)

// FuzzConn sends any bytes through a connection: as they are, and behind a
// CONNECT of either version. Whatever comes, the connection ends by itself once
// the client is gone, nothing panics, and only what belongs to the party is taken.
func FuzzConn(f *testing.F) {
	for _, v := range []byte{0, 4, 5} {
		pub := publish3
		if v == 5 {
			pub = publish5
		}
		for _, b := range [][]byte{connect3("c", "teld", 60), connect5("c", "teld", 60),
			pub("dianchi/v1/teld/piles", 0, 0, "[]"), pub("dianchi/v1/teld/piles", 1, 1, "[]"), pub("dianchi/v1/teld/piles", 2, 1, "[]"),
			subscribe3(1, ownFeedback, 1),
			subscribe5(1, ownFeedback, 1), {0x62, 2, 0, 1}, {0x40, 2, 0, 1}, {0xC0, 0}, {0xE0, 0}, {0xE0, 2, 4, 0},
			frame(0xA2, []byte{0, 8, 0}, field(ownFeedback)), frame(0xA2, []byte{0, 8}, field(ownFeedback)),
			frame(0x32, field("dianchi/v1/teld/piles"), []byte{0, 1, 7, 0x26, 0, 1, 'k', 0, 1, 'v'}, []byte("[]")),
			frame(0x10, field("MQTT"), []byte{4, 0xF6, 0, 60}, field("c"), field("will"), field("bye"),
				field("teld"), field("pw-teld"))} {
			f.Add(v, b)
			f.Add(v, append(append([]byte{}, b...), 0xC0, 0))
		}
	}
	f.Fuzz(func(t *testing.T, version byte, in []byte) {
		b := newBelt(false)
		d := New(Config{PacketTimeout: 2 * time.Second}, discard, Deps{Auth: newPeople(), Taker: b})
		d.PublishFeedback(1, []byte("kept"))
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
		theirs.SetWriteDeadline(time.Now().Add(5 * time.Second))
		theirs.Write(in)
		theirs.Close()
		<-drained
		ended := make(chan struct{})
		go func() {
			d.wg.Wait()
			close(ended)
		}()
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			t.Fatal("the connection does not end")
		}
		for _, m := range b.messages() {
			if m.Party != 1 || m.Kind < 1 || m.Kind > 3 {
				t.Fatalf("took %+v", m)
			}
		}
		st := d.Stats()
		if st.Sockets != 0 || st.Connections != 0 || st.Waiting != 0 || d.panics.Total() != 0 {
			t.Fatalf("%+v, %d panics", st, d.panics.Total())
		}
		d.end()
		d.refused.Stop()
	})
}

// FuzzDecode decodes any body by both codecs.
func FuzzDecode(f *testing.F) {
	for _, p := range [][]byte{connect3("c", "teld", 60), connect5("c", "teld", 60),
		publish3("a/b", 1, 1, "x"), publish5("a/b", 2, 1, "x"),
		subscribe3(1, ownFeedback, 1), subscribe5(1, ownFeedback, 1)} {
		f.Add(p[0], p[2:])
	}
	f.Fuzz(func(t *testing.T, first byte, body []byte) {
		for _, v5 := range []bool{false, true} {
			h := header{kind: first >> 4, flags: first & 15, size: len(body)}
			if h.kind == typeConnect {
				if level, err := protocolLevel(body); err != nil || (level == 5) != v5 {
					continue
				}
			}
			switch h.kind {
			case typeConnect, typePublish, typePuback, typePubrec, typePubrel, typePubcomp,
				typeSubscribe, typeUnsubscribe, typePingreq, typeDisconnect:
			default:
				continue // readHeader refuses these
			}
			p, err := decode(h, body, v5)
			if err == nil && len(p.payload) > len(body) {
				t.Fatalf("payload of %d bytes from a body of %d", len(p.payload), len(body))
			}
		}
	})
}
