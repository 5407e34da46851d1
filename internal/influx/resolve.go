package influx

import (
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// resolver turns points, in the order of time, into reports: it follows references
// and lets the newest point of a millisecond stand for it.
type resolver struct {
	q    *question
	from int64 // ms; points before it are fetched for what refers to them
	raw  bool
	out  *folder

	base   map[int64][]any // values of whole points by ts, for references
	ts     int64           // of the pending report
	values []any           // of the pending report; nil when there is none
	n      int
}

// take gets one point.
func (r *resolver) take(p *point) error {
	ms := p.ns / 1e6
	var values []any
	switch {
	case !r.q.refs:
		values = append(values, p.values...)
	case p.whole:
		values = make([]any, len(p.values))
		for i, c := range r.q.cols {
			if c.has == 0 || charge.Has(p.has)&c.has != 0 { // else left over from an earlier point of this ts
				values[i] = p.values[i]
				if c.kind == text && values[i] == nil {
					values[i] = "" // CSV, the form of both dialects' answers, cannot tell it from none
				}
			}
		}
		if p.ns%1e6 == 0 {
			if r.base == nil {
				r.base = make(map[int64][]any)
			}
			r.base[ms] = values
		}
	case p.ref:
		values = r.base[p.same] // nil when that shard is gone: then nobody knows
	}
	if values == nil || ms < r.from {
		return nil
	}
	if ms != r.ts {
		if err := r.flush(); err != nil {
			return err
		}
	}
	r.ts, r.values = ms, values
	return nil
}

// flush passes the pending report on.
func (r *resolver) flush() error {
	if r.values == nil {
		return nil
	}
	if r.n++; r.raw && r.n > MaxRows {
		return errEnough
	}
	r.out.add(r.ts, r.values)
	r.values = nil
	return nil
}

// grid is a sequence of windows; with every 0 each moment is its own.
type grid struct{ every, shift int64 } // ms

func newGrid(every time.Duration, zone *time.Location) grid {
	_, offset := time.Unix(0, 0).In(zone).Zone()
	return grid{every.Milliseconds(), int64(offset) * 1000}
}

// begin returns the begin of ms's window.
func (g grid) begin(ms int64) int64 {
	if g.every == 0 {
		return ms
	}
	at := (ms + g.shift) % g.every
	if at < 0 {
		at += g.every
	}
	return ms - at
}

// count returns how many windows touch the range.
func (g grid) count(from, to charge.Millis) int64 {
	return (g.begin(int64(to)-1)-g.begin(int64(from)))/g.every + 1
}

// folder makes one row of each window.
type folder struct {
	grid  grid
	cols  []column
	at    int64
	open  bool
	row   []any
	sums  []float64
	count []int
	done  [][]any
}

func newFolder(g grid, cols []column) *folder {
	return &folder{grid: g, cols: cols, sums: make([]float64, len(cols)), count: make([]int, len(cols))}
}

func (f *folder) add(ms int64, values []any) {
	if f.grid.every == 0 {
		row := make([]any, 0, len(values)+1)
		f.done = append(f.done, append(append(row, charge.Millis(ms)), values...))
		return
	}
	if at := f.grid.begin(ms); !f.open || at != f.at {
		f.close()
		f.open, f.at = true, at
		f.row = make([]any, len(f.cols)+1)
		f.row[0] = charge.Millis(at)
		clear(f.sums)
		clear(f.count)
	}
	for i, c := range f.cols {
		if values[i] == nil {
			continue
		}
		f.count[i]++
		old, v := f.row[i+1], values[i]
		switch c.fold {
		case mean, sum:
			if c.kind == integer {
				f.sums[i] += float64(v.(int64))
			} else {
				f.sums[i] += v.(float64)
			}
		case most:
			if old == nil || v.(int64) > old.(int64) {
				f.row[i+1] = v
			}
		case least:
			if old == nil || v.(float64) < old.(float64) {
				f.row[i+1] = v
			}
		case union:
			if old != nil {
				v = old.(int64) | v.(int64)
			}
			f.row[i+1] = v
		default:
			f.row[i+1] = v
		}
	}
}

// close finishes the open window.
func (f *folder) close() {
	if !f.open {
		return
	}
	for i, c := range f.cols {
		if f.count[i] == 0 {
			continue
		}
		switch {
		case c.fold == mean:
			f.row[i+1] = f.sums[i] / float64(f.count[i])
		case c.fold == sum && c.kind == integer:
			f.row[i+1] = int64(f.sums[i])
		case c.fold == sum:
			f.row[i+1] = f.sums[i]
		}
	}
	f.done = append(f.done, f.row)
	f.open = false
}

func (f *folder) rows() [][]any {
	f.close()
	return f.done
}
