// Package wsock reads what clients send over websockets (RFC 6455, and
// permessage-deflate without context takeover, RFC 7692). It is for servers
// with many connections that are silent most of the time: a connection has a
// buffer only while something is there that was not handled yet.
package wsock

import (
	"encoding/binary"
	"net"
	"sync"
	"syscall"
	"unicode/utf8"
)

// Kinds of messages, RFC 6455, 5.2.
const (
	more   = 0 // continues a message
	Text   = 1
	Binary = 2
	Close  = 8
	Ping   = 9
	Pong   = 10
)

// Fault is something that a client may not send. It is told with Code, of RFC
// 6455, 7.4.1, in a close frame; nothing can be read after it.
type Fault struct {
	Code int
	Text string
}

func (f *Fault) Error() string { return f.Text }

// Conn reads one client's messages. One goroutine uses it.
type Conn struct {
	net     net.Conn
	raw     syscall.RawConn       // nil: net cannot be asked whether something is there
	pull    func(fd uintptr) bool // reads what is there; false: nothing is
	in      *inbox                // nil while nothing is there
	err     error                 // of pull
	limit   int32                 // bytes of a message, compressed and inflated
	deflate bool
	kind    byte // of the message of which more frames are to come; 0: none
	zip     bool // it is compressed
}

// New returns a reader of what comes over c after the handshake. A message may
// have limit bytes; deflate tells whether permessage-deflate was negotiated.
func New(c net.Conn, limit int, deflate bool) *Conn {
	r := &Conn{net: c, limit: int32(min(limit, 1<<30)), deflate: deflate}
	r.prepare()
	return r
}

// inbox is what was read and not handled yet.
type inbox struct {
	buf  []byte
	r, w int    // from where to where
	msg  []byte // frames of a message before its last one
	out  []byte // an inflated message
}

const (
	usualInbox = 2 << 10
	mostKept   = 64 << 10 // a larger one is left to the garbage collector
)

var inboxes = sync.Pool{New: func() any { return &inbox{buf: make([]byte, usualInbox)} }}

func (in *inbox) release() {
	if len(in.buf)+cap(in.msg)+cap(in.out) <= mostKept {
		in.r, in.w, in.msg, in.out = 0, 0, in.msg[:0], in.out[:0]
		inboxes.Put(in)
	}
}

// Next waits for a message and returns it; its bytes are valid until the next
// call. A close message's have passed RFC 6455, 7.4.
func (c *Conn) Next() (kind int, data []byte, err error) {
	if in := c.in; in != nil && in.r == in.w && c.kind == 0 {
		c.in = nil
		in.release()
	}
	for {
		h, err := c.head()
		if err != nil {
			return 0, nil, err
		}
		if h.size == 0 || c.in.w-c.in.r < h.size+h.n {
			if err := c.fill(max(h.size+h.n, maxHead)); err != nil {
				return 0, nil, err
			}
			continue
		}
		if kind, data, err = c.take(h); kind != more || err != nil {
			return kind, data, err
		}
	}
}

// head is a frame's header.
type head struct {
	size   int // 0: it is not there yet
	n      int // bytes that follow it
	kind   byte
	final  bool
	zip    bool
	masked [4]byte
}

const maxHead = 14

