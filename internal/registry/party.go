package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/secret"
)

// MaxName is the longest name of a party in characters.
const MaxName = 128

var slugForm = regexp.MustCompile(`^[a-z][a-z0-9-]{1,31}$`)

// NewParty is what [Registry.AddParty] needs to know.
type NewParty struct {
	Slug     string
	Kind     charge.PartyKind
	Name     string
	NameEn   string // may be ""
	Password string // "" lets the registry make one
}

func (p *NewParty) check() error {
	if !slugForm.MatchString(p.Slug) {
		return charge.Errorf(charge.ValueRange,
			"slug %q must be 2 to 32 characters of a-z, 0-9 and -, and begin with a letter", p.Slug)
	}
	if p.Kind != charge.Operator && p.Kind != charge.Maker {
		return charge.Errorf(charge.ValueRange, "kind must be operator or maker")
	}
	if err := checkName("name", p.Name); err != nil {
		return err
	}
	if p.NameEn == "" {
		return nil
	}
	return checkName("name-en", p.NameEn)
}

func checkName(what, name string) error {
	switch n := utf8.RuneCountInString(name); {
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return charge.Errorf(charge.ValueRange, "%s must be UTF-8 without control characters", what)
	case n < 1 || n > MaxName || strings.TrimSpace(name) == "":
		return charge.Errorf(charge.ValueRange, "%s must be 1 to %d characters", what, MaxName)
	}
	return nil
}

// AddParty registers a party and returns it with its password, which is kept
// nowhere else. [charge.ValueRange] is for a bad value, [charge.Conflict] for
// a slug that is, or ever was, another party's.
func (r *Registry) AddParty(ctx context.Context, p NewParty) (charge.Party, string, error) {
	none := charge.Party{}
	if err := p.check(); err != nil {
		return none, "", err
	}
	if p.Password == "" {
		p.Password = secret.NewPassword()
	}
	hash, err := secret.HashPassword(p.Password)
	if err != nil {
		return none, "", charge.Errorf(charge.ValueRange, "%s", err)
	}
	out := charge.Party{Slug: p.Slug, Kind: p.Kind, Name: p.Name, NameEn: p.NameEn,
		PasswordHash: hash, Added: charge.At(time.Now())}
	err = r.main.tx(ctx, func(tx *sql.Tx) error {
		var removed sql.NullInt64
		err := tx.QueryRowContext(ctx, `SELECT removed_ms FROM parties WHERE slug = ?`, p.Slug).Scan(&removed)
		if err == nil && removed.Valid {
			return charge.Errorf(charge.Conflict, "slug %s was removed on %s and is never given again: choose another",
				p.Slug, charge.Millis(removed.Int64))
		}
		if err == nil {
			return charge.Errorf(charge.Conflict, "slug %s is already a party's: choose another", p.Slug)
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		res, err := tx.ExecContext(ctx, `INSERT INTO parties (slug, kind, name, name_en, password_hash, added_ms)
			VALUES (?, ?, ?, ?, ?, ?)`, p.Slug, int(p.Kind), p.Name, p.NameEn, hash, int64(out.Added))
		if err != nil {
			return err
		}
		num, err := res.LastInsertId()
		out.Num = charge.Num(num)
		return err
	})
	if err != nil {
		return none, "", fmt.Errorf("cannot add party %s: %w", p.Slug, err)
	}
	return out, p.Password, nil
}

// SetPassword gives a party another password; "" lets the registry make one.
// It returns the password, which is kept nowhere else.
func (r *Registry) SetPassword(ctx context.Context, slug, password string) (string, error) {
	if password == "" {
		password = secret.NewPassword()
	}
	hash, err := secret.HashPassword(password)
	if err != nil {
		return "", charge.Errorf(charge.ValueRange, "%s", err)
	}
	err = r.main.tx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE parties SET password_hash = ? WHERE slug = ? AND removed_ms IS NULL`,
			hash, slug)
		return oneRow(res, err, "there is no party %s", slug)
	})
	if err != nil {
		return "", fmt.Errorf("cannot set the password of %s: %w", slug, err)
	}
	return password, nil
}

// RemoveParty ends a party and its tokens. Its slug stays taken and its
// sessions and account stay; its stations, piles and vehicles go when the log
// says so.
func (r *Registry) RemoveParty(ctx context.Context, slug string) error {
	err := r.main.tx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `UPDATE parties SET removed_ms = ? WHERE slug = ? AND removed_ms IS NULL`,
			time.Now().UnixMilli(), slug)
		if err := oneRow(res, err, "there is no party %s", slug); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM tokens WHERE party = (SELECT num FROM parties WHERE slug = ?)`, slug)
		return err
	})
	if err != nil {
		return fmt.Errorf("cannot remove party %s: %w", slug, err)
	}
	return nil
}

// oneRow returns a NotFound error with the given text unless exactly one row changed.
func oneRow(res sql.Result, err error, format string, args ...any) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err == nil && n != 1 {
		err = charge.Errorf(charge.NotFound, format, args...)
	}
	return err
}

// Parties returns all parties by number, also the removed ones.
func (r *Registry) Parties() ([]charge.Party, error) {
	out, err := parties(context.Background(), r.main.read)
	if err != nil {
		return nil, fmt.Errorf("cannot read the parties: %w", err)
	}
	return out, nil
}

func parties(ctx context.Context, q querier) ([]charge.Party, error) {
	rows, err := q.QueryContext(ctx, `SELECT num, slug, kind, name, name_en, password_hash, added_ms, removed_ms IS NOT NULL
		FROM parties ORDER BY num`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []charge.Party
	for rows.Next() {
		var p charge.Party
		if err := rows.Scan(&p.Num, &p.Slug, &p.Kind, &p.Name, &p.NameEn, &p.PasswordHash, &p.Added, &p.Removed); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, rows.Err()
}

// tx runs f in a transaction that holds the file's write lock.
func (f *file) tx(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := f.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit()
}
