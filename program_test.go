package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// program builds bin/dianchi once for all whole-program tests.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "dianchi-test-")
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "dianchi")
	out, err := exec.Command("go", "build", "-o", file, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w: %s", err, out)
	}
	return file, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if file, err := program(); err == nil {
		os.RemoveAll(filepath.Dir(file))
	}
	os.Exit(code)
}

// platform is a running program of ours, on ports and a data folder of its own.
type platform struct {
	t       *testing.T
	data    string
	command string // "", ingest, api
	args    []string
	listen  string // what --http says; port 0 at first

	http string // http://127.0.0.1:port
	mqtt string // port
	cmd  *exec.Cmd
	done chan error

	mu  sync.Mutex
	log bytes.Buffer
}

// start runs a command of the program on data; args come on top of the tests' own.
func start(t *testing.T, data, command string, args ...string) *platform {
	t.Helper()
	p := &platform{t: t, data: data, command: command, args: args, listen: "127.0.0.1:0"}
	p.launch()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			p.mu.Lock()
			defer p.mu.Unlock()
			t.Logf("log of the platform:\n%s", tail(p.log.String(), 8000))
		}
	})
	return p
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

func (p *platform) launch() {
	p.t.Helper()
	file, err := program()
	if err != nil {
		p.t.Fatal(err)
	}
	args := append([]string{}, p.args...)
	args = append(args, "--http", p.listen)
	if p.command != "api" {
		args = append(args, "--data", p.data)
		if !slices.Contains(args, "--broker") {
			p.mu.Lock()
			p.mqtt = "" // the next one takes another
			p.mu.Unlock()
			args = append(args, "--mqtt", "127.0.0.1:0")
		}
	}
	if p.command != "" {
		args = append([]string{p.command}, args...)
	}
	p.cmd = exec.Command(file, args...)
	if influxd, err := filepath.Abs("bin/influxd"); err == nil {
		p.cmd.Env = append(os.Environ(), "DIANCHI_INFLUXD="+influxd)
	}
	p.cmd.Env = append(p.cmd.Env, "DIANCHI_INTERNAL_TOKEN=shared-by-the-test", "DIANCHI_DRAIN=0s")
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	ready := make(chan string, 1)
	var reading sync.WaitGroup
	reading.Go(func() { p.keepLog(stderr) })
	reading.Go(func() {
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			select {
			case ready <- lines.Text():
			default:
			}
		}
	})
	cmd, done := p.cmd, make(chan error, 1)
	p.done = done
	go func() { reading.Wait(); done <- cmd.Wait() }()
	select {
	case line := <-ready:
		m := regexp.MustCompile(`http://localhost:(\d+)`).FindStringSubmatch(line)
		if m == nil {
			p.t.Fatalf("the program says %q, no address", line)
		}
		p.http = "http://127.0.0.1:" + m[1]
	case err := <-done:
		p.mu.Lock()
		defer p.mu.Unlock()
		p.t.Fatalf("the program ended at once: %v\n%s", err, &p.log)
	case <-time.After(60 * time.Second):
		p.t.Fatal("the program is not ready after a minute")
	}
}

var mqttLine = regexp.MustCompile(`MQTT door is open.* addr=\S*:(\d+)`)

func (p *platform) keepLog(r io.Reader) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		p.mu.Lock()
		fmt.Fprintln(&p.log, lines.Text())
		if m := mqttLine.FindStringSubmatch(lines.Text()); m != nil {
			p.mqtt = m[1]
		}
		p.mu.Unlock()
	}
}

// port returns the door's, which stands in the log.
func (p *platform) port() string {
	p.t.Helper()
	var port string
	eventually(p.t, 10*time.Second, func() (string, bool) {
		p.mu.Lock()
		defer p.mu.Unlock()
		port = p.mqtt
		return "the log does not say where the MQTT door is", port != ""
	})
	return port
}

// kill pulls the plug.
func (p *platform) kill() {
	if p.cmd.Process != nil && p.done != nil {
		p.cmd.Process.Signal(syscall.SIGKILL)
		<-p.done
		p.done = nil
	}
}

// stop asks the program to end and wants a clean exit.
func (p *platform) stop() {
	p.t.Helper()
	p.cmd.Process.Signal(syscall.SIGTERM)
	if err := <-p.done; err != nil {
		p.t.Errorf("stopping: %v", err)
	}
	p.done = nil
}

// admin runs one administration command and returns what it prints.
func (p *platform) admin(args ...string) string {
	p.t.Helper()
	file, err := program()
	if err != nil {
		p.t.Fatal(err)
	}
	cmd := exec.Command(file, append(args, "--data", p.data)...)
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil {
		p.t.Fatalf("dianchi %q: %v: %s", args, err, &errOut)
	}
	return strings.TrimSpace(string(out))
}

// tool returns a program of the package manager's.
func tool(t *testing.T, name string) string {
	t.Helper()
	for _, f := range []string{name, "/usr/sbin/" + name} {
		if full, err := exec.LookPath(f); err == nil {
			return full
		}
	}
	t.Fatalf("%s is not installed; run: make deps-test", name)
	return ""
}

// pub publishes with the ordinary client and waits for the acknowledgement.
func (p *platform) pub(slug, password, topic, payload string) error {
	p.t.Helper()
	cmd := exec.Command(tool(p.t, "mosquitto_pub"), "-h", "127.0.0.1", "-p", p.port(), "-q", "1",
		"-u", slug, "-P", password, "-t", "dianchi/v1/"+slug+"/"+topic, "-s")
	cmd.Stdin = strings.NewReader(payload)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("mosquitto_pub: %w: %s", err, out)
	}
	return nil
}

func (p *platform) mustPub(slug, password, topic, payload string) {
	p.t.Helper()
	if err := p.pub(slug, password, topic, payload); err != nil {
		p.t.Fatal(err)
	}
}

// get asks for JSON and returns the status with the decoded answer.
func (p *platform) get(path, token string) (int, map[string]any) {
	p.t.Helper()
	req, err := http.NewRequest(http.MethodGet, p.http+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		p.t.Fatalf("GET %s: %d, not JSON: %s", path, res.StatusCode, tail(string(b), 300))
	}
	return res.StatusCode, m
}

// eventually fails unless f becomes true; f says what it sees.
func eventually(t *testing.T, within time.Duration, f func() (string, bool)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	for {
		seen, ok := f()
		if ok {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("not within %v: %s", within, seen)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// at digs into decoded JSON: at(m, "stations", 0, "piles", "free").
func at(v any, path ...any) any {
	for _, k := range path {
		switch k := k.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[k]
		case int:
			s, _ := v.([]any)
			if k >= len(s) {
				return nil
			}
			v = s[k]
		}
	}
	return v
}
