package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/dianchi-platform/dianchi/simulator"
)

// platform is a running Dianchi with a data folder of its own.
type platform struct {
	*process
	program, influxd string
	dir, data        string
	http, mqtt       string // host:port
	child            int    // influxd's pid
}

var (
	readyLine = regexp.MustCompile(`ready: http://localhost:(\d+)/`)
	doorLine  = regexp.MustCompile(`MQTT door is open.* addr=\S*:(\d+)`)
	childLine = regexp.MustCompile(`pid=(\d+)`)
)

// startPlatform builds the program and starts it in dir on free ports.
func startPlatform(ctx context.Context, dir string) (*platform, error) {
	p := &platform{dir: dir, data: filepath.Join(dir, "data")}
	var err error
	if p.program, err = filepath.Abs("bin/dianchi"); err != nil {
		return nil, err
	}
	if p.influxd, err = filepath.Abs("bin/influxd"); err != nil {
		return nil, err
	}
	if _, err := os.Stat(p.influxd); err != nil {
		return nil, fmt.Errorf("there is no bin/influxd here; run `make influxd` in the root of the source tree")
	}
	say("building bin/dianchi")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", p.program, ".")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("cannot build the program: %w: %s", err, out)
	}
	p.process, err = launch(filepath.Join(dir, "platform.log"), []string{"DIANCHI_INFLUXD=" + p.influxd},
		p.program, "--data", p.data, "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	err = until(ctx, time.Minute, "the platform's start", func() bool {
		http, mqtt := p.find(readyLine), p.find(doorLine)
		p.http, p.mqtt = "127.0.0.1:"+http, "127.0.0.1:"+mqtt
		return http != "" && mqtt != "" && p.influxPID() || p.ended()
	})
	if err == nil && p.ended() {
		err = fmt.Errorf("the platform ended at once:\n%s", p.tail())
	}
	if err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

// influxPID reads the pid of the bundled store and reports whether there is one.
func (p *platform) influxPID() bool {
	b, err := os.ReadFile(filepath.Join(p.data, "influxdb", "influxd.pid"))
	if err != nil {
		return false
	}
	if m := childLine.FindSubmatch(b); m != nil {
		p.child, _ = strconv.Atoi(string(m[1]))
	}
	return p.child > 0
}

// admin runs one administration command and returns what it prints.
func (p *platform) admin(ctx context.Context, args ...string) (string, error) {
	var errOut bytes.Buffer
	cmd := exec.CommandContext(ctx, p.program, append(args, "--data", p.data)...)
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("dianchi %s: %w: %s", strings.Join(args, " "), err, &errOut)
	}
	return strings.TrimSpace(string(out)), nil
}

// city is the simulator's process.
type city struct {
	*process
	stats string
}

func startSimulator(ctx context.Context, p *platform, c config) (*city, error) {
	accounts := filepath.Join(p.dir, "accounts.json")
	if _, err := p.admin(ctx, "demo-parties", accounts); err != nil {
		return nil, err
	}
	s := &city{stats: filepath.Join(p.dir, "simulator.json")}
	say("the city of %d vehicles and %d piles is built and introduces itself", c.vehicles, c.piles)
	var err error
	s.process, err = launch(filepath.Join(p.dir, "simulator.log"), nil, p.program, "simulator",
		"--broker", "tcp://"+p.mqtt, "--accounts", accounts, "--stats", s.stats,
		"--vehicles", strconv.Itoa(c.vehicles), "--piles", strconv.Itoa(c.piles),
		"--cadence", c.cadence.String(), "--faults="+strconv.FormatBool(c.faults))
	return s, err
}

// ledger is the publishers' own count and when it was written.
func (s *city) ledger() (simulator.Stats, time.Time, error) {
	var st simulator.Stats
	f, err := os.Open(s.stats)
	if err != nil {
		return st, time.Time{}, err
	}
	defer f.Close()
	at, err := f.Stat()
	if err != nil {
		return st, time.Time{}, err
	}
	return st, at.ModTime(), json.NewDecoder(f).Decode(&st)
}

// warm waits until every party is introduced and every object has reported
// twice, and InfluxDB keeps up.
func (p *platform) warm(ctx context.Context, s *city, c config) error {
	var failed error
	err := until(ctx, 15*time.Minute+3*c.cadence, "the warm city", func() bool {
		if s.ended() || p.ended() {
			failed = fmt.Errorf("a part ended: the platform's last words:\n%s\nthe simulator's:\n%s", p.tail(), s.tail())
			return true
		}
		st, _, err := s.ledger()
		if err != nil || !st.Ready {
			return false
		}
		for _, party := range st.Parties {
			if !party.Introduced {
				return false
			}
		}
		if st.Sum().Acknowledged < 2*uint64(c.vehicles+c.piles) {
			return false
		}
		m, err := p.metrics(ctx)
		return err == nil && m["dianchi_influx_lag_seconds"] < 5
	})
	return errors.Join(err, failed)
}
