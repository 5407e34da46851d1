package report

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// maxDepth is how deep values may be nested, as in encoding/json.
const maxDepth = 10000

// scanner reads JSON (RFC 8259) from b. Each method takes the place of a
// value's first byte and returns the place behind its last, or -1 after fail.
type scanner struct {
	b    []byte
	at   int    // where it failed
	why  string // what was wrong there
	text []byte // unescaped strings of this payload
	kind [maxDepth/64 + 1]uint64
}

// fail notes the first thing that is wrong with the payload.
func (s *scanner) fail(i int, why string) int {
	s.at, s.why = i, why
	return -1
}

// peek returns the byte at i, or 0 at the end (never part of valid JSON outside strings).
func (s *scanner) peek(i int) byte {
	if uint(i) < uint(len(s.b)) {
		return s.b[i]
	}
	return 0
}

// space returns the place of the first byte from i on that is not white space.
func (s *scanner) space(i int) int {
	for uint(i) < uint(len(s.b)) && s.b[i] <= ' ' && (s.b[i] == ' ' || s.b[i] == '\n' || s.b[i] == '\r' ||
		s.b[i] == '\t') {
		i++
	}
	return i
}

// view returns the bytes from i to j as a string that shares the payload's memory.
func (s *scanner) view(i, j int) string {
	if i >= j {
		return ""
	}
	return unsafe.String(&s.b[i], j-i)
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// plain returns the place of the first byte from i on that is not an ordinary
// ASCII character of a string: a quote, a backslash, a control character, the
// start of a longer UTF-8 sequence, or the end.
func (s *scanner) plain(i int) int {
	b := s.b
	for ; i+8 <= len(b); i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		quote := x ^ '"'*ones
		slash := x ^ '\\'*ones
		// The lowest bit that is set is exact; higher ones may be carries.
		stop := ((quote-ones)&^quote | (slash-ones)&^slash | (x-' '*ones)&^x | x) & highs
		if stop != 0 {
			return i + bits.TrailingZeros64(stop)/8
		}
	}
	for i < len(b) && b[i] >= ' ' && b[i] < utf8.RuneSelf && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
}

// str reads a string. The result shares the memory of the payload, or of text
// if there are escapes in it.
func (s *scanner) str(i int) (string, int) {
	if s.peek(i) != '"' {
		return "", s.fail(i, "a string was expected")
	}
	j := s.plain(i + 1)
	if s.peek(j) == '"' {
		return s.view(i+1, j), j + 1
	}
	return s.strLong(i+1, j)
}

// strLong goes on at j with a string whose contents begin at i.
func (s *scanner) strLong(i, j int) (string, int) {
	escaped, begin, from := false, len(s.text), i
	for {
		j = s.plain(j)
		if j >= len(s.b) {
			return "", s.fail(j, "a string does not end")
		}
		switch c := s.b[j]; {
		case c == '"':
			if !escaped {
				return s.view(i, j), j + 1
			}
			s.text = append(s.text, s.b[from:j]...)
			return unsafe.String(&s.text[begin], len(s.text)-begin), j + 1
		case c == '\\':
			escaped = true
			s.text = append(s.text, s.b[from:j]...)
			if j = s.escape(j); j < 0 {
				return "", j
			}
			from = j
		case c < ' ':
			return "", s.fail(j, "a control character stands in a string")
		default:
			_, n := utf8.DecodeRune(s.b[j:])
			if n == 1 {
				return "", s.fail(j, "a string is not UTF-8")
			}
			j += n
		}
	}
}

// escape appends to text what the escape at i means. Half a surrogate pair
// means U+FFFD, as in encoding/json.
func (s *scanner) escape(i int) int {
	c := s.peek(i + 1)
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		r := s.hex4(i + 2)
		if r < 0 {
			return s.fail(i, "a \\u escape has not four hexadecimal digits")
		}
		i += 6
		if utf16.IsSurrogate(r) {
			r2 := rune(-1)
			if s.peek(i) == '\\' && s.peek(i+1) == 'u' {
				r2 = s.hex4(i + 2)
			}
			if r = utf16.DecodeRune(r, r2); r != utf8.RuneError {
				i += 6
			}
		}
		s.text = utf8.AppendRune(s.text, r)
		return i
	default:
		return s.fail(i, "a string has an unknown escape")
	}
	s.text = append(s.text, c)
	return i + 2
}

func (s *scanner) hex4(i int) rune {
	var r rune
	for k := range 4 {
		c := s.peek(i + k)
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

// literal reads true, false or null.
func (s *scanner) literal(i int) int {
	word := "null"
	switch s.peek(i) {
	case 't':
		word = "true"
	case 'f':
		word = "false"
	}
	if s.view(i, min(i+len(word), len(s.b))) != word {
		return s.fail(i, "a value was expected")
	}
	return i + len(word)
}

// skip reads any value without keeping it. depth is that of the value itself: 1 at the top.
// It does not recurse: kind has a bit for each open bracket, set for objects.
func (s *scanner) skip(i, depth int) int {
	for base := depth - 1; ; {
		i = s.space(i)
		switch c := s.peek(i); c {
		case '{', '[':
			if depth > maxDepth {
				return s.fail(i, "values are nested too deep")
			}
			s.kind[depth/64] &^= 1 << (depth % 64)
			i = s.space(i + 1)
			if c == '{' {
				s.kind[depth/64] |= 1 << (depth % 64)
			}
			if s.peek(i) == c+2 { // '{'+2 is '}', '['+2 is ']'
				i++
				break
			}
			depth++
			if c == '{' {
				if i = s.key(i); i < 0 {
					return i
				}
			}
			continue
		case '"':
			mark := len(s.text)
			if _, i = s.str(i); i < 0 {
				return i
			}
			s.text = s.text[:mark]
		case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
			if _, i = s.number(i); i < 0 {
				return i
			}
		default:
			if i = s.literal(i); i < 0 {
				return i
			}
		}
		// A value ended: close brackets, or go on to the next one.
		for {
			if depth-1 == base {
				return i
			}
			open := depth - 1
			object := s.kind[open/64]>>(open%64)&1 != 0
			i = s.space(i)
			c := s.peek(i)
			i++
			if c == ',' {
				if object {
					if i = s.key(s.space(i)); i < 0 {
						return i
					}
				}
				break
			}
			if object && c != '}' || !object && c != ']' {
				return s.fail(i-1, "a comma or a closing bracket was expected")
			}
			depth--
		}
	}
}

// key reads a member's name and its colon.
func (s *scanner) key(i int) int {
	if s.peek(i) != '"' {
		return s.fail(i, "a member's name was expected")
	}
	mark := len(s.text)
	if _, i = s.str(i); i < 0 {
		return i
	}
	s.text = s.text[:mark]
	if i = s.space(i); s.peek(i) != ':' {
		return s.fail(i, "a colon was expected")
	}
	return i + 1
}
