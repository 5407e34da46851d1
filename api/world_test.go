package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/account"
	"github.com/dianchi-platform/dianchi/internal/alarm"
	"github.com/dianchi-platform/dianchi/internal/auth"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
	"github.com/dianchi-platform/dianchi/internal/live"
	"github.com/dianchi-platform/dianchi/internal/secret"
	"github.com/dianchi-platform/dianchi/internal/tail"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// noon is 2026-11-23 12:00 in Kunming.
var noon = charge.At(time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC))

var center = geo.Point{Lon: 102.71, Lat: 25.04}

const (
	teld, ykc, nio, byd = 1, 2, 3, 4
)

var testParties = []charge.Party{
	{Num: teld, Slug: "teld", Kind: charge.Operator, Name: "特来电", NameEn: "TELD"},
	{Num: ykc, Slug: "ykc", Kind: charge.Operator, Name: "云快充"},
	{Num: nio, Slug: "nio", Kind: charge.Maker, Name: "蔚来", NameEn: "NIO"},
	{Num: byd, Slug: "byd", Kind: charge.Maker, Name: "比亚迪"},
}

// Tokens of the test world; "" is a driver without one.
var testTokens = map[string]charge.Token{
	"t-driver":    {ID: "d1", Role: charge.RoleDriver},
	"t-teld":      {ID: "o1", Role: charge.RoleOperator, Party: "teld"},
	"t-ykc":       {ID: "o2", Role: charge.RoleOperator, Party: "ykc"},
	"t-nio":       {ID: "m1", Role: charge.RoleMaker, Party: "nio"},
	"t-byd":       {ID: "m2", Role: charge.RoleMaker, Party: "byd"},
	"t-regulator": {ID: "r1", Role: charge.RoleRegulator},
}

// world is a real API over a real State that is filled through records.
type world struct {
	tb   testing.TB
	api  *API
	dir  *auth.Directory
	deps Deps
	url  string

	dialled atomic.Int64

	mu     sync.Mutex // the commit loop: one writer at a time
	state  *live.State
	book   *account.Book
	alarms *alarmBook
	tail   *tail.Book
	seq    uint64
	rev    uint64
	at     charge.Millis
}

func newWorld(tb testing.TB, change ...func(*Config, *Deps)) *world {
	tb.Helper()
	log := slog.New(slog.NewTextHandler(&testLog{tb: tb}, nil))
	w := &world{tb: tb, state: live.New(live.Config{}, log), book: account.New(), tail: tail.New(), at: noon, rev: 1000}
	w.state.SetParties(testParties)
	w.dir = auth.New(auth.Config{}, log, nil)
	w.setTokens(testTokens)
	cfg := Default()
	cfg.Addr = "127.0.0.1:0"
	cfg.Drain = 0
	w.alarms = &alarmBook{Book: alarm.NewBook(), w: w}
	w.deps = Deps{Live: w.state, Auth: w.dir, Quality: w.book, Instance: "x1", Alarms: w.alarms, Tail: w.tail}
	for _, f := range change {
		f(&cfg, &w.deps)
	}
	w.api = New(cfg, log, w.deps)
	if err := w.api.Start(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := w.api.Stop(tb.Context()); err != nil && tb.Context().Err() == nil {
			tb.Errorf("Stop: %v", err)
		}
	})
	w.url = "http://" + w.api.Addr().String()
	return w
}

// testLog shows what is logged when a test fails.
type testLog struct {
	tb testing.TB
	mu sync.Mutex
}

func (l *testLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tb.Context().Err() == nil {
		l.tb.Log(string(bytes.TrimSpace(p)))
	}
	return len(p), nil
}

func (w *world) setTokens(tokens map[string]charge.Token) {
	var list []charge.Token
	for text, t := range tokens {
		t.Hash = secret.TokenHash(text)
		list = append(list, t)
	}
	w.dir.Set(testParties, list)
}

func (w *world) apply(r record.Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.applyLocked(r)
}

func (w *world) applyLocked(r record.Record, samples ...tail.Sample) {
	w.seq++
	r.Seq = w.seq
	if r.Kind == 0 {
		r.Kind = record.Message
	}
	if r.Received == 0 {
		r.Received = w.at
	}
	w.state.Apply(&r)
	w.book.Apply(&r)
	w.alarms.Apply(&r)
	w.tail.Apply(&r, samples...)
}

// alarmBook acknowledges as the pipeline does: through a record and a tick.
type alarmBook struct {
	*alarm.Book
	w    *world
	past []*alarm.Alarm // the newest first
}

