package registry

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// The test binary is its own second process: DIANCHI_TEST_CHILD names a child
// of this table, which gets the data folder.
func TestMain(m *testing.M) {
	if name := os.Getenv("DIANCHI_TEST_CHILD"); name != "" {
		if err := children[name](os.Getenv("DIANCHI_TEST_DIR")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

var children = map[string]func(dir string) error{
	"apply": applyForEver,
	"add":   addParty,
}

func child(t *testing.T, name, dir string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), "DIANCHI_TEST_CHILD="+name, "DIANCHI_TEST_DIR="+dir)
	cmd.Stderr = os.Stderr
	return cmd
}

const crashSeed = 77

// crashRecord is entry seq of the endless log that the child applies: the
// world's, and a session each, whose content follows from its id.
func crashRecord(w *world) *record.Record {
	r := w.record()
	if r.Kind == record.Message && r.Seq%3 == 0 {
		r.Sessions = []charge.Session{crashSession(r.Seq)}
	}
	return r
}

func crashSession(seq uint64) charge.Session {
	return charge.Session{Party: 1, ID: fmt.Sprint("A", seq), PileID: "P1", Start: charge.Millis(seq), End: charge.Millis(seq + 1),
		EnergyKWh: float64(seq), StopReason: -1}
}

// applyForEver applies the log from the registry's position on, in batches of
// random size, until it is killed. It says when it has begun.
func applyForEver(dir string) error {
	r, err := Open(dir, quiet)
	if err != nil {
		return err
	}
	pos, err := r.Position()
	if err != nil {
		return err
	}
	w := newWorld(crashSeed)
	for w.seq < pos {
		crashRecord(w)
	}
	fmt.Println("begun")
	size := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	for {
		batch := make([]*record.Record, 1+size.IntN(30))
		for i := range batch {
			batch[i] = crashRecord(w)
		}
		if err := r.applyBatch(batch); err != nil {
			return err
		}
	}
}

// Killed at any moment, the registry holds exactly what the log says up to its
// position, and sessions.db holds at least that.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	w, m := newWorld(crashSeed), newModel()
	var sessions []uint64
	before := uint64(0)
	for round := range rounds {
		cmd := child(t, "apply", dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "begun\n" {
			t.Fatalf("the child said %q, %v", line, err)
		}
		time.Sleep(time.Duration(20+rand.IntN(150)) * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		cmd.Wait()

		r := open(t, dir)
		got := catalog(t, r)
		if got.Position < before {
			t.Fatalf("round %d: the position went from %d back to %d", round, before, got.Position)
		}
		before = got.Position
		for w.seq < got.Position {
			rec := crashRecord(w)
			m.apply(rec)
			if len(rec.Sessions) > 0 {
				sessions = append(sessions, rec.Seq)
			}
		}
		if want := m.catalog(); !reflect.DeepEqual(got, want) {
			t.Fatalf("round %d, position %d: the catalog is\n%+v\nwant\n%+v", round, got.Position, got, want)
		}
		have, err := r.Sessions(t.Context(), 1, "P1", 0, charge.Millis(got.Position+1))
		if err != nil {
			t.Fatal(err)
		}
		if len(have) < len(sessions) {
			t.Fatalf("round %d: %d sessions up to %d, want %d", round, len(have), got.Position, len(sessions))
		}
		for i, seq := range sessions {
			if !reflect.DeepEqual(have[i], crashSession(seq)) {
				t.Fatalf("round %d: session %d is %+v, want %+v", round, i, have[i], crashSession(seq))
			}
		}
		r.Close()
	}
	if before == 0 {
		t.Fatal("no child got as far as one batch")
	}
	t.Logf("%d kills, position %d", rounds, before)
}

func addParty(dir string) error {
	r, err := Open(dir, quiet)
	if err != nil {
		return err
	}
	p, password, err := r.AddParty(context.Background(), NewParty{Slug: "other", Kind: charge.Maker, Name: "别的"})
	if err != nil {
		return err
	}
	_, token, err := r.AddToken(context.Background(), charge.RoleMaker, p.Slug)
	if err != nil {
		return err
	}
	fmt.Println(password, token)
	return r.Close()
}

// A party that another process adds while we write is seen, and the other
// process does not fail on our transactions.
func TestTwoProcesses(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	ctx, stop := context.WithCancel(t.Context())
	wrote := make(chan error, 1)
	go func() {
		w := newWorld(5)
		var err error
		for err == nil && ctx.Err() == nil {
			err = r.applyBatch([]*record.Record{w.record(), w.record(), w.record()})
		}
		wrote <- err
	}()
	out, err := child(t, "add", dir).Output()
	if err != nil {
		t.Fatalf("the other process: %v", err)
	}
	if changed, err := r.Changed(); !changed || err != nil {
		t.Fatalf("Changed = %v, %v after another process added a party", changed, err)
	}
	_, ps, ts, err := r.Access()
	if err != nil || len(ps) != 1 || ps[0].Slug != "other" || len(ts) != 1 || ts[0].Party != "other" {
		t.Fatalf("Access = %+v, %+v, %v", ps, ts, err)
	}
	if n := len(strings.Fields(string(out))); n != 2 {
		t.Fatalf("the other process said %q", out)
	}
	stop()
	if err := <-wrote; err != nil {
		t.Fatal(err)
	}
}

// Several processes may make the same folder at once.
func TestOpenTogether(t *testing.T) {
	dir := t.TempDir()
	errs := make(chan error, 8)
	for range cap(errs) {
		go func() {
			r, err := Open(dir, quiet)
			if err == nil {
				err = r.Close()
			}
			errs <- err
		}()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
}
