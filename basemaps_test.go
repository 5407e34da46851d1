package main

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/dianchi-platform/dianchi/internal/geo"
)

// Where the test's one station stands, and the square that the pictures of the ground have there.
var shownAt = geo.Point{Lon: 102.7101, Lat: 25.0389}

// A deployer's own ground in a real browser: pictures in GCJ-02 from another
// origin, a style with vector tiles under official borders, and a PMTiles file.
// All of it is made here, from the lakes that the pages carry.
func TestBaseMapsOfADeployer(t *testing.T) {
	ground := newGround(t, filepath.Join("dashboard", "web", "public", "geo", "base.geojson"), geo.ToGCJ02(shownAt))
	tiles := httptest.NewServer(ground)
	defer tiles.Close()

	maps := map[string]string{}
	var last *platform
	f := func(name string, basemap map[string]any, borders bool) {
		t.Helper()
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "ground.pmtiles"), ground.pmtiles(8, 10), 0o644); err != nil {
			t.Fatal(err)
		}
		last = start(t, t.TempDir(), "", "--city", cityFile(t, dir, basemap, borders))
		maps[name] = last.http
		password := last.admin("party", "add", "op", "--kind", "operator", "--name", "运营商", "--name-en", "Operator")
		last.mustPub("op", password, "stations", fmt.Sprintf(
			`{"id":"S1","name":"图上的站","nameEn":"Station","lon":%f,"lat":%f,"piles":[{"id":"S1-1","kind":"dc","ratedKw":120}]}`,
			shownAt.Lon, shownAt.Lat))
	}

	const mark = "© 测试图商"
	f("pictures", map[string]any{
		"style": tiles.URL + "/pictures/{z}/{x}/{y}.png", "crs": "gcj02", "attribution": mark, "reviewNo": "GS(2026)0001号",
	}, false)
	f("style", map[string]any{"style": tiles.URL + "/style.json", "attribution": mark}, true)
	f("file", map[string]any{"style": "ground.pmtiles", "attribution": mark}, false)

	list, err := json.Marshal(maps)
	if err != nil {
		t.Fatal(err)
	}
	browse(t, last, "test/maps", "DIANCHI_MAPS="+string(list))
}

// cityFile writes a city of two districts, whose official borders are two squares, and returns its name.
func cityFile(t *testing.T, dir string, basemap map[string]any, borders bool) string {
	t.Helper()
	west, east := box{102.58, 24.78, 102.75, 25.16}, box{102.75, 24.78, 102.95, 25.16}
	district := func(code, name, nameEn string, b box) map[string]any {
		return map[string]any{"adcode": code, "name": name, "nameEn": nameEn, "seat": b.middle(), "population": 1_000_000}
	}
	border := func(code string, b box) map[string]any {
		return map[string]any{
			"type": "Feature", "properties": map[string]any{"adcode": code},
			"geometry": map[string]any{"type": "Polygon", "coordinates": [][][2]float64{b.ring()}},
		}
	}
	city := map[string]any{
		"name": "小城", "nameEn": "Small Town", "zone": "Asia/Shanghai",
		"bounds": []float64{102.16, 24.38, 103.68, 26.56}, "builtUp": []float64{102.58, 24.78, 102.95, 25.16},
		"districts": []any{district("530102", "五华区", "Wuhua", west), district("530103", "盘龙区", "Panlong", east)},
		"tariff":    []any{map[string]any{"from": "00:00", "to": "24:00", "energyYuanPerKwh": 0.7, "serviceYuanPerKwh": 0.4}},
		"basemap":   basemap,
	}
	if borders {
		city["borders"] = "borders.geojson"
		writeJSON(t, filepath.Join(dir, "borders.geojson"), map[string]any{
			"type": "FeatureCollection", "features": []any{border("530102", west), border("530103", east)},
		})
	}
	file := filepath.Join(dir, "city.json")
	writeJSON(t, file, city)
	return file
}

func writeJSON(t *testing.T, file string, v any) {
	t.Helper()
	b, err := json.Marshal(v)
	if err == nil {
		err = os.WriteFile(file, b, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// box is west, south, east, north.
type box [4]float64

func (b box) middle() [2]float64 { return [2]float64{(b[0] + b[2]) / 2, (b[1] + b[3]) / 2} }

func (b box) ring() [][2]float64 {
	return [][2]float64{{b[0], b[1]}, {b[2], b[1]}, {b[2], b[3]}, {b[0], b[3]}, {b[0], b[1]}}
}
