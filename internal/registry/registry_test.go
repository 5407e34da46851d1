package registry

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/secret"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

var quiet = slog.New(slog.DiscardHandler)

func open(t testing.TB, dir string) *Registry {
	t.Helper()
	r, err := Open(dir, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// catalog loads what r holds.
func catalog(t testing.TB, r *Registry) *Catalog {
	t.Helper()
	c, err := r.LoadCatalog(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestOpenFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "数据 #1?%20&x=y")
	r := open(t, dir)
	if _, _, err := r.AddParty(t.Context(), NewParty{Slug: "teld", Kind: charge.Operator, Name: "特来电"}); err != nil {
		t.Fatal(err)
	}
	f := func(name string, want os.FileMode) {
		t.Helper()
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Fatalf("mode of %s = %o, want %o", name, got, want)
		}
	}

	f("", 0o700)
	f(File, 0o600)
	f(File+"-wal", 0o600)
	f(File+"-shm", 0o600)
	f(SessionsFile, 0o600)

	again := open(t, dir)
	if again.Instance() != r.Instance() || len(r.Instance()) != 32 {
		t.Fatalf("the instance is %q, then %q", r.Instance(), again.Instance())
	}
	if other := open(t, t.TempDir()); other.Instance() == r.Instance() {
		t.Fatalf("two registries have the same instance %q", r.Instance())
	}
}

func TestOpenSettings(t *testing.T) {
	r := open(t, t.TempDir())
	f := func(file *file, pragma, want string) {
		t.Helper()
		var got string
		if err := file.write.QueryRow("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
			t.Fatalf("%s = %q, %v, want %q", pragma, got, err, want)
		}
	}

	for _, file := range []*file{r.main, r.sessions} {
		f(file, "journal_mode", "wal")
		f(file, "synchronous", "2") // FULL
		f(file, "foreign_keys", "1")
		f(file, "busy_timeout", "15000")
	}
	if _, err := r.main.read.Exec(`DELETE FROM meta`); err == nil {
		t.Fatal("a reader's connection could write")
	}
}

func TestOpenRefuses(t *testing.T) {
	f := func(sql, want string) {
		t.Helper()
		dir := t.TempDir()
		r := open(t, dir)
		if _, err := r.main.write.Exec(sql); err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		_, err := Open(dir, quiet)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Fatalf("Open after %s = %v, want one line with %q", sql, err, want)
		}
	}

	f(`PRAGMA user_version = 99`, "a newer dianchi has written it (format 99")
	f(`PRAGMA application_id = 7`, "another program's database")
	f(`PRAGMA application_id = 0; PRAGMA user_version = 0`, "another program's database")

	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, File), []byte(strings.Repeat("not SQLite ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, quiet); err == nil {
		t.Fatal("Open took a file that is no database")
	}
}

// A migration that was released is never edited: a change is a new file.
func TestMigrationsStay(t *testing.T) {
	f := func(name, want string) {
		t.Helper()
		b, err := migrations.ReadFile("migrations/" + name)
		if err != nil {
			t.Fatal(err)
		}
		sum := secret.TokenHash(string(b))
		if got := fmt.Sprintf("%x", sum[:6]); got != want {
			t.Fatalf("%s was edited (%s, released as %s): add a new migration instead", name, got, want)
		}
	}

	f("registry/0001_first.sql", "ab1b70745616")
	f("registry/0002_account.sql", "2cc468f3a098")
	f("sessions/0001_first.sql", "778821999800")
}

