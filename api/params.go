package api

import (
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/city"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

// params are a request's query parameters. Unknown names are ignored, of a
// repeated name the last counts; the first value that is malformed or out of
// its range is kept in err and refuses the request.
//
// They come from a query string, or from the members of a websocket message.
type params struct {
	few     [12]param // of a query string: those that come first
	n       int
	more    []param
	message *message
	err     error
}

type param struct{ name, value string }

// parseParams takes what [url.ParseQuery] takes.
func parseParams(rawQuery string) (p params) {
	for pair, rest := "", rawQuery; rest != ""; {
		pair, rest, _ = strings.Cut(rest, "&")
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, ok1 := unescape(name)
		value, ok2 := unescape(value)
		if !ok1 || !ok2 || strings.IndexByte(pair, ';') >= 0 {
			return params{err: charge.Errorf(charge.ValueRange, "the query string is malformed")}
		}
		if p.n < len(p.few) {
			p.few[p.n] = param{name, value}
			p.n++
		} else {
			p.more = append(p.more, param{name, value})
		}
	}
	return p
}

func unescape(s string) (string, bool) {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s, true
	}
	s, err := url.QueryUnescape(s)
	return s, err == nil
}

// asksFor reports whether a query string has the parameter name.
func asksFor(rawQuery, name string) bool {
	for pair, rest := "", rawQuery; rest != ""; {
		pair, rest, _ = strings.Cut(rest, "&")
		key, _, _ := strings.Cut(pair, "=")
		if key, ok := unescape(key); ok && key == name {
			return true
		}
	}
	return false
}

// get returns the last value of name and whether it was given.
func (p *params) get(name string) (string, bool) {
	if p.message != nil {
		return p.message.text(name)
	}
	for i := len(p.more) - 1; i >= 0; i-- {
		if p.more[i].name == name {
			return p.more[i].value, true
		}
	}
	for i := p.n - 1; i >= 0; i-- {
		if p.few[i].name == name {
			return p.few[i].value, true
		}
	}
	return "", false
}

func (p *params) refuse(format string, args ...any) {
	if p.err == nil {
		p.err = charge.Errorf(charge.ValueRange, format, args...)
	}
}

// float returns name's value, which must be in lo … hi, or usual when absent.
func (p *params) float(name string, usual, lo, hi float64) float64 {
	s, ok := p.get(name)
	if !ok {
		return usual
	}
	v, ok := parseNumber(s)
	if !ok || v < lo || v > hi {
		p.refuse("%s must be a number from %s to %s", name, plain(lo), plain(hi))
		return usual
	}
	return v
}

func (p *params) int(name string, usual, lo, hi int) int {
	s, ok := p.get(name)
	if !ok {
		return usual
	}
	v, err := strconv.Atoi(s)
	if err != nil || v < lo || v > hi || s[0] == '+' {
		p.refuse("%s must be a whole number from %d to %d", name, lo, hi)
		return usual
	}
	return v
}

// flag returns name's value: 1 or true, 0 or false; absent is false.
func (p *params) flag(name string) bool {
	s, ok := p.get(name)
	if !ok {
		return false
	}
	switch s {
	case "1", "true":
		return true
	case "0", "false":
		return false
	}
	p.refuse("%s must be 1 or 0", name)
	return false
}

// oneOf returns name's value, one of words; absent is "".
func (p *params) oneOf(name string, words ...string) string {
	s, ok := p.get(name)
	if !ok {
		return ""
	}
	for _, w := range words {
		if s == w {
			return s
		}
	}
	p.refuse("%s must be one of: %s", name, strings.Join(words, ", "))
	return ""
}

// text returns name's value, at most max bytes of UTF-8.
func (p *params) text(name string, max int) string {
	s, _ := p.get(name)
	if len(s) > max || !validText(s) {
		p.refuse("%s must be at most %d bytes of text", name, max)
		return ""
	}
	return s
}

// slug returns name's value, which must have the form of a party's slug.
func (p *params) slug(name string) string {
	s, ok := p.get(name)
	if !ok {
		return ""
	}
	if !validSlug(s) {
		p.refuse("%s must be a party's id such as teld", name)
		return ""
	}
	return s
}

// district returns the adcode to which an answer is narrowed, or "unknown".
func (p *params) district() string {
	s, ok := p.get("district")
	if !ok {
		return ""
	}
	digits := len(s) == 6
	for i := range len(s) {
		digits = digits && s[i] >= '0' && s[i] <= '9'
	}
	if !digits && s != city.UnknownDistrict {
		p.refuse("district must be an adcode such as 530111, or %s", city.UnknownDistrict)
		return ""
	}
	return s
}

