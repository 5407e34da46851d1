package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// proxy stands between the platform and its InfluxDB and spoils a share of the
// requests, in the way that is in force.
type proxy struct {
	addr   string
	to     string // host:port
	server *http.Server
	way    *http.Transport

	mu   sync.Mutex
	mode mode
	rng  *rand.Rand

	spoiled atomic.Int64
}

// mode is what happens to requests.
type mode uint8

const (
	through    mode = iota
	unwilling       // 503
	slow            // forwarded after seconds
	halfSent        // half of the body gets there
	unanswered      // InfluxDB has it, but nobody hears so
	halfTold        // the answer ends in its middle
)

func newProxy(to string, seed uint64) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{addr: l.Addr().String(), to: to, rng: rand.New(rand.NewPCG(seed, seed)),
		way: &http.Transport{MaxIdleConnsPerHost: 8, IdleConnTimeout: time.Minute}}
	p.server = &http.Server{Handler: p}
	go func() { _ = p.server.Serve(l) }() // ends with close
	return p, nil
}

func (p *proxy) close() { _ = p.server.Close() }

func (p *proxy) set(m mode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mode = m
}

// pick returns what happens to the next request: three of four are spoiled.
func (p *proxy) pick() (mode, time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mode == through || p.rng.IntN(4) == 0 {
		return through, 0
	}
	p.spoiled.Add(1)
	return p.mode, time.Duration(500+p.rng.IntN(3000)) * time.Millisecond
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	m, wait := p.pick()
	switch m {
	case unwilling:
		http.Error(w, `{"error":"not now"}`, http.StatusServiceUnavailable)
		return
	case slow:
		time.Sleep(wait)
	case halfSent:
		if c, err := net.Dial("tcp", p.to); err == nil {
			fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", r.Method, r.URL.RequestURI(), len(body))
			c.Write(body[:len(body)/2])
			time.Sleep(20 * time.Millisecond)
			c.Close()
		}
		panic(http.ErrAbortHandler)
	}
	req := r.Clone(r.Context())
	req.URL.Scheme, req.URL.Host, req.RequestURI = "http", p.to, ""
	req.Body = io.NopCloser(bytes.NewReader(body))
	req.ContentLength = int64(len(body))
	res, err := p.way.RoundTrip(req)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil || m == unanswered {
		panic(http.ErrAbortHandler)
	}
	for k, v := range res.Header {
		w.Header()[k] = v
	}
	if m == halfTold {
		w.Header().Set("Content-Length", fmt.Sprint(len(answer)+100))
	}
	w.WriteHeader(res.StatusCode)
	_, _ = w.Write(answer) // who asked may be gone
	if m == halfTold {
		panic(http.ErrAbortHandler)
	}
}