// head reads the header of the frame that comes next.
func (c *Conn) head() (h head, err error) {
	if c.in == nil {
		return h, nil
	}
	b := c.in.buf[c.in.r:c.in.w]
	if len(b) < 2 {
		return h, nil
	}
	h.kind, h.final, h.zip = b[0]&0x0f, b[0]&0x80 != 0, b[0]&0x40 != 0
	size, n := 2, int64(b[1]&0x7f)
	switch {
	case b[0]&0x30 != 0 || h.zip && (!c.deflate || h.kind == more || h.kind >= Close):
		return h, broken("a reserved bit is set")
	case b[1]&0x80 == 0:
		return h, broken("a client's frame must be masked")
	case h.kind >= Close && (n > 125 || !h.final):
		return h, broken("a control frame is too long or in parts")
	case h.kind > Binary && h.kind < Close || h.kind > Pong:
		return h, broken("the opcode is not known")
	case h.kind == more && c.kind == 0 || (h.kind == Text || h.kind == Binary) && c.kind != 0:
		return h, broken("frames of a message are out of order")
	}
	switch n {
	case 126:
		if size = 4; len(b) < size {
			return head{}, nil
		}
		n = int64(binary.BigEndian.Uint16(b[2:]))
	case 127:
		if size = 10; len(b) < size {
			return head{}, nil
		}
		n = int64(binary.BigEndian.Uint64(b[2:]))
	}
	if h.kind < Close && (n < 0 || n > int64(c.limit)-int64(len(c.in.msg))) {
		return h, &Fault{1009, "the message is too long"}
	}
	if len(b) < size+4 {
		return head{}, nil
	}
	copy(h.masked[:], b[size:])
	h.size, h.n = size+4, int(n)
	return h, nil
}

func broken(text string) error { return &Fault{1002, text} }

// take takes in the frame that is there; more: its message goes on.
func (c *Conn) take(h head) (kind int, data []byte, err error) {
	in := c.in
	data = in.buf[in.r+h.size:][:h.n:h.n]
	in.r += h.size + h.n
	unmask(data, h.masked)
	switch {
	case h.kind == Close:
		return Close, data, checkClose(data)
	case h.kind > Close:
		return int(h.kind), data, nil
	case h.kind != more:
		c.kind, c.zip = h.kind, h.zip
	}
	if !h.final {
		in.msg = append(in.msg, data...)
		return more, nil, nil
	}
	if h.kind == more {
		in.msg = append(in.msg, data...)
		data = in.msg
		in.msg = in.msg[:0] // it stays what it is until the next frame
	}
	kind, c.kind = int(c.kind), 0
	if c.zip {
		data, err = in.inflate(data, int(c.limit))
	}
	if err == nil && kind == Text && !utf8.Valid(data) {
		err = &Fault{1007, "a text message is not UTF-8"}
	}
	return kind, data, err
}

// fill reads more, with room for need bytes that are not handled.
func (c *Conn) fill(need int) error {
	if in := c.in; in != nil {
		if in.r > 0 {
			in.w = copy(in.buf, in.buf[in.r:in.w])
			in.r = 0
		}
		if need > len(in.buf) {
			in.buf = append(make([]byte, 0, need), in.buf[:in.w]...)[:need]
		}
	}
	if c.raw != nil {
		if err := c.raw.Read(c.pull); err != nil {
			return err
		}
		return c.err
	}
	if c.in == nil {
		c.in = inboxes.Get().(*inbox)
	}
	n, err := c.net.Read(c.in.buf[c.in.w:])
	if c.in.w += n; n > 0 {
		return nil // an error comes again
	}
	return err
}

// checkClose looks at the code and the reason of a close message.
func checkClose(data []byte) error {
	if len(data) == 0 {
		return nil
	}
	if len(data) == 1 {
		return broken("a close frame is too short")
	}
	switch code := binary.BigEndian.Uint16(data); {
	case code >= 3000 && code < 5000, code >= 1000 && code <= 1003, code >= 1007 && code <= 1014:
	default:
		return broken("a close code is not one to be sent")
	}
	if !utf8.Valid(data[2:]) {
		return broken("a close reason is not UTF-8")
	}
	return nil
}

// unmask undoes the client's masking, RFC 6455, 5.3.
func unmask(b []byte, key [4]byte) {
	k := binary.LittleEndian.Uint32(key[:])
	for wide := uint64(k)<<32 | uint64(k); len(b) >= 8; b = b[8:] {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^wide)
	}
	for i := range b {
		b[i] ^= key[i&3]
	}
}
