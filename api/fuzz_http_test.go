package api

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// Whatever a client says of where it comes from, the address is what our own
// proxy saw.
func FuzzForwardedFor(f *testing.F) {
	for _, s := range []string{"", "203.0.113.9", "127.0.0.1,", "unknown, [2001:db8::1]:5", ",,,", "fe80::1%eth0", "1.2.3.4:99999"} {
		f.Add(s)
	}
	p, err := ParseProxies("loopback,10.0.0.0/8")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, said string) {
		r := &http.Request{RemoteAddr: "127.0.0.1:5", Header: http.Header{"X-Forwarded-For": {said + ", 203.0.113.9, 10.0.0.1"}}}
		if got := p.originOf(r).addr.String(); got != "203.0.113.9" {
			t.Fatalf("said %q, from %s", said, got)
		}
		r.Header["X-Forwarded-For"] = []string{said}
		if from := p.originOf(r); from.addr.IsValid() && from.addr.Zone() != "" {
			t.Fatalf("said %q, from %s", said, from.addr)
		}
	})
}

func FuzzAccept(f *testing.F) {
	for _, s := range []string{"", "*/*", "text/csv;q=0.5, */*;q=0.1", "application/geo+json; Q=1 ;x=y", ";,;q=", "text/*;q=NaN", "a/b;q=-1"} {
		f.Add(s, "format=csv")
	}
	f.Fuzz(func(t *testing.T, accept, query string) {
		for _, media := range formatTypes {
			if q := weight([]string{accept}, media); !(q >= 0 && q <= 1) {
				t.Fatalf("%q gives %s the weight %v", accept, media, q)
			}
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.RawQuery = query
		r.Header.Set("Accept", accept)
		as, err := operatorSheet.negotiate(&request{Request: r})
		if err == nil && as.format == asGeoJSON {
			t.Fatalf("%q, %q: GeoJSON of what is nowhere", accept, query)
		}
	})
}

// Any JSON that a resource could answer becomes files that can be read.
func FuzzTable(f *testing.F) {
	for _, s := range []string{`{"stations":[{"id":"a:b","name":"=1,\"\n","lon":1,"lat":2,"piles":{"free":1}}],"next":null}`,
		`{"at":"x","stations":[{},{"lon":null}],"truncated":true}`, `{"stations":{"id":[1,{"a":"]"}]}}`,
		`{"stations":[{"lon":-1e3,"lat":true}]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var shape struct{ Stations []map[string]json.RawMessage }
		if json.Unmarshal(body, &shape) != nil || shape.Stations == nil {
			return
		}
		for _, row := range shape.Stations {
			if row == nil {
				return // rows are objects
			}
		}
		var compact bytes.Buffer
		if json.Compact(&compact, body) != nil || bytes.Contains(body, []byte(`\`)) && strings.Contains(compact.String(), `\u`) {
			return // names of ours have no escapes
		}
		tab, err := stationSheet.table(compact.Bytes())
		if err != nil {
			return
		}
		out := tab.appendCSV(nil)
		rows, err := csv.NewReader(bytes.NewReader(out)).ReadAll()
		if err != nil || len(rows) != len(tab.rows)+1 {
			t.Fatalf("%d rows for %d: %v\n%s", len(rows), len(tab.rows), err, out)
		}
		for _, row := range rows[1:] {
			for i, c := range row {
				if len(c) > 0 && strings.ContainsRune("=@\t", rune(c[0])) {
					t.Fatalf("column %s is a formula: %q", rows[0][i], c)
				}
			}
		}
		book, err := tab.appendXLSX(nil, about{zone: time.UTC})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := zip.NewReader(bytes.NewReader(book), int64(len(book))); err != nil {
			t.Fatal(err)
		}
		if geo, err := tab.appendGeoJSON(nil, atPoint); err != nil || !json.Valid(geo) {
			t.Fatalf("%v: %s", err, geo)
		}
	})
}
