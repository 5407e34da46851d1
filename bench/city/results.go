package main

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/dianchi-platform/dianchi/bench/internal/lab"
)

// Aims of the whole city, for the marks in the report.
const (
	aimP99   = 1500 * time.Millisecond
	aimCores = 1.5
)

// results is everything that one run found.
type results struct {
	config        config
	machine       string
	window        *window
	latency       lab.Latencies
	accounts      []account
	pilePoints    uint64
	vehiclePoints uint64
	rules         map[string]uint64 // findings of all parties, by rule and action
	dropped       uint64            // points that InfluxDB refused for good
	gaps          []gap
	drained       time.Duration // from the publishers' stop until InfluxDB had everything
	counting      time.Duration // of InfluxDB
	disk          disk
}

var ruleLabels = regexp.MustCompile(`action="([^"]*)".*rule="([^"]*)"`)

func (r *results) addRule(metric string, n uint64) {
	if r.rules == nil {
		r.rules = map[string]uint64{}
	}
	if m := ruleLabels.FindStringSubmatch(metric); m != nil {
		r.rules[m[2]+" ("+m[1]+")"] += n
	}
}

// missing reports whether anything that was acknowledged is not where it must be.
func (r *results) missing() bool {
	for _, f := range r.latency.Feeds {
		if f.Unseen > 0 || len(f.Frames) == 0 {
			return true
		}
	}
	return len(r.gaps) > 0 || r.dropped > 0
}

// print writes the report.
func (r *results) print(w io.Writer) {
	c, win := r.config, r.window
	p := func(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }
	p("%s\n", r.machine)
	faults := "clean reports"
	if c.faults {
		faults = "bad data as real parties send it"
	}
	p("%d vehicles + %d piles, each every %v, %s; measured for %v after the city was warm.\n",
		c.vehicles, c.piles, c.cadence, faults, win.took.Round(time.Second))
	r.printLedger(p)
	r.printLatency(p)
	r.printCost(p)
	r.printDisk(p)
}

type printer func(format string, args ...any)

