package live

import (
	"log/slog"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/city"
	"github.com/dianchi-platform/dianchi/internal/geo"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

func TestOpeningHours(t *testing.T) {
	f := func(text string, minute int, want bool) {
		t.Helper()
		if got := hoursOf(text).at(minute); got != want {
			t.Fatalf("%q at minute %d is open: %v, want %v", text, minute, got, want)
		}
	}
	f("08:00-22:00", 8*60-1, false)
	f("08:00-22:00", 8*60, true)
	f("08:00-22:00", 22*60-1, true)
	f("08:00-22:00", 22*60, false)
	f("22:00-06:00", 23*60, true)
	f("22:00-06:00", 0, true)
	f("22:00-06:00", 6*60, false)
	f("22:00-06:00", 12*60, false)
	f("00:00-24:00", 0, true)
	f("00:00-24:00", 1439, true)
	f("20:00-24:00", 1439, true)
	f("20:00-24:00", 0, false)
	f("24:00-06:00", 60, true)
	for _, unknown := range []string{"", "always", "8:00-22:00", "08:00", "08:60-09:00", "25:00-26:00", "08:00-08:00"} {
		f(unknown, 3, true)
	}
}

func TestPriceNow(t *testing.T) {
	day := func(e int64, from charge.Millis) charge.Tariff {
		return charge.Tariff{ValidFrom: from, Bands: []charge.Band{
			{FromMinute: 0, ToMinute: 13 * 60, EnergyE4: e},
			{FromMinute: 13 * 60, ToMinute: 1440, EnergyE4: e + 1000, ServiceE4: 5},
		}}
	}
	half := charge.Tariff{ValidFrom: noon + 60_000, Bands: []charge.Band{{FromMinute: 0, ToMinute: 60, EnergyE4: 1}}}
	at := noon + 30*60_000 // 12:30
	f := func(now charge.Millis, want *city.PriceNow, tariffs ...charge.Tariff) {
		t.Helper()
		l := &log{s: testState()}
		l.s.Tick(1, noon)
		st := station(1, 1, center, 1)
		st.Tariffs = tariffs
		l.put(st)
		l.s.Tick(2, now)
		got := l.s.site(1).Price()
		if (got == nil) != (want == nil) || got != nil && *got != *want {
			t.Fatalf("price is %+v, want %+v", got, want)
		}
	}
	one := noon + 60*60_000
	f(noon, nil)
	f(noon, &city.PriceNow{EnergyE4: 7000, Until: one, NextE4: 8005}, day(7000, 0))
	f(one-1, &city.PriceNow{EnergyE4: 7000, Until: one, NextE4: 8005}, day(7000, 0))
	f(one, &city.PriceNow{EnergyE4: 8000, ServiceE4: 5, Until: one + 11*60*60_000, NextE4: 7000}, day(7000, 0))
	f(noon, &city.PriceNow{EnergyE4: 7000, Until: at, NextE4: 9000}, day(7000, 0), day(9000, at))
	f(at-1, &city.PriceNow{EnergyE4: 7000, Until: at, NextE4: 9000}, day(7000, 0), day(9000, at))
	f(at, &city.PriceNow{EnergyE4: 9000, Until: one, NextE4: 10005}, day(7000, 0), day(9000, at))
	f(noon, nil, day(7000, at)) // not begun yet
	f(noon, &city.PriceNow{EnergyE4: 7000, Until: noon + 60_000, NextE4: -1}, day(7000, 0), half)
	f(at, nil, day(7000, 0), half) // bands that do not cover the day
}

func TestPileBelongsToTheStationThatNamedItLast(t *testing.T) {
	l := &log{s: testState()}
	l.put(station(1, 1, center, 1, 2))
	l.pile(1, 1, charge.StatusCharging, 60, noon)
	l.put(station(2, 1, geo.Point{Lon: 102.8, Lat: 25}, 1))
	f := func(pile string, want string) {
		t.Helper()
		if p, ok := l.s.Pile("teld", pile, driver); !ok && want != "" || ok && p.Site.GlobalID != want {
			t.Fatalf("%s stands in %+v, want %q", pile, p.Site, want)
		}
	}
	f("P1", "teld:S2")
	f("P2", "teld:S1")
	if st, _ := l.s.Station("teld", "S2", driver); st.Piles().Charging != 1 || st.UpdatedAt != noon {
		t.Fatalf("the pile left its state behind: %+v", st.Found)
	}
	if o := l.s.Overview(); o.Piles.Total != 2 || o.PowerKW != 60 {
		t.Fatalf("overview after a pile moved: %+v", o)
	}
	l.put(station(2, 1, center)) // replaced whole
	if _, ok := l.s.Pile("teld", "P1", regulator); ok {
		t.Fatal("a pile that no station names is still there")
	}
	if o := l.s.Overview(); o.Piles.Total != 1 || o.PowerKW != 0 {
		t.Fatalf("overview after a pile was left out: %+v", o)
	}
}

func TestRemovedPartyIsLeftOut(t *testing.T) {
	l := &log{s: testState()}
	l.put(station(1, 1, center, 1))
	l.s.SetParties([]charge.Party{{Num: 1, Slug: "teld", Kind: charge.Operator, Removed: true}})
	found, _ := l.s.Stations(Query{Near: &center, RadiusM: 100}, nil)
	_, station := l.s.Station("teld", "S1", regulator)
	_, pile := l.s.Pile("teld", "P1", regulator)
	if len(found) != 0 || station || pile || len(l.s.Operators()) != 0 || l.s.Overview().Operators != 0 {
		t.Fatal("a removed party's objects are still answered")
	}
}

func TestStationsThatCameBeforeTheirParty(t *testing.T) {
	s := New(Config{}, slog.New(slog.DiscardHandler))
	l := &log{s: s}
	l.put(station(1, 1, center, 1))
	if _, ok := s.Station("teld", "S1", regulator); ok {
		t.Fatal("a station of a party without a name is answered")
	}
	s.SetParties([]charge.Party{{Num: 1, Slug: "teld", Kind: charge.Operator}})
	if st, ok := s.Station("teld", "S1", regulator); !ok || st.Site.GlobalID != "teld:S1" {
		t.Fatalf("the station is %+v", st)
	}
}

func TestVehiclesByDistrictWithBorders(t *testing.T) {
	c := city.Kunming()
	c.Districts = c.Districts[:2]
	square := func(west, east float64) []city.Polygon {
		return []city.Polygon{{{{Lon: west, Lat: 24}, {Lon: east, Lat: 24}, {Lon: east, Lat: 26}, {Lon: west, Lat: 26}}}}
	}
	c.Districts[0].Official, c.Districts[1].Official = square(102, 103), square(103, 104)
	s := New(Config{City: c}, slog.New(slog.DiscardHandler))
	s.SetParties([]charge.Party{{Num: 3, Slug: "nio", Kind: charge.Maker}})
	l := &log{s: s}
	report := func(lon float64, has charge.Has) {
		l.apply(record.Record{Party: 3, Received: noon, Fleet: []record.VehicleItem{{Num: 1, Verdict: charge.Taken,
			Report: charge.VehicleReport{VIN: vin(1), TS: noon, Has: has, Lon: lon, Lat: 25}}}})
	}
	f := func(want ...int) {
		t.Helper()
		for i, row := range s.Districts() {
			if row.Vehicles == nil || row.Vehicles.Total != want[i] || row.Vehicles.Online != want[i] {
				t.Fatalf("district %s has vehicles %+v, want %d online", row.ID, row.Vehicles, want[i])
			}
		}
	}
	report(102.5, charge.HasPosition)
	f(1, 0, 0)
	report(103.5, charge.HasPosition)
	f(0, 1, 0)
	report(0, 0) // no position: where it was last seen
	f(0, 1, 0)
	report(110, charge.HasPosition)
	f(0, 0, 1)
	back := New(Config{City: c}, slog.New(slog.DiscardHandler))
	load(t, back, sections(t, s, func() {}))
	s = back
	f(0, 0, 1)
}

func TestTotalsGoDownWhenTheirRecordComes(t *testing.T) {
	l := &log{s: testState()}
	l.put(station(1, 1, center, 1))
	l.s.Tick(1, noon)
	l.pile(1, 1, charge.StatusCharging, 36, noon)
	for i := range 10 {
		l.s.Tick(uint64(i+2), noon.Add(time.Duration(i+1)*10*time.Second))
	}
	rows := l.s.Totals(noon)
	f := func(row record.TotalRow, energy float64, taken uint64) {
		t.Helper()
		if row.EnergyKWh != energy || row.Taken != taken {
			t.Fatalf("row %+v, want %v kWh and %d reports", row, energy, taken)
		}
	}
	f(rows[0], 1, 1)                                // 36 kW for 100 s
	l.pile(1, 1, charge.StatusCharging, 36, noon+1) // between the rows and their record
	l.apply(record.Record{Kind: record.Totals, Rows: rows})
	f(l.s.Totals(noon)[0], 0, 1)
	l.s.Tick(50, noon.Add(110*time.Second))
	f(l.s.Totals(noon)[0], 0.1, 1)
}
