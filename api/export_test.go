package api

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// listPaths are all lists with a question and a role that gets an answer.
var listPaths = map[string]string{
	"/operators": "", "/makers": "", "/districts": "",
	"/stations?bbox=102,24,103,26&access=all": "t-regulator", "/rank/stations": "",
	"/vehicles?bbox=102,24,103,26": "t-regulator", "/heatmap?layer=vehicles&res=7": "t-regulator",
	"/cells?res=7&bbox=102.7,25.0,102.75,25.05": "", "/history/piles/teld:P1": "t-regulator",
	"/history/piles/teld:P1/sessions": "t-regulator", "/history/vehicles/LNBMDBAH4PA000001": "t-regulator",
	"/history/operators/teld": "", "/history/makers/nio": "", "/history/districts/530102": "", "/history/city": "",
	"/quality": "t-regulator", "/quality/teld/rules": "t-regulator", "/quality/teld": "t-teld", "/history/quality/nio": "t-nio", "/alarms": "t-regulator",
}

func readCSV(t *testing.T, a answered) [][]string {
	t.Helper()
	if kind := a.header.Get("Content-Type"); a.status != 200 || !strings.HasPrefix(kind, "text/csv") {
		t.Fatalf("%d %s: %s", a.status, kind, a.body)
	}
	rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(a.body, []byte("\ufeff")))).ReadAll()
	if err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
	return rows
}

// Every list is served in all formats, with all that its JSON has; openapi.yaml
// says which.
func TestListsAsTables(t *testing.T) {
	w := fullWorld(t)
	w.reject(teld, "X9")
	doc := loadOpenAPI(t)
	left := make(map[string]*route)
	for _, row := range w.api.table() {
		if row.sheet != nil {
			left[row.full()] = row
		} else if op := operationOf(doc, row); op != nil && op.Responses.Status(200) != nil &&
			op.Responses.Status(200).Value.Content.Get("text/csv") != nil {
			t.Errorf("openapi.yaml has CSV of %s", row.full())
		}
	}
	for path, token := range listPaths {
		path = prefix + path
		bare, _, _ := strings.Cut(path, "?")
		row, _ := w.api.routes.find(bare)
		delete(left, row.full())
		plain := w.get(path, token).json(t)
		rows := readCSV(t, w.do("GET", path, token, "Accept", "text/csv"))

		// What JSON has stands in a column: nothing is forgotten when members are added.
		want := leaves(row.sheet, plain)
		if row.sheet.columns == nil {
			want = nil
		}
		for _, name := range want {
			if !slices.Contains(rows[0], name) {
				t.Errorf("%s: the CSV has no column %s", path, name)
			}
		}
		if len(rows) < 2 {
			t.Errorf("%s: no rows in %q", path, rows)
		}

		book := readXLSX(t, w.do("GET", path, token, "Accept", formatTypes[asXLSX]))
		if len(book) != len(rows) || !slices.Equal(book[0], rows[0]) {
			t.Errorf("%s: XLSX has %d rows and %v, CSV %d and %v", path, len(book), book[0], len(rows), rows[0])
		}
		geo := w.do("GET", path, token, "Accept", "application/geo+json")
		if row.sheet.geometry == nowhere {
			if geo.status != 406 || geo.code() != "not-acceptable" {
				t.Errorf("%s as GeoJSON: %d", path, geo.status)
			}
		} else if n := len(features(t, geo)); n != len(rows)-1 {
			t.Errorf("%s: GeoJSON has %d features, CSV %d rows", path, n, len(rows)-1)
		}
		content := operationOf(doc, row).Responses.Status(200).Value.Content
		if media := content.Get("application/geo+json"); media != nil {
			var v any
			if err := json.Unmarshal(geo.body, &v); err != nil {
				t.Fatal(err)
			}
			if err := media.Schema.Value.VisitJSON(v, openapi3.MultiErrors()); err != nil {
				t.Errorf("%s as GeoJSON: %v", path, err)
			}
		}
		if content.Get("text/csv") == nil || content.Get(formatTypes[asXLSX]) == nil ||
			(content.Get("application/geo+json") != nil) != (row.sheet.geometry != nowhere) {
			t.Errorf("openapi.yaml has other formats of %s than the code: %v", row.full(), slices.Collect(maps.Keys(content)))
		}
		if !hasParameter(operationOf(doc, row), "format") {
			t.Errorf("openapi.yaml lacks the parameter format of %s", row.full())
		}
	}
	for path := range left {
		t.Errorf("%s was not asked", path)
	}
}

