package main

import (
	"context"
	"fmt"
	"io"

	"github.com/dianchi-platform/dianchi/api"
	"github.com/dianchi-platform/dianchi/ingest"
	"github.com/dianchi-platform/dianchi/internal/follow"
)

// newFollow serves replicas under /internal/.
func (a *app) newFollow(k *core) *follow.Server {
	f := follow.NewServer(follow.ServerConfig{
		Token: a.cfg.InternalToken, Instance: k.registry.Instance(), Dir: a.cfg.Data,
	}, a.log, follow.Sources{
		Journal: k.spool, Sessions: k.registry.Sessions, Alarms: ownAlarms{k}, Tail: ownTail{k},
		Moments: k.past,
		Snapshot: func(ctx context.Context, section func(string, uint64, []byte) error) error {
			return k.pipeline.LiveSections(ctx, section)
		},
	})
	a.started("follow", f.Stop)
	return f
}

// startAll runs everything in one process tree.
func (a *app) startAll(ctx context.Context, out io.Writer, fatal chan<- error) error {
	k, server, err := a.startServed(ctx, fatal, true)
	if err != nil {
		return err
	}
	if a.cfg.Demo {
		if err := a.startDemo(ctx, k); err != nil {
			return err
		}
	}
	address := visitable(server.Addr())
	fmt.Fprintf(out, "Dianchi is ready: %s/wall (wall) and %s/ (driver)\n", address, address)
	return nil
}

// startIngest runs the part that takes and keeps, for api processes elsewhere.
func (a *app) startIngest(ctx context.Context, out io.Writer, fatal chan<- error) error {
	if a.cfg.InternalToken == "" {
		return usagef("ingest needs the secret that it shares with api processes: set DIANCHI_INTERNAL_TOKEN")
	}
	_, server, err := a.startServed(ctx, fatal, false)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Dianchi ingest is ready: api processes follow %s\n", visitable(server.Addr()))
	return nil
}

// startServed starts the core and serves it.
func (a *app) startServed(ctx context.Context, fatal chan<- error, pages bool) (*core, *api.API, error) {
	var server *api.API
	k, err := a.startCore(ctx, fatal, func(k *core) []ingest.Watcher {
		server = a.newAPI(k, pages)
		return []ingest.Watcher{server.Hub()}
	})
	if err != nil {
		return nil, nil, err
	}
	if err := server.Start(ctx); err != nil {
		return nil, nil, explainListen("--http", a.cfg.HTTP, err)
	}
	a.started("api", server.Stop)
	a.hurry = server.Hurry
	return k, server, nil
}
