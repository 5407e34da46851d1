package influx

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

func TestWindows(t *testing.T) {
	cols := []column{{"l", 0, integer, last}, {"m", 0, float, mean}, {"s", 0, integer, sum}, {"w", 0, integer, most},
		{"o", 0, float, least}, {"u", 0, integer, union}}
	f := func(every time.Duration, zone *time.Location, points [][]any, want [][]any) {
		t.Helper()
		out := newFolder(newGrid(every, zone), cols)
		for _, p := range points {
			out.add(int64(p[0].(int)), p[1:])
		}
		if got := out.rows(); !reflect.DeepEqual(got, want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
	}
	const minute = 60_000
	kunming := time.FixedZone("", 8*3600)

	f(0, time.UTC, nil, nil)
	f(0, time.UTC, [][]any{{5, int64(1), nil, nil, nil, nil, nil}}, [][]any{{charge.Millis(5), int64(1), nil, nil, nil, nil, nil}})
	f(time.Minute, time.UTC, [][]any{
		{minute, int64(1), 1.5, int64(2), int64(3), 9.0, int64(1)},
		{minute + 1, nil, nil, nil, nil, nil, nil},
		{2*minute - 1, int64(7), 2.5, int64(3), int64(1), 8.0, int64(4)},
		{5 * minute, nil, 1.0, nil, nil, nil, nil}, // windows without points have no row
	}, [][]any{
		{charge.Millis(minute), int64(7), 2.0, int64(5), int64(3), 8.0, int64(5)},
		{charge.Millis(5 * minute), nil, 1.0, nil, nil, nil, nil},
	})
	f(24*time.Hour, kunming, [][]any{ // local midnight is 16:00 UTC
		{16*60*minute - 1, int64(1), nil, nil, nil, nil, nil},
		{16 * 60 * minute, int64(2), nil, nil, nil, nil, nil},
	}, [][]any{
		{charge.Millis(-8 * 60 * minute), int64(1), nil, nil, nil, nil, nil},
		{charge.Millis(16 * 60 * minute), int64(2), nil, nil, nil, nil, nil},
	})
}

func TestQuestionsThatAreRefused(t *testing.T) {
	r := NewReader(ReaderConfig{Target: Target{Bucket: "a/b", Endpoint: func() (string, string, bool) { return "", "", false }}},
		slog.New(slog.DiscardHandler))
	defer r.Close()
	f := func(id string, from, to charge.Millis, every time.Duration, code charge.Code, sign string) {
		t.Helper()
		table, err := r.PileHistory(t.Context(), id, from, to, every)
		if code == "" {
			if err != nil || len(table.Rows) != 0 || table.Rows == nil || table.Columns[0] != "ts" {
				t.Errorf("%v %v, want a table without rows", table, err)
			}
			return
		}
		if charge.CodeOf(err) != code || !strings.Contains(err.Error(), sign) {
			t.Errorf("%v (%s), want %s with %q", err, charge.CodeOf(err), code, sign)
		}
	}
	day := charge.Millis(24 * 60 * 60 * 1000)

	f("a:b", 0, day, 0, charge.HistoryUnavailable, "")
	f("a:b", day, day, 0, "", "")
	f("a:b", day, 0, 0, "", "")
	f("a:b' OR 1=1", 0, day, 0, "", "")
	f("", 0, day, 0, "", "")
	f("a:b", 0, day, time.Second, charge.ValueRange, "1m")
	f("a:b", 0, day, 25*time.Hour, charge.ValueRange, "24h")
	f("a:b", 0, 17*day, time.Minute, charge.HistoryUnavailable, "") // 24,480 windows
	f("a:b", 0, 18*day, time.Minute, charge.RangeTooLarge, " 2m")
	f("a:b", 0, 36*day, time.Minute, charge.RangeTooLarge, " 3m")
	f("a:b", 0, 30_000*day, 24*time.Hour, charge.RangeTooLarge, "shorter")

	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.PileHistory(gone, "a:b", 0, day, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("after the asker left: %v", err)
	}
}

// What the log says of a question that failed names no vehicle.
func TestFailedQuestionsNameNobody(t *testing.T) {
	const vin = "LNBMDBAH4PA000001"
	var out strings.Builder
	closed := httptest.NewServer(nil)
	closed.Close()
	r := NewReader(ReaderConfig{Target: Target{Bucket: "a/b", Endpoint: Fixed(closed.URL, "")}},
		slog.New(slog.NewTextHandler(&out, nil)))
	_, err := r.VehicleHistory(t.Context(), vin, 0, 1000, 0)
	r.Close()
	if charge.CodeOf(err) != charge.HistoryUnavailable || !strings.Contains(out.String(), "refused") {
		t.Fatalf("%v, logged %q, want that the connection was refused", err, out.String())
	}
	if strings.Contains(out.String()+err.Error(), vin) {
		t.Errorf("the VIN stands in %q or %q", out.String(), err)
	}
}

// A late report never takes the place of a point that others may refer to, be
// it an older one than the object's last or one from before a start.
func TestLateReportsStandApart(t *testing.T) {
	const t1 = charge.Millis(1795392000000)
	slug := func(charge.Num) string { return "teld" }
	say := func(e *encoder, v charge.Verdict, ts charge.Millis, s charge.Status) string {
		var b batch
		e.add(&b, &record.Record{Kind: record.Message, Party: 1, Piles: []record.PileItem{
			{Num: 1, Verdict: v, Report: charge.PileReport{ID: "P", TS: ts, Status: s}}}})
		return strings.TrimPrefix(string(b.raw), "pile,id=teld:P ")
	}
	f := func(got, want string) {
		t.Helper()
		if got != want+"\n" {
			t.Errorf("%q, want %q", got, want)
		}
	}

	e := newEncoder(slug)
	f(say(e, charge.Taken, t1, 1), "has=0i,status=1i 1795392000000000000")
	f(say(e, charge.Taken, t1+1, 1), "same=1795392000000i 1795392000001000000")
	f(say(e, charge.Taken, t1+2, 3), "has=0i,status=3i 1795392000002000000")
	f(say(e, charge.Late, t1, 4), "has=0i,status=4i 1795392000000000001")
	f(say(e, charge.Taken, t1+3, 3), "same=1795392000002i 1795392000003000000")
	f(say(newEncoder(slug), charge.Late, t1+2, 4), "has=0i,status=4i 1795392000002000001")
}

// Readers of answers rely on docs/history.md: each column with its rule stands there.
func TestColumnsAreDocumented(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "history.md"))
	if err != nil {
		t.Fatal(err)
	}
	rule := map[fold]string{last: "last", mean: "mean", sum: "sum", most: "largest", least: "smallest", union: "all bits"}
	for _, cols := range [][]column{pileColumns, vehicleColumns, pileTotals, vehicleTotals, {takenTotal}} {
		for _, c := range cols {
			if line := "| `" + c.name + "` | " + rule[c.fold] + " |"; !strings.Contains(string(doc), line) {
				t.Errorf("docs/history.md lacks %s", line)
			}
		}
	}
}

