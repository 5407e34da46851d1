package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/dianchi-platform/dianchi/bench/internal/lab"
	"github.com/dianchi-platform/dianchi/simulator"
)

// city is the simulator's process.
type city struct {
	*lab.Process
	stats string
}

func startSimulator(ctx context.Context, p *lab.Platform, c config) (*city, error) {
	accounts := filepath.Join(p.Dir, "accounts.json")
	if _, err := p.Admin(ctx, "demo-parties", accounts); err != nil {
		return nil, err
	}
	s := &city{stats: filepath.Join(p.Dir, "simulator.json")}
	lab.Say("the city of %d vehicles and %d piles is built and introduces itself", c.vehicles, c.piles)
	var err error
	s.Process, err = lab.Launch(filepath.Join(p.Dir, "simulator.log"), nil, p.Program, "simulator",
		"--broker", "tcp://"+p.MQTT, "--accounts", accounts, "--stats", s.stats,
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
func warm(ctx context.Context, p *lab.Platform, s *city, c config) error {
	var failed error
	err := lab.Until(ctx, 15*time.Minute+3*c.cadence, "the warm city", func() bool {
		if s.Ended() || p.Ended() {
			failed = fmt.Errorf("a part ended: the platform's last words:\n%s\nthe simulator's:\n%s", p.Tail(), s.Tail())
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
		m, err := p.Metrics(ctx)
		return err == nil && m["dianchi_influx_lag_seconds"] < 5
	})
	return errors.Join(err, failed)
}
