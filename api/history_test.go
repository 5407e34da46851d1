package api

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/alarm"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/city"
	"github.com/dianchi-platform/dianchi/internal/past"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// fullWorld is a world in which every resource has something to say.
func fullWorld(t *testing.T) *world {
	w := newWorld(t, func(_ *Config, d *Deps) {
		d.History, d.Sessions, d.City = fixedHistory{}, fixedHistory{}, bordered()
		store, err := past.Open(past.Config{Dir: t.TempDir()}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		d.Moments = store
	})
	st := station(1, teld, center, 1, 2)
	st.NameEn, st.Address, st.Phone, st.OpenHours, st.District = "One", "路1号", "400", "00:00-24:00", "530102"
	st.Parking = &charge.Parking{Type: charge.ParkingAsk, FenPerHour: -1, FreeMinutes: -1}
	st.Tariffs = []charge.Tariff{{ValidFrom: noon - 1000, Bands: []charge.Band{{FromMinute: 0, ToMinute: 1440, EnergyE4: 4500}}}}
	bare := station(2, ykc, center, 3)
	bare.Access = charge.Restricted
	empty := station(3, ykc, center)
	w.put(st, bare, empty)
	w.pile(teld, 1, charge.PileReport{Status: charge.StatusCharging, Has: 1<<11 - 1, PowerKW: 58.2, VoltageV: 385.1, CurrentA: 151.2,
		SOCPct: 63, EnergyKWh: 12.31, MeterKWh: 88121.4, Session: "A17", VIN: vin(1), Park: 50, Lock: 10})
	w.vehicle(nio, 1, charge.VehicleReport{Has: 1<<20 - 1, Lon: center.Lon, Lat: center.Lat, SpeedKMH: 31.5, OdometerKM: 40211.3,
		SOCPct: 63, VoltageV: 355, CurrentA: 22.4, State: 1, Charge: 3, RangeKM: 240, InsulationKOhm: 1200})
	w.vehicle(byd, 2, charge.VehicleReport{})
	w.event(record.AlarmEvent{Op: record.AlarmRaise, Rule: alarm.PileFault, Party: teld, Object: "P1", Station: "S1", Name: "站1"})
	w.event(record.AlarmEvent{Op: record.AlarmRaise, Rule: alarm.VehicleAlarm, Party: nio, Object: vin(1), Level: 3, Bits: 2})
	w.event(record.AlarmEvent{Op: record.AlarmRaise, Rule: alarm.OwnSpool, Object: "spool", Level: 55})
	over := w.event(record.AlarmEvent{Op: record.AlarmRaise, Rule: alarm.PartySilent, Party: ykc, Count: 4, Total: 4})
	w.event(record.AlarmEvent{Op: record.AlarmClear, ID: over, Text: alarm.ReasonEnded})
	w.tick()
	return w
}

// bordered is Kunming with a square around each district's seat as its border.
func bordered() *city.City {
	c := city.Kunming()
	for i := range c.Districts {
		at := c.Districts[i].Seat
		c.Districts[i].Official = []city.Polygon{{{at, {Lon: at.Lon + 0.1, Lat: at.Lat}, {Lon: at.Lon, Lat: at.Lat + 0.1}}}}
	}
	return c
}

// fixedHistory says the same of everything.
type fixedHistory struct{}

func (fixedHistory) PileHistory(_ context.Context, _ string, from, _ charge.Millis, _ time.Duration) (Table, error) {
	return Table{Columns: []string{"ts", "status", "powerKw", "vin"},
		Rows: [][]any{{from, int64(3), 58.2, "LNBMDBAH4PA000001"}, {from + 1000, nil, nil, nil}}}, nil
}

func (h fixedHistory) VehicleHistory(ctx context.Context, _ string, from, to charge.Millis, every time.Duration) (Table, error) {
	return h.PileHistory(ctx, "", from, to, every)
}

func (h fixedHistory) TotalsHistory(ctx context.Context, _ record.Scope, _ string, from, to charge.Millis, every time.Duration) (Table, error) {
	if every == time.Minute {
		return Table{}, charge.Errorf(charge.RangeTooLarge, "the least every that fits is 5m")
	}
	return h.PileHistory(ctx, "", from, to, every)
}

func (h fixedHistory) QualityHistory(ctx context.Context, _ string, from, to charge.Millis, every time.Duration) (Table, error) {
	return h.PileHistory(ctx, "", from, to, every)
}

func (fixedHistory) Sessions(_ context.Context, party charge.Num, pile string, from, _ charge.Millis) ([]charge.Session, error) {
	if pile == "gone" {
		return nil, nil
	}
	return []charge.Session{
		{Party: party, ID: "A17", PileID: pile, Start: from, End: from + 3600_000, EnergyKWh: 31.2, VIN: vin(1), StopReason: 0,
			Bands:     []charge.SessionBand{{From: from, To: from + 3600_000, EnergyKWh: 31.2, EnergyFen: 3182, ServiceFen: 1248}},
			EnergyFen: 3182, ServiceFen: 1248, ParkingFen: 0, TotalFen: 4430},
		{Party: party, ID: "A18", PileID: pile, Start: from, End: from, EnergyFen: -1, ServiceFen: -1, ParkingFen: -1, TotalFen: -1, StopReason: -1},
	}, nil
}

func TestHistoryErrors(t *testing.T) {
	away := func(ctx context.Context) error {
		return charge.Errorf(charge.HistoryUnavailable, "history is not available at the moment")
	}
	w := newWorld(t, func(_ *Config, d *Deps) { d.History = failing{away} })
	w.put(station(1, teld, center, 1))
	w.tick()
	f := func(path, token string, status int, code string) {
		t.Helper()
		if a := w.get(path, token); a.status != status || a.code() != code {
			t.Fatalf("%s = %d %s, want %d %s", path, a.status, a.body, status, code)
		}
	}
	f("/api/v1/history/city", "", 503, "history-unavailable")
	f("/api/v1/history/piles/teld:P1", "t-teld", 503, "history-unavailable")
	f("/api/v1/history/piles/teld:none", "t-teld", 404, "not-found")
	f("/api/v1/history/vehicles/"+vin(9), "t-regulator", 404, "not-found")
	if got := w.get("/api/v1/history/city", "").header.Get("Retry-After"); got == "" {
		t.Fatal("no Retry-After")
	}

	w = newWorld(t, func(_ *Config, d *Deps) {
		d.History = failing{func(context.Context) error { return errors.New("secret") }}
	})
	w.tick()
	if a := w.get("/api/v1/history/city", ""); a.code() != "internal" || strings.Contains(string(a.body), "secret") {
		t.Fatalf("an uncoded error: %d %s", a.status, a.body)
	}
}

type failing struct{ err func(context.Context) error }

func (h failing) PileHistory(ctx context.Context, _ string, _, _ charge.Millis, _ time.Duration) (Table, error) {
	return Table{}, h.err(ctx)
}

func (h failing) VehicleHistory(ctx context.Context, _ string, _, _ charge.Millis, _ time.Duration) (Table, error) {
	return Table{}, h.err(ctx)
}

func (h failing) TotalsHistory(ctx context.Context, _ record.Scope, _ string, _, _ charge.Millis, _ time.Duration) (Table, error) {
	return Table{}, h.err(ctx)
}

func (h failing) QualityHistory(ctx context.Context, _ string, _, _ charge.Millis, _ time.Duration) (Table, error) {
	return Table{}, h.err(ctx)
}

type brokenHistory struct{ fixedHistory }

func (brokenHistory) VehicleHistory(context.Context, string, charge.Millis, charge.Millis, time.Duration) (Table, error) {
	return Table{}, errors.New("disk on fire")
}

// A request that failed is logged by its route, not by whom it asked about.
func TestFailuresNameNoVehicle(t *testing.T) {
	w := newWorld(t, func(_ *Config, d *Deps) { d.History = brokenHistory{} })
	var out strings.Builder
	w.api.log = slog.New(slog.NewTextHandler(&out, nil))
	if a := w.get("/api/v1/history/vehicles/"+vin(1), "t-regulator"); a.status != 500 {
		t.Fatalf("status %d, want 500", a.status)
	}
	if got := out.String(); !strings.Contains(got, "/history/vehicles/{vin}") || strings.Contains(got, vin(1)) {
		t.Errorf("logged %s", got)
	}
}
