package city

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

func TestKunming(t *testing.T) {
	c := Kunming()
	if len(c.Districts) != 14 || len(c.Hotspots) != 12 || c.Zone.String() != "Asia/Shanghai" {
		t.Fatalf("%d districts, %d hot spots, zone %s", len(c.Districts), len(c.Hotspots), c.Zone)
	}
	people := 0
	for _, d := range c.Districts {
		people += d.Population
		if !c.Bounds.Contains(d.Seat) || c.InWater(d.Seat) {
			t.Fatalf("seat of %s is outside of the city or in the lake", d.NameEn)
		}
	}
	if people != 8460000 {
		t.Fatalf("%d people, the census of 2020 says 8,460 thousand", people)
	}
	for _, h := range c.Hotspots {
		if c.InWater(h.At) || !c.Bounds.Contains(h.At) {
			t.Fatalf("hot spot %s is in the lake or outside", h.Name)
		}
	}
	if !c.Tariff.Covers() || c.HasBorders() {
		t.Fatal("the tariff does not cover the day, or borders came from nowhere")
	}
	if _, ok := c.DistrictAt(c.Districts[0].Seat); ok {
		t.Fatal("a district without borders holds a point")
	}
	if !c.InWater(geo.Point{Lon: 102.70, Lat: 24.83}) {
		t.Fatal("the middle of the lake is dry")
	}
}

func TestDistrictOf(t *testing.T) {
	c := Kunming()
	f := func(reported, want string) {
		t.Helper()
		if got := c.DistrictOf(reported); got != want {
			t.Fatalf("DistrictOf(%q) = %q, want %q", reported, got, want)
		}
	}

	f("530102", "530102")
	f("530122", "530115")
	f("530115", "530115")
	f("", UnknownDistrict)
	f("440300", UnknownDistrict)
	f("五华区", UnknownDistrict)
}

func band(from, to, e4 int64) charge.Band {
	return charge.Band{FromMinute: int(from), ToMinute: int(to), EnergyE4: e4, ServiceE4: 1000}
}

func TestPrice(t *testing.T) {
	c := Kunming()
	night := &charge.Tariff{Bands: []charge.Band{band(22*60, 6*60, 3000), band(6*60, 22*60, 9000)}}
	same := &charge.Tariff{Bands: []charge.Band{band(0, 480, 3000), band(480, 960, 3000), band(960, 1440, 5000)}}
	f := func(tariff *charge.Tariff, clock string, energy int64, until string, next int64) {
		t.Helper()
		at, err := time.ParseInLocation("2006-01-02 15:04:05", clock, c.Zone)
		if err != nil {
			t.Fatal(err)
		}
		p, ok := c.Price(tariff, charge.At(at))
		if !ok || p.EnergyE4 != energy || p.NextE4 != next {
			t.Fatalf("price at %s = %+v, %v; want energy %d, next %d", clock, p, ok, energy, next)
		}
		if got := p.Until.Time().In(c.Zone).Format("2006-01-02 15:04:05"); got != until {
			t.Fatalf("price at %s holds until %s, want %s", clock, got, until)
		}
	}

	f(&c.Tariff, "2026-11-23 00:00:00", flatE4, "2026-11-23 02:00:00", valleyE4+serviceE4)
	f(&c.Tariff, "2026-11-23 01:59:59", flatE4, "2026-11-23 02:00:00", valleyE4+serviceE4)
	f(&c.Tariff, "2026-11-23 02:00:00", valleyE4, "2026-11-23 06:00:00", flatE4+serviceE4)
	f(&c.Tariff, "2026-11-23 08:30:00", peakE4, "2026-11-23 09:00:00", flatE4+serviceE4)
	f(&c.Tariff, "2026-11-23 18:00:00", peakE4, "2026-11-24 00:00:00", flatE4+serviceE4)
	f(&c.Tariff, "2026-12-31 23:59:59", peakE4, "2027-01-01 00:00:00", flatE4+serviceE4)
	// A band that crosses midnight, from both of its sides.
	f(night, "2026-11-23 23:30:00", 3000, "2026-11-24 06:00:00", 10000)
	f(night, "2026-11-24 05:59:59", 3000, "2026-11-24 06:00:00", 10000)
	f(night, "2026-11-24 06:00:00", 9000, "2026-11-24 22:00:00", 4000)
	// Neighbours of one price are one stretch, over midnight too.
	f(same, "2026-11-23 01:00:00", 3000, "2026-11-23 16:00:00", 6000)
	f(same, "2026-11-23 17:00:00", 5000, "2026-11-24 00:00:00", 4000)
}

