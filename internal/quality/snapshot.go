package quality

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// memoryVersion is the first byte of an encoded memory. Further members come
// with the next number; Decode goes on reading the old ones.
const memoryVersion = 1

var errMemory = errors.New("cannot read memory of rules: it is cut off or of an unknown version")

// Append appends m's encoded form, which knows where it ends.
func (m *PileMemory) Append(dst []byte) []byte {
	dst = m.append(append(dst, memoryVersion))
	dst = append(dst, byte(m.status))
	return binary.LittleEndian.AppendUint64(dst, math.Float64bits(m.power))
}

// Decode reads what [PileMemory.Append] wrote and returns what follows it.
func (m *PileMemory) Decode(b []byte) (rest []byte, err error) {
	*m = PileMemory{}
	if b, err = m.decode(b); err != nil {
		return nil, err
	}
	if len(b) < 9 {
		return nil, errMemory
	}
	m.status, m.power = charge.Status(b[0]), math.Float64frombits(binary.LittleEndian.Uint64(b[1:]))
	return b[9:], nil
}

// Append appends m's encoded form, which knows where it ends.
func (m *VehicleMemory) Append(dst []byte) []byte { return m.append(append(dst, memoryVersion)) }

// Decode reads what [VehicleMemory.Append] wrote and returns what follows it.
func (m *VehicleMemory) Decode(b []byte) (rest []byte, err error) {
	*m = VehicleMemory{}
	return m.decode(b)
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
	if len(b) == 0 || b[0] != memoryVersion {
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
