package main

import (
	"database/sql"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

// ledger is the publisher's own count of what it sent.
type ledger map[string]float64

func (l ledger) add(more ledger) {
	for k, n := range more {
		l[k] += n
	}
}

// of reads the same figures out of /quality.
func (l ledger) of(party any) (out ledger, equal bool) {
	out = ledger{}
	for k := range l {
		path := []any{}
		for part := range strings.SplitSeq(k, ".") {
			path = append(path, part)
		}
		out[k], _ = at(party, path...).(float64)
	}
	return out, maps.Equal(l, out)
}

// quality waits until /quality equals the ledger.
func (p *platform) quality(token string, window string, want ledger) {
	p.t.Helper()
	eventually(p.t, 10*time.Second, func() (string, bool) {
		_, m := p.get("/api/v1/quality/demo-op?window="+window, token)
		got, equal := want.of(m["party"])
		return fmt.Sprintf("%s: %v, want %v", window, got, want), equal
	})
}

// Known mixtures through the door: /quality equals the publisher's ledger, here
// and at a replica, before and after kill -9, and the platform's books agree.
func TestQualityEqualsThePublishersLedger(t *testing.T) {
	p := start(t, t.TempDir(), "")
	password := p.admin("party", "add", "demo-op", "--kind", "operator", "--name", "示例")
	p.admin("party", "add", "other", "--kind", "maker", "--name", "别家")
	regulator := p.admin("token", "add", "--role", "regulator")
	own := p.admin("token", "add", "--role", "operator", "--party", "demo-op")
	foreign := p.admin("token", "add", "--role", "maker", "--party", "other")
	replica := start(t, "", "api", "--ingest", p.http)
	sent := ledger{"missing.missing": 0, "nulls.values": 0, "flagged.flagged": 0}
	pub := func(topic, payload string, what ledger) {
		t.Helper()
		p.mustPub("demo-op", password, topic, payload)
		sent.add(what)
	}
	everywhere := func() {
		t.Helper()
		for _, window := range []string{"1h", "24h", "total"} {
			p.quality(regulator, window, sent)
			replica.quality(own, window, sent)
		}
	}
	now := time.Now()
	ago := func(s int) time.Time { return now.Add(-time.Duration(s) * time.Second) }
	list := func(reports ...string) string { return "[" + strings.Join(reports, ",") + "]" }

	pub("stations", station, ledger{"account.received": 1, "account.taken": 1})
	// Ages well inside delay classes. Due each 60 s: one is missing between 170 and 50.
	gaps := list(pileReport("S1-1", ago(230), 1, 0), pileReport("S1-1", ago(170), 1, 0), pileReport("S1-1", ago(50), 1, 0),
		pileReport("S1-1", ago(35), 1, 0))
	pub("piles", gaps, ledger{"account.received": 4, "account.taken": 4, "flagged.kept": 4, "timeliness.reports": 4,
		"missing.missing": 1, "missing.expected": 3}) // 195 s on line
	pub("piles", gaps, ledger{"account.received": 4, "account.duplicate": 4, "timeliness.reports": 4})
	everywhere()
	pub("piles", list(pileReport("S1-1", ago(110), 1, 0)), // it was the missing one
		ledger{"account.received": 1, "account.history": 1, "flagged.kept": 1, "timeliness.reports": 1, "missing.missing": -1})
	pub("piles", list(pileReport("S1-2", ago(1), 1, 5), // a flag
		strings.Replace(pileReport("S1-2", ago(0), 1, 0), "}", `,"socPct":150}`, 1), // null
		pileReport("X9", ago(1), 1, 0)),                                             // rejected
		ledger{"account.received": 3, "account.taken": 2, "account.rejected": 1, "flagged.kept": 2, "flagged.flagged": 2,
			"nulls.values": 1, "timeliness.reports": 2})
	pub("piles", `{"id":`, ledger{"account.received": 1, "account.rejected": 1})
	everywhere()

	_, m := p.get("/api/v1/quality/demo-op", own)
	// Of 11 delays 8 are above 60 s or, when the machine is slow, just below.
	if late := at(m, "party", "timeliness", "withinLimitPct").(float64); late < 45 || late > 65 {
		t.Errorf("%v %% in time", late)
	}
	if at(m, "party", "grade", "grade") != nil || at(m, "party", "grade", "reason", "en") == nil {
		t.Errorf("a grade from %v reports: %v", sent["account.received"], at(m, "party", "grade"))
	}
	rules := map[any]any{}
	for i := range at(m, "party", "rules").([]any) {
		rules[at(m, "party", "rules", i, "id")] = at(m, "party", "rules", i, "count")
	}
	for id, n := range map[string]float64{"id.unknown": 1, "dup.exact": 4, "msg.malformed": 1, "soc.range": 1, "time.out-of-order": 1} {
		if rules[id] != n {
			t.Errorf("rule %s %v times, want %v", id, rules[id], n)
		}
	}
	who := func(path, token string, status int, code string) {
		t.Helper()
		for _, p := range []*platform{p, replica} {
			if got, m := p.get(path, token); got != status || m["code"] != code {
				t.Errorf("%s: %d %v, want %d %s", path, got, m["code"], status, code)
			}
		}
	}
	who("/api/v1/quality/demo-op", foreign, 404, "not-found")
	who("/api/v1/quality/demo-op", "", 403, "role-missing")
	who("/api/v1/quality", "", 403, "role-missing")
	if _, m := p.get("/api/v1/quality", own); len(m["parties"].([]any)) != 1 || at(m, "parties", 0, "id") != "demo-op" {
		t.Errorf("a party sees %v", m["parties"])
	}
	if _, m := p.get("/api/v1/quality", regulator); len(m["parties"].([]any)) != 2 {
		t.Errorf("a regulator sees %v", m["parties"])
	}

	p.listen = strings.TrimPrefix(p.http, "http://") // where the replica looks for it
	p.kill()
	p.launch()
	everywhere()
	var many, more []string // enough for a grade
	for i := range 120 {
		many = append(many, fmt.Sprintf(`{"id":"M%d","kind":"ac","ratedKw":7}`, i))
		more = append(more, pileReport(fmt.Sprint("M", i), ago(61), 1, 0), pileReport(fmt.Sprint("M", i), ago(1), 1, 0))
	}
	pub("stations", `{"id":"S2","name":"二","lon":102.775,"lat":24.985,"piles":[`+strings.Join(many, ",")+`]}`,
		ledger{"account.received": 1, "account.taken": 1})
	pub("piles", list(more...), ledger{"account.received": 240, "account.taken": 240, "flagged.kept": 240,
		"timeliness.reports": 240, "missing.expected": 120})
	everywhere()
	_, m = p.get("/api/v1/quality/demo-op", regulator)
	_, n := replica.get("/api/v1/quality/demo-op", regulator)
	if g := at(m, "party", "grade"); at(g, "grade") == nil || !reflect.DeepEqual(g, at(n, "party", "grade")) {
		t.Errorf("grades %v and %v", g, at(n, "party", "grade"))
	}
	p.agrees()
}

// agrees waits until each check of the platform's own books was made and finds nothing.
func (p *platform) agrees() {
	p.t.Helper()
	for _, check := range []string{"sum", "registry", "influx", "acknowledged"} {
		eventually(p.t, 20*time.Second, func() (string, bool) {
			times, ok := p.metric(`dianchi_account_checks_total{check="` + check + `"}`)
			return check + " was never compared", ok && times > 0
		})
		if n, ok := p.metric(`dianchi_account_difference{check="` + check + `"}`); !ok || n != 0 {
			p.t.Errorf("%v figures of %s differ", n, check)
		}
	}
}

// metric returns one sample of /metrics.
func (p *platform) metric(name string) (float64, bool) {
	p.t.Helper()
	res, err := http.Get(p.http + "/metrics")
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			return v, err == nil
		}
	}
	return 0, false
}

// A figure that somebody changed behind the platform's back is seen.
func TestADifferenceIsSeen(t *testing.T) {
	p := start(t, t.TempDir(), "")
	password := p.admin("party", "add", "demo-op", "--kind", "operator", "--name", "示例")
	p.mustPub("demo-op", password, "stations", station)
	p.agrees()
	p.stop()
	db, err := sql.Open("sqlite", filepath.Join(p.data, "registry.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`UPDATE account SET taken = taken + 1`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	p.launch()
	eventually(t, 20*time.Second, func() (string, bool) {
		_, m := p.get("/readyz", "")
		s := fmt.Sprint(m["parts"])
		return s, strings.Contains(s, "registry: taken of party 1 is 2, want 1") && m["ready"] == true
	})
	if n, _ := p.metric(`dianchi_account_difference{check="registry"}`); n != 1 {
		t.Errorf("%v figures differ, want 1", n)
	}
}
