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

// Places that are no member's: those of bitElement and bitEnd.
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

// first goes from the begin of an object at i to the value of its first member
// and returns that as follow does.
func (d *Decoder) first(i int, o *order) (uint32, int) {
	o.last = atBegin
	return d.follow(i, '{', o)
}

// follow goes from i, the end of a value if c is a comma, to the next member's
// value and returns the member's bit; 0 for one that the kind does not have,
// bitEnd if there is none or the payload is not JSON.
func (d *Decoder) follow(i int, c byte, o *order) (uint32, int) {
	due := o.after[o.last&31] & 31
	n := &o.names[due]
	if uint(i) < uint(len(d.b)) && len(d.b)-i > 18 {
		b := d.b[i : i+19]
		if (binary.LittleEndian.Uint64(b[1:])^n.word[0])&n.mask[0]|
			(binary.LittleEndian.Uint64(b[9:])^n.word[1])&n.mask[1] == 0 && b[0] == c && b[n.end&15+2] == ':' {
			o.last = due
			if b[n.end&15+3] > ' ' {
				return n.bit, i + int(n.end) + 3
			}
			return n.bit, d.space(i + int(n.end) + 3)
		}
	}
	more := false
	if c == '{' {
		i, more = d.enter(i)
	} else {
		i, more = d.next(i)
	}
	if !more {
		return bitEnd, i
	}
	return d.member(i, o)
}

// member is follow for members that were not expected; the name is at i.
func (d *Decoder) member(i int, o *order) (uint32, int) {
	key, i := d.name(i)
	if i < 0 {
		return bitEnd, i
	}
	bit, place := o.bits[key], uint8(atOther)
	if bit != 0 {
		place = uint8(bits.TrailingZeros32(bit))
	}
	o.after[o.last&31], o.last = place, place
	return bit, i
}
