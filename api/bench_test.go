//go:build unix

package api

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

// benchWorld has 3,600 public stations over the built-up area.
func benchWorld(b *testing.B) *world {
	w := newWorld(b)
	n := charge.Num(0)
	for row := range 60 {
		for col := range 60 {
			n++
			w.put(station(n, 1+n%2, geo.Point{Lon: 102.58 + float64(col)*0.006, Lat: 24.78 + float64(row)*0.006}, n*2, n*2+1))
			w.pile(1+n%2, n*2, charge.PileReport{Status: charge.StatusIdle})
		}
	}
	w.tick()
	return w
}

// reportCPU adds the processor time of an operation, client's share included:
// on a machine that does other things too it says more than the clock.
func reportCPU(b *testing.B) func() {
	used := func() time.Duration {
		var u syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before := used()
	return func() { b.ReportMetric(float64((used()-before).Nanoseconds())/float64(b.N), "cpu-ns/op") }
}

// BenchmarkGetStations asks over kept connections on loopback; client and
// server share the machine.
func BenchmarkGetStations(b *testing.B) {
	w := benchWorld(b)
	host := strings.TrimPrefix(w.url, "http://")
	request := []byte("GET /api/v1/stations?near=102.712,25.04&radiusM=3000&free=1&limit=10 HTTP/1.1\r\nHost: " + host + "\r\n\r\n")
	b.ReportAllocs()
	b.ResetTimer()
	defer reportCPU(b)()
	b.RunParallel(func(pb *testing.PB) {
		conn, err := net.Dial("tcp", host)
		if err != nil {
			b.Error(err)
			return
		}
		defer conn.Close()
		r := bufio.NewReaderSize(conn, 64<<10)
		for pb.Next() {
			if _, err := conn.Write(request); err != nil {
				b.Error(err)
				return
			}
			size := 0
			for {
				line, err := r.ReadSlice('\n')
				if err != nil {
					b.Error(err)
					return
				}
				if v, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
					size, _ = strconv.Atoi(string(bytes.TrimSpace(v)))
				}
				if len(line) == 2 {
					break
				}
			}
			if _, err := r.Discard(size); err != nil || size < 1000 {
				b.Errorf("answer of %d bytes: %v", size, err)
				return
			}
		}
	})
}

// BenchmarkQuery asks over one websocket, 32 questions under way.
func BenchmarkQuery(b *testing.B) {
	w := benchWorld(b)
	c := w.dial("")
	ask := []byte(`{"op":"query","id":"q","near":[102.712,25.04],"radiusM":3000,"free":true,"limit":10}`)
	room := make(chan struct{}, 32)
	done := make(chan error, 1)
	b.ReportAllocs()
	go func() {
		for i := 0; i < b.N; i++ {
			_, r, err := c.conn.NextReader()
			if err == nil {
				_, err = io.Copy(io.Discard, r)
			}
			if err != nil {
				done <- err
				return
			}
			<-room
		}
		done <- nil
	}()
	b.ResetTimer()
	defer reportCPU(b)()
	for i := 0; i < b.N; i++ {
		room <- struct{}{}
		if err := c.conn.WriteMessage(websocket.TextMessage, ask); err != nil {
			b.Fatal(err)
		}
	}
	if err := <-done; err != nil {
		b.Fatal(err)
	}
}

// BenchmarkFrame makes a tile's frames: whole, and what changed when a third
// of 200 stations reported.
func BenchmarkFrame(b *testing.B) {
	w := busyWorld(b)
	c := w.dial("")
	ch := c.sub("a", `"feed":"stations",`+cityBox)[0]
	h := w.api.Hub()
	channel := h.channels[ch]
	w.churn(1)
	w.tick()
	for name, since := range map[string]uint64{"whole": 0, "changed": w.rev - 1} {
		b.Run(name, func(b *testing.B) {
			h.mu.RLock()
			defer h.mu.RUnlock()
			var size int
			b.ReportAllocs()
			for b.Loop() {
				size = len(channel.make(h, since).frame.raw)
			}
			b.SetBytes(int64(size))
		})
		b.Run(name+"/deflate", func(b *testing.B) {
			h.mu.RLock()
			raw := channel.make(h, since).frame.raw
			h.mu.RUnlock()
			var size int
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				size = len(compressFrame(raw))
			}
			b.ReportMetric(float64(size)/float64(len(raw)), "of-size")
		})
	}
}

// BenchmarkFanOut sends one small frame a revision to each of 2,000 viewers, of
// whom some read nothing. It reports the time from the tick to the last
// reader, and the server's pace. Clients share the machine.
func BenchmarkFanOut(b *testing.B) {
	for _, stalled := range []int{0, 20} {
		b.Run(fmt.Sprintf("stalled=%d", stalled), func(b *testing.B) {
			w := newWorld(b, func(c *Config, _ *Deps) { c.Spread = 0 })
			w.put(station(1, teld, center, 1))
			w.tick()
			const viewers = 2000
			var got atomic.Int64
			var conns []net.Conn
			for i := range viewers {
				conn := rawViewer(b, w, i < stalled)
				conns = append(conns, conn)
				if i >= stalled {
					go count(conn, &got)
				}
			}
			b.Cleanup(func() {
				for _, c := range conns {
					c.Close()
				}
			})
			reading := int64(viewers - stalled)
			eventually(b, func() bool { return w.api.Stats().Viewers == viewers && got.Load() >= 2*reading }) // answer and first frame
			got.Store(0)
			b.ResetTimer()
			defer reportCPU(b)()
			for i := 0; i < b.N; i++ {
				w.pile(teld, 1, charge.PileReport{Status: charge.Status(1 + i%3), Has: charge.HasPower, PowerKW: float64(i % 7)})
				w.tick()
				for got.Load() < int64(i+1)*reading {
					time.Sleep(100 * time.Microsecond)
				}
			}
			b.ReportMetric(float64(reading)*float64(b.N)/b.Elapsed().Seconds(), "frames/s")
		})
	}
}

// rawViewer is a websocket that costs the client little: it subscribes to the
// overview and leaves reading to the caller.
func rawViewer(b *testing.B, w *world, small bool) net.Conn {
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		b.Fatal(err)
	}
	if small {
		_ = conn.(*net.TCPConn).SetReadBuffer(2048)
	}
	fmt.Fprintf(conn, "GET /api/v1/live HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
	head := make([]byte, 0, 512)
	one := make([]byte, 1)
	for !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
		if _, err := io.ReadFull(conn, one); err != nil {
			b.Fatal(err)
		}
		head = append(head, one[0])
	}
	sub := []byte(`{"op":"sub","id":"o","feed":"overview"}`)
	_, _ = conn.Write(append([]byte{0x81, 0x80 | byte(len(sub)), 0, 0, 0, 0}, sub...)) // masked with zeros
	return conn
}

// count adds the frames that come.
func count(conn net.Conn, got *atomic.Int64) {
	r := bufio.NewReaderSize(conn, 2048)
	for {
		var head [2]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return
		}
		size := int(head[1])
		if size == 126 {
			var more [2]byte
			if _, err := io.ReadFull(r, more[:]); err != nil {
				return
			}
			size = int(more[0])<<8 | int(more[1])
		}
		if _, err := r.Discard(size); err != nil {
			return
		}
		if head[0] == 0x81 {
			got.Add(1)
		}
	}
}
