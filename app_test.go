package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const station = `{"id":"S1","name":"世纪城站","lon":102.775,"lat":24.985,` +
	`"piles":[{"id":"S1-1","kind":"dc","ratedKw":120},{"id":"S1-2","kind":"ac","ratedKw":7}]}`

func pileReport(id string, ts time.Time, status int, kw float64) string {
	return fmt.Sprintf(`{"id":%q,"ts":%d,"status":%d,"powerKw":%g}`, id, ts.UnixMilli(), status, kw)
}

// A stranger's operator, with nothing but mosquitto's clients: registered,
// seen, told of mistakes.
func TestStrangersOperator(t *testing.T) {
	p := start(t, t.TempDir(), "")
	password := p.admin("party", "add", "demo-op", "--kind", "operator", "--name", "示例运营商")
	p.mustPub("demo-op", password, "stations", station)
	p.mustPub("demo-op", password, "piles", "["+pileReport("S1-1", time.Now(), 3, 58.2)+","+
		pileReport("X9", time.Now(), 1, 0)+`,{"id":"S1-2"}]`)

	eventually(t, 2*time.Second, func() (string, bool) {
		_, m := p.get("/api/v1/stations?near=102.775,24.985", "")
		return fmt.Sprint(m), at(m, "stations", 0, "piles", "charging") == 1.0 && at(m, "stations", 0, "piles", "offline") == 1.0 &&
			at(m, "stations", 0, "id") == "demo-op:S1"
	})

	out, err := exec.Command(tool(t, "mosquitto_sub"), "-h", "127.0.0.1", "-p", p.port(), "-u", "demo-op", "-P", password,
		"-t", "dianchi/v1/demo-op/feedback", "-C", "1", "-W", "20").Output()
	if err != nil {
		t.Fatalf("mosquitto_sub: %v", err)
	}
	var fb struct {
		Total map[string]int
		Rules []struct {
			Rule, Action string
			Count        int
			Samples      []struct{ ID, Payload, Detail string }
		}
	}
	if err := json.Unmarshal(out, &fb); err != nil {
		t.Fatalf("feedback %s: %v", out, err)
	}
	want := map[string]int{"received": 4, "taken": 2, "duplicate": 0, "history": 0, "rejected": 2}
	for k, n := range want {
		if fb.Total[k] != n {
			t.Errorf("total %v, want %v", fb.Total, want)
			break
		}
	}
	rules := map[string]string{}
	for _, r := range fb.Rules {
		for _, s := range r.Samples {
			rules[r.Rule] = s.ID
		}
	}
	if rules["id.unknown"] != "X9" || rules["msg.field-missing"] != "S1-2" {
		t.Errorf("feedback names %v, want id.unknown of X9 and msg.field-missing of S1-2: %s", rules, out)
	}
}

// An acknowledged report is there after kill -9, in answers and in the account.
func TestAcknowledgedReportsSurviveKill(t *testing.T) {
	p := start(t, t.TempDir(), "")
	password := p.admin("party", "add", "demo-op", "--kind", "operator", "--name", "示例")
	regulator := p.admin("token", "add", "--role", "regulator")
	p.mustPub("demo-op", password, "stations", station)
	ts := time.Now()
	for i := range 3 {
		p.mustPub("demo-op", password, "piles", pileReport("S1-1", ts.Add(time.Duration(i)*time.Millisecond), 3, 60+float64(i)))
	}
	p.kill()
	p.launch()
	eventually(t, 5*time.Second, func() (string, bool) {
		_, m := p.get("/api/v1/piles/demo-op:S1-1", regulator)
		return fmt.Sprint(m), at(m, "pile", "powerKw") == 62.0 && at(m, "pile", "state") == "inUse"
	})
	// Sent again, it changes nothing and is counted as a duplicate.
	p.mustPub("demo-op", password, "piles", pileReport("S1-1", ts, 3, 60))
	feedback := p.feedback("demo-op", password, func(total map[string]float64) bool { return total["received"] == 5 })
	if feedback["taken"] != 4 || feedback["duplicate"] != 1 {
		t.Errorf("account after kill and repeat: %v, want 4 taken and 1 duplicate", feedback)
	}
}

// feedback waits for an account that satisfies ok and returns its total.
func (p *platform) feedback(slug, password string, ok func(map[string]float64) bool) map[string]float64 {
	p.t.Helper()
	var total map[string]float64
	eventually(p.t, 20*time.Second, func() (string, bool) {
		out, err := exec.Command(tool(p.t, "mosquitto_sub"), "-h", "127.0.0.1", "-p", p.port(), "-u", slug, "-P", password,
			"-t", "dianchi/v1/"+slug+"/feedback", "-C", "1", "-W", "8").Output()
		var m struct{ Total map[string]float64 }
		if err == nil {
			err = json.Unmarshal(out, &m)
		}
		total = m.Total
		return fmt.Sprintf("%s %v", out, err), err == nil && ok(total)
	})
	return total
}

