package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dianchi-platform/dianchi/api"
	"github.com/dianchi-platform/dianchi/ingest"
	"github.com/dianchi-platform/dianchi/ingest/broker"
	"github.com/dianchi-platform/dianchi/ingest/door"
	"github.com/dianchi-platform/dianchi/internal/alarm"
	"github.com/dianchi-platform/dianchi/internal/auth"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/follow"
	"github.com/dianchi-platform/dianchi/internal/influx"
	"github.com/dianchi-platform/dianchi/internal/influxd"
	"github.com/dianchi-platform/dianchi/internal/live"
	"github.com/dianchi-platform/dianchi/internal/past"
	"github.com/dianchi-platform/dianchi/internal/quality"
	"github.com/dianchi-platform/dianchi/internal/registry"
	"github.com/dianchi-platform/dianchi/internal/snapfile"
	"github.com/dianchi-platform/dianchi/internal/spool"
)

// Names of what stands in the data folder; docs/operations.md explains them.
const (
	spoolDir    = "spool"
	snapshotDir = "snapshot"
	influxDir   = "influxdb"
	momentsDir  = "moments"
	positionIn  = "influx.position"
	accountsIn  = "demo-accounts.json"
)

// Who holds the log's records until they are safe elsewhere.
const (
	holdSnapshot = "snapshot"
	holdInflux   = "influx"
	holdRegistry = "registry"
)

// core is the part that takes and keeps: everything but pages and simulator.
type core struct {
	registry *registry.Registry
	access   *auth.Directory
	spool    *spool.Spool
	live     *live.State
	pipeline *ingest.Pipeline
	influxd  *influxd.Daemon // nil with an InfluxDB elsewhere
	writer   *influx.Writer
	history  *influx.Reader
	past     *past.Store
	applier  *registry.Applier
	door     *door.Door              // nil with a broker elsewhere
	broker   *broker.Source          // nil with the embedded door
	http     atomic.Pointer[api.API] // nil until it is made
	follow   *follow.Server          // nil without a secret to share with replicas
	self     *selfcheck
	watched  atomic.Pointer[selfcheck] // the same, for who asks while it is being started
}

// startCore opens what is kept, makes live what it was, and begins to take
// reports. The watchers see each revision.
func (a *app) startCore(ctx context.Context, fatal chan<- error, watch func(*core) []ingest.Watcher) (*core, error) {
	c := a.cfg
	k := new(core)
	if err := prepareData(c.Data); err != nil {
		return nil, err
	}
	if err := mayListen(ctx, "--http", c.HTTP); err != nil {
		return nil, err
	}
	source, err := checkSource(ctx, c, a.log)
	if err != nil {
		return nil, err
	}
	if k.registry, err = registry.Open(c.Data, a.log); err != nil {
		return nil, err
	}
	a.started("registry", func(context.Context) error { return k.registry.Close() })
	catalog, err := k.registry.LoadCatalog(ctx)
	if err != nil {
		return nil, err
	}
	if err := a.openSpool(k, catalog.Position); err != nil {
		return nil, err
	}
	k.access = auth.New(auth.Config{}, a.log, k.registry)
	k.live = live.New(live.Config{StaleAfter: c.Stale, City: a.city}, a.log)
	deps := ingest.Deps{
		Spool: k.spool, Live: k.live, Parties: k.access, Sessions: sessionLookup{k.registry},
		Speak: k.speak, Fatal: fatal,
	}
	if k.past, err = past.Open(past.Config{Dir: filepath.Join(c.Data, momentsDir)}, a.log); err != nil {
		return nil, err
	}
	deps.Moments = k.past
	deps.Health = func() alarm.Health { return k.health(c.Data) }
	if c.InternalToken != "" {
		k.follow = a.newFollow(k)
		deps.Follow = k.follow
	}
	k.pipeline = ingest.New(ingest.Config{
		StaleAfter: c.Stale, TooOld: quality.TooOldFor(c.RawRetention),
		FeedbackEvery: 5 * time.Second, SnapshotEvery: 30 * time.Second,
		PartyRate: c.PartyRate, LateRate: c.LateRate, PartyObjects: c.PartyObjects,
		SnapshotDir: filepath.Join(c.Data, snapshotDir), City: a.city,
	}, a.log, deps)
	a.newSource(k, source) // before anybody speaks to it
	k.access.OnChange(func(ch auth.Change) {
		k.pipeline.PartiesChanged(ch.Parties, ch.Removed)
		if k.follow != nil {
			k.follow.SetAccess(ch.Parties, ch.Tokens)
		}
		if k.door != nil {
			for _, p := range ch.Removed {
				k.door.Kick(p.Num)
			}
		}
		if k.broker != nil {
			for _, p := range append(ch.Removed[:len(ch.Removed):len(ch.Removed)], ch.Parties...) {
				if p.Removed { // also those that were removed while we were away
					k.broker.Forget(p.Slug)
				}
			}
		}
	})
	if err := k.access.Start(ctx); err != nil {
		return nil, err
	}
	a.started("access", k.access.Stop)
	if err := k.pipeline.Recover(ctx, toCatalog(catalog)); err != nil {
		return nil, fmt.Errorf("cannot bring back what was kept in %s: %w", c.Data, err)
	}
	a.startStores(ctx, k)
	k.pipeline.Watch(watch(k))
	if err := k.pipeline.Start(ctx); err != nil {
		return nil, err
	}
	a.started("pipeline", k.pipeline.Stop)
	a.startSelfcheck(k)
	return k, a.startSource(ctx, k)
}

