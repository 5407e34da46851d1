package main

import (
	"fmt"
	"math/rand/v2"

	"github.com/dianchi-platform/dianchi/internal/geo"
	"github.com/dianchi-platform/dianchi/internal/live"
)

// A mix as a city's: of 20 viewers 14 look at a map of stations, 3 at one of
// heat, 2 at the overview, 1 at the operators' list. Maps move.
const (
	seesStations = iota
	seesHeat
	seesOverview
	seesOperators
)

var mix = [20]uint8{14: seesHeat, seesHeat, seesHeat, seesOverview, seesOverview, seesOperators}

// Views stay within a box of 64 tiles.
var (
	tileW, tileH = tileSize()
	home         = geo.Box{West: middle.Lon - 3.4*tileW, South: middle.Lat - 3.4*tileH,
		East: middle.Lon + 3.4*tileW, North: middle.Lat + 3.4*tileH}
)

func tileSize() (w, h float64) {
	b := geo.TileAt(middle, live.TileZoom).Box()
	return b.East - b.West, b.North - b.South
}

const (
	heatLayer, heatRes = "charging", 8
)

// view is what one viewer looks at: something, and for maps where.
type view struct {
	sees uint8
	at   geo.Point
	half float64 // of the map's width, degrees
}

func newView(i int, r *rand.Rand) view {
	v := view{sees: mix[i%len(mix)], at: somewhere(r), half: 0.01 + 0.02*r.Float64()}
	v.at.Lon = min(max(v.at.Lon, home.West+0.03), home.East-0.03)
	v.at.Lat = min(max(v.at.Lat, home.South+0.03), home.North-0.03)
	return v
}

func (v *view) moves() bool { return v.sees == seesStations || v.sees == seesHeat }

// pan moves the map by a tile, to where it stays in the city.
func (v *view) pan(r *rand.Rand) {
	for {
		to := v.at
		switch r.IntN(4) {
		case 0:
			to.Lon += tileW
		case 1:
			to.Lon -= tileW
		case 2:
			to.Lat += tileH
		default:
			to.Lat -= tileH
		}
		if to.Lon-v.half > home.West && to.Lon+v.half < home.East && to.Lat-v.half > home.South && to.Lat+v.half < home.North {
			v.at = to
			return
		}
	}
}

func (v *view) box() geo.Box {
	return geo.Box{West: v.at.Lon - v.half, South: v.at.Lat - v.half, East: v.at.Lon + v.half, North: v.at.Lat + v.half}
}

// sub is the message that subscribes to the view.
func (v *view) sub() []byte {
	b := v.box()
	switch v.sees {
	case seesOverview:
		return []byte(`{"op":"sub","id":"v","feed":"overview"}`)
	case seesOperators:
		return []byte(`{"op":"sub","id":"v","feed":"operators"}`)
	case seesHeat:
		return fmt.Appendf(nil, `{"op":"sub","id":"v","feed":"heatmap","layer":%q,"res":%d,"bbox":[%.5f,%.5f,%.5f,%.5f]}`,
			heatLayer, heatRes, b.West, b.South, b.East, b.North)
	}
	return fmt.Appendf(nil, `{"op":"sub","id":"v","feed":"stations","bbox":[%.5f,%.5f,%.5f,%.5f]}`, b.West, b.South, b.East, b.North)
}

// channels are the names of what the view is served by.
func (v *view) channels() []string {
	switch v.sees {
	case seesOverview:
		return []string{"overview"}
	case seesOperators:
		return []string{"operators"}
	}
	head := "s/"
	if v.sees == seesHeat {
		head = fmt.Sprintf("h/%s/%d/", heatLayer, heatRes)
	}
	var out []string
	for _, t := range geo.TilesIn(v.box(), live.TileZoom) {
		out = append(out, head+t.String())
	}
	return out
}

// everything subscribes to all that any view may show.
func everything() []string {
	box := fmt.Sprintf("[%.5f,%.5f,%.5f,%.5f]", home.West, home.South, home.East, home.North)
	return []string{
		`{"op":"sub","id":"o","feed":"overview"}`,
		`{"op":"sub","id":"p","feed":"operators"}`,
		`{"op":"sub","id":"s","feed":"stations","bbox":` + box + `}`,
		fmt.Sprintf(`{"op":"sub","id":"h","feed":"heatmap","layer":%q,"res":%d,"bbox":%s}`, heatLayer, heatRes, box),
	}
}
