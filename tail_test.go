package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// What became of a party's messages is told on a replica, too, and the rules
// that it met outlive a stop.
func TestRulesMetReachReplicasAndOutliveAStop(t *testing.T) {
	const nowhere = "http://127.0.0.1:1" // history is not needed
	ingest := start(t, t.TempDir(), "ingest", "--influx", nowhere)
	password := ingest.admin("party", "add", "demo-car", "--kind", "maker", "--name", "示例")
	maker := ingest.admin("token", "add", "--role", "maker", "--party", "demo-car")
	replica := start(t, "", "api", "--ingest", ingest.http)
	told := func(p *platform, want string) {
		t.Helper()
		eventually(t, 15*time.Second, func() (string, bool) {
			_, m := p.get("/api/v1/quality/demo-car/rules", maker)
			text := fmt.Sprint(m)
			return text, strings.Contains(text, want) && strings.Contains(text, "msg.field-missing")
		})
	}
	ingest.mustPub("demo-car", password, "vehicles", `{"vin":"LNBMDBAH4PA000001","note":"no time"}`)
	told(ingest, "no time")
	told(replica, "no time")
	ingest.stop()
	ingest.listen = strings.TrimPrefix(ingest.http, "http://")
	ingest.launch()
	told(ingest, "no time")
	told(replica, "no time")
}
