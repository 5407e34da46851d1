//go:build unix

package wsock

import (
	"io"
	"syscall"
)

// prepare has the connection read only when something is there.
func (c *Conn) prepare() {
	sc, ok := c.net.(syscall.Conn)
	if !ok {
		return // such as TLS, or a pipe
	}
	if raw, err := sc.SyscallConn(); err == nil {
		c.raw, c.pull = raw, c.read
	}
}

// read reads what is there; false: nothing is, and there is to be waited for it.
func (c *Conn) read(fd uintptr) bool {
	in := c.in
	if in == nil {
		in = inboxes.Get().(*inbox)
	}
	n, err := syscall.Read(int(fd), in.buf[in.w:])
	for err == syscall.EINTR {
		n, err = syscall.Read(int(fd), in.buf[in.w:])
	}
	if n > 0 {
		in.w += n
		c.in, c.err = in, nil
		return true
	}
	if c.in == nil {
		in.release()
	}
	if err == nil {
		err = io.EOF
	}
	c.err = err
	return err != syscall.EAGAIN
}