func (b *alarmBook) Ack(_ context.Context, id uint64, by, note string) (*alarm.Alarm, error) {
	if a := b.View().Find(id); a == nil || a.Cleared != 0 {
		return nil, charge.Errorf(charge.Conflict, "it was cleared")
	}
	b.w.event(record.AlarmEvent{Op: record.AlarmAck, ID: id, By: by, Text: note})
	b.w.tick()
	return b.View().Find(id), nil
}

// Past has what was raised before the book began: alarms of ykc.
func (b *alarmBook) Past(_ context.Context, q *alarm.Query) (out []*alarm.Alarm, err error) {
	for _, a := range b.past {
		if q.Passes(a) && (q.After.IsZero() || a.ID < q.After.ID) && len(out) < q.Limit {
			out = append(out, a)
		}
	}
	return out, nil
}

// event puts one change of an alarm into the log, and returns the id that it
// has when it is raised by it.
func (w *world) event(e record.AlarmEvent) uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r := alarm.RuleOf(e.Rule); r != nil {
		e.Kind = r.Kind
		if e.Severity == 0 {
			e.Severity = uint8(r.Severity)
		}
	}
	w.applyLocked(record.Record{Kind: record.Alarms, Alarms: []record.AlarmEvent{e}})
	return record.AlarmID(w.seq, 0)
}

// tick closes a revision one second later and publishes it.
func (w *world) tick() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tickLocked()
}

func (w *world) tickLocked() {
	w.rev++
	w.at += 1000
	rev := w.state.Tick(w.rev, w.at)
	w.alarms.Tick(w.rev, w.at)
	w.api.Hub().Revision(rev)
}

// station returns a station Sn with piles Pn of 120 kW DC.
func station(num, party charge.Num, at geo.Point, piles ...charge.Num) charge.Station {
	st := charge.Station{
		Num: num, Party: party, ID: fmt.Sprintf("S%d", num), Name: fmt.Sprintf("站%d", num), Lon: at.Lon, Lat: at.Lat,
	}
	for _, n := range piles {
		st.Piles = append(st.Piles, charge.Pile{Num: n, ID: fmt.Sprintf("P%d", n), Kind: charge.DC, RatedKW: 120})
	}
	return st
}

func (w *world) put(st ...charge.Station) {
	for i := range st {
		w.apply(record.Record{Party: st[i].Party, Stations: []record.StationPut{{Station: st[i]}}})
	}
}

func (w *world) pile(party, num charge.Num, r charge.PileReport) {
	if r.TS == 0 {
		r.TS = w.at
	}
	w.apply(record.Record{Party: party, Piles: []record.PileItem{{Num: num, Verdict: charge.Taken, Report: r}}})
}

func (w *world) vehicle(party, num charge.Num, r charge.VehicleReport) {
	if r.TS == 0 {
		r.TS = w.at
	}
	if r.VIN == "" {
		r.VIN = vin(num)
	}
	w.apply(record.Record{Party: party,
		Vehicles: []charge.Vehicle{{Num: num, Party: party, VIN: r.VIN, Class: charge.ClassTaxi, Model: "ET5", BatteryKWh: 75}},
		Fleet:    []record.VehicleItem{{Num: num, Verdict: charge.Taken, Report: r}}})
}

func vin(num charge.Num) string { return fmt.Sprintf("LNBMDBAH4PA%06d", num) }

// seat is a position report.
func seat(p geo.Point, soc float64) charge.VehicleReport {
	return charge.VehicleReport{Has: charge.HasPosition | charge.HasSOC | charge.HasState | charge.HasSpeed | charge.HasCharge,
		Lon: p.Lon, Lat: p.Lat, SOCPct: soc, State: 1, SpeedKMH: 30, Charge: 3}
}

// answered is an HTTP answer, read to its end.
type answered struct {
	status int
	header http.Header
	body   []byte
}

func (w *world) do(method, path, token string, header ...string) answered {
	w.tb.Helper()
	req, err := http.NewRequestWithContext(w.tb.Context(), method, w.url+path, nil)
	if err != nil {
		w.tb.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		w.tb.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.tb.Fatal(err)
	}
	return answered{resp.StatusCode, resp.Header, body}
}

func (w *world) get(path, token string) answered { w.tb.Helper(); return w.do("GET", path, token) }

// json decodes the body of a 200.
func (a answered) json(tb testing.TB) map[string]any {
	tb.Helper()
	var v map[string]any
	if err := json.Unmarshal(a.body, &v); err != nil || a.status != 200 {
		tb.Fatalf("answer %d: %s (%v)", a.status, a.body, err)
	}
	return v
}

// code returns the code of a problem, "" of anything else.
func (a answered) code() string {
	var p struct {
		Status int
		Code   string
	}
	if a.header.Get("Content-Type") != "application/problem+json" || json.Unmarshal(a.body, &p) != nil || p.Status != a.status {
		return ""
	}
	return p.Code
}
