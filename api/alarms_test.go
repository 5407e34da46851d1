package api

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/dianchi-platform/dianchi/internal/alarm"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// alarmWorld has an alarm of every kind of object, of several parties.
func alarmWorld(t *testing.T) (w *world, ids map[string]uint64) {
	w = newWorld(t)
	raise := func(e record.AlarmEvent) uint64 {
		e.Op = record.AlarmRaise
		return w.event(e)
	}
	ids = map[string]uint64{
		"teld":  raise(record.AlarmEvent{Rule: alarm.PileFault, Party: teld, Object: "P1", Station: "S1", Name: "站1"}),
		"ykc":   raise(record.AlarmEvent{Rule: alarm.StationSilent, Party: ykc, Object: "S3", Name: "站3", Count: 4, Total: 4}),
		"nio":   raise(record.AlarmEvent{Rule: alarm.VehicleAlarm, Party: nio, Object: vin(1), Level: 2, Bits: 1 << 11}),
		"byd":   raise(record.AlarmEvent{Rule: alarm.VehicleAlarm, Severity: uint8(alarm.Critical), Party: byd, Object: vin(2), Level: 4, Bits: 1 << 23}),
		"own":   raise(record.AlarmEvent{Rule: alarm.OwnInflux, Object: "lag", Count: 75, Text: "SECRETPART"}),
		"byd-3": raise(record.AlarmEvent{Rule: alarm.VehicleAlarm, Severity: uint8(alarm.Critical), Party: byd, Object: vin(3), Level: 3, Bits: 2}),
	}
	w.tick()
	return w, ids
}

func TestEnglishTitlesCallStationsByTheirEnglishName(t *testing.T) {
	w := newWorld(t)
	named, other := station(1, teld, center, 1), station(2, teld, center, 2)
	named.NameEn = "One"
	w.put(named, other)
	for _, e := range []record.AlarmEvent{
		{Rule: alarm.PileFault, Party: teld, Object: "P1", Station: "S1", Name: "站1"},
		{Rule: alarm.StationSilent, Party: teld, Object: "S1", Name: "站1"},
		{Rule: alarm.StationSilent, Party: teld, Object: "S2", Name: "站2"},
		{Rule: alarm.StationSilent, Party: teld, Object: "S9", Name: "站9"},
	} {
		e.Op = record.AlarmRaise
		w.event(e)
	}
	w.tick()
	want := map[string][2]string{
		"teld:P1": {"：站1", ": One"}, "teld:S1": {"：站1", ": One"}, "teld:S2": {"：站2", ": 站2"}, "teld:S9": {"：站9", ": 站9"},
	}
	for _, x := range w.get("/api/v1/alarms", "t-teld").json(t)["alarms"].([]any) {
		x := x.(map[string]any)
		title, ends := x["title"].(map[string]any), want[x["object"].(string)]
		if zh, en := title["zh"].(string), title["en"].(string); !strings.HasSuffix(zh, ends[0]) || !strings.HasSuffix(en, ends[1]) {
			t.Errorf("%s: %q, %q; want %q", x["object"], zh, en, ends)
		}
		delete(want, x["object"].(string))
	}
	if len(want) > 0 {
		t.Errorf("not told of %v", want)
	}
}

// names returns who is in ids, in the order of the answer's alarms.
func namesOf(t *testing.T, a answered, ids map[string]uint64) (out []string) {
	t.Helper()
	for _, x := range a.json(t)["alarms"].([]any) {
		id := x.(map[string]any)["id"].(string)
		for name, n := range ids {
			if alarm.IDString(n) == id {
				out = append(out, name)
			}
		}
	}
	return out
}

