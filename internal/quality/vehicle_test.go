package quality

import (
	"strings"
	"testing"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

func TestVehicleRules(t *testing.T) {
	f := func(r charge.VehicleReport, class charge.Class, want string, left charge.Has, offMap bool) {
		t.Helper()
		var m VehicleMemory
		var found Findings
		r.TS = noon
		if r.VIN == "" {
			r.VIN = vin
		}
		v, off := JudgeVehicle(&m, &r, VehicleFacts{Class: class}, noon, limits(), &found)
		if v != charge.Taken || words(found) != want || r.Has != left || off != offMap {
			t.Fatalf("%+v: verdict %d, %q, want %q; members %b, want %b; off the map %v", r, v, words(found), want,
				r.Has, left, off)
		}
	}
	one := func(has charge.Has, set func(*charge.VehicleReport), want string) {
		t.Helper()
		r := charge.VehicleReport{Has: has}
		set(&r)
		left := has
		if strings.Contains(want, "null") {
			left = 0
		}
		f(r, charge.ClassPrivate, want, left, false)
	}
	one(charge.HasSpeed, func(r *charge.VehicleReport) { r.SpeedKMH = 220 }, "")
	one(charge.HasSpeed, func(r *charge.VehicleReport) { r.SpeedKMH = 220.1 }, "speed.range null")
	one(charge.HasSpeed, func(r *charge.VehicleReport) { r.SpeedKMH = -0.1 }, "speed.range null")
	one(charge.HasSpeed, func(r *charge.VehicleReport) { r.SpeedKMH = 6553.4 }, "sensor.sentinel null")
	one(charge.HasSpeed, func(r *charge.VehicleReport) { r.SpeedKMH = 6553.5 }, "sensor.sentinel null")
	one(charge.HasSOC, func(r *charge.VehicleReport) { r.SOCPct = 254 }, "sensor.sentinel null")
	one(charge.HasSOC, func(r *charge.VehicleReport) { r.SOCPct = 101 }, "soc.range null")
	one(charge.HasOdometer, func(r *charge.VehicleReport) { r.OdometerKM = 429496729.4 }, "sensor.sentinel null")
	one(charge.HasOdometer, func(r *charge.VehicleReport) { r.OdometerKM = 429496729.5 }, "sensor.sentinel null")
	one(charge.HasOdometer, func(r *charge.VehicleReport) { r.OdometerKM = 999999.9 }, "")
	one(charge.HasOdometer, func(r *charge.VehicleReport) { r.OdometerKM = 1e6 }, "sensor.range null")
	one(charge.HasVoltage, func(r *charge.VehicleReport) { r.VoltageV = 6553.4 }, "sensor.sentinel null")
	one(charge.HasVoltage, func(r *charge.VehicleReport) { r.VoltageV = 6001 }, "sensor.range null")
	one(charge.HasCurrent, func(r *charge.VehicleReport) { r.CurrentA = 5553.5 }, "sensor.sentinel null")
	one(charge.HasCurrent, func(r *charge.VehicleReport) { r.CurrentA = -3000 }, "")
	one(charge.HasCurrent, func(r *charge.VehicleReport) { r.CurrentA = -3001 }, "sensor.range null")
	one(charge.HasInsulation, func(r *charge.VehicleReport) { r.InsulationKOhm = 65535 }, "sensor.sentinel null")
	one(charge.HasInsulation, func(r *charge.VehicleReport) { r.InsulationKOhm = 60001 }, "sensor.range null")
	one(charge.HasRange, func(r *charge.VehicleReport) { r.RangeKM = 65534 }, "sensor.sentinel null")
	one(charge.HasRange, func(r *charge.VehicleReport) { r.RangeKM = -5 }, "sensor.range null")
	one(charge.HasAlarms, func(r *charge.VehicleReport) { r.Alarms = 0xffffffff }, "sensor.sentinel null")
	one(charge.HasAlarms, func(r *charge.VehicleReport) { r.Alarms = 0x0fffffff }, "")
	one(charge.HasPosition, func(r *charge.VehicleReport) { r.Lon, r.Lat = 0, 0 }, "geo.null-island null")
	one(charge.HasPosition, func(r *charge.VehicleReport) { r.Lon, r.Lat = 102.7, 25 }, "")
	f(charge.VehicleReport{Has: charge.HasPosition, Lon: 116.4, Lat: 39.9}, charge.ClassPrivate,
		"geo.out-of-yunnan flag", charge.HasPosition, true)
	f(charge.VehicleReport{Has: charge.HasPosition, Lon: 100.2, Lat: 25.6}, charge.ClassPrivate, "",
		charge.HasPosition, false)
	f(charge.VehicleReport{Has: charge.HasSpeed, SpeedKMH: 151}, charge.ClassBus, "speed.range flag",
		charge.HasSpeed, false)
	f(charge.VehicleReport{Has: charge.HasSpeed, SpeedKMH: 151}, charge.ClassTaxi, "", charge.HasSpeed, false)
	f(charge.VehicleReport{VIN: "LNBMDBAH5PA000001"}, charge.ClassPrivate, "id.vin-check flag", 0, false)
}

func TestVIN(t *testing.T) {
	f := func(vin string, form, digit bool) {
		t.Helper()
		if a, b := CheckVIN(vin); a != form || b != digit {
			t.Fatalf("%s: form %v, digit %v; want %v, %v", vin, a, b, form, digit)
		}
	}
	f("1M8GDM9AXKP042788", true, true)
	f("11111111111111111", true, true)
	f("LNBMDBAH4PA000001", true, true)
	f("LJ1EEAUU0P0000001", true, true)
	f("LRW3E7FS3PC000001", true, true)
	f("1M8GDM9A1KP042788", true, false)
	f("LNBMDBAH4PA00000", false, false)
	f("LNBMDBAH4PA0000011", false, false)
	f("LNBMDBAH4PA00000O", false, false)
	f("lnbmdbah4pa000001", false, false)
	f("", false, false)
}
