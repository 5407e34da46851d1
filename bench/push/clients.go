package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// swarm is all viewers of one process: raw sockets on one epoll, so that the
// clients cost little beside the server that is measured.
type swarm struct {
	c     *config
	rng   *rand.Rand
	epoll int
	conns map[int]*conn
	mute  []int // sockets that are never read
	in    []byte
	read  *reader
	addr  netip.AddrPort
	peer  bool
	pans  []*conn // those that move, in turn
	next  float64 // of pans, as a share of a turn
	last  time.Time
	moves bool

	got  answer
	late [100_000]uint32 // deliveries by tenths of a millisecond
}

// conn is one viewer.
type conn struct {
	fd    int
	rest  []byte // of a frame that is not all there
	view  view
	since int64 // Unix milliseconds of its last sub
	chans []string
}

// clients is the role of the viewers. Orders: open (N, Addr, Peer), see, move, rest,
// stall (N), unstall, take, close.
func clients(c *config) error {
	s := &swarm{c: c, rng: rand.New(rand.NewPCG(c.seed, 2)), conns: make(map[int]*conn), in: make([]byte, 1<<20), read: newReader()}
	var err error
	if s.epoll, err = unix.EpollCreate1(0); err != nil {
		return err
	}
	type asked struct {
		o    order
		back chan answer
	}
	orders := make(chan asked)
	go func() {
		err := heed(func(o order) answer {
			q := asked{o, make(chan answer)}
			orders <- q
			return <-q.back
		})
		if err != nil {
			fmt.Fprintln(os.Stderr, "push: clients:", err)
		}
		os.Exit(0)
	}()
	fmt.Println(`{}`)
	events := make([]unix.EpollEvent, 512)
	for {
		n, err := unix.EpollWait(s.epoll, events, 5)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		for _, e := range events[:max(n, 0)] {
			if v := s.conns[int(e.Fd)]; v != nil {
				s.take(v)
			}
		}
		s.pan()
		select {
		case q := <-orders:
			q.back <- s.obey(q.o)
		default:
		}
	}
}

func (s *swarm) obey(o order) (a answer) {
	var err error
	switch o.Do {
	case "open":
		s.peer, s.read.peer = o.Peer, o.Peer
		if s.addr, err = netip.ParseAddrPort(o.Addr); err == nil {
			err = s.open(o.N)
		}
	case "see":
		for _, v := range s.conns {
			s.see(v)
		}
	case "move", "rest":
		s.moves, s.last = o.Do == "move", time.Now()
	case "stall":
		err = s.stall(o.N)
	case "unstall":
		for _, fd := range s.mute {
			unix.Close(fd)
		}
		s.mute = nil
	case "take":
		return s.result()
	case "close":
		for fd := range s.conns {
			unix.Close(fd)
		}
		clear(s.conns)
		s.pans = nil
	default:
		err = fmt.Errorf("unknown order %s", o.Do)
	}
	if err != nil {
		a.Error = err.Error()
	}
	a.Open = len(s.conns)
	return a
}

func (s *swarm) open(n int) error {
	for i := range n {
		fd, err := s.dial(0)
		if err != nil {
			return fmt.Errorf("viewer %d: %w", i, err)
		}
		v := &conn{fd: fd, view: newView(i, s.rng)}
		s.conns[fd] = v
		if v.view.moves() {
			s.pans = append(s.pans, v)
		}
		if err := unix.SetNonblock(fd, true); err != nil {
			return err
		}
		ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
		if err := unix.EpollCtl(s.epoll, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
			return err
		}
	}
	s.rng.Shuffle(len(s.pans), func(i, j int) { s.pans[i], s.pans[j] = s.pans[j], s.pans[i] })
	return nil
}

// dial opens a websocket; buffer is the size of its receive buffer, 0 the kernel's own.
func (s *swarm) dial(buffer int) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	if buffer > 0 {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, buffer)
	}
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(s.addr.Port()), Addr: s.addr.Addr().As4()}); err != nil {
		unix.Close(fd)
		return 0, err
	}
	path, offer := "/api/v1/live", ""
	if s.peer {
		path = "/connection/websocket"
	}
	if !s.c.plain {
		offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
	}
	ask := "GET " + path + " HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" + offer + "\r\n"
	if _, err := unix.Write(fd, []byte(ask)); err != nil {
		return 0, err
	}
	var head []byte
	for !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
		n, err := unix.Read(fd, s.in[:4096])
		if n <= 0 {
			return 0, fmt.Errorf("no answer to the handshake: %w", err)
		}
		head = append(head, s.in[:n]...)
	}
	if !strings.HasPrefix(string(head), "HTTP/1.1 101") {
		return 0, fmt.Errorf("handshake: %.200s", head)
	}
	return fd, nil
}

// see subscribes to what the viewer looks at.
func (s *swarm) see(v *conn) {
	v.since = time.Now().UnixMilli()
	if s.peer {
		s.send(v.fd, opText, v.commands())
		return
	}
	s.send(v.fd, opText, v.view.sub())
}

func (s *swarm) send(fd int, op byte, payload []byte) {
	if _, err := unix.Write(fd, masked(op, payload)); err != nil {
		s.got.Lost++
	}
}

// stall opens n viewers of everything that take little and read nothing.
func (s *swarm) stall(n int) error {
	for range n {
		fd, err := s.dial(4096)
		if err != nil {
			return err
		}
		s.mute = append(s.mute, fd)
		for _, sub := range everything() {
			s.send(fd, opText, []byte(sub))
		}
	}
	return nil
}

// pan has as many maps move as time has passed.
func (s *swarm) pan() {
	if !s.moves || len(s.pans) == 0 {
		return
	}
	now := time.Now()
	before := int(s.next)
	s.next += float64(len(s.pans)) * now.Sub(s.last).Seconds() / s.c.pan.Seconds()
	s.last = now
	for i := before; i < int(s.next); i++ {
		v := s.pans[i%len(s.pans)]
		v.view.pan(s.rng)
		s.see(v)
	}
}
