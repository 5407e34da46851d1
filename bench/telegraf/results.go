package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/dianchi-platform/dianchi/bench/internal/lab"
)

// share is our CPU by Telegraf's, at most.
const share = 1. / 3

var errBroken = errors.New("a promise does not hold; see the tables")

// printResults writes the tables and returns an error if a promise does not hold.
func printResults(w io.Writer, c config, all []*result) error {
	fmt.Fprintf(w, "%s, Telegraf %s with parser %s; %d piles and vehicles, batches of %d, QoS 1, %d connections\n\n",
		lab.ThisMachine(), telegrafVersion, c.parser, c.objects, batch, c.conns)
	var broken []string
	fmt.Fprintln(w, "CPU seconds a million reports, until InfluxDB has them all:")
	fmt.Fprintln(w)
	fmt.Fprintln(w, "| offered | contender | reports | ingest | ÷ Telegraf | mosquitto | InfluxDB | publisher | reports/s | "+
		"memory, peak | the same values in InfluxDB |")
	fmt.Fprintln(w, "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|---|")
	telegraf := 0.
	for _, r := range all {
		if r.job.kill {
			continue
		}
		ratio := "1"
		if cost := r.perMillion(r.ingest); !r.contender.ours {
			telegraf = cost
		} else if telegraf > 0 {
			ratio = fmt.Sprintf("**%.2f**", cost/telegraf)
			if cost > telegraf*share {
				broken = append(broken, fmt.Sprintf("%s: %s takes %.2f of Telegraf's CPU, more than a third", r.job.name,
					r.contender.name, cost/telegraf))
			}
		} else {
			ratio = "–"
		}
		values := fmt.Sprintf("%d of %d", r.points, r.reports)
		switch {
		case r.points == r.reports && (r.sumsAgree || r.job.city):
			values = "all"
		case r.points == r.reports:
			values = "all points, other sums"
		}
		if values != "all" && r.contender.ours {
			broken = append(broken, fmt.Sprintf("%s: %s: InfluxDB has %s", r.job.name, r.contender.name, values))
		}
		fmt.Fprintf(w, "| %s | %s | %d | %.2f | %s | %.2f | %.2f | %.2f | %.0f | %.0f MiB | %s |\n", r.job.name,
			r.contender.name, r.reports, r.perMillion(r.ingest), ratio, r.perMillion(r.broker), r.perMillion(r.store),
			r.perMillion(r.publisher), float64(r.points)/r.all.Seconds(), float64(r.peak)/(1<<20), values)
	}
	if c.kill {
		fmt.Fprintln(w, "\nkill -9 of the ingest process in the middle, started again a second later:")
		fmt.Fprintln(w)
		fmt.Fprintln(w, "| offered | contender | acknowledged | in InfluxDB | lost |\n|---|---|--:|--:|--:|")
	}
	for _, r := range all {
		if !r.job.kill {
			continue
		}
		fmt.Fprintf(w, "| %s | %s | %d | %d | %d |\n", r.job.name, r.contender.name, r.reports, r.points,
			max(0, r.reports-r.points))
		if r.contender.ours && (r.points != r.reports || !r.sumsAgree) {
			broken = append(broken, fmt.Sprintf("%s: %s: %d of %d points", r.job.name, r.contender.name, r.points, r.reports))
		}
	}
	if len(broken) > 0 {
		fmt.Fprintf(w, "\nNot kept:\n- %s\n", strings.Join(broken, "\n- "))
		return errBroken
	}
	return nil
}
