// Command crowd measures a city's whole audience on one machine: the simulated
// city reports through the door into an ingest process with its InfluxDB, api
// replicas follow it, and client processes hold open, subscribed websockets to
// them, one in ten of which asks for the nearest free piles again and again.
//
//	make influxd && go run ./bench/crowd --viewers 200000 --replicas 12 --duration 5m
//	go run ./bench/crowd --viewers 5000 --replicas 2 --duration 20s --vehicles 5000 --piles 5000
//
// It says which beat the machine carries (how long between frames of a viewer),
// how old what a viewer is told is when it comes, what everything costs, where
// it stops and why, and which machine would carry all at a beat of a second. One
// in a hundred viewers keeps all that it is told; at the end, when the city has
// stopped, each must know what GET says.
//
// It needs Linux (/proc, epoll) and is started in the root of the source tree.
// The report goes to standard output as Markdown, what happens meanwhile to
// standard error. Exit status 1: a viewer was lost, went without frames or
// answers, or knew something else than GET said; or it could not measure.
package main

import (
	"context"
	"errors"
	"flag"
	"os"
	"time"

	"github.com/dianchi-platform/dianchi/bench/internal/lab"
)

// config is the flags.
type config struct {
	viewers, replicas int
	rate              int // connections a second
	ask, duration     time.Duration
	city              lab.CityPlan
	keep              bool
}

// viewersAProcess is how many sockets a client process holds at most: here a
// process may open 20,000 files.
const viewersAProcess = 17_000

func (c *config) processes() int { return (c.viewers + viewersAProcess - 1) / viewersAProcess }

func parse(args []string) (c config, err error) {
	f := flag.NewFlagSet("crowd", flag.ContinueOnError)
	f.IntVar(&c.viewers, "viewers", 200_000, "open, subscribed websockets")
	f.IntVar(&c.replicas, "replicas", 12, "api processes; each takes 18,000 viewers at most")
	f.IntVar(&c.rate, "connect-rate", 4000, "connections a second while they are opened")
	f.DurationVar(&c.ask, "ask", 5*time.Second, "one viewer in ten asks this often")
	f.DurationVar(&c.duration, "duration", 5*time.Minute,
		"how long is measured with questions; before that a quarter of it without")
	f.IntVar(&c.city.Vehicles, "vehicles", 200_000, "vehicles of the simulated city")
	f.IntVar(&c.city.Piles, "piles", 200_000, "piles of the simulated city")
	f.DurationVar(&c.city.Cadence, "cadence", 30*time.Second, "every object reports this often")
	f.BoolVar(&c.keep, "keep", false, "keep the folder with data and logs, and say where it is")
	if err := f.Parse(args); err != nil {
		return c, err
	}
	switch {
	case f.NArg() > 0:
		err = errors.New("takes no words")
	case c.replicas < 1 || c.replicas > 200 || c.viewers < c.replicas || c.viewers > 18_000*c.replicas:
		err = errors.New("--replicas 1 to 200, --viewers at most 18,000 for each and at least one")
	case c.processes() > 250:
		err = errors.New("--viewers: more than 250 client processes")
	case c.rate < 1 || c.ask < 100*time.Millisecond || c.duration < 5*time.Second:
		err = errors.New("--connect-rate from 1, --ask from 100ms, --duration from 5s")
	case c.city.Vehicles < 1 || c.city.Piles < 1 || c.city.Cadence < time.Second:
		err = errors.New("--vehicles and --piles from 1, --cadence from 1s")
	}
	return c, err
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == clientCommand {
		os.Exit(clientMain(os.Args[2]))
	}
	lab.Main("crowd", parse, func(ctx context.Context, c config) error { return run(ctx, &c) })
}

// run makes one run from an empty folder.
func run(ctx context.Context, c *config) (err error) {
	r := &results{config: c, machine: lab.ThisMachine(), limits: kernelLimits(c)}
	if err := tooLow(r.limits); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "dianchi-crowd-")
	if err != nil {
		return err
	}
	if c.keep {
		lab.Say("data and logs are kept in %s", dir)
	} else {
		defer os.RemoveAll(dir)
	}
	w := &world{config: c, dir: dir}
	defer func() { err = errors.Join(err, w.stop()) }()
	if err := w.startCity(ctx); err != nil {
		return err
	}
	if err := w.startReplicas(ctx, r); err != nil {
		return err
	}
	lab.Say("%d replicas follow; measuring without viewers", c.replicas)
	if r.following, err = w.window(ctx, max(5*time.Second, c.duration/20)); err != nil {
		return err
	}
	if err := w.connect(ctx, r); err != nil {
		return err
	}
	lab.Say("all are connected; measuring without questions")
	if r.calm, err = w.window(ctx, max(5*time.Second, c.duration/4)); err != nil {
		return err
	}
	lab.Say("measuring for %v", c.duration)
	if r.busy, err = w.window(ctx, c.duration); err != nil {
		return err
	}
	err = w.compare(ctx, r)
	r.print(os.Stdout) // also what was measured before a comparison that failed
	return errors.Join(err, r.verdict())
}
