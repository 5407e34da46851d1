package quality

import (
	"testing"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

func TestFleetRules(t *testing.T) {
	f := func(vin, want string) {
		t.Helper()
		var found Findings
		if CheckFleet(&charge.Vehicle{VIN: vin}, &found); words(found) != want {
			t.Fatalf("%s: %q, want %q", vin, words(found), want)
		}
	}
	f(vin, "")
	f("LNBMDBAH5PA000001", "id.vin-check flag")
}

func TestSessionPrint(t *testing.T) {
	make := func(change func(*charge.Session)) uint64 {
		s := charge.Session{ID: "A17", PileID: "S1-1", Start: noon, End: noon + minute, EnergyKWh: 31.2, VIN: vin,
			EnergyFen: 1, ServiceFen: 2,
			ParkingFen: 3, TotalFen: 6, StopReason: 1, Bands: []charge.SessionBand{{From: noon, To: noon + minute,
				EnergyKWh: 31.2, EnergyFen: 1, ServiceFen: 2}}}
		change(&s)
		return SessionPrint(&s)
	}
	base := make(func(*charge.Session) {})
	if base != make(func(s *charge.Session) { s.Party, s.Pile = 7, 9 }) {
		t.Fatal("our own numbers count")
	}
	f := func(what string, change func(*charge.Session)) {
		t.Helper()
		if make(change) == base {
			t.Fatalf("%s does not count", what)
		}
	}
	f("id", func(s *charge.Session) { s.ID = "A18" })
	f("pile", func(s *charge.Session) { s.PileID = "S1-2" })
	f("start", func(s *charge.Session) { s.Start++ })
	f("end", func(s *charge.Session) { s.End++ })
	f("energy", func(s *charge.Session) { s.EnergyKWh++ })
	f("vin", func(s *charge.Session) { s.VIN = "" })
	f("bands", func(s *charge.Session) { s.Bands = nil })
	f("band from", func(s *charge.Session) { s.Bands[0].From++ })
	f("band to", func(s *charge.Session) { s.Bands[0].To++ })
	f("band energy", func(s *charge.Session) { s.Bands[0].EnergyKWh++ })
	f("band price", func(s *charge.Session) { s.Bands[0].EnergyFen++ })
	f("band fee", func(s *charge.Session) { s.Bands[0].ServiceFen++ })
	f("energy price", func(s *charge.Session) { s.EnergyFen++ })
	f("service", func(s *charge.Session) { s.ServiceFen++ })
	f("parking", func(s *charge.Session) { s.ParkingFen = -1 })
	f("total", func(s *charge.Session) { s.TotalFen++ })
	f("reason", func(s *charge.Session) { s.StopReason = -1 })
}
