package main

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"
)

// start is how long a fresh replica took: until it served, and until it had
// told the same sums as ingest.
type start struct{ ready, right time.Duration }

// results is everything that one run found.
type results struct {
	config     *config
	machine    string
	limits     []limit
	starts     []start
	following  *window // without viewers
	before     memory  // without viewers
	after      memory  // with all of them
	connecting time.Duration
	opened     status
	calm, busy *window // without and with questions
	compared   status
	cityEnd    string // what the simulated city said if it did not stop cleanly
}

// aimStart is within what a fresh replica must be right.
const aimStart = 10 * time.Second

// verdict returns what did not hold.
func (r *results) verdict() error {
	var all []error
	fail := func(bad bool, format string, args ...any) {
		if bad {
			all = append(all, fmt.Errorf(format, args...))
		}
	}
	c, v := r.config, &r.busy.clients
	for i, s := range r.starts {
		fail(s.right > aimStart, "replica %d was right after %.1f s, aim %v", i+1, s.right.Seconds(), aimStart)
	}
	fail(v.Open < c.viewers, "%d of %d viewers were open to the end: %d failed, %d lost (%s)",
		v.Open, c.viewers, v.Failed, v.Lost, v.reasons())
	// An empty part of the map does not change; two in a hundred may look at one.
	fail(v.Mute > 0 || v.Blind > c.viewers/50, "%d viewers were told nothing in the window, %d of them never anything",
		v.Blind, v.Mute)
	fail(v.Answered == 0, "no question was answered")
	fail(v.Waiting > 0, "%d questions had no answer for %v", v.Waiting, patience)
	fail(r.compared.Checked == 0, "no viewer was checked")
	fail(len(r.compared.Wrong) > 0, "%d checked viewers know something else than GET says, such as: %s",
		len(r.compared.Wrong), first(r.compared.Wrong))
	return errors.Join(all...)
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

type printer func(format string, args ...any)

// print writes the report.
func (r *results) print(w io.Writer) {
	c := r.config
	p := printer(func(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) })
	p("%s\n", r.machine)
	p("%d viewers at %d replicas in %d client processes; one in %d asks every %v, one in %d looks at sums and a heat "+
		"map, the others at a driver's map. %d vehicles + %d piles, each every %v: %.0f reports/s acknowledged.\n",
		c.viewers, c.replicas, c.processes(), askEvery, c.ask, wallEvery, c.city.Vehicles, c.city.Piles, c.city.Cadence,
		r.busy.reports)
	r.printLimits(p)
	r.printReplicas(p)
	r.printViewers(p)
	r.printCost(p)
	r.printMachine(p)
}

func (r *results) printLimits(p printer) {
	p("| limit of the kernel | what | has | needs |\n|---|---|--:|--:|")
	for _, l := range r.limits {
		has := "not known"
		if l.known {
			has = fmt.Sprint(l.has)
		}
		p("| `%s` | %s | %s | %d |", l.name, l.what, has, l.needs)
	}
	p("")
}

func (r *results) printReplicas(p printer) {
	var most start
	for _, s := range r.starts {
		most.ready, most.right = max(most.ready, s.ready), max(most.right, s.right)
	}
	f, n := r.following, float64(r.config.replicas)
	p("A fresh replica served after %.1f s at most and had told the sums of a revision in the bytes of ingest after %.1f "+
		"s at most (aim %v). **Following** alone, %.0f reports/s, took %.3f cores and %d MiB a replica, %.1f µs a report; "+
		"ingest used %.2f cores with all of them.\n", most.ready.Seconds(), most.right.Seconds(), aimStart, f.reports,
		f.cores[partReplicas]/n, f.memory.parts[partReplicas]>>20/uint64(n), f.cores[partReplicas]/n/f.reports*1e6,
		f.cores[partIngest])
	o := float64(max(1, r.opened.Open))
	p("**Connecting**: %d sockets in %.1f s, %.0f a second (asked for %d); %d failed, %d were lost. A viewer took %.1f kB "+
		"in its replica and %.1f kB of the machine's memory, both ends and the client's process with it (%.1f kB); "+
		"buffers of TCP: %d MiB.\n",
		r.opened.Open, r.opened.Connecting.Seconds(), o/max(1e-9, r.opened.Connecting.Seconds()), r.config.rate,
		r.opened.Failed, r.opened.Lost, less(r.after.parts[partReplicas], r.before.parts[partReplicas])/o/1e3,
		less(r.before.available, r.after.available)/o/1e3, float64(r.after.parts[partClients])/o/1e3, r.after.sockets>>20)
}

