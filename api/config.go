package api

import (
	"cmp"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/city"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

// config answers what pages and apps need to know of the city before they ask
// for anything: its name, clock, extent, usual prices, places and base map.
func (a *API) config(_ *request, w *answer) error {
	w.cache = "public, max-age=60" // a city changes with a restart
	w.obj("")
	w.arr("languages")
	w.str("", "zh-CN")
	w.str("", "en")
	w.endArr()
	if c := a.deps.City; c == nil {
		w.null("city")
	} else {
		w.city(c)
	}
	w.endObj()
	return nil
}

func (w *jsonBuf) city(c *city.City) {
	w.obj("city")
	w.str("name", c.Name)
	w.strOrNull("nameEn", c.NameEn)
	w.str("zone", c.Zone.String())
	w.box("bounds", c.Bounds)
	w.box("builtUp", c.BuiltUp)
	w.usualTariff(&c.Tariff)
	w.arr("places")
	for _, p := range c.Hotspots {
		w.obj("")
		w.str("name", p.Name)
		w.strOrNull("nameEn", p.NameEn)
		w.num("lon", p.At.Lon, 6)
		w.num("lat", p.At.Lat, 6)
		w.endObj()
	}
	w.endArr()
	w.obj("basemap")
	w.strOrNull("style", c.Basemap.Style)
	w.strOrNull("crs", c.Basemap.CRS)
	w.strOrNull("attribution", c.Basemap.Attribution)
	w.strOrNull("reviewNo", c.Basemap.ReviewNo)
	w.bool("schematic", c.Basemap.Schematic)
	w.bool("borders", c.HasBorders())
	w.endObj()
	w.endObj()
}

// usualTariff appends the city's bands; null when the city names none.
func (w *jsonBuf) usualTariff(t *charge.Tariff) {
	if len(t.Bands) == 0 {
		w.null("tariff")
		return
	}
	w.tariff(t)
}

// box appends [west, south, east, north].
func (w *jsonBuf) box(key string, b geo.Box) {
	w.arr(key)
	for _, v := range [...]float64{b.West, b.South, b.East, b.North} {
		w.num("", v, 6)
	}
	w.endArr()
}

// borders answers the official borders of the districts, if a city file brought them.
func (a *API) borders(_ *request, w *answer) error {
	c := a.deps.City
	if c == nil || !c.HasBorders() {
		return charge.Errorf(charge.NotFound, "this city has no official borders")
	}
	w.contentType, w.cache = "application/geo+json", "public, max-age=3600" // they change with a restart
	w.obj("")
	w.str("type", "FeatureCollection")
	w.arr("features")
	for i := range c.Districts {
		d := &c.Districts[i]
		w.obj("")
		w.str("type", "Feature")
		w.obj("properties")
		w.str("code", d.Adcode)
		w.str("zh", d.Name)
		w.str("en", cmp.Or(d.NameEn, d.Name))
		w.endObj()
		w.obj("geometry")
		w.str("type", "MultiPolygon")
		w.arr("coordinates")
		for _, polygon := range d.Official {
			w.arr("")
			for _, ring := range polygon {
				w.ring(ring)
			}
			w.endArr()
		}
		w.endArr()
		w.endObj()
		w.endObj()
	}
	w.endArr()
	w.endObj()
	return nil
}

// ring appends a ring's points and its first one again, as GeoJSON wants it.
func (w *jsonBuf) ring(points []geo.Point) {
	w.arr("")
	for i := range len(points) + 1 {
		p := points[i%len(points)]
		w.arr("")
		w.num("", p.Lon, 6)
		w.num("", p.Lat, 6)
		w.endArr()
	}
	w.endArr()
}
