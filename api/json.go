package api

import (
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// jsonBuf appends JSON and puts the commas itself. An empty key means an
// element of an array. Answers and frames are written with it because the
// same object stands in thousands of them a second.
type jsonBuf struct {
	b       []byte
	touched byte // says nothing: what was read ahead has to go somewhere
}

func (w *jsonBuf) sep(key string) {
	if n := len(w.b); n > 0 {
		switch w.b[n-1] {
		case '{', '[', ':':
		default:
			w.b = append(w.b, ',')
		}
	}
	if key != "" {
		w.b = append(w.b, '"')
		w.b = append(w.b, key...)
		w.b = append(w.b, '"', ':')
	}
}

func (w *jsonBuf) obj(key string) { w.sep(key); w.b = append(w.b, '{') }
func (w *jsonBuf) endObj()        { w.b = append(w.b, '}') }
func (w *jsonBuf) arr(key string) { w.sep(key); w.b = append(w.b, '[') }
func (w *jsonBuf) endArr()        { w.b = append(w.b, ']') }

func (w *jsonBuf) null(key string) { w.sep(key); w.b = append(w.b, "null"...) }

func (w *jsonBuf) bool(key string, v bool) { w.sep(key); w.b = strconv.AppendBool(w.b, v) }

func (w *jsonBuf) int(key string, v int64) { w.sep(key); w.b = strconv.AppendInt(w.b, v, 10) }

// raw appends v, which is JSON already.
func (w *jsonBuf) raw(key string, v []byte) { w.sep(key); w.b = append(w.b, v...) }

func (w *jsonBuf) str(key, v string) { w.sep(key); w.b = appendString(w.b, v) }

// strOrNull appends v, or null when it is empty.
func (w *jsonBuf) strOrNull(key, v string) {
	if v == "" {
		w.null(key)
		return
	}
	w.str(key, v)
}

// num appends v rounded to so many decimals, or null when it is no number.
func (w *jsonBuf) num(key string, v float64, decimals int) {
	w.sep(key)
	w.b = appendFixed(w.b, v, decimals)
}

// numIf appends v, or null unless known.
func (w *jsonBuf) numIf(known bool, key string, v float64, decimals int) {
	if !known {
		w.null(key)
		return
	}
	w.num(key, v, decimals)
}

// time appends m as a string, "never" as null.
func (w *jsonBuf) time(key string, m charge.Millis) {
	if m == 0 {
		w.null(key)
		return
	}
	w.sep(key)
	w.b = append(w.b, '"')
	w.b = m.Append(w.b)
	w.b = append(w.b, '"')
}

var pow10 = [...]float64{1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7}

// appendFixed appends v rounded half away from zero, without trailing zeros.
func appendFixed(dst []byte, v float64, decimals int) []byte {
	scaled := math.Round(v * pow10[decimals])
	if math.IsNaN(scaled) || math.IsInf(scaled, 0) {
		return append(dst, "null"...)
	}
	if math.Abs(scaled) >= 1<<53 {
		return strconv.AppendFloat(dst, v, 'f', -1, 64)
	}
	n := int64(scaled)
	if n < 0 {
		dst, n = append(dst, '-'), -n
	}
	unit := int64(pow10[decimals])
	dst = strconv.AppendInt(dst, n/unit, 10)
	rest := n % unit
	if rest == 0 {
		return dst
	}
	dst = append(dst, '.')
	for rest > 0 {
		unit /= 10
		dst = append(dst, byte('0'+rest/unit))
		rest %= unit
	}
	return dst
}

// appendTenths is appendFixed with one decimal for what is not negative.
func appendTenths(dst []byte, v float64) []byte {
	n := int64(v*10 + 0.5)
	if !(v >= 0 && v < 1e6) {
		return appendFixed(dst, v, 1)
	}
	dst = strconv.AppendInt(dst, n/10, 10)
	if n %= 10; n == 0 {
		return dst
	}
	return append(dst, '.', byte('0'+n))
}

const hex = "0123456789abcdef"

// appendString appends s as a JSON string; what is not UTF-8 becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= 0x20 && c != '"' && c != '\\' {
				i++
				continue
			}
			dst = append(dst, s[from:i]...)
			switch c {
			case '"', '\\':
				dst = append(dst, '\\', c)
			case '\n':
				dst = append(dst, '\\', 'n')
			case '\t':
				dst = append(dst, '\\', 't')
			case '\r':
				dst = append(dst, '\\', 'r')
			default:
				dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			}
			i++
			from = i
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			dst = append(dst, s[from:i]...)
			dst = append(dst, "\ufffd"...)
			from = i + 1
		}
		i += n
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"')
}
