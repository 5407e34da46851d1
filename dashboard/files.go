package dashboard

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// file is one file of the built pages with its compressed forms, all in
// memory for as long as the program runs.
type file struct {
	contentType string
	cache       string
	page        bool // an HTML page: served at its own address only
	forms       []form
}

// form is a file's bytes in one content coding.
type form struct {
	coding string // "br", "gzip" or "" for the plain bytes
	etag   string
	body   []byte
}

// codings are the forms in order of preference, with their suffixes on disk.
var codings = [...]struct{ name, suffix string }{{"br", ".br"}, {"gzip", ".gz"}, {"", ""}}

// types are what the machine's own table may not know or may name otherwise.
var types = map[string]string{
	".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8",
	".css": "text/css; charset=utf-8", ".html": "text/html; charset=utf-8",
	".json": "application/json", ".geojson": "application/geo+json", ".txt": "text/plain; charset=utf-8",
	".md": "text/plain; charset=utf-8", ".svg": "image/svg+xml", ".woff2": "font/woff2",
	".webmanifest": "application/manifest+json",
}

// newFiles reads dist: every file that is neither hidden nor a compressed form.
func newFiles(dist fs.FS) map[string]*file {
	files := map[string]*file{}
	_ = fs.WalkDir(dist, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") ||
			strings.HasSuffix(name, ".br") || strings.HasSuffix(name, ".gz") {
			return nil
		}
		if f := newFile(dist, name); f != nil {
			files[name] = f
		}
		return nil
	})
	return files
}

func newFile(dist fs.FS, name string) *file {
	ext := path.Ext(name)
	f := &file{contentType: types[ext], cache: "no-cache", page: ext == ".html"}
	if f.contentType == "" {
		f.contentType = mime.TypeByExtension(ext)
	}
	if strings.HasPrefix(name, "assets/") { // Vite puts a hash of the content into these names
		f.cache = "public, max-age=31536000, immutable"
	}
	for _, c := range codings {
		body, err := fs.ReadFile(dist, name+c.suffix)
		if err != nil {
			continue
		}
		sum := sha256.Sum256(body)
		f.forms = append(f.forms, form{c.name, `"` + hex.EncodeToString(sum[:12]) + `"`, body})
	}
	if len(f.forms) == 0 {
		return nil
	}
	return f
}

// plainBytes returns the file without a content coding.
func (f *file) plainBytes() []byte { return f.forms[len(f.forms)-1].body }

func (f *file) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	form := f.choose(r.Header.Get("Accept-Encoding"))
	h := w.Header()
	h.Set("ETag", form.etag)
	h.Set("Cache-Control", f.cache)
	h.Add("Vary", "Accept-Encoding")
	if matches(r.Header.Get("If-None-Match"), form.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if f.contentType != "" {
		h.Set("Content-Type", f.contentType)
	}
	if form.coding != "" {
		h.Set("Content-Encoding", form.coding)
	}
	h.Set("Content-Length", strconv.Itoa(len(form.body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(form.body) // the viewer has gone; nobody is left to tell
	}
}

// choose returns the smallest form that the Accept-Encoding header allows; the
// plain bytes, always the last, when it allows none.
func (f *file) choose(accept string) form {
	for _, form := range f.forms {
		if form.coding == "" || accepts(accept, form.coding) {
			return form
		}
	}
	return f.forms[len(f.forms)-1]
}

// accepts reads Accept-Encoding (RFC 9110, 12.5.3): a coding that is named
// without q=0, or `*` where it is not named.
func accepts(header, coding string) bool {
	star := false
	for item := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(item, ";")
		name = strings.ToLower(strings.TrimSpace(name))
		if name != coding && name != "*" {
			continue
		}
		ok := true
		if q, found := strings.CutPrefix(strings.TrimSpace(params), "q="); found {
			v, err := strconv.ParseFloat(q, 64)
			ok = err == nil && v > 0
		}
		if name == coding {
			return ok
		}
		star = ok
	}
	return star
}

// matches compares If-None-Match weakly, as caches want it (RFC 9110, 13.1.2).
func matches(header, etag string) bool {
	for tag := range strings.SplitSeq(header, ",") {
		tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
		if tag == etag || tag == "*" {
			return true
		}
	}
	return false
}
