package api

import (
	"bytes"
	"compress/flate"
	"net/http"
	"strings"
	"sync"
)

// shared is a frame as all its viewers get it: raw, or compressed for those
// that negotiated permessage-deflate (RFC 7692). Each form is made once.
type shared struct {
	raw  frame
	once sync.Once
	zip  frame
}

// minDeflate is the least payload in bytes that is worth compressing.
const minDeflate = 256

// of returns the frame's bytes for a viewer.
func (s *shared) of(deflate bool) frame {
	if !deflate || len(s.raw) < minDeflate {
		return s.raw
	}
	s.once.Do(func() { s.zip = compressFrame(s.raw) })
	return s.zip
}

var deflaters = sync.Pool{New: func() any {
	w, _ := flate.NewWriter(nil, 3) // the level is valid; see docs/benchmarks.md for what it costs and saves
	return w
}}

// compressFrame returns raw with its payload deflated without context, or raw
// itself when that is no gain.
func compressFrame(raw frame) frame {
	payload := raw.payload()
	var out bytes.Buffer
	out.Grow(headRoom + len(payload)/3)
	out.Write(make([]byte, headRoom))
	w := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(w)
	w.Reset(&out)
	if _, err := w.Write(payload); err != nil {
		return raw // a buffer does not fail
	}
	if err := w.Flush(); err != nil {
		return raw
	}
	b := bytes.TrimSuffix(out.Bytes(), []byte{0, 0, 0xff, 0xff}) // RFC 7692, 7.2.1
	if len(b) >= len(raw) {
		return raw
	}
	f := finish(b, int(raw[0]&0x0f))
	f[0] |= 0x40 // RSV1: compressed
	return f
}

// payload returns what stands behind the header.
func (f frame) payload() []byte {
	switch f[1] {
	case 126:
		return f[4:]
	case 127:
		return f[10:]
	}
	return f[2:]
}

// offersDeflate reports whether a handshake offers permessage-deflate, which
// the upgrader then accepts, without context takeover on either side.
func offersDeflate(h http.Header) bool {
	for _, line := range h.Values("Sec-Websocket-Extensions") {
		for offer := range strings.SplitSeq(line, ",") {
			name, _, _ := strings.Cut(offer, ";")
			if strings.TrimSpace(name) == "permessage-deflate" {
				return true
			}
		}
	}
	return false
}
