package api

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/dianchi-platform/dianchi/internal/geo"
)

// A table larger than this many bytes of JSON is converted in turns, so many at
// a time: a spreadsheet of 25,000 rows takes half a second of a core.
const (
	largeTable = 256 << 10
	workAtOnce = 2
)

// render turns a filled JSON answer into what was asked for, and links to the
// page after it.
func (a *API) render(w http.ResponseWriter, rq *request, s *sheet, ans *answer, as wanted) error {
	if s.paged && !bytes.HasSuffix(ans.b, []byte(`"next":null}`)) {
		if i := bytes.LastIndex(ans.b, []byte(`,"next":"`)); i >= 0 {
			w.Header().Set("Link", nextLink(rq, as, unquote(ans.b[i+len(`,"next":`):len(ans.b)-1])))
		}
	}
	if as.format == asJSON {
		return nil
	}
	t, err := s.table(ans.b)
	if err != nil {
		return err
	}
	out := make([]byte, 0, len(ans.b))
	switch as.format {
	case asCSV:
		if as.bom {
			out = append(out, "\ufeff"...) // without it spreadsheets in China take UTF-8 for GBK
		}
		out = t.appendCSV(out)
	case asGeoJSON:
		out, err = t.appendGeoJSON(out, s.geometry)
	case asXLSX:
		ans.packed = true
		out, err = t.appendXLSX(out, a.about(rq, t))
	}
	if err != nil {
		return err
	}
	w.Header().Set("Content-Disposition", `attachment; filename="`+t.file(s, rq)+`.`+formatWords[as.format]+`"`)
	ans.b, ans.contentType = out, formatContent[as.format]
	return nil
}

// nextLink is a Link header (RFC 8288) to the same list from the cursor on, in
// the same format for whoever follows it.
func nextLink(rq *request, as wanted, cursor string) string {
	const end = `>; rel="next"`
	said := as.said(rq.URL.RawQuery)
	if raw := rq.URL.RawQuery; raw != "" && !strings.ContainsAny(raw, `%<>"\`) && !strings.Contains(raw, "cursor") {
		return "<" + rq.URL.EscapedPath() + "?" + raw + "&cursor=" + url.QueryEscape(cursor) + said + end // a first page: as a rule
	}
	query := rq.URL.Query()
	query.Set("cursor", cursor)
	return "<" + rq.URL.EscapedPath() + "?" + query.Encode() + said + end
}

// header returns the columns' names. GCJ-02 positions, hundreds of metres off,
// are named as such: nothing else in a file would say so.
func (t *table) header() []string {
	if !t.gcj {
		return t.columns
	}
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		if c == "lon" || c == "lat" {
			c += "Gcj02"
		}
		names[i] = c
	}
	return names
}

// file is a name for what was asked, such as stations-20261123T040001Z.
func (t *table) file(s *sheet, rq *request) string {
	name := s.name
	if rest, ok := strings.CutPrefix(rq.URL.Path, prefix+"/history/"); ok {
		name = "history-" + strings.Trim(fileSafe(rest), "-.")
	} else if rq.param != "" {
		name += "-" + fileSafe(rq.param)
	}
	at, err := time.Parse(time.RFC3339, t.at)
	if err != nil {
		at = rq.began
	}
	if t.truncated {
		name = clipBytes(name, 100) + "-truncated"
	}
	return clipBytes(name, 110) + "-" + at.UTC().Format("20060102T150405Z")
}

// fileSafe keeps letters, digits, dots and dashes.
func fileSafe(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r >= 'A' && r <= 'Z', r >= 'a' && r <= 'z', r == '.':
			return r
		}
		return '-'
	}, s)
}

func clipBytes(s string, n int) string { return s[:min(len(s), n)] }

// appendCSV appends RFC 4180: commas, CRLF, quotes where they are needed. Texts
// that a spreadsheet would run as a formula get an apostrophe in front.
func (t *table) appendCSV(b []byte) []byte {
	for i, name := range t.header() {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendCSVText(b, name)
	}
	b = append(b, "\r\n"...)
	for _, row := range t.rows {
		for i, c := range row {
			if i > 0 {
				b = append(b, ',')
			}
			if c.isText() {
				b = appendCSVText(b, harmless(c.text()))
			} else {
				b = appendCSVText(b, string(c))
			}
		}
		b = append(b, "\r\n"...)
	}
	return b
}

// harmless disarms what Excel, WPS and LibreOffice take for a formula.
func harmless(s string) string {
	if s != "" && strings.IndexByte("=+-@\t\r\n", s[0]) >= 0 || strings.HasPrefix(s, "＝") || strings.HasPrefix(s, "＋") ||
		strings.HasPrefix(s, "－") || strings.HasPrefix(s, "＠") {
		return "'" + s
	}
	return s
}

func appendCSVText(b []byte, s string) []byte {
	if !strings.ContainsAny(s, ",\"\r\n") && strings.TrimSpace(s) == s {
		return append(b, s...)
	}
	b = append(b, '"')
	b = append(b, strings.ReplaceAll(s, `"`, `""`)...)
	return append(b, '"')
}

// appendGeoJSON appends a FeatureCollection (RFC 7946): a feature a row, whose
// properties are the other columns. What has no position has the geometry null.
func (t *table) appendGeoJSON(b []byte, g geometry) ([]byte, error) {
	place := map[string]int{"lon": -1, "lat": -1, "cell": -1, "id": -1, "vin": -1, "wkt": -1}
	for i, c := range t.columns {
		if _, ok := place[c]; ok {
			place[c] = i
		}
	}
	shown := func(i int) bool {
		return i != place["wkt"] && (g != atPoint || i != place["lon"] && i != place["lat"])
	}
	id := max(place["id"], place["vin"], place["cell"])
	w := jsonBuf{b: append(b, `{"type":"FeatureCollection"`...)}
	if t.at != "" {
		w.str("at", t.at)
	}
	if t.truncated {
		w.bool("truncated", true)
	}
	w.arr("features")
	for _, row := range t.rows {
		w.obj("")
		w.str("type", "Feature")
		if id >= 0 && row[id] != nil {
			w.raw("id", row[id])
		}
		if err := w.geometry(g, row, place); err != nil {
			return nil, err
		}
		w.obj("properties")
		for i, c := range row {
			switch {
			case !shown(i):
			case c == nil:
				w.null(t.columns[i])
			default:
				w.raw(t.columns[i], c)
			}
		}
		w.endObj()
		w.endObj()
	}
	w.endArr()
	w.endObj()
	return w.b, nil
}

func (w *jsonBuf) geometry(g geometry, row []cell, place map[string]int) error {
	if g == inCell {
		c, err := geo.ParseCell(row[place["cell"]].text())
		if err != nil {
			return err
		}
		w.obj("geometry")
		w.str("type", "Polygon")
		w.arr("coordinates")
		w.arr("")
		ring := c.Ring()
		for i := range len(ring) + 1 { // the first corner is the last one, too
			w.arr("")
			w.num("", ring[i%len(ring)][0], 6)
			w.num("", ring[i%len(ring)][1], 6)
			w.endArr()
		}
		w.endArr()
		w.endArr()
		w.endObj()
		return nil
	}
	lon, lat := place["lon"], place["lat"]
	if lon < 0 || lat < 0 || row[lon] == nil || row[lat] == nil {
		w.null("geometry")
		return nil
	}
	w.obj("geometry")
	w.str("type", "Point")
	w.arr("coordinates")
	w.raw("", row[lon])
	w.raw("", row[lat])
	w.endArr()
	w.endObj()
	return nil
}
