package registry

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"modernc.org/sqlite" // the pure Go driver; nothing else of it is used
)

//go:embed migrations
var migrations embed.FS

// Numbers in the files' headers (PRAGMA application_id) by which we know them as ours.
const (
	mainID     = 0x44436831 // "DCh1"
	sessionsID = 0x44436832 // "DCh2"
)

// busyMS is how long a statement waits for another process's transaction.
// The longest of ours, a first catalog of 200,000 vehicles, takes about 3 s.
const busyMS = 15_000

// file is one SQLite file with a writer and a few readers.
type file struct {
	path  string
	write *sql.DB // one connection; transactions take the write lock at once
	read  *sql.DB
}

// openFile opens or makes the file at path and brings it to the newest format.
func openFile(path string, id int, steps string) (*file, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("cannot open %s: %w", path, err)
	}
	// SQLite would make it readable for everyone; -wal and -shm take its mode.
	h, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot open the registry: %w", err)
	}
	h.Close()
	f := &file{path: path}
	if f.write, err = openDB(path, "immediate", 0); err != nil {
		return nil, fmt.Errorf("cannot open %s: %w", path, err)
	}
	f.write.SetMaxOpenConns(1)
	if f.read, err = openDB(path, "deferred", 1); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot open %s: %w", path, err), f.write.Close())
	}
	f.read.SetMaxOpenConns(6)
	f.read.SetMaxIdleConns(6)
	if err := f.prepare(id, steps); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot open %s: %w", path, err), f.close())
	}
	return f, nil
}

// openDB returns a pool whose connections all have our settings.
func openDB(path, lock string, queryOnly int) (*sql.DB, error) {
	q := url.Values{}
	q.Set("_txlock", lock)
	q.Set("_busy_timeout", fmt.Sprint(busyMS))
	q.Set("_foreign_keys", "1")
	q.Set("_synchronous", "FULL")
	q.Set("_query_only", fmt.Sprint(queryOnly))
	q.Add("_pragma", "cache_size(-16000)") // 16 MB
	q.Add("_pragma", "temp_store(MEMORY)") // undo logs of single statements
	u := url.URL{Scheme: "file", Path: path, OmitHost: true, RawQuery: q.Encode()}
	c, err := sqlite.NewConnector(u.String())
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(c), nil
}

func (f *file) close() error { return errors.Join(f.read.Close(), f.write.Close()) }

// prepare checks whose file it is and runs the migrations it lacks.
func (f *file) prepare(id int, steps string) error {
	ctx := context.Background()
	names, err := fs.Glob(migrations, steps+"/*.sql")
	if err != nil {
		return err
	}
	if err := f.wal(ctx); err != nil {
		return err
	}
	tx, err := f.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var have, format int
	if err := tx.QueryRowContext(ctx, `PRAGMA application_id`).Scan(&have); err != nil {
		return err
	}
	if err := tx.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&format); err != nil {
		return err
	}
	switch {
	case format == 0 && have == 0:
		var tables int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema`).Scan(&tables); err != nil {
			return err
		}
		if tables > 0 {
			return errors.New("it is another program's database: choose another data folder")
		}
	case have != id:
		return errors.New("it is another program's database: choose another data folder")
	case format > len(names):
		return fmt.Errorf("a newer dianchi has written it (format %d, this program knows %d): "+
			"run the newer program, or restore the copy from before the upgrade", format, len(names))
	case format == len(names):
		return nil
	}
	for i, name := range names[format:] {
		step, err := migrations.ReadFile(name)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, string(step)); err != nil {
			return fmt.Errorf("migration %s: %w", filepath.Base(name), err)
		}
		if !strings.HasPrefix(filepath.Base(name), fmt.Sprintf("%04d_", format+i+1)) {
			return fmt.Errorf("migration %s is out of its order", name)
		}
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf(`PRAGMA application_id = %d`, id)); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf(`PRAGMA user_version = %d`, len(names))); err != nil {
		return err
	}
	return tx.Commit()
}

// wal switches the file to write-ahead logging, which it stays in. SQLite does
// not wait for locks here, so two processes that start at once need patience.
func (f *file) wal(ctx context.Context) error {
	for end := time.Now().Add(busyMS * time.Millisecond); ; time.Sleep(10 * time.Millisecond) {
		var mode string
		err := f.write.QueryRowContext(ctx, `PRAGMA journal_mode = WAL`).Scan(&mode)
		if err == nil && mode == "wal" {
			return nil
		}
		if err == nil {
			return fmt.Errorf("its file system does not support write-ahead logging (mode %s)", mode)
		}
		const busy = 5 // SQLITE_BUSY
		if e, ok := errors.AsType[*sqlite.Error](err); !ok || e.Code()&0xff != busy || time.Now().After(end) {
			return err
		}
	}
}
