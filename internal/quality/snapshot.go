package quality

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// memoryVersion is the first byte of an encoded memory. Further members come
// with the next number; Decode goes on reading the old ones. 2 has all that
// came with the rules that compare a report with the last one.
const memoryVersion = 2

var errMemory = errors.New("cannot read memory of rules: it is cut off or of an unknown version")

// Append appends m's encoded form, which knows where it ends.
func (m *PileMemory) Append(dst []byte) []byte {
	dst = m.append(append(dst, memoryVersion))
	dst = append(dst, byte(m.status))
	dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(m.power))
	dst = append(dst, m.run)
	for _, v := range [...]uint32{
		m.order, uint32(m.energy), uint32(m.energy0), uint32(m.soc), uint32(m.soc0),
		uint32(m.noPower), uint32(m.changed), uint32(m.quiet), uint32(m.bills.day), uint32(m.bills.count),
	} {
		dst = binary.AppendUvarint(dst, uint64(v))
	}
	for _, s := range m.bills.last {
		for _, v := range [...]uint32{s.id, uint32(s.start), uint32(s.end)} {
			dst = binary.AppendUvarint(dst, uint64(v))
		}
	}
	return dst
}

// Decode reads what [PileMemory.Append] wrote and returns what follows it.
func (m *PileMemory) Decode(b []byte) (rest []byte, err error) {
	*m = PileMemory{}
	version := versionOf(b)
	if b, err = m.decode(b); err != nil {
		return nil, err
	}
	if len(b) < 9 {
		return nil, errMemory
	}
	m.status, m.power = charge.Status(b[0]), math.Float64frombits(binary.LittleEndian.Uint64(b[1:]))
	if b = b[9:]; version == 1 {
		return b, nil
	}
	if len(b) == 0 {
		return nil, errMemory
	}
	m.run, b = b[0], b[1:]
	r := members{b: b}
	m.order = r.next(math.MaxUint32)
	m.energy, m.energy0 = watts(r.next(math.MaxUint32)), watts(r.next(math.MaxUint32))
	m.soc, m.soc0 = percent(r.next(math.MaxUint16)), percent(r.next(math.MaxUint16))
	m.noPower, m.changed, m.quiet = r.seconds(), r.seconds(), r.seconds()
	m.bills.day, m.bills.count = uint16(r.next(math.MaxUint16)), uint16(r.next(math.MaxUint16))
	for i := range m.bills.last {
		s := &m.bills.last[i]
		s.id, s.start, s.end = r.next(math.MaxUint32), r.seconds(), r.seconds()
	}
	return r.b, r.err
}

// Append appends m's encoded form, which knows where it ends.
func (m *VehicleMemory) Append(dst []byte) []byte {
	dst = m.append(append(dst, memoryVersion))
	mark := byte(0)
	if m.driving {
		mark |= 1
	}
	if m.still {
		mark |= 2
	}
	dst = append(dst, mark, m.doubts)
	for _, x := range [...]fix{m.fix, m.doubt} {
		dst = binary.AppendUvarint(dst, uint64(x.at))
		dst = binary.AppendVarint(dst, int64(x.lon))
		dst = binary.AppendVarint(dst, int64(x.lat))
	}
	for _, v := range [...]uint32{uint32(m.odo), uint32(m.odoAt), uint32(m.soc), uint32(m.socAt), uint32(m.stuck)} {
		dst = binary.AppendUvarint(dst, uint64(v))
	}
	return dst
}

// Decode reads what [VehicleMemory.Append] wrote and returns what follows it.
func (m *VehicleMemory) Decode(b []byte) (rest []byte, err error) {
	*m = VehicleMemory{}
	version := versionOf(b)
	if b, err = m.decode(b); err != nil || version == 1 {
		return b, err
	}
	if len(b) < 2 || b[0] > 3 {
		return nil, errMemory
	}
	m.driving, m.still, m.doubts = b[0]&1 != 0, b[0]&2 != 0, b[1]
	r := members{b: b[2:]}
	for _, x := range [...]*fix{&m.fix, &m.doubt} {
		x.at, x.lon, x.lat = r.seconds(), r.signed(), r.signed()
	}
	m.odo, m.odoAt = metres(r.next(math.MaxUint32)), r.seconds()
	m.soc, m.socAt, m.stuck = percent(r.next(math.MaxUint16)), r.seconds(), r.seconds()
	return r.b, r.err
}

func versionOf(b []byte) byte {
	if len(b) == 0 {
		return 0
	}
	return b[0]
}

// members reads varints; the first that cannot be ends it.
type members struct {
	b   []byte
	err error
}

func (r *members) next(most uint64) uint32 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > most {
		r.b, r.err = nil, errMemory
		return 0
	}
	r.b = r.b[n:]
	return uint32(v)
}

func (r *members) seconds() seconds { return seconds(r.next(math.MaxUint32)) }

func (r *members) signed() int32 {
	u := r.next(math.MaxUint32)
	return int32(u>>1) ^ -int32(u&1)
}

func (m *memory) append(dst []byte) []byte {
	dst = binary.AppendVarint(dst, int64(m.last))
	dst = binary.AppendVarint(dst, int64(m.last-m.at))
	dst = binary.AppendUvarint(dst, uint64(m.gap))
	dst = binary.AppendUvarint(dst, uint64(m.day))
	dst = binary.AppendUvarint(dst, uint64(m.changes))
	n := 0
	for n < kept && m.prints[n] != 0 {
		n++
	}
	dst = append(dst, m.next, byte(n))
	dst = binary.LittleEndian.AppendUint64(dst, m.print)
	for _, p := range m.prints[:n] {
		dst = binary.LittleEndian.AppendUint64(dst, p)
	}
	return dst
}

func (m *memory) decode(b []byte) ([]byte, error) {
	if v := versionOf(b); v < 1 || v > memoryVersion {
		return nil, errMemory
	}
	b = b[1:]
	var v [5]uint64
	for i := range v {
		u, n := binary.Uvarint(b)
		if n <= 0 {
			return nil, errMemory
		}
		v[i], b = u, b[n:]
	}
	signed := func(u uint64) charge.Millis { return charge.Millis(int64(u>>1) ^ -int64(u&1)) }
	m.last = signed(v[0])
	m.at = m.last - signed(v[1])
	m.gap, m.day, m.changes = uint32(v[2]), uint32(v[3]), uint16(v[4])
	if len(b) < 2+8 || b[0] >= kept || b[1] > kept || len(b) < 2+8+8*int(b[1]) {
		return nil, errMemory
	}
	m.next = b[0]
	n := int(b[1])
	m.print = binary.LittleEndian.Uint64(b[2:])
	b = b[10:]
	for i := range n {
		m.prints[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	return b[8*n:], nil
}
