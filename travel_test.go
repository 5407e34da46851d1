package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
	"github.com/dianchi-platform/dianchi/internal/live"
	"github.com/dianchi-platform/dianchi/internal/past"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// pastCity is a small city whose piles in use are told apart by the moment.
func pastCity(t *testing.T, at charge.Millis, charging int) *live.Moment {
	t.Helper()
	const stations, each, vehicles = 60, 10, 900
	s := live.New(live.Config{}, slog.New(slog.DiscardHandler))
	s.SetParties([]charge.Party{
		{Num: 1, Slug: "past-op", Kind: charge.Operator, Name: "往日充电", NameEn: "Past Charging"},
		{Num: 2, Slug: "past-car", Kind: charge.Maker, Name: "往日汽车", NameEn: "Past Cars"},
	})
	seq := uint64(0)
	apply := func(r record.Record) {
		seq++
		r.Kind, r.Seq, r.Received = record.Message, seq, at-2000
		s.Apply(&r)
	}
	place := func(i int) geo.Point {
		return geo.Point{Lon: 102.62 + float64(i%10)*0.022, Lat: 24.88 + float64(i/10%6)*0.035}
	}
	num := charge.Num(1)
	for i := range stations {
		p := place(i)
		st := charge.Station{Num: charge.Num(i + 1), Party: 1, ID: fmt.Sprintf("S%d", i), Name: fmt.Sprintf("站%d", i),
			Lon: p.Lon, Lat: p.Lat, District: []string{"530102", "530103", "530111", "530112"}[i%4]}
		var items []record.PileItem
		for range each {
			st.Piles = append(st.Piles, charge.Pile{Num: num, ID: fmt.Sprintf("P%d", num), Kind: charge.DC, RatedKW: 120})
			r := charge.PileReport{TS: at - 2000, Status: charge.StatusIdle, Has: charge.HasPower}
			if int(num) <= charging {
				r.Status, r.PowerKW = charge.StatusCharging, 60
			}
			items = append(items, record.PileItem{Num: num, Verdict: charge.Taken, Report: r})
			num++
		}
		apply(record.Record{Party: 1, Stations: []record.StationPut{{Station: st}}})
		apply(record.Record{Party: 1, Piles: items})
	}
	for i := range vehicles {
		p, n := place(i), charge.Num(i+1)
		vin := fmt.Sprintf("LNBMDBAH4PA%06d", i)
		apply(record.Record{Party: 2, Vehicles: []charge.Vehicle{{Num: n, Party: 2, VIN: vin}},
			Fleet: []record.VehicleItem{{Num: n, Verdict: charge.Taken, Report: charge.VehicleReport{
				VIN: vin, TS: at - 2000, Lon: p.Lon, Lat: p.Lat, SOCPct: 60, State: 1, SpeedKMH: 30,
				Has: charge.HasPosition | charge.HasSOC | charge.HasState | charge.HasSpeed}}}})
	}
	s.Tick(uint64(at)/1000, at+400)
	return s.Moment(at)()
}

// keepPast fills a data folder with the moments of the 26 hours before the one
// that it returns, each with charging of its own, but for two hours, ten to
// eight hours before it.
func keepPast(t *testing.T, data string, charging func(i int) int) charge.Millis {
	t.Helper()
	store, err := past.Open(past.Config{Dir: filepath.Join(data, momentsDir)}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	now := past.Floor(charge.At(time.Now()))
	for i := 26 * 12; i > 0; i-- {
		if i > 8*12 && i <= 10*12 {
			continue
		}
		at := now - charge.Millis(i)*300_000
		body, err := pastCity(t, at, charging(i)).Encode()
		if err == nil {
			err = store.Put(at, body)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return now
}

// What is kept of the past outlives a kill, and a replica tells the same of it,
// byte for byte, gaps and refusals included.
func TestThePastOutlivesAKillAndIsTheSameOnReplicas(t *testing.T) {
	data := t.TempDir()
	now := keepPast(t, data, func(i int) int { return i })
	main := start(t, data, "")
	main.kill()
	half := filepath.Join(data, momentsDir, "20261101T000000Z.json.gz.part")
	if err := os.WriteFile(half, []byte("what a kill leaves"), 0o600); err != nil {
		t.Fatal(err)
	}
	main.launch()
	if _, err := os.Stat(half); err == nil {
		t.Error("a half-made moment stays")
	}
	replica := start(t, "", "api", "--ingest", main.http)
	regulator := main.admin("token", "add", "--role", "regulator")
	eventually(t, 10*time.Second, func() (string, bool) {
		status, _ := replica.get("/api/v1/alarms", regulator)
		return fmt.Sprint("the replica does not know the token: ", status), status == http.StatusOK
	})

	ask := func(p *platform, path, token string) (int, string) {
		t.Helper()
		req, err := http.NewRequest(http.MethodGet, p.http+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(body)
	}
	f := func(path, token string, at charge.Millis, want int) {
		t.Helper()
		path = fmt.Sprintf("/api/v1/%sat=%d", path, at)
		oneStatus, one := ask(main, path, token)
		twoStatus, two := ask(replica, path, token)
		if oneStatus != want || twoStatus != want || one != two {
			t.Errorf("%s: ingest says %d %.300s, the replica %d %.300s; want %d", path, oneStatus, one, twoStatus, two, want)
		}
	}

	for _, path := range []string{"overview?", "operators?", "makers?", "districts?", "heatmap?layer=vehicles&",
		"heatmap?layer=powerKw&res=6&", "heatmap?layer=free&bbox=102.6,24.8,102.7,25.0&"} {
		for _, token := range []string{"", regulator} {
			f(path, token, now-25*3_600_000, 200)
			f(path, token, now-3_600_000, 200)
			f(path, token, now-9*3_600_000, 404) // the gap
			f(path, token, now-30*3_600_000, 404)
			f(path, token, now-8*24*3_600_000, 410)
			f(path, token, now+3_600_000, 400)
		}
	}
	f("heatmap?layer=free&res=9&", "", now-3_600_000, 400)
	if _, m := main.get(fmt.Sprintf("/api/v1/overview?at=%d", now-3_600_000), ""); at(m, "piles", "charging") != 12.0 || at(m, "asOf") == nil {
		t.Errorf("an hour ago is %v, want 12 piles that charge", m)
	}

	main.kill()
	status, m := replica.get(fmt.Sprintf("/api/v1/overview?at=%d", now-2*3_600_000), "")
	if status != http.StatusServiceUnavailable || m["code"] != "history-unavailable" {
		t.Errorf("without its ingest process the replica says %d %v of a moment that it has not", status, m)
	}
}
