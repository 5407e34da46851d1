package api

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

func TestParameters(t *testing.T) {
	w := newWorld(t)
	w.tick()
	f := func(query string, want int) {
		t.Helper()
		if a := w.get("/api/v1/stations?"+query, ""); a.status != want || want == 400 && a.code() != "value-range" {
			t.Fatalf("%s = %d %s, want %d", query, a.status, a.body, want)
		}
	}
	near := "near=102.7,25.0&"

	f("", 400)
	f(near, 200)
	f("bbox=102.7,25.0,102.8,25.1", 200)
	f(near+"bbox=102.7,25.0,102.8,25.1", 400)
	f("near=102.7", 400)
	f("near=102.7,25,3", 400)
	f("near=NaN,25", 400)
	f("near=Inf,25", 400)
	f("near=0x10,25", 400)
	f("near=181,25", 400)
	f("near=102,91", 400)
	f("near=,", 400)
	f("bbox=102.8,25.0,102.7,25.1", 400)
	f("bbox=102.7,25.1,102.8,25.0", 400)
	f("bbox=1,2,3", 400)
	f(near+"radiusM=50000", 200)
	f(near+"radiusM=50000.1", 400)
	f(near+"radiusM=0", 400)
	f(near+"radiusM=-1", 400)
	f(near+"radiusM=1e3", 200)
	f(near+"radiusM=", 400)
	f(near+"radiusM=NaN", 400)
	f(near+"limit=200", 200)
	f(near+"limit=201", 400)
	f(near+"limit=0", 400)
	f(near+"limit=1.5", 400)
	f(near+"limit=%2B5", 400)
	f(near+"limit=999999999999999999999", 400)
	f(near+"limit=900&limit=5", 200) // of a repeated name the last counts
	f(near+"limit=5&limit=900", 400)
	f(near+"unheard=of", 200)
	f(near+"free=1&open=1&parking=free&kind=dc&minKw=60&maxYuan=1.5&operator=teld&q=x", 200)
	f(near+"free=yes", 400)
	f(near+"open=2", 400)
	f(near+"parking=paid", 400)
	f(near+"kind=DC", 400)
	f(near+"minKw=-1", 400)
	f(near+"maxYuan=-0.1", 400)
	f(near+"maxYuan=1001", 400)
	f(near+"operator=Teld", 400)
	f(near+"operator=nobody", 200) // well formed: there is nothing of it
	f(near+"crs=bd09", 400)
	f(near+"access=private", 400)
	f(near+"cursor=zzz", 400)
	f(near+"cursor=", 200)
	f(near+"q=%ff", 400)
	f(near+"q=%zz", 400)
	f(near+"q="+strings.Repeat("x", 129), 400)

	for path, want := range map[string]int{"district=530111": 200, "district=unknown": 200, "district=5301": 400, "district=": 400,
		"district=53011x": 400, "by=most": 400, "access=private": 400, "limit=5001": 400} {
		if a := w.get("/api/v1/rank/stations?"+path, ""); a.status != want || want == 400 && a.code() != "value-range" {
			t.Errorf("rank %s = %d %s, want %d", path, a.status, a.body, want)
		}
	}
	// Where positions are not turned into another system, asking for it is refused.
	for _, path := range []string{"/heatmap?layer=free", "/cells?bbox=102.7,25.0,102.8,25.1", "/history/vehicles/" + vin(1) + "?to=1795392000000"} {
		for crs, code := range map[string]string{"gcj02": "value-range", "bd09": "value-range"} {
			if a := w.get("/api/v1"+path+"&crs="+crs, "t-regulator"); a.code() != code {
				t.Errorf("%s with crs=%s = %d %s", path, crs, a.status, a.body)
			}
		}
		if a := w.get("/api/v1"+path+"&crs=wgs84", "t-regulator"); a.code() == "value-range" {
			t.Errorf("%s with crs=wgs84 = %d %s", path, a.status, a.body)
		}
	}
	for _, q := range []string{"layer=vehicles&res=4", "layer=vehicles&res=11", "layer=x&res=8", "res=8", "layer=free&res=8&bbox=1"} {
		if a := w.get("/api/v1/heatmap?"+q, ""); a.code() != "value-range" {
			t.Fatalf("heatmap %s = %d %s", q, a.status, a.body)
		}
	}
	for q, code := range map[string]string{"res=8": "value-range", "res=10&bbox=102,24,104,26": "box-too-large",
		"res=5&bbox=-180,-90,180,90": "box-too-large", "res=12&bbox=102,24,102.1,24.1": "value-range"} {
		if a := w.get("/api/v1/cells?"+q, ""); a.status != 400 || a.code() != code {
			t.Fatalf("cells %s = %d %s", q, a.status, a.body)
		}
	}
	for _, q := range []string{"every=30s", "every=25h", "every=1d", "every=0m", "every=-1m", "every=", "from=yesterday",
		"from=2026-11-01T00:00:00", "from=1795392000000&to=1795391000000", "to=-5", "from=1795392000000&to=1795392000000"} {
		if a := w.get("/api/v1/history/city?"+q, ""); a.code() != "value-range" {
			t.Fatalf("history %s = %d %s", q, a.status, a.body)
		}
	}
}

