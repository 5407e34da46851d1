package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/ingest/door"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/city"
	"github.com/dianchi-platform/dianchi/internal/live"
	"github.com/dianchi-platform/dianchi/internal/spool"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// Numbers of the parties in tests.
const (
	teld charge.Num = 1 + iota
	star
	byd
	nio
)

var regulator = live.Viewer{Role: charge.RoleRegulator}

// people are the parties; removed ones stay known by number only.
type people struct {
	mu  sync.Mutex
	all []charge.Party
}

func newPeople() *people {
	return &people{all: []charge.Party{
		{Num: teld, Slug: "teld", Kind: charge.Operator}, {Num: star, Slug: "star", Kind: charge.Operator},
		{Num: byd, Slug: "byd", Kind: charge.Maker}, {Num: nio, Slug: "nio", Kind: charge.Maker},
	}}
}

func (p *people) Access() ([]charge.Party, []charge.Token) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.all), nil
}

func (p *people) Party(num charge.Num) (charge.Party, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, q := range p.all {
		if q.Num == num && !q.Removed {
			return q, true
		}
	}
	return charge.Party{}, false
}

func (p *people) remove(num charge.Num) charge.Party {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.all {
		if p.all[i].Num == num {
			p.all[i].Removed = true
			return p.all[i]
		}
	}
	return charge.Party{}
}

// rig is a pipeline on a real spool with a real live.State.
type rig struct {
	t      testing.TB
	dir    string
	cfg    Config
	spool  spool.Config
	people *people
	log    *slog.Logger
	kept   sessionBooks
	past   moments // nil: none are kept

	sp    *spool.Spool
	live  *live.State
	p     *Pipeline
	fatal chan error

	mu    sync.Mutex
	words map[string][]feedback // by slug
}

func newRig(t testing.TB) *rig {
	dir := t.TempDir()
	return &rig{
		t: t, dir: dir, people: newPeople(), log: slog.New(slog.DiscardHandler), kept: sessionBooks{},
		cfg: Config{
			StaleAfter: 5 * time.Minute, TooOld: 71 * time.Hour, FeedbackEvery: 20 * time.Millisecond,
			SnapshotEvery: time.Hour, City: city.Kunming(),
		},
		spool: spool.Config{GroupWait: 100 * time.Microsecond, FloorBytes: -1, Holders: []string{snapshotName}},
		words: map[string][]feedback{},
	}
}

// open opens the spool and starts a pipeline on what the folder holds.
func (r *rig) open(cat Catalog) *rig {
	r.t.Helper()
	r.spool.Dir, r.cfg.SnapshotDir = filepath.Join(r.dir, "spool"), filepath.Join(r.dir, "snapshot")
	var err error
	if r.sp, err = spool.Open(r.spool, r.log, cat.Position+1); err != nil {
		r.t.Fatal(err)
	}
	r.live = live.New(live.Config{StaleAfter: r.cfg.StaleAfter, City: r.cfg.City}, r.log)
	r.fatal = make(chan error, 1)
	r.p = New(r.cfg, r.log, Deps{
		Spool: r.sp, Live: r.live, Parties: r.people, Sessions: r.kept, Speak: r.hear, Fatal: r.fatal, Moments: r.past,
	})
	if err := r.p.Recover(r.t.Context(), cat); err != nil {
		r.t.Fatal(err)
	}
	if err := r.p.Start(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	p, sp := r.p, r.sp
	r.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		p.Stop(ctx)
		sp.Close(ctx)
	})
	return r
}

// stop ends the pipeline as the platform does.
func (r *rig) stop() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := r.p.Stop(ctx); err != nil {
		r.t.Errorf("Stop: %v", err)
	}
	if err := r.sp.Close(ctx); err != nil {
		r.t.Errorf("Close: %v", err)
	}
}

// crash leaves everything as it is on disk now in a new folder, where open goes on.
func (r *rig) crash() {
	r.t.Helper()
	dir := r.freeze()
	r.stop()
	r.dir = dir
}

