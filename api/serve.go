package api

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"hash/maphash"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// request is one request with who asks and what the path names.
type request struct {
	*http.Request
	who   identity
	param string // the path's one parameter, unescaped
	began time.Time
	from  origin
}

// answer is what a resource fills: its body, and headers if they differ from
// those of live JSON.
type answer struct {
	jsonBuf
	status      int    // 0 is 200
	contentType string // "" is JSON
	cache       string // Cache-Control; "" is no-cache, to be asked again with its ETag
	retryAfter  int    // seconds; 0 is no header
	packed      bool   // it is compressed already
	policy      string // Content-Security-Policy of a page
}

var answers = sync.Pool{New: func() any { return &answer{jsonBuf: jsonBuf{b: make([]byte, 0, 8<<10)}} }}

func (w *answer) release() {
	if cap(w.b) > 1<<20 {
		return // one huge answer must not stay for ever
	}
	*w = answer{jsonBuf: jsonBuf{b: w.b[:0]}}
	answers.Put(w)
}

// Handler returns the whole surface: the API, the probes at the root, and what
// deps mounts beside them.
func (a *API) Handler() http.Handler { return http.HandlerFunc(a.serveHTTP) }

func (a *API) serveHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	path := r.URL.EscapedPath()
	row, param := a.routes.find(path)
	api := path == prefix || strings.HasPrefix(path, prefix+"/")
	if api {
		allowAnyOrigin(w.Header())
	}
	rec := &recorder{ResponseWriter: w}
	if row != nil {
		rec.route = row.full()
	}
	defer func() {
		if v := recover(); v != nil {
			if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(v)
			}
			a.log.Error("handler panicked", "route", rec.route, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			a.metrics.panics.Inc()
			if rec.status == 0 {
				a.pageProblem(rec, r, charge.Errorf(charge.Internal, "internal error"))
			}
		}
		a.metrics.observe(row, rec.status, time.Since(began))
	}()
	switch {
	case row != nil:
		a.serveRoute(rec, &request{Request: r, param: param, began: began}, row)
	case strings.HasPrefix(path, "/internal/") && a.deps.Internal != nil:
		// A replica's stream has no end.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
		a.deps.Internal.ServeHTTP(rec, r)
	case !strings.HasPrefix(path, "/api/") && path != "/api" && a.deps.Dashboard != nil:
		if !strings.Contains(path[strings.LastIndexByte(path, '/'):], ".") { // a page, not one of its files
			if _, err := a.limiter.admit(rec, r, began); err != nil {
				a.pageProblem(rec, r, err)
				return
			}
		}
		a.deps.Dashboard.ServeHTTP(rec, r)
	default:
		a.pageProblem(rec, r, charge.Errorf(charge.NotFound, "there is nothing at %s", clip(r.URL.Path, 200)))
	}
}

// pageProblem answers a browser that asked for a page with one that helps, and
// everybody else as [API.problem] does.
func (a *API) pageProblem(w *recorder, r *http.Request, err error) {
	page, ok := a.deps.Dashboard.(interface {
		Problem(w http.ResponseWriter, r *http.Request, status int)
	})
	if !ok || w.route != "" || !strings.Contains(r.Header.Get("Accept"), "text/html") {
		a.problem(w, err)
		return
	}
	code, _ := codeAndText(a.log, err, "page")
	kind := problems[code]
	if after := retryAfter(err, kind.retryAfter); after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(after))
	}
	page.Problem(w, r, cmp.Or(kind.status, http.StatusInternalServerError))
}

// serveRoute checks in the order that clients may rely on: method, rate, token,
// role, `at` where nobody knows it, then whatever the resource checks.
func (a *API) serveRoute(w *recorder, rq *request, row *route) {
	r := rq.Request
	switch {
	case r.Method == http.MethodOptions:
		preflight(w, r, row.methods())
		return
	case row.post && r.Method != http.MethodPost,
		!row.post && r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", row.methods())
		a.problem(w, charge.Errorf(methodNotAllowed, "only %s are served here", row.methods()))
		return
	}
	switch {
	case row.probe:
		a.notice(rq.began)
	case !row.root: // probes are never limited
		if err := a.admit(w, rq); err != nil {
			a.problem(w, err)
			return
		}
	}
	if err := row.check(rq); err != nil {
		a.problem(w, err)
		return
	}
	if row.take != nil {
		row.take(w, rq)
		return
	}
	var as wanted
	if row.sheet != nil {
		var err error
		if as, err = row.sheet.negotiate(rq); err != nil {
			a.problem(w, err)
			return
		}
	}
	ans := answers.Get().(*answer)
	defer ans.release()
	err := a.fill(w, rq, row, ans, as)
	if err != nil {
		if r.Context().Err() != nil {
			w.status = 499 // the client is gone, nobody reads an answer
			return
		}
		a.problem(w, err)
		return
	}
	a.write(w, rq, ans)
}

