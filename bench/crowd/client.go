package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dianchi-platform/dianchi/bench/internal/lab"
	"github.com/dianchi-platform/dianchi/internal/city"
)

// clientCommand is the first argument by which this program is told to be a
// client process; the second is the spec's file.
const clientCommand = "crowd-clients"

// Signals to a client process.
const (
	beginWindow = syscall.SIGUSR1
	compareNow  = syscall.SIGUSR2
)

// viewer is one socket. Only the loop's goroutine uses it.
type viewer struct {
	parser
	fd      int32 // -1: closed
	number  int32
	last    int64 // Unix ns of the last beat of channel frames, 0: none in the window
	told    bool  // it got a frame of a channel at all
	asked   int64 // Unix ns of the question that waits, 0: none
	sampled *sample
	replica string
}

// clients is a client process: one loop reads all sockets, a few goroutines dial.
type clients struct {
	spec    spec
	city    *city.City
	epoll   int
	viewers []viewer
	askers  []int32 // indexes of viewers
	count   status
	began   time.Time // of the questions
	asks    int       // that were due since
	next    int
	windows int // questions are asked from the second one on

	dialled chan socket
	now     time.Time
	v       *viewer // whose bytes are being read
	buf     []byte
}

type socket struct {
	index int
	fd    int
	rest  []byte
	err   error
}

// clientMain is a client process.
func clientMain(file string) int {
	var c clients
	err := readJSON(file, &c.spec)
	if err == nil {
		err = c.run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "crowd clients:", err)
		return 1
	}
	return 0
}

func (c *clients) run() (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, beginWindow, compareNow)
	if c.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return err
	}
	c.city, c.buf, c.began = city.Kunming(), make([]byte, 256<<10), time.Now()
	c.viewers, c.dialled = make([]viewer, c.spec.Viewers), make(chan socket, 64)
	c.count.PID = os.Getpid()
	go c.dialAll(ctx)
	runtime.LockOSThread()
	events := make([]unix.EpollEvent, 512)
	status := time.Now()
	for ctx.Err() == nil {
		n, err := unix.EpollWait(c.epoll, events, 5)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("epoll: %w", err)
		}
		c.now = time.Now()
		for _, e := range events[:max(n, 0)] {
			c.read(&c.viewers[e.Fd])
		}
		c.takeDialled()
		c.ask()
		select {
		case s := <-signals:
			if s == beginWindow {
				c.beginWindow()
			} else if err := c.compare(ctx); err != nil {
				return err
			}
		default:
		}
		if c.now.Sub(status) > time.Second {
			status = c.now
			if err := c.report(); err != nil {
				return err
			}
		}
	}
	return nil
}

// dialers is how many handshakes of a client process may be under way.
const dialers = 16

// dialAll opens the sockets at the rate that is asked for.
func (c *clients) dialAll(ctx context.Context) {
	source := netip.AddrPortFrom(netip.MustParseAddr(c.spec.Source), 0)
	began := time.Now()
	var next atomic.Int64
	var all sync.WaitGroup
	for range dialers {
		all.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				due := began.Add(time.Duration(float64(i) / float64(c.spec.Rate) * float64(time.Second)))
				if i >= c.spec.Viewers || lab.Sleep(ctx, max(0, time.Until(due))) != nil {
					return
				}
				s := socket{index: i}
				s.fd, s.rest, s.err = dial(source, netip.MustParseAddrPort(c.replica(i)))
				c.dialled <- s
			}
		})
	}
	all.Wait()
}

func (c *clients) replica(i int) string {
	return c.spec.Replicas[(c.spec.First+i)%len(c.spec.Replicas)]
}

// takeDialled subscribes on what is open.
func (c *clients) takeDialled() {
	for {
		select {
		case s := <-c.dialled:
			c.opened(s)
		default:
			return
		}
	}
}

func (c *clients) opened(s socket) {
	v := &c.viewers[s.index]
	v.fd, v.number, v.replica = int32(s.fd), int32(c.spec.First+s.index), c.replica(s.index)
	if s.err != nil {
		v.fd = -1
		c.count.Failed++
		c.count.because(s.err)
		return
	}
	p := who(c.city, int(v.number))
	if p.sampled {
		v.sampled = &sample{}
	}
	if p.asks {
		c.askers = append(c.askers, int32(s.index))
	}
	c.count.Open++
	c.count.Connecting = c.now.Sub(c.began)
	for _, m := range p.subs() {
		c.write(v, masked(nil, opText, m))
	}
	e := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(s.index)}
	if err := unix.EpollCtl(c.epoll, unix.EPOLL_CTL_ADD, s.fd, &e); err != nil {
		c.close(v, err)
		return
	}
	c.v = v
	v.feed(s.rest, c)
}

// read takes what has come for a viewer, at most twice the buffer, so that all
// have their turn.
func (c *clients) read(v *viewer) {
	c.v = v
	for range 2 {
		if v.fd < 0 {
			return
		}
		n, err := unix.Read(int(v.fd), c.buf)
		switch {
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
			return
		case err != nil:
			c.close(v, err)
			return
		case n == 0:
			c.close(v, errors.New("cut by the replica without a close frame"))
			return
		}
		c.count.Bytes += uint64(n)
		v.feed(c.buf[:n], c)
		if n < len(c.buf) {
			return
		}
	}
}

// write sends a small message; a socket that does not take one is given up.
func (c *clients) write(v *viewer, b []byte) {
	if v.fd < 0 {
		return
	}
	if n, err := unix.Write(int(v.fd), b); err != nil || n < len(b) {
		c.close(v, fmt.Errorf("cannot send: %w", err))
	}
}

func (c *clients) close(v *viewer, why error) {
	if v.fd < 0 {
		return
	}
	unix.Close(int(v.fd))
	v.fd = -1
	c.count.Open--
	c.count.Lost++
	c.count.because(why)
}
