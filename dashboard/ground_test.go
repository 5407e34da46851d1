package dashboard

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

func TestBasemapIsServedInParts(t *testing.T) {
	file := filepath.Join(t.TempDir(), "city.pmtiles")
	if err := os.WriteFile(file, []byte("PMTiles\x03the rest"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := testConfig()
	cfg.Basemap = file
	h := newHandler(cfg, fixed{}, fstest.MapFS{})
	get := func(path, header, value string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set(header, value)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}

	part := get("/basemap/city.pmtiles", "Range", "bytes=0-6")
	if part.Code != 206 || part.Body.String() != "PMTiles" || part.Header().Get("Content-Range") != "bytes 0-6/16" {
		t.Errorf("a range = %d %q %v", part.Code, part.Body, part.Header())
	}
	tag := part.Header().Get("ETag")
	if whole := get("/basemap/city.pmtiles", "If-None-Match", tag); tag == "" || whole.Code != 304 {
		t.Errorf("asked again with %q = %d, want 304", tag, whole.Code)
	}
	if err := os.WriteFile(file, []byte("PMTiles\x03another file"), 0o600); err != nil {
		t.Fatal(err)
	}
	if again := get("/basemap/city.pmtiles", "If-None-Match", tag); again.Code != 200 || again.Header().Get("ETag") == tag {
		t.Errorf("a new file under the old tag = %d %v", again.Code, again.Header())
	}
	if other := get("/basemap/../ground_test.go", "Range", ""); other.Code == 200 {
		t.Error("a file that is not the base map was served")
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if gone := get("/basemap/city.pmtiles", "Range", ""); gone.Code != 404 {
		t.Errorf("a file that went = %d, want 404", gone.Code)
	}
}

func TestPolicyOpensForTheBasemapOnly(t *testing.T) {
	f := func(style string, more []string, want string) {
		t.Helper()
		cfg := testConfig()
		cfg.Style, cfg.Origins = style, more
		w := httptest.NewRecorder()
		newHandler(cfg, fixed{}, fstest.MapFS{}).ServeHTTP(w, httptest.NewRequest("GET", "/plain", http.NoBody))
		got := w.Header().Get("Content-Security-Policy")
		if !strings.Contains(got, "connect-src 'self'"+want+";") || !strings.Contains(got, "blob:"+want+";") {
			t.Errorf("style %q: %s, want%s", style, got, want)
		}
	}

	f("", nil, "")
	f("/basemap/city.pmtiles", nil, "")
	f("https://tiles.example/style.json?key=1", nil, " https://tiles.example")
	f("https://tiles.example:8443/{z}/{x}/{y}.png", []string{"https://fonts.example", "https://tiles.example:8443"},
		" https://tiles.example:8443 https://fonts.example")
	f("https://a.example; script-src *", nil, "")
	f("javascript:alert(1)", nil, "")
}

func TestWallBeginsWithTheFigures(t *testing.T) {
	page := "<div id=app>" + firstMark + "</div><script src=x></script>"
	dist := fstest.MapFS{"wall.html": {Data: []byte(page)}, "wall.html.br": {Data: []byte("br")}}
	get := func(data Data, lang string) string {
		r := httptest.NewRequest("GET", "/wall", nil)
		r.Header.Set("Accept-Language", lang)
		r.Header.Set("Accept-Encoding", "br")
		w := httptest.NewRecorder()
		newHandler(testConfig(), data, dist).ServeHTTP(w, r)
		if w.Code != 200 || w.Header().Get("Content-Encoding") != "" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("wall = %d %v", w.Code, w.Header())
		}
		return w.Body.String()
	}

	zh := get(fixed{}, "zh-CN")
	for _, want := range []string{"<dt>充电中</dt><dd class=\"num\">1,500</dd>", "1,234.6 MW", `id="first">{"at":1`, `"charging":1500`,
		`"name":"特来电\u003cscript\u003e"`, "<script src=x>"} {
		if !strings.Contains(zh, want) {
			t.Errorf("the wall lacks %s:\n%s", want, zh)
		}
	}
	if en := get(fixed{}, "en"); !strings.Contains(en, "<h1>Kunming Charging in the city now</h1>") {
		t.Errorf("in English: %s", en)
	}
	if none := get(fixed{empty: true}, "en"); none != "<div id=app></div><script src=x></script>" {
		t.Errorf("without data: %s", none)
	}
}
