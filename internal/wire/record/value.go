package record

import (
	"encoding/binary"
	"math"
)

// Tags of a float, the two low bits of its varint.
const (
	tagTenths  = 0 // zigzag(x · 10)
	tagCents   = 1 // zigzag(x · 100)
	tagMicros  = 2 // zigzag(x · 1,000,000)
	tagRaw     = 3 // the IEEE 754 bits follow in 8 bytes, little endian
	exactBelow = 1 << 52
)

// appendFloat appends x so that it comes back bit for bit: as a scaled decimal
// where that is exact (most readings have one or two decimals), else raw.
func appendFloat(dst []byte, x float64) []byte {
	bits := math.Float64bits(x)
	if m, ok := scaled(x, bits, 10); ok {
		return appendUint(dst, zigzag(m)<<2|tagTenths)
	}
	if m, ok := scaled(x, bits, 100); ok {
		return appendUint(dst, zigzag(m)<<2|tagCents)
	}
	if m, ok := scaled(x, bits, 1e6); ok {
		return appendUint(dst, zigzag(m)<<2|tagMicros)
	}
	return binary.LittleEndian.AppendUint64(append(dst, tagRaw), bits)
}

// appendDegrees is appendFloat for values that mostly have six decimals.
func appendDegrees(dst []byte, x float64) []byte {
	if m, ok := scaled(x, math.Float64bits(x), 1e6); ok && m%10000 != 0 {
		return appendUint(dst, zigzag(m)<<2|tagMicros)
	}
	return appendFloat(dst, x)
}

// scaled returns the whole number that gives x back when divided by unit.
func scaled(x float64, bits uint64, unit float64) (int64, bool) {
	v := x * unit
	if !(v > -exactBelow && v < exactBelow) { // also false for NaN
		return 0, false
	}
	m := int64(v + math.Copysign(0.5, v))
	return m, math.Float64bits(float64(m)/unit) == bits
}

func zigzag(v int64) uint64 { return uint64(v)<<1 ^ uint64(v>>63) }

func appendUint(dst []byte, v uint64) []byte {
	for v >= 0x80 {
		dst = append(dst, byte(v)|0x80)
		v >>= 7
	}
	return append(dst, byte(v))
}

func appendString(dst []byte, s string) []byte {
	return append(appendUint(dst, uint64(len(s))), s...)
}