// freeze copies everything as it is on disk at one moment.
func (r *rig) freeze() string {
	r.t.Helper()
	dir := r.t.TempDir()
	r.p.commit.snapping <- struct{}{} // no snapshot, so nothing is trimmed
	err := errors.Join(copyDir(filepath.Join(dir, "snapshot"), r.cfg.SnapshotDir),
		copyDir(filepath.Join(dir, "spool"), r.spool.Dir))
	<-r.p.commit.snapping
	if err != nil {
		r.t.Fatal(err)
	}
	return dir
}

func copyDir(to, from string) error {
	if err := os.MkdirAll(to, 0o750); err != nil {
		return err
	}
	entries, err := os.ReadDir(from)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(from, e.Name()))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, e.Name()), b, 0o640); err != nil {
			return err
		}
	}
	return nil
}

func (r *rig) hear(to charge.Party, payload []byte) {
	var f feedback
	if err := json.Unmarshal(payload, &f); err != nil {
		r.t.Errorf("feedback %s: %v", payload, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.words[to.Slug] = append(r.words[to.Slug], f)
}

// feedback is what a party reads.
type feedback struct {
	Seq uint64
	counts
	Total counts
	Rules []struct {
		Rule, Action string
		Count        int
		Samples      []struct{ Kind, ID, TS, Detail, Payload string }
	}
}

type counts struct{ Received, Taken, Duplicate, History, Rejected uint64 }

func (c counts) addUp() bool { return c.Received == c.Taken+c.Duplicate+c.History+c.Rejected }

// told waits until a party has been told that so many reports were received,
// and returns everything that it was told.
func (r *rig) told(slug string, received uint64) []feedback {
	r.t.Helper()
	var all []feedback
	r.eventually(func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		all = slices.Clone(r.words[slug])
		return len(all) > 0 && all[len(all)-1].Total.Received >= received
	})
	return all
}

func (r *rig) eventually(f func() bool) {
	r.t.Helper()
	for end := time.Now().Add(10 * time.Second); !f(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			r.t.Fatal("not within 10 s")
		}
	}
}

// message submits a payload and returns where its acknowledgement will come.
func (r *rig) message(party charge.Num, kind charge.Payload, payload string, received charge.Millis) chan error {
	done := make(chan error, 2)
	b := []byte(payload)
	err := r.p.Submit(context.Background(), door.Message{
		Party: party, Kind: kind, Payload: b, Received: received,
		Done: func(err error) {
			clear(b) // it is the source's again
			done <- err
		},
	})
	if err != nil {
		done <- fmt.Errorf("not submitted: %w", err)
	}
	return done
}

// try sends a payload received just now and waits for what becomes of it.
func (r *rig) try(party charge.Num, kind charge.Payload, payload string) error {
	return r.tryAt(party, kind, payload, charge.At(time.Now()))
}

func (r *rig) tryAt(party charge.Num, kind charge.Payload, payload string, received charge.Millis) error {
	r.t.Helper()
	select {
	case err := <-r.message(party, kind, payload, received):
		return err
	case <-time.After(10 * time.Second):
		r.t.Fatalf("%s %s: neither taken nor refused", kind, payload)
		return nil
	}
}

// send is try that must succeed; it returns the message's own counts.
func (r *rig) send(party charge.Num, kind charge.Payload, payload string) counts {
	r.t.Helper()
	before := r.total(party)
	if err := r.try(party, kind, payload); err != nil {
		r.t.Fatalf("%s %s: %v", kind, payload, err)
	}
	after := r.total(party)
	after.Sub(before)
	return counts(after)
}

// total is a party's account, as the API shows it.
func (r *rig) total(party charge.Num) charge.Account {
	return r.p.Book().Total(party).Account
}

// records returns what stands in the log.
func (r *rig) records() (all []*record.Record) {
	r.t.Helper()
	rd := r.sp.Reader(0)
	defer rd.Close()
	for last := r.sp.Last(); rd.Position() <= last; {
		b, err := rd.Next(r.t.Context())
		if err != nil {
			r.t.Fatal(err)
		}
		for i, body := range b.Bodies {
			rec := &record.Record{Seq: b.First + uint64(i)}
			if err := rec.Decode(slices.Clone(body)); err != nil {
				r.t.Fatal(err)
			}
			all = append(all, rec)
		}
	}
	return all
}
