// Command query measures what a question for the ten nearest stations costs,
// while 20,000 status updates a second go on: over HTTP and the websocket, each
// beside a fixed answer of the same size from the same server, in process beside
// the R-tree of tidwall/rtree, and Redis GEOSEARCH beside all.
//
//	make bench-query
//	make bench-query QUERY="--turn 500ms --rounds 2 --redis=false"
//
// The server is a process of its own with the product's API over 12,000 stations
// and 200,000 piles, the 64 clients are another one, and everything takes turns.
// What is compared is the server's CPU (/proc), so that clients on the same
// cores do not count. It needs Linux. The report goes to standard output as
// Markdown, what happens meanwhile to standard error. Exit status 1: a promise
// does not hold, or it could not measure.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/dianchi-platform/dianchi/bench/internal/lab"
)

// config is the flags.
type config struct {
	clients int
	rate    int
	turn    time.Duration
	rounds  int
	redis   bool
	only    string
	role    string
	profile string
}

func parse(args []string) (c config, err error) {
	f := flag.NewFlagSet("query", flag.ContinueOnError)
	f.IntVar(&c.clients, "clients", 64, "clients, each with one question at a time")
	f.IntVar(&c.rate, "rate", 20_000, "status updates a second")
	f.DurationVar(&c.turn, "turn", 1500*time.Millisecond, "how long one contender is asked at a time")
	f.IntVar(&c.rounds, "rounds", 6, "turns of each contender")
	f.BoolVar(&c.redis, "redis", true, "measure Redis too")
	f.StringVar(&c.only, "only", "", "only contenders whose name contains this, and their floors")
	f.StringVar(&c.profile, "profile", "", "write the server's CPU profile to this file")
	f.StringVar(&c.role, "role", "", "what this process is; for the program itself")
	if err := f.Parse(args); err != nil {
		return c, err
	}
	switch {
	case f.NArg() > 0:
		err = errors.New("takes no words")
	case c.clients < 1 || c.clients > 10_000 || c.rate < 0 || c.rate > 1_000_000:
		err = errors.New("--clients 1 to 10,000, --rate 0 to 1,000,000")
	case c.turn < 50*time.Millisecond || c.rounds < 1:
		err = errors.New("--turn from 50ms, --rounds from 1")
	}
	return c, err
}

func main() { lab.Main("query", parse, work) }

// work does what this process is for.
func work(ctx context.Context, c config) error {
	switch c.role {
	case "serve":
		return serve(ctx, &c)
	case "ask":
		return ask(&c)
	case "inside":
		return inside(ctx, &c)
	}
	return lead(ctx, &c)
}

// lead starts the processes, has all contenders take turns and prints.
func lead(ctx context.Context, c *config) error {
	r := report{config: c, machine: lab.ThisMachine()}
	lab.Say("in process, beside tidwall/rtree")
	in, hello, err := self(ctx, c, "inside")
	if err != nil {
		return err
	}
	in.stop()
	r.inside = hello.Inside
	if err := r.measure(ctx, c); err != nil {
		return err
	}
	if !r.print(os.Stdout) {
		return errors.New("a promise does not hold")
	}
	return nil
}

func (r *report) measure(ctx context.Context, c *config) error {
	server, hello, err := self(ctx, c, "serve", "--profile", c.profile)
	if err != nil {
		return err
	}
	defer server.stop()
	clients, _, err := self(ctx, c, "ask")
	if err != nil {
		return err
	}
	defer clients.stop()
	all := contenders(hello.Addr, hello.Bare)
	if c.redis {
		store, err := startRedis(ctx)
		if err != nil {
			return err
		}
		defer store.stop()
		if err := store.fill(c.rate); err != nil {
			return err
		}
		for i := range all {
			if all[i].redis {
				all[i].addr, all[i].pid = store.addr, store.pid()
			}
		}
	}
	// How large an answer is, so that the floors are as large.
	first, err := clients.do(order{Kind: "http", Addr: hello.Addr, Filter: all[2].Filter, Seconds: 0.5, Clients: c.clients})
	if err != nil {
		return err
	}
	if _, err := server.do(order{Body: first.Body}); err != nil {
		return err
	}
	for round := range c.rounds {
		lab.Say("round %d of %d", round+1, c.rounds)
		for i := range all {
			t := &all[i]
			if t.redis && !c.redis || !wanted(all, i, c.only) {
				continue
			}
			pid := t.pid
			if pid == 0 {
				pid = server.cmd.Process.Pid
			}
			before, err := lab.UsageOf(pid)
			if err != nil {
				return err
			}
			if t.Kind == quiet {
				if err := lab.Sleep(ctx, c.turn); err != nil {
					return err
				}
				after, err := lab.UsageOf(pid)
				if err != nil {
					return err
				}
				t.turns = append(t.turns, turn{cpu: after.CPU - before.CPU, seconds: c.turn.Seconds()})
				continue
			}
			a, err := clients.do(order{Kind: t.Kind, Addr: t.addr, Filter: t.Filter, Seconds: c.turn.Seconds(), Clients: c.clients})
			if err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			after, err := lab.UsageOf(pid)
			if err != nil {
				return err
			}
			t.turns = append(t.turns, turn{answers: a.Answers, bytes: a.Bytes, short: a.Short, cpu: after.CPU - before.CPU,
				seconds: a.Seconds, p50: a.P50, p99: a.P99})
		}
	}
	r.all = all
	return ctx.Err()
}

// wanted reports whether contender i takes part.
func wanted(all []contender, i int, only string) bool {
	if all[i].Kind == quiet {
		return true
	}
	for k := range all {
		if strings.Contains(all[k].name, only) && (k == i || all[k].least > 0 && all[k].floor == i) {
			return true
		}
	}
	return false
}
