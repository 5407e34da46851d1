package registry

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/spool"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

func openSpool(t testing.TB, dir string) *spool.Spool {
	t.Helper()
	s, err := spool.Open(spool.Config{Dir: dir, FloorBytes: -1, GroupWait: time.Millisecond}, quiet, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(context.Background()) })
	return s
}

func write(t testing.TB, s *spool.Spool, rs ...*record.Record) {
	t.Helper()
	for _, r := range rs {
		seq, err := s.Append(r.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		r.Seq = seq
	}
}

// wait waits until the applier has made everything up to seq the registry's.
func wait(t testing.TB, a *Applier, seq uint64) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); a.Stats().Position < seq; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the applier stays at %+v, want position %d", a.Stats(), seq)
		}
	}
}

// What goes through the log, over restarts of the part, is what the model holds;
// decoding reuses its buffers and must not reach what the batch keeps.
func TestApplier(t *testing.T) {
	dir := t.TempDir()
	r, s := open(t, dir), openSpool(t, t.TempDir())
	w, m := newWorld(3), newModel()
	for round := range 4 {
		a := NewApplier(ApplierConfig{Records: 100, Urgent: 5 * time.Millisecond, Counters: 20 * time.Millisecond}, quiet, r, s)
		if err := a.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 500 {
			rec := w.record()
			rec.Received = 1795392000000
			write(t, s, rec)
			m.apply(rec)
		}
		if round%2 == 0 {
			wait(t, a, m.position)
		}
		if err := a.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if pos, err := r.Position(); err != nil || pos != a.Stats().Position {
			t.Fatalf("after Stop the position is %d, %v, Stats says %d", pos, err, a.Stats().Position)
		}
	}
	a := NewApplier(ApplierConfig{}, quiet, r, s)
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	wait(t, a, m.position)
	if err := a.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := catalog(t, r), m.catalog(); !reflect.DeepEqual(got, want) {
		t.Fatalf("the catalog is\n%+v\nwant\n%+v", got, want)
	}
	if lag := s.Stats().Lag; lag[holder] != 0 || len(lag) != 1 {
		t.Fatalf("the spool's holders lag by %v, want %s at 0", lag, holder)
	}
}

// A change of the catalog is there soon; counters alone wait to be joined.
func TestApplierPatience(t *testing.T) {
	r, s := open(t, t.TempDir()), openSpool(t, t.TempDir())
	a := NewApplier(ApplierConfig{Urgent: time.Millisecond, Counters: time.Hour}, quiet, r, s)
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	count := func() *record.Record {
		return &record.Record{Kind: record.Message, Party: 1, Account: charge.Account{Received: 1, Taken: 1}}
	}
	write(t, s, count(), count())
	if err := s.WaitSynced(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	if st := a.Stats(); st.Position != 0 {
		t.Fatalf("counters were written at once: %+v", st)
	}
	rec := count()
	rec.Vehicles = []charge.Vehicle{{Num: 1, Party: 1, VIN: "LNBMDBAH4PA000001"}}
	write(t, s, rec)
	wait(t, a, 3)
	write(t, s, count())
	if err := s.WaitSynced(t.Context(), 4); err != nil {
		t.Fatal(err)
	}
	time.Sleep(20 * time.Millisecond)
	if err := a.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c := catalog(t, r); c.Position != 4 || c.Accounts[0].Counts.Received != 4 || a.Stats().Batches != 2 {
		t.Fatalf("after Stop: %+v, %+v", c, a.Stats())
	}
}

// A failing disk delays, it does not lose; an unreadable entry costs itself only.
func TestApplierGoesOn(t *testing.T) {
	r, s := open(t, t.TempDir()), openSpool(t, t.TempDir())
	if _, err := r.main.write.Exec(`CREATE TRIGGER broken BEFORE INSERT ON vehicles BEGIN SELECT raise(ABORT, 'disk on fire'); END`); err != nil {
		t.Fatal(err)
	}
	a := NewApplier(ApplierConfig{Urgent: time.Millisecond}, quiet, r, s)
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append([]byte("no record")); err != nil {
		t.Fatal(err)
	}
	write(t, s, &record.Record{Kind: record.Message, Party: 1, Account: charge.Account{Received: 1, Taken: 1},
		Vehicles: []charge.Vehicle{{Num: 1, Party: 1, VIN: "LNBMDBAH4PA000001"}}})
	for end := time.Now().Add(10 * time.Second); a.Stats().Failures < 2; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no failure was counted: %+v", a.Stats())
		}
	}
	if st := a.Stats(); st.Err == nil || st.Position != 0 || s.Stats().Lag[holder] != 2 {
		t.Fatalf("while the disk fails: %+v", st)
	}
	if _, err := r.main.write.Exec(`DROP TRIGGER broken`); err != nil {
		t.Fatal(err)
	}
	wait(t, a, 2)
	if err := a.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if st := a.Stats(); st.Err != nil || st.Unreadable != 1 {
		t.Fatalf("afterwards: %+v", st)
	}
	if c := catalog(t, r); len(c.Vehicles) != 1 || c.Accounts[0].Counts.Received != 1 {
		t.Fatalf("afterwards the catalog is %+v", c)
	}
}
