package door

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// mqtt.js, a client in another language, publishes at each QoS, reads its
// account and is refused visibly, in both versions, with TLS and without.
func TestMQTTJS(t *testing.T) {
	dir := filepath.Join("testdata", "mqttjs")
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "mqtt")); err != nil {
		t.Fatal("mqtt.js is not installed; run: make deps-test")
	}
	certFile, keyFile := writePair(t, t.TempDir(), "one")
	type heard struct {
		Topic, Payload string
		Retain         bool
		QoS            int
	}
	type result struct {
		Feedback            heard
		Published           int
		ForeignSubscription bool // was refused
		ForeignPublish      any
		WrongPassword       int
	}
	f := func(secure bool, version string, foreignPublish any, wrongPassword int) {
		t.Helper()
		b := newBelt(false)
		d := startTLS(t, Config{}, Deps{Auth: newPeople(), Taker: b}, certFile, keyFile)
		d.PublishFeedback(1, []byte("the account"))
		args := []string{"client.mjs", "mqtt://" + d.Addr().String(), version}
		if secure {
			ca, err := filepath.Abs(certFile)
			if err != nil {
				t.Fatal(err)
			}
			args = []string{"client.mjs", "mqtts://" + d.TLSAddr().String(), version, ca}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, "node", args...)
		cmd.Dir = dir
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %v: %s", args, err, out)
		}
		var got result
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatalf("%v: %v: %s", args, err, out)
		}
		if got.Published != 300 || got.Feedback != (heard{ownFeedback, "the account", true, 1}) ||
			!got.ForeignSubscription || fmt.Sprint(got.ForeignPublish) != fmt.Sprint(foreignPublish) || got.WrongPassword != wrongPassword {
			t.Errorf("%v: %s", args, out)
		}
		for i, m := range b.await(t, 300) {
			if string(m.Payload) != fmt.Sprint(i) {
				t.Fatalf("message %d is %q", i, m.Payload)
			}
		}
	}
	f(false, "4", "closed", 4)
	f(false, "5", 0x87, 0x86)
	f(true, "4", "closed", 4)
	f(true, "5", 0x87, 0x86)
}
