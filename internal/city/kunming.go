package city

import (
	"fmt"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

// Kunming's default prices, yuan per kWh × 10,000: energy by band as published
// for Yunnan's public piles, and a usual service fee.
const (
	peakE4    = 10200
	flatE4    = 7250
	valleyE4  = 4500
	serviceE4 = 4000
)

// Kunming returns the city that is built in: 14 county-level units, Yunnan's
// time-of-use bands and lake Dianchi as a hand-made ring that errs outward.
func Kunming() *City {
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		// The zone is compiled in, so this is a broken program, not a broken machine.
		panic(fmt.Sprintf("city: Asia/Shanghai is not compiled in: %v", err))
	}
	c := &City{
		Name: "昆明", NameEn: "Kunming", Zone: zone,
		Bounds:   geo.Box{West: 102.16, South: 24.38, East: 103.68, North: 26.56},
		BuiltUp:  geo.Box{West: 102.58, South: 24.78, East: 102.95, North: 25.16},
		Province: geo.Box{West: 97.5, South: 21.1, East: 106.2, North: 29.3},
		Tariff:   charge.Tariff{Bands: kunmingBands()},
		Water:    [][]geo.Point{dianchi()},
		Hotspots: kunmingHotspots(),
		Basemap:  Basemap{CRS: "wgs84", Schematic: true},
	}
	c.Districts = kunmingDistricts()
	c.index()
	return c
}

// kunmingDistricts lists the 14 units; population of the 2020 census.
func kunmingDistricts() []District {
	d := func(adcode, name, nameEn string, lon, lat float64, population int, former ...string) District {
		return District{Adcode: adcode, Name: name, NameEn: nameEn, Seat: geo.Point{Lon: lon, Lat: lat},
			Population: population, Former: former}
	}
	return []District{
		d("530102", "五华区", "Wuhua", 102.7030, 25.0452, 1143000),
		d("530103", "盘龙区", "Panlong", 102.7276, 25.0732, 988000),
		d("530111", "官渡区", "Guandu", 102.7490, 25.0150, 1602000),
		d("530112", "西山区", "Xishan", 102.6640, 25.0380, 961000),
		d("530113", "东川区", "Dongchuan", 103.1801, 26.0867, 261000),
		d("530114", "呈贡区", "Chenggong", 102.8215, 24.8860, 650000),
		d("530115", "晋宁区", "Jinning", 102.5938, 24.6701, 345000, "530122"),
		d("530124", "富民县", "Fumin", 102.4965, 25.2226, 150000),
		d("530125", "宜良县", "Yiliang", 103.1441, 24.9210, 385000),
		d("530126", "石林县", "Shilin", 103.2701, 24.7575, 241000),
		d("530127", "嵩明县", "Songming", 103.0370, 25.3379, 411000),
		d("530128", "禄劝县", "Luquan", 102.4675, 25.5594, 379000),
		d("530129", "寻甸县", "Xundian", 103.2557, 25.5625, 460000),
		d("530181", "安宁市", "Anning", 102.4841, 24.9247, 484000),
	}
}

// kunmingBands are the eight hours each of peak (07–09, 18–24), valley (02–06,
// 12–16) and flat.
func kunmingBands() []charge.Band {
	b := func(from, to int, energyE4 int64) charge.Band {
		return charge.Band{FromMinute: from * 60, ToMinute: to * 60, EnergyE4: energyE4, ServiceE4: serviceE4}
	}
	return []charge.Band{
		b(0, 2, flatE4), b(2, 6, valleyE4), b(6, 7, flatE4), b(7, 9, peakE4), b(9, 12, flatE4),
		b(12, 16, valleyE4), b(16, 18, flatE4), b(18, 24, peakE4),
	}
}

func kunmingHotspots() []Hotspot {
	h := func(name, nameEn string, lon, lat float64) Hotspot {
		return Hotspot{name, nameEn, geo.Point{Lon: lon, Lat: lat}}
	}
	return []Hotspot{
		h("南屏街", "Nanping Street", 102.710, 25.039), h("北市区", "Beishi", 102.735, 25.085),
		h("关上", "Guanshang", 102.745, 25.012), h("世纪城", "Shijicheng", 102.775, 24.985),
		h("昆明站", "Kunming Station", 102.722, 25.018), h("昆明南站", "Kunming South Station", 102.860, 24.877),
		h("长水机场", "Changshui Airport", 102.929, 25.102), h("大学城", "University Town", 102.850, 24.830),
		h("马街", "Majie", 102.650, 25.030), h("滇池度假区", "Dianchi Resort", 102.670, 24.975),
		h("经开区", "Economic Zone", 102.800, 24.985), h("安宁", "Anning", 102.480, 24.920),
	}
}

// dianchi returns the lake's ring.
func dianchi() []geo.Point {
	ring := [...][2]float64{
		{102.636, 25.018}, {102.655, 25.012}, {102.666, 24.985}, {102.664, 24.966}, {102.690, 24.962},
		{102.712, 24.950}, {102.735, 24.925}, {102.752, 24.905}, {102.766, 24.870}, {102.765, 24.830},
		{102.752, 24.795}, {102.735, 24.762}, {102.715, 24.730}, {102.695, 24.705}, {102.665, 24.688},
		{102.632, 24.688}, {102.612, 24.702}, {102.612, 24.745}, {102.625, 24.780}, {102.645, 24.810},
		{102.640, 24.850}, {102.645, 24.900}, {102.640, 24.945}, {102.634, 24.985},
	}
	out := make([]geo.Point, len(ring))
	for i, p := range ring {
		out[i] = geo.Point{Lon: p[0], Lat: p[1]}
	}
	return out
}
