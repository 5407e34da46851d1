package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/dianchi-platform/dianchi/bench/internal/lab"
	"github.com/dianchi-platform/dianchi/internal/influxd"
)

// contender is a way from the publishers into InfluxDB.
type contender struct {
	name   string
	ours   bool
	broker bool // mosquitto stands before it
}

var contenders = []contender{
	{"Telegraf behind mosquitto", false, true},
	{"dianchi ingest behind mosquitto", true, true},
	{"dianchi ingest with its own door", true, false},
}

// bed is everything that runs for one contender in one job.
type bed struct {
	config
	programs *programs
	dir      string

	store     *lab.OutsideStore
	query     lab.Store
	mosquitto *lab.Process
	broker    string // tcp://host:port
	ingest    *lab.Process
	launch    func() (*lab.Process, error)
	door      string            // where the publishers go, host:port
	passwords map[string]string // of the parties
}

func (b *bed) login(party string) (user, password string) { return party, b.passwords[party] }

// start starts InfluxDB, mosquitto if it is wanted, and the contender.
func (b *bed) start(ctx context.Context, k contender) (err error) {
	if b.store, err = lab.StartOutside(ctx, filepath.Join(b.dir, "influxdb"), b.programs.influxd); err != nil {
		return err
	}
	if b.query, err = b.store.Store(); err != nil {
		return err
	}
	if k.broker {
		if err := b.startMosquitto(ctx); err != nil {
			return err
		}
	}
	if !k.ours {
		return b.startTelegraf(ctx)
	}
	return b.startOurs(ctx, k)
}

// freePort returns a port that was free a moment ago.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

