package spool

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A segment file is named after its first record, twenty digits and ".seg".
//
//	header  magic "dianspl1" | first u64 | before u64 | CRC-32C of the 24 bytes u32 | 0 u32
//	record  length u32 | CRC-32C of number and body u32 | number u64 | body
//
// Numbers are little endian. "before" is the number that would have come next
// when the segment was made: first, unless numbers were jumped over on purpose.
// A record carries its number, so that what follows a damaged stretch can be
// found again without any doubt.
const (
	segmentMagic  = "dianspl1"
	segmentHeader = 32
	recordHeader  = 16
	segmentSuffix = ".seg"
)

var crcTable = crc32.MakeTable(crc32.Castagnoli)

// segment is one file. Its fields are guarded by Spool.mu, the file belongs to
// the flusher.
type segment struct {
	path   string
	first  uint64 // number of its first record
	before uint64 // see the format
	size   int64  // durable bytes, header included
	file   file   // nil unless it is written to
}

func (g *segment) close() error {
	if g.file == nil {
		return nil
	}
	f := g.file
	g.file = nil
	if err := f.Close(); err != nil {
		return fmt.Errorf("cannot close %s: %w", g.path, err)
	}
	return nil
}

// segmentPath returns the path of the segment that begins with record first.
func segmentPath(dir string, first uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%020d%s", first, segmentSuffix))
}

// segmentFirst returns the number in a segment's file name.
func segmentFirst(name string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, segmentSuffix)
	if !ok || len(digits) != 20 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil && n > 0
}

// appendSegmentHeader appends the header of a segment.
func appendSegmentHeader(dst []byte, first, before uint64) []byte {
	at := len(dst)
	dst = append(dst, segmentMagic...)
	dst = binary.LittleEndian.AppendUint64(dst, first)
	dst = binary.LittleEndian.AppendUint64(dst, before)
	dst = binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[at:], crcTable))
	return append(dst, 0, 0, 0, 0)
}

// parseSegmentHeader returns first and before, or false for anything else.
func parseSegmentHeader(b []byte) (first, before uint64, ok bool) {
	if len(b) < segmentHeader || string(b[:8]) != segmentMagic ||
		crc32.Checksum(b[:24], crcTable) != binary.LittleEndian.Uint32(b[24:]) {
		return 0, 0, false
	}
	return binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint64(b[16:]), true
}

// appendRecord appends one framed record.
func appendRecord(dst []byte, seq uint64, body []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(body)))
	dst = binary.LittleEndian.AppendUint32(dst, 0)
	at := len(dst)
	dst = binary.LittleEndian.AppendUint64(dst, seq)
	dst = append(dst, body...)
	binary.LittleEndian.PutUint32(dst[at-4:], crc32.Checksum(dst[at:], crcTable))
	return dst
}

// verdict of parseRecord.
type verdict uint8

const (
	whole verdict = iota
	short         // b may be the beginning of a record
	bad           // b does not begin with a record
)

// parseRecord reads the record at the beginning of b; n is its length with the
// header, also of one that is short.
func parseRecord(b []byte) (seq uint64, body []byte, n int, v verdict) {
	if len(b) < recordHeader {
		return 0, nil, recordHeader, short
	}
	size := binary.LittleEndian.Uint32(b)
	seq = binary.LittleEndian.Uint64(b[8:])
	if size > MaxBody || seq == 0 {
		return 0, nil, 0, bad
	}
	n = recordHeader + int(size)
	if len(b) < n {
		return seq, nil, n, short
	}
	if crc32.Checksum(b[8:n], crcTable) != binary.LittleEndian.Uint32(b[4:]) {
		return 0, nil, n, bad
	}
	return seq, b[recordHeader:n:n], n, whole
}

// scan walks through a segment's bytes behind its header and calls each for
// every whole record from least on, until the first that is not whole. It
// returns the offset behind the last good one, and its number (least-1 if none).
func scan(b []byte, least uint64, each func(seq uint64, body []byte)) (good int, last uint64) {
	last = least - 1
	for good < len(b) {
		seq, body, n, v := parseRecord(b[good:])
		if v != whole || seq != last+1 {
			return good, last
		}
		if each != nil {
			each(seq, body)
		}
		good += n
		last = seq
	}
	return good, last
}

// resync looks in b for the first whole record with a number from least up to
// below limit and returns its offset, or -1.
func resync(b []byte, least, limit uint64) int {
	for i := 0; i+recordHeader <= len(b); i++ {
		if seq := binary.LittleEndian.Uint64(b[i+8:]); seq < least || seq >= limit {
			continue
		}
		if seq, _, _, v := parseRecord(b[i:]); v == whole && seq >= least && seq < limit {
			return i
		}
	}
	return -1
}

// file is what the flusher does to a segment.
type file interface {
	Write(b []byte) (int, error)
	Sync() error
	Truncate(size int64) error
	Seek(offset int64, whence int) (int64, error)
	Close() error
}

// disk is the file system as far as it can fail; tests put a failing one here.
type disk interface {
	Create(path string) (file, error)
	Append(path string) (file, error)
	SyncDir(dir string) error
	Free(dir string) (int64, error)
}

type realDisk struct{}

func (realDisk) Create(path string) (file, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640)
}

func (realDisk) Append(path string) (file, error) { return os.OpenFile(path, os.O_WRONLY, 0) }

func (realDisk) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

func (realDisk) Free(dir string) (int64, error) { return freeBytes(dir) }