func TestAlarmsAreFilteredAndOrdered(t *testing.T) {
	w, ids := alarmWorld(t)
	f := func(query, who string, want ...string) {
		t.Helper()
		got := namesOf(t, w.get("/api/v1/alarms"+query, who), ids)
		if !slices.Equal(got, want) {
			t.Errorf("%s as %s: %v, want %v", query, who, got, want)
		}
	}
	// The worst first: thermal events, what concerns many, then the newest.
	f("", "t-regulator", "byd", "byd-3", "own", "ykc", "nio", "teld")
	f("?severity=critical", "t-regulator", "byd", "byd-3")
	f("?rule=vehicle.alarm", "t-regulator", "byd", "byd-3", "nio")
	f("?party=byd", "t-regulator", "byd", "byd-3")
	f("?party=nobody", "t-regulator")
	f("", "t-teld", "teld")
	f("?party=ykc", "t-teld")
	f("?party=teld", "t-teld", "teld")
	f("", "t-byd", "byd", "byd-3")
	f("?state=recent", "t-regulator")
	f("?state=all", "t-regulator", "byd-3", "own", "byd", "nio", "ykc", "teld")
	f("?limit=2", "t-regulator", "byd", "byd-3")
	f(fmt.Sprintf("?to=%d", noon), "t-regulator")
	f(fmt.Sprintf("?from=%d", noon+60_000), "t-regulator")
	f(fmt.Sprintf("?from=%d&to=%d", noon, noon+60_000), "t-nio", "nio")

	w.event(record.AlarmEvent{Op: record.AlarmClear, ID: ids["own"], Text: alarm.ReasonEnded})
	f("?rule=own.influx", "t-regulator", "own") // until the next revision
	w.tick()
	f("?rule=own.influx", "t-regulator")
	f("?state=recent", "t-regulator", "own")
	f("?state=recent", "t-teld")

	for _, state := range []string{"open", "all"} {
		var got []string
		for next := ""; ; {
			a := w.get("/api/v1/alarms?limit=2&state="+state+"&cursor="+next, "t-regulator")
			got = append(got, namesOf(t, a, ids)...)
			var ok bool
			if next, ok = a.json(t)["next"].(string); !ok {
				break
			}
		}
		slices.Sort(got)
		if want := map[string]int{"open": 5, "all": 6}[state]; len(got) != want || len(slices.Compact(got)) != want {
			t.Errorf("pages of %s: %v", state, got)
		}
	}
	for _, bad := range []string{"state=closed", "severity=bad", "rule=x", "limit=0", "limit=1001", "from=no", "from=5&to=5", "cursor=1.2", "party=É"} {
		if a := w.get("/api/v1/alarms?"+bad, "t-regulator"); a.code() != "value-range" {
			t.Errorf("%s = %d %s", bad, a.status, a.code())
		}
	}
	counts := w.get("/api/v1/alarms?limit=1&severity=info", "t-regulator").json(t)["counts"].(map[string]any)
	if got := fmt.Sprint(counts); got != "map[acked:0 open:5 rule:map[pile.fault:1 station.silent:1 vehicle.alarm:3] severity:map[critical:2 info:0 warning:3]]" {
		t.Errorf("counts %s", got)
	}
}

