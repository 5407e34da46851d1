package simulator

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/dianchi-platform/dianchi/simulator/fleet"
)

// broker is a real mosquitto with a password for each party and "watcher".
type broker struct {
	addr string
	dir  string
	cmd  *exec.Cmd
}

const watcherPassword = "watch"

func passwordOf(slug string) string { return "pw-" + slug }

// accounts are the passwords of all parties.
func accounts() map[string]string {
	out := map[string]string{}
	for _, p := range fleet.Parties() {
		out[p.Slug] = passwordOf(p.Slug)
	}
	return out
}

// find returns a program that the tests cannot do without.
func find(t *testing.T, name string) string {
	t.Helper()
	for _, dir := range []string{"", "/usr/sbin/", "/usr/local/sbin/", "/opt/homebrew/sbin/"} {
		if path, err := exec.LookPath(dir + name); err == nil {
			return path
		}
	}
	t.Fatalf("%s is not installed: run `make deps` (package mosquitto)", name)
	return ""
}

// startBroker runs mosquitto on a free loopback port until the test ends.
func startBroker(t *testing.T) *broker {
	t.Helper()
	b := &broker{dir: t.TempDir()}
	var lines strings.Builder
	for slug, password := range accounts() {
		fmt.Fprintf(&lines, "%s:%s\n", slug, password)
	}
	fmt.Fprintf(&lines, "watcher:%s\n", watcherPassword)
	passwords := filepath.Join(b.dir, "passwords")
	if err := os.WriteFile(passwords, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(find(t, "mosquitto_passwd"), "-U", passwords).CombinedOutput(); err != nil {
		t.Fatalf("mosquitto_passwd: %v: %s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b.addr = l.Addr().String()
	l.Close()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	conf := fmt.Sprintf("listener %s 127.0.0.1\nallow_anonymous false\npassword_file %s\nuser %s\nmax_queued_messages 0\nmax_inflight_messages 1000\n",
		b.addr[strings.LastIndex(b.addr, ":")+1:], passwords, me.Username)
	if err := os.WriteFile(filepath.Join(b.dir, "mosquitto.conf"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	b.start(t)
	t.Cleanup(b.stop)
	return b
}

func (b *broker) start(t *testing.T) {
	t.Helper()
	b.cmd = exec.Command(find(t, "mosquitto"), "-c", filepath.Join(b.dir, "mosquitto.conf"))
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", b.addr); err == nil {
			c.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("mosquitto does not listen on %s", b.addr)
		}
	}
}

// stop kills the broker at once.
func (b *broker) stop() {
	_ = b.cmd.Process.Kill()
	_ = b.cmd.Wait()
}

// watcher sees everything that parties publish, in the broker's order.
type watcher struct {
	mu       sync.Mutex
	messages []message
	client   mqtt.Client
}

type message struct{ topic, payload string }

func (b *broker) watch(t *testing.T) *watcher {
	t.Helper()
	w := &watcher{}
	o := mqtt.NewClientOptions().AddBroker("tcp://" + b.addr).SetClientID("watcher").SetUsername("watcher").SetPassword(watcherPassword)
	w.client = mqtt.NewClient(o)
	if tok := w.client.Connect(); !tok.WaitTimeout(10*time.Second) || tok.Error() != nil {
		t.Fatalf("watcher: %v", tok.Error())
	}
	tok := w.client.Subscribe("dianchi/v1/#", 1, func(_ mqtt.Client, m mqtt.Message) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.messages = append(w.messages, message{m.Topic(), string(m.Payload())})
	})
	if !tok.WaitTimeout(10*time.Second) || tok.Error() != nil {
		t.Fatalf("watcher: %v", tok.Error())
	}
	t.Cleanup(func() { w.client.Disconnect(100) })
	return w
}

func (w *watcher) all() []message {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]message(nil), w.messages...)
}

// proxy stands between the simulator and the broker. While mute is set, what
// the broker answers is lost.
type proxy struct {
	addr  string
	mute  atomic.Bool
	mu    sync.Mutex
	conns []net.Conn
}

func startProxy(t *testing.T, to string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{addr: l.Addr().String()}
	t.Cleanup(func() { l.Close(); p.cut() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				in.Close()
				continue
			}
			p.mu.Lock()
			p.conns = append(p.conns, in, out)
			p.mu.Unlock()
			go func() { _, _ = io.Copy(out, in); out.Close() }()
			go func() { p.answers(in, out); in.Close() }()
		}
	}()
	return p
}

func (p *proxy) answers(in, out net.Conn) {
	buf := make([]byte, 4096)
	for {
		n, err := out.Read(buf)
		if err != nil {
			return
		}
		if !p.mute.Load() {
			if _, err := in.Write(buf[:n]); err != nil {
				return
			}
		}
	}
}

// cut closes all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// eventually waits until ok holds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 30 s", what)
		}
	}
}
