package report

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// isID reports whether id has the form of pile and station ids.
func isID(id string) bool {
	if len(id) == 0 || len(id) > 64 {
		return false
	}
	for i := range len(id) {
		if idChars[id[i]] == 0 {
			return false
		}
	}
	return id != "." && id != ".."
}

// isVIN reports whether vin has the length and alphabet of GB 16735.
func isVIN(vin string) bool {
	if len(vin) != 17 {
		return false
	}
	for i := range len(vin) {
		if idChars[vin[i]] != 2 {
			return false
		}
	}
	return true
}

// idChars is 1 for the characters of ids, and 2 for those of VINs among them.
var idChars = func() (t [256]uint8) {
	for c := range t {
		switch c := byte(c); {
		case c == 'I' || c == 'O' || c == 'Q' || c >= 'a' && c <= 'z' || c == '.' || c == '_' || c == '-':
			t[c] = 1
		case c >= '0' && c <= '9' || c >= 'A' && c <= 'Z':
			t[c] = 2
		}
	}
	return t
}()

// isShort reports whether s is 1 to 128 characters without control characters.
func isShort(s string) bool { return s != "" && isText(s, 128) }

func isFault(s string) bool { return isText(s, 256) }

func isText(s string, most int) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return false
		}
	}
	return len(s) <= most || len(s) <= 4*most && utf8.RuneCountInString(s) <= most
}

// quote shows a raw JSON value, cut to what fits into a sentence.
func quote(raw string) string {
	const most = 60
	if len(raw) > most {
		cut := most
		for cut > 0 && !utf8.RuneStart(raw[cut]) {
			cut--
		}
		raw = raw[:cut] + "…"
	}
	if !utf8.ValidString(raw) || strings.ContainsFunc(raw, func(r rune) bool { return r < ' ' }) {
		return strconv.QuoteToASCII(raw)
	}
	return raw
}
