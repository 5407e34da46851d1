package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/dianchi-platform/dianchi/bench/internal/lab"
)

const (
	askFor   = 10   // stations
	radiusM  = 5000 // of every question
	prepared = 512  // questions of a client, made before
	checkOne = 64   // one answer in so many is counted through
)

// client is one connection with one question at a time.
type client struct {
	conn  net.Conn
	in    *bufio.Reader
	asks  [][]byte
	read  func(*client) error // takes in one answer
	body  []byte              // of the last answer
	count []byte              // of which a whole answer has ten

	answers, bytes, short int
	took                  []float64 // milliseconds
	err                   error
}

// ask is the role of the clients.
func ask(*config) error {
	return heed(reply{}, func(o order) reply {
		a, err := askAll(&o)
		if err != nil {
			a.Error = err.Error()
		}
		return a
	})
}

// askAll has so many clients ask for so long.
func askAll(o *order) (a reply, err error) {
	all := make([]*client, o.Clients)
	for i := range all {
		if all[i], err = dial(o, rand.New(rand.NewPCG(9, uint64(i)))); err != nil {
			return a, err
		}
		defer all[i].conn.Close()
	}
	var wait sync.WaitGroup
	began := time.Now()
	end := began.Add(time.Duration(o.Seconds * float64(time.Second)))
	for _, c := range all {
		wait.Go(func() { c.run(end) })
	}
	wait.Wait()
	a.Seconds = time.Since(began).Seconds()
	var took []float64
	for _, c := range all {
		if c.err != nil {
			return a, c.err
		}
		a.Answers += c.answers
		a.Bytes += c.bytes
		a.Short += c.short
		took = append(took, c.took...)
	}
	a.P50, a.P99 = lab.Quantile(took, 0.5), lab.Quantile(took, 0.99)
	a.Body = a.Bytes / max(1, a.Answers)
	return a, nil
}

func (c *client) run(end time.Time) {
	for now := time.Now(); now.Before(end); {
		if _, c.err = c.conn.Write(c.asks[c.answers%len(c.asks)]); c.err != nil {
			return
		}
		if c.err = c.read(c); c.err != nil {
			return
		}
		if c.count != nil && c.answers%checkOne == 0 && bytes.Count(c.body, c.count) != askFor {
			c.short++
		}
		c.answers++
		c.bytes += len(c.body)
		then := time.Now()
		c.took = append(c.took, float64(then.Sub(now).Microseconds())/1000)
		now = then
	}
}

// dial connects and makes the questions.
func dial(o *order, r *rand.Rand) (*client, error) {
	conn, err := net.Dial("tcp", o.Addr)
	if err != nil {
		return nil, err
	}
	c := &client{conn: conn, in: bufio.NewReaderSize(conn, 64<<10), body: make([]byte, 0, 64<<10)}
	_ = conn.SetDeadline(time.Now().Add(5 * time.Minute))
	path := ""
	switch o.Kind {
	case "live":
		path, c.count = "/api/v1/live", []byte(`"distanceM"`)
	case "fixed-live":
		path = "/fixed-live"
	}
	if path != "" {
		if err := c.upgrade(path); err != nil {
			return nil, err
		}
	}
	for range prepared {
		p := builtUp(r)
		switch o.Kind {
		case "http", "fixed":
			path := "/fixed"
			if o.Kind == "http" {
				path, c.count = "/api/v1/stations", []byte(`"distanceM"`)
			}
			c.read = readHTTP
			c.asks = append(c.asks, fmt.Appendf(nil, "GET %s?near=%.5f,%.5f&radiusM=%d&limit=%d%s HTTP/1.1\r\nHost: %s\r\n\r\n",
				path, p.Lon, p.Lat, radiusM, askFor, o.Filter, o.Addr))
		case "live", "fixed-live":
			c.read = readLive
			c.asks = append(c.asks, masked(fmt.Appendf(nil, `{"op":"query","id":"q","near":[%.5f,%.5f],"radiusM":%d,"limit":%d%s}`,
				p.Lon, p.Lat, radiusM, askFor, o.Filter)))
		default:
			c.read = readRedis
			c.asks = append(c.asks, redisAsk(o.Kind, o.Filter, p))
		}
	}
	return c, nil
}

