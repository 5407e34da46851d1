package follow

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/dianchi-platform/dianchi/internal/alarm"
	"github.com/dianchi-platform/dianchi/internal/charge"
)

// desk answers a follower's questions of alarms.
type desk struct {
	asked alarm.Query
	fail  error
}

func (d *desk) Ack(_ context.Context, id uint64, by, note string) (*alarm.Alarm, error) {
	if d.fail != nil {
		return nil, d.fail
	}
	return &alarm.Alarm{ID: id, AckedBy: by, Note: note, Acked: 1795392000123}, nil
}

func (d *desk) Past(_ context.Context, q *alarm.Query) ([]*alarm.Alarm, error) {
	d.asked = *q
	return []*alarm.Alarm{{ID: 9, Raised: 5}, {ID: 7, Cleared: 1795392000001}}, d.fail
}

func TestFollowersAskForAlarms(t *testing.T) {
	d := &desk{}
	s := NewServer(ServerConfig{Token: "secret"}, slog.New(slog.DiscardHandler), Sources{Alarms: d})
	web := httptest.NewServer(s)
	defer web.Close()
	c, err := NewClient(ClientConfig{URL: web.URL, Token: "secret"}, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := c.AckAlarm(t.Context(), 1<<63+5, "regulator/r1", "已看")
	if err != nil || *a != (alarm.Alarm{ID: 1<<63 + 5, AckedBy: "regulator/r1", Note: "已看", Acked: 1795392000123}) {
		t.Fatalf("%+v, %v", a, err)
	}
	q := alarm.Query{Which: alarm.All, Rule: alarm.PileFault, Severity: alarm.Warning, Party: 3, OnlyOf: true, From: 5, To: 1795392000000,
		Limit: 10, After: alarm.Cursor{Which: alarm.All, Order: 7, ID: 7}}
	list, err := c.PastAlarms(t.Context(), &q)
	if err != nil || len(list) != 2 || list[1].Cleared != 1795392000001 || !reflect.DeepEqual(d.asked, q) {
		t.Fatalf("%+v, %v; asked %+v, want %+v", list, err, d.asked, q)
	}
	d.fail = charge.Errorf(charge.Conflict, "it was cleared")
	if _, err := c.AckAlarm(t.Context(), 1, "", ""); charge.CodeOf(err) != charge.Conflict || err.Error() != "it was cleared" {
		t.Errorf("a refusal becomes %v", err)
	}
	d.fail = errors.New("secret path")
	if _, err := c.PastAlarms(t.Context(), &q); charge.CodeOf(err) != charge.Internal {
		t.Errorf("a failure becomes %v", err)
	}
	web.Close()
	if _, err := c.AckAlarm(t.Context(), 1, "", ""); charge.CodeOf(err) != charge.NotReady || strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("a server that is away becomes %v", err)
	}
}

func TestAlarmsNeedTheSecretAndPost(t *testing.T) {
	s := NewServer(ServerConfig{Token: "secret"}, slog.New(slog.DiscardHandler), Sources{Alarms: &desk{}})
	f := func(method, token, path, body string, want int) {
		t.Helper()
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%s %s = %d, want %d", method, path, w.Code, want)
		}
	}
	f("POST", "secret", "/internal/alarms/ack", `{"ID":1}`, http.StatusOK)
	f("POST", "wrong", "/internal/alarms/ack", `{"ID":1}`, http.StatusUnauthorized)
	f("GET", "secret", "/internal/alarms/ack", "", http.StatusMethodNotAllowed)
	f("POST", "secret", "/internal/snapshot", "", http.StatusMethodNotAllowed)
	f("POST", "secret", "/internal/alarms/other", "", http.StatusNotFound)
}
