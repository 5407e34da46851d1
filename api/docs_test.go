package api

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/dianchi-platform/dianchi/internal/alarm"
)

func loadOpenAPI(tb testing.TB) *openapi3.T {
	tb.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(openapiYAML)
	if err != nil {
		tb.Fatal(err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		tb.Fatal(err)
	}
	return doc
}

func TestEveryRouteIsInOpenAPI(t *testing.T) {
	w := newWorld(t)
	doc := loadOpenAPI(t)
	routes := make(map[string]*route)
	for _, row := range w.api.table() {
		routes[row.full()] = row
		op := operationOf(doc, row)
		if op == nil {
			t.Errorf("openapi.yaml lacks %s", row.full())
			continue
		}
		if past := op.Parameters.GetByInAndName("query", "at") != nil; past != row.past {
			t.Errorf("%s: openapi.yaml and the code disagree on whether it knows at", row.full())
		}
		if locked := op.Security != nil; locked != (row.roles != everyone) {
			t.Errorf("%s: openapi.yaml and the code disagree on whether a token is needed", row.full())
		}
	}
	for path := range doc.Paths.Map() {
		if routes[path] == nil {
			t.Errorf("openapi.yaml names %s, which is not served", path)
		}
	}
}

// operationOf returns what the document says of a route, nil when nothing.
func operationOf(doc *openapi3.T, row *route) *openapi3.Operation {
	item := doc.Paths.Value(row.full())
	switch {
	case item == nil:
		return nil
	case row.post:
		return item.Post
	}
	return item.Get
}

func TestEveryCodeIsExplained(t *testing.T) {
	page := string(docsHTML)
	for code := range problems {
		if !strings.Contains(page, `id="`+string(code)+`"`) {
			t.Errorf("docs.html does not explain %s", code)
		}
	}
	if m := regexp.MustCompile(`(?:src|href)="(?:https?:)?//`).FindString(page); m != "" {
		t.Errorf("docs.html loads from outside: %s", m)
	}
}

// TestDocumentedCallsWork asks for every address on the page.
func TestDocumentedCallsWork(t *testing.T) {
	w := fullWorld(t)
	alarm := alarm.IDString(w.alarms.View().Open()[0].ID)
	page := html.UnescapeString(string(docsHTML))
	calls := regexp.MustCompile(`http://localhost:8080(/api/v1/[^'"\s]*)|next='(/api/v1/[^']*)'`).FindAllStringSubmatch(page, -1)
	if len(calls) < 15 {
		t.Fatalf("only %d addresses on the page", len(calls))
	}
	for _, m := range calls {
		path := strings.Replace(m[1]+m[2], "A2s", alarm, 1)
		path = strings.Replace(path, "teld:530100001", "teld:S1", 1) // the page names one of the demo city
		method, want := "GET", 200
		switch {
		case strings.HasSuffix(path, "/ack"):
			method = "POST"
		case strings.HasSuffix(path, "/live"):
			want = 426
		}
		if a := w.do(method, path, "t-regulator"); a.status != want {
			t.Errorf("%s %s: %d %s", method, path, a.status, a.body)
		}
	}
}

// TestAnswersAreAsDocumented holds every kind of answer against openapi.yaml.
func TestAnswersAreAsDocumented(t *testing.T) {
	w := fullWorld(t)
	doc := loadOpenAPI(t)
	asked := make(map[string]bool)
	f := func(path, token string, status int) {
		t.Helper()
		method := "GET"
		if strings.HasSuffix(path, "/ack") {
			method = "POST"
		}
		a := w.do(method, path, token)
		u, err := url.Parse(path)
		if err != nil || a.status != status {
			t.Fatalf("%s as %q = %d %s, want %d", path, token, a.status, a.body, status)
		}
		row, _ := w.api.routes.find(u.EscapedPath())
		op := operationOf(doc, row)
		asked[row.full()] = true
		resp := op.Responses.Status(status)
		if resp == nil {
			resp = op.Responses.Default()
		}
		kind, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
		media := resp.Value.Content.Get(kind)
		if media == nil {
			t.Fatalf("%s: %d with %s is not documented", path, status, kind)
		}
		if kind != "application/json" && kind != "application/problem+json" {
			return
		}
		var body any
		if err := json.Unmarshal(a.body, &body); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if err := media.Schema.Value.VisitJSON(body, openapi3.MultiErrors()); err != nil {
			t.Fatalf("%s: %s\n%v", path, a.body, err)
		}
		if err := undocumented(media.Schema.Value, body, ""); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}

	f("/api/v1/config", "", 200)
	f("/api/v1/me", "", 200)
	f("/api/v1/me", "t-teld", 200)
	f("/api/v1/me", "t-regulator", 200)
	f("/api/v1/me", "t-nobody", 401)
	f("/api/v1/overview", "", 200)
	f("/api/v1/operators", "", 200)
	f("/api/v1/makers", "", 200)
	f("/api/v1/districts", "", 200)
	f("/api/v1/stations?near=102.71,25.04", "", 200)
	f("/api/v1/stations?bbox=102,24,103,26&access=all&limit=1", "t-regulator", 200)
	f("/api/v1/stations/teld:S1", "", 200)
	f("/api/v1/stations/ykc:S2", "t-ykc", 200)
	f("/api/v1/stations/ykc:S3?crs=gcj02", "", 200)
	f("/api/v1/rank/stations?by=free", "", 200)
	f("/api/v1/rank/stations?by=alarm", "", 400)
	f("/api/v1/piles/teld:P1", "", 200)
	f("/api/v1/piles/teld:P1", "t-teld", 200)
	f("/api/v1/piles/teld:P2", "t-regulator", 200)
	f("/api/v1/vehicles?bbox=102,24,103,26", "t-regulator", 200)
	f("/api/v1/vehicles/"+vin(1), "t-nio", 200)
	f("/api/v1/vehicles/"+vin(2), "t-regulator", 200)
	for layer := range 6 {
		f("/api/v1/heatmap?layer="+layerWords[layer]+"&res=7", "t-regulator", 200)
	}
	f("/api/v1/cells?res=8&bbox=102.7,25.0,102.75,25.05", "", 200)
	f("/api/v1/borders", "", 200)
	f("/api/v1/moments", "", 200)
	then := "at=" + keptMoment(w).String()
	for _, path := range []string{"overview?", "operators?", "makers?", "districts?", "heatmap?layer=powerKw&"} {
		f("/api/v1/"+path+then, "", 200)
		f("/api/v1/"+path+"at=0", "", 410)
		f("/api/v1/"+path+"at=7258118399999", "", 400)
	}
	f("/api/v1/history/piles/teld:P1?every=15m", "t-teld", 200)
	f("/api/v1/history/piles/teld:P1/sessions", "t-regulator", 200)
	f("/api/v1/history/vehicles/"+vin(1), "t-nio", 200)
	f("/api/v1/history/operators/teld", "", 200)
	f("/api/v1/history/makers/nio", "", 200)
	f("/api/v1/history/districts/530102", "", 200)
	f("/api/v1/history/districts/unknown", "", 200)
	f("/api/v1/history/city?from=1795392000000&to=2026-11-24T00:00:00%2B08:00&every=1h", "", 200)
	f("/api/v1/quality", "t-regulator", 200)
	f("/api/v1/quality?window=1h", "t-teld", 200)
	f("/api/v1/quality?window=2h", "t-teld", 400)
	f("/api/v1/quality/teld?window=total", "t-teld", 200)
	f("/api/v1/quality/nio", "t-teld", 404)
	f("/api/v1/quality/teld", "", 403)
	f("/api/v1/quality/teld/rules", "t-teld", 200)
	f("/api/v1/quality/teld/rules", "t-ykc", 404)
	f("/api/v1/history/quality/nio", "t-nio", 200)
	f("/api/v1/history/quality/nio", "t-byd", 404)
	f("/api/v1/history/city?every=1m", "", 400)
	f("/api/v1/history/operators/nobody", "", 404)
	f("/api/v1/history/operators/nio", "", 404)
	f("/api/v1/history/districts/1", "", 404)
	f("/api/v1/history/piles/teld:gone/sessions", "t-teld", 404)
	f("/api/v1/stations", "", 400)
	f("/api/v1/vehicles", "", 403)
	f("/api/v1/alarms", "", 403)
	f("/api/v1/alarms", "t-regulator", 200)
	f("/api/v1/alarms?state=recent", "t-regulator", 200)
	f("/api/v1/alarms?state=all&rule=pile.fault&severity=warning&party=teld&from=1&limit=1", "t-teld", 200)
	f("/api/v1/alarms?rule=none", "t-regulator", 400)
	f("/api/v1/alarms/"+alarm.IDString(w.alarms.View().Open()[0].ID)+"/ack", "t-regulator", 200)
	f("/api/v1/alarms/A1/ack", "t-regulator", 404)
	f("/api/v1/live", "", 426)
	f("/api/v1/openapi.yaml", "", 200)
	f("/api/v1/asyncapi.yaml", "", 200)
	f("/api/v1/docs", "", 200)
	f("/healthz", "", 200)
	f("/readyz", "", 200)
	f("/metrics", "", 200)
	for _, row := range w.api.table() {
		if !asked[row.full()] {
			t.Errorf("%s was not asked", row.full())
		}
	}
}

// undocumented finds members that an answer has and its schema has not.
func undocumented(s *openapi3.Schema, v any, at string) error {
	switch v := v.(type) {
	case map[string]any:
		known := make(map[string]*openapi3.Schema)
		collect(s, known)
		if s.AdditionalProperties.Schema != nil {
			return nil
		}
		for name, member := range v {
			if known[name] == nil {
				return fmt.Errorf("%s.%s is not documented", at, name)
			}
			if err := undocumented(known[name], member, at+"."+name); err != nil {
				return err
			}
		}
	case []any:
		for _, e := range v {
			if s.Items != nil {
				if err := undocumented(s.Items.Value, e, at+"[]"); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func collect(s *openapi3.Schema, into map[string]*openapi3.Schema) {
	for name, p := range s.Properties {
		into[name] = p.Value
	}
	for _, part := range s.AllOf {
		collect(part.Value, into)
	}
}

// The docs page runs nothing and loads nothing: its policy lets its own style
// sheet in, and there is nothing in the page that it would stop.
func TestDocsPageHasAPolicy(t *testing.T) {
	w := newWorld(t)
	a := w.get(docsPath, "")
	policy := a.header.Get("Content-Security-Policy")
	style := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindAllSubmatch(a.body, -1)
	if a.status != 200 || len(style) != 1 {
		t.Fatalf("%d with %d style sheets", a.status, len(style))
	}
	sum := sha256.Sum256(style[0][1])
	for _, want := range []string{"default-src 'none'", "style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy %q lacks %s", policy, want)
		}
	}
	if bad := regexp.MustCompile(`(?i)<script|<img|<link|<iframe|<form|\sstyle=|\son[a-z]+=|javascript:`).Find(a.body); bad != nil {
		t.Errorf("the page has %q, which its policy stops", bad)
	}
}
