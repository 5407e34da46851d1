package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// store is an influxd on the loopback.
type store struct{ url, password string }

var portLine = regexp.MustCompile(`port=(\d+)`)

// storeIn returns the bundled store of a data folder.
func storeIn(dir string) (store, error) {
	place, err := os.ReadFile(filepath.Join(dir, "influxd.pid"))
	if err != nil {
		return store{}, err
	}
	m := portLine.FindSubmatch(place)
	if m == nil {
		return store{}, fmt.Errorf("%q names no port", place)
	}
	password, err := os.ReadFile(filepath.Join(dir, "password"))
	return store{"http://127.0.0.1:" + string(m[1]), strings.TrimSpace(string(password))}, err
}

// count returns how many raw points a measurement has: whole points carry has,
// references same, and none has both.
func (s store) count(ctx context.Context, measurement, where string) (uint64, error) {
	q := `SELECT count("has"), count("same") FROM "raw"."` + measurement + `"` + where
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/query",
		strings.NewReader(url.Values{"db": {"dianchi"}, "q": {q}}.Encode()))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth("dianchi", s.password)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return 0, err
	}
	n, err := sumOfCounts(body)
	if err != nil {
		return 0, fmt.Errorf("InfluxDB's answer (%d) to %s: %w", res.StatusCode, q, err)
	}
	return n, nil
}

// sumOfCounts adds up the counts in an InfluxQL answer; no series is none.
func sumOfCounts(body []byte) (uint64, error) {
	var answer struct {
		Error   string `json:"error"`
		Results []struct {
			Error  string `json:"error"`
			Series []struct {
				Values [][]any `json:"values"`
			} `json:"series"`
		} `json:"results"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return 0, err
	}
	if answer.Error != "" || len(answer.Results) != 1 || answer.Results[0].Error != "" {
		return 0, fmt.Errorf("no counts in %.300s", body)
	}
	sum := uint64(0)
	for _, s := range answer.Results[0].Series {
		for _, row := range s.Values {
			for _, v := range row[min(1, len(row)):] { // the first is a time
				n, ok := v.(float64)
				if v != nil && !ok {
					return 0, fmt.Errorf("%v is no count", v)
				}
				sum += uint64(n)
			}
		}
	}
	return sum, nil
}

// metrics asks the platform for its metrics, by name with labels as printed.
func (p *platform) metrics(ctx context.Context) (map[string]float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.http+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET /metrics: %s: %w", res.Status, err)
	}
	return parseMetrics(string(b)), nil
}

func parseMetrics(text string) map[string]float64 {
	out := map[string]float64{}
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), " ")
		if v, err := strconv.ParseFloat(value, 64); ok && err == nil && name != "#" {
			out[name] = v
		}
	}
	return out
}
