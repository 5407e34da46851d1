package dashboard

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// fixed is Data with one operator and one station, whose names try to break out.
type fixed struct{ empty bool }

func (d fixed) Overview() Overview {
	if d.empty {
		return Overview{}
	}
	return Overview{
		At:      charge.At(time.Now().Add(-9 * time.Second)),
		Piles:   charge.PileCounts{Total: 12345, Free: 10000, InUse: 2000, Charging: 1500, Reserved: 45, Fault: 100, Offline: 200},
		PowerKW: 1234567, Stations: 42,
	}
}

func (d fixed) Operators() []Operator {
	if d.empty {
		return nil
	}
	return []Operator{
		{ID: "ykc", Name: "云快充", Piles: charge.PileCounts{Total: 10, Offline: 1}},
		{ID: "teld", Name: "特来电<script>", NameEn: "TELD", Piles: charge.PileCounts{Total: 20}},
	}
}

func (d fixed) Nearest(lon, lat float64, limit int, free bool) []Station {
	if d.empty || lon != 102.7 {
		return nil
	}
	return []Station{{
		ID: "teld:S1", Name: "世纪城站", NameEn: "Shijicheng", Operator: "特来电", DistanceM: 423,
		Piles: charge.PileCounts{Total: 8, Free: 3}, MaxKW: 120, Price: &Price{NowE4: 14250, NextE4: 11550,
			Until: charge.At(time.Date(2026, 11, 1, 4, 0, 0, 0, time.UTC))},
	}}
}

func testConfig() Config {
	return Config{City: "昆明", CityEn: "Kunming", Zone: time.FixedZone("CST", 8*3600),
		Places: []Place{{Name: "南屏街", NameEn: "Nanping Street", Lon: 102.7, Lat: 25}, {Name: "马街", Lon: 102.6, Lat: 25}}}
}

func built() fstest.MapFS {
	return fstest.MapFS{
		".gitkeep":              {},
		"driver.html":           {Data: []byte("<title>driver</title>")},
		"driver.html.br":        {Data: []byte("br-driver")},
		"driver.html.gz":        {Data: []byte("gz-driver")},
		"wall.html":             {Data: []byte("<title>wall</title>")},
		"desk.html":             {Data: []byte("<title>desk</title>")},
		"assets/wall-AbC123.js": {Data: []byte("plain-js")},
		"geo/LICENSE.txt":       {Data: []byte("licence")},
		"sw.js":                 {Data: []byte("self.shell=[]")},
		"driver.webmanifest":    {Data: []byte(`{"scope":"/"}`)},
		"icons/192.png":         {Data: []byte("\x89PNG")},
	}
}

