package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// One run of the whole program: the simulated city comes through the door like
// real parties, reaches InfluxDB, and is shown to a browser; then it stops and
// comes back as it was.
func TestTheCityIsLiveAndComesBack(t *testing.T) {
	data := t.TempDir()
	keepPast(t, data, func(i int) int { return 20 + i }) // what the wall looks back at
	p := start(t, data, "", "--demo", "--vehicles", "6000", "--piles", "6000", "--cadence", "10s")
	eventually(t, 90*time.Second, func() (string, bool) {
		_, m := p.get("/api/v1/overview", "")
		return fmt.Sprint(m), at(m, "vehicles", "total") == 6000.0 && at(m, "piles", "total") == 6000.0 &&
			at(m, "piles", "charging").(float64) > 0 && at(m, "piles", "offline").(float64) < 900 && at(m, "vehicles", "online").(float64) > 0 &&
			at(m, "operators") == 22.0 && at(m, "makers") == 18.0
	})
	t.Run("browser", func(t *testing.T) { browse(t, p, "test/e2e") })

	_, before := p.get("/api/v1/overview", "")
	p.stop()
	p.args = nil // no simulator: nothing moves by itself
	p.launch()
	_, after := p.get("/api/v1/overview", "")
	if at(after, "vehicles", "total") != at(before, "vehicles", "total") || at(after, "piles", "total") != 6000.0 {
		t.Errorf("after a restart: %v, before: %v", after, before)
	}
	if at(after, "piles", "charging").(float64) == 0 {
		t.Errorf("after a restart no pile charges any more: %v", after)
	}
}

// browse runs a folder of the pages' own tests in a real browser, with more environment for them.
func browse(t *testing.T, p *platform, folder string, env ...string) {
	t.Helper()
	web := filepath.Join("dashboard", "web")
	if _, err := os.Stat(filepath.Join(web, "node_modules")); err != nil {
		t.Fatal("the pages are not built; run: make web")
	}
	cmd := exec.Command("npm", "run", "--silent", "e2e", "--", "--dir", folder)
	cmd.Dir = web
	file, err := program()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), "DIANCHI_URL="+p.http, "DIANCHI_BIN="+file, "DIANCHI_DATA="+p.data, "DIANCHI_MQTT=127.0.0.1:"+p.port())
	cmd.Env = append(cmd.Env, env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the pages' tests: %v\n%s", err, tail(string(out), 12000))
	}
}

// `simulator --party` pushes one party's share to a platform elsewhere.
func TestOnePartysShare(t *testing.T) {
	p := start(t, t.TempDir(), "")
	password := p.admin("party", "add", "nio", "--kind", "maker", "--name", "蔚来")
	file, err := program()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(file, "simulator", "--broker", "tcp://127.0.0.1:"+p.port(), "--party", "nio",
		"--vehicles", "4000", "--piles", "4000", "--cadence", "2s")
	cmd.Env = append(os.Environ(), "DIANCHI_PASSWORD="+password)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { cmd.Process.Kill(); cmd.Wait() }()
	eventually(t, 30*time.Second, func() (string, bool) {
		_, m := p.get("/api/v1/makers", "")
		// 45 ‰ of the fleet, and of all others nothing.
		return fmt.Sprint(m), at(m, "makers", 0, "vehicles", "total") == 180.0 &&
			at(m, "makers", 0, "vehicles", "online").(float64) > 0
	})
	_, m := p.get("/api/v1/overview", "")
	if at(m, "vehicles", "total") != 180.0 || at(m, "piles", "total") != 0.0 {
		t.Errorf("one maker's share brought %v", m)
	}
}
