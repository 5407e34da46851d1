package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"unsafe"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// errBody is why a body could not be read; reader keeps the first one.
var (
	errShort = errors.New("record ends in the middle of a value")
	errLong  = errors.New("record has a length beyond its end")
	errValue = errors.New("record has a value out of its range")
)

// reader takes values off a body. After the first error it gives zeros, so
// that callers look at err once.
type reader struct {
	b   []byte
	i   int
	err error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.i = len(r.b)
}

func (r *reader) byte() byte {
	if r.i < len(r.b) {
		r.i++
		return r.b[r.i-1]
	}
	r.fail(errShort)
	return 0
}

func (r *reader) uint() uint64 {
	if r.i < len(r.b) && r.b[r.i] < 0x80 {
		r.i++
		return uint64(r.b[r.i-1])
	}
	return r.uintLong()
}

func (r *reader) uintLong() uint64 {
	if r.i+8 < len(r.b) { // up to 8 bytes without looking for the end
		w := r.b[r.i : r.i+9]
		var v uint64
		for n := range 8 {
			c := w[n]
			v |= uint64(c&0x7f) << (7 * n)
			if c < 0x80 {
				r.i += n + 1
				return v
			}
		}
	}
	v, n := binary.Uvarint(r.b[r.i:])
	if n <= 0 {
		r.fail(errShort)
		return 0
	}
	r.i += n
	return v
}

func (r *reader) int() int64 {
	u := r.uint()
	return int64(u>>1) ^ -int64(u&1)
}

// small reads a signed number of at most 32 bits.
func (r *reader) small() int {
	v := r.int()
	if v != int64(int32(v)) {
		r.fail(errValue)
		return 0
	}
	return int(v)
}

func (r *reader) num() charge.Num {
	u := r.uint()
	if u > math.MaxUint32 {
		r.fail(errValue)
		return 0
	}
	return charge.Num(u)
}

// count reads how many items follow, each of at least size bytes.
func (r *reader) count(size int) int {
	u := r.uint()
	if u > uint64((len(r.b)-r.i)/size) {
		r.fail(errLong)
		return 0
	}
	return int(u)
}

// view reads a string that shares the body's memory.
func (r *reader) view() string {
	n := r.count(1)
	if n == 0 {
		return ""
	}
	s := unsafe.String(&r.b[r.i], n)
	r.i += n
	return s
}

// string reads a string of its own.
func (r *reader) string() string { return strings.Clone(r.view()) }

func (r *reader) raw() float64 {
	if len(r.b)-r.i < 8 {
		r.fail(errShort)
		return 0
	}
	r.i += 8
	return math.Float64frombits(binary.LittleEndian.Uint64(r.b[r.i-8:]))
}

func (r *reader) float() float64 {
	u := r.uint()
	z := u >> 2
	m := float64(int64(z>>1) ^ -int64(z&1))
	switch u & 3 {
	case tagTenths:
		return m / 10
	case tagCents:
		return m / 100
	case tagMicros:
		return m / 1e6
	}
	if u != tagRaw {
		r.fail(errValue)
		return 0
	}
	return r.raw()
}

// done returns the first error, also for bytes that nobody asked for.
func (r *reader) done() error {
	if r.err == nil && r.i < len(r.b) {
		return fmt.Errorf("cannot read record: %d bytes after its end", len(r.b)-r.i)
	}
	if r.err != nil {
		return fmt.Errorf("cannot read record: %w", r.err)
	}
	return nil
}
