package influx

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/tally"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// MaxRows is the most rows that one answer has.
const MaxRows = 25_000

// Bounds of the windows that a question may ask for.
const (
	MinEvery = time.Minute
	MaxEvery = 24 * time.Hour
)

// ReaderConfig sets how a Reader behaves.
type ReaderConfig struct {
	Target
	Zone    *time.Location // whose midnight begins windows of a day [UTC]
	Timeout time.Duration  // of one question [20 s]
	AtOnce  int            // questions that InfluxDB is asked at the same time [4]
}

// Reader answers questions about the past. Its methods may be called from
// several goroutines.
//
// Ranges are half open, from ≤ ts < to. With every = 0 there is a row for each
// point; else a row for each window in which something was said, whose ts is the
// window's begin; windows begin at multiples of every after local midnight 1970.
// What becomes of a column's values in a window stands in columns.go.
type Reader struct {
	cfg   ReaderConfig
	link  *link
	slots chan struct{}
	away  *tally.Tally
}

// Table is an answer. The first column is ts, a [charge.Millis]; the others are
// float64, int64 or string, and nil where nothing was said.
type Table struct {
	Columns []string
	Rows    [][]any
}

// NewReader returns a Reader.
func NewReader(cfg ReaderConfig, log *slog.Logger) *Reader {
	if cfg.Zone == nil {
		cfg.Zone = time.UTC
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 20 * time.Second
	}
	if cfg.AtOnce <= 0 {
		cfg.AtOnce = 4
	}
	return &Reader{
		cfg: cfg, link: &link{target: cfg.Target, timeout: cfg.Timeout},
		slots: make(chan struct{}, cfg.AtOnce),
		away:  tally.New(log, slog.LevelWarn, "a question about the past was not answered"),
	}
}

// PileHistory returns the reports of the pile with the global id gid, "party:id".
// A range with more than [MaxRows] rows is charge.RangeTooLarge, an InfluxDB that
// does not answer charge.HistoryUnavailable, a bad every charge.ValueRange; an
// unknown pile has no rows.
func (r *Reader) PileHistory(ctx context.Context, gid string, from, to charge.Millis, every time.Duration) (Table, error) {
	return r.ask(ctx, question{bucket: r.cfg.Bucket, measurement: "pile", id: gid, cols: pileColumns, refs: true},
		from, to, every)
}

// VehicleHistory returns the reports of the vehicle with this VIN; else it is like PileHistory.
func (r *Reader) VehicleHistory(ctx context.Context, vin string, from, to charge.Millis, every time.Duration) (Table, error) {
	return r.ask(ctx, question{bucket: r.cfg.Bucket, measurement: "vehicle", id: vin, cols: vehicleColumns, refs: true},
		from, to, every)
}

// TotalsHistory returns the 5-minute totals of an operator, a maker (id is the
// slug), a district (the adcode) or the city (id is not looked at). Operators have
// no columns of vehicles, makers none of piles.
func (r *Reader) TotalsHistory(ctx context.Context, scope record.Scope, id string, from, to charge.Millis,
	every time.Duration) (Table, error) {
	q := question{bucket: r.cfg.totals(), measurement: "total"}
	q.scope, q.id = totalTags(scope, id)
	if scope != record.ScopeMaker {
		q.cols = append(q.cols, pileTotals...)
	}
	if scope != record.ScopeOperator {
		q.cols = append(q.cols, vehicleTotals...)
	}
	q.cols = append(q.cols, takenTotal)
	return r.ask(ctx, q, from, to, every)
}

// QualityHistory returns the 5-minute rows of what became of a party's reports.
func (r *Reader) QualityHistory(ctx context.Context, slug string, from, to charge.Millis, every time.Duration) (Table, error) {
	return r.ask(ctx, question{bucket: r.cfg.totals(), measurement: "quality", id: slug, cols: qualityColumns},
		from, to, every)
}

// Close frees idle connections.
func (r *Reader) Close() {
	r.link.close()
	r.away.Stop()
}

// question is what a dialect needs to fetch points. The columns are preceded by
// has and same where refs is set.
type question struct {
	bucket, measurement, id string
	scope                   string // "" without such a tag
	cols                    []column
	refs                    bool
	from, to                int64 // ns; the dialect fetches from ≤ t < to
}

// point is what stands in InfluxDB at one time. A dialect reuses it.
type point struct {
	ns     int64
	has    int64 // valid if whole
	same   int64 // valid if ref
	whole  bool
	ref    bool
	values []any // by column, nil where there is none
}

// errEnough ends a fetch early.
var errEnough = errors.New("enough")

// ask fetches, resolves and folds.
func (r *Reader) ask(ctx context.Context, q question, from, to charge.Millis, every time.Duration) (Table, error) {
	t := Table{Columns: names(q.cols), Rows: [][]any{}}
	if every != 0 && (every < MinEvery || every > MaxEvery || every%time.Millisecond != 0) {
		return t, charge.Errorf(charge.ValueRange, "every is %s; it must be raw, or from 1m to 24h", every)
	}
	if from >= to || !plain(q.id) {
		return t, nil
	}
	grid := newGrid(every, r.cfg.Zone)
	if every != 0 && grid.count(from, to) > MaxRows {
		return t, r.tooLarge(from, to)
	}
	q.from, q.to = int64(from)*1e6, int64(to)*1e6
	if q.refs { // the whole points to which the first references look back
		back := max(int64(from)-wholeEvery, int64(from)/shardSpan*shardSpan)
		q.from = min(q.from, back*1e6)
	}
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	defer cancel()
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return t, r.unavailable(ctx, fmt.Errorf("too many questions at once: %w", ctx.Err()))
	}

	res := resolver{q: &q, from: int64(from), raw: every == 0, out: newFolder(grid, q.cols)}
	fetch := r.influxQL
	if !strings.Contains(q.bucket, "/") {
		fetch = r.flux
	}
	err := fetch(ctx, &q, res.take)
	if err == nil {
		err = res.flush()
	}
	switch {
	case errors.Is(err, errEnough):
		return t, r.tooLarge(from, to)
	case err != nil:
		return t, r.unavailable(ctx, err)
	}
	t.Rows = append(t.Rows, res.out.rows()...)
	return t, nil
}

// tooLarge names the least whole minute that makes the range fit.
func (r *Reader) tooLarge(from, to charge.Millis) error {
	every := (to.Sub(from) / MaxRows).Truncate(time.Minute) + time.Minute
	for every > MinEvery && newGrid(every-time.Minute, r.cfg.Zone).count(from, to) <= MaxRows {
		every -= time.Minute
	}
	for newGrid(every, r.cfg.Zone).count(from, to) > MaxRows {
		every += time.Minute
	}
	if every > MaxEvery {
		return charge.Errorf(charge.RangeTooLarge,
			"the range has more than %d rows even with every=24h; ask for a shorter one", MaxRows)
	}
	return charge.Errorf(charge.RangeTooLarge, "the range has more than %d rows; the least every that fits is %dm",
		MaxRows, every/time.Minute)
}

func (r *Reader) unavailable(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err() // nobody waits for the answer
	}
	r.away.Add(err)
	return charge.Errorf(charge.HistoryUnavailable, "history is not available at the moment; try again later")
}

// plain reports whether id can be one at all: letters, digits and . _ - : only.
// Whatever else comes from outside never reaches a query.
func plain(id string) bool {
	for i := range len(id) {
		c := id[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
			c == '.' || c == '_' || c == '-' || c == ':') {
			return false
		}
	}
	return id != "" && len(id) <= 128
}
