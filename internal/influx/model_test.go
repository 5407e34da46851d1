package influx

import (
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// model is what history must be: the rows of each object by ts.
type model struct {
	rng      *rand.Rand
	piles    []pileModel
	vehicles []vehicleModel
}

type pileModel struct {
	last charge.PileReport
	rows map[charge.Millis][]any
	top  charge.Millis
	base charge.Millis // ts of the newest report that changed something
}

type vehicleModel struct {
	last charge.VehicleReport
	rows map[charge.Millis][]any
	top  charge.Millis
}

const modelStart = charge.Millis(1795392000000) // 2026-11-23T00:00Z

func newModel(seed uint64, piles, vehicles int) *model {
	m := &model{rng: rand.New(rand.NewPCG(seed, 1))}
	for i := range piles {
		m.piles = append(m.piles, pileModel{rows: map[charge.Millis][]any{}, top: modelStart,
			last: charge.PileReport{ID: fmt.Sprintf("S%d.a_b-1", i)}})
	}
	for i := range vehicles {
		m.vehicles = append(m.vehicles, vehicleModel{rows: map[charge.Millis][]any{}, top: modelStart,
			last: charge.VehicleReport{VIN: fmt.Sprintf("LNBMDBAH4PA%06d", i)}})
	}
	return m
}

// message returns the next record of piles and one of vehicles, and remembers
// what they must become.
func (m *model) message() []*record.Record {
	p := &record.Record{Kind: record.Message, Received: m.piles[0].top, Party: 1, Payload: charge.Piles}
	for i := range m.piles {
		p.Piles = append(p.Piles, m.pile(i))
	}
	v := &record.Record{Kind: record.Message, Received: m.piles[0].top, Party: 2, Payload: charge.Vehicles}
	for i := range m.vehicles {
		v.Fleet = append(v.Fleet, m.vehicle(i))
	}
	return []*record.Record{p, v}
}

// pile makes up a report: mostly a repeat of the last values, sometimes late,
// sometimes a contradiction of what stands at the same ts.
func (m *model) pile(i int) record.PileItem {
	o, rng := &m.piles[i], m.rng
	it := record.PileItem{Num: charge.Num(i + 1), Verdict: charge.Taken}
	if rng.IntN(4) == 0 || len(o.rows) == 0 {
		o.last = charge.PileReport{
			ID: o.last.ID, Status: charge.Status(rng.IntN(5)), Has: charge.Has(rng.Uint32()) & (charge.HasLock<<1 - 1),
			PowerKW: float64(rng.IntN(1200)) / 10, VoltageV: float64(rng.IntN(7500)) / 10, CurrentA: rng.Float64() * 250,
			SOCPct: float64(rng.IntN(101)), EnergyKWh: float64(rng.IntN(10000)) / 100, MeterKWh: rng.Float64() * 1e6,
			Session: []string{"A17", "", `quo"te\`, "with, comma = and\nline", "会话"}[rng.IntN(5)],
			VIN:     "LNBMDBAH4PA000001", Fault: []string{"", "E-42"}[rng.IntN(2)],
			Park: []uint8{0, 10, 50}[rng.IntN(3)], Lock: []uint8{0, 10, 50}[rng.IntN(3)],
		}
		o.base = o.top + 1
	}
	it.Report = o.last
	switch late := rng.IntN(20); {
	case late == 0 && len(o.rows) > 0: // an older report that comes late
		it.Verdict = charge.Late
		it.Report.TS = o.top - charge.Millis(rng.IntN(3_600_000)) - 1
		for o.rows[it.Report.TS] != nil {
			it.Report.TS--
		}
	case late == 1 && len(o.rows) > 0: // the newest one again, with other values, after it was referred to
		it.Verdict = charge.Late
		it.Report.TS = o.top
		it.Report.Status, it.Report.Has = charge.StatusFault, charge.HasFault
		it.Report.Fault = "late"
	case late == 2 && len(o.rows) > 0: // any older one again, with other values, perhaps long after it was referred to
		it.Verdict = charge.Late
		known := slices.Sorted(maps.Keys(o.rows))
		it.Report.TS = known[rng.IntN(len(known))]
		it.Report.Status, it.Report.Has = charge.StatusFault, charge.HasFault
		it.Report.Fault = "later"
	default:
		o.top += charge.Millis(1 + rng.IntN(120_000))
		it.Report.TS = o.top
	}
	o.rows[it.Report.TS] = pileRow(&it.Report)
	return it
}

func (m *model) vehicle(i int) record.VehicleItem {
	o, rng := &m.vehicles[i], m.rng
	it := record.VehicleItem{Num: charge.Num(i + 1), Verdict: charge.Taken}
	if rng.IntN(4) == 0 || len(o.rows) == 0 {
		const all = charge.HasInsulation<<1 - charge.HasPosition | charge.HasVoltage | charge.HasCurrent | charge.HasSOC
		o.last = charge.VehicleReport{
			VIN: o.last.VIN, Has: charge.Has(rng.Uint32()) & all,
			Lon: 102 + rng.Float64(), Lat: 24 + rng.Float64(), SpeedKMH: float64(rng.IntN(2200)) / 10,
			OdometerKM: float64(rng.IntN(1e7)) / 10, SOCPct: float64(rng.IntN(101)), VoltageV: rng.Float64() * 500,
			CurrentA: rng.Float64()*200 - 100, State: uint8(1 + rng.IntN(3)), Charge: uint8(1 + rng.IntN(4)),
			AlarmLevel: uint8(rng.IntN(5)), Alarms: rng.Uint64(), RangeKM: float64(rng.IntN(600)),
			InsulationKOhm: float64(rng.IntN(60000)),
		}
	}
	it.Report = o.last
	if rng.IntN(20) == 0 && len(o.rows) > 0 {
		it.Verdict = charge.Late
		it.Report.TS = o.top - charge.Millis(rng.IntN(3_600_000)) - 1
		for o.rows[it.Report.TS] != nil {
			it.Report.TS--
		}
	} else {
		o.top += charge.Millis(1 + rng.IntN(60_000))
		it.Report.TS = o.top
	}
	o.rows[it.Report.TS] = vehicleRow(&it.Report)
	return it
}

func pileRow(r *charge.PileReport) []any {
	all := []any{int64(r.Status), r.PowerKW, r.VoltageV, r.CurrentA, r.SOCPct, r.EnergyKWh, r.MeterKWh,
		r.Session, r.VIN, r.Fault, int64(r.Park), int64(r.Lock)}
	return modelRow(r.TS, r.Has, all, []charge.Has{0, charge.HasPower, charge.HasVoltage, charge.HasCurrent,
		charge.HasSOC, charge.HasEnergy, charge.HasMeter, charge.HasSession, charge.HasVIN, charge.HasFault,
		charge.HasPark, charge.HasLock})
}

func vehicleRow(r *charge.VehicleReport) []any {
	all := []any{r.Lon, r.Lat, r.SpeedKMH, r.OdometerKM, r.SOCPct, r.VoltageV, r.CurrentA, int64(r.State),
		int64(r.Charge), int64(r.AlarmLevel), int64(r.Alarms), r.RangeKM, r.InsulationKOhm}
	return modelRow(r.TS, r.Has, all, []charge.Has{charge.HasPosition, charge.HasPosition, charge.HasSpeed,
		charge.HasOdometer, charge.HasSOC, charge.HasVoltage, charge.HasCurrent, charge.HasState, charge.HasCharge,
		charge.HasAlarmLevel, charge.HasAlarms, charge.HasRange, charge.HasInsulation})
}

func modelRow(ts charge.Millis, has charge.Has, all []any, bits []charge.Has) []any {
	row := []any{ts}
	for i, v := range all {
		if bits[i] != 0 && has&bits[i] == 0 {
			v = nil
		}
		row = append(row, v)
	}
	return row
}

// sorted returns the model's rows of one object in from ≤ ts < to.
func sorted(rows map[charge.Millis][]any, from, to charge.Millis) [][]any {
	all := [][]any{}
	for ts, row := range rows {
		if from <= ts && ts < to {
			all = append(all, row)
		}
	}
	slices.SortFunc(all, func(a, b []any) int { return int(a[0].(charge.Millis) - b[0].(charge.Millis)) })
	return all
}

// check holds history against the model, whole and in random ranges.
func (m *model) check(t *testing.T, r *Reader) {
	t.Helper()
	end := modelStart.Add(1000 * time.Hour)
	same := func(what string, from, to charge.Millis, got Table, err error, want [][]any) {
		t.Helper()
		if err != nil {
			t.Fatal(what, err)
		}
		if len(got.Rows) != len(want) {
			t.Fatalf("%s from %s to %s: %d rows, want %d", what, from, to, len(got.Rows), len(want))
		}
		for i := range want {
			if !reflect.DeepEqual(got.Rows[i], want[i]) {
				t.Fatalf("%s from %s to %s: row %d is\n%v, want\n%v", what, from, to, i, got.Rows[i], want[i])
			}
		}
	}
	for i, o := range m.piles {
		for _, from := range []charge.Millis{modelStart - 7_200_000, modelStart + charge.Millis(m.rng.Int64N(int64(o.top-modelStart)))} {
			to := end
			if from > modelStart {
				to = from + charge.Millis(m.rng.IntN(20_000_000))
			}
			got, err := r.PileHistory(t.Context(), "teld:"+o.last.ID, from, to, 0)
			same(fmt.Sprint("pile ", i), from, to, got, err, sorted(o.rows, from, to))
		}
	}
	for i, o := range m.vehicles {
		for _, from := range []charge.Millis{modelStart - 7_200_000, modelStart + charge.Millis(m.rng.Int64N(int64(o.top-modelStart)))} {
			got, err := r.VehicleHistory(t.Context(), o.last.VIN, from, end, 0)
			same(fmt.Sprint("vehicle ", i), from, end, got, err, sorted(o.rows, from, end))
		}
	}
}

// What was reported is read back exactly, each report once, through both query
// languages and through restarts of the writer.
func TestHistoryIsWhatWasReported(t *testing.T) {
	s := newStore(t, true)
	r := newRig(t, s.target())
	m := newModel(7, 6, 6)
	for range 4 {
		r.start()
		for range 300 {
			for _, rec := range m.message() {
				r.log(rec)
			}
		}
		r.stop()
		if st := r.writer.Stats(); st.Same == 0 || st.Same >= st.Points {
			t.Errorf("%d of %d points are references", st.Same, st.Points)
		}
	}
	m.check(t, r.reader)

	asFlux := s.target()
	asFlux.Bucket = "dianchi" // the default policy: raw
	fl := NewReader(ReaderConfig{Target: asFlux}, slog.New(slog.DiscardHandler))
	m.check(t, fl)
}
