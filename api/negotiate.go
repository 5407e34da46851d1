package api

import (
	"strconv"
	"strings"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// format is what a list may be answered as.
type format uint8

const (
	asJSON format = iota
	asCSV
	asGeoJSON
	asXLSX
	formats
)

// Words, media types and file endings of the formats.
var (
	formatWords = [formats]string{"json", "csv", "geojson", "xlsx"}
	formatTypes = [formats]string{"application/json", "text/csv", "application/geo+json",
		"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
	formatContent = [formats]string{formatTypes[asJSON], "text/csv; charset=utf-8; header=present",
		formatTypes[asGeoJSON], formatTypes[asXLSX]}
)

// wanted is how an answer is asked for.
type wanted struct {
	format
	link bool // by ?format=, as a link in a page does: for people and their spreadsheets
	bom  bool // CSV begins with U+FEFF
}

// said returns what a link to another page of the same list must say, so that
// it is answered as this one was whatever Accept comes with it; query is what
// was asked.
func (as wanted) said(query string) string {
	if as.link || as.format == asJSON {
		return ""
	}
	s := "&format=" + formatWords[as.format]
	if p := parseParams(query); as.format == asCSV {
		if _, given := p.get("bom"); !given {
			s += "&bom=0"
		}
	}
	return s
}

// negotiate reads ?format=, which a link can have, or else Accept. When nothing
// fits what was asked for it is not-acceptable. A request that says nothing of
// it is answered in JSON, and costs two comparisons.
func (s *sheet) negotiate(rq *request) (wanted, error) {
	accept := rq.Header["Accept"]
	plain := len(accept) == 0 || len(accept) == 1 && (accept[0] == "*/*" || accept[0] == "application/json")
	if q := rq.URL.RawQuery; plain && !strings.Contains(q, "format=") && !strings.Contains(q, "bom=") {
		return wanted{}, nil
	}
	p := parseParams(rq.URL.RawQuery)
	word, bom := p.oneOf("format", formatWords[:]...), p.oneOf("bom", "0", "1")
	gcj := p.crs()
	if p.err != nil {
		return wanted{}, p.err
	}
	if word != "" {
		for f, w := range formatWords {
			if w == word && s.offers(format(f), gcj) {
				return wanted{format(f), true, bom != "0"}, nil
			}
		}
		return wanted{}, s.notAcceptable(gcj)
	}
	if len(accept) == 0 {
		return wanted{}, nil
	}
	best, most := wanted{bom: bom == "1"}, 0.0
	for f := range formats {
		if q := weight(accept, formatTypes[f]); s.offers(f, gcj) && q > most {
			best.format, most = f, q
		}
	}
	if most == 0 {
		return wanted{}, s.notAcceptable(gcj)
	}
	return best, nil
}

// offers reports whether s can be answered as f. GeoJSON is WGS-84 and nothing
// else (RFC 7946, 4), so that who asks for GCJ-02 does not get it.
func (s *sheet) offers(f format, gcj bool) bool {
	return f != asGeoJSON || s.geometry != nowhere && !gcj
}

func (s *sheet) notAcceptable(gcj bool) error {
	var has []string
	for f := range formats {
		if s.offers(f, gcj) {
			has = append(has, formatTypes[f])
		}
	}
	if gcj && s.geometry != nowhere {
		return charge.Errorf(notAcceptable, "this is served as %s; GeoJSON is WGS-84, ask for it without crs=gcj02",
			strings.Join(has, ", "))
	}
	return charge.Errorf(notAcceptable, "this is served as %s", strings.Join(has, ", "))
}

// weight returns the q of a media type: that of the most specific range of an
// Accept header that it is in (RFC 9110, 12.5.1); 0 is not wanted.
func weight(accept []string, media string) float64 {
	kind, _, _ := strings.Cut(media, "/")
	found, q := 0, 0.0 // found: 1 by */*, 2 by kind/*, 3 by name
	for _, header := range accept {
		for part := range strings.SplitSeq(header, ",") {
			name, args, _ := strings.Cut(part, ";")
			fits := 0
			switch name = strings.ToLower(strings.TrimSpace(name)); name {
			case media:
				fits = 3
			case kind + "/*":
				fits = 2
			case "*/*":
				fits = 1
			}
			if fits > found {
				found, q = fits, qOf(args)
			}
		}
	}
	return q
}

// qOf returns the weight among the parameters of a media range, 1 without one.
func qOf(args string) float64 {
	for arg := range strings.SplitSeq(args, ";") {
		if v, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(arg)), "q="); ok {
			q, err := strconv.ParseFloat(v, 64)
			if err != nil || !(q >= 0 && q <= 1) {
				return 0
			}
			return q
		}
	}
	return 1
}