func TestStationAnswers(t *testing.T) {
	w := newWorld(t)
	st := station(1, teld, center, 1, 2)
	st.NameEn, st.Address, st.OpenHours = "One", "路1号", "00:00-24:00"
	st.Parking = &charge.Parking{Type: charge.ParkingLimited, Text: "前2小时免费", FenPerHour: 300, FreeMinutes: 120}
	st.Tariffs = []charge.Tariff{{Bands: []charge.Band{
		{FromMinute: 0, ToMinute: 720, EnergyE4: 4500, ServiceE4: 4000},
		{FromMinute: 720, ToMinute: 1440, EnergyE4: 10200, ServiceE4: 4000}}}}
	bare := station(2, ykc, geo.Point{Lon: center.Lon, Lat: center.Lat + 0.01}, 3)
	w.put(st, bare)
	w.pile(teld, 1, charge.PileReport{Status: charge.StatusCharging, Has: charge.HasPower | charge.HasSOC | charge.HasVIN |
		charge.HasSession, PowerKW: 58.2, SOCPct: 63, VIN: "LNBMDBAH4PA000001", Session: "A17"})
	w.pile(teld, 2, charge.PileReport{Status: charge.StatusIdle})
	w.tick()

	got := string(w.get("/api/v1/stations?near=102.71,25.04", "").body)
	want := `{"at":"2026-11-23T04:00:01.000Z","crs":"wgs84","stations":[` +
		`{"id":"teld:S1","operator":"teld","name":"站1","nameEn":"One","lon":102.71,"lat":25.04,"access":"public","maxKw":120,` +
		`"distanceM":0,"piles":{"total":2,"free":1,"inUse":1,"charging":1,"reserved":0,"fault":0,"offline":0},"match":2,` +
		`"price":{"nowYuanPerKwh":1.42,"energyYuanPerKwh":1.02,"serviceYuanPerKwh":0.4,"until":"2026-11-23T16:00:00.000Z",` +
		`"nextYuanPerKwh":0.85},"parking":{"type":2,"text":"前2小时免费","yuanPerHour":3,"freeMinutes":120},` +
		`"updatedAt":"2026-11-23T04:00:00.000Z"},` +
		`{"id":"ykc:S2","operator":"ykc","name":"站2","nameEn":null,"lon":102.71,"lat":25.05,"access":"public","maxKw":120,` +
		`"distanceM":1112,"piles":{"total":1,"free":0,"inUse":0,"charging":0,"reserved":0,"fault":0,"offline":1},"match":1,` +
		`"price":null,"parking":null,"updatedAt":null}],"next":null}`
	if got != want {
		t.Fatalf("stations:\n%s\nwant\n%s", got, want)
	}

	detail := w.get("/api/v1/stations/teld:S1", "").json(t)["station"].(map[string]any)
	if detail["distanceM"] != nil || detail["address"] != "路1号" || detail["phone"] != nil || len(detail["pileList"].([]any)) != 2 {
		t.Fatalf("station: %v", detail)
	}
	if row, _ := json.Marshal(detail["pileList"].([]any)[0]); string(row) != `{"bay":null,"id":"teld:P1","kind":"dc",`+
		`"powerKw":58.2,"ratedKw":120,"socPct":63,"standard":null,"state":"inUse","status":3,"updatedAt":"2026-11-23T04:00:00.000Z"}` {
		t.Fatalf("pile row: %s", row)
	}
	// Nobody learns from a station who charges there, not even its operator.
	for _, token := range []string{"", "t-teld", "t-regulator"} {
		if a := w.get("/api/v1/stations/teld:S1", token); bytes.Contains(a.body, []byte("LNBM")) || bytes.Contains(a.body, []byte("A17")) {
			t.Fatalf("station as %q: %s", token, a.body)
		}
	}

	gcj := w.get("/api/v1/stations?crs=gcj02&near=102.711437,25.037025", "").json(t)
	first := gcj["stations"].([]any)[0].(map[string]any)
	p := geo.ToGCJ02(center)
	if gcj["crs"] != "gcj02" || geo.DistanceM(p, geo.Point{Lon: first["lon"].(float64), Lat: first["lat"].(float64)}) > 0.2 ||
		first["distanceM"].(float64) > 1 {
		t.Fatalf("gcj02: %v, want position %v", gcj, p)
	}
}

