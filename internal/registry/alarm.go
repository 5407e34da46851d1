package registry

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/dianchi-platform/dianchi/internal/alarm"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// alarmStep is one change of an alarm.
type alarmStep struct {
	event record.AlarmEvent
	id    uint64 // of one that is raised
	at    charge.Millis
}

// addAlarms takes a record's changes in.
func (b *batch) addAlarms(r *record.Record) {
	for i := range r.Alarms {
		b.alarms = append(b.alarms, alarmStep{r.Alarms[i], record.AlarmID(r.Seq, i), r.Received})
	}
}

// putAlarms makes what the book of alarms makes of the same events.
func putAlarms(ctx context.Context, tx *sql.Tx, b *batch) error {
	if len(b.alarms) == 0 {
		return nil
	}
	s := newStatements(ctx, tx)
	for i := range b.alarms {
		st := &b.alarms[i]
		e, at := &st.event, int64(st.at)
		var err error
		switch e.Op {
		case record.AlarmRaise: // one that is open already stays
			err = s.exec(`INSERT OR IGNORE INTO alarms (id, rule, severity, party, kind, object, station, name, level, bits,
				count, total, last_known, text, since_ms, raised_ms, updated_ms) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
				int64(st.id), e.Rule, e.Severity, e.Party, e.Kind, e.Object, e.Station, e.Name, e.Level, int64(e.Bits),
				e.Count, e.Total, e.Last, e.Text, int64(e.Since), at, at)
		case record.AlarmUpdate:
			err = s.exec(`UPDATE alarms SET severity = ?, station = ?, name = ?, level = ?, bits = ?, count = ?, total = ?,
				last_known = ?, text = ?, since_ms = ?, updated_ms = ? WHERE id = ? AND cleared_ms = 0`,
				e.Severity, e.Station, e.Name, e.Level, int64(e.Bits), e.Count, e.Total, e.Last, e.Text, int64(e.Since), at,
				int64(e.ID))
		case record.AlarmAck:
			err = s.exec(`UPDATE alarms SET acked_ms = ?, acked_by = ?, note = ? WHERE id = ? AND cleared_ms = 0`,
				at, e.By, e.Text, int64(e.ID))
		case record.AlarmClear:
			err = s.exec(`UPDATE alarms SET cleared_ms = ?, updated_ms = ?, reason = ? WHERE id = ? AND cleared_ms = 0`,
				at, at, e.Text, int64(e.ID))
		}
		if err != nil {
			return fmt.Errorf("cannot write alarm %s: %w", e.Rule, err)
		}
	}
	return nil
}

// Bounds of what is kept of cleared alarms: registry.db would else grow for ever.
const (
	keepAlarms = 400 * 24 * time.Hour // after they were cleared
	mostAlarms = 1_000_000            // some 300 MB

	trimAfter  = 1000     // alarms cleared until the next look
	trimAtOnce = 5 * 1000 // deleted in one transaction
)

// trimAlarms deletes cleared alarms beyond these bounds, those that were cleared
// first. It looks when enough were cleared since the last look; time is the log's.
func (r *Registry) trimAlarms(ctx context.Context, tx *sql.Tx, b *batch) error {
	var now charge.Millis
	for i := range b.alarms {
		if b.alarms[i].event.Op == record.AlarmClear {
			r.cleared++
			now = max(now, b.alarms[i].at)
		}
	}
	if now == 0 || r.cleared < r.trimAfter {
		return nil
	}
	var all int
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM alarms WHERE cleared_ms > 0`).Scan(&all); err != nil {
		return fmt.Errorf("cannot count alarms: %w", err)
	}
	gone, err := deleteAlarms(ctx, tx, now.Add(-keepAlarms), trimAtOnce)
	if err == nil {
		_, err = deleteAlarms(ctx, tx, math.MaxInt64, min(all-gone-r.mostAlarms, trimAtOnce))
	}
	if err != nil {
		return fmt.Errorf("cannot delete old alarms: %w", err)
	}
	r.cleared = 0
	return nil
}

// deleteAlarms deletes up to most alarms that were cleared before that time,
// those first that were cleared first, and returns how many.
func deleteAlarms(ctx context.Context, tx *sql.Tx, before charge.Millis, most int) (int, error) {
	if most <= 0 {
		return 0, nil
	}
	res, err := tx.ExecContext(ctx, `DELETE FROM alarms WHERE id IN (SELECT id FROM alarms
		WHERE cleared_ms > 0 AND cleared_ms < ? ORDER BY cleared_ms LIMIT ?)`, int64(before), most)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

const alarmColumns = `id, rule, severity, party, kind, object, station, name, level, bits, count, total, last_known, text,
	since_ms, raised_ms, updated_ms, acked_ms, acked_by, note, cleared_ms, reason`

func scanAlarm(rows *sql.Rows) (*alarm.Alarm, error) {
	a := new(alarm.Alarm)
	var id, bits int64
	err := rows.Scan(&id, &a.Rule, &a.Severity, &a.Party, &a.Kind, &a.Object, &a.Station, &a.Name, &a.Level, &bits,
		&a.Count, &a.Total, &a.Last, &a.Text, &a.Since, &a.Raised, &a.Updated, &a.Acked, &a.AckedBy, &a.Note,
		&a.Cleared, &a.Reason)
	a.ID, a.Bits = uint64(id), uint64(bits)
	return a, err
}

// loadAlarms reads every open alarm and those cleared last.
func (c *Catalog) loadAlarms(ctx context.Context, tx *sql.Tx) error {
	add := func(rows *sql.Rows) error {
		a, err := scanAlarm(rows)
		c.Alarms = append(c.Alarms, a)
		return err
	}
	err := each(ctx, tx, `SELECT `+alarmColumns+` FROM alarms WHERE cleared_ms = 0`, add)
	if err != nil {
		return err
	}
	return each(ctx, tx, `SELECT `+alarmColumns+` FROM alarms WHERE cleared_ms > 0 ORDER BY cleared_ms DESC LIMIT ?`,
		add, alarm.MaxRecent)
}

// PastAlarms returns alarms that were ever raised, the newest first: those that
// pass q's filters and stand behind its cursor, at most q.Limit.
func (r *Registry) PastAlarms(ctx context.Context, q *alarm.Query) ([]*alarm.Alarm, error) {
	where, args := []string{"raised_ms >= ?"}, []any{int64(q.From)}
	add := func(cond string, v any) { where, args = append(where, cond), append(args, v) }
	if q.To != 0 {
		add("raised_ms < ?", int64(q.To))
	}
	if q.OnlyOf {
		add("party = ?", q.Party)
	}
	if q.Rule != "" {
		add("rule = ?", q.Rule)
	}
	if q.Severity != 0 {
		add("severity = ?", q.Severity)
	}
	if !q.After.IsZero() {
		add("id < ?", int64(q.After.ID))
	}
	var out []*alarm.Alarm
	err := each(ctx, r.main.read, `SELECT `+alarmColumns+` FROM alarms WHERE `+strings.Join(where, " AND ")+
		` ORDER BY id DESC LIMIT ?`, func(rows *sql.Rows) error {
		a, err := scanAlarm(rows)
		out = append(out, a)
		return err
	}, slices.Concat(args, []any{q.Limit})...)
	if err != nil {
		return nil, fmt.Errorf("cannot read alarms: %w", err)
	}
	return out, nil
}
