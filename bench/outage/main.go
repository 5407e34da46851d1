// Command outage takes InfluxDB away from a platform under load for some minutes
// and says what that does: to live queries and acknowledgements, to memory and to
// the log, how long catching up takes, and whether every report is in InfluxDB
// afterwards.
//
//	make influxd && go run ./bench/outage                    # 10 minutes at 13,333 reports/s
//	go run ./bench/outage --duration 1m --before 20s --vehicles 20000 --piles 20000
//
// It needs Linux (/proc) and is started in the root of the source tree. The
// report goes to standard output as Markdown, what happens meanwhile to standard
// error. Exit status 1: something acknowledged is missing or one too many, or it
// could not measure.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/dianchi-platform/dianchi/bench/internal/lab"
	"github.com/dianchi-platform/dianchi/bench/internal/stream"
	"github.com/dianchi-platform/dianchi/bench/internal/trial"
)

// config is the flags.
type config struct {
	plan             trial.Plan
	before, duration time.Duration
	keep             bool
}

func parse(args []string) (c config, err error) {
	f := flag.NewFlagSet("outage", flag.ContinueOnError)
	f.IntVar(&c.plan.Vehicles, "vehicles", 200_000, "vehicles")
	f.IntVar(&c.plan.Piles, "piles", 200_000, "piles")
	f.DurationVar(&c.plan.Cadence, "cadence", 30*time.Second, "every object reports this often")
	f.DurationVar(&c.before, "before", 2*time.Minute, "how long is measured before the outage")
	f.DurationVar(&c.duration, "duration", 10*time.Minute, "how long InfluxDB is away")
	f.BoolVar(&c.keep, "keep", false, "keep the folder with data and logs, and say where it is")
	if err := f.Parse(args); err != nil {
		return c, err
	}
	c.plan.Batch, c.plan.Operators, c.plan.Makers, c.plan.Conns = 50, 10, 10, 2
	if f.NArg() > 0 || min(c.plan.Vehicles, c.plan.Piles) < 1000 || max(c.plan.Vehicles, c.plan.Piles) > 900_000 ||
		c.plan.Cadence < time.Second || min(c.before, c.duration) < 5*time.Second {
		err = errors.New("needs --vehicles and --piles from 1,000 to 900,000, --cadence from 1s, --before and" +
			" --duration from 5s, and no words")
	}
	return c, err
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == trial.PublishCommand {
		os.Exit(stream.Main(os.Args[2]))
	}
	lab.Main("outage", parse, run)
}

func run(ctx context.Context, c config) (err error) {
	dir, err := os.MkdirTemp("", "dianchi-outage-")
	if err != nil {
		return err
	}
	if c.keep {
		lab.Say("data and logs are kept in %s", dir)
	} else {
		defer os.RemoveAll(dir)
	}
	_, program, err := lab.Build(ctx)
	if err != nil {
		return err
	}
	away, err := lab.StartOutside(ctx, filepath.Join(dir, "influxdb"), program)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, away.Away(context.Background())) }()
	store, err := away.Store()
	if err != nil {
		return err
	}
	p, err := lab.StartPlatform(ctx, dir, away.Args()...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Stop()) }()
	t, err := trial.Start(ctx, dir, p, store, c.plan)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.End()) }()
	r := &results{config: c, trial: t, machine: lab.ThisMachine()}
	if err := r.measure(ctx, away); err != nil {
		return err
	}
	r.print(os.Stdout)
	return r.verdict()
}

// measure makes the windows: before, without InfluxDB, and catching up.
func (r *results) measure(ctx context.Context, store *lab.OutsideStore) (err error) {
	t, c := r.trial, r.config
	if r.token, err = t.Platform.Admin(ctx, "token", "add", "--role", "regulator"); err != nil {
		return err
	}
	if err := t.Warm(ctx); err != nil {
		return err
	}
	lab.Say("measuring for %v with InfluxDB", c.before)
	if r.before, err = t.Measure(ctx, c.before, store.PID()); err != nil {
		return err
	}
	if r.historyBefore, err = r.history(ctx); err != nil {
		return err
	}
	lab.Say("InfluxDB goes away for %v", c.duration)
	if err := store.Away(ctx); err != nil {
		return err
	}
	if r.during, err = t.Measure(ctx, c.duration, 0); err != nil {
		return err
	}
	if r.historyDuring, err = r.history(ctx); err != nil {
		return err
	}
	lab.Say("InfluxDB comes back")
	if err := store.Back(ctx); err != nil {
		return err
	}
	calm := 0
	r.after, err = t.MeasureUntil(ctx, max(10*time.Minute, c.duration), store.PID(), func(m map[string]float64) bool {
		if m["dianchi_influx_lag_seconds"] < 2 {
			calm++
		} else {
			calm = 0
		}
		return calm >= 5
	})
	if err != nil {
		return err
	}
	r.caughtUp = r.after.Took() - time.Duration(max(0, calm-1))*time.Second
	if calm < 5 {
		return fmt.Errorf("InfluxDB is still %.0f s behind after %v", r.after.Last["dianchi_influx_lag_seconds"],
			r.after.Took().Round(time.Second))
	}
	if r.historyAfter, err = r.history(ctx); err != nil {
		return err
	}
	if err := t.End(); err != nil {
		return err
	}
	if r.ledger, err = t.Ledger(); err != nil {
		return err
	}
	r.books, err = t.Settle(ctx, 10*time.Minute)
	return err
}
