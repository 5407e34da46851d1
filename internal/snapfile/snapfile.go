// Package snapfile writes and reads checksummed files of named sections, such
// as the snapshots that a restart begins with.
//
// [Write] puts a new file in place of the older ones only when all of it is on
// disk, and keeps the two newest; [Newest] opens the newest that is whole. The
// same framing goes over a connection with [NewWriter] and [Read].
package snapfile

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// Errors of the framing and of a folder.
var (
	ErrNone = errors.New("no whole snapshot")
	ErrTorn = errors.New("snapshot is torn or damaged")
)

// Largest name and body of a section in bytes.
const (
	MaxName = 255
	MaxBody = 1 << 30
)

// The framing, numbers little endian:
//
//	magic   "dianfil1"
//	section 1 u8 | name length u8 | body length u32 | place u64 | name | body | CRC-32C of all before u32
//	end     0 u8 | 0 u8 | 0 u32 | number of sections u64 | CRC-32C u32
const (
	magic      = "dianfil1"
	headBytes  = 14
	kindEnd    = 0
	kindPart   = 1
	readAtOnce = 1 << 20 // a body's announced length is believed in steps of this
)

var table = crc32.MakeTable(crc32.Castagnoli)

// Writer writes sections. It belongs to one goroutine.
type Writer struct {
	w      *bufio.Writer
	sync   func() error // called from time to time; nil for none
	bytes  int
	count  uint64
	maxSeq uint64
	err    error
}

// NewWriter returns a Writer to w. End must be called last.
func NewWriter(w io.Writer) *Writer {
	wr := &Writer{w: bufio.NewWriterSize(w, 64<<10)}
	_, wr.err = wr.w.WriteString(magic)
	return wr
}

// Section writes one section. seq is the log's number that body holds for.
func (w *Writer) Section(name string, seq uint64, body []byte) error {
	if len(name) > MaxName || len(body) > MaxBody {
		return fmt.Errorf("cannot write section %.40q: name of %d and body of %d bytes are more than %d and %d",
			name, len(name), len(body), MaxName, MaxBody)
	}
	w.frame(kindPart, seq, name, body)
	w.count++
	w.maxSeq = max(w.maxSeq, seq)
	if w.bytes > syncEvery && w.sync != nil && w.err == nil {
		w.bytes = 0
		if w.err = w.w.Flush(); w.err == nil {
			w.err = w.sync()
		}
	}
	return w.err
}

// End writes the end, without which the whole is torn, and flushes.
func (w *Writer) End() error {
	w.frame(kindEnd, w.count, "", nil)
	if w.err == nil {
		w.err = w.w.Flush()
	}
	return w.err
}

// MaxSeq returns the largest place that a section named.
func (w *Writer) MaxSeq() uint64 { return w.maxSeq }

func (w *Writer) frame(kind byte, n uint64, name string, body []byte) {
	if w.err != nil {
		return
	}
	var head [headBytes + MaxName]byte
	h := append(head[:0], kind, byte(len(name)))
	h = binary.LittleEndian.AppendUint32(h, uint32(len(body)))
	h = binary.LittleEndian.AppendUint64(h, n)
	h = append(h, name...)
	sum := crc32.Update(crc32.Checksum(h, table), table, body)
	w.bytes += len(h) + len(body) + 4
	for _, b := range [][]byte{h, body, binary.LittleEndian.AppendUint32(nil, sum)} {
		if _, err := w.w.Write(b); err != nil {
			w.err = err
			return
		}
	}
}

// Read reads what a Writer wrote and calls each for every section; body is
// valid during the call only. Each section is checked before it is handed out,
// but only a nil return says that none is missing: ErrTorn says that the
// stream ended early or is damaged.
func Read(r io.Reader, each func(name string, seq uint64, body []byte) error) error {
	br := bufio.NewReaderSize(r, 64<<10)
	var head [headBytes + MaxName]byte
	if _, err := io.ReadFull(br, head[:len(magic)]); err != nil {
		return torn("its beginning", err)
	}
	if string(head[:len(magic)]) != magic {
		return fmt.Errorf("%w: it does not begin like one", ErrTorn)
	}
	var body bytes.Buffer
	for count := uint64(0); ; count++ {
		if _, err := io.ReadFull(br, head[:headBytes]); err != nil {
			return torn("a section's head", err)
		}
		h := head[:headBytes+int(head[1])]
		size := int64(binary.LittleEndian.Uint32(h[2:]))
		n := binary.LittleEndian.Uint64(h[6:])
		if h[0] > kindPart || size > MaxBody || h[0] == kindEnd && (size > 0 || h[1] > 0) {
			return fmt.Errorf("%w: section %d has no possible head", ErrTorn, count)
		}
		if _, err := io.ReadFull(br, h[headBytes:]); err != nil {
			return torn("a section's name", err)
		}
		body.Reset()
		body.Grow(int(min(size, readAtOnce)))
		if got, err := io.CopyN(&body, br, size); got < size {
			return torn("a section", err)
		}
		var sum [4]byte
		if _, err := io.ReadFull(br, sum[:]); err != nil {
			return torn("a section's sum", err)
		}
		if crc32.Update(crc32.Checksum(h, table), table, body.Bytes()) != binary.LittleEndian.Uint32(sum[:]) {
			return fmt.Errorf("%w: section %d has a wrong sum", ErrTorn, count)
		}
		if h[0] == kindEnd {
			if n != count {
				return fmt.Errorf("%w: %d sections, %d were written", ErrTorn, count, n)
			}
			return nil
		}
		if err := each(string(h[headBytes:]), n, body.Bytes()); err != nil {
			return err
		}
	}
}

// torn says what could not be read, and keeps an error of the connection.
func torn(what string, err error) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it ends within %s", ErrTorn, what)
	}
	return fmt.Errorf("cannot read %s of a snapshot: %w", what, err)
}