func TestPages(t *testing.T) {
	w := newWorld(t)
	for i := charge.Num(1); i <= 50; i++ {
		w.put(station(i, teld, geo.Point{Lon: center.Lon + float64(i%7)/1000, Lat: center.Lat + float64(i%5)/1000}, i))
	}
	w.tick()
	queries := []string{"near=102.71,25.04&limit=7", "bbox=102,24,103,26&limit=7"}
	for i, query := range queries {
		other := w.get("/api/v1/stations?"+queries[1-i], "").json(t)["next"].(string)
		if a := w.get("/api/v1/stations?"+query+"&cursor="+other, ""); a.code() != "value-range" {
			t.Fatalf("%s with the cursor of another kind of query: %d %s", query, a.status, a.body)
		}
		var ids []string
		seen, cursor := map[string]bool{}, ""
		for range 10 {
			page := w.get("/api/v1/stations?"+query+"&cursor="+cursor, "").json(t)
			for _, s := range page["stations"].([]any) {
				id := s.(map[string]any)["id"].(string)
				if seen[id] {
					t.Fatalf("%s: %s twice", query, id)
				}
				seen[id] = true
				ids = append(ids, id)
			}
			if page["next"] == nil {
				break
			}
			cursor = page["next"].(string)
		}
		if len(ids) != 50 {
			t.Fatalf("%s: %d stations over all pages", query, len(ids))
		}
	}
}

// A station without piles is there, but no answer to who looks for a pile.
func TestStationWithoutPiles(t *testing.T) {
	w := newWorld(t)
	w.put(station(1, teld, center), station(2, teld, center, 1))
	w.tick()
	f := func(query string, want int) {
		t.Helper()
		a := w.get("/api/v1/stations?near=102.71,25.04"+query, "")
		if n := len(a.json(t)["stations"].([]any)); n != want {
			t.Errorf("%q: %d stations, want %d", query, n, want)
		}
	}

	f("", 2)
	f("&open=1", 2)
	f("&kind=dc", 1)
	f("&minKw=1", 1)
	f("&free=1", 0) // its pile never reported
	if a := w.get("/api/v1/stations/teld:S1", ""); a.status != 200 {
		t.Errorf("by its id: %d", a.status)
	}
}
