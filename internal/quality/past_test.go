package quality

import (
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// pileFinds judges reports one after the other, each received when it was made,
// with the memory taken through a snapshot in between, and returns the last one's findings.
func pileFinds(t *testing.T, p PileFacts, all ...charge.PileReport) string {
	t.Helper()
	var m, replayed PileMemory
	var found Findings
	for _, r := range all {
		found = nil
		r.ID = "S1-1"
		v := JudgePile(&m, &r, p, r.TS, limits(), &found)
		replayed.Remember(&r, v, r.TS, limits())
		if replayed != m {
			t.Fatalf("replay gives %+v, judging gave %+v", replayed, m)
		}
		var back PileMemory
		if rest, err := back.Decode(m.Append(nil)); err != nil || len(rest) > 0 || back != m {
			t.Fatalf("%+v came back as %+v, %v", m, back, err)
		}
		m = back
	}
	return words(found)
}

// at returns a charging report of session A17.
func at(ts charge.Millis, more func(r *charge.PileReport)) charge.PileReport {
	r := charge.PileReport{TS: noon + ts, Status: 3, Has: charge.HasSession, Session: "A17"}
	more(&r)
	return r
}

func TestRulesOfAPilesPast(t *testing.T) {
	f := func(why, want string, all ...charge.PileReport) {
		t.Helper()
		if got := pileFinds(t, PileFacts{RatedKW: 120, Kind: charge.DC}, all...); got != want {
			t.Errorf("%s: %q, want %q", why, got, want)
		}
	}
	soc := func(ts charge.Millis, pct float64) charge.PileReport {
		return at(ts, func(r *charge.PileReport) { r.SOCPct, r.Has = pct, r.Has|charge.HasSOC })
	}
	f("5 points in 30 s", "", soc(0, 50), soc(30*second, 55))
	f("more", "soc.jump flag", soc(0, 50), soc(30*second, 55.1))
	f("more in less", "soc.jump flag", soc(0, 50), soc(second, 44.9))
	f("10 points in a minute", "", soc(0, 50), soc(60*second, 60))
	f("more", "soc.jump flag", soc(0, 50), soc(60*second, 60.1))
	f("another session", "", soc(0, 50), at(30*second, func(r *charge.PileReport) {
		r.SOCPct, r.Has, r.Session = 20, r.Has|charge.HasSOC, "A18"
	}))
	f("no SOC in between", "", soc(0, 50), at(second, func(*charge.PileReport) {}), soc(2*second, 60))

	energy := func(ts charge.Millis, kWh float64) charge.PileReport {
		return at(ts, func(r *charge.PileReport) { r.EnergyKWh, r.Has = kWh, r.Has|charge.HasEnergy })
	}
	f("energy that rounds down", "", energy(0, 10), energy(minute, 9.98))
	f("energy that falls", "energy.decrease flag", energy(0, 10), energy(minute, 9.97))
	f("the most counts", "energy.decrease flag", energy(0, 10), energy(minute, 9), energy(2*minute, 9.5))
	f("a new session", "", energy(0, 10), at(minute, func(r *charge.PileReport) {
		r.Has, r.Session = r.Has|charge.HasEnergy, "A18"
	}))
	bare := func(ts charge.Millis, kWh float64) charge.PileReport {
		return charge.PileReport{TS: noon + ts, Status: 3, Has: charge.HasEnergy, EnergyKWh: kWh}
	}
	f("nobody says that it is one session", "", bare(0, 10), bare(minute, 1))

	power := func(ts charge.Millis, kW float64) charge.PileReport {
		return at(ts, func(r *charge.PileReport) { r.PowerKW, r.Has = kW, r.Has|charge.HasPower })
	}
	f("no power for less than 10 min", "", power(0, 0), power(5*minute, 0.09), power(10*minute-1000, 0))
	f("for 10 min", "status.charging-no-power flag", power(0, 0), power(5*minute, 0.09), power(10*minute, 0))
	f("a little", "", power(0, 0.1), power(5*minute, 0.1), power(10*minute, 0.1))
	f("some in between", "", power(0, 0), power(5*minute, 5), power(10*minute, 0))
	f("nothing said of it in between", "status.charging-no-power flag", power(0, 0), at(5*minute,
		func(*charge.PileReport) {}), power(10*minute, 0))
	f("not charging in between", "", power(0, 0), charge.PileReport{TS: noon + 5*minute, Status: 2},
		power(10*minute, 0))

	status := func(ts charge.Millis, s charge.Status) charge.PileReport {
		return charge.PileReport{TS: noon + ts, Status: s}
	}
	days := 24 * 60 * minute
	f("the same for less than 30 days", "", status(0, 1), status(15*days, 1), status(30*days-1000, 1))
	f("for 30 days", "status.unchanged flag", status(0, 1), status(15*days, 1), status(30*days, 1))
	f("it changes after 30 days", "", status(0, 1), status(15*days, 1), status(30*days, 2))
	f("it changed a day ago", "", status(0, 1), status(29*days, 2), status(30*days, 2))
	f("a stuck meter of power", "status.unchanged flag", power(0, 7), power(30*days, 7))
	f("power that changes", "", power(0, 7), power(15*days, 7.1), power(30*days, 7.1))

	for _, from := range []charge.Status{1, 4, 255} {
		f("charging at once", "status.edge flag", status(0, from), status(5*second, 3))
		f("charging after a while", "", status(0, from), status(5*second+1, 3))
	}
	f("reserved at once", "status.edge flag", status(0, 3), status(second, 4))
	for _, from := range []charge.Status{0, 2} {
		f("plugged in or out of sight", "", status(0, from), status(second, 3))
	}
	f("unplugged", "", status(0, 3), status(second, 1))
}

// vehicleFinds is pileFinds for vehicles. It also returns the last one's verdict.
func vehicleFinds(t *testing.T, all ...charge.VehicleReport) (string, charge.Verdict) {
	t.Helper()
	var m, replayed VehicleMemory
	var found Findings
	var v charge.Verdict
	for _, r := range all {
		found = nil
		r.VIN = vin
		v, _ = JudgeVehicle(&m, &r, VehicleFacts{}, r.TS, limits(), &found)
		replayed.Remember(&r, v, r.TS, limits())
		if replayed != m {
			t.Fatalf("replay gives %+v, judging gave %+v", replayed, m)
		}
		var back VehicleMemory
		if rest, err := back.Decode(m.Append(nil)); err != nil || len(rest) > 0 || back != m {
			t.Fatalf("%+v came back as %+v, %v", m, back, err)
		}
		m = back
	}
	return words(found), v
}

func TestRulesOfAVehiclesPast(t *testing.T) {
	f := func(why, want string, all ...charge.VehicleReport) {
		t.Helper()
		if got, v := vehicleFinds(t, all...); got != want || v != charge.Taken {
			t.Errorf("%s: %q, want %q; verdict %d", why, got, want, v)
		}
	}
	soc := func(ts charge.Millis, pct, speed float64, charging uint8) charge.VehicleReport {
		return charge.VehicleReport{TS: noon + ts, Has: charge.HasSOC | charge.HasSpeed | charge.HasCharge, SOCPct: pct,
			SpeedKMH: speed, Charge: charging}
	}
	f("5 points in 30 s", "", soc(0, 50, 0, 1), soc(30*second, 55, 0, 1))
	f("more", "soc.jump flag", soc(0, 50, 0, 1), soc(30*second, 55.1, 0, 1))
	f("down", "soc.jump flag", soc(0, 50, 60, 3), soc(30*second, 44.9, 60, 3))
	f("a night at the plug", "", soc(0, 20, 0, 3), soc(8*60*minute, 100, 0, 3))
	f("2 points up while it drives", "", soc(0, 50, 60, 3), soc(minute, 52, 60, 3))
	f("more", "soc.jump flag", soc(0, 50, 60, 3), soc(minute, 52.1, 60, 3))
	f("an engine that charges", "", soc(0, 50, 60, 2), soc(minute, 53, 60, 2))
	f("it stood", "", soc(0, 50, 60, 3), soc(minute, 53, 5, 3))
	f("it may have charged since", "", soc(0, 50, 60, 3), soc(5*minute+second, 70, 60, 3))

	place := func(ts charge.Millis, speed, eastM float64) charge.VehicleReport {
		return charge.VehicleReport{TS: noon + ts, Has: charge.HasPosition | charge.HasSpeed, Lat: 25,
			Lon: 102.7 + eastM/100_773, SpeedKMH: speed}
	}
	f("the same place for less than 5 min", "", place(0, 21, 0), place(4*minute, 21, 0), place(5*minute-1000, 21, 0))
	f("for 5 min", "geo.stuck flag", place(0, 21, 0), place(4*minute, 21, 0), place(5*minute, 21, 0))
	f("slowly", "", place(0, 20, 0), place(4*minute, 20, 0), place(5*minute, 20, 0))
	f("it stood in between", "", place(0, 21, 0), place(4*minute, 0, 0), place(5*minute, 21, 0))
	f("it was elsewhere in between", "", place(0, 21, 0), place(4*minute, 21, 9), place(5*minute, 21, 0))

	odo := func(ts charge.Millis, km float64) charge.VehicleReport {
		return charge.VehicleReport{TS: noon + ts, Has: charge.HasOdometer, OdometerKM: km}
	}
	f("mileage that rounds down", "", odo(0, 1000), odo(minute, 999.9))
	f("mileage that falls", "odo.decrease flag", odo(0, 1000), odo(minute, 999.89))
	f("and goes on from there", "", odo(0, 1000), odo(minute, 900), odo(2*minute, 901))
	f("200 km/h and a bit", "", odo(0, 1000), odo(36*second, 1002.5))
	f("more", "odo.jump flag", odo(0, 1000), odo(36*second, 1002.51))
	f("a report without mileage between", "odo.jump flag", odo(0, 1000), charge.VehicleReport{TS: noon + 1000},
		odo(36*second, 1002.51))
}

func TestTeleport(t *testing.T) {
	const taken, late = charge.Taken, charge.Late
	type step struct {
		ts    charge.Millis
		eastM float64
		want  charge.Verdict
	}
	f := func(why string, steps ...step) {
		t.Helper()
		var all []charge.VehicleReport
		for i, s := range steps {
			all = append(all, charge.VehicleReport{TS: noon + s.ts, Has: charge.HasPosition, Lat: 25,
				Lon: 102.7 + s.eastM/100_773})
			found, v := vehicleFinds(t, all...)
			rules := map[charge.Verdict]string{taken: "", late: "geo.teleport history"}[s.want]
			if v != s.want || found != rules {
				t.Fatalf("%s, report %d: verdict %d, %q; want %d, %q", why, i, v, found, s.want, rules)
			}
		}
	}
	f("the first is believed", step{0, 1e5, taken})
	f("199 km/h", step{0, 0, taken}, step{60 * second, 3316, taken})
	f("201 km/h", step{0, 0, taken}, step{60 * second, 3350, late})
	f("noise", step{0, 0, taken}, step{second, 495, taken})
	f("one that is wrong", step{0, 0, taken}, step{30 * second, 50_000, late}, step{minute, 100, taken},
		step{2 * minute, 200, taken})
	f("three that agree", step{0, 0, taken}, step{30 * second, 50_000, late}, step{minute, 50_100, late},
		step{90 * second, 50_200, taken}, step{2 * minute, 50_300, taken}, step{3 * minute, 0, late})
	f("three that do not", step{0, 0, taken}, step{30 * second, 50_000, late}, step{minute, 90_000, late},
		step{90 * second, 50_000, late}, step{2 * minute, 0, taken})
	f("they wait too long", step{0, 0, taken}, step{30 * second, 200_000, late}, step{minute, 200_000, late},
		step{11*minute + second, 200_000, late})
	f("it had the time", step{0, 0, taken}, step{30 * second, 50_000, late}, step{16 * minute, 50_000, taken})
}

func TestSecondsAreCoarse(t *testing.T) {
	if secondsOf(noon+999).since(secondsOf(noon)) != 0 || secondsOf(noon+1000).since(secondsOf(noon)) != time.Second ||
		secondsOf(noon).since(secondsOf(noon+5000)) != 0 {
		t.Fatal("seconds do not count")
	}
}
