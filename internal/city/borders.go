package city

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/dianchi-platform/dianchi/internal/geo"
)

// feature is what we read of a GeoJSON feature (RFC 7946): which district it
// is and its Polygon or MultiPolygon.
type feature struct {
	Properties struct {
		Adcode any `json:"adcode"` // a string or a number, both are common
	} `json:"properties"`
	Geometry struct {
		Type        string          `json:"type"`
		Coordinates json.RawMessage `json:"coordinates"`
	} `json:"geometry"`
}

// loadBorders reads the official borders of all districts from a GeoJSON
// FeatureCollection. Several features may name one district; none may be missing.
func (c *City) loadBorders(path string) error {
	body, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("cannot be read: %w", err)
	}
	var all struct {
		Features []feature `json:"features"`
	}
	if err := json.Unmarshal(body, &all); err != nil {
		return fmt.Errorf("%s is not GeoJSON: %w", path, err)
	}
	for i, f := range all.Features {
		code := adcodeOf(f.Properties.Adcode)
		now := c.DistrictOf(code)
		if now == UnknownDistrict {
			continue // neighbours and the city's own outline
		}
		polygons, err := f.polygons()
		if err != nil {
			return fmt.Errorf("%s: features[%d] (%s): %w", path, i, code, err)
		}
		for j := range c.Districts {
			if c.Districts[j].Adcode == now {
				c.Districts[j].Official = append(c.Districts[j].Official, polygons...)
			}
		}
	}
	for _, d := range c.Districts {
		if len(d.Official) == 0 {
			return fmt.Errorf("%s has no feature with adcode %s", path, d.Adcode)
		}
	}
	return nil
}

func adcodeOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return fmt.Sprintf("%.0f", v)
	}
	return ""
}

func (f *feature) polygons() ([]Polygon, error) {
	var multi [][][][]float64
	var err error
	switch f.Geometry.Type {
	case "Polygon":
		multi = make([][][][]float64, 1)
		err = json.Unmarshal(f.Geometry.Coordinates, &multi[0])
	case "MultiPolygon":
		err = json.Unmarshal(f.Geometry.Coordinates, &multi)
	default:
		err = fmt.Errorf("geometry %q is not Polygon or MultiPolygon", f.Geometry.Type)
	}
	if err != nil {
		return nil, err
	}
	out := make([]Polygon, 0, len(multi))
	for _, rings := range multi {
		var poly Polygon
		for _, ring := range rings {
			var r []geo.Point
			for _, at := range ring {
				if len(at) < 2 || !(geo.Point{Lon: at[0], Lat: at[1]}).Valid() {
					return nil, fmt.Errorf("%v is not a position", at)
				}
				r = append(r, geo.Point{Lon: at[0], Lat: at[1]})
			}
			if len(r) < 4 {
				return nil, fmt.Errorf("a ring has %d points, RFC 7946 asks for four", len(r))
			}
			poly = append(poly, r[:len(r)-1]) // the last repeats the first
		}
		if len(poly) > 0 {
			out = append(out, poly)
		}
	}
	return out, nil
}
