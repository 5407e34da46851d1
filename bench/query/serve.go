package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"github.com/dianchi-platform/dianchi/api"
	"github.com/dianchi-platform/dianchi/internal/auth"
	"github.com/dianchi-platform/dianchi/internal/charge"
)

// floor answers with the same bytes each time.
type floor struct {
	body, frame atomic.Pointer[[]byte]
	length      atomic.Pointer[[]string]
	link        atomic.Pointer[[]string]
}

func (f *floor) set(body, head int) {
	b := bytes.Repeat([]byte("x"), body)
	f.body.Store(&b)
	f.length.Store(&[]string{strconv.Itoa(body)})
	f.link.Store(&[]string{"<" + strings.Repeat("x", max(head, 10)) + ">"})
	frame := append([]byte{0x81, 126, byte(body >> 8), byte(body)}, b...) // RFC 6455, 5.2; an answer is 126 bytes to 64 kB
	f.frame.Store(&frame)
}

// http answers with headers such as GET /stations has.
func (f *floor) http(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h["Content-Type"], h["Content-Length"], h["Link"] = headType, *f.length.Load(), *f.link.Load()
	_, _ = w.Write(*f.body.Load())
}

var headType = []string{"application/json"}

var upgrader = websocket.Upgrader{ReadBufferSize: 512, WriteBufferPool: &sync.Pool{}, EnableCompression: true}

// live answers each message with the frame, read as the product reads.
func (f *floor) live(w http.ResponseWriter, r *http.Request) {
	if u, ok := w.(interface{ Unwrap() http.ResponseWriter }); ok {
		w = u.Unwrap()
	}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	go func() {
		defer conn.Close()
		var text bytes.Buffer
		for {
			_, r, err := conn.NextReader()
			if err != nil {
				return
			}
			text.Reset()
			if _, err := text.ReadFrom(io.LimitReader(r, 64<<10)); err != nil {
				return
			}
			if _, err := conn.NetConn().Write(*f.frame.Load()); err != nil {
				return
			}
		}
	}()
}

// serve is the role of the server: the product's API, and floors behind the
// same server and handler (/fixed, /fixed-live) and behind none (Bare).
func serve(ctx context.Context, c *config) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	town := newCity(charge.At(time.Now()))
	fl := &floor{}
	fl.set(5000, 200)
	mux := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/fixed-live" {
			fl.live(w, r)
			return
		}
		fl.http(w, r)
	})
	dir := auth.New(auth.Config{}, log, nil)
	dir.Set(town.parties, nil)
	cfg := api.Default()
	cfg.Addr = "127.0.0.1:0"
	a := api.New(cfg, log, api.Deps{Live: town.state, Auth: dir, Instance: "bench", Dashboard: mux})
	if err := a.Start(ctx); err != nil {
		return err
	}
	bare, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: http.HandlerFunc(fl.http)}
	go func() { _ = srv.Serve(bare) }() // it ends with Close
	defer srv.Close()
	if c.profile != "" {
		f, err := os.Create(c.profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	quit := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		town.run(quit, c.rate, func(now charge.Millis) { a.Hub().Revision(town.tick(now)) })
	}()
	err = heed(reply{Addr: a.Addr().String(), Bare: bare.Addr().String()}, func(o order) reply {
		fl.set(o.Body, o.Head)
		return reply{}
	})
	close(quit)
	<-done
	stop, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = a.Stop(stop) // the clients are gone; nothing depends on a clean end
	return err
}

// run updates the city at a rate and closes a revision each second.
func (c *city) run(quit <-chan struct{}, rate int, tick func(charge.Millis)) {
	const slices = 100
	t := time.NewTicker(time.Second / slices)
	defer t.Stop()
	began, done, last := time.Now(), 0, time.Now().Unix()
	for {
		select {
		case <-quit:
			return
		case <-t.C:
		}
		now := time.Now()
		due := int(now.Sub(began).Seconds() * float64(rate))
		c.update(due-done, charge.At(now))
		done = due
		if now.Unix() != last {
			last = now.Unix()
			tick(charge.At(now))
		}
	}
}
