package wsock

import (
	"compress/flate"
	"io"
	"sync"
)

// tail ends a compressed message, from which its sender cut the first four
// bytes (RFC 7692, 7.2.2), with an empty last block.
const tail = "\x00\x00\xff\xff\x01\x00\x00\xff\xff"

// inflater inflates one message at a time.
type inflater struct {
	text []byte
	end  string
	out  io.Reader
}

var inflaters = sync.Pool{New: func() any {
	f := &inflater{}
	f.out = flate.NewReader(f)
	return f
}}

func (f *inflater) Read(p []byte) (int, error) {
	if n := copy(p, f.text); n > 0 {
		f.text = f.text[n:]
		return n, nil
	}
	n := copy(p, f.end)
	if f.end = f.end[n:]; n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// ReadByte keeps package flate from a buffer of its own.
func (f *inflater) ReadByte() (byte, error) {
	var b [1]byte
	_, err := f.Read(b[:])
	return b[0], err
}

// inflate returns what data was before it was compressed, of at most limit bytes.
func (in *inbox) inflate(data []byte, limit int) ([]byte, error) {
	f := inflaters.Get().(*inflater)
	defer inflaters.Put(f)
	f.text, f.end = data, tail
	if err := f.out.(flate.Resetter).Reset(f, nil); err != nil {
		return nil, err
	}
	out := in.out[:0]
	for {
		if len(out) == cap(out) {
			out = append(out, make([]byte, max(1024, len(out)))...)[:len(out)]
		}
		n, err := f.out.Read(out[len(out):cap(out)])
		out = out[:len(out)+n]
		in.out = out
		switch {
		case len(out) > limit:
			return nil, &Fault{1009, "the message is too long"}
		case err == io.EOF:
			f.text = nil
			return out, nil
		case err != nil:
			f.text = nil
			return nil, &Fault{1007, "a compressed message is damaged"}
		}
	}
}
