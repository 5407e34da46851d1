package main

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dianchi-platform/dianchi/api"
)

func (a *app) apiConfig() api.Config {
	cfg := a.cfg.API
	cfg.Addr, cfg.ReadLimit = a.cfg.HTTP, int64(a.cfg.MessageKiB)<<10
	cfg.MaxConns = connsOf(openFiles())
	return cfg
}

// newAPI returns API and websocket over what k holds, and the pages if wanted.
func (a *app) newAPI(k *core, pages bool) *api.API {
	deps := api.Deps{
		Live: k.live, Auth: k.access, History: k.history, Sessions: k.registry, Quality: k.pipeline.Book(), Alarms: alarms{k.pipeline, k.registry}, Tail: k.pipeline.Tail(),
		Moments:  k.past,
		Instance: k.registry.Instance(), City: a.city, Ready: k.ready, Metrics: k.metrics(),
	}
	if pages {
		deps.Dashboard = a.pages(k.live)
	}
	if k.follow != nil {
		deps.Internal = k.follow
	}
	if k.door != nil {
		kept := min(a.cfg.MQTTConns, keptForParties, connsOf(openFiles())/4)
		deps.Others = func() int { return max(k.door.Sockets(), kept) }
	}
	server := api.New(a.apiConfig(), a.log, deps)
	k.http.Store(server)
	return server
}

// ready tells each part's state. InfluxDB and the broker may be away: live
// goes on, and says so.
func (k *core) ready() []api.PartState {
	parts := []api.PartState{
		{Name: "pipeline", Ready: k.pipeline.Broken() == nil, Needed: true, Detail: errText(k.pipeline.Broken())},
		{Name: "spool", Ready: k.pipeline.Stalled() == 0, Detail: spoolDetail(k)},
	}
	w := k.writer.Stats()
	influx := api.PartState{Name: "influxdb", Ready: w.Lag == 0 || !w.LastSuccess.IsZero() && w.Lag < influxLate}
	if k.influxd != nil && !k.influxd.Ready() {
		influx.Ready, influx.Detail = false, "the bundled InfluxDB is not up; reports wait in the spool"
	} else if !influx.Ready {
		influx.Detail = "reports have waited in the spool for " + w.Lag.Round(time.Second).String()
	}
	parts = append(parts, influx)
	parts = append(parts, k.accountState())
	if k.broker != nil {
		s := k.broker.Stats()
		parts = append(parts, api.PartState{Name: "broker", Ready: s.Connected, Detail: s.LastError})
	}
	return parts
}

// accountState tells what the platform's own look at its books found.
func (k *core) accountState() api.PartState {
	p := api.PartState{Name: "account", Ready: true}
	if k.self == nil {
		return p
	}
	if found := k.self.Differences(); len(found) > 0 {
		p.Ready = false
		p.Detail = fmt.Sprintf("%d of the platform's own figures differ: %s", len(found), found[0])
	}
	return p
}

// influxLate is the lag from which history counts as not kept up.
const influxLate = 30 * time.Second

func errText(err error) string {
	if err == nil {
		return ""
	}
	return "nothing more is taken; see the log"
}

func spoolDetail(k *core) string {
	if k.pipeline.Stalled() == 0 {
		return ""
	}
	return "full: nothing is taken or acknowledged since " + k.pipeline.Stalled().String()
}

// metrics returns the registry of what an operator of the platform watches.
func (k *core) metrics() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(newCollector(k))
	return r
}
