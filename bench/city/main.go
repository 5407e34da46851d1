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
	p, err := startPlatform(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	probe, err := startProbe(ctx, p)
	if err != nil {
		return err
	}
	defer probe.stop()
	sim, err := startSimulator(ctx, p, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sim.stop()) }()
	if err := p.warm(ctx, sim, c); err != nil {
		return err
	}
	r := &results{config: c, machine: thisMachine()}
	store, early := filepath.Join(p.data, "influxdb"), filepath.Join(dir, "influxdb-before")
	if err := copyStore(store, early); err != nil {
		return err
	}
	if metrics, err := p.metrics(ctx); err == nil {
		r.disk.pointsBefore = metrics["dianchi_influx_points_total"]
	}
	say("the city is warm; measuring for %v", c.duration)
	m, err := measure(ctx, p, sim, probe, c.duration)
	if err != nil {
		return err
	}
	if err := sim.stop(); err != nil { // the ledger is whole only after a clean stop
		return err
	}
	probe.stop()
	r.window, r.latency = m, probe.latency()
	if err := p.account(ctx, r, sim, probe); err != nil {
		return err
	}
	if err := p.stop(); err != nil {
		return err
	}
	say("settling the store as it was before the window and as it is now, to measure both")
	if r.disk.before, _, err = settle(ctx, early, p.data, p.influxd, dir); err != nil {
		return err
	}
	if r.disk.after, r.disk.cpu, err = settle(ctx, store, p.data, p.influxd, dir); err != nil {
		return err
	}
	r.print(os.Stdout)
	if r.missing() {
		return errMissing
	}
	return nil
}

func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s "+format+"\n", append([]any{time.Now().Format(time.TimeOnly)}, args...)...)
}

// sleep waits for d unless ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// until asks each quarter of a second whether ok holds; what says what is waited for.
func until(ctx context.Context, within time.Duration, what string, ok func() bool) error {
	for deadline := time.Now().Add(within); !ok(); {
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: not within %v", what, within)
		}
		if err := sleep(ctx, 250*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}