func TestPriceThatNeverChangesOrIsUnknown(t *testing.T) {
	c := Kunming()
	flat := &charge.Tariff{Bands: []charge.Band{band(420, 420, 5000)}}
	if p, ok := c.Price(flat, 1795392000000); !ok || p.Until != 0 || p.NextE4 != 0 || p.TotalE4() != 6000 {
		t.Fatalf("one price all day = %+v, %v", p, ok)
	}
	f := func(tariff *charge.Tariff) {
		t.Helper()
		if p, ok := c.Price(tariff, 1795392000000); ok {
			t.Fatalf("price %+v of bands that do not cover the day once", p)
		}
	}

	f(nil)
	f(&charge.Tariff{})
	f(&charge.Tariff{Bands: []charge.Band{band(0, 1439, 1)}})
	f(&charge.Tariff{Bands: []charge.Band{band(0, 720, 1), band(700, 1440, 1)}})
	f(&charge.Tariff{Bands: []charge.Band{band(0, 720, 1), band(0, 720, 1)}})
}

func TestCoversDayAgreesWithTheVocabulary(t *testing.T) {
	minutes := []int64{0, 1, 300, 720, 1439, 1440}
	for _, a := range minutes[:5] {
		for _, b := range minutes[1:] {
			for _, c := range minutes[:5] {
				for _, d := range minutes[1:] {
					tariff := &charge.Tariff{Bands: []charge.Band{band(a, b, 1), band(c, d, 2)}}
					if coversDay(tariff) != tariff.Covers() {
						t.Fatalf("%d-%d, %d-%d: coversDay = %v", a, b, c, d, coversDay(tariff))
					}
				}
			}
		}
	}
}

func TestTariffAt(t *testing.T) {
	list := []charge.Tariff{{ValidFrom: 100}, {ValidFrom: 200}}
	f := func(at, want charge.Millis) {
		t.Helper()
		got := TariffAt(list, at)
		if (got == nil) != (want == 0) || got != nil && got.ValidFrom != want {
			t.Fatalf("TariffAt(%d) = %v", at, got)
		}
	}

	f(99, 0)
	f(100, 100)
	f(199, 100)
	f(1e9, 200)
}

const smallCity = `{"name":"小城","nameEn":"Small","zone":"Asia/Shanghai","bounds":[102,24,103,26],
 "districts":[{"adcode":"530901","name":"东区","seat":[102.6,25],"former":["530909"]},{"adcode":"530902","name":"西区","seat":[102.2,25]}],
 "tariff":[{"from":"22:00","to":"06:00","energyYuanPerKwh":0.3,"serviceYuanPerKwh":0.2},{"from":"06:00","to":"22:00","energyYuanPerKwh":0.9,"serviceYuanPerKwh":0.2}],
 "water":[[[102.3,25],[102.4,25],[102.4,25.1]]],"borders":"b.geojson"}`

const smallBorders = `{"type":"FeatureCollection","features":[
 {"type":"Feature","properties":{"adcode":530909},"geometry":{"type":"Polygon","coordinates":[[[102.5,24],[103,24],[103,26],[102.5,26],[102.5,24]],[[102.7,25],[102.8,25],[102.8,25.1],[102.7,25]]]}},
 {"type":"Feature","properties":{"adcode":"530902"},"geometry":{"type":"MultiPolygon","coordinates":[[[[102,24],[102.5,24],[102.5,26],[102,24]]]]}},
 {"type":"Feature","properties":{"adcode":"999999"},"geometry":{"type":"Point","coordinates":[1,2]}}]}`

func load(t *testing.T, body, borders string) (*City, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"city.json": body, "b.geojson": borders} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Load(filepath.Join(dir, "city.json"))
}

func TestLoad(t *testing.T) {
	c, err := load(t, smallCity, smallBorders)
	if err != nil {
		t.Fatal(err)
	}
	if c.BuiltUp != c.Bounds || c.Province.West != 100 || c.Basemap.CRS != "wgs84" || !c.HasBorders() {
		t.Fatalf("defaults of %+v are wrong", c)
	}
	f := func(lon, lat float64, want string) {
		t.Helper()
		if got, ok := c.DistrictAt(geo.Point{Lon: lon, Lat: lat}); got != want || ok != (want != "") {
			t.Fatalf("DistrictAt(%v, %v) = %q, %v", lon, lat, got, ok)
		}
	}

	f(102.6, 25, "530901")
	f(102.78, 25.05, "") // in the hole
	f(102.4, 25, "530902")
	f(101, 25, "")
}

