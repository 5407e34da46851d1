package report

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// members is what is known of the object in work. A member is a bit: the
// optional ones of reports are those of [charge.Has], the others are below.
type members struct {
	got, bad uint32
	wrong    [32]wrong // for the bits of bad
}

// wrong is a value that could not be taken.
type wrong struct {
	from, to int32 // its place in the payload
	why      why
}

// Bits that are not [charge.Has] bits.
const (
	bitLon = 1 << (24 + iota)
	bitLat
	bitCRS
	bitElement // set in bad: the element is no object
	bitEnd     // no member: the object ended, or it is no JSON
	bitID      // the VIN of vehicles
	bitTS
	bitStatus
)

func (d *Decoder) isNumber(i int) bool {
	c := d.peek(i)
	return c-'0' <= 9 || c == '-'
}

// take notes that the value of bit is in order.
func (m *members) take(bit uint32) {
	m.got |= bit
	m.bad &^= bit
}

// spoil notes that the value of bit, from i to j, is not.
func (m *members) spoil(bit uint32, i, j int, y why) int {
	m.got &^= bit
	m.bad |= bit
	m.wrong[bits.TrailingZeros32(bit)] = wrong{int32(i), int32(j), y}
	return j
}

// drop forgets what an earlier member of the same name said.
func (m *members) drop(bit uint32) {
	m.got &^= bit
	m.bad &^= bit
}

// other reads the value at i, which is not of bit's type: null means absent.
func (d *Decoder) other(i int, bit uint32, y why) int {
	j := d.skip(i, d.depth+1)
	if j < 0 {
		return j
	}
	if d.b[i] == 'n' {
		d.drop(bit)
		return j
	}
	return d.spoil(bit, i, j, y)
}

// float reads a number into dst. Here is its most usual form: less than eight
// digits before the point and behind it, no exponent, and something behind it.
// Both mantissa and power of ten are exact, so the quotient is rounded correctly.
func (d *Decoder) float(i int, bit uint32, dst *float64) int {
	at := i
	if uint(i) >= uint(len(d.b)) || len(d.b)-i < 20 {
		return d.floatLong(i, bit, dst)
	}
	neg := d.b[i] == '-'
	if neg {
		at++
	}
	b := d.b[at : at+19]
	mant, n := eight(binary.LittleEndian.Uint64(b))
	if uint(n-1) >= 7 || b[0] == '0' && n > 1 {
		return d.floatLong(i, bit, dst)
	}
	f, end := float64(int64(mant)), n
	if b[n] == '.' {
		more, m := eight(binary.LittleEndian.Uint64(b[n+1:]))
		if uint(m-1) >= 7 {
			return d.floatLong(i, bit, dst)
		}
		f = float64(int64(mant*tens[m&15]+more)) / pow10[m&15]
		end += 1 + m
	}
	if b[end]|0x20 == 'e' {
		return d.floatLong(i, bit, dst)
	}
	if neg {
		f = -f
	}
	*dst = f
	d.take(bit)
	return at + end
}

// floatLong is float for every other value.
func (d *Decoder) floatLong(i int, bit uint32, dst *float64) int {
	if !d.isNumber(i) {
		return d.other(i, bit, notNumber)
	}
	n, j := d.number(i)
	if j < 0 {
		return j
	}
	f, ok := n.float(d.view(i, j))
	if !ok {
		return d.spoil(bit, i, j, notFinite)
	}
	*dst = f
	d.take(bit)
	return j
}

// code reads one of the codes in set (bit n for code n; 255 is bit 63) into dst.
func (d *Decoder) code(i int, bit uint32, dst *uint8, set uint64, y why) int {
	if uint(i) < uint(len(d.b)) && len(d.b)-i >= 8 {
		b := d.b[i : i+8]
		m, n := eight(binary.LittleEndian.Uint64(b))
		at := m
		if m == 255 {
			at = 63
		} else if m > 62 {
			at = 64 // no code
		}
		if uint(n-1) < 3 && at < 64 && set>>(at&63)&1 != 0 && (b[n&7] == ',' || b[n&7] == '}') && (b[0] != '0' || n == 1) {
			*dst = uint8(m)
			d.take(bit)
			return i + n
		}
	}
	if !d.isNumber(i) {
		return d.other(i, bit, notNumber)
	}
	n, j := d.number(i)
	if j < 0 {
		return j
	}
	m, w := n.integer(d.view(i, j))
	at := m
	if m == 255 {
		at = 63
	} else if m > 62 {
		w = tooLarge
	}
	if w != isWhole || n.neg && m != 0 || set>>at&1 == 0 {
		return d.spoil(bit, i, j, y)
	}
	*dst = uint8(m)
	d.take(bit)
	return j
}

// string reads a string into dst if ok allows it.
func (d *Decoder) string(i int, bit uint32, dst *string, ok func(string) bool, y why) int {
	if d.peek(i) != '"' {
		return d.other(i, bit, notString)
	}
	v, j := d.str(i)
	if j < 0 {
		return j
	}
	*dst = v
	if !ok(v) {
		return d.spoil(bit, i, j, y)
	}
	d.take(bit)
	return j
}

