package broker

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// mosquitto is a real broker that keeps what it has over restarts. Passwords
// are "pw"; ours may read everything unless the test says otherwise.
type mosquitto struct {
	t    *testing.T
	dir  string
	port int
	cmd  *exec.Cmd

	passwd string
}

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

func startMosquitto(t *testing.T) *mosquitto {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &mosquitto{t: t, dir: t.TempDir(), port: l.Addr().(*net.TCPAddr).Port}
	l.Close()
	passwd := filepath.Join(m.dir, "passwd")
	for i, user := range []string{"platform", "teld"} {
		args := []string{"-b", passwd, user, "pw"}
		if i == 0 {
			args = append([]string{"-c"}, args...)
		}
		if out, err := exec.Command(tool(t, "mosquitto_passwd"), args...).CombinedOutput(); err != nil {
			t.Fatalf("mosquitto_passwd: %v: %s", err, out)
		}
	}
	m.passwd = passwd
	m.allow("user platform\ntopic readwrite dianchi/#\nuser teld\ntopic readwrite dianchi/#\n")
	m.configure(true, "")
	m.launch()
	t.Cleanup(func() { m.cmd.Process.Kill(); m.cmd.Wait() })
	return m
}

// configure writes the configuration of the next launch. persistence saves
// each change at once; listener are lines for the listener.
func (m *mosquitto) configure(persistence bool, listener string) {
	m.t.Helper()
	conf := fmt.Sprintf("listener %d 127.0.0.1\n%sallow_anonymous false\npassword_file %s\nacl_file %s/acl\n"+
		"max_queued_messages 0\nmax_inflight_messages 200\nuser root\npersistence %v\n",
		m.port, listener, m.passwd, m.dir, persistence)
	if persistence {
		conf += fmt.Sprintf("persistence_location %s/\nautosave_interval 1\nautosave_on_changes true\n", m.dir)
	}
	if err := os.WriteFile(filepath.Join(m.dir, "conf"), []byte(conf), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

// pull ends the broker as a power cut would, and launches it again.
func (m *mosquitto) pull() {
	m.t.Helper()
	m.cmd.Process.Kill()
	m.cmd.Wait()
	m.launch()
}

func (m *mosquitto) allow(rules string) {
	m.t.Helper()
	if err := os.WriteFile(filepath.Join(m.dir, "acl"), []byte(rules), 0o600); err != nil {
		m.t.Fatal(err)
	}
	if m.cmd != nil {
		m.cmd.Process.Signal(syscall.SIGHUP)
	}
}

func (m *mosquitto) launch() {
	m.t.Helper()
	m.cmd = exec.Command(tool(m.t, "mosquitto"), "-c", filepath.Join(m.dir, "conf"))
	if err := m.cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	eventually(m.t, func() bool {
		c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(m.port)))
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

func (m *mosquitto) url() string { return "tcp://127.0.0.1:" + strconv.Itoa(m.port) }

func eventually(t *testing.T, f func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !f(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not within 20 s")
		}
	}
}

// client is a party's client, with a clean session.
func (m *mosquitto) client(user string) mqtt.Client {
	m.t.Helper()
	c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(m.url()).SetUsername(user).SetPassword("pw").
		SetClientID("test-" + user).SetAutoReconnect(true).SetMaxReconnectInterval(200 * time.Millisecond))
	if t := c.Connect(); !t.WaitTimeout(10*time.Second) || t.Error() != nil {
		m.t.Fatalf("cannot connect: %v", t.Error())
	}
	m.t.Cleanup(func() { c.Disconnect(0) })
	return c
}
