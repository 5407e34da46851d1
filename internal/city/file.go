package city

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

// file is a city file; docs/city.md describes it for operators.
// Positions are [lon, lat], boxes [west, south, east, north], all WGS-84.
type file struct {
	Name      string         `json:"name"`
	NameEn    string         `json:"nameEn"`
	Zone      string         `json:"zone"` // IANA name
	Bounds    []float64      `json:"bounds"`
	BuiltUp   []float64      `json:"builtUp"`  // bounds when absent
	Province  []float64      `json:"province"` // bounds and two degrees more when absent
	Districts []fileDistrict `json:"districts"`
	Borders   string         `json:"borders"` // GeoJSON beside this file; features carry the property adcode
	Tariff    []fileBand     `json:"tariff"`
	Water     [][][]float64  `json:"water"`
	Hotspots  []fileHotspot  `json:"hotspots"`
	Basemap   fileBasemap    `json:"basemap"`
}

type fileDistrict struct {
	Adcode     string    `json:"adcode"`
	Name       string    `json:"name"`
	NameEn     string    `json:"nameEn"`
	Seat       []float64 `json:"seat"`
	Population int       `json:"population"`
	Former     []string  `json:"former"`
}

type fileBand struct {
	From    string  `json:"from"` // HH:MM, local
	To      string  `json:"to"`   // HH:MM up to 24:00; at or before from it crosses midnight
	Energy  float64 `json:"energyYuanPerKwh"`
	Service float64 `json:"serviceYuanPerKwh"`
}

type fileHotspot struct {
	Name   string    `json:"name"`
	NameEn string    `json:"nameEn"`
	At     []float64 `json:"at"`
}

type fileBasemap struct {
	Style       string   `json:"style"` // an address, or a PMTiles file beside this one
	CRS         string   `json:"crs"`   // "wgs84" (default) or "gcj02"
	Attribution string   `json:"attribution"`
	ReviewNo    string   `json:"reviewNo"`
	Schematic   bool     `json:"schematic"`
	Origins     []string `json:"origins"`
}

var adcodeForm = regexp.MustCompile(`^[0-9]{6}$`)

// Load reads a city from a JSON file. Its errors name the file and the field.
func Load(path string) (*City, error) {
	body, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the city file: %w", err)
	}
	c, err := parse(body, filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("city file %s: %w", path, err)
	}
	return c, nil
}

// parse reads a city file's bytes; dir is where its borders file stands.
func parse(body []byte, dir string) (*City, error) {
	var f file
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields() // a misspelt member would silently be a default
	if err := dec.Decode(&f); err != nil {
		return nil, fmt.Errorf("is not a city: %w", err)
	}
	c := &City{Name: f.Name, NameEn: f.NameEn}
	var p problems
	p.require(f.Name != "", "name", "is missing")
	p.require(f.Zone != "", "zone", "is missing; give an IANA name such as Asia/Shanghai")
	zone, err := time.LoadLocation(f.Zone)
	p.require(err == nil, "zone", "%q is no IANA time zone", f.Zone)
	c.Zone = zone

	c.Bounds = p.box("bounds", f.Bounds, geo.Box{})
	c.BuiltUp = p.box("builtUp", f.BuiltUp, c.Bounds)
	const margin = 2 // degrees
	wide := geo.Box{West: max(-180, c.Bounds.West-margin), South: max(-90, c.Bounds.South-margin),
		East: min(180, c.Bounds.East+margin), North: min(90, c.Bounds.North+margin)}
	c.Province = p.box("province", f.Province, wide)
	c.Districts = p.districts(f.Districts, c.Bounds)
	c.Tariff = p.tariff(f.Tariff)
	for i, ring := range f.Water {
		c.Water = append(c.Water, p.ring(fmt.Sprintf("water[%d]", i), ring))
	}
	for i, h := range f.Hotspots {
		at := p.point(fmt.Sprintf("hotspots[%d].at", i), h.At)
		c.Hotspots = append(c.Hotspots, Hotspot{Name: h.Name, NameEn: h.NameEn, At: at})
	}
	c.Basemap = p.basemap(&f.Basemap, dir)
	c.index()
	if f.Borders != "" && len(p.errs) == 0 {
		if err := c.loadBorders(filepath.Join(dir, f.Borders)); err != nil {
			p.require(false, "borders", "%v", err)
		}
	}
	return c, errors.Join(p.errs...)
}

