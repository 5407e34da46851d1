package influx

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/spool"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// store is a real influxd of a test's own, with the bundled one's settings.
type store struct {
	t    testing.TB
	dir  string
	port int
	flux bool
	cmd  *exec.Cmd
}

const storeToken = "dianchi:secret"

// newStore starts an influxd with the database dianchi; the test ends it. Flux
// costs five seconds of CPU at each start.
func newStore(t testing.TB, flux bool) *store {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &store{t: t, flux: flux, dir: t.TempDir(), port: l.Addr().(*net.TCPAddr).Port}
	l.Close()
	s.start()
	t.Cleanup(s.kill)
	s.must("CREATE USER dianchi WITH PASSWORD 'secret' WITH ALL PRIVILEGES")
	s.must("CREATE DATABASE dianchi WITH DURATION INF REPLICATION 1 SHARD DURATION 6h NAME raw")
	s.must("CREATE RETENTION POLICY totals ON dianchi DURATION INF REPLICATION 1 SHARD DURATION 4w")
	return s
}

func (s *store) start() {
	s.t.Helper()
	bin := os.Getenv("DIANCHI_INFLUXD")
	if bin == "" {
		bin = filepath.Join("..", "..", "bin", "influxd")
	}
	if _, err := os.Stat(bin); err != nil {
		s.t.Skip("there is no influxd; make bin/influxd")
	}
	conf := filepath.Join(s.dir, "conf")
	text := fmt.Sprintf(`reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
dir = "%[1]s/meta"
[data]
dir = "%[1]s/data"
wal-dir = "%[1]s/wal"
index-version = "tsi1"
query-log-enabled = false
cache-snapshot-memory-size = "512m"
cache-snapshot-write-cold-duration = "2s"
[monitor]
store-enabled = false
[http]
bind-address = "127.0.0.1:%[2]d"
auth-enabled = true
flux-enabled = %[3]v
log-enabled = false
[logging]
level = "error"
`, s.dir, s.port, s.flux)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.cmd = exec.Command(bin, "run", "-config", conf)
	s.cmd.Stderr = s.t.Output()
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		resp, err := http.Get(s.url() + "/ping")
		if err == nil {
			resp.Body.Close()
			return
		}
		if time.Now().After(end) {
			s.t.Fatal("influxd does not come up: ", err)
		}
	}
}

// kill ends influxd as kill -9 does.
func (s *store) kill() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

func (s *store) url() string { return fmt.Sprintf("http://127.0.0.1:%d", s.port) }

// must runs InfluxQL and returns the answer's text.
func (s *store) must(q string) string {
	s.t.Helper()
	req, _ := http.NewRequest(http.MethodPost, s.url()+"/query", strings.NewReader(url.Values{"q": {q}}.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if !strings.HasPrefix(q, "CREATE USER") {
		req.Header.Set("Authorization", "Token "+storeToken)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK || strings.Contains(string(b), `"error"`) {
		s.t.Fatalf("%s: %d %s", q, resp.StatusCode, b)
	}
	return string(b)
}

// write puts lines into the raw policy behind the writer's back.
func (s *store) write(lines string) {
	s.t.Helper()
	req, _ := http.NewRequest(http.MethodPost, s.url()+"/write?db=dianchi&rp=raw", strings.NewReader(lines))
	req.Header.Set("Authorization", "Token "+storeToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		b, _ := io.ReadAll(resp.Body)
		s.t.Fatalf("write: %d %s", resp.StatusCode, b)
	}
}

// target is the store as the bundled one is used.
func (s *store) target() Target {
	return Target{Endpoint: Fixed(s.url(), storeToken), Bucket: "dianchi/raw", TotalsBucket: "dianchi/totals"}
}

// rig is a spool, a writer and a reader on one store.
type rig struct {
	t      testing.TB
	spool  *spool.Spool
	cfg    Config
	writer *Writer
	reader *Reader
}

func slugOf(num charge.Num) string {
	return map[charge.Num]string{1: "teld", 2: "byd"}[num]
}

// newRig makes a rig whose writer is not started yet.
func newRig(t testing.TB, target Target) *rig {
	t.Helper()
	dir := t.TempDir()
	sp, err := spool.Open(spool.Config{Dir: filepath.Join(dir, "spool"), FloorBytes: -1}, slog.New(slog.DiscardHandler), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sp.Close(context.Background()) })
	r := &rig{t: t, spool: sp, cfg: Config{
		Target: target, PosFile: filepath.Join(dir, "position"),
		BatchPoints: 500, BatchWait: 20 * time.Millisecond, Timeout: 5 * time.Second,
	}}
	r.reader = NewReader(ReaderConfig{Target: target}, slog.New(slog.DiscardHandler))
	t.Cleanup(r.reader.Close)
	return r
}

// start starts a new writer, as a new process would.
func (r *rig) start() {
	r.t.Helper()
	r.writer = New(r.cfg, slog.New(slog.DiscardHandler), Deps{
		Open: func(from uint64) Source { return r.spool.Reader(from) },
		Hold: func(seq uint64) { r.spool.Hold("influx", seq) },
		Slug: slugOf,
	})
	if err := r.writer.Start(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	w := r.writer
	r.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		defer cancel()
		w.Stop(ctx)
	})
}

// log appends a record to the spool.
func (r *rig) log(rec *record.Record) uint64 {
	r.t.Helper()
	seq, err := r.spool.Append(rec.Append(nil))
	if err != nil {
		r.t.Fatal(err)
	}
	return seq
}

// stop drains the writer.
func (r *rig) stop() {
	r.t.Helper()
	if err := r.spool.WaitSynced(r.t.Context(), r.spool.Next()-1); err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(r.t.Context(), 3*time.Minute)
	defer cancel()
	if err := r.writer.Stop(ctx); err != nil {
		r.t.Fatal(err)
	}
	if at := r.writer.Stats().Position; at != r.spool.Synced() {
		r.t.Fatalf("drained up to record %d of %d", at, r.spool.Synced())
	}
	if p := r.writer.Stats().Sum; p.Due != p.Accepted+p.Refused+p.Lost {
		r.t.Fatalf("points do not add up: %+v", p)
	}
}
