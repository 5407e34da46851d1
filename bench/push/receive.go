package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// take reads what has come to one viewer.
func (s *swarm) take(v *conn) {
	kept := copy(s.in, v.rest)
	n, err := unix.Read(v.fd, s.in[kept:])
	if n <= 0 {
		if n < 0 && (errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR)) {
			return
		}
		s.got.Lost++
		unix.Close(v.fd)
		delete(s.conns, v.fd)
		return
	}
	s.got.Wire += uint64(n)
	now := time.Now()
	b := s.in[:kept+n]
	for {
		head, payload, size := cut(b)
		if size == 0 {
			break
		}
		b = b[size:]
		switch head & 0x0f {
		case opText:
			s.heard(v, head, payload, now)
		case opBinary:
			s.got.Messages++
			s.got.Frames++
		case opPing:
			s.send(v.fd, opPong, payload)
		case opClose:
			s.got.Lost++
		}
	}
	if v.rest = append(v.rest[:0], b...); len(b) == 0 {
		v.rest = nil
	}
}

func (s *swarm) heard(v *conn, head byte, payload []byte, now time.Time) {
	m := s.read.read(head, payload)
	if m.ping && s.peer {
		s.send(v.fd, opText, []byte(`{}`))
	}
	if m.messages == 0 {
		return
	}
	s.got.Frames++
	s.got.Messages += uint64(m.messages)
	if m.at > v.since { // of a revision that was closed after it subscribed
		took := now.UnixMicro()/100 - m.at*10
		s.late[min(max(took, 0), int64(len(s.late)-1))]++
	}
}

// result returns what came since the last call.
func (s *swarm) result() answer {
	a := s.got
	s.got = answer{}
	var all, sum uint64
	for _, n := range s.late {
		all += uint64(n)
	}
	at := func(i int) float64 { return float64(i) / 10 }
	for i, n := range s.late {
		if n == 0 {
			continue
		}
		before := sum
		sum += uint64(n)
		for q, p := range map[float64]*float64{0.5: &a.P50, 0.99: &a.P99} {
			if rank := q * float64(all); float64(before) < rank && float64(sum) >= rank {
				*p = at(i)
			}
		}
		a.Max = at(i)
	}
	clear(s.late[:])
	a.Open = len(s.conns)
	return a
}

// commands are those of the peer's protocol that lead to what the viewer looks at.
func (v *conn) commands() []byte {
	var lines []string
	if v.chans == nil {
		lines = append(lines, `{"id":1,"connect":{}}`)
	}
	now := v.view.channels()
	for _, ch := range v.chans {
		if !slices.Contains(now, ch) {
			lines = append(lines, fmt.Sprintf(`{"id":2,"unsubscribe":{"channel":%q}}`, ch))
		}
	}
	for _, ch := range now {
		if !slices.Contains(v.chans, ch) {
			lines = append(lines, fmt.Sprintf(`{"id":3,"subscribe":{"channel":%q}}`, ch))
		}
	}
	v.chans = now
	return []byte(strings.Join(lines, "\n"))
}