func (c *client) upgrade(path string) error {
	fmt.Fprintf(c.conn, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", path)
	for n := 0; ; n++ {
		line, err := c.in.ReadString('\n')
		if err != nil || n == 0 && line != "HTTP/1.1 101 Switching Protocols\r\n" {
			return fmt.Errorf("%s is no websocket: %q, %w", path, line, err)
		}
		if line == "\r\n" {
			return nil
		}
	}
}

// masked makes a text frame of a client with a mask of zeros (RFC 6455, 5.3).
func masked(text []byte) []byte {
	head := []byte{0x81, 0x80 | byte(len(text))}
	if len(text) > 125 {
		head = binary.BigEndian.AppendUint16([]byte{0x81, 0x80 | 126}, uint16(len(text)))
	}
	return append(append(head, 0, 0, 0, 0), text...)
}

func (c *client) fill(n int) error {
	c.body = c.body[:0]
	if n > cap(c.body) {
		c.body = make([]byte, 0, n)
	}
	c.body = c.body[:n]
	_, err := io.ReadFull(c.in, c.body)
	return err
}

func readHTTP(c *client) error {
	size := -1
	for n := 0; ; n++ {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if n == 0 && !bytes.HasPrefix(line, []byte("HTTP/1.1 200")) {
			return fmt.Errorf("answer %q", line)
		}
		if v, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			size, _ = strconv.Atoi(string(bytes.TrimSpace(v)))
		}
		if len(line) == 2 {
			break
		}
	}
	if size < 0 {
		return fmt.Errorf("an answer without its length")
	}
	return c.fill(size)
}

func readLive(c *client) error {
	var head [4]byte
	if _, err := io.ReadFull(c.in, head[:2]); err != nil {
		return err
	}
	if head[0] != 0x81 || head[1] == 127 {
		return fmt.Errorf("a frame that begins with %x", head[:2])
	}
	if head[1] < 126 {
		return c.fill(int(head[1]))
	}
	if _, err := io.ReadFull(c.in, head[2:]); err != nil {
		return err
	}
	return c.fill(int(binary.BigEndian.Uint16(head[2:])))
}

// contenders are those that take turns: floors and what stands beside them.
func contenders(server, bare string) []contender {
	const (
		all = "&free=1&kind=dc&minKw=60&open=1&parking=free&maxYuan=1.2"
		ask = `,"free":true,"kind":"dc","minKw":60,"open":true,"parking":"free","maxYuan":1.2`
	)
	return []contender{
		{name: "HTTP, fixed answer, net/http alone", Kind: "fixed", addr: bare},
		{name: "HTTP, fixed answer, our server and handler", Kind: "fixed", addr: server},
		{name: "HTTP, `GET /stations`, nearest ten", Kind: "http", addr: server, floor: 1, least: leastHTTP},
		{name: "HTTP, with a free pile", Kind: "http", addr: server, Filter: "&free=1", floor: 1, least: leastHTTP},
		{name: "HTTP, six filters", Kind: "http", addr: server, Filter: all, floor: 1, least: leastHTTP},
		{name: "websocket, fixed answer", Kind: "fixed-live", addr: server},
		{name: "websocket, `query`, nearest ten", Kind: "live", addr: server, floor: 5, least: leastLive},
		{name: "websocket, with a free pile", Kind: "live", addr: server, Filter: `,"free":true`, floor: 5, least: leastLive},
		{name: "websocket, six filters", Kind: "live", addr: server, Filter: ask, floor: 5, least: leastLive},
		{name: "Redis, GEOSEARCH alone: ids and distances", Kind: "geo", redis: true},
		{name: "Redis, GEOSEARCH and ten HGETALL in a script", Kind: "full", redis: true},
		{name: "the status updates alone", Kind: quiet},
		{name: "the same, in Redis", Kind: quiet, redis: true},
	}
}
