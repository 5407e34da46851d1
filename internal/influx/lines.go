package influx

import "bytes"

// lineEnd returns where the line that begins at b[0] ends, behind its line
// break. A line break inside a quoted text does not end it.
func lineEnd(b []byte) int {
	end := bytes.IndexByte(b, '\n') + 1
	if end == 0 {
		return len(b)
	}
	if bytes.IndexByte(b[:end], '"') < 0 {
		return end
	}
	tags, quoted := true, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '\\':
			i++
		case tags:
			tags = c != ' '
		case c == '"':
			quoted = !quoted
		case c == '\n' && !quoted:
			return i + 1
		}
	}
	return len(b)
}

// countLines returns how many lines b has.
func countLines(b []byte) (n int) {
	for len(b) > 0 {
		b = b[lineEnd(b):]
		n++
	}
	return n
}

// middle returns where the line that crosses the middle of b ends, or if that
// is the last one where it begins.
func middle(b []byte) int {
	at := 0
	for {
		end := at + lineEnd(b[at:])
		if end >= len(b) {
			return at
		}
		if at = end; at > len(b)/2 {
			return at
		}
	}
}
