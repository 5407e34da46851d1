package dashboard

import (
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

// pages are the screens with the page that is shown in place of one.
type pages struct {
	http.Handler
	plain *plainPages
}

// Problem shows a browser, in the reader's language, why a page cannot be shown
// and where to go on. status is at least 400; headers set before are kept.
func (p pages) Problem(w http.ResponseWriter, r *http.Request, status int) {
	secure(policy(""), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.plain.problem(w, r, status)
	})).ServeHTTP(w, r)
}

// longestAsked is how much of an address the page repeats, in bytes.
const longestAsked = 120

func (p *plainPages) missing(w http.ResponseWriter, r *http.Request) {
	p.problem(w, r, http.StatusNotFound)
}

func (p *plainPages) problem(w http.ResponseWriter, r *http.Request, status int) {
	v := p.view(r)
	what := "wrong"
	switch {
	case status == http.StatusNotFound:
		what = "missing"
	case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
		what = "busy"
	}
	v.Title, v.Text = v.T[what+"Title"], v.T[what+"Text"]
	v.Status, v.Asked = status, r.URL.Path
	if len(v.Asked) > longestAsked {
		v.Asked = strings.ToValidUTF8(v.Asked[:longestAsked], "") + "…"
	}
	if !utf8.ValidString(v.Asked) {
		v.Asked = ""
	}
	v.At = time.Now().In(p.cfg.Zone).Format("2006-01-02 15:04:05")
	p.render(w, r, status, "problem.html", v)
}
