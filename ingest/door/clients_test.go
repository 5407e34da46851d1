package door

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"
	paho5 "github.com/eclipse/paho.golang/paho"
	paho3 "github.com/eclipse/paho.mqtt.golang"
)

// secured opens a door with TLS beside the plain listener.
func secured(t *testing.T, to taker) (*Door, *tls.Config) {
	certFile, keyFile := writePair(t, t.TempDir(), "one")
	return startTLS(t, Config{}, Deps{Auth: newPeople(), Taker: to}, certFile, keyFile), trusting(t, certFile)
}

func TestPaho3(t *testing.T) {
	b := newBelt(false)
	d, _ := secured(t, b)
	testPaho3(t, d, b, "tcp://"+d.Addr().String(), nil)
	b = newBelt(false)
	d, trust := secured(t, b)
	testPaho3(t, d, b, "ssl://"+d.TLSAddr().String(), trust)
}

func testPaho3(t *testing.T, d *Door, b *belt, url string, trust *tls.Config) {
	t.Helper()
	lost := make(chan error, 1)
	opts := paho3.NewClientOptions().AddBroker(url).SetClientID("c").SetUsername("teld").
		SetPassword("pw-teld").SetProtocolVersion(4).SetAutoReconnect(false).SetKeepAlive(2 * time.Second).
		SetConnectionLostHandler(func(_ paho3.Client, err error) { lost <- err })
	if trust != nil {
		opts.SetTLSConfig(trust)
	}
	c := paho3.NewClient(opts)
	must := func(what string, tok paho3.Token) {
		t.Helper()
		if !tok.WaitTimeout(5*time.Second) || tok.Error() != nil {
			t.Fatalf("%s: %v", what, tok.Error())
		}
	}
	must("connect", c.Connect())
	accounts := make(chan string, 9)
	sub := c.Subscribe(ownFeedback, 1, func(_ paho3.Client, m paho3.Message) { accounts <- string(m.Payload()) })
	must("subscribe", sub)
	if got := sub.(*paho3.SubscribeToken).Result()[ownFeedback]; got != 1 {
		t.Errorf("granted %d", got)
	}
	bad := c.Subscribe("#", 1, nil)
	if bad.WaitTimeout(5 * time.Second); bad.(*paho3.SubscribeToken).Result()["#"] != 0x80 {
		t.Errorf("wildcard: %v %v", bad.(*paho3.SubscribeToken).Result(), bad.Error())
	}
	n := 0
	for qos := range byte(3) {
		for range 100 {
			n++
			must("publish", c.Publish("dianchi/v1/teld/piles", qos, true, fmt.Sprint(n)))
		}
	}
	for i, m := range b.await(t, n) {
		if string(m.Payload) != fmt.Sprint(i+1) {
			t.Fatalf("message %d is %q", i+1, m.Payload)
		}
	}
	d.PublishFeedback(1, []byte("first"))
	if got := <-accounts; got != "first" {
		t.Errorf("account %q", got)
	}
	time.Sleep(3500 * time.Millisecond) // longer than the keep-alive
	d.PublishFeedback(1, []byte("second"))
	if got := <-accounts; got != "second" {
		t.Errorf("account %q", got)
	}
	c.Publish("dianchi/v1/byd/fleet", 1, false, "[]")
	select {
	case <-lost:
	case <-time.After(5 * time.Second):
		t.Error("a foreign topic does not disconnect")
	}
	c.Disconnect(50)
	denied := paho3.NewClient(opts.SetPassword("no"))
	if tok := denied.Connect(); !tok.WaitTimeout(5*time.Second) || tok.(*paho3.ConnectToken).ReturnCode() != 4 {
		t.Errorf("wrong password: %v", tok.Error())
	}
}

func TestPaho5(t *testing.T) {
	dialPlain := func(d *Door, _ *tls.Config) (net.Conn, error) { return net.Dial("tcp", d.Addr().String()) }
	dialTLS := func(d *Door, trust *tls.Config) (net.Conn, error) {
		nc, err := tls.Dial("tcp", d.TLSAddr().String(), trust)
		return packets.NewThreadSafeConn(nc), err // paho writes a packet in several pieces
	}
	for _, dial := range []func(*Door, *tls.Config) (net.Conn, error){dialPlain, dialTLS} {
		testPaho5(t, dial)
	}
}

