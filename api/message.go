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

// parseMessage cuts a JSON object. The members are views of text.
func parseMessage(text []byte, reuse []member) (message, error) {
	bad := func() (message, error) {
		return message{}, charge.Errorf(charge.ValueRange, "a message must be one JSON object")
	}
	if !json.Valid(text) {
		return bad()
	}
	i := skipSpace(text, 0)
	if text[i] != '{' {
		return bad()
	}
	m := message{members: reuse[:0]}
	// The text is valid JSON, so that the scan below cannot run past its end.
	for i = skipSpace(text, i+1); text[i] != '}'; {
		end := skipValue(text, i)
		name := unquote(text[i:end])
		i = skipSpace(text, end) + 1 // the colon
		i = skipSpace(text, i)
		end = skipValue(text, i)
		m.members = append(m.members, member{name, text[i:end]})
		if i = skipSpace(text, end); text[i] == ',' {
			i = skipSpace(text, i+1)
		}
	}
	return m, nil
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

// skipValue returns the end of the value that begins at i.
func skipValue(b []byte, i int) int {
	switch b[i] {
	case '"':
		for i++; b[i] != '"'; i++ {
			if b[i] == '\\' {
				i++
			}
		}
		return i + 1
	case '{', '[':
		depth := 0
		for ; ; i++ {
			switch b[i] {
			case '"':
				i = skipValue(b, i) - 1
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
		}
	}
	for i < len(b) && b[i] != ',' && b[i] != '}' && b[i] != ']' && b[i] > ' ' {
		i++
	}
	return i
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
