package report

import (
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
	_
	bitID // the VIN of vehicles
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

// float reads a number into dst.
func (d *Decoder) float(i int, bit uint32, dst *float64) int {
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
