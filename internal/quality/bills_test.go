package quality

import (
	"fmt"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/city"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

// bill returns a session from a to b minutes after noon.
func bill(id string, a, b charge.Millis, kWh float64) charge.Session {
	return charge.Session{ID: id, PileID: "S1-1", Start: noon + a*minute, End: noon + b*minute, EnergyKWh: kWh,
		EnergyFen: -1, ServiceFen: -1, ParkingFen: -1, TotalFen: -1, StopReason: -1}
}

// judge judges a session and takes it, with the memory through a snapshot.
func judge(t *testing.T, m *PileMemory, s charge.Session, x SessionFacts) string {
	t.Helper()
	var found Findings
	if !JudgeSession(m, &s, &x, s.End, limits(), &found) {
		t.Fatalf("session %s is refused: %s", s.ID, words(found))
	}
	m.RememberSession(&s)
	var back PileMemory
	if rest, err := back.Decode(m.Append(nil)); err != nil || len(rest) > 0 || back != *m {
		t.Fatalf("%+v came back as %+v, %v", *m, back, err)
	}
	*m = back
	return words(found)
}

func TestSessionsOverlap(t *testing.T) {
	f := func(why, want string, all ...charge.Session) {
		t.Helper()
		var m PileMemory
		got := ""
		for _, s := range all {
			got = judge(t, &m, s, SessionFacts{})
		}
		if got != want {
			t.Errorf("%s: %q, want %q", why, got, want)
		}
	}
	const over = "session.overlap flag"
	f("one after the other", "", bill("1", 0, 10, 0), bill("2", 10, 20, 0))
	f("one before the other", "", bill("2", 10, 20, 0), bill("1", 0, 10, 0))
	f("a minute of both", over, bill("1", 0, 10, 0), bill("2", 9, 20, 0))
	f("within", over, bill("1", 0, 10, 0), bill("2", 3, 5, 0))
	f("around", over, bill("1", 3, 5, 0), bill("2", 0, 10, 0))
	f("a correction", "", bill("1", 0, 10, 0), bill("1", 1, 11, 0))
	f("with the one before the last", over, bill("1", 0, 10, 0), bill("2", 10, 20, 0), bill("3", 5, 6, 0))
	f("with the third last: forgotten", "", bill("1", 0, 10, 0), bill("2", 10, 20, 0), bill("3", 20, 30, 0),
		bill("4", 5, 6, 0))
	f("late ones do not push the newest out", over, bill("1", 20, 30, 0), bill("2", 30, 40, 0), bill("3", 0, 10, 0),
		bill("4", 25, 26, 0))
	f("within a second", "", charge.Session{ID: "1", Start: noon, End: noon + 1999},
		charge.Session{ID: "2", Start: noon + 1001, End: noon + 5000})
}

func TestTooManySessions(t *testing.T) {
	var m PileMemory
	for i := range 60 {
		if got := judge(t, &m, bill(fmt.Sprint(i), charge.Millis(i), charge.Millis(i+1), 0), SessionFacts{}); got != "" {
			t.Fatalf("session %d: %q", i+1, got)
		}
	}
	f := func(why, want string, s charge.Session) {
		t.Helper()
		m := m
		if got := judge(t, &m, s, SessionFacts{}); got != want {
			t.Errorf("%s: %q, want %q", why, got, want)
		}
	}
	f("number 61", "session.too-many flag", bill("61", 60, 61, 0))
	f("number 60 corrected", "", bill("59", 59, 60, 1))
	f("the day before", "", bill("61", -24*60, -24*60+1, 0))
	f("the day after", "", bill("61", 24*60, 24*60+1, 0))
}

func TestSessionsWithoutStatus(t *testing.T) {
	f := func(why, want string, s charge.Session, all ...charge.PileReport) {
		t.Helper()
		var m PileMemory
		for _, r := range all {
			r.ID = "S1-1"
			JudgePile(&m, &r, PileFacts{}, r.TS, limits(), new(Findings))
		}
		if got := judge(t, &m, s, SessionFacts{}); got != want {
			t.Errorf("%s: %q, want %q", why, got, want)
		}
	}
	heard := func(s charge.Status, minutes ...charge.Millis) (all []charge.PileReport) {
		for _, at := range minutes {
			all = append(all, charge.PileReport{TS: noon + at*minute, Status: s})
		}
		return all
	}
	const no = "session.no-status flag"
	all := heard(2, -1, 4, 9, 14, 19)
	f("heard all the time", no, bill("1", 0, 20, 0.1), all...)
	f("next to nothing", "", bill("1", 0, 20, 0.09), all...)
	f("never heard", "", bill("1", 0, 20, 5))
	f("heard from its middle on", "", bill("1", -2, 20, 5), all...)
	f("heard to its middle", "", bill("1", 0, 21, 5), all...)
	f("silent for a time", "", bill("1", 0, 20, 5), heard(2, -1, 4, 10, 14, 19)...)
	f("it charged", "", bill("1", 0, 20, 5), append(append(heard(2, -1, 4), heard(3, 9)...), heard(2, 14, 19)...)...)
	f("it was offline", "", bill("1", 0, 20, 5), append(append(heard(2, -1, 4), heard(0, 9)...), heard(2, 14, 19)...)...)
	f("it charged, as is heard later", "", bill("1", 0, 20, 5), append(heard(2, -1, 4, 9, 14, 19), heard(3, 12)...)...)
	f("too short to be heard in", "", bill("1", 0, 5, 5), heard(2, -1, 4)...)
}

func TestVehicleApart(t *testing.T) {
	at := geo.Point{Lon: 102.7, Lat: 25}
	f := func(why, want string, eastM float64, ts charge.Millis) {
		t.Helper()
		var m PileMemory
		var car VehicleMemory
		p := geo.Offset(at, eastM, 0)
		r := charge.VehicleReport{VIN: vin, TS: noon + ts, Has: charge.HasPosition, Lon: p.Lon, Lat: p.Lat}
		JudgeVehicle(&car, &r, VehicleFacts{}, r.TS, limits(), new(Findings))
		if got := judge(t, &m, bill("1", 0, 20, 0), SessionFacts{At: at, Vehicle: &car}); got != want {
			t.Errorf("%s: %q, want %q", why, got, want)
		}
	}
	f("there", "", 999, 10*minute)
	f("elsewhere", "session.vehicle-apart flag", 1001, 10*minute)
	f("elsewhere at its end", "session.vehicle-apart flag", 1001, 20*minute)
	f("elsewhere before", "", 5000, -second)
	f("elsewhere since", "", 5000, 20*minute+second)
	if got := judge(t, new(PileMemory), bill("1", 0, 20, 0), SessionFacts{At: at, Vehicle: new(VehicleMemory)}); got != "" {
		t.Errorf("a vehicle that never said where it is: %q", got)
	}
}

func TestEnergyOfSessions(t *testing.T) {
	f := func(why, want string, x SessionFacts, s charge.Session, all ...charge.PileReport) {
		t.Helper()
		var m PileMemory
		for _, r := range all {
			r.ID = "S1-1"
			JudgePile(&m, &r, PileFacts{}, r.TS, limits(), new(Findings))
		}
		if got := judge(t, &m, s, x); got != want {
			t.Errorf("%s: %q, want %q", why, got, want)
		}
	}
	kw60 := SessionFacts{Pile: PileFacts{RatedKW: 60, Kind: charge.DC}}
	const excess, pack = "energy.excess flag", "energy.pack flag"
	f("an hour at 60 kW", "", kw60, bill("1", 0, 60, 66.1))
	f("more", excess, kw60, bill("1", 0, 60, 66.2))
	f("more than twice", excess, kw60, bill("1", 0, 60, 121))
	f("rated power not known", "", SessionFacts{}, bill("1", 0, 60, 999))
	f("what no session has", excess, SessionFacts{}, bill("1", 0, 6000, 1000.1))

	car := SessionFacts{BatteryKWh: 50}
	soc := func(ts charge.Millis, pct, kWh float64) charge.PileReport {
		return charge.PileReport{TS: noon + ts*minute, Status: 3, Has: charge.HasSession | charge.HasSOC | charge.HasEnergy,
			Session: "1", SOCPct: pct, EnergyKWh: kWh}
	}
	f("the whole battery", "", car, bill("1", 0, 60, 57.5))
	f("more", pack, car, bill("1", 0, 60, 57.6))
	f("40 points", "", car, bill("1", 0, 60, 99), soc(0, 20, 1), soc(10, 40, 11), soc(20, 60, 25.15))
	f("more", pack, car, bill("1", 0, 60, 20), soc(0, 20, 1), soc(10, 40, 11), soc(20, 60, 25.16))
	f("another session's points", "", car, bill("2", 0, 60, 30), soc(0, 20, 1), soc(20, 60, 30))
	f("SOC was not known all the time", "", car, bill("1", 0, 60, 30), soc(0, 20, 1),
		charge.PileReport{TS: noon + 5*minute, Status: 3, Has: charge.HasSession, Session: "1"}, soc(20, 60, 30))
	f("battery not known", "", SessionFacts{}, bill("1", 0, 60, 80))
}

// The tariff has 1.00 + 0.40 yuan until 13:00 local time, 0.50 + 0.40 after it.
func TestPricesAgreeWithTheTariff(t *testing.T) {
	zone := city.Kunming().Zone
	local := func(h, m int) charge.Millis { return charge.At(time.Date(2026, 11, 23, h, m, 0, 0, zone)) }
	tariffs := []charge.Tariff{{Bands: []charge.Band{
		{FromMinute: 0, ToMinute: 780, EnergyE4: 10000, ServiceE4: 4000},
		{FromMinute: 780, ToMinute: 1440, EnergyE4: 5000, ServiceE4: 4000},
	}}}
	band := func(from, to charge.Millis, kWh float64, energy, service int64) charge.SessionBand {
		return charge.SessionBand{From: from, To: to, EnergyKWh: kWh, EnergyFen: energy, ServiceFen: service}
	}
	f := func(why, want string, all []charge.Tariff, change func(*charge.Session)) {
		t.Helper()
		s := charge.Session{ID: "1", Start: local(12, 0), End: local(14, 0), EnergyKWh: 30, EnergyFen: 2000, ServiceFen: 1200,
			ParkingFen: -1, TotalFen: 3200, Bands: []charge.SessionBand{band(local(12, 0), local(13, 0), 10, 1000, 400),
				band(local(13, 0), local(14, 0), 20, 1000, 800)}}
		change(&s)
		l := limits()
		l.City = city.Kunming()
		var found Findings
		JudgeSession(new(PileMemory), &s, &SessionFacts{Tariffs: all}, s.End, l, &found)
		if words(found) != want {
			t.Errorf("%s: %q, want %q", why, found, want)
		}
	}
	const sum = "money.sum flag"
	energy := func(by int64) func(*charge.Session) {
		return func(s *charge.Session) { s.Bands[0].EnergyFen += by; s.EnergyFen += by; s.TotalFen += by }
	}
	f("right", "", tariffs, func(*charge.Session) {})
	f("a fen of rounding", "", tariffs, energy(1))
	f("two fen too much", sum, tariffs, energy(2))
	f("two fen too little", sum, tariffs, energy(-2))
	f("too much service", sum, tariffs, func(s *charge.Session) {
		s.Bands[1].ServiceFen += 20
		s.ServiceFen += 20
		s.TotalFen += 20
	})
	f("no tariff is known", "", nil, energy(500))
	f("a tariff that began later", "", []charge.Tariff{{ValidFrom: local(15, 0), Bands: tariffs[0].Bands}}, energy(500))
	f("a tariff that began within", "", []charge.Tariff{tariffs[0], {ValidFrom: local(12, 30),
		Bands: tariffs[0].Bands}}, energy(500))
	f("a tariff that does not cover the day", "", []charge.Tariff{{Bands: tariffs[0].Bands[:1]}}, energy(500))
	f("a band over two prices", "", tariffs, func(s *charge.Session) {
		s.Bands = []charge.SessionBand{band(s.Start, s.End, 30, 2500, 1200)}
		s.EnergyFen, s.TotalFen = 2500, 3700
	})
	whole := func(fen int64) func(*charge.Session) {
		return func(s *charge.Session) {
			*s = charge.Session{ID: "1", Start: local(10, 0), End: local(12, 0), EnergyKWh: 30, EnergyFen: fen, ServiceFen: 1200,
				ParkingFen: -1, TotalFen: fen + 1200}
		}
	}
	f("no bands, one price", "", tariffs, whole(3000))
	f("no bands, another", sum, tariffs, whole(2990))
}
