// Command city measures the whole city: it builds the platform, runs it with a
// simulator in a process of its own, and says whether everything that was
// acknowledged was taken and is in InfluxDB, how long a change takes to a
// viewer's screen, and what it all costs.
//
//	make influxd && go run ./bench/city --vehicles 200000 --piles 200000 --cadence 30s --duration 10m
//
// It needs Linux (/proc) and is started in the root of the source tree. The
// report goes to standard output as Markdown, what happens meanwhile to standard
// error. Exit status 1: something acknowledged is missing, or it could not measure.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/dianchi-platform/dianchi/bench/internal/lab"
)

// config is the flags.
type config struct {
	vehicles, piles   int
	cadence, duration time.Duration
	faults, keep      bool
}

func main() {
	var c config
	flag.IntVar(&c.vehicles, "vehicles", 200_000, "vehicles of the simulated city")
	flag.IntVar(&c.piles, "piles", 200_000, "piles of the simulated city")
	flag.DurationVar(&c.cadence, "cadence", 30*time.Second, "every object reports this often")
	flag.DurationVar(&c.duration, "duration", 10*time.Minute, "how long is measured, after the city is warm")
	flag.BoolVar(&c.faults, "faults", false, "let the simulated city send bad data as real ones do")
	flag.BoolVar(&c.keep, "keep", false, "keep the folder with data and logs, and say where it is")
	flag.Parse()
	if flag.NArg() > 0 || c.vehicles < 1 || c.piles < 1 || c.cadence < time.Second || c.duration < 10*time.Second {
		fmt.Fprintln(os.Stderr, "city: needs --vehicles and --piles from 1, --cadence from 1s, --duration from 10s,"+
			" and no words")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, c); err != nil {
		fmt.Fprintln(os.Stderr, "city:", err)
		os.Exit(1)
	}
}

var errMissing = errors.New("not everything that was acknowledged is where it must be; see the report")

func run(ctx context.Context, c config) (err error) {
	dir, err := os.MkdirTemp("", "dianchi-city-")
	if err != nil {
		return err
	}
	if c.keep {
		fmt.Fprintln(os.Stderr, "city: data and logs are kept in", dir)
	} else {
		defer os.RemoveAll(dir)
	}
	p, err := lab.StartPlatform(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Stop()) }()
	probe, err := lab.StartProbe(ctx, p)
	if err != nil {
		return err
	}
	defer probe.Stop()
	plan := lab.CityPlan{Vehicles: c.vehicles, Piles: c.piles, Cadence: c.cadence, Faults: c.faults}
	sim, err := lab.StartCity(ctx, p, plan)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sim.Stop()) }()
	if err := sim.Warm(ctx, p); err != nil {
		return err
	}
	r := &results{config: c, machine: lab.ThisMachine()}
	store, early := filepath.Join(p.Data, "influxdb"), filepath.Join(dir, "influxdb-before")
	if err := copyStore(store, early); err != nil {
		return err
	}
	if metrics, err := p.Metrics(ctx); err == nil {
		r.disk.pointsBefore = metrics["dianchi_influx_points_total"]
	}
	lab.Say("the city is warm; measuring for %v", c.duration)
	m, err := measure(ctx, p, sim, probe, c.duration)
	if err != nil {
		return err
	}
	if err := sim.Stop(); err != nil { // the ledger is whole only after a clean stop
		return err
	}
	probe.Stop()
	r.window, r.latency = m, probe.Latency()
	if err := settleAccounts(ctx, p, r, sim, probe); err != nil {
		return err
	}
	if err := p.Stop(); err != nil {
		return err
	}
	lab.Say("settling the store as it was before the window and as it is now, to measure both")
	if r.disk.before, _, err = settle(ctx, early, p.Data, p.Influxd, dir); err != nil {
		return err
	}
	if r.disk.after, r.disk.cpu, err = settle(ctx, store, p.Data, p.Influxd, dir); err != nil {
		return err
	}
	r.print(os.Stdout)
	if r.missing() {
		return errMissing
	}
	return nil
}
