package registry

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// apply writes b, whose records all lie after the position.
func (r *Registry) apply(ctx context.Context, b *batch) error {
	// The sessions first: once the position has moved, the log may go.
	if len(b.sessions) > 0 {
		if err := r.putSessions(ctx, b); err != nil {
			return fmt.Errorf("cannot write %d sessions: %w", len(b.sessions), err)
		}
	}
	err := r.main.tx(ctx, func(tx *sql.Tx) error {
		// A second writer on this folder would count twice without this look.
		pos, err := position(ctx, tx)
		if err != nil {
			return err
		}
		if pos == b.last {
			return nil // a commit that reported an error has happened all the same
		}
		if pos >= b.first {
			return fmt.Errorf("the position moved to %d meanwhile: is another platform running on this data folder?", pos)
		}
		if err := putCatalog(ctx, tx, b); err != nil {
			return err
		}
		if err := putCounts(ctx, tx, b); err != nil {
			return err
		}
		if err := putAlarms(ctx, tx, b); err != nil {
			return err
		}
		if err := r.trimAlarms(ctx, tx, b); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE meta SET value = ? WHERE key = 'position'`, int64(b.last))
		return err
	})
	if err != nil {
		return fmt.Errorf("cannot apply %d records up to %d: %w", b.records, b.last, err)
	}
	return nil
}

// statements prepares each text once in a transaction.
type statements struct {
	ctx  context.Context
	tx   *sql.Tx
	have map[string]*sql.Stmt
	rows map[insertKey]string // texts of insert
	args []any                // reused
}

func (s *statements) exec(query string, args ...any) error {
	st := s.have[query]
	if st == nil {
		var err error
		if st, err = s.tx.PrepareContext(s.ctx, query); err != nil {
			return err
		}
		s.have[query] = st // closed with the transaction
	}
	_, err := st.ExecContext(s.ctx, args...)
	return err
}

// rowsAtOnce is how many rows one statement inserts: a call of the driver costs
// about as much as three rows.
const rowsAtOnce = 16

// insert runs an INSERT for rows of width values each, given one after the other.
func (s *statements) insert(into string, width int, values []any) error {
	for len(values) > 0 {
		n := min(rowsAtOnce, len(values)/width)
		if n < rowsAtOnce {
			n = 1
		}
		q := s.rows[insertKey{into, n}]
		if q == "" {
			row := ", (?" + strings.Repeat(",?", width-1) + ")"
			q = into + " VALUES " + strings.Repeat(row, n)[2:]
			s.rows[insertKey{into, n}] = q
		}
		if err := s.exec(q, values[:n*width]...); err != nil {
			return err
		}
		values = values[n*width:]
	}
	return nil
}

type insertKey struct {
	into string
	rows int
}

func newStatements(ctx context.Context, tx *sql.Tx) *statements {
	return &statements{ctx: ctx, tx: tx, have: make(map[string]*sql.Stmt), rows: make(map[insertKey]string)}
}

func putCatalog(ctx context.Context, tx *sql.Tx, b *batch) error {
	if len(b.steps) == 0 {
		return nil
	}
	s := newStatements(ctx, tx)
	for i := 0; i < len(b.steps); i++ {
		var err error
		switch st := &b.steps[i]; {
		case st.station != nil && st.station.Removed:
			err = s.exec(`DELETE FROM stations WHERE num = ?`, st.station.Station.Num)
		case st.station != nil:
			err = putStation(s, &st.station.Station)
		case st.vehicle != nil:
			n := 1
			for i+n < len(b.steps) && b.steps[i+n].vehicle != nil {
				n++
			}
			err = putVehicles(s, b.steps[i:i+n])
			i += n - 1
		case st.gone != 0:
			if err = s.exec(`DELETE FROM stations WHERE party = ?`, st.gone); err == nil {
				err = s.exec(`DELETE FROM vehicles WHERE party = ?`, st.gone)
			}
		}
		if err != nil {
			return err
		}
	}
	for key, n := range map[string]charge.Num{
		"mark.station": b.mark.Station, "mark.pile": b.mark.Pile, "mark.vehicle": b.mark.Vehicle,
	} {
		if err := s.exec(`UPDATE meta SET value = max(value, ?) WHERE key = ?`, n, key); err != nil {
			return err
		}
	}
	return nil
}

// putVehicles writes a run of vehicles in its order.
func putVehicles(s *statements, run []step) error {
	s.args = s.args[:0]
	for i := range run {
		v := run[i].vehicle
		s.args = append(s.args, v.Num, v.Party, v.VIN, int(v.Class), v.Model, v.BatteryKWh)
	}
	return s.insert(`INSERT OR REPLACE INTO vehicles (num, party, vin, class, model, battery_kwh)`, 6, s.args)
}

// putStation replaces a station whole. A pile that another station of the
// party had leaves that one: REPLACE takes the row with its number or id away.
func putStation(s *statements, st *charge.Station) error {
	var kind, text, fen, free any
	if p := st.Parking; p != nil {
		kind, text, fen, free = int(p.Type), p.Text, p.FenPerHour, p.FreeMinutes
	}
	// REPLACE deletes the old row, and with it by the foreign key its piles and tariffs.
	err := s.exec(`INSERT OR REPLACE INTO stations (num, party, id, name, name_en, lon, lat, access, district, address, phone,
		open_hours, parking_type, parking_text, parking_fen_h, parking_free_min) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		st.Num, st.Party, st.ID, st.Name, st.NameEn, st.Lon, st.Lat, int(st.Access), st.District, st.Address, st.Phone,
		st.OpenHours, kind, text, fen, free)
	if err != nil {
		return err
	}
	s.args = s.args[:0]
	for i := range st.Piles {
		p := &st.Piles[i]
		s.args = append(s.args, p.Num, st.Num, i, st.Party, p.ID, int(p.Kind), p.RatedKW, p.Standard, p.Bay)
	}
	err = s.insert(`INSERT OR REPLACE INTO piles (num, station, place, party, id, kind, rated_kw, standard, bay)`, 9, s.args)
	if err != nil {
		return err
	}
	for i := range st.Tariffs {
		t := &st.Tariffs[i]
		bands, err := json.Marshal(packBands(t.Bands))
		if err != nil {
			return err
		}
		err = s.exec(`INSERT OR REPLACE INTO tariffs (station, valid_from_ms, bands) VALUES (?, ?, ?)`,
			st.Num, int64(t.ValidFrom), string(bands))
		if err != nil {
			return err
		}
	}
	return nil
}

func packBands(bands []charge.Band) [][4]int64 {
	out := make([][4]int64, len(bands))
	for i, b := range bands {
		out[i] = [4]int64{int64(b.FromMinute), int64(b.ToMinute), b.EnergyE4, b.ServiceE4}
	}
	return out
}

func unpackBands(text string) ([]charge.Band, error) {
	var in [][4]int64
	if err := json.Unmarshal([]byte(text), &in); err != nil {
		return nil, err
	}
	out := make([]charge.Band, len(in))
	for i, b := range in {
		out[i] = charge.Band{FromMinute: int(b[0]), ToMinute: int(b[1]), EnergyE4: b[2], ServiceE4: b[3]}
	}
	return out, nil
}

func putCounts(ctx context.Context, tx *sql.Tx, b *batch) error {
	s := newStatements(ctx, tx)
	for party, c := range b.accounts {
		err := s.exec(`INSERT INTO account (party, received, taken, duplicate, history, rejected,
				kept, flagged, nulls, missing, online_ms, last_ms) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)
			ON CONFLICT (party) DO UPDATE SET received = received + excluded.received, taken = taken + excluded.taken,
			duplicate = duplicate + excluded.duplicate, history = history + excluded.history,
			rejected = rejected + excluded.rejected, kept = kept + excluded.kept, flagged = flagged + excluded.flagged,
			nulls = nulls + excluded.nulls, missing = missing + excluded.missing,
			online_ms = online_ms + excluded.online_ms, last_ms = max(last_ms, excluded.last_ms)`,
			party, int64(c.Received), int64(c.Taken), int64(c.Duplicate), int64(c.History), int64(c.Rejected),
			int64(c.Kept), int64(c.Flagged), int64(c.Nulls), int64(c.Missing), int64(c.OnlineMS), int64(c.last))
		if err != nil {
			return err
		}
		for class, n := range c.Delays {
			if n == 0 {
				continue
			}
			err := s.exec(`INSERT INTO delay_counts (party, class, count) VALUES (?,?,?)
				ON CONFLICT (party, class) DO UPDATE SET count = count + excluded.count`, party, class, int64(n))
			if err != nil {
				return err
			}
		}
	}
	for k, n := range b.rules {
		err := s.exec(`INSERT INTO rule_counts (party, rule, action, count) VALUES (?,?,?,?)
			ON CONFLICT (party, rule, action) DO UPDATE SET count = count + excluded.count`,
			k.party, string(k.rule), int(k.action), int64(n))
		if err != nil {
			return err
		}
	}
	return nil
}
