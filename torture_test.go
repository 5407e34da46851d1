package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Every plug is pulled for a minute, in both topologies, and everything that was
// acknowledged is compared: see bench/torture. The seed is another one each time;
// a failure prints it.
func TestTorture(t *testing.T) {
	if testing.Short() {
		t.Skip("pulls plugs for a minute")
	}
	file, err := program()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join("bin", "influxd")); err != nil {
		t.Fatalf("%v; run: make influxd", err)
	}
	tool(t, "mosquitto")
	torture := filepath.Join(t.TempDir(), "torture")
	if out, err := exec.Command("go", "build", "-o", torture, "./bench/torture").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v: %s", err, out)
	}
	var said bytes.Buffer
	cmd := exec.Command(torture, "--program", file, "--duration", "60s", "--check", "60s", "--rate", "1200")
	cmd.Stderr = &said
	table, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, tail(said.String(), 12000), table)
	}
	t.Logf("%s", table)
}
