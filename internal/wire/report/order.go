package report

import (
	"encoding/binary"
	"math/bits"
)

// order knows the members of one kind of report and in which order the last
// ones came: who sends reports sends all with the same members in the same
// order, so the next name is compared with the one that is due before it is
// read as a string and looked up.
type order struct {
	last  uint8             // place of the member that came last
	after [32]uint8         // by place: the place of the member that followed it
	names [32]nameBytes     // by place, which is the number of the member's bit
	bits  map[string]uint32 // by name, of all members
}

// Places that are no member's: those of bitElement and of the bit behind it.
const (
	atBegin = 27
	atOther = 28
)

// nameBytes is a name with its quotation marks as two little-endian words, of
// which the bits of mask count.
type nameBytes struct {
	word, mask [2]uint64
	end        uint8 // the place of the second mark, at most 15
	bit        uint32
}

// newOrder returns the order for members whose names have at most 14 bytes.
func newOrder(lists ...[]named) order {
	o := order{bits: map[string]uint32{}}
	for i := range o.names {
		o.names[i].mask[0] = 1<<64 - 1 // and the word is 0, which stands in no JSON
	}
	for _, list := range lists {
		for _, m := range list {
			o.bits[m.name] = m.bit
			text := `"` + m.name + `"`
			if len(text) > 16 {
				continue // it is always looked up
			}
			n := &o.names[bits.TrailingZeros32(m.bit)]
			*n = nameBytes{end: uint8(len(text) - 1), bit: m.bit}
			for i := range len(text) {
				n.word[i/8] |= uint64(text[i]) << (i % 8 * 8)
				n.mask[i/8] |= 0xff << (i % 8 * 8)
			}
		}
	}
	return o
}

// member reads the name at i and returns the member's bit, 0 for one that the
// kind does not have, and the place of the value.
func (d *Decoder) member(i int, o *order) (uint32, int) {
	due := o.after[o.last&31] & 31
	n := &o.names[due]
	if uint(i) < uint(len(d.b)) && len(d.b)-i > 16 {
		b := d.b[i : i+17]
		if (binary.LittleEndian.Uint64(b)^n.word[0])&n.mask[0]|
			(binary.LittleEndian.Uint64(b[8:])^n.word[1])&n.mask[1] == 0 && b[n.end&15+1] == ':' {
			o.last = due
			return n.bit, d.space(i + int(n.end) + 2)
		}
	}
	key, i := d.name(i)
	if i < 0 {
		return 0, i
	}
	bit, place := o.bits[key], uint8(atOther)
	if bit != 0 {
		place = uint8(bits.TrailingZeros32(bit))
	}
	o.after[o.last&31], o.last = place, place
	return bit, i
}