func hasParameter(op *openapi3.Operation, name string) bool {
	for _, p := range op.Parameters {
		if p.Value.Name == name {
			return true
		}
	}
	return false
}

// leaves returns the paths of what stands in the rows of a JSON answer, arrays
// being leaves.
func leaves(s *sheet, answer map[string]any) []string {
	found := make(map[string]bool)
	var walk func(path string, v any)
	walk = func(path string, v any) {
		if m, ok := v.(map[string]any); ok {
			for name, member := range m {
				walk(strings.TrimPrefix(path+"."+name, "."), member)
			}
			return
		}
		if v != nil {
			found[path] = true
		}
	}
	switch list := answer[s.list].(type) {
	case []any:
		for _, row := range list {
			if _, ok := row.(map[string]any); ok {
				walk("", row)
			}
		}
	case map[string]any:
		if s.read == nil {
			walk("", list)
		}
	}
	return slices.Collect(maps.Keys(found))
}

func TestCSV(t *testing.T) {
	w := newWorld(t)
	st := station(1, teld, center, 1, 2)
	st.Name = `=HYPERLINK("http://x","站, 1")`
	st.Parking = &charge.Parking{Type: charge.ParkingPaid, Text: "-1元\n起", FenPerHour: 350, FreeMinutes: 30}
	plus, wide := station(2, teld, center, 3), station(3, ykc, center, 4)
	plus.Name, wide.Name = "@SUM(A1)", "＝1＋1"
	w.put(st, plus, wide)
	w.tick()
	const path = "/api/v1/stations?bbox=102,24,103,26"
	a := w.do("GET", path+"&format=csv", "")
	if !bytes.HasPrefix(a.body, []byte("\ufeffid,operator,name,")) || !bytes.Contains(a.body, []byte("\r\n")) {
		t.Fatalf("a link: %q", a.body)
	}
	if got := a.header.Get("Content-Disposition"); got != `attachment; filename="stations-20261123T040001Z.csv"` {
		t.Fatalf("file name %s", got)
	}
	rows := readCSV(t, a)
	get := func(row int, column string) string {
		t.Helper()
		return rows[row][slices.Index(rows[0], column)]
	}
	f := func(row int, column, want string) {
		t.Helper()
		if got := get(row, column); got != want {
			t.Errorf("row %d, %s: %q, want %q", row, column, got, want)
		}
	}
	f(1, "id", "teld:S1")
	f(1, "name", `'=HYPERLINK("http://x","站, 1")`)
	f(2, "name", "'@SUM(A1)")
	f(3, "name", "'＝1＋1")
	f(1, "parking.text", "'-1元\n起")
	f(1, "parking.yuanPerHour", "3.5")
	f(1, "piles.offline", "2")
	f(1, "lon", "102.71")
	f(1, "price.nowYuanPerKwh", "") // unknown, as null
	f(1, "updatedAt", "")

	// Programs ask by Accept, and get no mark in front.
	b := w.do("GET", path, "", "Accept", "text/csv;q=0.9, application/json;q=0.5")
	if !bytes.Equal(b.body, bytes.TrimPrefix(a.body, []byte("\ufeff"))) {
		t.Fatalf("by Accept: %q", b.body)
	}
	if c := w.do("GET", path+"&format=csv&bom=0", ""); !bytes.Equal(c.body, b.body) {
		t.Fatalf("bom=0: %q", c.body[:20])
	}
	// GCJ-02 is named as such.
	rows = readCSV(t, w.do("GET", path+"&crs=gcj02", "", "Accept", "text/csv"))
	if !slices.Contains(rows[0], "lonGcj02") || slices.Contains(rows[0], "lon") || get(1, "lonGcj02") == "102.71" {
		t.Fatalf("gcj02: %q", rows)
	}
	// The same rows have the same tag, which is not that of the JSON.
	tag := b.header.Get("ETag")
	w.tick()
	if c := w.do("GET", path, "", "Accept", "text/csv", "If-None-Match", tag); c.status != 304 || c.header.Get("Vary") == "" {
		t.Fatalf("again: %d %v", c.status, c.header)
	}
	if c := w.do("GET", path, "", "If-None-Match", tag); c.status != 200 {
		t.Fatalf("JSON by the tag of CSV: %d", c.status)
	}
}

