package api

import (
	"testing"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
	"github.com/dianchi-platform/dianchi/internal/live"
)

// plainStation writes STATION member by member, with nothing kept.
func plainStation(f *live.Found, near, gcj bool) string {
	s, w := f.Site, jsonBuf{}
	w.obj("")
	w.str("id", s.GlobalID)
	w.str("operator", s.Operator)
	w.str("name", s.Name)
	w.strOrNull("nameEn", s.NameEn)
	w.position(s.Pos(), gcj)
	w.str("access", s.Access.String())
	w.numIf(s.MaxKW > 0, "maxKw", s.MaxKW, 3)
	w.numIf(near, "distanceM", f.DistanceM, 1)
	w.obj("piles")
	c := f.Piles()
	for _, of := range []struct {
		name string
		n    int
	}{{"total", c.Total}, {"free", c.Free}, {"inUse", c.InUse}, {"charging", c.Charging}, {"reserved", c.Reserved},
		{"fault", c.Fault}, {"offline", c.Offline}} {
		w.int(of.name, int64(of.n))
	}
	w.endObj()
	w.int("match", int64(f.Match))
	w.price(f.Price)
	w.parking(s.Parking)
	w.time("updatedAt", f.UpdatedAt)
	w.endObj()
	return string(w.b)
}

// TestStationTextFollows: what is kept of a station is never older than it.
func TestStationTextFollows(t *testing.T) {
	w := newWorld(t)
	st := station(1, teld, center, 1, 2)
	check := func(what string) {
		t.Helper()
		w.tick()
		for range 2 { // made, then kept
			for _, gcj := range []bool{false, true} {
				found, _ := w.state.Stations(live.Query{Near: &geo.Point{Lon: center.Lon + 0.01, Lat: center.Lat}, RadiusM: 5000}, nil)
				if len(found) != 1 {
					t.Fatalf("%s: %d stations", what, len(found))
				}
				for _, near := range []bool{false, true} {
					var got jsonBuf
					got.obj("")
					got.stationMembers(&found[0], near, gcj)
					got.endObj()
					if want := plainStation(&found[0], near, gcj); string(got.b) != want {
						t.Fatalf("%s:\n%s, want\n%s", what, got.b, want)
					}
				}
			}
		}
	}

	w.put(st)
	check("never reported, price unknown")
	w.pile(teld, 1, charge.PileReport{Status: charge.StatusIdle})
	check("one pile free")
	st.Tariffs = []charge.Tariff{
		{Bands: []charge.Band{{FromMinute: 0, ToMinute: 1440, EnergyE4: 7250, ServiceE4: 4000}}},
		{ValidFrom: w.at + 1500, Bands: []charge.Band{{FromMinute: 0, ToMinute: 1440, EnergyE4: 1, ServiceE4: 0}}},
	}
	w.put(st)
	check("a price, and another one soon")
	w.tick()
	check("the other price")
	st.Parking = &charge.Parking{Type: charge.ParkingPaid, Text: "地下 B2", FenPerHour: 350, FreeMinutes: -1}
	w.put(st)
	check("parking")
	st.Name, st.NameEn, st.Lon = `a "b"`, "B", center.Lon+0.02
	w.put(st)
	check("renamed and moved")
	w.pile(teld, 2, charge.PileReport{Status: charge.StatusCharging, Has: charge.HasPower, PowerKW: 50})
	check("one pile charging")
}
