package report

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
)

// number is a JSON number: ±mant · 10^exp. If it has more digits than mant can
// hold, long is set and only the text counts.
type number struct {
	mant      uint64
	exp       int32
	neg, long bool
}

// maxExp bounds exponents while they are read; beyond it everything is 0 or too large.
const maxExp = 1 << 20

// number reads a number by the grammar of RFC 8259 §6.
func (s *scanner) number(i int) (number, int) {
	var n number
	b := s.b
	if s.peek(i) == '-' {
		n.neg = true
		i++
	}
	first := i
	n.mant, i = s.digits(0, i)
	digits := i - first
	if digits == 0 || digits > 1 && b[first] == '0' {
		return n, s.fail(first, "a number does not begin with a single 0 or another digit")
	}
	if uint(i) < uint(len(b)) && b[i] == '.' {
		dot := i + 1
		if n.mant, i = s.digits(n.mant, dot); i == dot {
			return n, s.fail(i, "a number has no digit after its point")
		}
		digits += i - dot
		n.exp = int32(dot - i)
	}
	n.long = digits > 19 // 10^19 < 2^64
	if c := s.peek(i); c == 'e' || c == 'E' {
		return s.exponent(n, i+1)
	}
	return n, i
}

// eight returns the number that the leading digits of eight bytes make, and how
// many there are.
func eight(x uint64) (uint64, int) {
	x ^= '0' * ones
	// The lowest bit that is set is exact; higher ones may be carries.
	stop := ((x + (0x80-10)*ones) | x) & highs
	n := bits.TrailingZeros64(stop) / 8
	x <<= uint(8-n) * 8 // leading zeros, eight of them if there is no digit
	// Pairs of digits, then fours with their weights, of which the upper half is the sum.
	x = x*10 + x>>8
	const pairs = 0x000000ff000000ff
	return (x&pairs*(100+1e6<<32) + x>>16&pairs*(1+1e4<<32)) >> 32, n
}

// digits reads the decimal digits from i on behind those that mant has, modulo
// 2^64, and returns the place behind them. It takes eight at a time, since a
// branch for each digit is what numbers of all lengths cost most by.
func (s *scanner) digits(mant uint64, i int) (uint64, int) {
	b := s.b
	for uint(i) < uint(len(b)) && len(b)-i >= 8 {
		x, n := eight(binary.LittleEndian.Uint64(b[i:]))
		mant = mant*tens[n&15] + x
		if i += n; n < 8 {
			return mant, i
		}
	}
	for uint(i) < uint(len(b)) && b[i]-'0' <= 9 {
		mant = mant*10 + uint64(b[i]-'0')
		i++
	}
	return mant, i
}

// tens are the powers of ten by which a number grows with up to eight digits more.
var tens = [16]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8}

func (s *scanner) exponent(n number, i int) (number, int) {
	minus := false
	if c := s.peek(i); c == '+' || c == '-' {
		minus = c == '-'
		i++
	}
	first, e := i, int32(0)
	for c := s.peek(i); c >= '0' && c <= '9'; c = s.peek(i) {
		e = min(e*10+int32(c-'0'), maxExp)
		i++
	}
	if i == first {
		return n, s.fail(i, "a number has no digit in its exponent")
	}
	if minus {
		e = -e
	}
	n.exp += e
	return n, i
}

// pow10 are the powers of ten that a float64 holds exactly.
var pow10 = [...]float64{
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
}

// float returns n correctly rounded; text is what it was read from. ok is
// false if it is beyond a float64.
func (n number) float(text string) (f float64, ok bool) {
	// Both operands are exact, so one operation rounds correctly (Clinger's fast path).
	if n.mant < 1<<53 && !n.long && n.exp >= -22 && n.exp <= 22 {
		f = float64(n.mant)
		if n.exp < 0 {
			f /= pow10[-n.exp]
		} else {
			f *= pow10[n.exp]
		}
		if n.neg {
			f = -f
		}
		return f, true
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil
}

// whole says what a number is as an integer.
type whole uint8

const (
	isWhole whole = iota
	hasFraction
	tooLarge // beyond 64 bits
)

// integer returns n's magnitude if it is a whole number, in whatever form it
// was written: 1.79e12, 5.0 and 500e-2 are.
func (n number) integer(text string) (uint64, whole) {
	if n.exp == 0 && !n.long {
		return n.mant, isWhole
	}
	return n.integerSlow(text)
}

func (n number) integerSlow(text string) (uint64, whole) {
	if n.long {
		return digitsOf(text, n.exp)
	}
	m := n.mant
	for e := n.exp; e < 0 && m != 0; e++ {
		if m%10 != 0 {
			return 0, hasFraction
		}
		m /= 10
	}
	for e := n.exp; e > 0 && m != 0; e-- {
		if m > math.MaxUint64/10 {
			return 0, tooLarge
		}
		m *= 10
	}
	return m, isWhole
}

// digitsOf is integer for numbers of 20 digits and more: it takes text apart.
func digitsOf(text string, exp int32) (uint64, whole) {
	var d []byte
	for i := range len(text) {
		if c := text[i]; c == 'e' || c == 'E' {
			break
		} else if c >= '0' && c <= '9' && (c != '0' || len(d) > 0) {
			d = append(d, c)
		}
	}
	for len(d) > 0 && d[len(d)-1] == '0' {
		d, exp = d[:len(d)-1], exp+1
	}
	if len(d) == 0 {
		return 0, isWhole
	}
	if exp < 0 {
		return 0, hasFraction
	}
	if len(d)+int(exp) > 20 {
		return 0, tooLarge
	}
	for range exp {
		d = append(d, '0')
	}
	m, err := strconv.ParseUint(string(d), 10, 64)
	if err != nil {
		return 0, tooLarge
	}
	return m, isWhole
}
