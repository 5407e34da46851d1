package main

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"hash/maphash"
	"io"
	"time"
)

// Opcodes of RFC 6455.
const (
	opText, opBinary, opClose, opPing, opPong = 1, 2, 8, 9, 10
)

// cut returns the first frame in b: its first byte, its payload, and its whole
// length; 0 when it is not all there.
func cut(b []byte) (head byte, payload []byte, size int) {
	if len(b) < 2 {
		return 0, nil, 0
	}
	n, at := int(b[1]&0x7f), 2
	switch n {
	case 126:
		if len(b) < 4 {
			return 0, nil, 0
		}
		n, at = int(binary.BigEndian.Uint16(b[2:])), 4
	case 127:
		if len(b) < 10 {
			return 0, nil, 0
		}
		n, at = int(binary.BigEndian.Uint64(b[2:])), 10
	}
	if len(b) < at+n {
		return 0, nil, 0
	}
	return b[0], b[at : at+n], at + n
}

// masked returns a client's frame; its mask is zero.
func masked(op byte, payload []byte) []byte {
	b := []byte{0x80 | op, 0x80 | byte(len(payload))}
	if len(payload) > 125 {
		b = binary.BigEndian.AppendUint16([]byte{0x80 | op, 0x80 | 126}, uint16(len(payload)))
	}
	return append(append(b, 0, 0, 0, 0), payload...)
}

// said is what the bench wants to know of a text frame.
type said struct {
	messages int
	at       int64 // Unix milliseconds of its moment, 0: none
	ping     bool  // of the peer's protocol: an empty object
}

// reader knows frames. The same one comes to thousands of viewers, so it is
// unpacked for the first and recognized for the others.
type reader struct {
	peer  bool
	seed  maphash.Seed
	known map[uint64]said
	zip   io.ReadCloser
	text  bytes.Buffer
}

func newReader() *reader {
	return &reader{seed: maphash.MakeSeed(), known: make(map[uint64]said), zip: flate.NewReader(nil)}
}

func (r *reader) read(head byte, payload []byte) said {
	key := maphash.Bytes(r.seed, payload)
	s, ok := r.known[key]
	if !ok {
		if len(r.known) > 100_000 {
			clear(r.known)
		}
		s = r.parse(head, payload)
		r.known[key] = s
	}
	return s
}

var (
	atKey  = []byte(`"at":"`)
	pubKey = []byte(`"pub":{`)
)

func (r *reader) parse(head byte, payload []byte) (s said) {
	if head&0x40 != 0 {
		tail := []byte{0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff} // RFC 7692, 7.2.2, and an end
		_ = r.zip.(flate.Resetter).Reset(io.MultiReader(bytes.NewReader(payload), bytes.NewReader(tail)), nil)
		r.text.Reset()
		if _, err := r.text.ReadFrom(r.zip); err != nil {
			return s
		}
		payload = r.text.Bytes()
	}
	s.ping = len(bytes.TrimSpace(payload)) == 2
	if r.peer {
		s.messages = bytes.Count(payload, pubKey)
	} else if bytes.HasPrefix(payload, []byte(`{"ch":`)) {
		s.messages = 1
	}
	if s.messages == 0 {
		return s
	}
	if i := bytes.Index(payload, atKey); i >= 0 {
		text := payload[i+len(atKey):]
		if end := bytes.IndexByte(text, '"'); end > 0 {
			if t, err := time.Parse(time.RFC3339Nano, string(text[:end])); err == nil {
				s.at = t.UnixMilli()
			}
		}
	}
	return s
}