func TestAddParty(t *testing.T) {
	r := open(t, t.TempDir())
	f := func(p NewParty, want charge.Code) {
		t.Helper()
		got, password, err := r.AddParty(t.Context(), p)
		if want != "" {
			if err == nil || charge.CodeOf(err) != want {
				t.Fatalf("AddParty(%+v) = %v, want code %s", p, err, want)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if p.Password != "" && password != p.Password || len(password) < 24 && p.Password == "" {
			t.Fatalf("AddParty(%+v) gave password %q", p, password)
		}
		if ok, err := secret.CheckPassword(got.PasswordHash, password); !ok || err != nil {
			t.Fatalf("the password of %s does not pass its own hash: %v", p.Slug, err)
		}
		ps, err := r.Parties()
		if err != nil || ps[len(ps)-1] != got {
			t.Fatalf("Parties ends with %+v, want %+v (%v)", ps[len(ps)-1], got, err)
		}
	}

	const op, mk = charge.Operator, charge.Maker
	f(NewParty{Slug: "teld", Kind: op, Name: "特来电", NameEn: "TELD"}, "")
	f(NewParty{Slug: "byd", Kind: mk, Name: "比亚迪", Password: "x"}, "")
	f(NewParty{Slug: "a-" + strings.Repeat("9", 30), Kind: mk, Name: strings.Repeat("名", 128)}, "")
	f(NewParty{Slug: "teld", Kind: mk, Name: "x"}, charge.Conflict)
	f(NewParty{Slug: "", Kind: op, Name: "x"}, charge.ValueRange)
	f(NewParty{Slug: "a", Kind: op, Name: "x"}, charge.ValueRange)
	f(NewParty{Slug: "Teld", Kind: op, Name: "x"}, charge.ValueRange)
	f(NewParty{Slug: "1teld", Kind: op, Name: "x"}, charge.ValueRange)
	f(NewParty{Slug: "te/ld", Kind: op, Name: "x"}, charge.ValueRange)
	f(NewParty{Slug: "teld\n", Kind: op, Name: "x"}, charge.ValueRange)
	f(NewParty{Slug: "a" + strings.Repeat("9", 32), Kind: op, Name: "x"}, charge.ValueRange)
	f(NewParty{Slug: "ok", Kind: 0, Name: "x"}, charge.ValueRange)
	f(NewParty{Slug: "ok", Kind: 3, Name: "x"}, charge.ValueRange)
	f(NewParty{Slug: "ok", Kind: op, Name: ""}, charge.ValueRange)
	f(NewParty{Slug: "ok", Kind: op, Name: " "}, charge.ValueRange)
	f(NewParty{Slug: "ok", Kind: op, Name: "a\nb"}, charge.ValueRange)
	f(NewParty{Slug: "ok", Kind: op, Name: "\xff"}, charge.ValueRange)
	f(NewParty{Slug: "ok", Kind: op, Name: strings.Repeat("名", 129)}, charge.ValueRange)
	f(NewParty{Slug: "ok", Kind: op, Name: "x", NameEn: strings.Repeat("n", 129)}, charge.ValueRange)
	f(NewParty{Slug: "ok", Kind: op, Name: "x", Password: strings.Repeat("p", 2000)}, charge.ValueRange)
}

func TestRemovedSlugStaysTaken(t *testing.T) {
	r := open(t, t.TempDir())
	add := func(slug string) (charge.Party, error) {
		p, _, err := r.AddParty(t.Context(), NewParty{Slug: slug, Kind: charge.Operator, Name: slug})
		return p, err
	}
	first, err := add("teld")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.AddToken(t.Context(), charge.RoleOperator, "teld"); err != nil {
		t.Fatal(err)
	}
	if err := r.RemoveParty(t.Context(), "teld"); err != nil {
		t.Fatal(err)
	}
	if err := r.RemoveParty(t.Context(), "teld"); charge.CodeOf(err) != charge.NotFound {
		t.Fatalf("a second removal = %v", err)
	}
	if _, err := add("teld"); charge.CodeOf(err) != charge.Conflict || !strings.Contains(err.Error(), "never given again") {
		t.Fatalf("a removed slug was given again: %v", err)
	}
	if ts, err := r.Tokens(); err != nil || len(ts) != 0 {
		t.Fatalf("a removed party keeps tokens %v (%v)", ts, err)
	}
	second, err := add("teld2")
	if err != nil || second.Num <= first.Num {
		t.Fatalf("the next party has number %d after %d (%v)", second.Num, first.Num, err)
	}
	if _, err := r.SetPassword(t.Context(), "teld", ""); charge.CodeOf(err) != charge.NotFound {
		t.Fatalf("a removed party got a password: %v", err)
	}
	ps, err := r.Parties()
	if err != nil || len(ps) != 2 || !ps[0].Removed || ps[1].Removed {
		t.Fatalf("Parties = %+v, %v", ps, err)
	}
}

func TestTokens(t *testing.T) {
	r := open(t, t.TempDir())
	for slug, kind := range map[string]charge.PartyKind{"teld": charge.Operator, "byd": charge.Maker, "gone": charge.Operator} {
		if _, _, err := r.AddParty(t.Context(), NewParty{Slug: slug, Kind: kind, Name: slug}); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.RemoveParty(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	f := func(role charge.Role, party string, want charge.Code) {
		t.Helper()
		tok, text, err := r.AddToken(t.Context(), role, party)
		if want != "" {
			if err == nil || charge.CodeOf(err) != want {
				t.Fatalf("AddToken(%s, %q) = %v, want code %s", role, party, err, want)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if secret.TokenHash(text) != tok.Hash || len(text) < 40 {
			t.Fatalf("token %q does not have hash %x", text, tok.Hash)
		}
		ts, err := r.Tokens()
		if err != nil || !slices.Contains(ts, tok) {
			t.Fatalf("Tokens = %v, %v, want it to hold %v", ts, err, tok)
		}
	}

	f(charge.RoleDriver, "", "")
	f(charge.RoleRegulator, "", "")
	f(charge.RoleOperator, "teld", "")
	f(charge.RoleMaker, "byd", "")
	f(charge.RoleOperator, "", charge.ValueRange)
	f(charge.RoleMaker, "", charge.ValueRange)
	f(charge.RoleDriver, "teld", charge.ValueRange)
	f(charge.RoleRegulator, "teld", charge.ValueRange)
	f(charge.RoleOperator, "byd", charge.ValueRange)
	f(charge.RoleMaker, "teld", charge.ValueRange)
	f(charge.RoleOperator, "nobody", charge.NotFound)
	f(charge.RoleOperator, "gone", charge.NotFound)
	f(charge.Role(9), "", charge.ValueRange)

	ts, err := r.Tokens()
	if err != nil || len(ts) != 4 {
		t.Fatalf("Tokens = %v, %v", ts, err)
	}
	if err := r.RemoveToken(t.Context(), ts[0].ID); err != nil {
		t.Fatal(err)
	}
	if err := r.RemoveToken(t.Context(), ts[0].ID); charge.CodeOf(err) != charge.NotFound {
		t.Fatalf("a second removal = %v", err)
	}
}

// Only parties and tokens move the access version, whoever changes them.
func TestAccessVersion(t *testing.T) {
	dir := t.TempDir()
	r, other := open(t, dir), open(t, dir)
	f := func(want bool, do func() error) {
		t.Helper()
		if err := do(); err != nil {
			t.Fatal(err)
		}
		if got, err := r.Changed(); got != want || err != nil {
			t.Fatalf("Changed = %v, %v, want %v", got, err, want)
		}
		if got, err := r.Changed(); got || err != nil {
			t.Fatalf("Changed without a change = %v, %v", got, err)
		}
	}
	party := func(r *Registry, slug string) func() error {
		return func() error {
			_, _, err := r.AddParty(t.Context(), NewParty{Slug: slug, Kind: charge.Operator, Name: slug})
			return err
		}
	}
	var id string

	f(true, party(r, "own"))
	f(true, party(other, "others"))
	f(false, func() error { return r.applyBatch([]*record.Record{{Seq: 1, Kind: record.Message, Party: 1}}) })
	f(false, func() error { return other.applyBatch([]*record.Record{{Seq: 2, Kind: record.Message, Party: 1}}) })
	f(true, func() error {
		tok, _, err := other.AddToken(t.Context(), charge.RoleOperator, "own")
		id = tok.ID
		return err
	})
	f(true, func() error { return other.RemoveToken(t.Context(), id) })
	f(true, func() error { _, err := other.SetPassword(t.Context(), "own", ""); return err })
	f(true, func() error { return other.RemoveParty(t.Context(), "own") })

	version, ps, ts, err := r.Access()
	if err != nil || len(ps) != 2 || len(ts) != 0 {
		t.Fatalf("Access = %v, %v, %v", ps, ts, err)
	}
	if now, err := r.AccessVersion(); err != nil || now != version {
		t.Fatalf("AccessVersion = %d, %v, want %d", now, err, version)
	}
}

func TestSessions(t *testing.T) {
	r := open(t, t.TempDir())
	full := charge.Session{Party: 3, ID: "A17", Pile: 9, PileID: "S1-1", Start: 1000, End: 2000, EnergyKWh: 31.25,
		VIN: "LNBMDBAH4PA000001", EnergyFen: 3187, ServiceFen: 1250, ParkingFen: -1, TotalFen: 4437, StopReason: 0,
		Bands: []charge.SessionBand{{From: 1000, To: 1500, EnergyKWh: 0.1, EnergyFen: 10, ServiceFen: 4},
			{From: 1500, To: 2000, EnergyKWh: 31.15, EnergyFen: 3177, ServiceFen: 1246}}}
	bare := charge.Session{Party: 3, ID: "A18", Pile: 9, PileID: "S1-1", Start: 3000, End: 3000, EnergyFen: -1,
		ServiceFen: -1, ParkingFen: -1, TotalFen: -1, StopReason: -1}
	other := charge.Session{Party: 4, ID: "A17", PileID: "S1-1", Start: 1000, End: 2000}
	seq := uint64(0)
	put := func(s ...charge.Session) {
		t.Helper()
		seq++
		if err := r.applyBatch([]*record.Record{{Seq: seq, Kind: record.Message, Party: 3, Payload: charge.Sessions, Sessions: s}}); err != nil {
			t.Fatal(err)
		}
	}
	f := func(party charge.Num, from, to charge.Millis, want ...charge.Session) {
		t.Helper()
		got, err := r.Sessions(t.Context(), party, "S1-1", from, to)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("Sessions(%d, %d, %d) = %+v, %v, want %+v", party, from, to, got, err, want)
		}
	}

	put(bare, full, other)
	f(3, 0, 9999, full, bare)
	f(3, 0, 1000)
	f(3, 0, 1001, full)
	f(3, 1999, 3000, full)
	f(3, 2000, 3000)
	f(3, 2000, 3001, bare)
	f(3, 3000, 3001, bare)
	f(4, 0, 9999, other)
	f(5, 0, 9999)

	moved := full
	moved.TotalFen, moved.Bands = 4500, nil
	put(moved)
	f(3, 0, 9999, moved, bare)
	if got, ok, err := r.Session(t.Context(), 3, "A17"); !ok || err != nil || !reflect.DeepEqual(got, moved) {
		t.Fatalf("Session = %+v, %v, %v", got, ok, err)
	}
	if _, ok, err := r.Session(t.Context(), 3, "nix"); ok || err != nil {
		t.Fatalf("Session of no id = %v, %v", ok, err)
	}
}

// applyBatch makes records its own, in one transaction that also moves the
// position to the last of them. They must come in the order of the log;
// records that the position already covers are left out, so a batch may be
// given again. After an error nothing of the batch has happened, but that
// sessions.db may already hold its sessions.
func (r *Registry) applyBatch(records []*record.Record) error {
	pos, err := r.Position()
	if err != nil {
		return err
	}
	var b batch
	for _, rec := range records {
		if rec.Seq > max(pos, b.last) {
			b.add(rec)
		}
	}
	if b.records == 0 {
		return nil
	}
	return r.apply(context.Background(), &b)
}
