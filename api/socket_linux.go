package api

import (
	"errors"
	"net"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// kernelSocket asks the kernel for the bytes that are still on their way
// (SIOCOUTQ, tcp(7)) and writes without waiting. It is small, because a process
// has thousands; what a call needs comes from a pool.
type kernelSocket struct{ raw syscall.RawConn }

// kernelCall is the arguments and results of a system call, and the callbacks
// that make it, which are made once.
type kernelCall struct {
	p   []byte
	n   int
	err error
	ask func(fd uintptr)
	put func(fd uintptr)
}

var kernelCalls = sync.Pool{New: func() any {
	c := &kernelCall{}
	c.ask = func(fd uintptr) { c.n, c.err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) }
	c.put = func(fd uintptr) {
		c.n, c.err = unix.Write(int(fd), c.p)
		for errors.Is(c.err, unix.EINTR) {
			c.n, c.err = unix.Write(int(fd), c.p)
		}
	}
	return c
}}

func newSocket(conn net.Conn) socket {
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return timedSocket{conn}
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return timedSocket{conn}
	}
	return kernelSocket{raw}
}

func (s kernelSocket) unsent() int {
	c := kernelCalls.Get().(*kernelCall)
	defer kernelCalls.Put(c)
	if err := s.raw.Control(c.ask); err != nil || c.err != nil {
		return 0 // closed: the write that follows says so
	}
	return c.n
}

func (s kernelSocket) write(p []byte) (int, error) {
	c := kernelCalls.Get().(*kernelCall)
	defer kernelCalls.Put(c)
	c.p = p
	defer func() { c.p = nil }()
	// Not RawConn.Write, which gets ready to wait: Go's sockets never do.
	if err := s.raw.Control(c.put); err != nil {
		return 0, err
	}
	if errors.Is(c.err, unix.EAGAIN) {
		return 0, nil
	}
	return max(c.n, 0), c.err
}
