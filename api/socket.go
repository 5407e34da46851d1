package api

import (
	"errors"
	"net"
	"os"
	"time"
)

// socket writes to one viewer without ever waiting for it. Its methods are
// called by one goroutine at a time.
type socket interface {
	// unsent returns how many written bytes the other side has not acknowledged.
	unsent() int
	// write hands what fits of p to the kernel and returns how much that was.
	write(p []byte) (int, error)
}

// timedSocket is the socket of systems and connections that cannot be asked:
// it gives each write a few milliseconds.
type timedSocket struct{ conn net.Conn }

func (s timedSocket) unsent() int { return 0 }

func (s timedSocket) write(p []byte) (int, error) {
	if err := s.conn.SetWriteDeadline(time.Now().Add(5 * time.Millisecond)); err != nil {
		return 0, err
	}
	n, err := s.conn.Write(p)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil
	}
	return n, err
}

// writeAll writes p, waiting at most until the deadline. It is for answers to
// the viewer's own requests, where waiting slows nobody else.
func writeAll(conn net.Conn, p []byte, wait time.Duration) error {
	if err := conn.SetWriteDeadline(time.Now().Add(wait)); err != nil {
		return err
	}
	if _, err := conn.Write(p); err != nil {
		return err
	}
	return conn.SetWriteDeadline(time.Time{})
}
