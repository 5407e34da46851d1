package lab

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

// Store is an InfluxDB 1.8 on the loopback.
type Store struct {
	URL            string
	User, Password string // no user: it asks for none
	DB, Policy     string // where raw points stand
}

var portLine = regexp.MustCompile(`port=(\d+)`)

// StoreIn returns the bundled store of a data folder.
func StoreIn(dir string) (Store, error) {
	place, err := os.ReadFile(filepath.Join(dir, "influxd.pid"))
	if err != nil {
		return Store{}, err
	}
	m := portLine.FindSubmatch(place)
	if m == nil {
		return Store{}, fmt.Errorf("%q names no port", place)
	}
	password, err := os.ReadFile(filepath.Join(dir, "password"))
	return Store{"http://127.0.0.1:" + string(m[1]), "dianchi", strings.TrimSpace(string(password)), "dianchi", "raw"}, err
}

// Count returns how many raw points a measurement has, each (id, ts) once: whole
// points carry has, references same. A point has both if a kill came between its
// writing as a reference and the position's, as a start writes it again, whole.
func (s Store) Count(ctx context.Context, measurement, where string) (uint64, error) {
	marks, err := s.counts(ctx, fmt.Sprintf(`SELECT count("has"), count("same") FROM %q.%q%s`, s.Policy, measurement, where))
	if err != nil {
		return 0, err
	}
	and := " WHERE "
	if where != "" {
		and = where + " AND "
	}
	both, err := s.counts(ctx, fmt.Sprintf(`SELECT count("has") FROM %q.%q%s"same" > 0`, s.Policy, measurement, and))
	return marks - both, err
}

func (s Store) counts(ctx context.Context, q string) (uint64, error) {
	body, err := s.Query(ctx, q)
	if err != nil {
		return 0, err
	}
	n, err := sumOfCounts(body)
	if err != nil {
		return 0, fmt.Errorf("InfluxDB's answer to %s: %w", q, err)
	}
	return n, nil
}

// Query asks in InfluxQL and returns the answer's body.
func (s Store) Query(ctx context.Context, q string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/query",
		strings.NewReader(url.Values{"db": {s.DB}, "q": {q}}.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if s.User != "" {
		req.SetBasicAuth(s.User, s.Password)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	return io.ReadAll(io.LimitReader(res.Body, 1<<20))
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

// Metrics asks the platform for its metrics, by name with labels as printed.
func (p *Platform) Metrics(ctx context.Context) (map[string]float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.HTTP+"/metrics", nil)
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
	return ParseMetrics(string(b)), nil
}

// ParseMetrics reads Prometheus text, by name with labels as printed.
func ParseMetrics(text string) map[string]float64 {
	out := map[string]float64{}
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), " ")
		if v, err := strconv.ParseFloat(value, 64); ok && err == nil && name != "#" {
			out[name] = v
		}
	}
	return out
}
