package api

import (
	"strings"
	"unicode/utf8"
)

// validSlug reports whether s has the form [a-z][a-z0-9-]{1,31}.
func validSlug(s string) bool {
	if len(s) < 2 || len(s) > 32 || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for i := 1; i < len(s); i++ {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// validID reports whether s has the form of a station's or pile's own id.
func validID(s string) bool {
	if s == "" || len(s) > 64 || s == "." || s == ".." {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// splitGlobal cuts "party:id"; ok tells whether both have their form. What
// has not cannot exist, so callers answer not-found.
func splitGlobal(gid string) (party, id string, ok bool) {
	party, id, ok = strings.Cut(gid, ":")
	return party, id, ok && validSlug(party) && validID(id)
}

func validText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f })
}

// validVIN reports whether s has the form of a VIN: 17 letters and digits.
func validVIN(s string) bool {
	if len(s) != 17 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}
