package main

import "encoding/binary"

// Opcodes of RFC 6455, 5.2.
const (
	opText  = 1
	opClose = 8
	opPing  = 9
)

// peeked is how many bytes of a payload tell what it is: {"ch" or {"op".
const peeked = 6

// parser goes through a socket's frames without keeping them.
type parser struct {
	head [10 + peeked]byte // of the frame that is coming in
	have uint8
	left uint64 // bytes of its payload that are still to come
	open bool   // the head is complete
	op   uint8
	zip  bool // compressed, RFC 7692
}

// heard is told of each frame. keep is told of every piece of a payload.
type heard interface {
	keep(piece []byte)
	frame(op uint8, zip bool, first []byte)
}

// feed goes through what was read. A server's frames are never masked.
func (p *parser) feed(b []byte, to heard) {
	for len(b) > 0 {
		if !p.open {
			b = p.begin(b, to)
			continue
		}
		n := min(uint64(len(b)), p.left)
		to.keep(b[:n])
		p.left -= n
		b = b[n:]
		p.end(to)
	}
}

// begin takes bytes until the head and the payload's first bytes are there.
func (p *parser) begin(b []byte, to heard) []byte {
	for len(b) > 0 {
		p.head[p.have] = b[0]
		p.have++
		b = b[1:]
		size, head, ok := p.size()
		if !ok {
			continue
		}
		first := min(size, peeked)
		if uint64(p.have)-uint64(head) < first {
			continue
		}
		p.open, p.left = true, size-first
		p.op, p.zip = p.head[0]&0x0f, p.head[0]&0x40 != 0
		to.keep(p.head[head:p.have])
		p.end(to)
		return b
	}
	return b
}

// size returns the payload's and the head's, once the head is complete.
func (p *parser) size() (payload uint64, head uint8, ok bool) {
	if p.have < 2 {
		return 0, 0, false
	}
	switch n := p.head[1] & 0x7f; {
	case n < 126:
		return uint64(n), 2, true
	case n == 126 && p.have >= 4:
		return uint64(binary.BigEndian.Uint16(p.head[2:])), 4, true
	case n == 127 && p.have >= 10:
		return binary.BigEndian.Uint64(p.head[2:]), 10, true
	}
	return 0, 0, false
}

func (p *parser) end(to heard) {
	if p.left > 0 {
		return
	}
	_, head, _ := p.size()
	op, zip, first := p.op, p.zip, p.head[head:p.have]
	p.open = false
	to.frame(op, zip, first)
	p.have = 0
}

// masked appends a client's frame. Its mask is zero, which a server must take
// like any other and which leaves the payload as it is.
func masked(dst []byte, op uint8, payload string) []byte {
	dst = append(dst, 0x80|op)
	if len(payload) < 126 {
		dst = append(dst, 0x80|byte(len(payload)))
	} else {
		dst = append(dst, 0x80|126, byte(len(payload)>>8), byte(len(payload)))
	}
	return append(append(dst, 0, 0, 0, 0), payload...)
}
