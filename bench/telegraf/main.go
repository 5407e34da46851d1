// Command telegraf measures our ingest beside Telegraf: the same reports in the
// same batches from the same publishers, into the same InfluxDB, at the same
// rates, flat out, and through the same kill -9.
//
//	make bench-telegraf
//	go run ./bench/telegraf --rates 20000 --duration 30s --flat 0 --city=false
//
// The contenders are Telegraf behind mosquitto, `dianchi ingest` behind the same
// mosquitto, and `dianchi ingest` with its own door. Telegraf is built from its
// Go module with only the plugins that are used; settings.go has both sides'
// settings and why. It needs Linux (/proc), mosquitto and bin/influxd, and is
// started in the root of the source tree. The tables go to standard output as
// Markdown, what happens meanwhile to standard error. Exit status 1: a promise
// of docs/benchmarks.md does not hold, or it could not measure.
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
)

// config is the flags.
type config struct {
	rates    []int
	duration time.Duration
	flat     int
	city     bool
	kill     bool
	objects  int
	conns    int
	parser   string
	only     string
	keep     bool
}

func parse(args []string) (c config, err error) {
	f := flag.NewFlagSet("telegraf", flag.ContinueOnError)
	rates := f.String("rates", "10000,20000", "offered rates, reports a second")
	f.DurationVar(&c.duration, "duration", time.Minute, "how long each rate is offered")
	f.IntVar(&c.flat, "flat", 1_500_000, "reports sent as fast as they are acknowledged; 0 leaves it out")
	f.BoolVar(&c.city, "city", true, "also offer the last rate with a city's mix, four of five reports unchanged")
	f.BoolVar(&c.kill, "kill", true, "also kill -9 each contender in the middle of the last rate")
	f.IntVar(&c.objects, "objects", 100_000, "piles and vehicles, half each")
	f.IntVar(&c.conns, "connections", 8, "of the publishers, half each")
	f.StringVar(&c.parser, "parser", "json", "Telegraf's parser: json or json_v2")
	f.StringVar(&c.only, "only", "", "only contenders whose name contains this")
	f.BoolVar(&c.keep, "keep", false, "keep the folders with data and logs, and say where they are")
	if err := f.Parse(args); err != nil {
		return c, err
	}
	for s := range strings.SplitSeq(*rates, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 100 || n > 200_000 {
			return c, fmt.Errorf("--rates %s: %q is no number from 100 to 200,000", *rates, s)
		}
		c.rates = append(c.rates, n)
	}
	switch {
	case f.NArg() > 0:
		err = errors.New("takes no words")
	case c.duration < 5*time.Second:
		err = errors.New("--duration from 5s")
	case c.objects < 2000 || c.objects%2000 != 0:
		err = errors.New("--objects a multiple of 2,000")
	case c.conns < 2 || c.conns > 64 || c.conns%2 != 0:
		err = errors.New("--connections an even number from 2 to 64")
	case c.parser != "json" && c.parser != "json_v2":
		err = errors.New("--parser json or json_v2")
	}
	return c, err
}

func main() { lab.Main("telegraf", parse, run) }

// job is one thing that every contender has to do.
type job struct {
	name    string
	rate    int // reports a second; 0 is flat out
	reports int
	city    bool // most reports are unchanged
	kill    bool // in the middle
}

func (c *config) jobs() (all []job) {
	last := 0
	for _, r := range c.rates {
		last = r
		all = append(all, job{name: fmt.Sprintf("%d/s", r), rate: r, reports: int(float64(r) * c.duration.Seconds())})
	}
	reports := int(float64(last) * c.duration.Seconds())
	if c.city {
		all = append(all, job{name: fmt.Sprintf("%d/s, city's mix", last), rate: last, reports: reports, city: true})
	}
	if c.flat > 0 {
		all = append(all, job{name: "flat out", reports: c.flat})
	}
	if c.kill {
		all = append(all, job{name: fmt.Sprintf("%d/s with kill -9", last), rate: last, reports: reports, kill: true})
	}
	return all
}

func run(ctx context.Context, c config) error {
	programs, err := prepare(ctx)
	if err != nil {
		return err
	}
	var all []*result
	for _, j := range c.jobs() {
		for _, k := range contenders {
			if !strings.Contains(k.name, c.only) {
				continue
			}
			lab.Say("%s: %s", j.name, k.name)
			r, err := once(ctx, c, programs, k, j)
			if err != nil {
				return fmt.Errorf("%s: %s: %w", j.name, k.name, err)
			}
			lab.Say("%s: %s: %.2f s of CPU a million reports, %d of %d points", j.name, k.name, r.perMillion(r.ingest),
				r.points, r.reports)
			all = append(all, r)
		}
	}
	return printResults(os.Stdout, c, all)
}

// once runs one contender through one job with an InfluxDB of its own.
func once(ctx context.Context, c config, programs *programs, k contender, j job) (r *result, err error) {
	dir, err := os.MkdirTemp("", "dianchi-telegraf-")
	if err != nil {
		return nil, err
	}
	if c.keep {
		lab.Say("data and logs are kept in %s", dir)
	} else {
		defer os.RemoveAll(dir)
	}
	b := &bed{config: c, programs: programs, dir: dir}
	defer func() { err = errors.Join(err, b.end()) }()
	if err := b.start(ctx, k); err != nil {
		return nil, err
	}
	p := newPublisher(b.door, b.login, c, j)
	if k.ours {
		stations, err := p.introduce(ctx)
		if err != nil {
			return nil, err
		}
		if err := b.calm(ctx, stations); err != nil {
			return nil, err
		}
	}
	return b.measure(ctx, k, j, p)
}
