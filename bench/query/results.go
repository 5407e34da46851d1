package main

import (
	"fmt"
	"io"
	"slices"
)

// What docs/benchmarks.md promises.
const (
	leastHTTP   = 0.70   // of the floor's answers a core
	leastLive   = 0.65   // likewise
	mostInside  = 1000.0 // nanoseconds
	timesRedis  = 4.0    // as many answers a core
	redisIndex  = 10     // in contenders: the whole stations
	aloneIndex  = 11     // the updates alone, and after it those of Redis
	againstHTTP = 2      // what Redis is compared with
	againstLive = 6
)

// quiet is the Kind of a turn in which nobody asks.
const quiet = "quiet"

// contender is one that takes turns.
type contender struct {
	name   string
	Kind   string
	Filter string
	addr   string
	pid    int // 0: the server's
	redis  bool
	floor  int     // its floor's index, when least is not 0
	least  float64 // share of its floor's answers a core
	turns  []turn
}

// turn is what one turn gave.
type turn struct {
	answers, bytes, short int
	cpu, seconds          float64
	p50, p99              float64
}

func (c *contender) sum(f func(*turn) float64) (s float64) {
	for i := range c.turns {
		s += f(&c.turns[i])
	}
	return s
}

// perCore returns the answers for a second of the server's CPU, that of the
// updates (cores) not counted: it goes on whether somebody asks or not.
func (c *contender) perCore(cores float64) float64 {
	return c.sum(func(t *turn) float64 { return float64(t.answers) }) / (c.cpu() - cores*c.seconds())
}

func (c *contender) cpu() float64     { return c.sum(func(t *turn) float64 { return t.cpu }) }
func (c *contender) seconds() float64 { return c.sum(func(t *turn) float64 { return t.seconds }) }

func (c *contender) middle(f func(*turn) float64) float64 {
	v := make([]float64, len(c.turns))
	for i := range c.turns {
		v[i] = f(&c.turns[i])
	}
	slices.Sort(v)
	return v[len(v)/2]
}

type report struct {
	config  *config
	machine string
	inside  []insideRow
	all     []contender
}

// print writes the tables and reports whether every promise holds.
func (r *report) print(out io.Writer) bool {
	good := true
	kept := func(holds bool) string {
		if holds {
			return "yes"
		}
		good = false
		return "**no**"
	}
	p := func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }
	p("%s\n%d stations, %d piles, %d status updates/s; %d clients, one question at a time each, random places in the built-up "+
		"area, ten STATION objects within %d m; %d turns of %v each.\n", r.machine, stationsN, pilesN, r.config.rate, r.config.clients,
		radiusM, r.config.rounds, r.config.turn)
	p("| in process, one goroutine, ns of its CPU | best turn | median turn | allocations | tidwall/rtree best | median | ours ≤ %.0f (best turn) |", mostInside)
	p("|---|--:|--:|--:|--:|--:|---|")
	for _, row := range r.inside {
		tree, verdict := "| ", ""
		if row.Tree > 0 {
			tree = fmt.Sprintf("%.0f | %.0f", row.TreeBest, row.Tree)
		}
		if row.Promise {
			verdict = kept(row.Best <= mostInside && row.Allocs == 0)
		}
		p("| %s | %.0f | %.0f | %.0f | %s | %s |", row.Name, row.Best, row.Median, row.Allocs, tree, verdict)
	}
	p("")
	p("| over loopback | bytes | answers/s | server's µs of CPU | answers/s a core | of its floor | promise | p50 ms | p99 ms |")
	p("|---|--:|--:|--:|--:|--:|--:|--:|--:|")
	cores := func(redis bool) float64 {
		alone := &r.all[aloneIndex]
		if redis {
			alone = &r.all[aloneIndex+1]
		}
		return alone.cpu() / alone.seconds()
	}
	perCore := func(i int) float64 { return r.all[i].perCore(cores(r.all[i].redis)) }
	for i := range r.all {
		c := &r.all[i]
		if len(c.turns) == 0 || c.Kind == quiet {
			continue
		}
		n := c.sum(func(t *turn) float64 { return float64(t.answers) })
		share, verdict := "", ""
		if c.least > 0 {
			of := perCore(i) / perCore(c.floor)
			share, verdict = fmt.Sprintf("%.0f %%", 100*of), fmt.Sprintf("≥ %.0f %%: %s", 100*c.least, kept(of >= c.least))
		}
		p("| %s | %.0f | %.0f | %.1f | %.0f | %s | %s | %.1f | %.1f |", c.name, c.sum(func(t *turn) float64 { return float64(t.bytes) })/n,
			n/c.seconds(), 1e6/perCore(i), perCore(i), share, verdict,
			c.middle(func(t *turn) float64 { return t.p50 }), c.middle(func(t *turn) float64 { return t.p99 }))
		if short := c.sum(func(t *turn) float64 { return float64(t.short) }); short > n/checkOne/20 {
			p("| of some %.0f answers looked at %.0f had not ten stations: %s | | | | | | | | |", n/checkOne, short, kept(false))
		}
	}
	p("\nThe updates alone take %.3f cores, which is taken off the server's CPU.", cores(false))
	if redis := &r.all[redisIndex]; len(redis.turns) > 0 {
		p("In Redis they take %.3f, taken off too. Answers a core ÷ those of Redis with the ten stations: HTTP %.1f, websocket %.1f "+
			"(each ≥ %.0f: %s).", cores(true), perCore(againstHTTP)/perCore(redisIndex), perCore(againstLive)/perCore(redisIndex), timesRedis,
			kept(min(perCore(againstHTTP), perCore(againstLive)) >= timesRedis*perCore(redisIndex)))
	}
	return good
}
