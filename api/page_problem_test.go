package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// pagesOfATest is a dashboard with a page for what goes wrong.
type pagesOfATest struct{}

func (pagesOfATest) ServeHTTP(w http.ResponseWriter, r *http.Request) { panic("secret detail") }

func (pagesOfATest) Problem(w http.ResponseWriter, _ *http.Request, status int) {
	w.WriteHeader(status)
	fmt.Fprint(w, "page of the problem")
}

// A browser reads a page where a program reads a problem; neither reads why a handler failed.
func TestBrowsersGetPagesForProblems(t *testing.T) {
	w := newWorld(t, func(_ *Config, d *Deps) { d.Dashboard = pagesOfATest{} })
	f := func(path, accept string, status int, want string) {
		t.Helper()
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("Accept", accept)
		got := httptest.NewRecorder()
		w.api.Handler().ServeHTTP(got, r)
		if body := got.Body.String(); got.Code != status || !strings.Contains(body, want) || strings.Contains(body, "secret") {
			t.Errorf("GET %s for %s = %d %s, want %d with %q", path, accept, got.Code, body, status, want)
		}
	}

	const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	f("/wall", browser, 500, "page of the problem")
	f("/wall", "*/*", 500, `"code":"internal"`)
	f("/api/v2/none", browser, 404, "page of the problem")
	f("/api/v2/none", "application/json", 404, `"code":"not-found"`)
	f("/api/v1/stations/none:X", browser, 404, `"code":"not-found"`) // a resource's own answer stays
}
