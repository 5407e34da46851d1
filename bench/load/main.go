// Command load measures what the platform takes: a publisher of its own, as
// cheap as can be, sends the reports of so many vehicles and piles at so short a
// cadence through the door to InfluxDB, and afterwards everything that was
// acknowledged is found again, party by party and point by point.
//
//	make influxd && go run ./bench/load                                  # 40,000 reports/s for 5 minutes
//	go run ./bench/load --scale 50000,100000,200000 --duration 2m        # the cost against the load
//	go run ./bench/load --cadence 30s --late 4                           # a flood of late reports beside it
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
	"strconv"
	"strings"
	"time"

	"github.com/dianchi-platform/dianchi/bench/internal/lab"
	"github.com/dianchi-platform/dianchi/bench/internal/stream"
	"github.com/dianchi-platform/dianchi/bench/internal/trial"
)

// config is the flags.
type config struct {
	plan     trial.Plan
	duration time.Duration
	scale    []int
	restart  bool
	keep     bool
}

func parse(args []string) (c config, err error) {
	f := flag.NewFlagSet("load", flag.ContinueOnError)
	f.IntVar(&c.plan.Vehicles, "vehicles", 200_000, "vehicles")
	f.IntVar(&c.plan.Piles, "piles", 200_000, "piles")
	f.DurationVar(&c.plan.Cadence, "cadence", 10*time.Second, "every object reports this often")
	f.IntVar(&c.plan.Batch, "batch", 50, "reports a message")
	f.DurationVar(&c.duration, "duration", 5*time.Minute, "how long is measured, after every object has reported twice")
	f.IntVar(&c.plan.Late, "late", 0, "operators that send hours-old reports in a second window of the same duration")
	f.IntVar(&c.plan.LateRate, "late-rate", 0, "reports a second of all late operators together; "+
		"0: as fast as they are acknowledged")
	scale := f.String("scale", "", "run once for each of these numbers of vehicles and as many piles, N,N,…")
	f.BoolVar(&c.restart, "restart", true, "kill -9 the platform after the last acknowledgement, and time its start")
	f.BoolVar(&c.keep, "keep", false, "keep the folders with data and logs, and say where they are")
	if err := f.Parse(args); err != nil {
		return c, err
	}
	for n := range strings.SplitSeq(*scale, ",") {
		if n == "" {
			continue
		}
		v, err := strconv.Atoi(n)
		if err != nil || v < 1000 {
			return c, fmt.Errorf("--scale %s: %q is no number from 1000", *scale, n)
		}
		c.scale = append(c.scale, v)
	}
	c.plan.Operators, c.plan.Makers, c.plan.Conns, c.plan.LatePiles = 10, 10, 2, 2000
	if c.plan.LateRate > 0 && c.plan.Late == 0 {
		c.plan.Late = 4
	}
	switch {
	case f.NArg() > 0:
		err = errors.New("takes no words")
	case min(c.plan.Vehicles, c.plan.Piles) < 1000 || max(c.plan.Vehicles, c.plan.Piles) > 900_000:
		err = errors.New("--vehicles and --piles: 1,000 to 900,000")
	case c.plan.Cadence < time.Second || c.duration < 5*time.Second:
		err = errors.New("--cadence from 1s, --duration from 5s")
	case c.plan.Batch < 1 || c.plan.Batch > 500:
		err = errors.New("--batch 1 to 500")
	case c.plan.Late < 0 || c.plan.Late > 20 || c.plan.LateRate < 0:
		err = errors.New("--late 0 to 20, --late-rate from 0")
	}
	return c, err
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == trial.PublishCommand {
		os.Exit(stream.Main(os.Args[2]))
	}
	lab.Main("load", parse, run)
}

// run makes one run, or one for each step of the scale.
func run(ctx context.Context, c config) error {
	fmt.Printf("%s\n\n", lab.ThisMachine())
	if len(c.scale) == 0 {
		r, err := once(ctx, c)
		if err != nil {
			return err
		}
		r.print(os.Stdout)
		return r.verdict()
	}
	var all []*results
	for _, n := range c.scale {
		one := c
		one.restart = false
		one.plan.Vehicles, one.plan.Piles = n, n
		lab.Say("--- %d vehicles and %d piles", n, n)
		r, err := once(ctx, one)
		if err != nil {
			return err
		}
		all = append(all, r)
	}
	return printScale(os.Stdout, all)
}

// once runs a platform with an empty data folder under the plan.
func once(ctx context.Context, c config) (r *results, err error) {
	dir, err := os.MkdirTemp("", "dianchi-load-")
	if err != nil {
		return nil, err
	}
	if c.keep {
		lab.Say("data and logs are kept in %s", dir)
	} else {
		defer os.RemoveAll(dir)
	}
	p, err := lab.StartPlatform(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Stop()) }()
	store, err := lab.StoreIn(p.Data + "/influxdb")
	if err != nil {
		return nil, err
	}
	t, err := trial.Start(ctx, dir, p, store, c.plan)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.End()) }()
	if err := t.Warm(ctx); err != nil {
		return nil, err
	}
	r = &results{config: c, trial: t}
	lab.Say("measuring for %v", c.duration)
	if r.calm, err = t.Measure(ctx, c.duration, p.Child); err != nil {
		return nil, err
	}
	if c.plan.Late > 0 {
		if err := r.measureFlood(ctx); err != nil {
			return nil, err
		}
	}
	if err := t.End(); err != nil {
		return nil, err
	}
	if r.ledger, err = t.Ledger(); err != nil {
		return nil, err
	}
	if c.restart {
		if err := r.measureRestart(ctx); err != nil {
			return nil, err
		}
	}
	if r.books, err = t.Settle(ctx, 20*time.Minute); err != nil {
		return nil, err
	}
	r.disk, r.log = trial.SizeOf(p.Data+"/influxdb"), trial.SizeOf(p.Data+"/spool")
	return r, nil
}

// measureFlood lets the late parties begin and measures the same once more.
func (r *results) measureFlood(ctx context.Context) (err error) {
	t := r.trial
	lab.Say("%d operators send hours-old reports; measuring for %v", r.config.plan.Late, r.config.duration)
	if err := t.Publisher.Signal(stream.BeginLate); err != nil {
		return err
	}
	if err := lab.Sleep(ctx, 2*time.Second); err != nil {
		return err
	}
	if r.flood, err = t.Measure(ctx, r.config.duration, t.Platform.Child); err != nil {
		return err
	}
	return t.Publisher.Signal(stream.EndLate)
}
