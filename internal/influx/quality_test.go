package influx

import (
	"reflect"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// Quality rows come back by party; in windows counts are summed and quantiles
// are the largest. What was let pass is not kept.
func TestQualityRows(t *testing.T) {
	s := newStore(t, false)
	r := newRig(t, s.target())
	r.start()
	row := func(party charge.Num, i int) record.QualityRow {
		n := uint64(i)
		w := record.QualityRow{Party: party, T: modelStart + charge.Millis(i)*300_000, Expected: 20 + n, Objects: 9, Online: uint32(i)}
		w.Counts = record.Counts{Account: charge.Account{Received: 15 + n, Taken: 10, Duplicate: 2, History: 2 + n, Rejected: 1},
			Kept: 12, Flagged: 3, Nulls: 4, Missing: 5, OnlineMS: 77}
		w.Counts.Delays[2], w.Counts.Delays[8] = 9, n // 0.5 … 1 s, 60 … 120 s
		return w
	}
	for i := range 3 {
		r.log(&record.Record{Kind: record.Quality, Quality: []record.QualityRow{row(1, i), row(2, i)}})
	}
	gone := row(1, 0)
	gone.Counts.Received = 1e6
	r.log(&record.Record{Kind: record.Passed, Quality: []record.QualityRow{gone}})
	r.log(&record.Record{Kind: record.Quality, Quality: []record.QualityRow{{Party: 1, T: modelStart + 3*300_000}}})
	r.log(&record.Record{Kind: record.Quality, Quality: []record.QualityRow{{Party: 999, T: modelStart}}})
	r.stop()
	if p := r.writer.Stats().Sum; p != (PointSum{Due: 8, Accepted: 7, Lost: 1}) {
		t.Errorf("points %+v", p)
	}

	cells := func(i int64) []any {
		return []any{modelStart + charge.Millis(i)*300_000, 15 + i, int64(10), int64(2), 2 + i, int64(1), int64(12), int64(3),
			int64(4), 20 + i, int64(5), i}
	}
	// The 99th of 100 in the class of 9, of 10 and of 11 reports.
	want := [][]any{
		append(cells(0), int64(750), int64(975), int64(995), int64(9), int64(0)),
		append(cells(1), int64(778), int64(90_000), int64(114_000), int64(9), int64(1)),
		append(cells(2), int64(806), int64(103_500), int64(116_700), int64(9), int64(2)),
		{modelStart + charge.Millis(900_000), int64(0), int64(0), int64(0), int64(0), int64(0), int64(0), int64(0), int64(0), int64(0),
			int64(0), int64(0), nil, nil, nil, int64(0), int64(0)},
	}
	got, err := r.reader.QualityHistory(t.Context(), "teld", modelStart, modelStart+3_600_000, 0)
	if err != nil || !reflect.DeepEqual(got.Rows, want) {
		t.Errorf("%v\n%v (%v), want\n%v", got.Columns, got.Rows, err, want)
	}
	hour, err := r.reader.QualityHistory(t.Context(), "teld", modelStart, modelStart+900_000, time.Hour)
	sum := [][]any{{modelStart, int64(48), int64(30), int64(6), int64(9), int64(3), int64(36), int64(9), int64(12), int64(63), int64(15),
		int64(3), int64(806), int64(103_500), int64(116_700), int64(9), int64(2)}}
	if err != nil || !reflect.DeepEqual(hour.Rows, sum) {
		t.Errorf("an hour is %v (%v), want %v", hour.Rows, err, sum)
	}
}
