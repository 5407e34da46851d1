package registry

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// MaxSessions is the most sessions that one answer holds.
const MaxSessions = 25_000

// putSessions writes b's sessions and moves the position of sessions.db. A
// session with the same party and id takes the older one's place.
func (r *Registry) putSessions(ctx context.Context, b *batch) error {
	return r.sessions.tx(ctx, func(tx *sql.Tx) error {
		st := newStatements(ctx, tx)
		for i := range b.sessions {
			s := &b.sessions[i]
			bands, err := json.Marshal(packSessionBands(s.Bands))
			if err != nil {
				return err
			}
			err = st.exec(`INSERT OR REPLACE INTO sessions (party, id, pile, pile_id, start_ms, end_ms, energy_kwh, vin, bands,
				energy_fen, service_fen, parking_fen, total_fen, stop_reason) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
				s.Party, s.ID, s.Pile, s.PileID, int64(s.Start), int64(s.End), s.EnergyKWh, s.VIN, string(bands),
				s.EnergyFen, s.ServiceFen, s.ParkingFen, s.TotalFen, s.StopReason)
			if err != nil {
				return err
			}
		}
		return st.exec(`UPDATE meta SET value = max(value, ?) WHERE key = 'position'`, int64(b.last))
	})
}

// packedBand is a session's band in the file: JSON of five numbers.
type packedBand [5]json.Number

func packSessionBands(bands []charge.SessionBand) [][5]any {
	out := make([][5]any, len(bands))
	for i, b := range bands {
		out[i] = [5]any{b.From, b.To, b.EnergyKWh, b.EnergyFen, b.ServiceFen}
		out[i][0], out[i][1] = int64(b.From), int64(b.To) // as numbers, not as text
	}
	return out
}

func unpackSessionBands(text string) ([]charge.SessionBand, error) {
	if text == "[]" {
		return nil, nil
	}
	var in []packedBand
	if err := json.Unmarshal([]byte(text), &in); err != nil {
		return nil, err
	}
	out := make([]charge.SessionBand, len(in))
	for i, b := range in {
		var whole [5]int64
		for _, j := range [...]int{0, 1, 3, 4} {
			var err error
			if whole[j], err = b[j].Int64(); err != nil {
				return nil, err
			}
		}
		kwh, err := b[2].Float64()
		if err != nil {
			return nil, err
		}
		out[i] = charge.SessionBand{From: charge.Millis(whole[0]), To: charge.Millis(whole[1]), EnergyKWh: kwh,
			EnergyFen: whole[3], ServiceFen: whole[4]}
	}
	return out, nil
}

const sessionColumns = `party, id, pile, pile_id, start_ms, end_ms, energy_kwh, vin, bands,
	energy_fen, service_fen, parking_fen, total_fen, stop_reason`

// Sessions returns the finished sessions of a pile that touched from ≤ t < to,
// by start. [charge.RangeTooLarge] is for more than [MaxSessions] of them.
func (r *Registry) Sessions(ctx context.Context, party charge.Num, pileID string,
	from, to charge.Millis) ([]charge.Session, error) {
	rows, err := r.sessions.read.QueryContext(ctx, `SELECT `+sessionColumns+` FROM sessions
		WHERE party = ? AND pile_id = ? AND start_ms < ? AND (end_ms > ? OR start_ms >= ?)
		ORDER BY start_ms, id LIMIT ?`, party, pileID, int64(to), int64(from), int64(from), MaxSessions+1)
	if err != nil {
		return nil, fmt.Errorf("cannot read the sessions of pile %s: %w", pileID, err)
	}
	defer rows.Close()
	var out []charge.Session
	for rows.Next() {
		s, err := scanSession(rows)
		if err != nil {
			return nil, fmt.Errorf("cannot read the sessions of pile %s: %w", pileID, err)
		}
		out = append(out, s)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("cannot read the sessions of pile %s: %w", pileID, err)
	}
	if len(out) > MaxSessions {
		return nil, charge.Errorf(charge.RangeTooLarge, "pile %s has more than %d sessions in this range: ask for a shorter one",
			pileID, MaxSessions)
	}
	return out, nil
}

// Session returns a party's session by its id. It lags the log by about 0.2 s.
func (r *Registry) Session(ctx context.Context, party charge.Num, id string) (charge.Session, bool, error) {
	s, err := scanSession(r.sessions.read.QueryRowContext(ctx,
		`SELECT `+sessionColumns+` FROM sessions WHERE party = ? AND id = ?`, party, id))
	if errors.Is(err, sql.ErrNoRows) {
		return charge.Session{}, false, nil
	}
	if err != nil {
		return charge.Session{}, false, fmt.Errorf("cannot read session %s: %w", id, err)
	}
	return s, true, nil
}

func scanSession(row interface{ Scan(...any) error }) (s charge.Session, err error) {
	var bands string
	err = row.Scan(&s.Party, &s.ID, &s.Pile, &s.PileID, &s.Start, &s.End, &s.EnergyKWh, &s.VIN, &bands,
		&s.EnergyFen, &s.ServiceFen, &s.ParkingFen, &s.TotalFen, &s.StopReason)
	if err == nil {
		s.Bands, err = unpackSessionBands(bands)
	}
	return s, err
}
