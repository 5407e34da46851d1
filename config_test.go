package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"

	"github.com/dianchi-platform/dianchi/api"
)

func noEnv(string) (string, bool) { return "", false }

func TestFlagsAndEnvironment(t *testing.T) {
	var c config
	env := func(name string) (string, bool) {
		v, ok := map[string]string{"DIANCHI_STALE": "90s", "DIANCHI_HTTP": ":1"}[name]
		return v, ok
	}
	if _, err := c.parse(inRun, []string{"--http", ":9090", "--demo", "--vehicles=7"}, env); err != nil {
		t.Fatal(err)
	}
	if c.HTTP != ":9090" || !c.Demo || c.Vehicles != 7 || c.Stale != 90*time.Second || c.Data != "data" {
		t.Fatalf("parsed %+v", c)
	}
}

// What nobody sets is what api.Default says.
func TestLimitsAreTheAPIsOwn(t *testing.T) {
	var c config
	if _, err := c.parse(inRun, nil, noEnv); err != nil {
		t.Fatal(err)
	}
	if want := api.Default(); !reflect.DeepEqual(c.API, want) || int64(c.MessageKiB)<<10 != want.ReadLimit {
		t.Fatalf("flags give %+v\nwant %+v", c.API, want)
	}
}

// Wrong use exits with 2 and one line that names what is wrong.
func TestWrongUse(t *testing.T) {
	f := func(want string, args ...string) {
		t.Helper()
		var out, errOut bytes.Buffer
		got := run(context.Background(), args, noEnv, &out, &errOut)
		if got != exitUsage {
			t.Errorf("%q exits with %d, want 2", args, got)
		}
		if n := strings.Count(errOut.String(), "\n"); n != 1 {
			t.Errorf("%q says %d lines on standard error: %q", args, n, errOut.String())
		}
		if !strings.Contains(errOut.String(), want) {
			t.Errorf("%q says %q, want it to name %q", args, errOut.String(), want)
		}
		if out.Len() != 0 {
			t.Errorf("%q prints %q on standard output", args, out.String())
		}
	}
	f("--nonsense", "--nonsense")
	f("fly", "fly")
	f("--stale", "--stale", "soon")
	f("--stale", "--stale", "1s")
	f("--vehicles", "simulator", "--vehicles", "-3")
	f("--http needs a value", "--http")
	f("--influx", "--influx", "not an address")
	f("--ingest", "api")
	f("SLUG", "party", "add")
	f("--kind", "party", "add", "x1", "--name", "X", "--data", t.TempDir())
	f("one word too many", "party", "list", "more")
	f("--role", "token", "add", "--data", t.TempDir())
	f("--role", "token", "add", "--role", "king", "--data", t.TempDir())
	f("demo", "api", "--demo")
	here := func(args ...string) []string {
		return append(args, "--data", t.TempDir(), "--http", "127.0.0.1:0")
	}
	f("--mqtt-tls ADDR", here("--mqtt", "off")...)
	f("--mqtt 127.0.0.1:1883", here("--mqtt", "off", "--mqtt-tls", "127.0.0.1:0", "--demo")...)
	f("--mqtt-cert FILE and --mqtt-key FILE", here("--mqtt-tls", "127.0.0.1:0", "--mqtt-cert", "x")...)
	f("--mqtt-tls ADDR", here("--mqtt-cert", "x")...)
	f("leave one of them out", here("--broker", "tcp://127.0.0.1:1", "--mqtt-tls", "127.0.0.1:0")...)
	f("--mqtt-window", "--mqtt-window", "0")
	f("--proxies", "--proxies", "nginx")
	f("--drain", "--drain", "-1s")
	f("--mqtt-login-time", "--mqtt-login-time", "1ms")
	f("DIANCHI_BROKER_PASSWORD", "broker-files", t.TempDir(), "--data", t.TempDir())
	f("DIANCHI_BROKER_PASSWORD", "demo-parties", "x.json", "--broker-files", t.TempDir(), "--data", t.TempDir())
}

