package influx

import (
	"reflect"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// Totals come back by scope with the columns that it has; the same T overwrites.
func TestTotals(t *testing.T) {
	s := newStore(t, false)
	r := newRig(t, s.target())
	r.start()
	row := func(scope record.Scope, id string, i int) record.TotalRow {
		return record.TotalRow{Scope: scope, ID: id, T: modelStart + charge.Millis(i)*300_000,
			Piles:    charge.PileCounts{Total: 10 + i, Free: 1, InUse: 2, Charging: 1, Reserved: 3, Fault: 1, Offline: 3 + i},
			Vehicles: charge.VehicleCounts{Total: 20, Online: 15, Driving: 5 + i, Charging: 2, Alarm: 1},
			PowerKW:  100.5 + float64(i), EnergyKWh: 8.25, Taken: 300}
	}
	for i := range 3 {
		rec := &record.Record{Kind: record.Totals}
		for _, o := range []struct {
			scope record.Scope
			id    string
		}{{record.ScopeCity, ""}, {record.ScopeOperator, "teld"}, {record.ScopeMaker, "byd"}, {record.ScopeDistrict, "530102"}} {
			old := row(o.scope, o.id, i)
			old.Taken = 1
			rec.Rows = append(rec.Rows, old, row(o.scope, o.id, i))
		}
		unknown := row(record.ScopeDistrict, "530103", i)
		unknown.Vehicles = charge.VehicleCounts{Total: -1} // without official borders
		rec.Rows = append(rec.Rows, unknown)
		r.log(rec)
	}
	r.stop()

	piles := func(i int) []any {
		return []any{int64(10 + i), int64(1), int64(2), int64(1), int64(3), int64(1), int64(3 + i), 100.5 + float64(i), 8.25}
	}
	vehicles := func(i int) []any { return []any{int64(20), int64(15), int64(5 + i), int64(2), int64(1)} }
	f := func(scope record.Scope, id string, columns int, parts ...func(int) []any) {
		t.Helper()
		got, err := r.reader.TotalsHistory(t.Context(), scope, id, modelStart, modelStart+600_000, 0)
		if err != nil {
			t.Fatal(err)
		}
		want := [][]any{}
		for i := range 2 { // to is not in the range
			line := []any{modelStart + charge.Millis(i)*300_000}
			for _, p := range parts {
				line = append(line, p(i)...)
			}
			want = append(want, append(line, int64(300)))
		}
		if !reflect.DeepEqual(got.Rows, want) || len(got.Columns) != columns {
			t.Errorf("scope %d %s: %v\n%v, want\n%v", scope, id, got.Columns, got.Rows, want)
		}
	}

	f(record.ScopeCity, "", 16, piles, vehicles)
	f(record.ScopeOperator, "teld", 11, piles)
	f(record.ScopeMaker, "byd", 7, vehicles)
	f(record.ScopeDistrict, "530102", 16, piles, vehicles)
	nobodyKnows := func(int) []any { return make([]any, 5) }
	f(record.ScopeDistrict, "530103", 16, piles, nobodyKnows)

	hour, err := r.reader.TotalsHistory(t.Context(), record.ScopeOperator, "teld", modelStart, modelStart+3_600_000, time.Hour)
	want := [][]any{{modelStart, int64(12), int64(1), int64(2), int64(1), int64(3), int64(1), int64(5), 101.5, 24.75, int64(900)}}
	if err != nil || !reflect.DeepEqual(hour.Rows, want) {
		t.Errorf("an hour is %v (%v), want %v", hour.Rows, err, want)
	}
	if none, err := r.reader.TotalsHistory(t.Context(), record.ScopeOperator, "nobody", modelStart, modelStart+600_000, 0); err != nil || len(none.Rows) != 0 {
		t.Errorf("an unknown operator has %v (%v)", none.Rows, err)
	}
}

// A window's values come from reports, not from what is stored for them: a
// reference counts as much as the whole point that it means.
func TestWindowsSeeReferences(t *testing.T) {
	s := newStore(t, false)
	r := newRig(t, s.target())
	r.start()
	rec := &record.Record{Kind: record.Message, Party: 1}
	for i, kw := range []float64{10, 10, 10, 50} { // at 0, 20, 40 and 59 minutes
		rec.Piles = append(rec.Piles, record.PileItem{Num: 1, Verdict: charge.Taken, Report: charge.PileReport{
			ID: "x", TS: modelStart + charge.Millis(min(i*20, 59))*60_000, Status: 3, Has: charge.HasPower, PowerKW: kw}})
	}
	r.log(rec)
	r.stop()
	if st := r.writer.Stats(); st.Same != 2 {
		t.Fatalf("%d references, want 2", st.Same)
	}
	f := func(from charge.Millis, every time.Duration, want ...float64) {
		t.Helper()
		got, err := r.reader.PileHistory(t.Context(), "teld:x", from, modelStart+3_600_000, every)
		if err != nil || len(got.Rows) != len(want) {
			t.Fatalf("%v %v, want %v", got.Rows, err, want)
		}
		for i, kw := range want {
			if got.Rows[i][2] != kw {
				t.Errorf("powerKw of row %d is %v, want %v", i, got.Rows[i][2], kw)
			}
		}
	}

	f(modelStart, time.Hour, 20)
	f(modelStart+1, 30*time.Minute, 10, 30)
	f(modelStart+2_300_000, time.Minute, 10, 50) // the whole point lies before the range
	f(modelStart, 0, 10, 10, 10, 50)
}

func TestRawRangeOfTooManyRows(t *testing.T) {
	s := newStore(t, false)
	r := newRig(t, s.target())
	r.cfg.BatchPoints = 5000
	r.start()
	const rows = MaxRows + 1
	for i := 0; i < rows; i += 1000 {
		rec := &record.Record{Kind: record.Message, Party: 1}
		for k := i; k < min(i+1000, rows); k++ {
			rec.Piles = append(rec.Piles, record.PileItem{Num: 1, Verdict: charge.Taken,
				Report: charge.PileReport{ID: "x", TS: modelStart + charge.Millis(k)*1000, Status: 1}})
		}
		r.log(rec)
	}
	r.stop()
	to := modelStart + rows*1000
	_, err := r.reader.PileHistory(t.Context(), "teld:x", modelStart, to, 0)
	if charge.CodeOf(err) != charge.RangeTooLarge {
		t.Fatalf("%d rows: %v", rows, err)
	}
	if got, err := r.reader.PileHistory(t.Context(), "teld:x", modelStart, to-1000, 0); err != nil || len(got.Rows) != MaxRows {
		t.Fatalf("%d rows: %d, %v", MaxRows, len(got.Rows), err)
	}
	if got, err := r.reader.PileHistory(t.Context(), "teld:x", modelStart, to, time.Minute); err != nil || len(got.Rows) != 417 {
		t.Fatalf("by the minute: %d, %v", len(got.Rows), err)
	}
}
