package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// mosquitto is a real broker with our password and ACL files, and with the
// configuration that we deploy; more lines go behind it.
type mosquitto struct {
	t    *testing.T
	dir  string
	port int
	cmd  *exec.Cmd
}

func startMosquitto(t *testing.T, files string, more ...string) *mosquitto {
	t.Helper()
	m := &mosquitto{t: t, dir: t.TempDir(), port: freePort(t)}
	deployed, err := os.ReadFile(filepath.Join("deploy", "mosquitto", "mosquitto.conf"))
	if err != nil {
		t.Fatal(err)
	}
	conf := strings.NewReplacer("listener 1883", fmt.Sprintf("listener %d 127.0.0.1", m.port),
		"/mosquitto/parties", files, "/mosquitto/data", m.dir).Replace(string(deployed)) + "\nuser root\n" + strings.Join(more, "")
	if err := os.WriteFile(filepath.Join(m.dir, "mosquitto.conf"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	m.launch()
	t.Cleanup(func() { m.cmd.Process.Kill(); m.cmd.Wait() })
	return m
}

func (m *mosquitto) launch() {
	m.t.Helper()
	m.cmd = exec.Command(tool(m.t, "mosquitto"), "-c", filepath.Join(m.dir, "mosquitto.conf"))
	if err := m.cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	eventually(m.t, 10*time.Second, func() (string, bool) {
		c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(m.port)))
		if err != nil {
			return err.Error(), false
		}
		c.Close()
		return "", true
	})
}

// restart ends the broker as an administrator would and launches it again.
func (m *mosquitto) restart() {
	m.t.Helper()
	m.cmd.Process.Signal(syscall.SIGTERM)
	m.cmd.Wait()
	m.launch()
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// startInfluxDB runs an InfluxDB of its own, as a deployer would, and returns its address.
func startInfluxDB(t *testing.T) string {
	t.Helper()
	influxd, err := filepath.Abs(filepath.Join("bin", "influxd"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(influxd); err != nil {
		t.Fatalf("%v; run: make influxd", err)
	}
	dir := t.TempDir()
	port, rpc := freePort(t), freePort(t)
	conf := fmt.Sprintf("reporting-disabled = true\nbind-address = \"127.0.0.1:%d\"\n[meta]\n dir = \"%s/meta\"\n"+
		"[data]\n dir = \"%s/data\"\n wal-dir = \"%s/wal\"\n index-version = \"tsi1\"\n"+
		"[http]\n bind-address = \"127.0.0.1:%d\"\n log-enabled = false\n[logging]\n level = \"error\"\n", rpc, dir, dir, dir, port)
	file := filepath.Join(dir, "influxdb.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(influxd, "run", "-config", file)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	address := fmt.Sprintf("http://127.0.0.1:%d", port)
	eventually(t, 60*time.Second, func() (string, bool) {
		res, err := http.Post(address+"/query", "application/x-www-form-urlencoded", strings.NewReader("q=CREATE+DATABASE+dianchi"))
		if err != nil {
			return err.Error(), false
		}
		res.Body.Close()
		return res.Status, res.StatusCode == http.StatusOK
	})
	return address
}

// The topology of docker-compose.yml, process by process: a real mosquitto,
// ingest, two api replicas. A stranger's report is seen at both, also after
// broker and ingest were started again.
func TestSplitProcesses(t *testing.T) {
	data, files := t.TempDir(), t.TempDir()
	admin := &platform{t: t, data: data}
	password := admin.admin("party", "add", "demo-op", "--kind", "operator", "--name", "示例")
	regulator := admin.admin("token", "add", "--role", "regulator")
	file, err := program()
	if err != nil {
		t.Fatal(err)
	}
	const ours = "between-us"
	cmd := exec.Command(file, "broker-files", files, "--data", data, "--broker-password", ours)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("broker-files: %v: %s", err, out)
	}
	broker := startMosquitto(t, files)
	url := fmt.Sprintf("tcp://127.0.0.1:%d", broker.port)

	store := startInfluxDB(t)

	ingest := start(t, data, "ingest", "--influx", store, "--influx-bucket", "dianchi/autogen", "--broker", url, "--broker-user", platformUser, "--broker-password", ours)
	ingest.mqtt = strconv.Itoa(broker.port)
	eventually(t, 10*time.Second, func() (string, bool) {
		_, m := ingest.get("/readyz", "")
		return fmt.Sprint(m), m["ready"] == true && fmt.Sprint(m) != "" && brokerReady(m)
	})
	one := start(t, "", "api", "--ingest", ingest.http, "--influx", store, "--influx-bucket", "dianchi/autogen")
	two := start(t, "", "api", "--ingest", ingest.http, "--influx", store, "--influx-bucket", "dianchi/autogen")

	seen := func(kw float64) {
		t.Helper()
		for _, p := range []*platform{one, two} {
			eventually(t, 5*time.Second, func() (string, bool) {
				_, m := p.get("/api/v1/piles/demo-op:S1-1", regulator)
				return fmt.Sprint(m), at(m, "pile", "powerKw") == kw
			})
		}
	}
	ingest.mustPub("demo-op", password, "stations", station)
	ingest.mustPub("demo-op", password, "piles", pileReport("S1-1", time.Now(), 3, 61))
	seen(61)
	same(t, one, two)

	broker.restart()
	eventually(t, 15*time.Second, func() (string, bool) {
		_, m := ingest.get("/readyz", "")
		return fmt.Sprint(m), brokerReady(m)
	})
	ingest.mustPub("demo-op", password, "piles", pileReport("S1-1", time.Now(), 3, 62))
	seen(62)

	// What comes while ingest is away waits at the broker.
	ingest.kill()
	ingest.mustPub("demo-op", password, "piles", pileReport("S1-1", time.Now(), 3, 63))
	ingest.listen = strings.TrimPrefix(ingest.http, "http://")
	ingest.launch()
	ingest.mqtt = strconv.Itoa(broker.port)
	seen(63)
	same(t, one, two)

	// History comes from the InfluxDB that stands outside.
	eventually(t, 20*time.Second, func() (string, bool) {
		_, m := two.get("/api/v1/history/piles/demo-op:S1-1", regulator)
		rows, _ := m["rows"].([]any)
		return fmt.Sprint(m), len(rows) == 3
	})
}

func brokerReady(m map[string]any) bool {
	parts, _ := m["parts"].([]any)
	for _, p := range parts {
		if at(p, "name") == "broker" {
			return at(p, "ready") == true
		}
	}
	return false
}

// same wants both replicas to answer alike once things are quiet.
func same(t *testing.T, one, two *platform) {
	t.Helper()
	for _, path := range []string{"/api/v1/operators", "/api/v1/stations/demo-op:S1", "/api/v1/overview"} {
		eventually(t, 5*time.Second, func() (string, bool) {
			_, a := one.get(path, "")
			_, b := two.get(path, "")
			delete(a, "at")
			delete(b, "at")
			return fmt.Sprintf("%s: %v and %v", path, a, b), reflect.DeepEqual(a, b)
		})
	}
}
