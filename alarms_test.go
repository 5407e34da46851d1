package main

import (
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

// post sends a body and returns the status and the answer.
func (p *platform) post(path, token, body string) (int, string) {
	p.t.Helper()
	req, err := http.NewRequest(http.MethodPost, p.http+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// An alarm is raised, ingest is killed, and a maker acknowledges at a replica:
// both replicas and ingest show one and the same alarm, raised once.
func TestAlarmsReachReplicasAndOutliveACrash(t *testing.T) {
	data := t.TempDir()
	const nowhere = "http://127.0.0.1:1" // history is not needed
	ingest := start(t, data, "ingest", "--influx", nowhere)
	password := ingest.admin("party", "add", "demo-car", "--kind", "maker", "--name", "示例")
	regulator := ingest.admin("token", "add", "--role", "regulator")
	maker := ingest.admin("token", "add", "--role", "maker", "--party", "demo-car")
	one := start(t, "", "api", "--ingest", ingest.http)
	two := start(t, "", "api", "--ingest", ingest.http)
	report := func(level int) {
		t.Helper()
		ingest.mustPub("demo-car", password, "vehicles", fmt.Sprintf(`{"vin":"LNBMDBAH4PA000001","ts":%d,"alarmLevel":%d,"alarms":2}`,
			time.Now().UnixMilli(), level))
	}
	alarm := func(p *platform, token, state string) (id string) {
		t.Helper()
		eventually(t, 15*time.Second, func() (string, bool) {
			_, m := p.get("/api/v1/alarms?rule=vehicle.alarm", token)
			list, _ := m["alarms"].([]any)
			if len(list) != 1 || at(list[0], "state") != state {
				return fmt.Sprint(m), false
			}
			id = at(list[0], "id").(string)
			return "", true
		})
		return id
	}
	report(3)
	id := alarm(one, regulator, "open")
	ingest.kill()
	ingest.listen = strings.TrimPrefix(ingest.http, "http://")
	ingest.launch()
	if got := alarm(ingest, regulator, "open"); got != id {
		t.Fatalf("after a crash the alarm is %s, was %s", got, id)
	}
	eventually(t, 15*time.Second, func() (string, bool) {
		status, body := one.post("/api/v1/alarms/"+id+"/ack", maker, `{"note":"收到"}`)
		return body, status == http.StatusOK && strings.Contains(body, `"state":"acked"`)
	})
	if got := alarm(one, maker, "acked"); got != id { // who acknowledged reads it at once
		t.Errorf("%s at the replica, want %s", got, id)
	}
	alarm(two, regulator, "acked")
	alarm(ingest, regulator, "acked")
	for _, query := range []string{"rule=vehicle.alarm", "rule=vehicle.alarm&state=all"} {
		_, a := one.get("/api/v1/alarms?"+query, regulator)
		_, b := two.get("/api/v1/alarms?"+query, regulator)
		if !reflect.DeepEqual(a["alarms"], b["alarms"]) || len(a["alarms"].([]any)) != 1 {
			t.Errorf("%s: %v and %v", query, a, b)
		}
	}
	if status, body := two.post("/api/v1/alarms/A1/ack", regulator, ""); status != http.StatusNotFound {
		t.Errorf("acknowledging none: %d %s", status, body)
	}
}
