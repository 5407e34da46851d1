package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/secret"
)

// AddToken makes a token for role and returns it with its secret, which is
// kept nowhere else. Operators' and makers' tokens name their party, which
// must be of that kind; drivers' and regulators' must not.
func (r *Registry) AddToken(ctx context.Context, role charge.Role, party string) (charge.Token, string, error) {
	none := charge.Token{}
	own := role == charge.RoleOperator || role == charge.RoleMaker
	switch {
	case role > charge.RoleRegulator:
		return none, "", charge.Errorf(charge.ValueRange, "role must be driver, operator, maker or regulator")
	case own && party == "":
		return none, "", charge.Errorf(charge.ValueRange, "a token of role %s needs a party", role)
	case !own && party != "":
		return none, "", charge.Errorf(charge.ValueRange, "a token of role %s has no party", role)
	}
	text := secret.NewToken()
	t := charge.Token{ID: secret.NewID(8), Role: role, Party: party,
		Hash: secret.TokenHash(text), Added: charge.At(time.Now())}
	err := r.main.tx(ctx, func(tx *sql.Tx) error {
		var num sql.NullInt64
		if own {
			var kind charge.PartyKind
			err := tx.QueryRowContext(ctx, `SELECT num, kind FROM parties WHERE slug = ? AND removed_ms IS NULL`,
				party).Scan(&num, &kind)
			if errors.Is(err, sql.ErrNoRows) {
				return charge.Errorf(charge.NotFound, "there is no party %s", party)
			}
			if err != nil {
				return err
			}
			if kind.String() != role.String() {
				return charge.Errorf(charge.ValueRange, "party %s is not one for role %s: its kind is %s", party, role, kind)
			}
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO tokens (id, role, party, sha256, added_ms) VALUES (?, ?, ?, ?, ?)`,
			t.ID, int(role), num, t.Hash[:], int64(t.Added))
		return err
	})
	if err != nil {
		return none, "", fmt.Errorf("cannot add a token: %w", err)
	}
	return t, text, nil
}

// RemoveToken ends the token with this id.
func (r *Registry) RemoveToken(ctx context.Context, id string) error {
	err := r.main.tx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `DELETE FROM tokens WHERE id = ?`, id)
		return oneRow(res, err, "there is no token %s", id)
	})
	if err != nil {
		return fmt.Errorf("cannot remove token %s: %w", id, err)
	}
	return nil
}

// Tokens returns all tokens, oldest first.
func (r *Registry) Tokens() ([]charge.Token, error) {
	out, err := tokens(context.Background(), r.main.read)
	if err != nil {
		return nil, fmt.Errorf("cannot read the tokens: %w", err)
	}
	return out, nil
}

func tokens(ctx context.Context, q querier) ([]charge.Token, error) {
	rows, err := q.QueryContext(ctx, `SELECT t.id, t.role, coalesce(p.slug, ''), t.sha256, t.added_ms
		FROM tokens t LEFT JOIN parties p ON p.num = t.party ORDER BY t.added_ms, t.id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []charge.Token
	for rows.Next() {
		var t charge.Token
		var hash []byte
		if err := rows.Scan(&t.ID, &t.Role, &t.Party, &hash, &t.Added); err != nil {
			return nil, err
		}
		copy(t.Hash[:], hash)
		out = append(out, t)
	}
	return out, rows.Err()
}

// Access returns all parties and tokens as they were at one moment, with the
// [Registry.AccessVersion] of that moment.
func (r *Registry) Access() (version uint64, ps []charge.Party, ts []charge.Token, err error) {
	ctx := context.Background()
	tx, err := r.main.read.BeginTx(ctx, nil)
	if err != nil {
		return 0, nil, nil, fmt.Errorf("cannot read parties and tokens: %w", err)
	}
	defer tx.Rollback()
	if version, err = accessVersion(ctx, tx); err == nil {
		if ps, err = parties(ctx, tx); err == nil {
			ts, err = tokens(ctx, tx)
		}
	}
	if err != nil {
		return 0, nil, nil, fmt.Errorf("cannot read parties and tokens: %w", err)
	}
	return version, ps, ts, nil
}