type feature struct {
	Type     string
	ID       any
	Geometry *struct {
		Type        string
		Coordinates json.RawMessage
	}
	Properties map[string]any
}

func features(t *testing.T, a answered) []feature {
	t.Helper()
	var c struct {
		Type     string
		Features []feature
	}
	if err := json.Unmarshal(a.body, &c); err != nil || a.status != 200 || c.Type != "FeatureCollection" ||
		a.header.Get("Content-Type") != "application/geo+json" {
		t.Fatalf("%d %v: %s (%v)", a.status, a.header, a.body, err)
	}
	return c.Features
}

func TestGeoJSON(t *testing.T) {
	w := fullWorld(t)
	got := features(t, w.do("GET", "/api/v1/stations?near=102.71,25.04", "", "Accept", "application/geo+json"))
	if f := got[0]; f.Type != "Feature" || f.ID != "teld:S1" || f.Geometry.Type != "Point" ||
		string(f.Geometry.Coordinates) != "[102.71,25.04]" || f.Properties["piles.total"] != 2.0 || f.Properties["lon"] != nil {
		t.Fatalf("a station: %+v", f)
	}
	// A vehicle that never said where it is has no geometry: but it is in no box either.
	if n := len(features(t, w.do("GET", "/api/v1/vehicles?bbox=102,24,103,26&format=geojson", "t-regulator"))); n != 1 {
		t.Fatalf("%d vehicles", n)
	}
	for _, path := range []string{"/api/v1/heatmap?layer=vehicles&res=7&format=geojson", "/api/v1/cells?res=7&bbox=102.7,25.0,102.75,25.05&format=geojson"} {
		for _, f := range features(t, w.get(path, "t-regulator")) {
			var rings [][][2]float64
			if err := json.Unmarshal(f.Geometry.Coordinates, &rings); err != nil || f.Geometry.Type != "Polygon" {
				t.Fatal(err)
			}
			ring := rings[0]
			area := 0.0
			for i := range len(ring) - 1 {
				area += ring[i][0]*ring[i+1][1] - ring[i+1][0]*ring[i][1]
			}
			// Closed and counter-clockwise, RFC 7946, 3.1.6.
			if len(ring) < 7 || ring[0] != ring[len(ring)-1] || area <= 0 {
				t.Fatalf("%s: ring %v", path, ring)
			}
			if f.Properties["cell"] != f.ID {
				t.Fatalf("a cell: %+v", f)
			}
		}
	}
	// GeoJSON is WGS-84: who wants GCJ-02 gets it in another format, or an error.
	const gcj = "/api/v1/stations?near=102.71,25.04&crs=gcj02"
	if a := w.get(gcj+"&format=geojson", ""); a.code() != "not-acceptable" || !strings.Contains(string(a.body), "WGS-84") {
		t.Fatalf("GeoJSON in GCJ-02: %d %s", a.status, a.body)
	}
	if a := w.do("GET", gcj, "", "Accept", "application/geo+json, application/json;q=0.1"); a.header.Get("Content-Type") != "application/json" {
		t.Fatalf("GeoJSON or JSON in GCJ-02: %v", a.header)
	}
}

// readXLSX returns the cells of the first sheet as text, as a reader of the
// format finds them.
func readXLSX(t *testing.T, a answered) (rows [][]string) {
	t.Helper()
	if a.status != 200 || a.header.Get("Content-Type") != formatTypes[asXLSX] || a.header.Get("Content-Encoding") != "" {
		t.Fatalf("%d %v", a.status, a.header)
	}
	z, err := zip.NewReader(bytes.NewReader(a.body), int64(len(a.body)))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range z.File {
		r, err := part.Open()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		var sheet struct {
			Rows []struct {
				Cells []struct {
					Type  string `xml:"t,attr"`
					Style string `xml:"s,attr"`
					Value string `xml:"v"`
					Text  string `xml:"is>t"`
				} `xml:"c"`
			} `xml:"sheetData>row"`
		}
		if err := xml.Unmarshal(body, &sheet); err != nil {
			t.Fatalf("%s: %v", part.Name, err)
		}
		if part.Name != "xl/worksheets/sheet1.xml" {
			continue
		}
		for _, r := range sheet.Rows {
			var row []string
			for _, c := range r.Cells {
				v := c.Value
				switch {
				case c.Type == "inlineStr":
					v = c.Text
				case c.Style == "2":
					day, err := strconv.ParseFloat(v, 64)
					if err != nil {
						t.Fatal(err)
					}
					v = time.UnixMilli(int64(math.Round((day - 25569) * 86400e3))).UTC().Format("2006-01-02 15:04:05.000")
				}
				row = append(row, v)
			}
			rows = append(rows, row)
		}
	}
	return rows
}

