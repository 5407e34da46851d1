// Package trial is one run of the platform under a stream of reports: parties
// are added, a publisher of package stream runs as a child, windows of time are
// measured, and at the end everything that was acknowledged must be found again.
package trial

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/dianchi-platform/dianchi/bench/internal/lab"
	"github.com/dianchi-platform/dianchi/bench/internal/stream"
	"github.com/dianchi-platform/dianchi/internal/charge"
)

// PublishCommand is the first argument by which a program of bench is told to be
// the publisher; the second is the spec's file.
const PublishCommand = "publish-stream"

// Plan is what a run consists of.
type Plan struct {
	Vehicles, Piles int
	Cadence         time.Duration
	Batch           int
	Operators       int // they share the piles
	Makers          int // they share the vehicles
	Conns           int // of each party
	Late            int // operators that send hours-old reports once told to
	LateRate        int // reports a second of all of them together; 0 is as fast as they are acknowledged
	LatePiles       int // of each of them
}

// firstRound is how long all objects take for their first report, in which
// InfluxDB makes a series of each: a city does not appear within ten seconds.
const firstRound = 30 * time.Second

// Rate returns the live reports a second.
func (p *Plan) Rate() float64 { return float64(p.Vehicles+p.Piles) / p.Cadence.Seconds() }

// Trial is a platform and its publisher.
type Trial struct {
	Plan      Plan
	Dir       string
	Platform  *lab.Platform
	Store     lab.Store
	Probe     *lab.Probe
	Publisher *lab.Process
	Parties   []stream.Party
	spec      stream.Spec
	began     time.Time
}

// Start adds the parties to a running platform, opens the probe, and starts the
// publisher, which introduces all objects and then publishes.
func Start(ctx context.Context, dir string, p *lab.Platform, store lab.Store, plan Plan) (*Trial, error) {
	t := &Trial{Plan: plan, Dir: dir, Platform: p, Store: store, began: time.Now()}
	if err := t.addParties(ctx); err != nil {
		return nil, err
	}
	var err error
	if t.Probe, err = lab.StartProbe(ctx, p); err != nil {
		return nil, err
	}
	t.spec = stream.Spec{Door: p.MQTT, Cadence: plan.Cadence, First: firstRound, Batch: plan.Batch, Parties: t.Parties,
		Status: filepath.Join(dir, "publisher.json"), Ledger: filepath.Join(dir, "publisher.ledger")}
	b, err := json.Marshal(t.spec)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "publisher.spec")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	lab.Say("%d parties introduce %d vehicles and %d piles", len(t.Parties), plan.Vehicles, plan.Piles)
	t.Publisher, err = lab.Launch(filepath.Join(dir, "publisher.log"), []string{"GOMAXPROCS=1"}, self, PublishCommand, file)
	return t, err
}

// addParties registers operators, makers and late operators, and shares the objects.
func (t *Trial) addParties(ctx context.Context) error {
	add := func(name string, kind charge.PartyKind, n, objects, from int, late bool) error {
		for i := range n {
			q := stream.Party{Slug: fmt.Sprintf("%s-%02d", name, i+1), Kind: charge.Piles, Conns: t.Plan.Conns, Late: late}
			if kind == charge.Maker {
				q.Kind = charge.Vehicles
			}
			q.First, q.Objects = stream.Share(objects, n, i)
			q.First += from
			if late {
				q.Conns, q.LateFrom, q.LateStep = 1, time.Now().Add(-48*time.Hour).Truncate(time.Second), 10*time.Second
				q.LateRate = t.Plan.LateRate / n
			}
			var err error
			q.Password, err = t.Platform.Admin(ctx, "party", "add", q.Slug, "--kind", kind.String(), "--name", q.Slug)
			if err != nil {
				return err
			}
			t.Parties = append(t.Parties, q)
		}
		return nil
	}
	lastLive := (t.Plan.Piles + 9) / 10 * 10
	return errors.Join(
		add("operator", charge.Operator, t.Plan.Operators, t.Plan.Piles, 0, false),
		add("maker", charge.Maker, t.Plan.Makers, t.Plan.Vehicles, 0, false),
		add("late", charge.Operator, t.Plan.Late, t.Plan.Late*t.Plan.LatePiles, lastLive, true))
}

// Status returns the publisher's running count and when it was written.
func (t *Trial) Status() (stream.Status, time.Time, error) { return stream.ReadStatus(t.spec.Status) }

// Alive returns an error with the last words of a part that ended too early.
func (t *Trial) Alive() error {
	switch {
	case t.Platform.Ended():
		return fmt.Errorf("the platform ended; its last words:\n%s", t.Platform.Tail())
	case t.Publisher.Ended():
		return fmt.Errorf("the publisher ended; its last words:\n%s\nthe platform's:\n%s", t.Publisher.Tail(),
			t.Platform.Tail())
	}
	return nil
}

// levelWithin is how long Warm waits for InfluxDB once each object has reported
// twice. On a machine that is busy with other things it may stay behind: then the
// window says by how much.
const levelWithin = 3 * time.Minute

// Warm waits until each object has reported twice and InfluxDB keeps up.
func (t *Trial) Warm(ctx context.Context) error {
	var failed error
	var since time.Time // when each object had reported twice
	calm := 0
	err := lab.Until(ctx, 10*time.Minute+3*t.Plan.Cadence, "all objects have reported twice and InfluxDB keeps up",
		func() bool {
			if failed = t.Alive(); failed != nil {
				return true
			}
			if s, _, err := t.Status(); err != nil || s.Rounds < 2 {
				return false
			}
			if since.IsZero() {
				since = time.Now()
			}
			m, err := t.Platform.Metrics(ctx)
			lag := m["dianchi_influx_lag_seconds"]
			if err == nil && lag > 3 && time.Since(since) > levelWithin {
				lab.Say("InfluxDB is still %.0f s behind; going on", lag)
				return true
			}
			if err != nil || lag > 3 {
				calm = 0
				return false
			}
			calm++
			return calm >= 12 // three seconds
		})
	if err == nil && failed == nil {
		lab.Say("warm after %v", time.Since(t.began).Round(time.Second))
	}
	return errors.Join(err, failed)
}

// End stops the publisher, which waits for what is under way, and the probe.
func (t *Trial) End() error {
	err := t.Publisher.Stop()
	t.Probe.Stop()
	return err
}
