// Command torture pulls every plug of the platform under load and says whether
// anything that was acknowledged is missing, doubled or shown wrongly.
//
//	make torture DURATION=30m
//	go run ./bench/torture --duration 60s --rate 1500 --seed 7
//
// Two platforms run side by side, each with half of the rate: lane "door" with
// the embedded door and the bundled InfluxDB, lane "broker" with a mosquitto and
// an InfluxDB of their own, the latter behind a proxy that spoils requests.
// Publishers send again what was not acknowledged, as the contract tells them
// to. Every few minutes, and at the end, they pause, and what InfluxDB, the
// sessions, the accounts, the 5-minute totals and every live answer say is held
// against the bench's own ledger and model, which share no code with the platform.
//
// It needs Linux, bin/influxd (make influxd), mosquitto, and root or user
// namespaces for the small disk. The summary goes to standard output as Markdown,
// what happens meanwhile to standard error. Exit status 1: a promise did not
// hold; then the data stays where the last lines say.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// config is the flags.
type config struct {
	duration, checkEvery time.Duration
	rate                 int
	seed                 uint64
	program              string
	lanes                string
	only                 string
	keep                 bool
}

func main() {
	var c config
	flag.DurationVar(&c.duration, "duration", 30*time.Minute, "how long faults are made")
	flag.DurationVar(&c.checkEvery, "check", 5*time.Minute, "time between two checks; the last one is at the end")
	flag.IntVar(&c.rate, "rate", 5000, "reports a second, both lanes together")
	flag.Uint64Var(&c.seed, "seed", 0, "seed of faults and reports; 0 takes one from the clock")
	flag.StringVar(&c.program, "program", "", "the platform's program; default: build it")
	flag.StringVar(&c.lanes, "lanes", "door,broker", "which of the two run")
	flag.StringVar(&c.only, "only", "", "only faults whose name contains this; a comma separates several")
	flag.BoolVar(&c.keep, "keep", false, "keep the folder with data and logs also when all is well")
	flag.Parse()
	if flag.NArg() > 0 || c.duration < 5*time.Second || c.rate < 100 || c.checkEvery < 5*time.Second {
		fmt.Fprintln(os.Stderr, "torture: needs --duration and --check from 5s, --rate from 100, and no words")
		os.Exit(2)
	}
	enterNamespace()
	if c.seed == 0 {
		c.seed = uint64(time.Now().UnixNano()) % 1_000_000
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, c); err != nil {
		fmt.Fprintf(os.Stderr, "torture: seed %d: %v\n", c.seed, err)
		os.Exit(1)
	}
}

// run is the whole of it.
func run(ctx context.Context, c config) (err error) {
	began := time.Now()
	rng := rand.New(rand.NewPCG(c.seed, c.seed))
	log := &events{began: began}
	say("seed %d", c.seed)
	programs, err := findPrograms(ctx, c.program)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "dianchi-torture-")
	if err != nil {
		return err
	}
	var lanes []*lane
	defer func() {
		for _, l := range lanes {
			l.end()
		}
		if err != nil {
			_ = os.WriteFile(filepath.Join(dir, "failure.txt"), fmt.Appendf(nil, "seed %d: %v\n", c.seed, err), 0o600) // it is printed, too
		}
		if err != nil || c.keep {
			say("data and logs are kept in %s; a lane's data is in data.ext4 if it has one: mount -o loop,ro it", dir)
			return
		}
		err = os.RemoveAll(dir)
	}()
	for name := range strings.SplitSeq(c.lanes, ",") {
		share := rand.New(rand.NewPCG(c.seed, uint64(len(lanes))+rng.Uint64()))
		l, err := newLane(ctx, name, dir, programs, log, share, c.rate/(1+strings.Count(c.lanes, ",")))
		if l != nil {
			lanes = append(lanes, l)
		}
		if err != nil {
			return fmt.Errorf("lane %s: %w", name, err)
		}
	}
	say("both worlds stand after %v; faults begin", time.Since(began).Round(time.Second))
	r := &results{config: c, lanes: lanes, log: log}
	err = torment(ctx, c, lanes, log, r)
	r.print(os.Stdout)
	return err
}

// torment lets faults happen for the duration, with checks in between.
func torment(ctx context.Context, c config, lanes []*lane, log *events, r *results) error {
	began := time.Now()
	for left := c.duration; left > 0; left = c.duration - r.took {
		part := min(left, c.checkEvery)
		if left-part < c.checkEvery/3 { // no stub at the end
			part = left
		}
		round, cancel := context.WithTimeout(ctx, part)
		failed := make(chan error, len(lanes))
		for _, l := range lanes {
			go func() { failed <- l.torment(round, c.only) }()
		}
		go progress(round, lanes, began)
		var err error
		for range lanes {
			if e := <-failed; e != nil {
				err = errors.Join(err, e)
				cancel()
			}
		}
		cancel()
		r.took += part
		if ctx.Err() != nil {
			return ctx.Err()
		}
		checked := make(chan error, len(lanes))
		for _, l := range lanes {
			go func() { checked <- l.check(ctx, r.took >= c.duration, r) }()
		}
		for range lanes {
			err = errors.Join(err, <-checked)
		}
		if err != nil {
			return err
		}
		for _, l := range lanes {
			l.paused.Store(false)
		}
	}
	return nil
}

// progress says how it goes every five seconds.
func progress(ctx context.Context, lanes []*lane, began time.Time) {
	for sleep(ctx, 5*time.Second) == nil {
		var s strings.Builder
		for _, l := range lanes {
			fmt.Fprintf(&s, " | %s: %s", l.name, l.line())
		}
		say("%v%s", time.Since(began).Round(time.Second), s.String())
	}
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

// until asks again and again whether ok holds; seen says what is there instead.
func until(ctx context.Context, within time.Duration, ok func() (seen string, ok bool)) error {
	for deadline := time.Now().Add(within); ; {
		seen, yes := ok()
		if yes {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not within %v: %s", within, seen)
		}
		if err := sleep(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

// insideEnv marks a run that has its own mount namespace already.
const insideEnv = "TORTURE_INSIDE"

// enterNamespace starts this program again in a mount namespace of its own, so
// that the small disks go with its processes, however they end. Who is not root
// becomes root of a user namespace. Where that cannot be, we stay where we are.
func enterNamespace() {
	if os.Getenv(insideEnv) != "" {
		return
	}
	unshare, err := exec.LookPath("unshare")
	if err != nil {
		return
	}
	how := []string{"-m", "--propagation", "private"}
	if os.Geteuid() != 0 {
		how = append(how, "-r")
	}
	if exec.Command(unshare, append(how, "true")...).Run() != nil {
		return
	}
	self, err := os.Executable()
	if err != nil {
		return
	}
	args := append(append([]string{unshare}, how...), append([]string{self}, os.Args[1:]...)...)
	err = syscall.Exec(unshare, args, append(os.Environ(), insideEnv+"=1"))
	say("no namespace of our own: %v", err)
}
