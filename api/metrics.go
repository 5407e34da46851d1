package api

import (
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// metrics are this room's own; the other parts' stand in the same registry.
type metrics struct {
	reg      *prometheus.Registry
	handler  http.Handler
	seconds  *prometheus.HistogramVec
	answered *prometheus.CounterVec
	panics   prometheus.Counter
	requests atomic.Uint64
	other    *routeMetric
}

// routeMetric holds one route's counters, found once.
type routeMetric struct {
	seconds prometheus.Observer
	byClass [6]prometheus.Counter // 1xx … 5xx
}

func newMetrics(reg *prometheus.Registry) *metrics {
	if reg == nil {
		reg = prometheus.NewRegistry()
	}
	m := &metrics{
		reg: reg,
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "dianchi_http_seconds",
			Help:    "Time from request to answer, by resource.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"route"}),
		answered: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dianchi_http_answers_total", Help: "Answers by resource and class of status.",
		}, []string{"route", "class"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "dianchi_http_panics_total", Help: "Requests that ended in a programming error.",
		}),
	}
	reg.MustRegister(m.seconds, m.answered, m.panics)
	m.handler = promhttp.HandlerFor(reg, promhttp.HandlerOpts{Registry: reg, Timeout: 10 * time.Second})
	m.other = m.route("other")
	return m
}

func (m *metrics) route(name string) *routeMetric {
	r := &routeMetric{seconds: m.seconds.WithLabelValues(name)}
	for class := 1; class <= 5; class++ {
		r.byClass[class] = m.answered.WithLabelValues(name, strconv.Itoa(class)+"xx")
	}
	return r
}

func (m *metrics) observe(row *route, status int, took time.Duration) {
	m.requests.Add(1)
	r := m.other
	if row != nil {
		r = row.metric
	}
	if status == 0 {
		status = http.StatusOK
	}
	r.seconds.Observe(took.Seconds())
	if class := status / 100; class >= 1 && class <= 5 {
		r.byClass[class].Inc()
	}
}

func (m *metrics) requestCount() uint64 { return m.requests.Load() }

// watchHub shows the hub's counts.
func (m *metrics) watchHub(h *Hub) {
	gauge := func(name, help string, f func(Stats) float64) {
		m.reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help},
			func() float64 { return f(h.stats()) }))
	}
	counter := func(name, help string, v *atomic.Uint64) {
		m.reg.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help},
			func() float64 { return float64(v.Load()) }))
	}
	gauge("dianchi_ws_viewers", "Open websockets.", func(s Stats) float64 { return float64(s.Viewers) })
	gauge("dianchi_ws_channels", "Channels that have or had viewers.", func(s Stats) float64 { return float64(s.Channels) })
	gauge("dianchi_ws_spread_seconds", "Time over which the last revision was sent.",
		func(s Stats) float64 { return s.SpreadLast.Seconds() })
	gauge("dianchi_ws_publish_seconds", "Time that the last revision took to publish.",
		func(s Stats) float64 { return s.MakeLast.Seconds() })
	counter("dianchi_ws_frames_made_total", "Frames encoded; each is shared by all its viewers.", &h.made)
	counter("dianchi_ws_frames_total", "Frames sent.", &h.frames)
	counter("dianchi_ws_bytes_total", "Bytes of frames sent.", &h.bytes)
	counter("dianchi_ws_skipped_total", "Times a slow viewer was left for later.", &h.skipped)
	counter("dianchi_ws_dropped_total", "Viewers cut for silence or a broken socket.", &h.dropped)
}

// watchLimits shows how often a limit was met.
func (m *metrics) watchLimits(a *API) {
	counter := func(name, help, label string, by map[string]func() uint64) {
		for value, f := range by {
			m.reg.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
				Name: name, Help: help, ConstLabels: prometheus.Labels{label: value}},
				func() float64 { return float64(f()) }))
		}
	}
	l := a.limiter
	refused := func(x *limit) func() uint64 {
		return func() uint64 {
			if x == nil {
				return 0
			}
			return x.refused.Load()
		}
	}
	counter("dianchi_http_limited_total", "Requests answered 429, by the limit that was met.", "by",
		map[string]func() uint64{"address": refused(l.address), "token": refused(l.token)})
	counter("dianchi_ws_refused_total", "Websockets that were not taken, by the limit that was met.", "by",
		map[string]func() uint64{"all": a.full.Load, "address": l.census.refusedAddress.Load, "token": l.census.refusedToken.Load})
	counter("dianchi_http_pushed_out_total", "Connections without a request that were closed to make room.", "by",
		map[string]func() uint64{"all": a.door.pushed.Load})
	counter("dianchi_ws_messages_refused_total", "Messages of viewers that asked too fast.", "by",
		map[string]func() uint64{"rate": a.hurried.Load})
	counter("dianchi_http_busy_total", "Large questions answered 503, because too many waited, by what they waited for.", "for",
		map[string]func() uint64{"history": a.past.refused.Load, "moments": a.moments.turns.refused.Load, "work": a.work.refused.Load})
}

// prometheus answers GET /metrics to this machine and to regulators.
func (a *API) prometheus(w http.ResponseWriter, rq *request) {
	if !local(rq.Request) {
		err := a.admit(w, rq)
		if err == nil {
			err = onlyRegulator.check(rq.who.role)
		}
		if err != nil {
			a.problem(w.(*recorder), err)
			return
		}
	}
	a.metrics.handler.ServeHTTP(w, rq.Request)
}

// forwarding headers mean that a proxy asks for someone else.
var forwarding = []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Forwarded", "Via"}

// local reports whether the request comes from this very machine.
func local(r *http.Request) bool {
	for _, name := range forwarding {
		if r.Header.Get(name) != "" {
			return false
		}
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// PartState is one part of the program as /readyz shows it.
type PartState struct {
	Name   string
	Ready  bool
	Needed bool   // without it nothing is ready; false for InfluxDB
	Detail string // shown to everyone: no secrets
}

// healthz answers as long as the process does.
func (a *API) healthz(_ *request, w *answer) error {
	w.cache = "no-store"
	w.obj("")
	w.str("status", "ok")
	w.endObj()
	return nil
}

// readyz answers 200 when every needed part is ready, else 503.
func (a *API) readyz(_ *request, w *answer) error {
	w.cache = "no-store"
	var parts []PartState
	if a.deps.Ready != nil {
		parts = a.deps.Ready()
	}
	if a.leaving.Load() {
		parts = append(parts, PartState{Name: "api", Needed: true, Detail: "the process is being stopped"})
	}
	ready := true
	for _, p := range parts {
		ready = ready && (p.Ready || !p.Needed)
	}
	w.obj("")
	w.bool("ready", ready)
	w.arr("parts")
	for _, p := range parts {
		w.obj("")
		w.str("name", p.Name)
		w.bool("ready", p.Ready)
		w.bool("needed", p.Needed)
		w.strOrNull("detail", p.Detail)
		w.endObj()
	}
	w.endArr()
	w.endObj()
	if !ready {
		w.status, w.retryAfter = http.StatusServiceUnavailable, problems[charge.NotReady].retryAfter
	}
	return nil
}
