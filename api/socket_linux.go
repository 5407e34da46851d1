package api

import (
	"errors"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// kernelSocket asks the kernel for the bytes that are still on their way
// (SIOCOUTQ, tcp(7)) and writes without waiting.
type kernelSocket struct {
	raw syscall.RawConn

	// Arguments and results of the two callbacks, which are made once.
	p       []byte
	n       int
	err     error
	ask     func(fd uintptr)
	put     func(fd uintptr)
	pending int
}

func newSocket(conn net.Conn) socket {
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return timedSocket{conn}
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return timedSocket{conn}
	}
	s := &kernelSocket{raw: raw}
	s.ask = func(fd uintptr) {
		if n, err := unix.IoctlGetInt(int(fd), unix.SIOCOUTQ); err == nil {
			s.pending = n
		}
	}
	s.put = func(fd uintptr) {
		s.n, s.err = unix.Write(int(fd), s.p)
		for errors.Is(s.err, unix.EINTR) {
			s.n, s.err = unix.Write(int(fd), s.p)
		}
	}
	return s
}

func (s *kernelSocket) unsent() int {
	s.pending = 0
	if err := s.raw.Control(s.ask); err != nil {
		return 0 // closed: the write that follows says so
	}
	return s.pending
}

func (s *kernelSocket) write(p []byte) (int, error) {
	s.p, s.n, s.err = p, 0, nil
	// Not RawConn.Write, which gets ready to wait: Go's sockets never do.
	if err := s.raw.Control(s.put); err != nil {
		return 0, err
	}
	s.p = nil
	if errors.Is(s.err, unix.EAGAIN) {
		return 0, nil
	}
	return max(s.n, 0), s.err
}