// TestPrivacyOfAlarms asks as every role and looks for what is not theirs, in
// answers, errors and acknowledgements.
func TestPrivacyOfAlarms(t *testing.T) {
	w, ids := alarmWorld(t)
	may := map[string][]string{
		"t-teld": {"teld:P1", "teld:S1"}, "t-ykc": {"ykc:S3"}, "t-nio": {vin(1)}, "t-byd": {vin(2), vin(3)},
		"t-regulator": {"teld:P1", "teld:S1", "ykc:S3", vin(1), vin(2), vin(3), "SECRETPART", "own.influx"},
	}
	secrets := may["t-regulator"]
	for _, who := range askers {
		for _, query := range []string{"", "?state=all", "?rule=vehicle.alarm", "?party=byd", "?rule=own.influx", "?state=recent"} {
			a := w.get("/api/v1/alarms"+query, who)
			if want := map[bool]int{true: 200, false: 403}[may[who] != nil]; a.status != want {
				t.Errorf("%s as %q = %d, want %d", query, who, a.status, want)
			}
			for _, s := range secrets {
				has := strings.Contains(string(a.body), s)
				if has && !slices.Contains(may[who], s) {
					t.Errorf("%s as %q tells %s", query, who, s)
				}
				if (query == "" || query == "?state=all") && !has && slices.Contains(may[who], s) {
					t.Errorf("%s as %q lacks %s", query, who, s)
				}
			}
		}
		for name, id := range ids {
			a := w.do("POST", "/api/v1/alarms/"+alarm.IDString(id)+"/ack", who)
			own, _, _ := strings.Cut(name, "-")
			want := 404
			switch {
			case may[who] == nil:
				want = 403
			case who == "t-regulator" || who == "t-"+own:
				want = 200
			}
			if a.status != want {
				t.Errorf("ack of %s as %q = %d, want %d", name, who, a.status, want)
			}
		}
	}
	// Which of the regulators' tokens it was is their own business.
	if a := w.get("/api/v1/alarms", "t-teld"); !strings.Contains(string(a.body), `"ackedBy":"regulator"`) {
		t.Errorf("the party reads %s", a.body)
	}
	if a := w.get("/api/v1/alarms?party=teld", "t-regulator"); !strings.Contains(string(a.body), `"ackedBy":"regulator/r1"`) {
		t.Errorf("the regulator reads %s", a.body)
	}
}

// post sends a body.
func (w *world) post(path, token, body string) answered {
	w.tb.Helper()
	req, err := http.NewRequestWithContext(w.tb.Context(), "POST", w.url+path, strings.NewReader(body))
	if err != nil {
		w.tb.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		w.tb.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.tb.Fatal(err)
	}
	return answered{resp.StatusCode, resp.Header, b}
}

func TestAcknowledge(t *testing.T) {
	w, ids := alarmWorld(t)
	path := "/api/v1/alarms/" + alarm.IDString(ids["teld"]) + "/ack"
	f := func(body, code, note string) {
		t.Helper()
		a := w.post(path, "t-teld", body)
		if a.code() != code {
			t.Errorf("%s: %d %s, want %q", body, a.status, a.body, code)
		}
		if code != "" {
			return
		}
		x := a.json(t)["alarm"].(map[string]any)
		if x["state"] != "acked" || x["ackedBy"] != "teld" || x["ackedAt"] == nil || fmt.Sprint(x["note"]) != note {
			t.Errorf("%s: %v", body, x)
		}
		if got := w.get("/api/v1/alarms", "t-teld").json(t)["alarms"].([]any)[0].(map[string]any); fmt.Sprint(got["note"]) != note {
			t.Errorf("%s: the list then has %v", body, got["note"])
		}
	}
	f(``, "", "<nil>")
	f(`{}`, "", "<nil>")
	f(`{"note":"已通知运维"}`, "", "已通知运维")
	f(`{"note":"again","other":1}`, "", "again")
	f(`{"note":5}`, "value-range", "")
	f(`{"note":"`+strings.Repeat("x", 501)+`"}`, "value-range", "")
	f(`{"note":"`+strings.Repeat("x", 500)+`"}`, "", strings.Repeat("x", 500))
	f(`{"note":"`+strings.Repeat("警", 501)+`"}`, "value-range", "")
	f(`{"note":"`+strings.Repeat("警", 500)+`"}`, "", strings.Repeat("警", 500))
	f(`{"note":"`+strings.Repeat(`\ud83d\ude00`, 500)+`"}`, "", strings.Repeat("😀", 500))
	f(`{"note":"\u0007"}`, "value-range", "")
	f(`[]`, "value-range", "")
	f(`{"note":"x"`, "value-range", "")
	f(strings.Repeat(" ", 9000), "value-range", "")

	w.event(record.AlarmEvent{Op: record.AlarmClear, ID: ids["teld"], Text: alarm.ReasonEnded})
	w.tick()
	f(`{}`, string(charge.Conflict), "")
}