func (r *results) printLedger(p printer) {
	p("| since the start | published | acknowledged | counted by the platform | taken | history | duplicate |" +
		" rejected | points due | points in InfluxDB |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
	row := func(name string, list []account, points uint64) {
		var s account
		var acked, due uint64
		for i := range list {
			a := &list[i]
			s.published += a.published
			acked += a.acknowledged()
			due += a.wantPoints()
			s.taken += a.taken
			s.history += a.history
			s.duplicate += a.duplicate
			s.rejected += a.rejected
		}
		p("| %s | %d | %d | %d | %d | %d | %d | %d | %d | %d |", name, s.published, acked, s.received(),
			s.taken, s.history, s.duplicate, s.rejected, due, points)
	}
	var operators, makers []account
	for _, a := range r.accounts {
		if a.operator {
			operators = append(operators, a)
		} else {
			makers = append(makers, a)
		}
	}
	row(fmt.Sprintf("%d operators: stations, piles, sessions", len(operators)), operators, r.pilePoints)
	row(fmt.Sprintf("%d makers: fleet, vehicles", len(makers)), makers, r.vehiclePoints)
	row("**all**", r.accounts, r.pilePoints+r.vehiclePoints)
	p("")
	for _, g := range r.gaps {
		p("- **%s**", g)
	}
	if r.dropped > 0 {
		p("- **InfluxDB refused %d points for good**", r.dropped)
	}
	if len(r.gaps) == 0 && r.dropped == 0 {
		p("- Nothing is missing, party by party, and no point is one too many: points are distinct in (id, ts).")
	}
	p("- Never sent, because the platform was too slow: %d. InfluxDB had everything %.1f s after the publishers"+
		" stopped; counting there took %.1f s.", r.window.skipped, max(0, r.drained.Seconds()-2), r.counting.Seconds())
	if len(r.rules) > 0 {
		var list []string
		for rule, n := range r.rules {
			list = append(list, fmt.Sprintf("%s %d", rule, n))
		}
		slices.Sort(list)
		p("- Rules met: %s.", strings.Join(list, ", "))
	}
	w := r.window
	p("- In the window: %.0f reports/s published, %.0f acknowledged, %.0f points/s into InfluxDB,"+
		" %.0f %% of them references; InfluxDB at most %.1f s behind, at most %.0f messages waiting for the disk.\n",
		float64(w.published)/w.between.Seconds(), float64(w.acked)/w.between.Seconds(), w.points/w.took.Seconds(),
		100*w.same/max(1, w.points), w.mostLag, w.mostWaiting)
}

func (r *results) printLatency(p printer) {
	ms := func(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }
	p("| latency | samples | p50 | p99 | most | unseen |\n|---|--:|--:|--:|--:|--:|")
	row := func(name string, v []time.Duration, unseen int) {
		p("| %s | %d | %s | %s | %s | %d |", name, len(v),
			ms(lab.Quantile(v, 0.5)), ms(lab.Quantile(v, 0.99)), ms(lab.Quantile(v, 1)), unseen)
	}
	worst := time.Duration(0)
	for _, f := range r.latency.Feeds {
		row("publish → frame of feed `"+f.Feed+"`", f.Frames, f.Unseen)
		worst = max(worst, lab.Quantile(f.Frames, 0.99))
	}
	row("publish → PUBACK, one report a message", r.latency.Pubacks, 0)
	p("| publish → PUBACK, 50 reports a message, slowest party, with the warm-up | | ≤ %s | ≤ %s | | |",
		ms(r.window.ackP50), ms(r.window.ackP99))
	p("| fsync of the log, last 1,024 | | | %s | | |\n", ms(time.Duration(r.window.fsyncP99*1e9)))
	p("Aim p99 ≤ %v: %s.\n", aimP99, met(worst <= aimP99))
}

func (r *results) printCost(p printer) {
	const mib = 1 << 20
	p("| part | cores | memory, mean | memory, most ever | written to disk |\n|---|--:|--:|--:|--:|")
	for _, x := range r.window.parts {
		p("| %s | %.2f | %d MiB | %d MiB | %.1f MB/s |", x.name, x.cores, x.mean/mib, x.peak/mib,
			float64(x.written)/1e6/r.window.took.Seconds())
	}
	p("| everything else on the machine | %.2f | | | |", r.window.others)
	if r.window.stolen >= 0.005 {
		p("| taken by the machine's host | %.2f | | | |", r.window.stolen)
	}
	p("\nIn the window the store put %.0f MB from its cache into TSM files.", float64(r.window.compacted)/1e6)
	p("Platform, store and publishers together %.2f cores; aim ≤ %.1f: %s.\n",
		r.window.together(), aimCores, met(r.window.together() <= aimCores))
}

func (r *results) printDisk(p printer) {
	const gb = 1e9
	d, w := r.disk, r.window
	daily := w.points * 86400 / w.took.Seconds()
	point, shard, ok := d.perPoint()
	p("| disk | bytes a report | GB a day |\n|---|--:|--:|")
	if ok {
		p("| InfluxDB: points | %.1f | %.1f |", point, point*daily/gb)
		p("| InfluxDB: series and index, four shards of six hours | | %.1f |", 4*shard/gb)
		p("| InfluxDB, together | | %.1f |", (point*daily+4*shard)/gb)
	}
	p("| log, written; its segments go once all have read them | %.1f | %.1f |", w.log/max(1, w.points),
		w.log*86400/w.took.Seconds()/gb)
	if !ok {
		p("\nA shard of InfluxDB began during the run: its bytes a day cannot be told.")
		return
	}
	p("\nInfluxDB: growth from a copy of its folder made before the window (%.1f MB with %.2f million points) to its"+
		" end (%.1f MB with %.2f million), both settled, that is, compacted alone until nothing moved"+
		" (%.0f CPU-s at the end)."+
		" The series file, once: %.0f MB.", float64(d.before.points)/1e6, d.pointsBefore/1e6,
		float64(d.after.points)/1e6, d.pointsAfter/1e6, d.cpu.Seconds(), float64(d.after.series)/1e6)
}

func met(ok bool) string {
	if ok {
		return "met"
	}
	return "**missed**"
}
