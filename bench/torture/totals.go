package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// totalsEvery is the grid of 5-minute rows.
const totalsEvery = 5 * time.Minute

// table is an answer of /history.
type table struct {
	Columns []string `json:"columns"`
	Rows    [][]any  `json:"rows"`
}

// rows returns the answer's rows by time, each by column.
func (t *table) rows() (map[int64]map[string]float64, error) {
	out := map[int64]map[string]float64{}
	for _, row := range t.Rows {
		text, _ := row[0].(string)
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil || len(row) != len(t.Columns) || out[at.UnixMilli()] != nil {
			return nil, fmt.Errorf("totals have a row %v of %v that cannot be, or is there twice", row, t.Columns)
		}
		m := map[string]float64{}
		for i, v := range row[1:] {
			if n, ok := v.(float64); ok {
				m[t.Columns[i+1]] = n
			}
		}
		out[at.UnixMilli()] = m
	}
	return out, nil
}

// totals checks the 5-minute rows: each adds up, the city's is the parties'
// together, one stands wherever the platform ran without a fault, and none has
// more reports than the accounts.
func (l *lane) totals(ctx context.Context, r *results) error {
	ask := func(path string) (map[int64]map[string]float64, error) {
		var t table
		from := strconv.FormatInt(l.began.UnixMilli(), 10)
		if err := l.get(ctx, "/api/v1/history/"+path+"?every=raw&from="+from, &t); err != nil {
			return nil, err
		}
		return t.rows()
	}
	var city map[int64]map[string]float64
	due := l.rowsDue()
	err := until(ctx, showWithin, func() (string, bool) {
		var err error
		city, err = ask("city")
		missing := slices.DeleteFunc(slices.Clone(due), func(t int64) bool { return city[t] != nil })
		return fmt.Sprintf("rows %v are missing, %v", missing, err), err == nil && len(missing) == 0
	})
	if err != nil {
		return fmt.Errorf("5-minute totals of the city, %w", err)
	}
	parties := map[*party]map[int64]map[string]float64{}
	var counted uint64
	for _, p := range l.world.parties {
		kind := "makers/"
		if p.operator {
			kind = "operators/"
		}
		if parties[p], err = ask(kind + p.slug); err != nil {
			return err
		}
		counted += p.total.Taken
	}
	var taken float64
	for t, row := range city {
		r.add(func() { r.rows++ })
		taken += row["taken"]
		sums := map[string]float64{}
		for p, rows := range parties {
			if rows[t] == nil {
				return fmt.Errorf("the city has 5-minute totals at %s, %s has none", time.UnixMilli(t).UTC(), p.slug)
			}
			for name, v := range rows[t] {
				sums[name] += v
			}
		}
		for name, v := range sums {
			if d := row[name] - v; d > 0.01 || d < -0.01 {
				return fmt.Errorf("5-minute totals at %s: %s of the city is %v, of its parties together %v",
					time.UnixMilli(t).UTC(), name, row[name], v)
			}
		}
		if row["pilesTotal"] != row["pilesFree"]+row["pilesInUse"]+row["pilesReserved"]+row["pilesFault"]+row["pilesOffline"] {
			return fmt.Errorf("5-minute totals at %s do not add up: %v", time.UnixMilli(t).UTC(), row)
		}
	}
	if taken > float64(counted) {
		return fmt.Errorf("5-minute totals have %v reports taken, the accounts %d", taken, counted)
	}
	return nil
}

// rowsDue returns the moments at which the platform ran undisturbed, so that
// there must be a row.
func (l *lane) rowsDue() (due []int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := l.began.Add(30 * time.Second).Truncate(totalsEvery).Add(totalsEvery)
	for t := first; t.Before(time.Now().Add(-time.Minute)); t = t.Add(totalsEvery) {
		calm := true
		for _, f := range l.troubled {
			end := f[1]
			if end.IsZero() {
				end = time.Now()
			}
			calm = calm && (end.Add(15*time.Second).Before(t) || f[0].After(t.Add(15*time.Second)))
		}
		if calm {
			due = append(due, t.UnixMilli())
		}
	}
	return due
}