// openSpool opens the log so that no number that anyone has seen is given again.
func (a *app) openSpool(k *core, position uint64) error {
	dir := a.cfg.Data
	seen := position
	if f, err := snapfile.Newest(filepath.Join(dir, snapshotDir), "snapshot"); err == nil {
		seen = max(seen, f.MaxSeq)
	} else if !errors.Is(err, snapfile.ErrNone) {
		return err
	}
	written, err := influx.Position(filepath.Join(dir, positionIn))
	if err != nil {
		return err
	}
	k.spool, err = spool.Open(spool.Config{
		Dir: filepath.Join(dir, spoolDir), MaxBytes: spoolBound(filepath.Join(dir, spoolDir), a.cfg.SpoolMaxGB),
		Holders: []string{holdSnapshot, holdInflux, holdRegistry},
	}, a.log, max(seen, written)+1)
	if err != nil {
		return err
	}
	a.started("spool", k.spool.Close)
	return nil
}

// startStores begins to bring the log into the registry and into InfluxDB.
// Nobody waits for InfluxDB: until it answers, the log grows.
func (a *app) startStores(ctx context.Context, k *core) {
	c := a.cfg
	target := influx.Target{Org: c.InfluxOrg, Bucket: c.InfluxBucket}
	if c.InfluxURL != "" {
		target.Endpoint = influx.Fixed(c.InfluxURL, c.InfluxToken)
	} else {
		d := influxd.Default(filepath.Join(c.Data, influxDir))
		d.BinPath, d.Retention = c.Influxd, c.RawRetention
		k.influxd = influxd.New(d, a.log)
		target.Endpoint = k.influxd.Endpoint
		target.Bucket, target.TotalsBucket = influxd.Database+"/"+influxd.RawPolicy, influxd.Database+"/"+influxd.TotalsPolicy
		if err := k.influxd.Start(ctx); err != nil {
			a.log.Error("history is not kept until this is mended; reports wait in the spool", "err", err)
		} else {
			a.started("influxd", k.influxd.Stop)
		}
	}
	k.history = influx.NewReader(influx.ReaderConfig{Target: target, Zone: a.city.Zone}, a.log)
	var stuck func(error)
	if k.influxd != nil {
		stuck = k.influxd.Renew
	}
	k.writer = influx.New(influx.Config{Target: target, PosFile: filepath.Join(c.Data, positionIn)}, a.log, influx.Deps{
		Open: func(from uint64) influx.Source { return k.spool.Reader(max(from, k.spool.First())) },
		Hold: func(seq uint64) { k.spool.Hold(holdInflux, seq) },
		Slug: k.slug, Stuck: stuck,
	})
	if err := k.writer.Start(ctx); err != nil {
		a.log.Error("history is not kept until this is mended; reports wait in the spool", "err", err)
	} else {
		a.started("influx writer", k.stopWriter)
	}
	k.applier = registry.NewApplier(registry.ApplierConfig{}, a.log, k.registry, k.spool)
	if err := k.applier.Start(ctx); err != nil {
		a.log.Error("the registry does not follow the log", "err", err)
	} else {
		a.started("registry applier", k.stopApplier)
	}
}

// stopWriter gives InfluxDB a few seconds; what it has not got waits in the log.
func (k *core) stopWriter(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	if err := k.writer.Stop(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// stopApplier lets the registry catch up with the log first.
func (k *core) stopApplier(ctx context.Context) error {
	last := k.spool.Next() - 1
	wait, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	for k.applier.Stats().Position < last && wait.Err() == nil {
		time.Sleep(10 * time.Millisecond)
	}
	return k.applier.Stop(ctx)
}

// slug returns a party's slug, also a removed one's.
func (k *core) slug(num charge.Num) string {
	all, _ := k.access.Access()
	for i := range all {
		if all[i].Num == num {
			return all[i].Slug
		}
	}
	return ""
}

// startSource lets parties in. When it stops, what a full disk keeps waiting is
// refused first.
func (a *app) startSource(ctx context.Context, k *core) error {
	quiet := func(stop func(context.Context) error) func(context.Context) error {
		return func(ctx context.Context) error {
			k.pipeline.Quiesce()
			return stop(ctx)
		}
	}
	if k.broker != nil {
		if err := k.broker.Start(ctx); err != nil {
			return err
		}
		a.started("broker", quiet(k.broker.Stop))
		return nil
	}
	if err := k.door.Start(ctx); err != nil {
		return explainListen("--mqtt", strings.TrimSpace(a.cfg.MQTT+" "+a.cfg.MQTTTLS), err)
	}
	a.started("door", quiet(k.door.Stop))
	return nil
}

// speak gives a party its account.
func (k *core) speak(p charge.Party, payload []byte) {
	switch {
	case k.door != nil:
		k.door.PublishFeedback(p.Num, payload)
	case k.broker != nil:
		k.broker.PublishFeedback(p, payload)
	}
}
