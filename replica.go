package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dianchi-platform/dianchi/api"
	"github.com/dianchi-platform/dianchi/internal/account"
	"github.com/dianchi-platform/dianchi/internal/alarm"
	"github.com/dianchi-platform/dianchi/internal/auth"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/follow"
	"github.com/dianchi-platform/dianchi/internal/influx"
	"github.com/dianchi-platform/dianchi/internal/live"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// replica is a copy of an ingest process's live state, served.
type replica struct {
	live   *live.State
	book   *account.Book
	alarms *alarm.Book
	access *auth.Directory
	client *follow.Client
	fatal  chan<- error

	counted bool // the copy has accounts: an older ingest process sends none

	hub   atomic.Pointer[api.Hub] // nil until the first copy is whole
	first chan struct{}           // closed with the first tick
}

// Reset is called before each copy. Readers must not see one being loaded, so
// a second copy means to start anew.
func (r *replica) Reset() {
	if r.whole() {
		select {
		case r.fatal <- errAnew:
		default:
		}
	}
}

// whole reports whether there is a copy that readers may have seen.
func (r *replica) whole() bool {
	select {
	case <-r.first:
		return true
	default:
		return false
	}
}

func (r *replica) LoadSection(name string, seq uint64, body []byte) error {
	if r.whole() {
		return errAnew
	}
	if strings.HasPrefix(name, account.SectionPrefix) {
		r.counted = true
		return r.book.LoadSection(name, seq, body)
	}
	if strings.HasPrefix(name, alarm.SectionPrefix) {
		return r.alarms.LoadSection(name, seq, body)
	}
	return r.live.LoadSection(name, seq, body)
}

func (r *replica) Apply(rec *record.Record) {
	r.live.Apply(rec)
	r.book.Apply(rec)
	r.alarms.Apply(rec)
}

// View, Ack and Past are the API's alarms. An acknowledgement is made by the
// ingest process; it is answered once it has come here, too.
func (r *replica) View() *alarm.View { return r.alarms.View() }

func (r *replica) Ack(ctx context.Context, id uint64, by, note string) (*alarm.Alarm, error) {
	acked, err := r.client.AckAlarm(ctx, id, by, note)
	if err != nil {
		return nil, err
	}
	wait, cancel := context.WithTimeout(ctx, 3*time.Second) // what is on disk is told even if we lag
	defer cancel()
	for {
		if a := r.View().Find(id); a != nil && a.Acked >= acked.Acked {
			return a, nil
		}
		select {
		case <-wait.Done():
			return acked, nil
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (r *replica) Past(ctx context.Context, q *alarm.Query) ([]*alarm.Alarm, error) {
	return r.client.PastAlarms(ctx, q)
}

func (r *replica) Tick(rev uint64, at charge.Millis) {
	closed := r.live.Tick(rev, at)
	r.alarms.Tick(rev, at)
	if hub := r.hub.Load(); hub != nil {
		hub.Revision(closed)
		return
	}
	if !r.whole() {
		close(r.first)
	}
}

func (r *replica) Access(parties []charge.Party, tokens []charge.Token) {
	r.live.SetParties(parties)
	r.access.Set(parties, tokens)
}

// startReplica copies the ingest process's state and serves it. Until the
// first copy is whole only /healthz and /readyz answer.
func (a *app) startReplica(ctx context.Context, out io.Writer, fatal chan<- error) error {
	c := a.cfg
	r := &replica{
		live: live.New(live.Config{StaleAfter: c.Stale, City: a.city}, a.log),
		book: account.New(), alarms: alarm.NewBook(),
		fatal: fatal, first: make(chan struct{}),
		access: auth.New(auth.Config{MissWait: 300 * time.Millisecond}, a.log, nil),
	}
	var err error
	if r.client, err = follow.NewClient(follow.ClientConfig{URL: c.Ingest, Token: c.InternalToken}, a.log, r); err != nil {
		return usageError{err.Error()}
	}
	waiting, err := a.serveWaiting(ctx, r.ready)
	if err != nil {
		return err
	}
	if err := r.client.Start(ctx); err != nil {
		return err
	}
	a.started("follow", r.client.Stop)
	a.log.Info("copying the state of the ingest process", "from", c.Ingest)
	select {
	case <-r.first:
	case <-ctx.Done():
		waiting()
		return nil
	}
	waiting()
	server := api.New(a.apiConfig(), a.log, r.deps(a))
	if err := server.Start(ctx); err != nil {
		return explainListen("--http", c.HTTP, err)
	}
	a.started("api", server.Stop)
	a.hurry = server.Hurry
	r.hub.Store(server.Hub())
	address := visitable(server.Addr())
	fmt.Fprintf(out, "Dianchi is ready: %s/wall (wall) and %s/ (driver)\n", address, address)
	return nil
}

func (r *replica) deps(a *app) api.Deps {
	d := api.Deps{
		Live: r.live, Auth: r.access, Sessions: r.client, Alarms: r, Tail: r.client, Moments: r.client, Instance: r.client.Stats().Instance, City: a.city,
		Ready: r.ready, Metrics: prometheus.NewRegistry(), Dashboard: a.pages(r.live),
	}
	if r.counted {
		d.Quality = r.book
	}
	if a.cfg.InfluxURL != "" {
		d.History = influx.NewReader(influx.ReaderConfig{
			Target: influx.Target{
				Endpoint: influx.Fixed(a.cfg.InfluxURL, a.cfg.InfluxToken),
				Org:      a.cfg.InfluxOrg, Bucket: a.cfg.InfluxBucket,
			}, Zone: a.city.Zone,
		}, a.log)
	}
	return d
}

// ready says whether the copy follows. A copy that no longer does goes on
// answering with what it has, and load balancers turn away from it.
func (r *replica) ready() []api.PartState {
	s := r.client.Stats()
	p := api.PartState{Name: "follow", Ready: s.State == follow.Following, Needed: true, Detail: s.State.String()}
	if s.State == follow.Loading && s.Err != nil { // what it is goes into the log: addresses are not for everyone
		p.Detail += ": the ingest process gives no copy yet"
	}
	return []api.PartState{p}
}

// serveWaiting answers /healthz and /readyz until the returned function is called.
func (a *app) serveWaiting(ctx context.Context, ready func() []api.PartState) (func(), error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", a.cfg.HTTP)
	if err != nil {
		return nil, explainListen("--http", a.cfg.HTTP, err)
	}
	s := &http.Server{Handler: api.Waiting(a.log, ready), ReadHeaderTimeout: 5 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			a.log.Error("HTTP server ended", "err", err)
		}
	}()
	return func() {
		s.Close()
		<-done
	}, nil
}
