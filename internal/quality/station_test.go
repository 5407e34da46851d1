package quality

import (
	"testing"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

func TestStationRules(t *testing.T) {
	whole := charge.Tariff{Bands: []charge.Band{{FromMinute: 0, ToMinute: 1440}}}
	f := func(change func(*charge.Station), ok bool, want string) {
		t.Helper()
		s := charge.Station{ID: "S1", Lon: 102.775, Lat: 24.985, Parking: &charge.Parking{},
			Tariffs: []charge.Tariff{whole},
			Piles:   []charge.Pile{{ID: "S1-1", Kind: charge.DC, RatedKW: 120}}}
		change(&s)
		var found Findings
		if got := CheckStation(&s, limits(), &found); got != ok || words(found) != want {
			t.Fatalf("%+v: %v with %q, want %v with %q", s, got, words(found), ok, want)
		}
	}
	f(func(s *charge.Station) {}, true, "")
	f(func(s *charge.Station) { s.Lon, s.Lat = 0, 0 }, false, "geo.null-island reject")
	f(func(s *charge.Station) { s.Lon = 116 }, true, "geo.out-of-yunnan flag")
	f(func(s *charge.Station) { s.Lon, s.Lat = 102.7, 24.8 }, true, "meta.station flag")
	f(func(s *charge.Station) { s.Piles = make([]charge.Pile, 51) }, true, "meta.station flag")
	f(func(s *charge.Station) { s.Piles[0].RatedKW = 1.2 }, true, "meta.station flag")
	f(func(s *charge.Station) { s.Piles[0].RatedKW = 4001 }, true, "meta.station flag")
	f(func(s *charge.Station) { s.Parking, s.Tariffs = nil, nil }, true, "meta.station flag")
	f(func(s *charge.Station) { s.Parking, s.Tariffs, s.Access = nil, nil, charge.Private }, true, "")
	f(func(s *charge.Station) {
		s.Tariffs = append(s.Tariffs, charge.Tariff{ValidFrom: noon, Bands: whole.Bands[:0]})
	}, true, "tariff.coverage flag")
}

func TestSessionRules(t *testing.T) {
	f := func(kind charge.PileKind, change func(*charge.Session), ok bool, want string) {
		t.Helper()
		s := charge.Session{ID: "A17", Start: noon - 60*minute, End: noon - minute, EnergyKWh: 31.2,
			EnergyFen: 3182, ServiceFen: 1248,
			ParkingFen: -1, TotalFen: 4430, StopReason: -1, Bands: []charge.SessionBand{{EnergyFen: 3000,
				ServiceFen: 1000}, {EnergyFen: 182, ServiceFen: 248}}}
		change(&s)
		var found Findings
		if got := JudgeSession(new(PileMemory), &s, &SessionFacts{Pile: PileFacts{Kind: kind}}, noon, limits(), &found); got != ok || words(found) != want {
			t.Fatalf("%+v: %v with %q, want %v with %q", s, got, found, ok, want)
		}
	}
	f(charge.DC, func(s *charge.Session) {}, true, "")
	f(charge.DC, func(s *charge.Session) { s.End = s.Start - 1 }, false, "session.negative reject")
	f(charge.DC, func(s *charge.Session) { s.End = s.Start }, true, "session.zero flag")
	f(charge.DC, func(s *charge.Session) { s.Start = s.End - 24*60*minute }, true, "")
	f(charge.DC, func(s *charge.Session) { s.Start = s.End - 24*60*minute - 1 }, true, "session.long flag")
	f(charge.AC, func(s *charge.Session) { s.Start = s.End - 24*60*minute - 1 }, true, "")
	f(charge.AC, func(s *charge.Session) { s.Start = s.End - 7*24*60*minute - 1 }, true, "session.long flag")
	f(charge.DC, func(s *charge.Session) { s.Start, s.End = noon-26*60*minute, noon-25*60*minute }, true,
		"session.late flag")
	f(charge.DC, func(s *charge.Session) { s.Start, s.End = noon-16*24*60*minute, noon-16*24*60*minute+1 }, true,
		"session.late flag")
	f(charge.DC, func(s *charge.Session) { s.End = noon + 2*minute }, true, "time.future flag")
	f(charge.DC, func(s *charge.Session) { s.End = noon + 6*minute }, false, "time.future reject")
	f(charge.DC, func(s *charge.Session) { s.TotalFen++ }, true, "")
	f(charge.DC, func(s *charge.Session) { s.TotalFen += 2 }, true, "money.sum flag")
	f(charge.DC, func(s *charge.Session) { s.ParkingFen = 500 }, true, "money.sum flag")
	f(charge.DC, func(s *charge.Session) { s.ParkingFen, s.TotalFen = 500, 4930 }, true, "")
	f(charge.DC, func(s *charge.Session) { s.Bands[0].EnergyFen += 2 }, true, "money.sum flag")
	f(charge.DC, func(s *charge.Session) { s.Bands, s.EnergyFen, s.ServiceFen = nil, -1, -1 }, true, "")
	f(charge.DC, func(s *charge.Session) { s.EnergyFen, s.ServiceFen, s.TotalFen = -1, -1, -1 }, true, "")
}