func testPaho5(t *testing.T, dial func(*Door, *tls.Config) (net.Conn, error)) {
	t.Helper()
	b := newBelt(false)
	d, trust := secured(t, b)
	d.PublishFeedback(1, []byte("kept"))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	dialed, err := dial(d, trust)
	if err != nil {
		t.Fatal(err)
	}
	accounts := make(chan *paho5.Publish, 9)
	gone := make(chan byte, 1)
	c := paho5.NewClient(paho5.ClientConfig{
		Conn: dialed,
		OnPublishReceived: []func(paho5.PublishReceived) (bool, error){func(p paho5.PublishReceived) (bool, error) {
			accounts <- p.Packet
			return true, nil
		}},
		OnServerDisconnect: func(d *paho5.Disconnect) { gone <- d.ReasonCode },
	})
	ack, err := c.Connect(ctx, &paho5.Connect{KeepAlive: 30, CleanStart: true, Username: "teld", UsernameFlag: true,
		Password: []byte("pw-teld"), PasswordFlag: true})
	subscribe := func(topic string) (*paho5.Suback, error) {
		return c.Subscribe(ctx, &paho5.Subscribe{Subscriptions: []paho5.SubscribeOptions{{Topic: topic, QoS: 1}}})
	}
	publish := func(topic string, qos byte, payload string) (*paho5.PublishResponse, error) {
		return c.Publish(ctx, &paho5.Publish{Topic: topic, QoS: qos, Payload: []byte(payload)})
	}
	if err != nil || ack.SessionPresent || ack.Properties.AssignedClientID == "" || *ack.Properties.ReceiveMaximum != 256 {
		t.Fatalf("%+v, %v", ack, err)
	}
	if _, err := subscribe(ownFeedback); err != nil {
		t.Fatal(err)
	}
	if got := <-accounts; string(got.Payload) != "kept" || !got.Retain || got.QoS != 1 {
		t.Errorf("account %+v", got)
	}
	if sa, err := subscribe("dianchi/v1/byd/#"); err == nil || sa == nil || sa.Reasons[0] != 0x87 {
		t.Errorf("foreign subscription: %+v, %v", sa, err)
	}
	n := 0
	for qos := range byte(3) {
		for range 100 {
			n++
			pa, err := publish("dianchi/v1/teld/sessions", qos, fmt.Sprint(n))
			if err != nil || pa != nil && pa.ReasonCode != 0 {
				t.Fatalf("publish %d: %+v, %v", n, pa, err)
			}
		}
	}
	b.await(t, n)
	for qos := byte(1); qos < 3; qos++ {
		if pa, err := publish("dianchi/v1/byd/fleet", qos, ""); pa == nil || pa.ReasonCode != 0x87 {
			t.Errorf("foreign topic: %+v, %v", pa, err)
		}
	}
	var wg sync.WaitGroup // many at once
	for range 300 {
		wg.Go(func() {
			if _, err := publish("dianchi/v1/teld/piles", 1, "[]"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	d.Kick(1)
	if got := <-gone; got != 0x98 {
		t.Errorf("removed party: reason %#x", got)
	}
}

// mosquitto runs one of mosquitto's clients against the door.
func mosquitto(t *testing.T, d *Door, stdin, program string, args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatal("mosquitto's clients are not installed; run: make deps-test")
	}
	at := d.Addr()
	if slices.Contains(args, "--cafile") {
		at = d.TLSAddr()
	}
	_, port, _ := net.SplitHostPort(at.String())
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, append([]string{"-h", "127.0.0.1", "-p", port}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestMosquittoClients(t *testing.T) {
	certFile, keyFile := writePair(t, t.TempDir(), "one")
	f := func(version string, more ...string) {
		t.Helper()
		b := newBelt(false)
		d := startTLS(t, Config{}, Deps{Auth: newPeople(), Taker: b}, certFile, keyFile)
		login := append(more, "-V", version, "-u", "teld", "-P", "pw-teld")
		var lines strings.Builder
		for i := range 500 {
			fmt.Fprintf(&lines, "%d\n", i)
		}
		n := 0
		for _, qos := range []string{"0", "1", "2"} {
			out, err := mosquitto(t, d, lines.String(), "mosquitto_pub",
				slices.Concat(login, []string{"-q", qos, "-t", "dianchi/v1/teld/piles", "-l"})...)
			if err != nil {
				t.Fatalf("%s QoS %s: %v %s", version, qos, err, out)
			}
			n += 500
			for i, m := range b.await(t, n)[n-500:] {
				if string(m.Payload) != fmt.Sprint(i) {
					t.Fatalf("%s QoS %s: message %d is %q", version, qos, i, m.Payload)
				}
			}
		}
		d.PublishFeedback(1, []byte("kept account"))
		sub := func(topic string) (string, error) {
			return mosquitto(t, d, "", "mosquitto_sub", slices.Concat(login, []string{"-q", "1", "-t", topic, "-C", "1", "-v", "-W", "5"})...)
		}
		pub := func(password, topic string) (string, error) {
			return mosquitto(t, d, "", "mosquitto_pub", slices.Concat(more,
				[]string{"-V", version, "-u", "teld", "-P", password, "-q", "1", "-t", topic, "-m", "[]"})...)
		}
		out, err := sub(ownFeedback)
		if err != nil || out != ownFeedback+" kept account\n" {
			t.Errorf("%s: mosquitto_sub: %q, %v", version, out, err)
		}
		if out, err = sub("dianchi/v1/byd/#"); err == nil && !strings.Contains(out, "denied") {
			t.Errorf("%s: foreign subscription is granted: %q", version, out)
		}
		if out, err = pub("no", "dianchi/v1/teld/piles"); err == nil {
			t.Errorf("%s: a wrong password gets in: %q", version, out)
		}
		out, err = pub("pw-teld", "dianchi/v1/byd/fleet")
		if version == "mqttv311" && err == nil || version == "mqttv5" && !strings.Contains(out, "Not authorized") {
			t.Errorf("%s: foreign topic: %q, %v", version, out, err)
		}
	}
	f("mqttv311")
	f("mqttv5")
	f("mqttv311", "--cafile", certFile)
	f("mqttv5", "--cafile", certFile, "--tls-version", "tlsv1.2")
}
