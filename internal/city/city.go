// Package city holds what differs from city to city: name, zone, bounds,
// districts, water and the default tariff.
//
// Kunming is built in ([Kunming]); any other city is a JSON file ([Load]). A
// [City] is read only once it is made and may be shared between goroutines.
package city

import (
	"time"
	_ "time/tzdata" // the zone must not depend on the machine's files

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

// UnknownDistrict stands for piles whose station names no district of the city.
const UnknownDistrict = "unknown"

// City is one deployment's city. All positions are WGS-84.
type City struct {
	Name      string // shown to Chinese readers
	NameEn    string // shown to English readers; "" means Name
	Zone      *time.Location
	Bounds    geo.Box // the whole administrative area: farther is geo.out-of-city
	BuiltUp   geo.Box // where maps open
	Province  geo.Box // farther is geo.out-of-yunnan
	Districts []District
	Tariff    charge.Tariff // the city's usual time-of-use bands; the simulator uses them
	Water     [][]geo.Point // rings in which nothing stands or drives
	Hotspots  []Hotspot     // where public life gathers; maps and the simulator use them
	Basemap   Basemap       // background of maps; zero is the schematic one

	aliases map[string]string // former adcodes -> present ones
}

// District is a county-level unit.
type District struct {
	Adcode     string // GB/T 2260
	Name       string
	NameEn     string
	Seat       geo.Point // of its government, ±3 km
	Population int       // of the last census; 0 when unknown
	Former     []string  // adcodes it had before
	Official   []Polygon // official borders; nil until a city file brings them
}

// Polygon is an outer ring and the rings of its holes, none of them closed.
type Polygon [][]geo.Point

// Hotspot is a place where many vehicles and piles are.
type Hotspot struct {
	Name   string
	NameEn string // "" means Name
	At     geo.Point
}

// Basemap names the background of maps.
type Basemap struct {
	Style       string   // address of a MapLibre style, of tiles with {z}/{x}/{y}, or of a PMTiles file
	CRS         string   // "wgs84" or "gcj02", the datum of its tiles
	Attribution string   // shown at the bottom right
	ReviewNo    string   // 审图号
	Schematic   bool     // the pages' own drawing of Kunming fits this city
	Origins     []string // further origins that a style loads from, such as https://tiles.example
	File        string   // path of a PMTiles file that Style names; "" when Style is elsewhere
}

// DistrictOf returns the adcode under which a station's reported district
// counts: a former code becomes the present one, and what is empty or no
// district of the city becomes [UnknownDistrict].
func (c *City) DistrictOf(reported string) string {
	if now, ok := c.aliases[reported]; ok {
		return now
	}
	return UnknownDistrict
}

// DistrictAt returns the adcode of the district whose official borders hold p,
// and false when the city has no borders or none holds p.
func (c *City) DistrictAt(p geo.Point) (string, bool) {
	for i := range c.Districts {
		for _, poly := range c.Districts[i].Official {
			if poly.Contains(p) {
				return c.Districts[i].Adcode, true
			}
		}
	}
	return "", false
}

// HasBorders reports whether every district has official borders.
func (c *City) HasBorders() bool {
	for i := range c.Districts {
		if len(c.Districts[i].Official) == 0 {
			return false
		}
	}
	return len(c.Districts) > 0
}

// InWater reports whether p is in one of the city's waters.
func (c *City) InWater(p geo.Point) bool {
	for _, ring := range c.Water {
		if geo.InPolygon(p, ring) {
			return true
		}
	}
	return false
}

// Contains reports whether p is inside the outer ring and in no hole.
func (p Polygon) Contains(at geo.Point) bool {
	if len(p) == 0 || !geo.InPolygon(at, p[0]) {
		return false
	}
	for _, hole := range p[1:] {
		if geo.InPolygon(at, hole) {
			return false
		}
	}
	return true
}

// index fills what lookups need; it runs once, before the city is shared.
func (c *City) index() {
	c.aliases = make(map[string]string, len(c.Districts)+1)
	for _, d := range c.Districts {
		c.aliases[d.Adcode] = d.Adcode
		for _, old := range d.Former {
			c.aliases[old] = d.Adcode
		}
	}
}