func less(a, b uint64) float64 { return float64(a) - float64(b) }

func (r *results) printViewers(p printer) {
	p("| | without questions | with questions |\n|---|--:|--:|")
	row := func(name, format string, value func(x *window) any) {
		p("| %s | "+format+" | "+format+" |", name, value(r.calm), value(r.busy))
	}
	ms := func(d time.Duration) any { return d.Milliseconds() }
	row("measured for", "%.0f s", func(x *window) any { return x.took.Seconds() })
	row("**beat**: between what a viewer is told, mean", "**%.2f s**", func(x *window) any { return x.beat() })
	row("beat p50", "%d ms", func(x *window) any { return ms(x.clients.Gaps.at(0.5)) })
	row("beat p99", "%d ms", func(x *window) any { return ms(x.clients.Gaps.at(0.99)) })
	row("viewers that were told nothing", "%d", func(x *window) any { return x.clients.Blind })
	row("frames a second", "%.0f", func(x *window) any { return x.frameRate() })
	row("of these compressed", "%.0f %%", func(x *window) any {
		return 100 * float64(x.clients.Zipped) / max(1, float64(x.clients.Frames))
	})
	row("bytes a viewer a second", "%.0f", func(x *window) any { return float64(x.clients.Bytes) / max(1, x.clients.span) })
	row("revision → viewer p50", "%d ms", func(x *window) any { return ms(x.clients.Latency.at(0.5)) })
	row("revision → viewer p99", "%d ms", func(x *window) any { return ms(x.clients.Latency.at(0.99)) })
	row("questions a second answered", "%.0f", func(x *window) any { return x.queryRate() })
	row("not asked, as the last one was open", "%d", func(x *window) any { return x.clients.Skipped })
	row("question → answer p50", "%d ms", func(x *window) any { return ms(x.clients.Query.at(0.5)) })
	row("question → answer p99", "%d ms", func(x *window) any { return ms(x.clients.Query.at(0.99)) })
	row("viewers lost since the start", "%d", func(x *window) any { return x.clients.Lost })
	p("")
	p("Compared at the end, when the city had stopped: %d viewers with %d channels; %d knew something else than GET "+
		"said.\n", r.compared.Checked, r.compared.Channels, len(r.compared.Wrong))
	for _, s := range r.compared.Wrong {
		p("- **%s**", s)
	}
	if r.cityEnd != "" {
		p("\nThe simulated city did not stop cleanly: %s", r.cityEnd[strings.LastIndexByte(r.cityEnd, '\n')+1:])
	}
	if r.busy.clients.Lost+r.busy.clients.Failed > 0 {
		p("\nLost or failed: %s.", r.busy.clients.reasons())
	}
}

// frameRate and queryRate are a second, of all viewers. Client processes write
// their counts once a second, so the span is theirs.
func (x *window) frameRate() float64 { return float64(x.clients.Frames) / x.seconds() }
func (x *window) queryRate() float64 { return float64(x.clients.Answered) / x.seconds() }

func (x *window) seconds() float64 {
	return max(1e-9, x.clients.span/max(1, float64(x.clients.Open-x.clients.Blind)))
}

func (r *results) printCost(p printer) {
	p("| part | cores, following only | without questions | with questions | memory |\n|---|--:|--:|--:|--:|")
	for i, name := range partNames {
		p("| %s | %.2f | %.2f | %.2f | %d MiB |", name, r.following.cores[i], r.calm.cores[i], r.busy.cores[i],
			r.busy.memory.parts[i]>>20)
	}
	p("| everything else on the machine | %.2f | %.2f | %.2f | |", r.following.others, r.calm.others, r.busy.others)
	p("| all, of %d | %.2f | %.2f | %.2f | |", runtime.NumCPU(), r.following.all(), r.calm.all(), r.busy.all())
	p("")
}

func (x *window) all() float64 {
	sum := x.others
	for _, c := range x.cores {
		sum += c
	}
	return sum
}
