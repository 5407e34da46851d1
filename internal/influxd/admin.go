package influxd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Shard durations: raw ones go early and singly, totals are few.
const (
	rawShard    = 6 * time.Hour
	totalsShard = 28 * 24 * time.Hour
)

// refusal is an answer of InfluxDB that says no.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return fmt.Sprintf("InfluxDB refused (%d): %s", r.status, r.text) }

// series is one table of an InfluxQL answer.
type series struct {
	Name    string   `json:"name"`
	Columns []string `json:"columns"`
	Values  [][]any  `json:"values"`
}

// text returns the cell of row in column name as text, "" when absent.
func (s *series) text(row []any, name string) string {
	for i, c := range s.Columns {
		if c == name && i < len(row) && row[i] != nil {
			return fmt.Sprint(row[i])
		}
	}
	return ""
}

// client goes to the loopback only, so it takes no proxy.
var transport = &http.Transport{MaxIdleConns: 2, IdleConnTimeout: 30 * time.Second}

// ping asks for a sign of life.
func (d *Daemon) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.URL()+"/ping", nil)
	if err != nil {
		return err
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	resp.Body.Close()
	return nil
}

// query runs InfluxQL as our user.
func (d *Daemon) query(ctx context.Context, q string) ([]series, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.URL()+"/query",
		strings.NewReader(url.Values{"q": {q}}.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(user, d.password)
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil {
		return nil, err
	}
	var answer struct {
		Error   string `json:"error"`
		Results []struct {
			Error  string   `json:"error"`
			Series []series `json:"series"`
		} `json:"results"`
	}
	err = json.Unmarshal(body, &answer)
	if resp.StatusCode != http.StatusOK || answer.Error != "" {
		return nil, &refusal{resp.StatusCode, answer.Error}
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read InfluxDB's answer: %w", err)
	}
	var all []series
	for _, r := range answer.Results {
		if r.Error != "" {
			return nil, &refusal{resp.StatusCode, r.Error}
		}
		all = append(all, r.Series...)
	}
	return all, nil
}

// prepare makes our user, the database and its retention policies what they must be.
func (d *Daemon) prepare(ctx context.Context) error {
	if d.URL() == "" {
		return fmt.Errorf("the port of InfluxDB is not known")
	}
	policies, err := d.query(ctx, "SHOW RETENTION POLICIES ON "+Database)
	if no, ok := errors.AsType[*refusal](err); ok && no.status == http.StatusForbidden {
		// No user yet: the first statement that it takes is the one that makes an administrator.
		if _, err := d.query(ctx, fmt.Sprintf("CREATE USER %s WITH PASSWORD '%s' WITH ALL PRIVILEGES",
			user, d.password)); err != nil {
			return err
		}
		policies, err = d.query(ctx, "SHOW RETENTION POLICIES ON "+Database)
	}
	if no, ok := errors.AsType[*refusal](err); ok && strings.Contains(no.text, "database not found") {
		_, err = d.query(ctx, fmt.Sprintf("CREATE DATABASE %s WITH DURATION %s REPLICATION 1 SHARD DURATION %s NAME %s",
			Database, seconds(d.cfg.Retention), seconds(rawShard), RawPolicy))
		if err == nil {
			policies, err = d.query(ctx, "SHOW RETENTION POLICIES ON "+Database)
		}
	}
	if err != nil {
		return err
	}
	if err := d.policy(ctx, policies, RawPolicy, d.cfg.Retention, rawShard, true); err != nil {
		return err
	}
	return d.policy(ctx, policies, TotalsPolicy, 0, totalsShard, false)
}

// policy makes or alters one retention policy; keep 0 is for ever.
func (d *Daemon) policy(ctx context.Context, have []series, name string, keep, shard time.Duration, dflt bool) error {
	verb := "CREATE"
	for _, s := range have {
		for _, row := range s.Values {
			if s.text(row, "name") != name {
				continue
			}
			duration, err1 := time.ParseDuration(s.text(row, "duration"))
			group, err2 := time.ParseDuration(s.text(row, "shardGroupDuration"))
			if err1 == nil && err2 == nil && duration == keep && group == shard {
				return nil
			}
			verb = "ALTER"
		}
	}
	duration := "INF"
	if keep > 0 {
		duration = seconds(keep)
	}
	q := fmt.Sprintf("%s RETENTION POLICY %s ON %s DURATION %s REPLICATION 1 SHARD DURATION %s",
		verb, name, Database, duration, seconds(shard))
	if dflt {
		q += " DEFAULT"
	}
	if _, err := d.query(ctx, q); err != nil {
		return err
	}
	d.log.Info("retention of history set", "policy", name, "keeps", duration)
	return nil
}

// seconds prints a duration as InfluxQL takes it.
func seconds(v time.Duration) string { return fmt.Sprintf("%ds", int64(v/time.Second)) }
