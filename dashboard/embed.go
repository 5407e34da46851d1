// Package dashboard serves the screens: the driver's page, the wall, the desk, and
// plain pages of the same figures that need neither JavaScript nor a build.
//
// The built pages live in dist, made by `npm run build` in web; only a
// placeholder of it is tracked, so that the Go program always builds. Where
// dist is empty, the plain pages stand at the screens' addresses.
package dashboard

import (
	"embed"
	"io/fs"
	"net/http"
	"path/filepath"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

//go:embed all:dist
var distFiles embed.FS

//go:embed fallback
var fallbackFiles embed.FS

// Config says which city the plain pages speak of.
type Config struct {
	City   string         // name shown to Chinese readers
	CityEn string         // name shown to English readers; "" means City
	Zone   *time.Location // of the times shown; nil means UTC
	Places []Place        // where a driver may start from; the first is the default

	Basemap string   // the base map's file, served under [BasemapPath] by its name; "" for none
	Style   string   // address of the base map's style or tiles
	Origins []string // further origins that the base map is loaded from
}

// Place is a point that a driver can choose instead of sharing a position.
type Place struct {
	Name, NameEn string
	Lon, Lat     float64 // WGS-84 degrees
}

// Data gives the plain pages their figures. It is called once a request, from
// several goroutines.
type Data interface {
	Overview() Overview
	Operators() []Operator
	// Nearest returns at most limit public stations within 20 km of a WGS-84
	// point, nearest first; free leaves out those without a free pile.
	Nearest(lon, lat float64, limit int, free bool) []Station
}

// Overview is the city as one row.
type Overview struct {
	At        charge.Millis // when the figures held; 0 while nothing is known
	Piles     charge.PileCounts
	Vehicles  charge.VehicleCounts
	PowerKW   float64
	Stations  int
	Operators int
	Makers    int
}

// Operator is one row of the operators' table.
type Operator struct {
	ID, Name, NameEn string
	Stations         int
	Piles            charge.PileCounts
	PowerKW          float64
	LastReportAt     charge.Millis // 0: never
}

// Station is one row of the nearest stations.
type Station struct {
	ID, Name, NameEn         string
	Operator, OperatorNameEn string // names, not ids
	DistanceM                float64
	Piles                    charge.PileCounts
	MaxKW                    float64
	Price                    *Price          // nil: unknown
	Parking                  *charge.Parking // nil: unknown
	UpdatedAt                charge.Millis
}

// Price is what a kWh costs, service fee included, in units of 0.0001 yuan.
type Price struct {
	NowE4, NextE4 int64
	Until         charge.Millis // when NextE4 begins; 0: it does not change
}

// Handler serves every address that is not the interface's: `/`, `/wall`, `/desk`,
// `/plain`, `/plain/stations`, `/plain/desk` and the files of the built pages. The handler also has
// a method Problem(w, r, status) that shows a browser why a page cannot be shown.
func Handler(cfg Config, data Data) http.Handler {
	dist, err := fs.Sub(distFiles, "dist")
	if err != nil {
		panic("dashboard: " + err.Error()) // the embedded folder's name is a constant
	}
	return newHandler(cfg, data, dist)
}

func newHandler(cfg Config, data Data, dist fs.FS) http.Handler {
	if cfg.Zone == nil {
		cfg.Zone = time.UTC
	}
	files := newFiles(dist)
	plain := newPlain(cfg, data)

	mux := http.NewServeMux()
	page := func(pattern, file string, otherwise http.HandlerFunc) {
		if f, ok := files[file]; ok {
			if live := newFirst(plain, f); live != nil {
				mux.Handle(pattern, live)
				return
			}
			mux.Handle(pattern, f)
			return
		}
		mux.HandleFunc(pattern, otherwise)
	}
	page("GET /{$}", "driver.html", plain.stations)
	page("GET /wall", "wall.html", plain.city)
	page("GET /desk", "desk.html", plain.desk)
	if cfg.Basemap != "" {
		mux.Handle("GET "+BasemapPath+filepath.Base(cfg.Basemap), ground{cfg.Basemap, plain.missing})
	}
	if f, ok := files["icons/192.png"]; ok {
		mux.Handle("GET /favicon.ico", f) // asked for beside pages that name no icon; browsers read its type, not its name
	}
	mux.HandleFunc("GET /plain", plain.city)
	mux.HandleFunc("GET /plain/stations", plain.stations)
	mux.HandleFunc("GET /plain/desk", plain.desk)
	mux.HandleFunc("GET /plain/plain.css", plain.css)
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		f, ok := files[r.URL.Path[1:]]
		if !ok || f.page {
			plain.missing(w, r)
			return
		}
		f.ServeHTTP(w, r)
	})
	return pages{secure(policy(origins(cfg.Style, cfg.Origins)), mux), plain}
}

// policy lets a page load from its own origin, and tiles from those that the
// city file names. MapLibre hands decoded images round as blobs.
func policy(origins string) string {
	return "default-src 'self'; img-src 'self' data: blob:" + origins + "; connect-src 'self'" + origins +
		"; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
}

func secure(policy string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Permissions-Policy", "geolocation=(self), camera=(), microphone=()")
		next.ServeHTTP(w, r)
	})
}
