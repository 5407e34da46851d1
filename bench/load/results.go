package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/dianchi-platform/dianchi/bench/internal/lab"
	"github.com/dianchi-platform/dianchi/bench/internal/stream"
	"github.com/dianchi-platform/dianchi/bench/internal/trial"
)

// mostRatio is how much slower the live flow may be beside a late flood, and
// mostGrowth how much more CPU a report may cost at a larger load; the rest is
// the machine's noise.
const (
	mostRatio  = 1.5
	mostGrowth = 1.1
)

// results is everything that one run found.
type results struct {
	config  config
	trial   *trial.Trial
	calm    *trial.Window
	flood   *trial.Window // nil without late operators
	ledger  []stream.Entry
	books   *trial.Books
	restart *restart // nil without --restart
	disk    int64    // bytes of the store's folder, of the log
	log     int64
}

var errGaps = errors.New("not everything that was acknowledged is where it must be; see the report")

// verdict returns which promises do not hold.
func (r *results) verdict() error {
	var errs []error
	if len(r.books.Gaps) > 0 {
		errs = append(errs, errGaps)
	}
	if r.restart != nil {
		errs = append(errs, r.restart.verdict())
	}
	if r.flood != nil {
		if x := p99Ratio(r.flood.Probe.Feeds[0].Frames, r.calm.Probe.Feeds[0].Frames); x > mostRatio {
			errs = append(errs, fmt.Errorf("live reports took %.2f times as long to a screen beside the late flood", x))
		}
	}
	return errors.Join(errs...)
}

func p99Ratio(a, b []time.Duration) float64 {
	return float64(lab.Quantile(a, 0.99)) / float64(max(1, lab.Quantile(b, 0.99)))
}

