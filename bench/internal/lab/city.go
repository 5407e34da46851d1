package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/dianchi-platform/dianchi/simulator"
)

// CityPlan is what a simulated city consists of.
type CityPlan struct {
	Vehicles, Piles int
	Cadence         time.Duration // every object reports this often
	Faults          bool          // it sends bad data as real ones do
}

// Rate returns the reports a second.
func (c *CityPlan) Rate() float64 { return float64(c.Vehicles+c.Piles) / c.Cadence.Seconds() }

// City is the simulator's process.
type City struct {
	*Process
	plan  CityPlan
	stats string
}

// StartCity registers the city's parties and starts the simulator at p's door.
func StartCity(ctx context.Context, p *Platform, plan CityPlan) (*City, error) {
	accounts := filepath.Join(p.Dir, "accounts.json")
	if _, err := p.Admin(ctx, "demo-parties", accounts); err != nil {
		return nil, err
	}
	s := &City{plan: plan, stats: filepath.Join(p.Dir, "simulator.json")}
	Say("the city of %d vehicles and %d piles is built and introduces itself", plan.Vehicles, plan.Piles)
	var err error
	s.Process, err = Launch(filepath.Join(p.Dir, "simulator.log"), nil, p.Program, "simulator",
		"--broker", "tcp://"+p.MQTT, "--accounts", accounts, "--stats", s.stats,
		"--vehicles", strconv.Itoa(plan.Vehicles), "--piles", strconv.Itoa(plan.Piles),
		"--cadence", plan.Cadence.String(), "--faults="+strconv.FormatBool(plan.Faults))
	return s, err
}

// Ledger is the publishers' own count and when it was written.
func (s *City) Ledger() (simulator.Stats, time.Time, error) {
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

// Warm waits until every party is introduced and every object has reported
// twice, and InfluxDB keeps up.
func (s *City) Warm(ctx context.Context, p *Platform) error {
	var failed error
	err := Until(ctx, 15*time.Minute+3*s.plan.Cadence, "the warm city", func() bool {
		if s.Ended() || p.Ended() {
			failed = fmt.Errorf("a part ended: the platform's last words:\n%s\nthe simulator's:\n%s", p.Tail(), s.Tail())
			return true
		}
		st, _, err := s.Ledger()
		if err != nil || !st.Ready {
			return false
		}
		for _, party := range st.Parties {
			if !party.Introduced {
				return false
			}
		}
		if st.Sum().Acknowledged < 2*uint64(s.plan.Vehicles+s.plan.Piles) {
			return false
		}
		m, err := p.Metrics(ctx)
		return err == nil && m["dianchi_influx_lag_seconds"] < 5
	})
	return errors.Join(err, failed)
}