func (b *bed) startMosquitto(ctx context.Context) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	b.door = "127.0.0.1:" + port
	b.broker = "tcp://" + b.door
	kept, file := filepath.Join(b.dir, "mosquitto"), filepath.Join(b.dir, "mosquitto.conf")
	if err := os.Mkdir(kept, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(file, []byte(mosquittoConf(port, kept)), 0o600); err != nil {
		return err
	}
	b.mosquitto, err = lab.Launch(filepath.Join(b.dir, "mosquitto.log"), nil, b.programs.mosquitto, "-c", file)
	if err != nil {
		return err
	}
	return lab.Until(ctx, 10*time.Second, "mosquitto's start", func() bool {
		c, err := net.Dial("tcp", b.door)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

func (b *bed) startTelegraf(ctx context.Context) error {
	args := b.store.Args() // --influx URL --influx-token TOKEN …
	file := filepath.Join(b.dir, "telegraf.conf")
	conf := telegrafConf(b.broker, args[1], args[3], influxd.Database+"/"+influxd.RawPolicy, b.parser)
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		return err
	}
	n := 0
	b.launch = func() (*lab.Process, error) {
		n++
		return lab.Launch(filepath.Join(b.dir, fmt.Sprintf("telegraf-%d.log", n)), nil, b.programs.telegraf,
			"--config", file)
	}
	var err error
	if b.ingest, err = b.launch(); err != nil {
		return err
	}
	connected := regexp.MustCompile(`(?s)(Connected \[.*Connected \[)`) // both consumers
	return lab.Until(ctx, 30*time.Second, "Telegraf's connections", func() bool {
		return b.ingest.Find(connected) != "" || b.ingest.Ended()
	})
}

var (
	oursReady = regexp.MustCompile(`(ingest is ready)`)
	oursHTTP  = regexp.MustCompile(`follow http://localhost:(\d+)`)
	oursDoor  = regexp.MustCompile(`MQTT door is open.* addr=\S*:(\d+)`)
)

func (b *bed) startOurs(ctx context.Context, k contender) error {
	data := filepath.Join(b.dir, "data")
	p := lab.Platform{Program: b.programs.dianchi, Data: data}
	b.passwords = map[string]string{}
	for party, kind := range map[string]string{operator: "operator", maker: "maker"} {
		var err error
		b.passwords[party], err = p.Admin(ctx, "party", "add", party, "--kind", kind, "--name", party)
		if err != nil {
			return err
		}
	}
	args := append([]string{"ingest", "--data", data, "--http", "127.0.0.1:0"}, b.store.Args()...)
	if k.broker {
		args = append(args, "--broker", b.broker)
	} else { // on a port that stays over a restart
		port, err := freePort()
		if err != nil {
			return err
		}
		args = append(args, "--mqtt", "127.0.0.1:"+port)
	}
	n := 0
	b.launch = func() (*lab.Process, error) {
		n++
		return lab.Launch(filepath.Join(b.dir, fmt.Sprintf("dianchi-%d.log", n)),
			[]string{"DIANCHI_INTERNAL_TOKEN=bench-0123456789abcdef"}, b.programs.dianchi, args...)
	}
	var err error
	if b.ingest, err = b.launch(); err != nil {
		return err
	}
	err = lab.Until(ctx, 30*time.Second, "the start of dianchi ingest", func() bool {
		door := b.ingest.Find(oursDoor)
		if !k.broker {
			b.door = "127.0.0.1:" + door
		}
		return b.ingest.Find(oursReady) != "" && (k.broker || door != "") || b.ingest.Ended()
	})
	if err == nil && b.ingest.Ended() {
		err = fmt.Errorf("dianchi ingest ended:\n%s", b.ingest.Tail())
	}
	return err
}

// calm waits until our ingest has so many stations on record and in its state.
func (b *bed) calm(ctx context.Context, stations int) error {
	http := lab.Platform{HTTP: "127.0.0.1:" + b.ingest.Find(oursHTTP)}
	return lab.Until(ctx, time.Minute, "the stations are on record", func() bool {
		m, err := http.Metrics(ctx)
		return err == nil && m[`dianchi_reports_total{party="`+operator+`",verdict="taken"}`] >= float64(stations) &&
			m[`dianchi_spool_lag_records{consumer="influx"}`] == 0
	})
}

// stored counts what InfluxDB has of the job's reports: points, and the sums of
// the piles' meters and the vehicles' mileages.
func (b *bed) stored(ctx context.Context, k contender) (points int, sums [2]float64, err error) {
	for i, m := range [...]struct{ name, field string }{{"pile", "meterKwh"}, {"vehicle", "odometerKm"}} {
		q := fmt.Sprintf(`SELECT count(%q), sum(%q) FROM %q.%q`, m.field, m.field, influxd.RawPolicy, m.name)
		if k.ours { // a report with the values of the one before it is a reference to that
			q = fmt.Sprintf(`SELECT count(%q), sum(%q), count("same") FROM %q.%q`, m.field, m.field, influxd.RawPolicy, m.name)
		}
		body, err := b.query.Query(ctx, q)
		if err != nil {
			return 0, sums, err
		}
		var answer struct {
			Results []struct {
				Error  string
				Series []struct{ Values [][]any }
			}
		}
		if err := json.Unmarshal(body, &answer); err != nil || len(answer.Results) != 1 || answer.Results[0].Error != "" {
			return 0, sums, fmt.Errorf("InfluxDB's answer to %s: %.300s", q, body)
		}
		for _, s := range answer.Results[0].Series {
			row := s.Values[0] // time, count, sum, count of references
			n, _ := row[1].(float64)
			sums[i], _ = row[2].(float64)
			if len(row) > 3 {
				same, _ := row[3].(float64)
				n += same
			}
			points += int(n)
		}
	}
	return points, sums, nil
}

// end stops everything that still runs.
func (b *bed) end() error {
	var errs []error
	for _, p := range []*lab.Process{b.ingest, b.mosquitto} {
		if p != nil {
			errs = append(errs, p.Stop())
		}
	}
	if b.store != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		errs = append(errs, b.store.Away(ctx))
	}
	return errors.Join(errs...)
}
