package api

import (
	"fmt"
	"testing"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// reports is a message of n taken vehicle reports, of which a few are flagged.
func reports(n, flagged int) record.Record {
	r := record.Record{Party: nio, Account: charge.Account{Received: uint64(n), Taken: uint64(n)},
		OnlineMS: uint64(n) * 30_000}
	r.Delays[2] = uint32(n) // 0.5 … 1 s
	for i := range n {
		r.Fleet = append(r.Fleet, record.VehicleItem{Num: 1, Verdict: charge.Taken, Flagged: i < flagged,
			Report: charge.VehicleReport{VIN: vin(1)}})
	}
	if flagged > 0 {
		r.Rules = []record.RuleCount{{Rule: charge.RuleSOCJump, Action: charge.ActFlag, Count: uint32(flagged)}}
	}
	return r
}

func TestQuality(t *testing.T) {
	w := newWorld(t)
	w.tick()
	w.apply(reports(200, 20))
	bad := reports(0, 0)
	bad.Account = charge.Account{Received: 10, Duplicate: 4, History: 3, Rejected: 3}
	bad.Missing, bad.OnlineMS = 9, 0
	bad.Rules = []record.RuleCount{{Rule: charge.RuleIDUnknown, Action: charge.ActReject, Count: 3},
		{Rule: charge.RuleSentinel, Action: charge.ActNull, Count: 4}}
	w.apply(bad)
	w.apply(record.Record{Kind: record.Quality, Quality: []record.QualityRow{
		{Party: nio, T: w.at - w.at%300_000 + 300_000, Objects: 4, Online: 3}}})
	w.tick()

	at := func(m map[string]any, path ...string) any {
		var v any = m
		for _, k := range path {
			v = v.(map[string]any)[k]
		}
		return v
	}
	m := w.get("/api/v1/quality/nio", "t-nio").json(t)
	f := func(want any, path ...string) {
		t.Helper()
		if got := at(m, append([]string{"party"}, path...)...); got != want {
			t.Errorf("%v = %v, want %v", path, got, want)
		}
	}
	f("maker", "kind")
	f(200., "sample")
	f(210., "account", "received")
	f(3., "account", "rejected")
	f(0.75, "timeliness", "p50S")
	f(0.995, "timeliness", "p99S")
	f(100., "timeliness", "withinLimitPct")
	f(200., "missing", "expected")
	f(6., "missing", "missing") // three of the nine came later
	f(3., "missing", "ratePct")
	f(200., "flagged", "kept")
	f(90., "flagged", "accuracyPct")
	f(2., "nulls", "ratePct")
	f(75., "online", "ratePct")
	// missing 17/19·35, timeliness 25, accuracy 10/18·30, rejected (10−1.4286)/9.5·10
	f("B", "grade", "grade")
	f(82.01, "grade", "score")
	if t.Failed() {
		t.Logf("%v", m)
	}
	rules := at(m, "party", "rules").([]any)
	if len(rules) != 3 || fmt.Sprint(rules[0].(map[string]any)["id"]) != "id.unknown" || rules[0].(map[string]any)["zh"] == nil {
		t.Errorf("rules %v", rules)
	}
	for _, c := range at(m, "party", "grade", "components").([]any) {
		c := c.(map[string]any)
		if c["reason"].(map[string]any)["zh"] == "" || c["weight"] == nil {
			t.Errorf("component %v", c)
		}
	}

	if m := w.get("/api/v1/quality", "t-nio").json(t); len(m["parties"].([]any)) != 1 {
		t.Errorf("a maker sees %v", m["parties"])
	}
	all := w.get("/api/v1/quality", "t-regulator").json(t)["parties"].([]any)
	if len(all) != len(testParties) {
		t.Errorf("a regulator sees %d parties", len(all))
	}
	quiet := all[0].(map[string]any) // nothing is known of it, and nothing is guessed
	if at(quiet, "grade", "grade") != nil || at(quiet, "grade", "reason", "en") == "" ||
		at(quiet, "missing", "ratePct") != nil || at(quiet, "online", "ratePct") != nil || quiet["lastReportAt"] != nil {
		t.Errorf("a party without reports: %v", quiet)
	}

	// An hour later the window of an hour is empty, and that of a day is not.
	w.mu.Lock()
	w.at += 3600_000
	w.mu.Unlock()
	w.tick()
	sample := func(window string) any {
		return at(w.get("/api/v1/quality/nio?window="+window, "t-regulator").json(t), "party", "account", "received")
	}
	if sample("1h") != 0. || sample("24h") != 210. || sample("total") != 210. {
		t.Errorf("received %v, %v, %v", sample("1h"), sample("24h"), sample("total"))
	}
}

// A replica of an older ingest process has no accounts, and says so.
func TestQualityWithoutAccounts(t *testing.T) {
	w := newWorld(t, func(_ *Config, d *Deps) { d.Quality = nil })
	w.tick()
	for _, path := range []string{"/api/v1/quality", "/api/v1/quality/teld"} {
		if a := w.get(path, "t-teld"); a.status != 503 || a.code() != "not-ready" {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	if a := w.get("/api/v1/quality/teld", ""); a.status != 403 {
		t.Errorf("a driver: %d %s", a.status, a.body)
	}
}
