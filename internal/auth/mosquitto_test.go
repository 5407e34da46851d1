package auth

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

func TestWriteACL(t *testing.T) {
	s := newStore(t)
	var out bytes.Buffer
	if err := WriteACL(&out, s.parties, BrokerUser{Name: "platform"}); err != nil {
		t.Fatal(err)
	}
	want := `# Made by dianchi from its registry: changes by hand are lost.
user platform
topic read dianchi/v1/+/stations
topic read dianchi/v1/+/piles
topic read dianchi/v1/+/sessions
topic read dianchi/v1/+/fleet
topic read dianchi/v1/+/vehicles
topic write dianchi/v1/+/feedback

user teld
topic write dianchi/v1/teld/stations
topic write dianchi/v1/teld/piles
topic write dianchi/v1/teld/sessions
topic read dianchi/v1/teld/feedback

user byd
topic write dianchi/v1/byd/fleet
topic write dianchi/v1/byd/vehicles
topic read dianchi/v1/byd/feedback
`
	if out.String() != want {
		t.Fatalf("the access list is\n%s\nwant\n%s", out.String(), want)
	}
}

func TestExportRefuses(t *testing.T) {
	s := newStore(t)
	f := func(u BrokerUser) {
		t.Helper()
		dir := t.TempDir()
		if err := ExportMosquitto(dir, s.parties, u); err == nil {
			t.Fatalf("an export for broker user %+v worked", u)
		}
		if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(left) > 0 {
			t.Fatalf("a failed export left %v (%v)", left, err)
		}
	}

	f(BrokerUser{Name: "teld", Password: "x"})
	f(BrokerUser{Name: "gone", Password: "x"}) // a removed slug is never given again
	f(BrokerUser{Name: "", Password: "x"})
	f(BrokerUser{Name: "a:b", Password: "x"})
	f(BrokerUser{Name: "a\nuser b", Password: "x"})
}

// broker runs a real mosquitto on the exported files and returns its port.
func broker(t *testing.T, dir string) string {
	t.Helper()
	exe, err := exec.LookPath("mosquitto")
	if err != nil {
		exe = "/usr/sbin/mosquitto" // not in everybody's path
	}
	for _, tool := range []string{"mosquitto_pub", "mosquitto_sub", "stdbuf"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%s is not installed; run: make deps-test", tool)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") // mosquitto cannot choose a port itself
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	_, port, _ := net.SplitHostPort(addr)
	conf := filepath.Join(dir, "mosquitto.conf")
	text := fmt.Sprintf("listener %s 127.0.0.1\nallow_anonymous false\npassword_file %s\nacl_file %s\npersistence false\n",
		port, filepath.Join(dir, "passwd"), filepath.Join(dir, "acl"))
	if os.Getuid() == 0 {
		text += "user root\n" // else it could not read the test's folder
	}
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd := exec.Command(exe, "-c", conf)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("mosquitto said:\n%s", log.String())
		}
	})
	eventually(t, "mosquitto", 10*time.Second, func() bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return port
}

// A real mosquitto takes and refuses by the files that we write.
func TestMosquitto(t *testing.T) {
	s := newStore(t)
	dir := t.TempDir()
	if err := ExportMosquitto(dir, s.parties, BrokerUser{Name: "platform", Password: "p-platform"}); err != nil {
		t.Fatal(err)
	}
	port := broker(t, dir)
	args := func(user, password, topic string) []string {
		return []string{"-h", "127.0.0.1", "-p", port, "-u", user, "-P", password, "-q", "1", "-t", topic}
	}
	connects := func(user, password string, want bool) {
		t.Helper()
		out, err := exec.Command("mosquitto_pub", append(args(user, password, "dianchi/v1/none"), "-n")...).CombinedOutput()
		if (err == nil) != want {
			t.Fatalf("connecting as %s with %q: %v, %s; want %v", user, password, err, out, want)
		}
	}
	connects("platform", "p-platform", true)
	connects("teld", "p-teld", true)
	connects("byd", "p-byd", true)
	connects("teld", "p-byd", false)
	connects("gone", "p-gone", false)
	connects("nobody", "", false)

	// Each listens to everything and hears what it may.
	listen := func(user, password string) <-chan string {
		t.Helper()
		cmd := exec.Command("stdbuf", append([]string{"-oL", "mosquitto_sub", "-F", "%t", "-d"}, args(user, password, "#")...)...)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
		lines, ready := make(chan string, 100), make(chan struct{})
		go func() {
			defer close(lines)
			for sc := bufio.NewScanner(out); sc.Scan(); {
				if line := sc.Text(); strings.Contains(line, "Subscribed") || strings.Contains(line, "SUBACK") {
					select {
					case <-ready:
					default:
						close(ready)
					}
				} else if strings.HasPrefix(line, "dianchi/v1/") {
					lines <- line
				}
			}
		}()
		select {
		case <-ready:
		case <-time.After(10 * time.Second):
			t.Fatalf("%s did not get its subscription answered", user)
		}
		return lines
	}
	platform, teld, byd := listen("platform", "p-platform"), listen("teld", "p-teld"), listen("byd", "p-byd")
	hears := func(who string, lines <-chan string, want string) {
		t.Helper()
		select {
		case got := <-lines:
			if got != want {
				t.Fatalf("%s heard %q, want %q", who, got, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s did not hear %q", who, want)
		}
	}
	publish := func(user, topic string) {
		t.Helper()
		out, err := exec.Command("mosquitto_pub", append(args(user, "p-"+user, topic), "-m", "[]")...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s publishing to %s: %v: %s", user, topic, err, out)
		}
	}
	for _, slug := range []string{"teld", "byd", "gone"} {
		for p := charge.Stations; p <= charge.Feedback; p++ {
			publish("teld", charge.Topic(slug, p))
		}
	}
	for _, topic := range []string{"stations", "piles", "sessions"} { // and nothing else of the eighteen
		hears("platform", platform, "dianchi/v1/teld/"+topic)
	}
	publish("byd", "dianchi/v1/byd/piles")
	publish("byd", "dianchi/v1/teld/vehicles")
	publish("byd", "dianchi/v1/byd/feedback")
	publish("byd", "dianchi/v1/byd/fleet")
	hears("platform", platform, "dianchi/v1/byd/fleet")
	publish("byd", "dianchi/v1/byd/vehicles")
	hears("platform", platform, "dianchi/v1/byd/vehicles")

	publish("platform", "dianchi/v1/teld/piles") // the platform does not report for a party
	publish("platform", charge.Topic("byd", charge.Feedback))
	publish("platform", charge.Topic("teld", charge.Feedback))
	hears("teld", teld, charge.Topic("teld", charge.Feedback))
	hears("byd", byd, charge.Topic("byd", charge.Feedback))
	for who, lines := range map[string]<-chan string{"platform": platform, "teld": teld, "byd": byd} {
		select {
		case got := <-lines:
			t.Fatalf("%s heard %q too", who, got)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
