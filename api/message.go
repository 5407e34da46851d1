package api

import (
	"encoding/json"
	"strings"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// message is one JSON object from a viewer, cut into its members.
type message struct{ members []member }

// member is one name with its value as it stands in the text.
type member struct {
	name string
	raw  []byte
}

// parseMessage cuts a JSON object, and checks it on the way. The members are
// views of text.
func parseMessage(text []byte, reuse []member) (message, error) {
	m := message{members: reuse[:0]}
	i := skipSpace(text, 0)
	end, ok := m.object(text, i)
	if !ok || skipSpace(text, end) != len(text) {
		return message{}, charge.Errorf(charge.ValueRange, "a message must be one JSON object")
	}
	return m, nil
}

// object cuts the object that begins at i.
func (m *message) object(text []byte, i int) (end int, ok bool) {
	if i >= len(text) || text[i] != '{' {
		return i, false
	}
	if i = skipSpace(text, i+1); i < len(text) && text[i] == '}' {
		return i + 1, true
	}
	for {
		from := i
		if i, ok = scanString(text, i); !ok {
			return i, false
		}
		name := nameOf(text[from:i])
		if i = skipSpace(text, i); i >= len(text) || text[i] != ':' {
			return i, false
		}
		from = skipSpace(text, i+1)
		if i, ok = scanValue(text, from, 1); !ok {
			return i, false
		}
		m.members = append(m.members, member{name, text[from:i]})
		if i = skipSpace(text, i); i >= len(text) {
			return i, false
		}
		switch text[i] {
		case '}':
			return i + 1, true
		case ',':
			i = skipSpace(text, i+1)
		default:
			return i, false
		}
	}
}

// nameOf returns a member's name; those that every message has cost no memory.
func nameOf(raw []byte) string {
	switch string(raw[1 : len(raw)-1]) {
	case "op":
		return "op"
	case "id":
		return "id"
	case "feed":
		return "feed"
	case "bbox":
		return "bbox"
	case "near":
		return "near"
	case "radiusM":
		return "radiusM"
	case "free":
		return "free"
	case "limit":
		return "limit"
	}
	return unquote(raw)
}

// raw returns the last member of that name; nil when absent or null.
func (m *message) raw(name string) []byte {
	for i := len(m.members) - 1; i >= 0; i-- {
		if m.members[i].name == name {
			if v := m.members[i].raw; v[0] != 'n' {
				return v
			}
			return nil
		}
	}
	return nil
}

// text returns a member as it would stand in a query string: strings bare,
// [1,2] as "1,2", numbers and booleans as they are.
func (m *message) text(name string) (string, bool) {
	v := m.raw(name)
	if v == nil {
		return "", false
	}
	switch v[0] {
	case '"':
		return unquote(v), true
	case '[':
		s := string(v[1 : len(v)-1])
		if strings.ContainsAny(s, " \t\r\n") {
			s = strings.Join(strings.Fields(s), "")
		}
		return s, true
	}
	return string(v), true
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
		i++
	}
	return i
}

// maxDepth is how deep values may stand in one another, as in package json.
const maxDepth = 10_000

// scanValue returns the end of the JSON value that begins at i, which stands in
// so many others; ok tells whether there is one (RFC 8259).
func scanValue(b []byte, i, depth int) (end int, ok bool) {
	if i >= len(b) {
		return i, false
	}
	switch b[i] {
	case '"':
		return scanString(b, i)
	case '{', '[':
		return scanNested(b, i, depth+1)
	case 't':
		return scanWord(b, i, "true")
	case 'f':
		return scanWord(b, i, "false")
	case 'n':
		return scanWord(b, i, "null")
	}
	return scanNumber(b, i)
}

// scanNested is scanValue for objects and arrays.
func scanNested(b []byte, i, depth int) (end int, ok bool) {
	if depth > maxDepth {
		return i, false
	}
	last := b[i] + 2 // ']' or '}'
	named := b[i] == '{'
	if i = skipSpace(b, i+1); i < len(b) && b[i] == last {
		return i + 1, true
	}
	for {
		if named {
			if i, ok = scanString(b, i); !ok {
				return i, false
			}
			if i = skipSpace(b, i); i >= len(b) || b[i] != ':' {
				return i, false
			}
			i = skipSpace(b, i+1)
		}
		if i, ok = scanValue(b, i, depth); !ok {
			return i, false
		}
		if i = skipSpace(b, i); i >= len(b) || b[i] != last && b[i] != ',' {
			return i, false
		}
		if b[i] == last {
			return i + 1, true
		}
		i = skipSpace(b, i+1)
	}
}

// skipValue returns the end of the valid value that begins at i.
func skipValue(b []byte, i int) int {
	end, _ := scanValue(b, i, 0)
	return end
}

func scanWord(b []byte, i int, word string) (end int, ok bool) {
	return i + len(word), len(b)-i >= len(word) && string(b[i:i+len(word)]) == word
}

func scanString(b []byte, i int) (end int, ok bool) {
	if i >= len(b) || b[i] != '"' {
		return i, false
	}
	for i++; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return i + 1, true
		case c < 0x20:
			return i, false
		case c == '\\':
			if i++; i >= len(b) {
				return i, false
			}
			switch b[i] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				for range 4 {
					if i++; i >= len(b) || !isHex(b[i]) {
						return i, false
					}
				}
			default:
				return i, false
			}
		}
	}
	return i, false
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
}

func scanNumber(b []byte, i int) (end int, ok bool) {
	digits := func() bool {
		from := i
		for i < len(b) && b[i] >= '0' && b[i] <= '9' {
			i++
		}
		return i > from
	}
	if b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else if !digits() {
		return i, false
	}
	if i < len(b) && b[i] == '.' {
		if i++; !digits() {
			return i, false
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		if i++; i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if !digits() {
			return i, false
		}
	}
	return i, true
}

// unquote returns the text of a valid JSON string.
func unquote(raw []byte) string {
	inner := raw[1 : len(raw)-1]
	for _, c := range inner {
		if c == '\\' || c >= 0x80 {
			var s string
			_ = json.Unmarshal(raw, &s) // valid: checked as a whole before
			return s
		}
	}
	return string(inner)
}
