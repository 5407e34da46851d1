package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/dianchi-platform/dianchi/bench/internal/lab"
	"github.com/dianchi-platform/dianchi/bench/internal/stream"
	"github.com/dianchi-platform/dianchi/bench/internal/trial"
)

// results is everything that one run found.
type results struct {
	config                config
	machine, token        string
	trial                 *trial.Trial
	before, during, after *trial.Window
	caughtUp              time.Duration // from InfluxDB's first answer until it is level with the log
	ledger                []stream.Entry
	books                 *trial.Books

	historyBefore, historyDuring, historyAfter answer
}

// answer is what the history of one pile said.
type answer struct {
	status int
	retry  string // Retry-After
	rows   int
}

// history asks for everything of the first pile.
func (r *results) history(ctx context.Context) (a answer, err error) {
	url := "http://" + r.trial.Platform.HTTP + "/api/v1/history/piles/operator-01:S000000-00?every=raw"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return a, err
	}
	req.Header.Set("Authorization", "Bearer "+r.token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return a, err
	}
	defer res.Body.Close()
	var body struct{ Rows []json.RawMessage }
	err = json.NewDecoder(res.Body).Decode(&body)
	return answer{res.StatusCode, res.Header.Get("Retry-After"), len(body.Rows)}, err
}

// verdict returns what keeps this run from showing what it is for.
func (r *results) verdict() error {
	var errs []error
	if len(r.books.Gaps) > 0 {
		errs = append(errs, errors.New("not everything that was acknowledged is where it must be; see the report"))
	}
	if r.historyBefore.status != http.StatusOK || r.historyAfter.status != http.StatusOK ||
		r.historyDuring.status != http.StatusServiceUnavailable || r.historyDuring.retry == "" {
		errs = append(errs, fmt.Errorf("history answered %d, %d (Retry-After %q), %d; want 200, 503 with Retry-After, 200",
			r.historyBefore.status, r.historyDuring.status, r.historyDuring.retry, r.historyAfter.status))
	}
	return errors.Join(errs...)
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

func (r *results) print(w io.Writer) {
	p := func(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }
	c := r.config.plan
	p("%s\n\n%d vehicles + %d piles, each every %v; InfluxDB away for %v.\n", r.machine, c.Vehicles, c.Piles, c.Cadence,
		r.during.Took().Round(time.Second))
	windows := []*trial.Window{r.before, r.during, r.after}
	p("| | before | without InfluxDB | catching up |\n|---|--:|--:|--:|")
	row := func(name string, f func(*trial.Window) string) {
		line := "| " + name
		for _, w := range windows {
			line += " | " + f(w)
		}
		p("%s |", line)
	}
	quantiles := func(name string, f func(*trial.Window) []time.Duration) {
		for _, q := range []float64{0.5, 0.99} {
			row(fmt.Sprintf("%s, p%.0f", name, q*100), func(w *trial.Window) string { return ms(lab.Quantile(f(w), q)) })
		}
	}
	row("length", func(w *trial.Window) string { return w.Took().Round(time.Second).String() })
	row("reports/s acknowledged", func(w *trial.Window) string {
		return fmt.Sprintf("%.0f", float64(r.trial.AcksIn(w, r.ledger, false).Reports)/w.Took().Seconds())
	})
	quantiles("`GET /stations`, 20 nearest with a free pile", func(w *trial.Window) []time.Duration { return w.Queries })
	quantiles("report → frame of feed `stations`", func(w *trial.Window) []time.Duration { return w.Probe.Feeds[1].Frames })
	quantiles("message of 50 → PUBACK", func(w *trial.Window) []time.Duration {
		return r.trial.AcksIn(w, r.ledger, false).Took
	})
	row("platform, most memory", func(w *trial.Window) string {
		return fmt.Sprintf("%d MiB", w.Parts[trial.PlatformPart].Most>>20)
	})
	row("platform", func(w *trial.Window) string { return fmt.Sprintf("%.2f cores", w.Cores(trial.PlatformPart)) })
	row("store", func(w *trial.Window) string { return fmt.Sprintf("%.2f cores", w.Cores(trial.StorePart)) })
	row("log on disk, most", func(w *trial.Window) string { return fmt.Sprintf("%.0f MB", w.MostSpool/1e6) })
	row("InfluxDB behind, most", func(w *trial.Window) string { return fmt.Sprintf("%.0f s", w.MostLag) })
	row("points/s into InfluxDB", func(w *trial.Window) string {
		return fmt.Sprintf("%.0f", w.Delta("dianchi_influx_points_total")/w.Took().Seconds())
	})
	row("everything else on the machine", func(w *trial.Window) string { return fmt.Sprintf("%.2f cores", w.Others) })
	p("")
	p("- Level with the log %.0f s after InfluxDB answered again, %.1f times as fast as the reports came.",
		r.caughtUp.Seconds(), 1+r.during.Took().Seconds()/max(1, r.caughtUp.Seconds()))
	p("- Live queries without InfluxDB: p50 × %.2f, p99 × %.2f; %d of %d failed.",
		ratio(r.during.Queries, r.before.Queries, 0.5), ratio(r.during.Queries, r.before.Queries, 0.99),
		r.during.QueryErrors, r.during.QueryErrors+len(r.during.Queries))
	p("- History of a pile: %d with %d rows before, %d with Retry-After %s without InfluxDB, %d with %d rows after.",
		r.historyBefore.status, r.historyBefore.rows, r.historyDuring.status, r.historyDuring.retry,
		r.historyAfter.status, r.historyAfter.rows)
	var reports, points uint64
	for _, a := range r.books.Accounts {
		reports, points = reports+a.Count.Acked, points+a.Points
	}
	for _, g := range r.books.Gaps {
		p("- **%s**", g)
	}
	if len(r.books.Gaps) == 0 {
		p("- Exact, party by party: %d reports acknowledged since the start, all of them taken; %d points in InfluxDB.",
			reports, points)
	}
}

func ratio(a, b []time.Duration, q float64) float64 {
	return float64(lab.Quantile(a, q)) / float64(max(1, lab.Quantile(b, q)))
}
