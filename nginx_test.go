package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// startNginx runs nginx with the configuration that we deploy, in front of the
// replicas, and returns its address.
func startNginx(t *testing.T, one, two *platform) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("deploy", "nginx", "nginx.conf"))
	if err != nil {
		t.Fatal(err)
	}
	dir, port := t.TempDir(), freePort(t)
	conf := string(b)
	for old, changed := range map[string]string{
		"api-1:8080": strings.TrimPrefix(one.http, "http://"), "api-2:8080": strings.TrimPrefix(two.http, "http://"),
		"listen 8080":                  fmt.Sprintf("listen 127.0.0.1:%d", port),
		"worker_rlimit_nofile 200000;": "worker_rlimit_nofile 1024;", "worker_connections 100000;": "worker_connections 500;",
		"http {\n": "http {\n client_body_temp_path " + dir + "; proxy_temp_path " + dir + "/proxy; fastcgi_temp_path " + dir +
			"/f; uwsgi_temp_path " + dir + "/u; scgi_temp_path " + dir + "/s;\n",
	} {
		if strings.Count(conf, old) != 1 {
			t.Fatalf("deploy/nginx/nginx.conf has %d times %q", strings.Count(conf, old), old)
		}
		conf = strings.Replace(conf, old, changed, 1)
	}
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	who := ""
	if os.Geteuid() == 0 {
		who = "user root; "
	}
	cmd := exec.Command(tool(t, "nginx"), "-p", dir, "-c", file, "-e", "stderr",
		"-g", who+"daemon off; pid "+dir+"/pid; error_log stderr warn;")
	var log strings.Builder
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM) // its workers end with it
		cmd.Wait()
		if t.Failed() {
			t.Logf("nginx: %s", tail(log.String(), 4000))
		}
	})
	address := fmt.Sprintf("http://127.0.0.1:%d", port)
	eventually(t, 10*time.Second, func() (string, bool) {
		res, err := http.Get(address + "/readyz")
		if err != nil {
			return err.Error(), false
		}
		res.Body.Close()
		return res.Status, res.StatusCode == http.StatusOK
	})
	return address
}

// A viewer behind nginx goes on when its replica is killed or stopped: it comes
// back through the same address, goes on from the revision that it has, and ends
// with what GET says. Requests meanwhile are all answered.
func TestViewerBehindNginxOutlivesItsReplica(t *testing.T) {
	data := t.TempDir()
	admin := &platform{t: t, data: data}
	password := admin.admin("party", "add", "demo-op", "--kind", "operator", "--name", "示例")
	ingest := start(t, data, "ingest")
	ingest.mustPub("demo-op", password, "stations", strings.ReplaceAll(station, "S1", "S3"))
	one, two := start(t, "", "api", "--ingest", ingest.http), start(t, "", "api", "--ingest", ingest.http)
	front := &platform{t: t, http: startNginx(t, one, two)}

	for _, path := range []string{"/internal/snapshot", "/metrics"} {
		if b, err := front.fetch(path, ""); err == nil || !strings.Contains(err.Error(), "404") {
			t.Errorf("%s through nginx: %v %.100s", path, err, b)
		}
	}
	viewers := make([]watcher, 4) // so that some are at each replica
	for i := range viewers {
		if err := viewers[i].connect(front.http, false); err != nil {
			t.Fatal(err)
		}
		defer func() { viewers[i].conn.Close() }()
	}
	power := 0.0
	// seen publishes a report and lets each viewer read until it knows of it, coming
	// back as clients do. It returns how many came back, and how many frames of
	// stations they then got as steps and whole.
	seen := func(after string) (back, steps, whole int) {
		t.Helper()
		power++
		ingest.mustPub("demo-op", password, "piles", pileReport("S3-1", time.Now(), 3, power))
		for i := range viewers {
			w, again, told := &viewers[i], false, false
			for end := time.Now().Add(30 * time.Second); ; {
				f, err := w.read(time.Second)
				if time.Now().After(end) {
					t.Fatalf("after %s viewer %d does not see %v: %v", after, i, power, err)
				}
				if err != nil {
					if err := w.connect(front.http, true); err != nil {
						t.Logf("after %s: %v", after, err)
					}
					again = true
					continue
				}
				if again && strings.HasPrefix(f.Ch, "s/") { // who comes back is told of each channel
					told = true
					if f.Full {
						whole++
					} else {
						steps++
					}
				}
				c := w.model.Channels["overview"]
				if c != nil && string(c.Whole["powerKw"]) == fmt.Sprint(power) && told == again {
					break
				}
			}
			if again {
				back++
			}
		}
		return back, steps, whole
	}
	var asked atomic.Int64
	stop := make(chan struct{})
	var asking sync.WaitGroup
	asking.Go(func() {
		for {
			if _, err := front.fetch("/api/v1/stations?near=102.775,24.985", ""); err != nil {
				t.Errorf("a request that came meanwhile: %v", err)
			}
			asked.Add(1)
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	})

	seen("")
	one.kill()
	back, steps, whole := seen("one was killed")
	if back == 0 || steps == 0 || whole > 0 {
		t.Errorf("%d viewers came back and got %d frames of stations that went on and %d whole ones", back, steps, whole)
	}
	one.again()
	two.kill()
	seen("two was killed")
	two.again()
	one.stop()
	seen("one was stopped")
	close(stop)
	asking.Wait()
	if asked.Load() < 50 {
		t.Errorf("only %d requests were made meanwhile", asked.Load())
	}
	for i := range viewers {
		settle(t, &viewers[i], front, i)
	}
}
