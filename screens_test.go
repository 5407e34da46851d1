package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// The pages with 12,000 stations and a heat map without a hole, all of it
// through the MQTT door.
func TestTwelveThousandStations(t *testing.T) {
	const stations, vehicles = 12_000, 20_000
	const west, south, east, north = 102.50, 24.70, 103.00, 25.20 // 50 km by 55 km
	p := start(t, t.TempDir(), "")
	op := p.admin("party", "add", "many", "--kind", "operator", "--name", "一万二千站", "--name-en", "Twelve Thousand")
	maker := p.admin("party", "add", "maker", "--kind", "maker", "--name", "车", "--name-en", "Cars")

	rnd := rand.New(rand.NewPCG(1, 12_000))
	around := func(west, east float64) float64 { return west + rnd.Float64()*(east-west) }
	var lines bytes.Buffer
	for i := range stations {
		fmt.Fprintf(&lines, `{"id":"S%d","name":"第 %d 站","lon":%.6f,"lat":%.6f,"piles":[{"id":"S%d-1","kind":"dc","ratedKw":120},{"id":"S%d-2","kind":"ac","ratedKw":7}]}`+"\n",
			i, i, around(west, east), around(south, north), i, i)
	}
	p.pubLines("many", op, "stations", &lines)

	now := time.Now().UnixMilli()
	reports := func(n int, report func(i int) map[string]any) *bytes.Buffer {
		var lines bytes.Buffer
		for from := 0; from < n; from += 1000 {
			var batch []map[string]any
			for i := from; i < min(n, from+1000); i++ {
				batch = append(batch, report(i))
			}
			line, err := json.Marshal(batch)
			if err != nil {
				t.Fatal(err)
			}
			lines.Write(append(line, '\n'))
		}
		return &lines
	}
	p.pubLines("many", op, "piles", reports(2*stations, func(i int) map[string]any {
		r := map[string]any{"id": fmt.Sprintf("S%d-%d", i/2, i%2+1), "ts": now, "status": 1}
		if rnd.IntN(3) == 0 {
			r["status"], r["powerKw"] = 3, 5.5
		}
		return r
	}))
	p.pubLines("maker", maker, "vehicles", reports(vehicles, func(i int) map[string]any {
		return map[string]any{"vin": fmt.Sprintf("LNBMDBAH4PA%06d", i), "ts": now, "lon": around(west, east), "lat": around(south, north),
			"speedKmh": 30, "socPct": 60, "state": 1, "charge": 2}
	}))

	eventually(t, 60*time.Second, func() (string, bool) {
		_, m := p.get("/api/v1/overview", "")
		return fmt.Sprint(m), at(m, "stations") == float64(stations) && at(m, "piles", "offline") == 0.0 &&
			at(m, "vehicles", "online") == float64(vehicles)
	})
	browse(t, p, "test/full")
}

// pubLines publishes each line as a message of its own.
func (p *platform) pubLines(slug, password, topic string, lines *bytes.Buffer) {
	p.t.Helper()
	cmd := exec.Command(tool(p.t, "mosquitto_pub"), "-h", "127.0.0.1", "-p", p.port(), "-q", "1", "-V", "5",
		"-u", slug, "-P", password, "-t", "dianchi/v1/"+slug+"/"+topic, "-l")
	cmd.Stdin = lines
	if out, err := cmd.CombinedOutput(); err != nil {
		p.t.Fatalf("mosquitto_pub %s: %v: %s", topic, err, strings.TrimSpace(string(out)))
	}
}