func TestLoadNamesTheField(t *testing.T) {
	f := func(old, with, want string) {
		t.Helper()
		if !strings.Contains(smallCity, old) {
			t.Fatalf("the case %q changes nothing", old)
		}
		_, err := load(t, strings.Replace(smallCity, old, with, 1), smallBorders)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("%q -> %q: error %v does not name %s", old, with, err, want)
		}
	}

	f(`"name":"小城"`, `"name":""`, "name")
	f(`"Asia/Shanghai"`, `"Asia/Nowhere"`, "zone")
	f(`"zone":"Asia/Shanghai",`, ``, "zone")
	f(`[102,24,103,26]`, `[103,24,102,26]`, "bounds")
	f(`[102,24,103,26]`, `[103,24]`, "bounds")
	f(`"530902"`, `"53090"`, "districts[1].adcode")
	f(`"530902"`, `"530909"`, "districts[1]")
	f(`[102.2,25]`, `[99,25]`, "districts[1].seat")
	f(`"from":"22:00"`, `"from":"24:00"`, "tariff[0].from")
	f(`"to":"06:00"`, `"to":"6:00"`, "tariff[0].to")
	f(`"to":"06:00"`, `"to":"05:00"`, "tariff")
	f(`0.3`, `-1`, "tariff[0].energyYuanPerKwh")
	f(`[102.4,25.1]]`, `[102.4]]`, "water[0][2]")
	f(`"nameEn"`, `"nameEng"`, "nameEng")
	f(`b.geojson`, `c.geojson`, "borders")
	f(`"water"`, `"basemap":{"crs":"bd09"},"water"`, "basemap.crs")
	f(`{"name"`, `["name"`, "city")
}

// The example of docs/city.md must load as it stands there.
func TestDocumentedExampleLoads(t *testing.T) {
	page, err := os.ReadFile("../../docs/city.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```json\n")
	example, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("docs/city.md has no example")
	}
	borders := `{"features":[{"properties":{"adcode":"530102"},"geometry":{"type":"Polygon","coordinates":[[[102,25],[103,25],[103,26],[102,25]]]}}]}`
	example = strings.Replace(example, "borders.geojson", "b.geojson", 1)
	if c, err := load(t, example, borders); err != nil || c.Basemap.CRS != "gcj02" || !c.HasBorders() {
		t.Fatalf("the example does not load: %v", err)
	}
}

func TestBordersMustNameEveryDistrict(t *testing.T) {
	f := func(old, with, want string) {
		t.Helper()
		_, err := load(t, smallCity, strings.Replace(smallBorders, old, with, 1))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("%q -> %q: error %v does not say %s", old, with, err, want)
		}
	}

	f(`"530902"`, `"530999"`, "530902")
	f(`"MultiPolygon"`, `"LineString"`, "LineString")
	f(`[102,24],[102.5,24],[102.5,26],[102,24]`, `[102,24],[102.5,24],[102,24]`, "ring")
	f(`[102,24],[102.5,24]`, `[902,24],[102.5,24]`, "position")
	f(`{"type":"FeatureCollection"`, `[`, "GeoJSON")
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(smallCity))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		c, err := parse(body, t.TempDir())
		if err != nil {
			return
		}
		if !c.Tariff.Covers() || len(c.Districts) == 0 || c.Zone == nil {
			t.Fatalf("a city without tariff, district or zone was taken: %s", body)
		}
	})
}

func BenchmarkPrice(b *testing.B) {
	c := Kunming()
	b.ReportAllocs()
	for b.Loop() {
		c.Price(&c.Tariff, 1795392000000)
	}
}

func TestBasemaps(t *testing.T) {
	dir := t.TempDir()
	for name, body := range map[string]string{"good.pmtiles": "PMTiles\x03...", "old.pmtiles": "PMTiles\x02...", "short.pmtiles": "PM"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := func(in fileBasemap, style, file, wrong string) {
		t.Helper()
		var p problems
		got := p.basemap(&in, dir)
		if err := errors.Join(p.errs...); wrong != "" {
			if err == nil || !strings.Contains(err.Error(), wrong) {
				t.Fatalf("%+v: %v, want %q", in, err, wrong)
			}
			return
		} else if err != nil {
			t.Fatal(err)
		}
		if file != "" {
			file = filepath.Join(dir, file)
		}
		if got.Style != style || got.File != file {
			t.Fatalf("%+v = %+v, want %q at %q", in, got, style, file)
		}
	}

	f(fileBasemap{}, "", "", "")
	f(fileBasemap{Style: "https://a.example/s.json", CRS: "gcj02", Origins: []string{"https://b.example:81"}}, "https://a.example/s.json", "", "")
	f(fileBasemap{Style: "good.pmtiles"}, "/basemap/good.pmtiles", "good.pmtiles", "")
	f(fileBasemap{Style: filepath.Join(dir, "good.pmtiles")}, "/basemap/good.pmtiles", "good.pmtiles", "")
	f(fileBasemap{Style: "old.pmtiles"}, "", "", "basemap.style")
	f(fileBasemap{Style: "short.pmtiles"}, "", "", "no PMTiles")
	f(fileBasemap{Style: "none.pmtiles"}, "", "", "none.pmtiles")
	f(fileBasemap{Style: "map.mbtiles"}, "", "", "neither")
	f(fileBasemap{Style: "ftp://a/b"}, "", "", "neither")
	f(fileBasemap{CRS: "bd09"}, "", "", "basemap.crs")
	f(fileBasemap{Origins: []string{"https://a.example/path"}}, "", "", "basemap.origins")
	f(fileBasemap{Origins: []string{"*"}}, "", "", "no origin")
}
