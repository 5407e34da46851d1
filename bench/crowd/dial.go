package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// dialWait is how long a server may take for the handshake.
const dialWait = 30 * time.Second

// dial opens a websocket from source and returns its socket, which does not
// wait any more, and what came behind the handshake. Go's net package would
// keep a goroutine and a poll descriptor for each.
func dial(source, server netip.AddrPort) (fd int, rest []byte, err error) {
	fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, nil, fmt.Errorf("socket: %w", err)
	}
	defer func() {
		if err != nil {
			unix.Close(fd)
		}
	}()
	wait := unix.NsecToTimeval(int64(dialWait))
	// With an address but no port at bind, the kernel takes the port at
	// connect: each server has all ports of that address.
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &wait),
		unix.Bind(fd, &unix.SockaddrInet4{Addr: source.Addr().As4()}))
	if err != nil {
		return -1, nil, fmt.Errorf("bind to %s: %w", source.Addr(), err)
	}
	if err = connect(fd, &unix.SockaddrInet4{Addr: server.Addr().As4(), Port: int(server.Port())}); err != nil {
		return -1, nil, fmt.Errorf("connect to %s: %w", server, err)
	}
	hello := "GET /api/v1/live HTTP/1.1\r\nHost: " + server.String() + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n" +
		"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
	if _, err = unix.Write(fd, []byte(hello)); err != nil {
		return -1, nil, fmt.Errorf("handshake: %w", err)
	}
	if rest, err = shaken(fd); err != nil {
		return -1, nil, err
	}
	return fd, rest, unix.SetNonblock(fd, true)
}

// connect waits for the connection also when a signal interrupts it: the kernel
// then goes on connecting (connect(2), EINTR).
func connect(fd int, to unix.Sockaddr) error {
	err := unix.Connect(fd, to)
	if !errors.Is(err, unix.EINTR) {
		return err
	}
	for end := time.Now().Add(dialWait); time.Now().Before(end); {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, 1000)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		if n > 0 {
			code, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
			if err == nil && code != 0 {
				err = unix.Errno(code)
			}
			return err
		}
	}
	return unix.ETIMEDOUT
}

// shaken reads the answer to the handshake.
func shaken(fd int) (rest []byte, err error) {
	var b [2048]byte
	for n := 0; n < len(b); {
		got, err := unix.Read(fd, b[n:])
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err == nil && got == 0 {
			err = io.EOF
		}
		if err != nil {
			return nil, fmt.Errorf("the handshake was not answered: %w", err)
		}
		n += got
		if end := bytes.Index(b[:n], []byte("\r\n\r\n")); end >= 0 {
			if !bytes.HasPrefix(b[:n], []byte("HTTP/1.1 101 ")) {
				line, _, _ := bytes.Cut(b[:n], []byte("\r\n"))
				return nil, fmt.Errorf("the handshake was answered %s: %.200s", line, b[end+4:n])
			}
			return bytes.Clone(b[end+4 : n]), nil
		}
	}
	return nil, errors.New("the answer to the handshake is too long")
}
