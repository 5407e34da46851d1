package influx

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/influxdata/influxdb-client-go/v2/api"
)

// flux asks InfluxDB 2.x and gives each point to take, in the order of time. A
// Flux answer comes field by field, so it is gathered first.
func (r *Reader) flux(ctx context.Context, q *question, take func(*point) error) error {
	service, err := r.link.get()
	if err != nil {
		return err
	}
	scope := ""
	if q.scope != "" {
		scope = " and r.scope == " + fluxText(q.scope)
	}
	ask := fmt.Sprintf(`from(bucket: %s)
  |> range(start: %s, stop: %s)
  |> filter(fn: (r) => r._measurement == %s and r.id == %s%s)
  |> keep(columns: ["_time", "_field", "_value"])`, fluxText(q.bucket), fluxTime(q.from), fluxTime(q.to),
		fluxText(q.measurement), fluxText(q.id), scope)
	answer, err := api.NewQueryAPI(r.cfg.Org, service).Query(ctx, ask)
	if err != nil {
		return err
	}
	defer answer.Close()

	column := make(map[string]int, len(q.cols))
	for i, c := range q.cols {
		column[c.name] = i
	}
	points := make(map[int64]*point)
	for answer.Next() {
		rec := answer.Record()
		ns := rec.Time().UnixNano()
		p := points[ns]
		if p == nil {
			if len(points) > 40*MaxRows { // over a month of reports every three seconds
				return errEnough
			}
			p = &point{ns: ns, whole: !q.refs, values: make([]any, len(q.cols))}
			points[ns] = p
		}
		v := rec.Value()
		switch name := rec.Field(); name {
		case "has":
			p.has, p.whole = v.(int64)
		case "same":
			p.same, p.ref = v.(int64)
		default:
			if i, ok := column[name]; ok && isKind(v, q.cols[i].kind) {
				p.values[i] = v
			}
		}
	}
	if err := answer.Err(); err != nil {
		return err
	}
	order := make([]int64, 0, len(points))
	for ns := range points {
		order = append(order, ns)
	}
	sort.Slice(order, func(i, j int) bool { return order[i] < order[j] })
	for _, ns := range order {
		if err := take(points[ns]); err != nil {
			return err
		}
	}
	return nil
}

// isKind keeps out what others may have written under our names.
func isKind(v any, k kind) bool {
	switch v.(type) {
	case float64:
		return k == float
	case int64:
		return k == integer
	case string:
		return k == text
	}
	return false
}

// fluxText quotes a text; "$" could begin an interpolation.
func fluxText(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\x24`, "\n", `\n`).Replace(s) + `"`
}

func fluxTime(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339Nano) }
