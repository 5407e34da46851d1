package influxd

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// asPlatform names the folder in the environment of a test binary that is to be
// the platform: it supervises until it is killed.
const asPlatform = "DIANCHI_TEST_INFLUXD_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(asPlatform); dir != "" {
		cfg := Default(dir)
		cfg.BinPath, cfg.Memory = os.Getenv("DIANCHI_INFLUXD"), 2<<30
		d := New(cfg, slog.New(slog.NewTextHandler(os.Stderr, nil)))
		if err := d.Start(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		for {
			if d.Ready() {
				fmt.Printf("ready %d\n", d.Stats().PID)
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	os.Exit(m.Run())
}

// binary returns influxd, or skips: the tests of this package are nothing without it.
func binary(t *testing.T) string {
	t.Helper()
	bin, err := Find(os.Getenv("DIANCHI_INFLUXD"))
	if err != nil {
		t.Skip(err)
	}
	return bin
}

func testConfig(t *testing.T) Config {
	cfg := Default(filepath.Join(t.TempDir(), "influxdb"))
	cfg.BinPath, cfg.Memory = binary(t), 2<<30
	return cfg
}

func start(t *testing.T, cfg Config) *Daemon {
	t.Helper()
	d := New(cfg, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Stop(context.Background()) })
	return d
}

func waitFor(t *testing.T, what string, limit time.Duration, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after %s still not: %s", limit, what)
		}
	}
}

// living counts the processes that were launched with dir's configuration.
func living(dir string) (pids []int) {
	conf, _ := filepath.Abs(filepath.Join(dir, "influxd.conf"))
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if b, err := os.ReadFile("/proc/" + e.Name() + "/cmdline"); err == nil && bytes.Contains(b, []byte(conf)) {
			pids = append(pids, pid)
		}
	}
	return pids
}

func TestReadyWithDatabaseAndClosedToOthers(t *testing.T) {
	cfg := testConfig(t)
	d := start(t, cfg)
	waitFor(t, "ready", 30*time.Second, d.Ready)

	tables, err := d.query(t.Context(), "SHOW RETENTION POLICIES ON dianchi")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, row := range tables[0].Values {
		got[tables[0].text(row, "name")] = tables[0].text(row, "duration") + " " + tables[0].text(row, "shardGroupDuration")
	}
	if got["raw"] != "72h0m0s 6h0m0s" || got["totals"] != "0s 672h0m0s" {
		t.Errorf("policies = %v", got)
	}
	for _, auth := range []string{"", "Token dianchi:wrong"} {
		req, _ := http.NewRequest(http.MethodGet, d.URL()+"/query?q=SHOW+DATABASES", nil)
		req.Header.Set("Authorization", auth)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("with authorization %q the answer is %d, want 401", auth, resp.StatusCode)
		}
	}
	if st, _ := os.Stat(cfg.Dir); st.Mode().Perm() != 0o700 {
		t.Errorf("folder has mode %v", st.Mode())
	}
	for _, name := range []string{"password", "influxd.conf", "influxd.pid", "influxd.log"} {
		if st, err := os.Stat(filepath.Join(cfg.Dir, name)); err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v, want mode 0600", name, st.Mode(), err)
		}
	}
	if err := d.Stop(t.Context()); err != nil || len(living(cfg.Dir)) != 0 {
		t.Errorf("after Stop (%v) these live: %v", err, living(cfg.Dir))
	}
}

func TestRetentionFollowsTheConfiguration(t *testing.T) {
	cfg := testConfig(t)
	for _, keep := range []time.Duration{72 * time.Hour, 24 * time.Hour} {
		cfg.Retention = keep
		d := start(t, cfg)
		waitFor(t, "ready", 30*time.Second, d.Ready)
		tables, err := d.query(t.Context(), "SHOW RETENTION POLICIES ON dianchi")
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range tables[0].Values {
			if name := tables[0].text(row, "name"); name == "raw" && tables[0].text(row, "duration") != keep.String() {
				t.Errorf("raw keeps %s, want %s", tables[0].text(row, "duration"), keep)
			}
		}
		d.Stop(t.Context())
	}
}

