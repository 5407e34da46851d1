package report

import (
	"encoding/json"
	"strings"
	"testing"
)

const (
	onePile    = `{"id":"S1-1","ts":1795392000000,"status":3,"powerKw":58.2,"voltageV":385.1,"currentA":151.2,"socPct":63,"energyKwh":12.31,"meterKwh":88121.4,"session":"A17","vin":"LNBMDBAH4PA000001","fault":"","parkStatus":50,"lockStatus":10}`
	oneVehicle = `{"vin":"LNBMDBAH4PA000001","ts":1795392000000,"lon":102.712,"lat":25.04,"crs":"wgs84","speedKmh":31.5,"odometerKm":40211.3,"socPct":63,"voltageV":355.0,"currentA":22.4,"state":1,"charge":3,"alarmLevel":0,"alarms":0,"rangeKm":240,"insulationKohm":1200}`
)

func batch(one string, n int) []byte {
	return []byte("[" + strings.Repeat(one+",", n-1) + one + "]")
}

func benchmark(b *testing.B, one string, decode func([]byte) int) {
	in := batch(one, 50)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if decode(in) != 50 {
			b.Fatal("not 50 reports")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/50, "ns/report")
}

func BenchmarkPiles(b *testing.B) {
	d := NewDecoder()
	benchmark(b, onePile, func(in []byte) int {
		e, f := d.Piles(in)
		if f != nil {
			b.Fatal(f)
		}
		return len(e)
	})
}

func BenchmarkVehicles(b *testing.B) {
	d := NewDecoder()
	benchmark(b, oneVehicle, func(in []byte) int {
		e, f := d.Vehicles(in)
		if f != nil {
			b.Fatal(f)
		}
		return len(e)
	})
}

// What encoding/json takes for the same members, as a yardstick.
func BenchmarkPilesEncodingJSON(b *testing.B) {
	type pile struct {
		ID         string   `json:"id"`
		TS         int64    `json:"ts"`
		Status     int      `json:"status"`
		PowerKW    *float64 `json:"powerKw"`
		VoltageV   *float64 `json:"voltageV"`
		CurrentA   *float64 `json:"currentA"`
		SOCPct     *float64 `json:"socPct"`
		EnergyKWh  *float64 `json:"energyKwh"`
		MeterKWh   *float64 `json:"meterKwh"`
		Session    string   `json:"session"`
		VIN        string   `json:"vin"`
		Fault      string   `json:"fault"`
		ParkStatus *int     `json:"parkStatus"`
		LockStatus *int     `json:"lockStatus"`
	}
	benchmark(b, onePile, func(in []byte) int {
		var e []pile
		if err := json.Unmarshal(in, &e); err != nil {
			b.Fatal(err)
		}
		return len(e)
	})
}

func TestReportsComeBackAsTheyWereSent(t *testing.T) {
	d := NewDecoder()
	p, f := d.Piles([]byte(onePile))
	if f != nil || len(p) != 1 || p[0].Rejected || p[0].Findings != nil {
		t.Fatalf("%v %+v", f, p)
	}
	if got := string(AppendPile(nil, &p[0].Report)); got != onePile {
		t.Fatalf("\n got %s\nwant %s", got, onePile)
	}
	v, f := d.Vehicles([]byte(oneVehicle))
	if f != nil || len(v) != 1 || v[0].Rejected || v[0].Findings != nil {
		t.Fatalf("%v %+v", f, v)
	}
	want := strings.Replace(strings.Replace(oneVehicle, "355.0", "355", 1), `"crs":"wgs84",`, "", 1)
	if got := string(AppendVehicle(nil, &v[0].Report)); got != want {
		t.Fatalf("\n got %s\nwant %s", got, want)
	}
}
