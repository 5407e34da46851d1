package api

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

const (
	prefix   = "/api/v1"
	docsPath = prefix + "/docs"
)

// roles is a set of [charge.Role]; the zero value lets everyone in.
type roles uint8

const (
	everyone      roles = 0
	onlyRegulator roles = 1 << charge.RoleRegulator
	orOperator    roles = onlyRegulator | 1<<charge.RoleOperator
	orMaker       roles = onlyRegulator | 1<<charge.RoleMaker
	orParty       roles = orOperator | orMaker
)

func (r roles) has(role charge.Role) bool { return r == everyone || r&(1<<role) != 0 }

// check returns role-missing unless role is in r.
func (r roles) check(role charge.Role) error {
	if r.has(role) {
		return nil
	}
	return charge.Errorf(charge.RoleMissing, "%s may not see this", some(role))
}

// some returns a role with its article.
func some(role charge.Role) string {
	if role == charge.RoleOperator {
		return "an " + role.String()
	}
	return "a " + role.String()
}

// route is one row of the table of resources. Of serve and take one is set:
// serve fills an answer, take answers by itself.
type route struct {
	path  string // "/stations/{id}" below /api/v1, or a path at the root when root is set
	root  bool
	roles roles
	post  bool // POST alone is served, not GET and HEAD
	past  bool // it answers also how it was: ?at=
	serve func(rq *request, w *answer) error
	take  func(w http.ResponseWriter, rq *request)
	probe bool   // balancers ask for it
	heavy bool   // it may cost a core tens of milliseconds: clients take turns
	sheet *sheet // how a list is answered as CSV, GeoJSON and XLSX; nil: JSON alone

	metric *routeMetric
}

// table lists every resource; openapi.yaml is held against it by a test.
func (a *API) table() []*route {
	return []*route{
		{path: "/config", serve: a.config},
		{path: "/me", serve: a.me},
		{path: "/overview", past: true, serve: a.overview},
		{path: "/operators", past: true, serve: a.operators, sheet: operatorSheet},
		{path: "/makers", past: true, serve: a.makers, sheet: makerSheet},
		{path: "/districts", past: true, serve: a.districts, sheet: districtSheet},
		{path: "/stations", serve: a.stations, sheet: stationSheet},
		{path: "/stations/{id}", serve: a.station},
		{path: "/rank/stations", serve: a.rankStations, sheet: rankSheet},
		{path: "/piles/{id}", serve: a.pile},
		{path: "/vehicles", roles: orMaker, serve: a.vehicles, sheet: vehicleSheet},
		{path: "/vehicles/{vin}", roles: orMaker, serve: a.vehicle},
		{path: "/heatmap", past: true, serve: a.heatmap, sheet: heatSheet},
		{path: "/moments", serve: a.spans},
		{path: "/cells", serve: a.cells, sheet: cellSheet, heavy: true},
		{path: "/borders", serve: a.borders},
		{path: "/history/piles/{id}", roles: orOperator, serve: a.pileHistory, sheet: historySheet},
		{path: "/history/piles/{id}/sessions", roles: orOperator, serve: a.pileSessions, sheet: sessionSheet},
		{path: "/history/vehicles/{vin}", roles: orMaker, serve: a.vehicleHistory, sheet: trackSheet},
		{path: "/history/operators/{id}", serve: a.operatorHistory, sheet: historySheet},
		{path: "/history/makers/{id}", serve: a.makerHistory, sheet: historySheet},
		{path: "/history/districts/{adcode}", serve: a.districtHistory, sheet: historySheet},
		{path: "/history/city", serve: a.cityHistory, sheet: historySheet},
		{path: "/quality", roles: orParty, serve: a.qualities, sheet: qualitiesSheet},
		{path: "/quality/{party}", roles: orParty, serve: a.quality, sheet: qualitySheet},
		{path: "/quality/{party}/rules", roles: orParty, serve: a.partyRules, sheet: rulesSheet},
		{path: "/history/quality/{party}", roles: orParty, serve: a.qualityHistory, sheet: historySheet},
		{path: "/alarms", roles: orParty, serve: a.alarms, sheet: alarmSheet},
		{path: "/alarms/{id}/ack", roles: orParty, post: true, serve: a.ackAlarm},
		{path: "/live", take: a.live},
		{path: "/openapi.yaml", serve: serveFile("application/yaml", openapiYAML)},
		{path: "/asyncapi.yaml", serve: serveFile("application/yaml", asyncapiYAML)},
		{path: "/docs", serve: a.docs},
		{path: "/healthz", root: true, probe: true, serve: a.healthz},
		{path: "/readyz", root: true, probe: true, serve: a.readyz},
		{path: "/metrics", root: true, take: a.prometheus},
	}
}

// check refuses whom r does not serve, and a question of the past where only
// the present is known: an answer of now would be read as one of then.
func (r *route) check(rq *request) error {
	if !r.roles.has(rq.who.role) {
		if r.post {
			return charge.Errorf(charge.RoleMissing, "%s may not do this", some(rq.who.role))
		}
		return r.roles.check(rq.who.role)
	}
	if r.root || r.past || !asksFor(rq.URL.RawQuery, "at") {
		return nil
	}
	if strings.HasPrefix(r.path, "/history/") {
		return charge.Errorf(charge.ValueRange, "at is not known here, history takes from and to")
	}
	return charge.Errorf(charge.ValueRange,
		"at is not known here, where things are as they are now; it is known to /overview, /operators, /makers, /districts and /heatmap")
}

// router finds the route of a path. Paths are taken as they stand: nothing is
// cleaned or redirected.
type router struct {
	exact  map[string]*route
	params []paramRoute
}

// paramRoute is a route with what stands before and after its parameter.
type paramRoute struct {
	*route
	before, after string
}

func newRouter(table []*route, m *metrics) *router {
	r := &router{exact: make(map[string]*route)}
	for _, row := range table {
		full := row.full()
		row.metric = m.route(full)
		if strings.Contains(full, "{") {
			open, end := strings.IndexByte(full, '{'), strings.IndexByte(full, '}')
			r.params = append(r.params, paramRoute{row, full[:open], full[end+1:]})
		} else {
			r.exact[full] = row
		}
	}
	return r
}

func (r *route) full() string {
	if r.root {
		return r.path
	}
	return prefix + r.path
}

// methods returns what may be asked of r, for the Allow header.
func (r *route) methods() string {
	if r.post {
		return "POST, OPTIONS"
	}
	return "GET, HEAD, OPTIONS"
}

// find returns the route of an escaped path and its one parameter, unescaped.
func (r *router) find(escaped string) (*route, string) {
	if row, ok := r.exact[escaped]; ok {
		return row, ""
	}
	for i := range r.params {
		row := &r.params[i]
		value, ok := strings.CutPrefix(escaped, row.before)
		if !ok {
			continue
		}
		if value, ok = strings.CutSuffix(value, row.after); !ok || value == "" || strings.Contains(value, "/") {
			continue
		}
		if v, err := url.PathUnescape(value); err == nil {
			return row.route, v
		}
	}
	return nil, ""
}
