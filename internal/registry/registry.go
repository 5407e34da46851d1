// Package registry says what exists: parties, tokens, stations with their
// piles and tariffs, vehicles, the account of every party, and finished
// charging sessions. It keeps them in two SQLite files of the data folder.
//
// Parties and tokens are changed by the command line, also while a platform
// runs on the same folder. Everything else is made from the log: an [Applier]
// reads its records and a [Registry] makes each batch its own in one
// transaction that also moves the position, so every record counts exactly
// once whatever process dies when. registry.db is synced at every commit.
//
// A [Registry]'s methods may be called from several goroutines, and several
// processes may hold the same folder open.
package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
)

// Files in the data folder.
const (
	File         = "registry.db"
	SessionsFile = "sessions.db"
)

// Registry is an open pair of files.
type Registry struct {
	log      *slog.Logger
	main     *file
	sessions *file
	instance string

	// Of who applies the log, which is one at a time.
	cleared               int // alarms cleared since the last look for old ones
	trimAfter, mostAlarms int // bounds, less in tests

	mu      sync.Mutex // guards the members below
	watch   *sql.Conn  // reads data_version; always the same connection
	version int64      // data_version when access was read
	access  uint64
	changed uint64 // access as Changed reported it last
}

// Open opens the registry in dir and makes what is missing: the folder (mode
// 0700) and both files (0600). Migrations run first; files that a newer
// program has written are refused.
func Open(dir string, log *slog.Logger) (*Registry, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the data folder: %w", err)
	}
	r := &Registry{log: log, trimAfter: trimAfter, mostAlarms: mostAlarms, cleared: trimAfter}
	var err error
	if r.main, err = openFile(filepath.Join(dir, File), mainID, "migrations/registry"); err != nil {
		return nil, err
	}
	if r.sessions, err = openFile(filepath.Join(dir, SessionsFile), sessionsID, "migrations/sessions"); err != nil {
		return nil, errors.Join(err, r.main.close())
	}
	if err := r.start(); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot read %s: %w", File, err), r.Close())
	}
	return r, nil
}

func (r *Registry) start() error {
	ctx := context.Background()
	row := r.main.read.QueryRowContext(ctx, `SELECT value FROM meta WHERE key = 'instance'`)
	if err := row.Scan(&r.instance); err != nil {
		return err
	}
	var err error
	if r.watch, err = r.main.read.Conn(ctx); err != nil {
		return err
	}
	r.changed, err = r.AccessVersion()
	return err
}

// Close closes both files.
func (r *Registry) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	if r.watch != nil {
		errs = append(errs, r.watch.Close())
		r.watch = nil
	}
	return errors.Join(append(errs, r.main.close(), r.sessions.close())...)
}

// Instance returns this data folder's own name, 32 hex digits, made once when
// the registry was made. It tells one platform's log from another's.
func (r *Registry) Instance() string { return r.instance }

// Position returns the last Seq that registry.db has made its own; what
// sessions.db holds is never behind it.
func (r *Registry) Position() (uint64, error) {
	pos, err := position(context.Background(), r.main.read)
	if err != nil {
		return 0, fmt.Errorf("cannot read the registry's position: %w", err)
	}
	return pos, nil
}

// querier is a database, a connection or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func position(ctx context.Context, q querier) (pos uint64, err error) {
	err = q.QueryRowContext(ctx, `SELECT value FROM meta WHERE key = 'position'`).Scan(&pos)
	return pos, err
}

// AccessVersion returns a number that moves whenever a party or a token is
// added, changed or removed, by any process. It costs about 10 µs as long as
// nobody writes, so it may be asked many times a second.
func (r *Registry) AccessVersion() (uint64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.watch == nil {
		return 0, errors.New("the registry is closed")
	}
	ctx := context.Background()
	var version int64
	if err := r.watch.QueryRowContext(ctx, `PRAGMA data_version`).Scan(&version); err != nil {
		return 0, fmt.Errorf("cannot watch the registry: %w", err)
	}
	if version == r.version {
		return r.access, nil
	}
	access, err := accessVersion(ctx, r.watch)
	if err != nil {
		return 0, fmt.Errorf("cannot watch the registry: %w", err)
	}
	r.version, r.access = version, access
	return access, nil
}

func accessVersion(ctx context.Context, q querier) (v uint64, err error) {
	err = q.QueryRowContext(ctx, `SELECT value FROM meta WHERE key = 'access'`).Scan(&v)
	return v, err
}

// Changed reports whether parties or tokens changed since Changed was asked
// last, or since Open.
func (r *Registry) Changed() (bool, error) {
	v, err := r.AccessVersion()
	if err != nil {
		return false, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	was := r.changed
	r.changed = v
	return v != was, nil
}
