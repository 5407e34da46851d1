// Command push measures what it costs to push: so many viewers on moving views
// hang on one server process, while a city of 200,000 piles and as many vehicles
// reports 13,000 times a second.
//
//	make bench-push                                          # 15,000 viewers, 5 minutes in turns with its floor
//	go run ./bench/push --viewers 2000 --duration 20s        # a short one
//
// The server is a process of its own, and so are the clients, which share one
// (a process may have 20,000 files open on many machines). Beside the product
// stand, on the same sockets and in turns with it, a floor that writes one
// prepared frame of the same size to each of them, and afterwards the centrifuge
// library, which publishes the same frames to viewers that look at the same.
//
// It needs Linux and is started in the root of the source tree. The report goes
// to standard output as Markdown, what happens meanwhile to standard error. Exit
// status 1: a promise does not hold, or it could not measure.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/dianchi-platform/dianchi/bench/internal/lab"
)

// config is the flags.
type config struct {
	viewers  int
	stalled  float64
	duration time.Duration
	rounds   int
	pan      time.Duration
	plain    bool
	piles    int
	rate     int
	peer     bool
	memory   bool
	push     bool
	rest     time.Duration
	role     string
	trace    string
	profile  string
	seed     uint64
}

func parse(args []string) (c config, err error) {
	f := flag.NewFlagSet("push", flag.ContinueOnError)
	f.IntVar(&c.viewers, "viewers", 15_000, "viewers on one server process")
	f.Float64Var(&c.stalled, "stalled", 0.01, "in every other turn so many more, as a share, never read")
	f.DurationVar(&c.duration, "duration", 5*time.Minute, "how long is pushed, all turns together")
	f.IntVar(&c.rounds, "rounds", 5, "turns of product, product beside stalled viewers, and floor")
	f.DurationVar(&c.pan, "pan", 30*time.Second, "each viewer of a map moves by a tile this often")
	f.BoolVar(&c.plain, "plain", false, "viewers that do not offer permessage-deflate (browsers do)")
	f.IntVar(&c.piles, "piles", 200_000, "piles of the city, and vehicles")
	f.IntVar(&c.rate, "rate", 13_300, "reports a second")
	f.BoolVar(&c.peer, "peer", true, "measure the centrifuge library too")
	f.BoolVar(&c.memory, "memory", true, "measure memory too")
	f.DurationVar(&c.rest, "rest", 150*time.Second, "how long idle viewers are idle before their memory is read; Go collects garbage every 2 minutes")
	f.BoolVar(&c.push, "push", true, "false measures memory alone")
	f.Uint64Var(&c.seed, "seed", 1, "seed of city and views")
	f.StringVar(&c.profile, "profile", "", "write a CPU profile of the server's last turn to this file")
	f.StringVar(&c.role, "role", "", "server, or clients: used by the program itself")
	f.StringVar(&c.trace, "trace", "", "")
	if err := f.Parse(args); err != nil {
		return c, err
	}
	if c.viewers < 100 || c.viewers > 19_000 || c.rounds < 1 || c.duration < time.Duration(c.rounds)*5*time.Second {
		return c, errors.New("viewers must be 100 … 19000, and each round at least 5 s")
	}
	return c, nil
}

func main() { lab.Main("push", parse, work) }

// work does what this process is for.
func work(ctx context.Context, c config) error {
	switch c.role {
	case "server":
		return serve(ctx, &c)
	case "clients":
		return clients(&c)
	}
	ok, err := run(ctx, &c)
	if err == nil && !ok {
		err = errors.New("a promise does not hold")
	}
	return err
}

// run measures everything and prints it; ok means that all promises hold.
func run(ctx context.Context, c *config) (ok bool, err error) {
	r := &report{config: *c, machine: lab.ThisMachine()}
	if c.memory {
		if err := memory(ctx, c, r); err != nil {
			return false, fmt.Errorf("memory: %w", err)
		}
	}
	if !c.push {
		return r.print(os.Stdout), nil
	}
	tr, err := push(ctx, c, r)
	if err != nil {
		return false, err
	}
	if c.peer {
		if err := peer(ctx, c, tr, r); err != nil {
			return false, fmt.Errorf("centrifuge: %w", err)
		}
	}
	return r.print(os.Stdout), nil
}
