package broker

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// The broker's plug is pulled while a party publishes, and it starts again with
// all it had or with nothing. Each time the source subscribes again by itself,
// and a party that sends again what it is not sure of misses nothing.
func TestBrokersPlugIsPulled(t *testing.T) {
	f := func(persistence bool) {
		m := startMosquitto(t)
		m.configure(persistence, "")
		m.pull()
		d := &disk{open: true}
		s := startSource(t, m, d, new(directory), true)
		for round := range 2 {
			c := m.client("teld")
			from := round * 1000
			stop := make(chan struct{})
			sent := make(chan int)
			go func() {
				n := from
				defer func() { sent <- n }()
				for ; n < from+1000; n++ {
					select {
					case <-stop:
						return
					default:
						c.Publish("dianchi/v1/teld/piles", 1, false, strconv.Itoa(n))
						time.Sleep(500 * time.Microsecond)
					}
				}
			}()
			time.Sleep(150 * time.Millisecond)
			m.pull()
			close(stop)
			to := <-sent
			eventually(t, func() bool { return s.Stats().Connected && c.IsConnectionOpen() })
			for n := from; n < to; n += 100 { // the party is unsure of all since the plug was pulled
				publish(t, c, "dianchi/v1/teld/piles", n, min(n+100, to))
			}
			eventually(t, func() bool {
				seen := d.seen()
				for n := from; n < to; n++ {
					if seen[strconv.Itoa(n)] == 0 {
						return false
					}
				}
				return true
			})
			c.Disconnect(0)
		}
	}
	f(true)
	f(false)
}

// What the broker holds for us while we are away survives its plug being
// pulled, with the settings of deploy/mosquitto.
func TestHeldMessagesSurviveTheBrokersPlug(t *testing.T) {
	m := startMosquitto(t)
	m.configure(true, "")
	m.pull()
	d := &disk{open: true}
	s := startSource(t, m, d, new(directory), true)
	stopSource(t, s)
	publish(t, m.client("teld"), "dianchi/v1/teld/piles", 0, 500)
	time.Sleep(1500 * time.Millisecond) // mosquitto writes its changes within a second
	m.pull()
	startSource(t, m, d, new(directory), true)
	eventually(t, func() bool { return len(d.seen()) == 500 })
}

// The source speaks TLS to a broker and looks at its certificate.
func TestBrokerWithTLS(t *testing.T) {
	m := startMosquitto(t)
	certFile, keyFile := writePair(t, m.dir)
	m.configure(true, fmt.Sprintf("certfile %s\nkeyfile %s\ntls_version tlsv1.2\n", certFile, keyFile))
	m.pull()
	b, err := os.ReadFile(certFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(b)
	trust := &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	cfg := Config{URL: "ssl://127.0.0.1:" + strconv.Itoa(m.port), User: "platform", Password: "pw", Instance: "tls"}

	stranger := New(cfg, quiet, new(directory), &disk{open: true})
	if err := stranger.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return strings.Contains(stranger.Stats().LastError, "certificate") })
	stopSource(t, stranger)

	cfg.TLS = trust
	d := &disk{open: true}
	s := New(cfg, quiet, new(directory), d)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopSource(t, s) })
	eventually(t, func() bool { return s.Stats().Connected })
	c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(cfg.URL).SetTLSConfig(trust).SetUsername("teld").SetPassword("pw"))
	if tok := c.Connect(); !tok.WaitTimeout(10*time.Second) || tok.Error() != nil {
		t.Fatal(tok.Error())
	}
	defer c.Disconnect(0)
	publish(t, c, "dianchi/v1/teld/piles", 0, 10)
	eventually(t, func() bool { return len(d.seen()) == 10 })
}

// writePair writes the certificate for 127.0.0.1 that the standard library has for tests.
func writePair(t *testing.T, dir string) (certFile, keyFile string) {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	key, err := x509.MarshalPKCS8PrivateKey(server.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, b := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: server.Certificate().Raw}, keyFile: {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}