func get(h http.Handler, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestBuiltPages(t *testing.T) {
	h := newHandler(testConfig(), fixed{}, built())
	f := func(target, accept string, status int, body, coding, cache string) {
		t.Helper()
		w := get(h, target, "Accept-Encoding", accept)
		if w.Code != status || !strings.Contains(w.Body.String(), body) {
			t.Errorf("GET %s = %d %q, want %d %q", target, w.Code, w.Body, status, body)
		}
		if got := w.Header().Get("Content-Encoding"); got != coding {
			t.Errorf("GET %s with %q: coding %q, want %q", target, accept, got, coding)
		}
		if got := w.Header().Get("Cache-Control"); got != cache {
			t.Errorf("GET %s: Cache-Control %q, want %q", target, got, cache)
		}
		if got := w.Header().Get("Content-Security-Policy"); got != policy("") {
			t.Errorf("GET %s: policy %q", target, got)
		}
	}

	f("/", "", 200, "driver", "", "no-cache")
	f("/", "gzip, br", 200, "br-driver", "br", "no-cache")
	f("/", "gzip, br;q=0", 200, "gz-driver", "gzip", "no-cache")
	f("/", "*", 200, "br-driver", "br", "no-cache")
	f("/?lang=en&free=1", "gzip", 200, "gz-driver", "gzip", "no-cache")
	f("/wall", "br", 200, "wall", "", "no-cache")
	f("/desk", "br", 200, "desk", "", "no-cache")
	f("/assets/wall-AbC123.js", "", 200, "plain-js", "", "public, max-age=31536000, immutable")
	f("/geo/LICENSE.txt", "", 200, "licence", "", "no-cache")
	f("/wall.html", "", 404, "没有这个页面", "", "no-store")
	f("/.gitkeep", "", 404, "没有这个页面", "", "no-store")
	f("/driver.html.br", "", 404, "没有这个页面", "", "no-store")
	f("/nothing", "", 404, "没有这个页面", "", "no-store")
}

// The worker governs the folder that it lies in, and must be asked for anew at
// each visit: a cached one would keep an old page for good.
func TestDriversPageCanBeInstalled(t *testing.T) {
	h := newHandler(testConfig(), fixed{}, built())
	f := func(target, contentType string) {
		t.Helper()
		w := get(h, target)
		got, cache := w.Header().Get("Content-Type"), w.Header().Get("Cache-Control")
		if w.Code != 200 || got != contentType || cache != "no-cache" {
			t.Errorf("GET %s = %d %q %q, want 200 %q no-cache", target, w.Code, got, cache, contentType)
		}
	}

	f("/sw.js", "text/javascript; charset=utf-8")
	f("/driver.webmanifest", "application/manifest+json")
}

// Browsers ask for it beside every page that names no icon: files, the interface's answers, errors.
func TestFaviconIsTheIcon(t *testing.T) {
	w := get(newHandler(testConfig(), fixed{}, built()), "/favicon.ico")
	if got := w.Header().Get("Content-Type"); w.Code != 200 || got != "image/png" || !strings.HasPrefix(w.Body.String(), "\x89PNG") {
		t.Fatalf("GET /favicon.ico = %d %q %q, want a picture", w.Code, got, w.Body)
	}
}

func TestUnchangedFileIsNotSentAgain(t *testing.T) {
	h := newHandler(testConfig(), fixed{}, built())
	plain, br := get(h, "/").Header().Get("ETag"), get(h, "/", "Accept-Encoding", "br").Header().Get("ETag")
	if plain == "" || plain == br {
		t.Fatalf("ETags %s and %s: want two different ones", plain, br)
	}
	f := func(header string, want int) {
		t.Helper()
		if w := get(h, "/", "If-None-Match", header); w.Code != want {
			t.Errorf("If-None-Match %s = %d, want %d", header, w.Code, want)
		}
	}

	f(plain, 304)
	f(`"other", W/`+plain, 304)
	f("*", 304)
	f(br, 200)
}

func TestPlainPages(t *testing.T) {
	f := func(data Data, target, lang string, want ...string) {
		t.Helper()
		w := get(newHandler(testConfig(), data, fstest.MapFS{".gitkeep": {}}), target, "Accept-Language", lang)
		if w.Code != 200 {
			t.Fatalf("GET %s = %d", target, w.Code)
		}
		rest := w.Body.String()
		for _, s := range want {
			_, after, found := strings.Cut(rest, s)
			if !found {
				t.Errorf("GET %s in %q: %q is missing, or not in order:\n%s", target, lang, s, w.Body)
				return
			}
			rest = after
		}
	}

	f(fixed{}, "/wall", "zh-CN,zh;q=0.9", `lang="zh-CN"`, "昆明", "9 秒前", "12,345", "1,234.6", "特来电&lt;script&gt;", "云快充", "90.0%")
	f(fixed{}, "/plain", "en-GB", `lang="en"`, "Kunming", "9 s ago", "Piles", "12,345", "TELD")
	f(fixed{}, "/plain?lang=en", "zh", "Kunming")
	f(fixed{}, "/desk", "zh", "数据工作台", "/api/v1/quality", "/api/v1/docs")
	f(fixed{}, "/desk?lang=en", "zh", "Data desk", "Bearer TOKEN", "/api/v1/alarms")
	f(fixed{}, "/", "", "南屏街", ">3<", "世纪城站", "420 米", "120 kW", "¥1.43", "12:00", "¥1.16", "请到站询问", "尚无数据")
	f(fixed{}, "/plain/stations?lang=en&place=0", "", "Nanping Street", "Shijicheng", "420 m", "ask on site")
	f(fixed{}, "/plain/stations?place=1", "", `value="1" selected`, "没有符合条件的充电站")
	f(fixed{}, "/plain/stations?place=77", "", `value="0" selected`, "世纪城站")
	f(fixed{empty: true}, "/wall", "", "尚无数据", "暂无数据")
}

func TestPlainParking(t *testing.T) {
	p := newPlain(testConfig(), fixed{})
	f := func(parking *charge.Parking, zh, en string) {
		t.Helper()
		for lang, want := range map[string]string{"zh": zh, "en": en} {
			v := p.view(httptest.NewRequest(http.MethodGet, "/?lang="+lang, nil))
			if got := v.ParkingText(parking); got != want {
				t.Errorf("%+v in %s = %q, want %q", parking, lang, got, want)
			}
		}
	}
	parking := func(kind charge.ParkingType, text string, fenPerHour, freeMinutes int64) *charge.Parking {
		return &charge.Parking{Type: kind, Text: text, FenPerHour: fenPerHour, FreeMinutes: freeMinutes}
	}

	f(nil, "请到站询问", "ask on site")
	f(parking(charge.ParkingAsk, "", -1, -1), "请到站询问", "ask on site")
	f(parking(charge.ParkingAsk, "问保安", -1, -1), "问保安", "问保安")
	f(parking(charge.ParkingFree, "", -1, -1), "免费", "free")
	f(parking(charge.ParkingFree, "免费停车", -1, -1), "免费停车", "free · 免费停车")
	f(parking(charge.ParkingPaid, "", 500, -1), "收费 · ¥5.00/小时", "paid · ¥5.00/h")
	f(parking(charge.ParkingPaid, "", -1, -1), "收费", "paid")
	f(parking(charge.ParkingLimited, "", 300, 120), "限时免费 · 前 120 分钟免费 · ¥3.00/小时",
		"free for a time · first 120 min free · ¥3.00/h")
	f(parking(charge.ParkingReduced, "凭小票", 300, -1), "充电减免 · 凭小票", "reduced while charging · 凭小票")
}

func TestBothLanguagesHaveTheSameTexts(t *testing.T) {
	zh, en := slices.Sorted(maps.Keys(texts["zh-CN"])), slices.Sorted(maps.Keys(texts["en"]))
	if !slices.Equal(zh, en) {
		t.Fatalf("keys differ:\nzh-CN %v\nen    %v", zh, en)
	}
}

func TestWritingIsNotAllowed(t *testing.T) {
	w := httptest.NewRecorder()
	newHandler(testConfig(), fixed{}, built()).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Fatalf("POST / = %d, want 405", w.Code)
	}
}
