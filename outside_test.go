package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

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

// diary is a party at an outside broker that publishes one report at a time, of
// each of its piles in turn, and keeps what it has sent.
type diary struct {
	piles int
	sent  []entry
}

type entry struct {
	pile int
	ts   int64
	kw   float64
}

func pileName(n int) string { return fmt.Sprint("P", n) }

func (e entry) payload() string { return pileReport(pileName(e.pile), time.UnixMilli(e.ts), 3, e.kw) }

// publish sends new reports until stop is closed; those on their way when the
// connection breaks are sent again by the client.
func (d *diary) publish(c mqtt.Client, stop chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(2 * time.Millisecond):
		}
		e := entry{len(d.sent) % d.piles, time.Now().UnixMilli(), float64(len(d.sent)%100 + 1)}
		d.sent = append(d.sent, e)
		c.Publish("dianchi/v1/demo-op/piles", 1, false, e.payload())
	}
}

// The plug of the broker and of the platform is pulled in turn, and of both,
// while a party publishes through a broker that the platform reads with TLS.
// What the broker holds comes when the platform is back; each report is in the
// account and in the history once.
func TestOutsideBrokersPlugAndOurs(t *testing.T) {
	if testing.Short() {
		t.Skip("pulls plugs for a quarter of a minute")
	}
	data, files := t.TempDir(), t.TempDir()
	admin := &platform{t: t, data: data}
	password := admin.admin("party", "add", "demo-op", "--kind", "operator", "--name", "示例")
	regulator := admin.admin("token", "add", "--role", "regulator")
	file, err := program()
	if err != nil {
		t.Fatal(err)
	}
	const ours = "between-us"
	if out, err := exec.Command(file, "broker-files", files, "--data", data, "--broker-password", ours).CombinedOutput(); err != nil {
		t.Fatalf("broker-files: %v: %s", err, out)
	}
	secure := freePort(t)
	certFile, keyFile := writePair(t, files)
	lines, err := os.ReadFile(filepath.Join("deploy", "mosquitto", "tls-listener.conf"))
	if err != nil {
		t.Fatal(err)
	}
	broker := startMosquitto(t, files, strings.NewReplacer("listener 8883", fmt.Sprintf("listener %d 127.0.0.1", secure),
		"/mosquitto/tls/cert.pem", certFile, "/mosquitto/tls/key.pem", keyFile).Replace(string(lines)))
	store := startInfluxDB(t)
	p := start(t, data, "ingest", "--influx", store, "--influx-bucket", "dianchi/autogen",
		"--broker", fmt.Sprintf("ssl://127.0.0.1:%d", secure), "--broker-ca", certFile,
		"--broker-user", platformUser, "--broker-password", ours)
	p.mqtt = strconv.Itoa(broker.port)
	connected := func() {
		t.Helper()
		eventually(t, 20*time.Second, func() (string, bool) {
			_, m := p.get("/readyz", "")
			return fmt.Sprint(m), brokerReady(m)
		})
	}
	connected()
	d := &diary{piles: 200} // so that none reports faster than it is remembered
	var piles []string
	for n := range d.piles {
		piles = append(piles, fmt.Sprintf(`{"id":%q,"kind":"dc","ratedKw":120}`, pileName(n)))
	}
	p.mustPub("demo-op", password, "stations",
		`{"id":"S1","name":"站","lon":102.775,"lat":24.985,"piles":[`+strings.Join(piles, ",")+`]}`)
	client := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(fmt.Sprintf("tcp://127.0.0.1:%d", broker.port)).
		SetClientID("party").SetUsername("demo-op").SetPassword(password).SetCleanSession(false).
		SetAutoReconnect(true).SetMaxReconnectInterval(200 * time.Millisecond))
	if tok := client.Connect(); !tok.WaitTimeout(10*time.Second) || tok.Error() != nil {
		t.Fatal(tok.Error())
	}
	defer client.Disconnect(0)
	publishing := func(while func()) {
		t.Helper()
		stop := make(chan struct{})
		ended := make(chan struct{})
		go func() { d.publish(client, stop); close(ended) }()
		while()
		close(stop)
		<-ended
	}
	pullBroker := func() { broker.cmd.Process.Kill(); broker.cmd.Wait() }
	pullOurs := func() {
		p.kill()
		time.Sleep(300 * time.Millisecond) // the broker holds what comes
		p.listen = strings.TrimPrefix(p.http, "http://")
		p.launch()
		p.mqtt = strconv.Itoa(broker.port)
	}

	// Ours alone: nobody sends anything again but the broker, what we have not acknowledged.
	publishing(func() {
		for range 2 {
			time.Sleep(500 * time.Millisecond)
			pullOurs()
			connected()
		}
	})
	total := p.feedback("demo-op", password, func(m map[string]float64) bool {
		return m["taken"]+m["history"] == float64(len(d.sent)+1)
	})
	t.Logf("%d reports, our plug pulled twice: account %v", len(d.sent), total)

	// The broker's, with ours and alone.
	publishing(func() {
		for range 2 {
			time.Sleep(500 * time.Millisecond)
			pullBroker()
			broker.launch()
			connected()
			time.Sleep(200 * time.Millisecond)
			pullBroker()
			broker.launch()
			pullOurs()
			connected()
		}
	})
	// The party is unsure of what the broker had when its plug was pulled, and sends all again.
	var last mqtt.Token
	for _, e := range d.sent {
		last = client.Publish("dianchi/v1/demo-op/piles", 1, false, e.payload())
	}
	if !last.WaitTimeout(20*time.Second) || last.Error() != nil {
		t.Fatal(last.Error())
	}
	sent := len(d.sent)
	total = p.feedback("demo-op", password, func(m map[string]float64) bool { return m["taken"]+m["history"] >= float64(sent+1) })
	if total["received"] != total["taken"]+total["history"]+total["duplicate"] || total["rejected"] != 0 {
		t.Errorf("the account of %v reports and a station: %v", sent, total)
	}
	api := start(t, "", "api", "--ingest", p.http, "--influx", store, "--influx-bucket", "dianchi/autogen")
	want := make([][]string, d.piles)
	for _, e := range d.sent {
		want[e.pile] = append(want[e.pile], fmt.Sprint(time.UnixMilli(e.ts).UTC().Format("2006-01-02T15:04:05.000Z"), " ", e.kw))
	}
	for n := range d.piles {
		var got []string
		eventually(t, 30*time.Second, func() (string, bool) {
			_, m := api.get("/api/v1/history/piles/demo-op:"+pileName(n)+"?every=raw", regulator)
			rows, _ := m["rows"].([]any)
			columns, _ := m["columns"].([]any)
			got = got[:0]
			for _, row := range rows {
				got = append(got, fmt.Sprint(at(row, 0), " ", at(row, slices.Index(columns, any("powerKw")))))
			}
			return fmt.Sprintf("%d rows of pile %d, want %d", len(got), n, len(want[n])), len(got) >= len(want[n])
		})
		slices.Sort(got)
		slices.Sort(want[n])
		if !slices.Equal(got, want[n]) {
			t.Errorf("the history of pile %d has %d rows, want the %d reports", n, len(got), len(want[n]))
		}
	}
	t.Logf("%v reports, account %v", sent, total)
}
