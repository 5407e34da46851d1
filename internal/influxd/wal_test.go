package influxd

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// write sends lines for the raw policy and returns what InfluxDB says against them.
func (d *Daemon) write(lines string) error {
	req, err := http.NewRequest(http.MethodPost, d.URL()+"/write?db="+Database+"&rp="+RawPolicy, strings.NewReader(lines))
	if err != nil {
		return err
	}
	req.SetBasicAuth(user, d.password)
	res, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusNoContent {
		return fmt.Errorf("%s: %s", res.Status, res.Header.Get("X-Influxdb-Error"))
	}
	return nil
}

// has returns how many points there are.
func (d *Daemon) has(t *testing.T) string {
	t.Helper()
	tables, err := d.query(t.Context(), `SELECT count(v) FROM dianchi.raw.p`)
	if err != nil {
		t.Fatal(err)
	}
	if len(tables) == 0 {
		return "0"
	}
	return tables[0].text(tables[0].Values[0], "count")
}

// What InfluxDB has acknowledged after a start on a half-written WAL is still
// there after the next kill.
func TestHalfWrittenWAL(t *testing.T) {
	cfg := testConfig(t)
	d := start(t, cfg)
	waitFor(t, "ready", 30*time.Second, d.Ready)
	kill := func(whileDead func()) {
		t.Helper()
		pid := d.Stats().PID
		lock, err := os.Open(d.path("influxd.lock")) // nobody launches it before we let go
		if err != nil {
			t.Fatal(err)
		}
		syscall.Kill(pid, syscall.SIGKILL)
		waitFor(t, "the lock", 10*time.Second, func() bool {
			return syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
		})
		whileDead()
		lock.Close()
		waitFor(t, "ready again", 30*time.Second, func() bool { return d.Ready() && d.Stats().PID != pid })
	}
	now := time.Now().UnixNano()
	put := func(n int) {
		t.Helper()
		if err := d.write(fmt.Sprintf("p,id=a v=%d %d", n, now+int64(n))); err != nil {
			t.Fatal(err)
		}
	}
	put(1)
	kill(func() { // as if it had been killed in the middle of an entry
		segments, _ := filepath.Glob(filepath.Join(cfg.Dir, "wal", Database, RawPolicy, "*", "*.wal"))
		if len(segments) == 0 {
			t.Fatal("no WAL")
		}
		f, err := os.OpenFile(slices.Max(segments), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		f.Write([]byte{1, 0, 0, 1, 0, 'h', 'a', 'l', 'f'})
	})
	put(2)
	put(3)
	kill(func() {})
	if n := d.has(t); n != "3" {
		t.Errorf("%s points after two kills, want all 3", n)
	}
}

// After a full disk InfluxDB refuses every write until it is started anew: that
// happens once there is room. It takes root to mount the small disk.
func TestRenewAfterFullDisk(t *testing.T) {
	cfg := testConfig(t)
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", cfg.Dir).CombinedOutput(); err != nil {
		t.Skipf("cannot mount a small file system: %v %s", err, out)
	}
	t.Cleanup(func() { exec.Command("umount", "-l", cfg.Dir).Run() })
	ballast := filepath.Join(cfg.Dir, "ballast")
	d := New(cfg, slog.New(slog.NewTextHandler(t.Output(), nil)))
	d.disk = func(string) (free, total uint64, err error) { // 24 MB would be too little for Renew
		if _, err := os.Stat(ballast); err == nil {
			return 0, 20 << 30, nil
		}
		return 20 << 30, 20 << 30, nil
	}
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Stop(context.Background()) })
	waitFor(t, "ready", 30*time.Second, d.Ready)
	now, n := time.Now().UnixNano(), 1
	put := func() error {
		var lines strings.Builder
		for range 2000 {
			n++
			fmt.Fprintf(&lines, "p,id=a v=%d.%d %d\n", n*7919%1000, n, now+int64(n))
		}
		return d.write(lines.String())
	}
	if err := put(); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(ballast)
	if err != nil {
		t.Fatal(err)
	}
	for block := make([]byte, 1<<16); err == nil; {
		_, err = f.Write(block)
	}
	f.Close()
	waitFor(t, "a write that fails", 30*time.Second, func() bool { err = put(); return err != nil })
	pid := d.Stats().PID
	d.Renew(err) // there is no room yet
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "writes go on", 30*time.Second, func() bool {
		if err = put(); err != nil && strings.HasPrefix(err.Error(), "500") {
			d.Renew(err)
		}
		return err == nil
	})
	if got := d.Stats(); got.PID == pid || got.Launches != 2 {
		t.Errorf("%+v, was %d: want one launch more", got, pid)
	}
}