// A slip of the hand in --data changes and makes nothing; what may come before
// the first start says that it has begun a folder.
func TestDataFolderThatIsNone(t *testing.T) {
	dir := t.TempDir()
	typo := filepath.Join(dir, "dta")
	f := func(args ...string) {
		t.Helper()
		var out, errOut bytes.Buffer
		if got := run(t.Context(), append(args, "--data", typo), noEnv, &out, &errOut); got != exitError {
			t.Errorf("%q exits with %d", args, got)
		}
		if !strings.Contains(errOut.String(), typo) || !strings.Contains(errOut.String(), "--data") ||
			strings.Count(errOut.String(), "\n") != 1 || out.Len() != 0 {
			t.Errorf("%q says %q and prints %q", args, errOut.String(), out.String())
		}
		if _, err := os.Stat(typo); err == nil {
			t.Errorf("%q makes the folder", args)
		}
	}
	f("party", "list")
	f("party", "remove", "teld")
	f("token", "list")
	f("token", "remove", "x")
	f("token", "add", "--role", "operator", "--party", "teld")
	f("broker-files", dir, "--broker-password", "secret")

	add := func(slug string) (said string) {
		t.Helper()
		var out, notes bytes.Buffer
		err := partyAdd(t.Context(), &config{Data: typo, notes: &notes, Kind: "operator", Name: "名"}, []string{slug}, &out)
		if err != nil || len(strings.Fields(out.String())) != 1 {
			t.Fatalf("party add: %v, prints %q", err, out.String())
		}
		return notes.String()
	}
	if said := add("teld"); !strings.Contains(said, typo) || !strings.Contains(said, "--data") {
		t.Errorf("the first says %q", said)
	}
	if said := add("ykc"); said != "" {
		t.Errorf("the second says %q", said)
	}
}

func TestHelpNamesEveryCommandAndFlag(t *testing.T) {
	var out, errOut bytes.Buffer
	if got := run(context.Background(), []string{"help"}, noEnv, &out, &errOut); got != exitClean {
		t.Fatalf("help exits with %d: %s", got, &errOut)
	}
	for _, c := range commands() {
		if !strings.Contains(out.String(), c.name) {
			t.Errorf("help does not name %q", c.name)
		}
	}
	for _, o := range new(config).options() {
		if strings.Contains(o.in, inRun) && !strings.Contains(out.String(), "--"+o.name) {
			t.Errorf("help does not name --%s", o.name)
		}
	}
}

var update = flag.Bool("update", false, "write the pages that are printed from the code")

// The table in docs/operations.md is the table in the code.
func TestOperationsPageHasTheFlags(t *testing.T) {
	file := filepath.Join("docs", "operations.md")
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const from, to = "<!-- flags -->\n", "<!-- /flags -->\n"
	head, rest, ok1 := strings.Cut(string(page), from)
	table, foot, ok2 := strings.Cut(rest, to)
	if !ok1 || !ok2 {
		t.Fatalf("%s has no place for the flags", file)
	}
	want := flagTable()
	if *update {
		if err := os.WriteFile(file, []byte(head+from+want+to+foot), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if table != want {
		t.Errorf("the flags in %s are not those of the code; run: go test -run OperationsPage . -update", file)
	}
}

func flagTable() string {
	var b strings.Builder
	b.WriteString("| flag | environment | default | what |\n|---|---|---|---|\n")
	for _, o := range new(config).options() {
		name := "--" + o.name
		if o.unit != "" {
			name += " " + o.unit
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s |\n", name, environmentName(o.name), o.def, o.help)
	}
	return b.String()
}

// Every service of docker-compose.yml that runs our program is called in a
// way that the program understands.
func TestComposeCallsAreUnderstood(t *testing.T) {
	o, err := cli.NewProjectOptions([]string{"docker-compose.yml"}, cli.WithEnv([]string{
		"DIANCHI_INTERNAL_TOKEN=a", "DIANCHI_BROKER_PASSWORD=b", "DIANCHI_INFLUX_PASSWORD=c",
	}))
	if err != nil {
		t.Fatal(err)
	}
	project, err := o.LoadProject(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var ran []string
	for name, s := range project.Services {
		if s.Image != "dianchi" {
			continue
		}
		checkCall(t, name, s)
		ran = append(ran, name)
	}
	slices.Sort(ran)
	if want := []string{"api-1", "api-2", "ingest", "setup", "simulator"}; !slices.Equal(ran, want) {
		t.Fatalf("services that run our program: %v, want %v", ran, want)
	}
}

func checkCall(t *testing.T, name string, s types.ServiceConfig) {
	t.Helper()
	known := map[string]bool{}
	for _, o := range new(config).options() {
		known[environmentName(o.name)] = true
	}
	env := func(key string) (string, bool) {
		if v := s.Environment[key]; v != nil {
			return *v, true
		}
		return "", false
	}
	for key := range s.Environment {
		if !known[key] {
			t.Errorf("service %s sets %s, which no flag has", name, key)
		}
	}
	cmd, rest, err := find(s.Command)
	if err != nil {
		t.Errorf("service %s: %v", name, err)
		return
	}
	var c config
	words, err := c.parse(cmd.letter, rest, env)
	if err != nil {
		t.Errorf("service %s: %v", name, err)
	}
	if cmd.words >= 0 && len(words) != cmd.words {
		t.Errorf("service %s gives %q %d words, it takes %d", name, cmd.name, len(words), cmd.words)
	}
}
