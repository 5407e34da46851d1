package city

import (
	"bytes"
	"cmp"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// ServedAt is the path under which the pages' server offers a PMTiles file.
const ServedAt = "/basemap/"

// fileForm is what a PMTiles file may be called: it becomes part of an address.
var fileForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*\.pmtiles$`)

// basemap checks a base map and finds its file beside the city file.
func (p *problems) basemap(f *fileBasemap, dir string) Basemap {
	b := Basemap{
		Style: f.Style, CRS: cmp.Or(f.CRS, "wgs84"), Attribution: f.Attribution, ReviewNo: f.ReviewNo,
		Schematic: f.Schematic, Origins: f.Origins,
	}
	p.require(b.CRS == "wgs84" || b.CRS == "gcj02", "basemap.crs", "%q is not wgs84 or gcj02", f.CRS)
	for _, origin := range b.Origins {
		u, err := url.Parse(origin)
		ok := err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && origin == u.Scheme+"://"+u.Host
		p.require(ok, "basemap.origins", "%q is no origin such as https://tiles.example", origin)
	}
	switch {
	case b.Style == "" || strings.HasPrefix(b.Style, "https://") || strings.HasPrefix(b.Style, "http://"):
	case fileForm.MatchString(filepath.Base(b.Style)):
		b.File = b.Style
		if !filepath.IsAbs(b.File) {
			b.File = filepath.Join(dir, b.File)
		}
		p.require(isPMTiles(b.File), "basemap.style", "%s cannot be read or is no PMTiles file of version 3", b.Style)
		b.Style = ServedAt + filepath.Base(b.File)
	default:
		p.require(false, "basemap.style", "%q is neither an http(s) address nor a file NAME.pmtiles", b.Style)
	}
	return b
}

// isPMTiles reads the seven bytes of magic and the version.
func isPMTiles(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 8)
	_, err = io.ReadFull(f, head)
	return err == nil && bytes.Equal(head, []byte("PMTiles\x03"))
}