// cost is CPU seconds of platform and store for a million reports acknowledged in
// the window.
func (r *results) cost() float64 {
	a := r.trial.AcksIn(r.calm, r.ledger, false)
	return (r.calm.Parts[trial.PlatformPart].CPU + r.calm.Parts[trial.StorePart].CPU) * 1e6 / float64(max(1, a.Reports))
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

type printer func(format string, args ...any)

func to(w io.Writer) printer {
	return func(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }
}

func (r *results) print(w io.Writer) {
	p := to(w)
	c := r.config.plan
	p("%d vehicles + %d piles, each every %v, %d reports a message, QoS 1, %d connections of %d operators and %d makers;"+
		" measured for %v after every object had reported twice.\n", c.Vehicles, c.Piles, c.Cadence, c.Batch,
		(c.Operators+c.Makers)*c.Conns, c.Operators, c.Makers, r.calm.Took().Round(time.Second))
	r.printBooks(p)
	r.printLatency(p)
	r.printCost(p)
}

func (r *results) printBooks(p printer) {
	p("| since the start | published | acknowledged | received | taken | history | duplicate | rejected | points in InfluxDB |")
	p("|---|--:|--:|--:|--:|--:|--:|--:|--:|")
	for _, group := range []struct{ name, prefix string }{
		{"operators: stations, piles", "operator-"}, {"makers: fleet, vehicles", "maker-"},
		{"late operators: stations, piles", "late-"},
	} {
		var s trial.Account
		n := 0
		for _, a := range r.books.Accounts {
			if !strings.HasPrefix(a.Slug, group.prefix) {
				continue
			}
			n++
			s.Count.Masters += a.Count.Masters
			s.Count.Published += a.Count.Published
			s.Count.Acked += a.Count.Acked
			s.Totals.Received += a.Totals.Received
			s.Totals.Taken += a.Totals.Taken
			s.Totals.History += a.Totals.History
			s.Totals.Duplicate += a.Totals.Duplicate
			s.Totals.Rejected += a.Totals.Rejected
			s.Points += a.Points
		}
		if n > 0 {
			p("| %d %s (%d master) | %d | %d | %d | %d | %d | %d | %d | %d |", n, group.name, s.Count.Masters,
				s.Count.Published+s.Count.Masters, s.Count.Acked+s.Count.Masters, s.Totals.Received, s.Totals.Taken,
				s.Totals.History, s.Totals.Duplicate, s.Totals.Rejected, s.Points)
		}
	}
	p("")
	for _, g := range r.books.Gaps {
		p("- **%s**", g)
	}
	if len(r.books.Gaps) == 0 {
		p("- Exact, party by party: acknowledged = published = received = taken + history, nothing duplicate or rejected;"+
			" and in InfluxDB as many points as reports. (The probe's %d reports are not in the table.)", r.books.Probe)
	}
	since := "the publisher's end"
	if r.restart != nil {
		since = "the restart below"
	}
	p("- InfluxDB had everything %.1f s after %s; counting took %.1f s.", r.books.Drained.Seconds(), since,
		r.books.Counting.Seconds())
	if len(r.books.Rules) > 0 {
		var list []string
		for rule, n := range r.books.Rules {
			list = append(list, fmt.Sprintf("`%s` %d", rule, n))
		}
		slices.Sort(list)
		p("- Rules met: %s.", strings.Join(list, ", "))
	}
	w := r.calm
	if r.restart != nil {
		r.restart.print(p)
	}
	p("- In the window: %.0f points/s into InfluxDB, %.0f %% of them references; InfluxDB at most %.1f s behind,"+
		" at most %.0f messages waiting.\n", w.Delta("dianchi_influx_points_total")/w.Took().Seconds(),
		100*w.Delta("dianchi_influx_same_total")/max(1, w.Delta("dianchi_influx_points_total")), w.MostLag, w.MostWaiting)
}

func (r *results) printLatency(p printer) {
	p("| latency | samples | p50 | p95 | p99 | most |\n|---|--:|--:|--:|--:|--:|")
	row := func(name string, v []time.Duration) {
		if len(v) > 0 {
			p("| %s | %d | %s | %s | %s | %s |", name, len(v), ms(lab.Quantile(v, 0.5)), ms(lab.Quantile(v, 0.95)),
				ms(lab.Quantile(v, 0.99)), ms(lab.Quantile(v, 1)))
		}
	}
	for _, x := range []struct {
		w    *trial.Window
		with string
	}{{r.calm, ""}, {r.flood, ", with the late flood"}} {
		if x.w == nil {
			continue
		}
		a := r.trial.AcksIn(x.w, r.ledger, false)
		row(fmt.Sprintf("message of %d → PUBACK%s", r.config.plan.Batch, x.with), a.Took)
		row("sent later than due"+x.with, a.Behind)
		row("one report → PUBACK"+x.with, x.w.Probe.Pubacks)
		for _, f := range x.w.Probe.Feeds {
			row("report → frame of feed `"+f.Feed+"`"+x.with, f.Frames)
		}
		row("`GET /stations`, 20 nearest with a free pile"+x.with, x.w.Queries)
	}
	p("")
	if r.flood != nil {
		r.printFlood(p)
	}
}

// printFlood says what the late flood did to the live flow.
func (r *results) printFlood(p printer) {
	late := r.trial.AcksIn(r.flood, r.ledger, true)
	took := r.flood.Took().Seconds()
	p("- %d late operators: %.0f late reports/s acknowledged, beside %.0f live ones.", r.config.plan.Late,
		float64(late.Reports)/took, float64(r.trial.AcksIn(r.flood, r.ledger, false).Reports)/took)
	ratio := func(name string, calm, flood []time.Duration) {
		p("- p99 of %s: × %.2f beside the flood", name, p99Ratio(flood, calm))
	}
	ratio("live PUBACK", r.trial.AcksIn(r.calm, r.ledger, false).Took, r.trial.AcksIn(r.flood, r.ledger, false).Took)
	for i := range r.calm.Probe.Feeds {
		ratio("live report → frame of `"+r.calm.Probe.Feeds[i].Feed+"`", r.calm.Probe.Feeds[i].Frames,
			r.flood.Probe.Feeds[i].Frames)
	}
	p("")
}

func (r *results) printCost(p printer) {
	const mib = 1 << 20
	p("| part | cores | CPU seconds a million reports | memory, mean | memory, most ever | written to disk |")
	p("|---|--:|--:|--:|--:|--:|")
	a := r.trial.AcksIn(r.calm, r.ledger, false)
	w, total := r.calm, 0.0
	for i, x := range w.Parts {
		p("| %s | %.2f | %.1f | %d MiB | %d MiB | %.1f MB/s |", x.Name, w.Cores(i), x.CPU*1e6/float64(max(1, a.Reports)),
			x.Mean/mib, x.Ever/mib, float64(x.Written)/1e6/w.Took().Seconds())
		total += w.Cores(i)
	}
	p("| together | %.2f | | | | |", total)
	p("| everything else on the machine | %.2f | | | | |", w.Others)
	if w.Stolen >= 0.005 {
		p("| taken by the machine's host | %.2f | | | | |", w.Stolen)
	}
	points := uint64(0)
	for _, a := range r.books.Accounts {
		points += a.Points
	}
	p("\nOn disk at the end: store %.0f MB (%.1f bytes a point, not compacted), log %.0f MB; the log took %.1f bytes a report.",
		float64(r.disk)/1e6, float64(r.disk)/float64(max(1, points)), float64(r.log)/1e6,
		w.Delta("dianchi_spool_written_bytes_total")/float64(max(1, a.Reports)))
}

// printScale prints one row a run, and returns an error when anything is missing
// or a report cost more at a larger load.
func printScale(w io.Writer, all []*results) error {
	p := to(w)
	p("| vehicles + piles | reports/s | account | PUBACK p50 | p99 | report → frame p99 | platform | store | publisher |" +
		" CPU seconds a million reports | platform, most memory |")
	p("|---|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|")
	var failed error
	for i, r := range all {
		c, win := r.config.plan, r.calm
		a := r.trial.AcksIn(win, r.ledger, false)
		exact := "exact"
		if len(r.books.Gaps) > 0 {
			exact, failed = "**"+strings.Join(r.books.Gaps, "; ")+"**", errGaps
		}
		p("| %d + %d | %.0f | %s | %s | %s | %s | %.2f cores | %.2f cores | %.2f cores | %.1f | %d MiB |", c.Vehicles, c.Piles,
			float64(a.Reports)/win.Took().Seconds(), exact, ms(lab.Quantile(a.Took, 0.5)), ms(lab.Quantile(a.Took, 0.99)),
			ms(lab.Quantile(win.Probe.Feeds[0].Frames, 0.99)), win.Cores(trial.PlatformPart), win.Cores(trial.StorePart),
			win.Cores(trial.PublisherPart), r.cost(), win.Parts[trial.PlatformPart].Ever>>20)
		if i > 0 && r.cost() > mostGrowth*all[0].cost() {
			failed = errors.Join(failed, fmt.Errorf("a report costs %.2f times as much at %d + %d as at the smallest load",
				r.cost()/all[0].cost(), c.Vehicles, c.Piles))
		}
	}
	p("\nEach every %v, measured for %v a run on a data folder of its own.", all[0].config.plan.Cadence,
		all[0].config.duration)
	return failed
}
