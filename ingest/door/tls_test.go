package door

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writePair makes a certificate for 127.0.0.1 that signs itself.
func writePair(t testing.TB, dir, name string) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key")
	for file, b := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

// trusting is a client's configuration that trusts one certificate.
func trusting(t testing.TB, certFile string) *tls.Config {
	t.Helper()
	b, err := os.ReadFile(certFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(b) {
		t.Fatal("no certificate")
	}
	return &tls.Config{RootCAs: pool}
}

func startTLS(t testing.TB, cfg Config, deps Deps, certFile, keyFile string) *Door {
	t.Helper()
	pair, err := LoadKeyPair(certFile, keyFile, discard)
	if err != nil {
		t.Fatal(err)
	}
	cfg.TLSAddr, cfg.KeyPair = "127.0.0.1:0", pair
	return start(t, cfg, deps)
}

func dialTLS(t testing.TB, d *Door, cfg *tls.Config) (*wire, error) {
	t.Helper()
	nc, err := tls.Dial("tcp", d.TLSAddr().String(), cfg)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { nc.Close() })
	return &wire{t, nc, bufio.NewReader(nc)}, nil
}

func TestTLS(t *testing.T) {
	certFile, keyFile := writePair(t, t.TempDir(), "one")
	b := newBelt(false)
	d := startTLS(t, Config{}, Deps{Auth: newPeople(), Taker: b}, certFile, keyFile)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		cfg := trusting(t, certFile)
		cfg.MinVersion, cfg.MaxVersion = version, version
		w, err := dialTLS(t, d, cfg)
		if err != nil {
			t.Fatal(err)
		}
		w.send(connect5("c", "teld", 60)...)
		if got := w.packet(); len(got) < 4 || got[3] != 0 {
			t.Fatalf("CONNACK % x", got)
		}
		big := strings.Repeat("x", 300_000) // many records
		w.send(publish5("dianchi/v1/teld/piles", 1, 7, big)...)
		w.want(0x40, 2, 0, 7)
		if got := b.messages(); string(got[len(got)-1].Payload) != big {
			t.Fatalf("TLS %#x: another payload came", version)
		}
		w.send(publish5("dianchi/v1/teld/piles", 1, 8, "[]")[:10]...)
		w.send(0, 0, 0, 0) // not a topic of its own
		w.send(publish5("dianchi/v1/teld/piles", 1, 8, "[]")[14:]...)
		w.want(0xE0, 2, 0x81, 0) // is told why, through TLS
		w.wantClosed()
	}
	login(t, d, 4, "plain", "teld").ping() // the plain listener goes on beside it
	old := trusting(t, certFile)
	old.MinVersion, old.MaxVersion = tls.VersionTLS11, tls.VersionTLS11
	if _, err := dialTLS(t, d, old); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
}

// A certificate that is renewed in its files is used for the next connection;
// one that does not fit its key is not.
func TestCertificateIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := writePair(t, dir, "one")
	newCert, newKey := writePair(t, dir, "two")
	before, after := trusting(t, certFile), trusting(t, newCert)
	d := startTLS(t, Config{}, Deps{Auth: newPeople(), Taker: newBelt(false)}, certFile, keyFile)
	f := func(name string, cfg *tls.Config, want bool) {
		t.Helper()
		if _, err := dialTLS(t, d, cfg); (err == nil) != want {
			t.Fatalf("%s: %v, want it to work: %v", name, err, want)
		}
	}
	f("the first", before, true)
	f("not yet the second", after, false)
	stays, err := dialTLS(t, d, before)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(newCert, certFile); err != nil {
		t.Fatal(err)
	}
	f("while certificate and key do not fit", before, true)
	if err := os.Rename(newKey, keyFile); err != nil {
		t.Fatal(err)
	}
	f("the second", after, true)
	f("no longer the first", before, false)
	if err := os.Remove(keyFile); err != nil {
		t.Fatal(err)
	}
	f("without a key file", after, true)
	stays.send(connect3("c", "teld", 60)...)
	stays.want(0x20, 2, 0, 0)
}

func TestKeyPairErrors(t *testing.T) {
	dir := t.TempDir()
	cert1, key1 := writePair(t, dir, "one")
	_, key2 := writePair(t, dir, "two")
	rubbish := filepath.Join(dir, "rubbish")
	if err := os.WriteFile(rubbish, []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := func(cert, key, want string) {
		t.Helper()
		_, err := LoadKeyPair(cert, key, discard)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s with %s: %v, want %q", filepath.Base(cert), filepath.Base(key), err, want)
		}
	}
	f("/none.pem", key1, "cannot read the certificate /none.pem: no such file")
	f(cert1, "/none.key", "cannot read the key /none.key: no such file")
	f(cert1, key2, "cannot be used together")
	f(rubbish, key1, "cannot be used together")
	f(key1, cert1, "cannot be used together")
	if _, err := LoadKeyPair(cert1, key1, discard); err != nil {
		t.Error(err)
	}
}

// Whoever opens the listener with TLS and does not speak it is cut, in time.
func TestHandshakeEnds(t *testing.T) {
	certFile, keyFile := writePair(t, t.TempDir(), "one")
	d := startTLS(t, Config{ConnectTimeout: 300 * time.Millisecond}, Deps{Auth: newPeople(), Taker: newBelt(false)}, certFile, keyFile)
	f := func(name string, sent []byte) {
		t.Helper()
		nc, err := net.Dial("tcp", d.TLSAddr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		nc.Write(sent)
		nc.SetReadDeadline(time.Now().Add(5 * time.Second))
		if _, err := io.Copy(io.Discard, nc); os.IsTimeout(err) {
			t.Errorf("%s: the connection stays open", name)
		}
	}
	before := d.Stats().Refused["tls-handshake"]
	f("silence", nil)
	f("half a record", []byte{22, 3, 1, 2, 0, 1})
	f("plain MQTT", connect3("c", "teld", 60))
	f("HTTP", []byte("GET / HTTP/1.1\r\n\r\n"))
	eventually(t, "all are counted", func() bool { return d.Stats().Refused["tls-handshake"] == before+4 })
	// A handshake and then silence.
	w, err := dialTLS(t, d, trusting(t, certFile))
	if err != nil {
		t.Fatal(err)
	}
	w.wantClosed()
	eventually(t, "sockets are gone", func() bool { return d.Stats().Sockets == 0 })
}

// The door may be open with TLS alone.
func TestTLSAlone(t *testing.T) {
	certFile, keyFile := writePair(t, t.TempDir(), "one")
	pair, err := LoadKeyPair(certFile, keyFile, discard)
	if err != nil {
		t.Fatal(err)
	}
	d := New(Config{TLSAddr: "127.0.0.1:0", KeyPair: pair}, discard, Deps{Auth: newPeople(), Taker: newBelt(false)})
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer d.Stop(t.Context())
	if d.Addr() != nil {
		t.Errorf("a plain listener at %v", d.Addr())
	}
	w, err := dialTLS(t, d, trusting(t, certFile))
	if err != nil {
		t.Fatal(err)
	}
	w.send(connect3("c", "teld", 60)...)
	w.want(0x20, 2, 0, 0)
	if err := New(Config{}, discard, Deps{}).Start(t.Context()); err == nil {
		t.Error("a door without an address opens")
	}
}
