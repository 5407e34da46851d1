package dashboard

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// BasemapPath is where a base map's file is served; internal/city names it in the style's address.
const BasemapPath = "/basemap/"

// origins returns the origins, space before each, that pages may ask for a
// base map: that of its style or tiles, and those that the deployer names.
func origins(style string, more []string) string {
	var out strings.Builder
	seen := map[string]bool{}
	for _, address := range append([]string{style}, more...) {
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			continue
		}
		if origin := u.Scheme + "://" + u.Host; !seen[origin] && !strings.ContainsAny(origin, " ;,'\"") {
			seen[origin] = true
			out.WriteString(" " + origin)
		}
	}
	return out.String()
}

// ground serves one file of the deployer's with Range and ETag, as it is on
// disk at each request, so that it can be replaced while the platform runs.
type ground struct {
	file    string
	missing http.HandlerFunc
}

func (g ground) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, err := os.Open(g.file)
	if err != nil {
		g.missing(w, r)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		g.missing(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/vnd.pmtiles")
	h.Set("ETag", fmt.Sprintf(`"%x-%x"`, info.Size(), info.ModTime().UnixNano()))
	h.Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, filepath.Base(g.file), info.ModTime(), f)
}
