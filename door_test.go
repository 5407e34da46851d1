package main

import (
	"bytes"
	"context"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The program's own door with TLS takes a report from the ordinary client that
// docs/connecting.md shows, beside the plain door and alone.
func TestDoorWithTLS(t *testing.T) {
	certFile, keyFile := writePair(t, t.TempDir())
	p := start(t, t.TempDir(), "", "--mqtt-tls", "127.0.0.1:0", "--mqtt-cert", certFile, "--mqtt-key", keyFile)
	password := p.admin("party", "add", "demo-op", "--kind", "operator", "--name", "示例")
	regulator := p.admin("token", "add", "--role", "regulator")
	p.mustPub("demo-op", password, "stations", station)
	p.mu.Lock()
	m := regexp.MustCompile(`MQTT door with TLS is open.* addr=127\.0\.0\.1:(\d+)`).FindStringSubmatch(p.log.String())
	p.mu.Unlock()
	if m == nil {
		t.Fatal("the log does not say where the door with TLS is")
	}
	pub := func(password, cafile string) error {
		out, err := exec.Command(tool(t, "mosquitto_pub"), "--cafile", cafile, "-h", "127.0.0.1", "-p", m[1], "-V", "5",
			"-u", "demo-op", "-P", password, "-q", "1", "-t", "dianchi/v1/demo-op/piles",
			"-m", pileReport("S1-1", time.Now(), 3, 58.2)).CombinedOutput()
		t.Logf("mosquitto_pub: %v %s", err, out)
		return err
	}
	if err := pub(password, certFile); err != nil {
		t.Fatal(err)
	}
	eventually(t, 5*time.Second, func() (string, bool) {
		_, m := p.get("/api/v1/piles/demo-op:S1-1", regulator)
		return "no report", at(m, "pile", "powerKw") == 58.2
	})
	if pub("wrong", certFile) == nil {
		t.Error("a wrong password gets in")
	}
	if n, _ := p.metric(`dianchi_mqtt_refused_total{reason="bad-password"}`); n != 1 {
		t.Errorf("%v refusals in /metrics, want 1", n)
	}
	if n, ok := p.metric("dianchi_mqtt_faults_total"); n != 0 || !ok {
		t.Errorf("%v faults in /metrics", n)
	}
}

// What is wrong with certificate and key is said in one line, and ends the program.
func TestDoorsCertificateIsWrong(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := writePair(t, dir)
	f := func(want, cert, key string) {
		t.Helper()
		var out, errOut bytes.Buffer
		args := []string{"--data", filepath.Join(dir, "data"), "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0",
			"--mqtt-tls", "127.0.0.1:0", "--mqtt-cert", cert, "--mqtt-key", key}
		if got := run(context.Background(), args, noEnv, &out, &errOut); got != exitError {
			t.Errorf("exits with %d", got)
		}
		if text := errOut.String(); !strings.Contains(text, want) || strings.Count(text, "\n") != 1 {
			t.Errorf("says %q, want one line with %q", text, want)
		}
	}
	f("cannot read the certificate /none", "/none", keyFile)
	f("cannot read the key /none", certFile, "/none")
	f("cannot be used together", keyFile, certFile)
	f("cannot be used together", certFile, certFile)
	brokers := []string{"--data", filepath.Join(dir, "data"), "--http", "127.0.0.1:0", "--broker", "ssl://127.0.0.1:1", "--broker-ca", keyFile}
	var out, errOut bytes.Buffer
	run(context.Background(), brokers, noEnv, &out, &errOut)
	if !strings.Contains(errOut.String(), "--broker-ca: "+keyFile+" has no certificate") {
		t.Errorf("says %q", errOut.String())
	}
}