// problems gathers what is wrong with a city file, field by field.
type problems struct{ errs []error }

func (p *problems) require(ok bool, field, format string, args ...any) {
	if !ok {
		p.errs = append(p.errs, fmt.Errorf("%s %s", field, fmt.Sprintf(format, args...)))
	}
}

func (p *problems) box(field string, v []float64, absent geo.Box) geo.Box {
	if len(v) == 0 && absent != (geo.Box{}) {
		return absent
	}
	if len(v) != 4 {
		p.require(false, field, "must be [west, south, east, north]")
		return geo.Box{}
	}
	b := geo.Box{West: v[0], South: v[1], East: v[2], North: v[3]}
	p.require(b.Valid() && b.West < b.East && b.South < b.North, field, "must be [west, south, east, north] in order, in degrees")
	return b
}

func (p *problems) point(field string, v []float64) geo.Point {
	if len(v) != 2 {
		p.require(false, field, "must be [lon, lat]")
		return geo.Point{}
	}
	at := geo.Point{Lon: v[0], Lat: v[1]}
	p.require(at.Valid(), field, "must be [lon, lat] in degrees")
	return at
}

func (p *problems) ring(field string, v [][]float64) []geo.Point {
	p.require(len(v) >= 3, field, "needs three points at least")
	var ring []geo.Point
	for i, at := range v {
		ring = append(ring, p.point(fmt.Sprintf("%s[%d]", field, i), at))
	}
	return ring
}

func (p *problems) districts(in []fileDistrict, bounds geo.Box) []District {
	p.require(len(in) > 0, "districts", "is empty")
	seen := map[string]bool{}
	var out []District
	for i, d := range in {
		field := fmt.Sprintf("districts[%d]", i)
		p.require(adcodeForm.MatchString(d.Adcode), field+".adcode", "%q is not six digits", d.Adcode)
		p.require(d.Name != "", field+".name", "is missing")
		p.require(d.Population >= 0, field+".population", "is negative")
		seat := p.point(field+".seat", d.Seat)
		p.require(len(d.Seat) != 2 || bounds.Contains(seat), field+".seat", "is outside of bounds")
		for _, code := range append([]string{d.Adcode}, d.Former...) {
			p.require(!seen[code], field, "names %q, which another district has", code)
			seen[code] = true
		}
		out = append(out, District{Adcode: d.Adcode, Name: d.Name, NameEn: d.NameEn, Seat: seat,
			Population: d.Population, Former: d.Former})
	}
	return out
}

func (p *problems) tariff(in []fileBand) charge.Tariff {
	var t charge.Tariff
	p.require(len(in) > 0 && len(in) <= charge.MaxBands, "tariff", "needs 1 to %d bands", charge.MaxBands)
	for i, b := range in {
		field := fmt.Sprintf("tariff[%d]", i)
		from, okFrom := minuteOf(b.From)
		to, okTo := minuteOf(b.To)
		p.require(okFrom && from < minutesPerDay, field+".from", "%q is not HH:MM before 24:00", b.From)
		p.require(okTo, field+".to", "%q is not HH:MM up to 24:00", b.To)
		p.require(b.Energy >= 0 && b.Energy < 100, field+".energyYuanPerKwh", "%v is not 0 to 100", b.Energy)
		p.require(b.Service >= 0 && b.Service < 100, field+".serviceYuanPerKwh", "%v is not 0 to 100", b.Service)
		if to == 0 {
			to = minutesPerDay
		}
		t.Bands = append(t.Bands, charge.Band{FromMinute: from, ToMinute: to,
			EnergyE4: int64(b.Energy*10000 + 0.5), ServiceE4: int64(b.Service*10000 + 0.5)})
	}
	if len(p.errs) == 0 {
		p.require(coversDay(&t), "tariff", "does not cover the day exactly once")
	}
	return t
}

// minuteOf reads HH:MM, 24:00 included.
func minuteOf(s string) (int, bool) {
	if len(s) != 5 || s[2] != ':' {
		return 0, false
	}
	for _, i := range [...]int{0, 1, 3, 4} {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	h, m := int(s[0]-'0')*10+int(s[1]-'0'), int(s[3]-'0')*10+int(s[4]-'0')
	return h*60 + m, m < 60 && h*60+m <= minutesPerDay
}