// admit says who asks, and refuses who asks too fast: by address before the
// token is looked at, so that tokens cannot be guessed faster.
func (a *API) admit(w http.ResponseWriter, rq *request) (err error) {
	if rq.from, err = a.limiter.admit(w, rq.Request, rq.began); err != nil {
		return err
	}
	if rq.from.addr.IsValid() {
		a.notice(rq.began)
	}
	if rq.who, err = a.identify(rq.Request); err != nil {
		return err
	}
	return a.limiter.admitToken(w, rq.who.token, rq.began)
}

// fill lets the resource fill ans, as what was asked for.
func (a *API) fill(w http.ResponseWriter, rq *request, row *route, ans *answer, as wanted) error {
	if row.heavy {
		if err := a.work.enter(rq.Context(), rq.client()); err != nil {
			return err
		}
		defer a.work.leave(rq.client())
	}
	if err := row.serve(rq, ans); err != nil || row.sheet == nil || as.format == asJSON && !row.sheet.paged {
		return err
	}
	if as.format != asJSON && !row.heavy && len(ans.b) > largeTable {
		if err := a.work.enter(rq.Context(), rq.client()); err != nil {
			return err
		}
		defer a.work.leave(rq.client())
	}
	return a.render(w, rq, row.sheet, ans, as)
}

func (a *API) problem(w *recorder, err error) {
	w.status = writeProblem(a.log, w, w.route, err)
}

// identify returns who asks: a driver without a token.
func (a *API) identify(r *http.Request) (identity, error) {
	if r.Header.Get("Authorization") == "" {
		return identity{}, nil
	}
	token := bearer(r)
	if token == "" {
		return identity{}, charge.Errorf(charge.TokenUnknown, "the Authorization header must be Bearer TOKEN")
	}
	return a.deps.identify(r.Context(), token)
}

// bearer returns the token in the request's header, "" without one.
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// write sends a filled answer, compressed if asked, or 304 if the client has it.
func (a *API) write(w http.ResponseWriter, rq *request, ans *answer) {
	r, h := rq.Request, w.Header()
	// What most answers say stands ready: setting it anew costs as much as the
	// query.
	h["Content-Type"], h["Cache-Control"], h["X-Content-Type-Options"] = headJSON, headNoCache, headNoSniff
	if ans.contentType != "" {
		h.Set("Content-Type", ans.contentType)
	}
	if ans.cache != "" {
		h.Set("Cache-Control", ans.cache)
	}
	if h["Vary"] == nil {
		h["Vary"] = headVary
	} else {
		h.Add("Vary", headVary[0])
	}
	if ans.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(ans.retryAfter))
	}
	if ans.policy != "" {
		h.Set("Content-Security-Policy", ans.policy)
		h.Set("Referrer-Policy", "no-referrer")
	}
	if ans.status == 0 {
		ans.status = http.StatusOK
		var room [24]byte
		tag := string(append(strconv.AppendUint(append(room[:0], `W/"`...), maphash.Bytes(a.seed, ans.b), 36), '"'))
		h["Etag"] = []string{tag}
		if have := r.Header.Get("If-None-Match"); have != "" && matches(have, tag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	if len(ans.b) >= minCompress && !ans.packed {
		enc := chooseEncoding(r.Header.Get("Accept-Encoding"))
		if enc != "" && len(ans.b) > largeTable && r.Method != http.MethodHead {
			enc = a.pack(rq, enc, ans)
		}
		if enc != "" {
			h.Set("Content-Encoding", enc)
		}
		if enc != "" && !ans.packed {
			w.WriteHeader(ans.status)
			if r.Method == http.MethodHead {
				return
			}
			_ = compressTo(w, enc, ans.b) // a client that left needs no answer
			return
		}
	}
	h["Content-Length"] = []string{strconv.Itoa(len(ans.b))}
	w.WriteHeader(ans.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(ans.b)
	}
}

// pack compresses a large answer when it is the client's turn: some cost a core
// a tenth of a second. When nobody can, it goes as it is: "".
func (a *API) pack(rq *request, encoding string, ans *answer) string {
	if a.work.enter(rq.Context(), rq.client()) != nil {
		return ""
	}
	defer a.work.leave(rq.client())
	var out bytes.Buffer
	out.Grow(len(ans.b) / 4)
	if compressTo(&out, encoding, ans.b) != nil {
		return "" // a buffer takes everything
	}
	ans.b, ans.packed = out.Bytes(), true
	return encoding
}

// Header values that are never changed.
var (
	headJSON    = []string{"application/json"}
	headNoCache = []string{"no-cache"}
	headNoSniff = []string{"nosniff"}
	headVary    = []string{"Accept, Accept-Encoding, Authorization"}
	headAny     = []string{"*"}
	headExpose  = []string{"ETag, Retry-After, Link, Content-Disposition, " + rateHeaders}
)

// matches compares an If-None-Match header weakly (RFC 9110, 13.1.2).
func matches(header, tag string) bool {
	for part := range strings.SplitSeq(header, ",") {
		part = strings.TrimSpace(part)
		if part == "*" || strings.TrimPrefix(part, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}

// serveFile answers with embedded bytes.
func serveFile(contentType string, body []byte) func(*request, *answer) error {
	return func(_ *request, w *answer) error {
		w.contentType = contentType
		w.b = append(w.b, body...)
		return nil
	}
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n] + "…"
}