func TestXLSX(t *testing.T) {
	w := fullWorld(t)
	a := w.get("/api/v1/stations?bbox=102,24,103,26&format=xlsx", "")
	rows := readXLSX(t, a)
	f := func(column, want string) {
		t.Helper()
		if got := rows[1][slices.Index(rows[0], column)]; got != want {
			t.Errorf("%s: %q, want %q", column, got, want)
		}
	}
	f("id", "teld:S1")
	f("name", "站1")
	f("piles.total", "2")
	f("price.nowYuanPerKwh", "0.45")
	f("distanceM", "")
	f("updatedAt", "2026-11-23 12:00:00.000") // in the city's zone
	if got := a.header.Get("Content-Disposition"); got != `attachment; filename="stations-20261123T040001Z.xlsx"` {
		t.Errorf("file name %s", got)
	}
	if again := w.get("/api/v1/stations?bbox=102,24,103,26&format=xlsx", ""); again.header.Get("ETag") != a.header.Get("ETag") {
		t.Error("the same table has another tag")
	}
	if got := appendXLSXCell(nil, cell(`"_x0041_<&\u0001"`), time.UTC); string(got) !=
		`<c t="inlineStr"><is><t xml:space="preserve">_x005F_x0041_&lt;&amp;`+"\ufffd"+`</t></is></c>` {
		t.Errorf("text is escaped as %s", got)
	}
	if got := appendXLSXText(nil, strings.Repeat("站", 40_000), 0); len(got) > 3*maxCellText {
		t.Errorf("a cell of %d bytes", len(got))
	}
}