// wgs84 refuses the other coordinate system where positions are not turned into it.
func (p *params) wgs84() {
	if p.crs() {
		p.refuse("crs must be wgs84 here")
	}
}

// crs tells whether positions in and out are GCJ-02.
func (p *params) crs() (gcj bool) { return p.oneOf("crs", "wgs84", "gcj02") == "gcj02" }

// point returns name's value "lon,lat" in WGS-84; false when absent.
func (p *params) point(name string, gcj bool) (geo.Point, bool) {
	s, ok := p.get(name)
	if !ok {
		return geo.Point{}, false
	}
	var v [4]float64
	if !parseNumbers(s, v[:2]) {
		p.refuse("%s must be lon,lat in degrees", name)
		return geo.Point{}, false
	}
	pt, err := toPoint(name, v[:2], gcj)
	if err != nil {
		p.refuse("%s", err.Error())
	}
	return pt, err == nil
}

// box returns name's value "w,s,e,n" in WGS-84, or nil when absent.
func (p *params) box(name string, gcj bool) *geo.Box {
	s, ok := p.get(name)
	if !ok {
		return nil
	}
	var v [4]float64
	if !parseNumbers(s, v[:]) {
		p.refuse("%s must be west,south,east,north in degrees", name)
		return nil
	}
	b, err := toBox(name, v[:], gcj)
	if err != nil {
		p.refuse("%s", err.Error())
		return nil
	}
	return &b
}

// toPoint checks lon, lat and moves them to WGS-84.
func toPoint(name string, v []float64, gcj bool) (geo.Point, error) {
	if len(v) != 2 || !validLon(v[0]) || !validLat(v[1]) {
		return geo.Point{}, charge.Errorf(charge.ValueRange,
			"%s must be lon,lat with -180 ≤ lon ≤ 180 and -90 ≤ lat ≤ 90", name)
	}
	pt := geo.Point{Lon: v[0], Lat: v[1]}
	if gcj {
		pt = geo.FromGCJ02(pt)
	}
	return pt, nil
}

// toBox checks w, s, e, n and moves the two corners to WGS-84.
func toBox(name string, v []float64, gcj bool) (geo.Box, error) {
	if len(v) != 4 || !validLon(v[0]) || !validLat(v[1]) || !validLon(v[2]) || !validLat(v[3]) ||
		v[0] > v[2] || v[1] > v[3] {
		return geo.Box{}, charge.Errorf(charge.ValueRange,
			"%s must be west,south,east,north in degrees with west ≤ east and south ≤ north", name)
	}
	b := geo.Box{West: v[0], South: v[1], East: v[2], North: v[3]}
	if gcj {
		sw := geo.FromGCJ02(geo.Point{Lon: b.West, Lat: b.South})
		ne := geo.FromGCJ02(geo.Point{Lon: b.East, Lat: b.North})
		b = geo.Box{West: sw.Lon, South: sw.Lat, East: ne.Lon, North: ne.Lat}
	}
	return b, nil
}

// time returns name's moment, epoch milliseconds or RFC 3339 with a zone.
func (p *params) time(name string, usual charge.Millis) charge.Millis {
	s, ok := p.get(name)
	if !ok {
		return usual
	}
	if ms, err := strconv.ParseInt(s, 10, 64); err == nil && ms >= 0 && ms < maxMillis && s[0] != '+' {
		return charge.Millis(ms)
	}
	// A plus that was not escaped arrives as a space.
	t, err := time.Parse(time.RFC3339Nano, strings.Replace(s, " ", "+", 1))
	if err != nil || t.UnixMilli() < 0 || t.UnixMilli() >= maxMillis {
		p.refuse("%s must be epoch milliseconds or a time such as 2026-11-01T08:00:00+08:00", name)
		return usual
	}
	return charge.At(t)
}

// maxMillis is the start of the year 2200.
const maxMillis = 7258118400000

func validLon(v float64) bool { return v >= -180 && v <= 180 }
func validLat(v float64) bool { return v >= -90 && v <= 90 }

// parseNumbers fills out with the numbers of "a,b,…"; false when they are not as many.
func parseNumbers(s string, out []float64) bool {
	for i := range out {
		part, rest, more := strings.Cut(s, ",")
		v, ok := parseNumber(part)
		if !ok || more != (i < len(out)-1) {
			return false
		}
		out[i], s = v, rest
	}
	return true
}

// parseNumber takes a finite decimal number; no hex, no NaN, no infinity.
func parseNumber(s string) (float64, bool) {
	if s == "" || len(s) > 32 {
		return 0, false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c == '.', c == '-', c == '+', c == 'e', c == 'E':
		default:
			return 0, false
		}
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		return 0, false
	}
	return v, true
}

func plain(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
