package report

import (
	"math"
	"math/bits"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// softFinding is about an optional member of a nested object, which is null.
type softFinding struct {
	bit     uint32 // the element's member that it is in
	finding charge.Finding
}

// object reads the members of the nested object at i into a members of its own.
// fault tells why it cannot be taken as a whole. name is how findings call it,
// under is the bit of the element's member that it is in.
func (d *Decoder) object(i int, name string, under uint32, required, optional []named, read func(string,
	int) int) (j int, fault *charge.Finding) {
	outer, path := d.members, d.path
	d.members, d.path = members{}, d.path+name+"."
	d.depth++
	from := i
	i, more := d.enter(i)
	for more {
		var key string
		if key, i = d.name(i); i < 0 {
			break
		}
		i, more = d.next(read(key, i))
	}
	if i >= 0 {
		if d.bad&bitElement != 0 {
			fault = &charge.Finding{Rule: charge.RuleFieldType, Action: charge.ActNull,
				Detail: path + name + " " + quote(string(d.b[from:i])) + " is not an object"}
		} else if f, bad := d.fault(required, charge.ActNull); bad {
			fault = &f
		} else {
			for _, m := range optional {
				if d.bad&m.bit != 0 {
					d.soft = append(d.soft, softFinding{under, d.spoilt(m, charge.ActNull)})
				}
			}
		}
	}
	d.depth--
	d.members, d.path = outer, path
	return i, fault
}

// list reads the array at i, which is the value of bit: one reads the element
// at i and returns what is wrong with it. Of several faults the first counts.
func (d *Decoder) list(i int, bit uint32, name string, most int, one func(path string, i int) (int,
	*charge.Finding)) int {
	if d.peek(i) != '[' {
		return d.other(i, bit, notArray)
	}
	from, n := i, 0
	var fault *charge.Finding
	d.depth++
	if i = d.space(i + 1); d.peek(i) == ']' {
		i++
	} else {
		for i > 0 {
			var f *charge.Finding
			if n >= most { // goes on, to see whether it is JSON at all
				i = d.skip(i, d.depth+1)
			} else if i, f = one(name+"["+strconv.Itoa(n)+"]", i); fault == nil {
				fault = f
			}
			n++
			if i < 0 {
				break
			}
			i = d.space(i)
			c := d.peek(i)
			if c == ']' {
				i++
				break
			}
			if c != ',' {
				i = d.fail(i, "a comma or a closing bracket was expected")
				break
			}
			i = d.space(i + 1)
		}
	}
	d.depth--
	if i < 0 {
		return i
	}
	if n > most {
		fault = &charge.Finding{Rule: charge.RuleFieldValue,
			Detail: d.path + name + " has " + strconv.Itoa(n) + " elements, more than " + strconv.Itoa(most)}
	}
	return d.settle(from, i, bit, fault)
}

// settle notes that bit's value, from i to j, is in order, or what is wrong inside it.
func (d *Decoder) settle(i, j int, bit uint32, fault *charge.Finding) int {
	if j < 0 {
		return j
	}
	if fault == nil {
		d.take(bit)
		return j
	}
	d.deep[bits.TrailingZeros32(bit)] = *fault
	return d.spoil(bit, i, j, notDeep)
}

// renew forgets what was found inside an earlier value of bit.
func (d *Decoder) renew(bit uint32) {
	kept := d.soft[:0]
	for _, s := range d.soft {
		if s.bit != bit {
			kept = append(kept, s)
		}
	}
	d.soft = kept
	d.drop(bit)
}

// soften adds what was found inside values that were taken.
func (d *Decoder) soften() {
	for _, s := range d.soft {
		if d.got&s.bit != 0 {
			d.findings = append(d.findings, s.finding)
		}
	}
}

// choice reads a word of words into dst as its place there.
func choice[T ~uint8](d *Decoder, i int, bit uint32, dst *T, words []string, y why) int {
	var v string
	ok := func(v string) bool {
		for n, w := range words {
			if v == w {
				*dst = T(n)
				return true
			}
		}
		return false
	}
	return d.string(i, bit, &v, ok, y)
}

// bounded reads a number from low to high into dst.
func (d *Decoder) bounded(i int, bit uint32, dst *float64, low, high float64, y why) int {
	j := d.float(i, bit, dst)
	if j >= 0 && d.got&bit != 0 && (*dst < low || *dst > high) {
		return d.spoil(bit, i, j, y)
	}
	return j
}

// integer reads a whole number from 0 to most into dst.
func (d *Decoder) integer(i int, bit uint32, dst *int64, most uint64, y why) int {
	if !d.isNumber(i) {
		return d.other(i, bit, notNumber)
	}
	n, j := d.number(i)
	if j < 0 {
		return j
	}
	m, w := n.integer(d.view(i, j))
	if w != isWhole || n.neg && m != 0 || m > most {
		return d.spoil(bit, i, j, y)
	}
	*dst = int64(m)
	d.take(bit)
	return j
}

// maxYuan bounds amounts, so that sums of them are exact.
const maxYuan = 100_000_000

// money reads an amount of yuan into dst, in units of 10^-places yuan, rounded half up.
func (d *Decoder) money(i int, bit uint32, dst *int64, places int32) int {
	if !d.isNumber(i) {
		return d.other(i, bit, notNumber)
	}
	n, j := d.number(i)
	if j < 0 {
		return j
	}
	f, ok := n.float(d.view(i, j))
	if !ok || f < 0 || f > maxYuan {
		return d.spoil(bit, i, j, notAmount)
	}
	*dst = n.decimal(f, places)
	d.take(bit)
	return j
}

// decimal returns n · 10^places as a whole number, rounded half up; f is n.
// Taken from the digits themselves, since 1.005 · 100 is 100.49999….
func (n number) decimal(f float64, places int32) int64 {
	e := n.exp + places
	if n.long || e > 8 || e < -18 {
		return int64(math.Round(f * pow10[places]))
	}
	m := n.mant
	for ; e > 0; e-- {
		m *= 10
	}
	if e < 0 {
		unit := uint64(pow10[-e])
		m = m/unit + (m%unit+unit/2)/unit
	}
	return int64(m)
}

// boolean reads true or false into dst.
func (d *Decoder) boolean(i int, bit uint32, dst *bool) int {
	if c := d.peek(i); c != 't' && c != 'f' {
		return d.other(i, bit, notBool)
	}
	j := d.literal(i)
	if j >= 0 {
		*dst = d.b[i] == 't'
		d.take(bit)
	}
	return j
}

// clock reads a time of day, "HH:MM" up to "24:00", into dst as minutes.
func (d *Decoder) clock(i int, bit uint32, dst *int) int {
	var v string
	ok := func(v string) (ok bool) {
		*dst, ok = minutes(v)
		return ok
	}
	return d.string(i, bit, &v, ok, notClock)
}

func minutes(v string) (int, bool) {
	if len(v) != 5 || v[2] != ':' || v[0]-'0' > 9 || v[1]-'0' > 9 || v[3]-'0' > 5 || v[4]-'0' > 9 {
		return 0, false
	}
	m := int(v[0]-'0')*600 + int(v[1]-'0')*60 + int(v[3]-'0')*10 + int(v[4]-'0')
	return m, m <= 1440
}

func isHours(v string) bool {
	from, to, _ := strings.Cut(v, "-")
	_, a := minutes(from)
	_, b := minutes(to)
	return a && b
}

func isDistrict(v string) bool {
	if len(v) != 6 {
		return false
	}
	for i := range len(v) {
		if v[i]-'0' > 9 {
			return false
		}
	}
	return true
}

func isName(v string) bool {
	return v != "" && (len(v) <= 128 || len(v) <= 4*128 && utf8.RuneCountInString(v) <= 128)
}

func isLine(v string) bool {
	return len(v) <= 256 || len(v) <= 4*256 && utf8.RuneCountInString(v) <= 256
}
