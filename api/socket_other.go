//go:build !linux

package api

import "net"

func newSocket(conn net.Conn) socket { return timedSocket{conn} }
