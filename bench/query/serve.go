package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime/pprof"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"github.com/dianchi-platform/dianchi/api"
	"github.com/dianchi-platform/dianchi/internal/auth"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wsock"
)

// floor answers with the same bytes each time.
type floor struct {
	body, frame atomic.Pointer[[]byte]
	head        atomic.Pointer[http.Header]
}

// set takes the header of an answer of the product's, so that the floor's has
// the same fields, and as many bytes as its body has.
func (f *floor) set(product http.Handler, body int) {
	rec, rq := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet,
		fmt.Sprintf("/api/v1/stations?near=%f,%f&limit=%d", middle.Lon, middle.Lat, askFor), nil)
	rq.RemoteAddr = "127.0.0.1:1" // as the clients, who are told of no limits
	product.ServeHTTP(rec, rq)
	head := rec.Result().Header
	head["Content-Length"] = []string{strconv.Itoa(body)}
	f.head.Store(&head)
	b := bytes.Repeat([]byte("x"), body)
	f.body.Store(&b)
	frame := append([]byte{0x81, 126, byte(body >> 8), byte(body)}, b...) // RFC 6455, 5.2; an answer is 126 bytes to 64 kB
	f.frame.Store(&frame)
}

func (f *floor) http(w http.ResponseWriter, _ *http.Request) {
	maps.Copy(w.Header(), *f.head.Load())
	_, _ = w.Write(*f.body.Load())
}

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
		in := wsock.New(conn.NetConn(), 64<<10, false)
		for {
			if _, _, err := in.Next(); err != nil {
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
	fl.set(a.Handler(), 5000)
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
		fl.set(a.Handler(), o.Body)
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