// word is string for texts whose characters are all of a class in idChars: most
// is how many there may be, which is how many there must be of class 2.
func (d *Decoder) word(i int, bit uint32, dst *string, class uint8, most int, ok func(string) bool, y why) int {
	b := d.b
	if uint(i) < uint(len(b)) && b[i] == '"' {
		j := i + 1
		for uint(j) < uint(len(b)) && idChars[b[j]] >= class {
			j++
		}
		n := j - i - 1
		if uint(j) < uint(len(b)) && b[j] == '"' && (n == most || class == 1 && n > 2 && n < most) {
			*dst = d.view(i+1, j)
			d.take(bit)
			return j + 1
		}
	}
	return d.string(i, bit, dst, ok, y)
}

// id reads a pile's id into dst.
func (d *Decoder) id(i int, bit uint32, dst *string) int {
	return d.word(i, bit, dst, 1, 64, isID, notID)
}

// vin reads a VIN into dst.
func (d *Decoder) vin(i int, bit uint32, dst *string, y why) int {
	return d.word(i, bit, dst, 2, 17, isVIN, y)
}

// orEmpty is string for members of which "" says the same as absent.
func (d *Decoder) orEmpty(i int, bit uint32, dst *string, ok func(string) bool, y why) int {
	if d.peek(i) == '"' && d.peek(i+1) == '"' {
		d.drop(bit)
		return i + 2
	}
	return d.string(i, bit, dst, ok, y)
}

// time reads a moment into dst.
func (d *Decoder) time(i int, bit uint32, dst *charge.Millis) int {
	if uint(i) < uint(len(d.b)) && len(d.b)-i >= 16 {
		// Milliseconds from the year 2001 to 2286 have 13 digits.
		b := d.b[i : i+16]
		m, n := eight(binary.LittleEndian.Uint64(b))
		more, k := eight(binary.LittleEndian.Uint64(b[8:]))
		if n == 8 && k == 5 && (b[13] == ',' || b[13] == '}') && b[0] != '0' {
			*dst = charge.Millis(m*1e5 + more)
			d.take(bit)
			return i + 13
		}
	}
	if d.peek(i) == '"' {
		v, j := d.str(i)
		if j < 0 {
			return j
		}
		t, ok := parseTime(v)
		if !ok {
			return d.spoil(bit, i, j, notTime)
		}
		*dst = t
		d.take(bit)
		return j
	}
	if !d.isNumber(i) {
		return d.other(i, bit, notTime)
	}
	n, j := d.number(i)
	if j < 0 {
		return j
	}
	m, w := n.integer(d.view(i, j))
	if w == hasFraction {
		return d.spoil(bit, i, j, notTime)
	}
	t := charge.Millis(m)
	if n.neg {
		t = -t
	}
	if w == tooLarge || m > maxMillis || t < minMillis {
		return d.spoil(bit, i, j, notMoment)
	}
	*dst = t
	d.take(bit)
	return j
}

// found adds a finding to those of the element in work.
func (d *Decoder) found(rule charge.Rule, act charge.Action, format string, args ...any) {
	d.findings = append(d.findings, charge.Finding{Rule: rule, Action: act, Detail: fmt.Sprintf(format, args...)})
}

// spoilt tells what is wrong with the value of m.
func (d *Decoder) spoilt(m named, act charge.Action) charge.Finding {
	at := bits.TrailingZeros32(m.bit)
	w := d.wrong[at]
	if w.why == notDeep {
		f := d.deep[at]
		f.Action = act
		return f
	}
	r := reasons[w.why]
	return charge.Finding{Rule: r.rule, Action: act,
		Detail: d.path + m.name + " " + quote(string(d.b[w.from:w.to])) + " " + r.text}
}

// named is a member's name with its bit.
type named struct {
	name string
	bit  uint32
}

var theReport = named{"the report", bitElement}

// fault returns why the object in work cannot be taken: it is none, or the
// first of its required members that is missing or bad.
func (d *Decoder) fault(required []named, act charge.Action) (charge.Finding, bool) {
	if d.bad&bitElement != 0 {
		return d.spoilt(theReport, act), true
	}
	for _, m := range required {
		switch {
		case d.bad&m.bit != 0:
			return d.spoilt(m, act), true
		case d.got&m.bit == 0:
			return charge.Finding{Rule: charge.RuleFieldMissing, Action: act,
				Detail: d.path + m.name + " is missing"}, true
		}
	}
	return charge.Finding{}, false
}

// judge turns what is missing or bad into findings: a required member that
// cannot be rejects the element, every optional one is null.
func (d *Decoder) judge(h *Head, required, optional []named) {
	if f, bad := d.fault(required, charge.ActReject); bad {
		d.findings, h.Rejected = append(d.findings, f), true
		return
	}
	for _, m := range optional {
		if d.bad&m.bit != 0 {
			d.findings = append(d.findings, d.spoilt(m, charge.ActNull))
		}
	}
}