func TestNegotiation(t *testing.T) {
	w := fullWorld(t)
	f := func(query, accept string, status int, want string) {
		t.Helper()
		header := []string{}
		if accept != "" {
			header = []string{"Accept", accept}
		}
		a := w.do("GET", "/api/v1/stations?near=102.71,25.04"+query, "", header...)
		kind, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
		if a.status != status || kind != want {
			t.Errorf("%s, Accept %q: %d %s, want %d %s", query, accept, a.status, kind, status, want)
		}
		if !strings.Contains(a.header.Get("Vary"), "Accept,") && status == 200 {
			t.Errorf("Vary is %q", a.header.Get("Vary"))
		}
	}
	const problem, geojson = "application/problem+json", "application/geo+json"
	f("", "", 200, "application/json")
	f("", "*/*", 200, "application/json")
	f("", "application/*", 200, "application/json")
	f("", "text/*", 200, "text/csv")
	f("", "application/json, text/plain, */*", 200, "application/json")
	f("", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", 200, "application/json")
	f("", "text/csv", 200, "text/csv")
	f("", "TEXT/CSV ; header=present ; Q=0.3", 200, "text/csv")
	f("", "application/json;q=0.1, application/geo+json", 200, geojson)
	f("", "application/json;q=0.5, text/csv;q=0.5", 200, "application/json")
	f("", "*/*;q=0.1, application/json;q=0", 200, "text/csv")
	f("", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", 200, formatTypes[asXLSX])
	f("", "text/html", 406, problem)
	f("", "text/csv;q=0", 406, problem)
	f("", "application/json;q=bad", 406, problem)
	f("&format=json", "text/csv", 200, "application/json") // the link wins
	f("&format=geojson", "", 200, geojson)
	f("&format=pdf", "", 400, problem)
	f("&format=", "", 400, problem)
	f("&format=csv&near=0", "", 400, problem)
	f("&bom=2", "", 400, problem)
	f("&bom=", "", 400, problem)
	f("&bom=1", "", 200, "application/json")
	f("&format=csv&bom=yes", "", 400, problem)
	f("&bom=0", "text/csv", 200, "text/csv")
	f("&bom=2", "text/csv", 400, problem)
	if a := w.do("GET", "/api/v1/operators?format=geojson", ""); a.code() != "not-acceptable" {
		t.Errorf("operators on a map: %d", a.status)
	}
	// One thing is JSON: the parameter is unknown there, and ignored.
	if a := w.do("GET", "/api/v1/overview?format=csv", "", "Accept", "text/csv"); a.header.Get("Content-Type") != "application/json" {
		t.Errorf("overview: %v", a.header)
	}
}

// The header Link leads through all pages, in every format.
func TestNextLink(t *testing.T) {
	w := newWorld(t)
	for i := charge.Num(1); i <= 7; i++ {
		st := station(i, teld, center, i)
		st.Name = `a","next":"x`
		w.put(st)
	}
	w.tick()
	for _, query := range []string{"", "&format=csv", "&format=geojson", "&format=xlsx"} {
		path, pages := "/api/v1/stations?near=102.71,25.04&limit=3&q=a"+query, 0
		for path != "" {
			a := w.get(path, "")
			if a.status != 200 {
				t.Fatalf("%s: %d %s", path, a.status, a.body)
			}
			pages++
			link := a.header.Get("Link")
			target, ok := strings.CutSuffix(strings.TrimPrefix(link, "<"), `>; rel="next"`)
			if link != "" && !ok {
				t.Fatalf("Link %q", link)
			}
			path = target
		}
		if pages != 3 {
			t.Errorf("%q: %d pages of 3 of 7 stations", query, pages)
		}
	}
}

// Who follows the header Link gets the next page as the one before, also without
// the Accept that asked for it.
func TestNextLinkKeepsTheFormat(t *testing.T) {
	w := newWorld(t)
	for i := charge.Num(1); i <= 5; i++ {
		w.put(station(i, teld, center, i))
	}
	w.tick()
	f := func(query, accept, kind string, bom bool) {
		t.Helper()
		header := []string{}
		if accept != "" {
			header = []string{"Accept", accept}
		}
		path, pages := "/api/v1/stations?near=102.71,25.04&limit=2"+query, 0
		for ; path != ""; pages++ {
			a := w.do("GET", path, "", header...)
			got, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
			if a.status != 200 || got != kind || bytes.HasPrefix(a.body, []byte("\ufeff")) != bom {
				t.Fatalf("%s: %d %s %.20q, want %s, mark %v", path, a.status, got, a.body, kind, bom)
			}
			path, _ = strings.CutSuffix(strings.TrimPrefix(a.header.Get("Link"), "<"), `>; rel="next"`)
			header = nil
		}
		if pages != 3 {
			t.Errorf("%s as %q: %d pages of 2 of 5 stations", query, accept, pages)
		}
	}

	f("", "", "application/json", false)
	f("", "text/csv", "text/csv", false)
	f("&q=%E7%AB%99", "text/csv", "text/csv", false)
	f("&bom=1", "text/csv", "text/csv", true)
	f("&format=csv", "", "text/csv", true)
	f("&format=csv&bom=0", "", "text/csv", false)
	f("", "application/geo+json", "application/geo+json", false)
	f("", formatTypes[asXLSX], formatTypes[asXLSX], false)
	f("&format=json", "text/csv", "application/json", false)
}

func BenchmarkExport(b *testing.B) {
	row := []byte(`["2026-11-23T04:00:01.000Z",102.712345,25.040123,31.5,40211.3,63,385.1,22.4,1,3,0,0,240,1200],`)
	body := append([]byte(`{"columns":["ts","lon","lat","speedKmh","odometerKm","socPct","voltageV","currentA","state","charge","alarmLevel","alarms","rangeKm","insulationKohm"],"rows":[`),
		bytes.Repeat(row, 25_000)...)
	body = append(body[:len(body)-1], `]}`...)
	run := func(name string, f func(*table) ([]byte, error)) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				t, err := trackSheet.table(body)
				if err != nil {
					b.Fatal(err)
				}
				out, err := f(t)
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(int64(len(out)))
			}
		})
	}
	run("csv", func(t *table) ([]byte, error) { return t.appendCSV(nil), nil })
	run("geojson", func(t *table) ([]byte, error) { return t.appendGeoJSON(nil, atPoint) })
	run("xlsx", func(t *table) ([]byte, error) { return t.appendXLSX(nil, about{zone: time.UTC}) })
}
