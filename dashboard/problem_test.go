package dashboard

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

// Whoever meets an error reads what happened and where to go on, in their language.
func TestErrorPagesHelp(t *testing.T) {
	h := newHandler(testConfig(), fixed{}, fstest.MapFS{".gitkeep": {}})
	f := func(status int, target, lang string, want ...string) {
		t.Helper()
		r := httptest.NewRequest(http.MethodGet, target, nil)
		r.Header.Set("Accept-Language", lang)
		w := httptest.NewRecorder()
		h.(pages).Problem(w, r, status)
		body := w.Body.String()
		if w.Code != status || w.Header().Get("Content-Security-Policy") == "" {
			t.Errorf("%d for %s: status %d, policy %q", status, target, w.Code, w.Header().Get("Content-Security-Policy"))
		}
		for _, s := range append(want, `href="/wall?lang=`, `href="/desk?lang=`, `href="/api/v1/docs"`) {
			if !strings.Contains(body, s) {
				t.Errorf("%d for %s in %s: %q is missing:\n%s", status, target, lang, s, body)
			}
		}
	}

	f(404, "/station/9", "zh", "没有这个页面", "/station/9", "附近充电")
	f(404, "/station/9", "en", "No such page", "The city’s wall")
	f(429, "/wall", "zh", "请稍等", "几秒后")
	f(503, "/wall", "en", "One moment")
	f(500, "/", "zh", "这一页出错了", "管理员")
	f(502, "/", "en", "not yours")
	f(404, "/%3Cscript%3E", "en", "&lt;script&gt;")
	f(404, "/%FF%FE", "en", "No such page")
	f(404, "/"+strings.Repeat("a", 5000), "en", strings.Repeat("a", 119)+"…")
}
