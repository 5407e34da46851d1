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

func TestRareReportsComeBackAsTheyWereSent(t *testing.T) {
	d := NewDecoder()
	f := func(in string, again func() ([]byte, int)) {
		t.Helper()
		got, n := again()
		if n != 1 || string(got) != in {
			t.Fatalf("%d elements\n got %s\nwant %s", n, got, in)
		}
	}
	st := `{"id":"S1","name":"世纪城站","lon":102.775,"lat":24.985,"piles":[{"id":"S1-1","kind":"dc","ratedKw":120,"standard":"GB/T 20234.3","bay":"B2-17"},{"id":"S1-2","kind":"ac","ratedKw":7}],` +
		`"nameEn":"Shijicheng","access":"restricted","district":"530111","address":"官渡区","phone":"0871-1","openHours":"00:00-24:00",` +
		`"parking":{"type":2,"text":"前2小时免费,之后3元/小时","yuanPerHour":3.05,"freeMinutes":120},` +
		`"tariff":{"validFrom":"2026-10-31T16:00:00.000Z","bands":[{"from":"07:00","to":"24:00","energyYuanPerKwh":1.02,"serviceYuanPerKwh":0.4},{"from":"00:00","to":"07:00","energyYuanPerKwh":0.4501,"serviceYuanPerKwh":0}]}}`
	f(st, func() ([]byte, int) {
		e, bad := d.Stations([]byte(st))
		if bad != nil || e[0].Findings != nil {
			t.Fatal(bad, e[0].Findings)
		}
		return AppendStation(nil, &e[0].Station), len(e)
	})
	se := `{"id":"A17","pile":"S1-1","startTs":1795392000000,"endTs":1795395600000,"energyKwh":31.2,"vin":"LNBMDBAH4PA000001",` +
		`"bands":[{"from":1795392000000,"to":1795395600000,"energyKwh":31.2,"energyYuan":31.82,"serviceYuan":12.48}],"energyYuan":31.82,"serviceYuan":12.48,"parkingYuan":0,"totalYuan":44.3,"stopReason":0}`
	f(se, func() ([]byte, int) {
		e, bad := d.Sessions([]byte(se))
		if bad != nil || e[0].Findings != nil {
			t.Fatal(bad, e[0].Findings)
		}
		return AppendSession(nil, &e[0].Session), len(e)
	})
	fl := `{"vin":"LNBMDBAH4PA000001","class":"private","model":"EU5","batteryKwh":53.6}`
	f(fl, func() ([]byte, int) {
		e, bad := d.Fleet([]byte(fl))
		if bad != nil || e[0].Findings != nil {
			t.Fatal(bad, e[0].Findings)
		}
		return AppendFleet(nil, &e[0].Vehicle), len(e)
	})
	f(`{"id":"S1","removed":true}`, func() ([]byte, int) {
		e, bad := d.Stations([]byte(`{"id":"S1","removed":true}`))
		if bad != nil || e[0].Findings != nil || !e[0].Removed {
			t.Fatal(bad, e[0].Findings)
		}
		return AppendStationRemoved(nil, e[0].ID), len(e)
	})
}
