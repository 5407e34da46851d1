package follow

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/spool"
)

// A frame, numbers little endian:
//
//	kind u8 | length u32 | payload | CRC-32C of all before u32
//
// A frame counts only when it is there whole and its sum is right.
type kind uint8

// Kinds of frame. Others are left out by older readers.
const (
	kindRecord kind = 1 // seq u64, body
	kindTick   kind = 2 // rev u64, at i64 in Unix ms
	kindAccess kind = 3 // JSON of accessShape
	kindGone   kind = 4 // the place is no longer in the log: load a snapshot
)

const (
	frameHead = 5
	maxFrame  = spool.MaxBody + 64
	believed  = 1 << 20 // an announced length is believed in steps of this
)

var table = crc32.MakeTable(crc32.Castagnoli)

var errFrame = errors.New("the stream is damaged")

// appendFrame appends a frame whose payload is a then b.
func appendFrame(dst []byte, k kind, a, b []byte) []byte {
	start := len(dst)
	dst = append(dst, byte(k))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(a)+len(b)))
	dst = append(append(dst, a...), b...)
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], table))
}

func appendRecord(dst []byte, seq uint64, body []byte) []byte {
	var head [8]byte
	binary.LittleEndian.PutUint64(head[:], seq)
	return appendFrame(dst, kindRecord, head[:], body)
}

func appendTick(dst []byte, rev uint64, at charge.Millis) []byte {
	var p [16]byte
	binary.LittleEndian.PutUint64(p[:], rev)
	binary.LittleEndian.PutUint64(p[8:], uint64(at))
	return appendFrame(dst, kindTick, p[:], nil)
}

// frameReader reads frames; a payload is valid until the next call.
type frameReader struct {
	r   *bufio.Reader
	buf []byte
}

func newFrameReader(r io.Reader) *frameReader { return &frameReader{r: bufio.NewReaderSize(r, 64<<10)} }

// next returns the next whole frame. io.EOF is for an end between frames.
func (f *frameReader) next() (kind, []byte, error) {
	var head [frameHead]byte
	if _, err := io.ReadFull(f.r, head[:]); err != nil {
		return 0, nil, err
	}
	size := int(binary.LittleEndian.Uint32(head[1:]))
	if size > maxFrame {
		return 0, nil, fmt.Errorf("%w: a frame of %d bytes", errFrame, size)
	}
	f.buf = f.buf[:0]
	for want := size + 4; len(f.buf) < want; {
		at := len(f.buf)
		n := min(want-at, believed)
		if cap(f.buf) < at+n {
			f.buf = append(f.buf, make([]byte, n)...)
		}
		f.buf = f.buf[:at+n]
		if _, err := io.ReadFull(f.r, f.buf[at:]); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return 0, nil, err
		}
	}
	sum := crc32.Update(crc32.Checksum(head[:], table), table, f.buf[:size])
	if sum != binary.LittleEndian.Uint32(f.buf[size:]) {
		return 0, nil, fmt.Errorf("%w: a frame has a wrong sum", errFrame)
	}
	return kind(head[0]), f.buf[:size], nil
}

func parseRecord(p []byte) (seq uint64, body []byte, err error) {
	if len(p) < 8 {
		return 0, nil, fmt.Errorf("%w: a record of %d bytes", errFrame, len(p))
	}
	return binary.LittleEndian.Uint64(p), p[8:], nil
}

func parseTick(p []byte) (rev uint64, at charge.Millis, err error) {
	if len(p) != 16 {
		return 0, 0, fmt.Errorf("%w: a tick of %d bytes", errFrame, len(p))
	}
	return binary.LittleEndian.Uint64(p), charge.Millis(binary.LittleEndian.Uint64(p[8:])), nil
}
