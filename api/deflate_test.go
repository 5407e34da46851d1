package api

import (
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// countingConn counts what is read from the wire.
type countingConn struct {
	net.Conn
	n *atomic.Int64
}

func (c countingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.n.Add(int64(n))
	return n, err
}

func TestDeflate(t *testing.T) {
	w := busyWorld(t)
	f := func(compress bool) (text string, wire int64) {
		t.Helper()
		var n atomic.Int64
		d := websocket.Dialer{EnableCompression: compress, NetDial: func(network, addr string) (net.Conn, error) {
			c, err := net.Dial(network, addr)
			return countingConn{c, &n}, err
		}}
		conn, _, err := d.Dial("ws"+w.url[4:]+"/api/v1/live", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		c := &client{tb: t, conn: conn, chans: make(map[string]*channelState)}
		c.sub("a", `"feed":"stations",`+cityBox)
		return c.next().raw, n.Load()
	}

	plain, size := f(false)
	zipped, small := f(true)
	if plain != zipped {
		t.Fatal("a compressed frame says something else")
	}
	if small*4 > size {
		t.Fatalf("%d bytes compressed, %d not", small, size)
	}
	t.Logf("%d stations: %d bytes, compressed %d", 200, size, small)
}

func TestOffersDeflate(t *testing.T) {
	f := func(want bool, lines ...string) {
		t.Helper()
		if got := offersDeflate(http.Header{"Sec-Websocket-Extensions": lines}); got != want {
			t.Fatalf("%q: %v", lines, got)
		}
	}
	f(false)
	f(true, "permessage-deflate")
	f(true, "permessage-deflate; client_max_window_bits")
	f(true, "x-other; a=b, permessage-deflate;server_no_context_takeover")
	f(true, "x-other", " permessage-deflate")
	f(false, "x-permessage-deflate; a=permessage-deflate")
}

// TestDeflateBomb: a short message that unpacks to a long one is refused.
func TestDeflateBomb(t *testing.T) {
	w := newWorld(t)
	w.tick()
	d := websocket.Dialer{EnableCompression: true}
	conn, _, err := d.Dial("ws"+w.url[4:]+"/api/v1/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c := &client{tb: t, conn: conn, chans: make(map[string]*channelState)}
	c.send(`{"op":"%s"}`, strings.Repeat("a", 16<<20))
	if code := c.closed(5 * time.Second); code != websocket.CloseMessageTooBig {
		t.Fatalf("close code %d", code)
	}
}