func FuzzFloat(f *testing.F) {
	for _, v := range []float64{0, -0.5, 58.2, 102.712345, 1e300, math.Pi, -88121.4, 1e15, 9007199254740993, 5e-324, 0.001, 1e-6} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v float64) {
		if v-v != 0 {
			return
		}
		s := string(appendFloat(nil, v))
		if got, err := strconv.ParseFloat(s, 64); err != nil || got != v {
			t.Fatalf("%v is written as %s, which reads as %v (%v)", v, s, got, err)
		}
	})
}

func FuzzTag(f *testing.F) {
	f.Add("teld:S1-1")
	f.Add(`a b,c=d\`)
	f.Fuzz(func(t *testing.T, v string) {
		s := string(appendTag(nil, v))
		for i := range len(s) {
			if s[i] < ' ' || s[i] == '\\' && (i+1 == len(s) || !strings.ContainsRune(",= ", rune(s[i+1]))) ||
				strings.IndexByte(",= ", s[i]) >= 0 && (i == 0 || s[i-1] != '\\') {
				t.Fatalf("%q is written as %q", v, s)
			}
		}
	})
}

// An answer that is damaged in any way is an error or rows, never a panic.
func FuzzCSV(f *testing.F) {
	head := "name,tags,time,has,same,status,powerKw,voltageV,currentA,socPct,energyKwh,meterKwh,session,vin,fault,parkStatus,lockStatus\n"
	f.Add(head + "pile,,1795392000000000000,1,,3,58.2,,,,,,,,,,\npile,,1795392030000000000,,1795392000000,,,,,,,,,,,,\n")
	f.Add("error\nno such database\n")
	f.Add("")
	f.Fuzz(func(t *testing.T, body string) {
		q := question{cols: pileColumns, refs: true}
		res := resolver{q: &q, out: newFolder(newGrid(time.Minute, time.UTC), q.cols)}
		if readCSV(strings.NewReader(body), &q, res.take) == nil && res.flush() == nil {
			for _, row := range res.out.rows() {
				if len(row) != len(pileColumns)+1 {
					t.Fatalf("row %v", row)
				}
			}
		}
	})
}