// A process that lives but does not answer is ended and replaced.
func TestDroppedDatabaseComesBack(t *testing.T) {
	d := start(t, testConfig(t))
	waitFor(t, "ready", 30*time.Second, d.Ready)
	if _, err := d.query(t.Context(), "DROP DATABASE dianchi"); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the database again", 2*guardEvery, func() bool {
		tables, err := d.query(t.Context(), "SHOW RETENTION POLICIES ON dianchi")
		return err == nil && len(tables) == 1 && len(tables[0].Values) == 2
	})
}

func TestMissingBinaryIsSaidOnceAndFoundLater(t *testing.T) {
	cfg := testConfig(t)
	real := cfg.BinPath
	cfg.BinPath = filepath.Join(t.TempDir(), "influxd")
	var out bytes.Buffer
	d := New(cfg, slog.New(slog.NewTextHandler(&out, nil)))
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	time.Sleep(lookEvery + time.Second) // two looks
	if d.Ready() {
		t.Fatal("ready without a binary")
	}
	if err := os.Symlink(real, cfg.BinPath); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "ready", 30*time.Second, d.Ready)
	d.Stop(t.Context())
	if n := strings.Count(out.String(), "make bin/influxd"); n != 1 {
		t.Errorf("said %d times what to do, want once:\n%s", n, out.String())
	}
}

// A platform that is killed over and over leaves at most one influxd, and the
// last start is ready with it.
// An influxd that outlived its platform is taken over, not joined by a second one.
func TestGuardGivesUpTheOldestShardOnly(t *testing.T) {
	cfg := testConfig(t)
	d := New(cfg, slog.New(slog.NewTextHandler(t.Output(), nil)))
	d.disk = func(string) (uint64, uint64, error) { return 1 << 40, 2 << 40, nil }
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Stop(context.Background()) })
	waitFor(t, "ready", 30*time.Second, d.Ready)
	now := time.Now()
	for h := range 3 {
		body := fmt.Sprintf("pile,id=x status=1i %d", now.Add(-time.Duration(h)*6*time.Hour).UnixNano())
		req, _ := http.NewRequest(http.MethodPost, d.URL()+"/write?db=dianchi&rp=raw", strings.NewReader(body))
		req.Header.Set("Authorization", "Token "+d.Token())
		resp, err := http.DefaultClient.Do(req)
		if err != nil || resp.StatusCode != http.StatusNoContent {
			t.Fatal(resp, err)
		}
		resp.Body.Close()
	}
	f := func(free uint64, want int) {
		t.Helper()
		guarded := New(cfg, slog.New(slog.DiscardHandler))
		guarded.password = d.password
		guarded.port.Store(d.port.Load())
		guarded.disk = func(string) (uint64, uint64, error) { return free, 1 << 40, nil }
		guarded.guard(t.Context())
		tables, err := d.query(t.Context(), "SHOW SHARDS")
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, s := range tables {
			for _, row := range s.Values {
				if s.text(row, "retention_policy") != "raw" {
					continue
				}
				if start, _ := time.Parse(time.RFC3339, s.text(row, "start_time")); !start.After(now) {
					n++
				}
			}
		}
		if n != want {
			t.Errorf("with %d bytes free %d raw shards are left, want %d", free, n, want)
		}
	}

	f(200<<30, 3) // above 10 %
	f(100<<30, 2) // below
	f(5<<30, 1)
	f(0, 1) // the newest stays
}

func TestSizes(t *testing.T) {
	f := func(mem, snapshot, cache uint64) {
		t.Helper()
		if s := sizesFor(mem); s.snapshotMB != snapshot || s.cacheMB != cache {
			t.Errorf("sizesFor(%d) = %+v", mem, s)
		}
	}

	f(2<<30, 64, 512)
	f(8<<30, 128, 1024)
	f(16<<30, 512, 4096)
	if machineMemory() < 64<<20 {
		t.Errorf("machineMemory() = %d", machineMemory())
	}
}

func TestLogIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	f := func(size int, want int64, aside bool) {
		t.Helper()
		os.WriteFile(path, make([]byte, size), 0o600)
		os.Remove(path + ".1")
		rotate(path)
		st, err := os.Stat(path)
		if err != nil || st.Size() != want {
			t.Errorf("a log of %d bytes has %v bytes after rotate (%v), want %d", size, st.Size(), err, want)
		}
		if _, err := os.Stat(path + ".1"); (err == nil) != aside {
			t.Errorf("a log of %d bytes put aside: %v, want %v", size, err == nil, aside)
		}
	}

	f(100, 100, false)
	f(logBound, 0, true)
}