// After a clean stop with a drained spool, history and the account stay whole
// when spool and snapshot are deleted.
func TestCleanStopNeedsNeitherSpoolNorSnapshot(t *testing.T) {
	p := start(t, t.TempDir(), "")
	password := p.admin("party", "add", "demo-op", "--kind", "operator", "--name", "示例")
	regulator := p.admin("token", "add", "--role", "regulator")
	p.mustPub("demo-op", password, "stations", station)
	ts := time.Now()
	for i := range 5 {
		p.mustPub("demo-op", password, "piles", pileReport("S1-1", ts.Add(time.Duration(i)*time.Millisecond), 3, 60+float64(i)))
	}
	p.mustPub("demo-op", password, "sessions", fmt.Sprintf(
		`{"id":"A1","pile":"S1-1","startTs":%d,"endTs":%d,"energyKwh":31.2}`, ts.Add(-time.Hour).UnixMilli(), ts.Add(-time.Minute).UnixMilli()))
	rows := func() (string, bool) {
		status, m := p.get("/api/v1/history/piles/demo-op:S1-1?every=raw", regulator)
		list, _ := m["rows"].([]any)
		return fmt.Sprint(status, m), len(list) == 5
	}
	eventually(t, 60*time.Second, rows)
	p.stop()
	for _, dir := range []string{spoolDir, snapshotDir} {
		if err := os.RemoveAll(filepath.Join(p.data, dir)); err != nil {
			t.Fatal(err)
		}
	}
	p.launch()
	eventually(t, 60*time.Second, rows)
	_, m := p.get("/api/v1/history/piles/demo-op:S1-1/sessions", regulator)
	if !strings.Contains(fmt.Sprint(m), "A1") {
		t.Errorf("sessions after the restart: %v, want A1", m)
	}
	if total := p.feedback("demo-op", password, func(t map[string]float64) bool { return t["received"] > 0 }); total["received"] != 7 || total["taken"] != 7 {
		t.Errorf("account after the restart: %v, want 7 taken", total)
	}
	// The platform goes on: a new report is taken, stored, and seen.
	p.mustPub("demo-op", password, "piles", pileReport("S1-1", time.Now(), 1, 0))
	eventually(t, 5*time.Second, func() (string, bool) {
		_, m := p.get("/api/v1/piles/demo-op:S1-1", regulator)
		return fmt.Sprint(m), at(m, "pile", "state") == "free"
	})
}

// Administration takes effect in the running platform at once.
func TestAdministrationIsInForceAtOnce(t *testing.T) {
	p := start(t, t.TempDir(), "")
	password := p.admin("party", "add", "demo-op", "--kind", "operator", "--name", "示例")
	token := p.admin("token", "add", "--role", "operator", "--party", "demo-op")
	p.mustPub("demo-op", password, "stations", station)
	eventually(t, 2*time.Second, func() (string, bool) {
		status, m := p.get("/api/v1/stations/demo-op:S1", token)
		return fmt.Sprint(status, m), status == 200
	})
	list := p.admin("token", "list")
	if strings.Contains(list, token) || !strings.Contains(list, "operator") {
		t.Errorf("token list shows %q: want the role and never the secret", list)
	}
	id := strings.Fields(list)[0]
	p.admin("token", "remove", id)
	eventually(t, 2*time.Second, func() (string, bool) {
		status, m := p.get("/api/v1/overview", token)
		return fmt.Sprint(status, m), status == 401 && m["code"] == "token-unknown"
	})
	p.admin("party", "remove", "demo-op")
	eventually(t, 3*time.Second, func() (string, bool) {
		status, m := p.get("/api/v1/stations/demo-op:S1", "")
		return fmt.Sprint(status, m), status == 404
	})
	if err := p.pub("demo-op", password, "stations", station); err == nil {
		t.Error("a removed party was let in")
	}
}

// A start that cannot succeed says so in one line and exits with 1.
func TestCannotStart(t *testing.T) {
	file, err := program()
	if err != nil {
		t.Fatal(err)
	}
	f := func(want string, args ...string) {
		t.Helper()
		cmd := exec.Command(file, args...)
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != exitError {
			t.Errorf("%q: %v, want exit status 1: %s", args, err, out)
		}
		if n := strings.Count(string(out), "\n"); n != 1 {
			t.Errorf("%q says %d lines: %s", args, n, out)
		}
		if !strings.Contains(string(out), want) {
			t.Errorf("%q says %s, want %q", args, out, want)
		}
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	f("the port is taken", "--data", t.TempDir(), "--http", "127.0.0.1:0", "--mqtt", taken.Addr().String())
	f("the port is taken", "--data", t.TempDir(), "--mqtt", "127.0.0.1:0", "--http", taken.Addr().String())
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f("choose another with --data", "--data", filepath.Join(blocked, "data"))
	f("--city", "--data", t.TempDir(), "--city", filepath.Join(t.TempDir(), "nowhere.json"))

	p := start(t, t.TempDir(), "")
	f("in use", "--data", p.data, "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0")
}

// What the README tells a stranger to type works as it stands there.
func TestReadmeConnectsAParty(t *testing.T) {
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(page), "## Connect a party\n\n```sh\n")
	block, _, ok2 := strings.Cut(rest, "```")
	if !ok || !ok2 {
		t.Fatal("README.md has no block on connecting a party")
	}
	file, err := program()
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, t.TempDir(), "")
	script := strings.NewReplacer(
		"bin/dianchi", file, "party add demo-op", "party add demo-op --data "+p.data,
		"-h localhost", "-h 127.0.0.1 -p "+p.port(), "-C 1", "-C 1 -W 20",
	).Replace(block)
	out, err := exec.Command("bash", "-euo", "pipefail", "-c", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s\n%s", err, out, script)
	}
	if !strings.Contains(string(out), `"received":2`) {
		t.Errorf("the account says %s, want two received", out)
	}
	_, m := p.get("/api/v1/stations?near=102.775,24.985", "")
	if at(m, "stations", 0, "piles", "charging") != 1.0 {
		t.Errorf("GET /stations says %v, want the pile charging", m)
	}
}
