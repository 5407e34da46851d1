package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"
)

// tolerance of waiting, in a check, for what must come by itself.
const (
	quietWithin = 3 * time.Minute
	showWithin  = time.Minute
)

// check pauses the lane and compares everything. last reads all of history again.
func (l *lane) check(ctx context.Context, last bool, r *results) error {
	began := time.Now()
	var phases []string
	phase := func(name string) {
		phases = append(phases, fmt.Sprintf("%s at %.1f s", name, time.Since(began).Seconds()))
	}
	l.mend()
	l.log.add(l.name, "check begins")
	for _, c := range l.world.clients {
		c.quiet.Store(false)
	}
	l.paused.Store(true)
	err := until(ctx, quietWithin, func() (string, bool) {
		var waiting int64
		quiet := true
		for _, c := range l.world.clients {
			waiting += c.waiting.Load()
			quiet = quiet && c.quiet.Load()
		}
		return fmt.Sprintf("%d messages are not acknowledged", waiting), quiet
	})
	if err != nil {
		return l.broken(began, err)
	}
	phase("quiet")
	if err := l.accounts(ctx); err != nil {
		return l.broken(began, err)
	}
	phase("accounts")
	if err := l.live(ctx, "at rest", r); err != nil {
		return l.broken(began, err)
	}
	phase("live")
	// Once more from what is on disk alone.
	l.restart(ctx, nil)
	l.tally("kill -9 platform at rest")
	if err := l.awake(ctx); err != nil {
		return l.broken(began, err)
	}
	if err := l.live(ctx, "after kill -9 at rest", r); err != nil {
		return l.broken(began, err)
	}
	phase("live again")
	if err := l.accounts(ctx); err != nil {
		return l.broken(began, fmt.Errorf("after kill -9 at rest: %w", err))
	}
	phase("accounts again")
	from := l.checked
	if last {
		from = l.began.Add(-time.Hour).UnixMilli()
	}
	a, err := l.history(ctx, from)
	if err != nil {
		return l.broken(began, err)
	}
	phase("history")
	r.audited(l, a, last)
	if a.any() {
		return l.broken(a.firstAt, fmt.Errorf("history: %d lost, %d doubled, %d with other values, %d never sent:\n  %s",
			a.lost, a.doubled, a.changed, a.unknown, strings.Join(a.texts, "\n  ")))
	}
	l.checked = began.UnixMilli()
	if err := errors.Join(l.sessions(ctx), l.totals(ctx, r), l.logs()); err != nil {
		return l.broken(began, err)
	}
	l.mu.Lock()
	wrong := l.wrong
	l.lastAck = time.Now()
	l.mu.Unlock()
	if len(wrong) > 0 {
		return l.broken(began, errors.New(strings.Join(wrong, "; ")))
	}
	phase("sessions and totals")
	say("lane %s: all is well: %d points in InfluxDB compared; %s", l.name, a.compared, strings.Join(phases, ", "))
	return nil
}

// broken adds what happened around a moment to an error.
func (l *lane) broken(at time.Time, err error) error {
	var b strings.Builder
	fmt.Fprintf(&b, "lane %s: %v\nwhat happened around %s:", l.name, err, at.UTC().Format("15:04:05Z"))
	for _, e := range l.log.around(l.name, at) {
		fmt.Fprintf(&b, "\n  %s", e)
	}
	return errors.New(b.String())
}

// live waits until live answers are as the model says.
func (l *lane) live(ctx context.Context, when string, r *results) error {
	var all []string
	err := until(ctx, showWithin, func() (string, bool) {
		d, asked, err := l.differences(ctx)
		if err != nil {
			d = []string{err.Error()}
		}
		r.add(func() { r.liveAsked += asked })
		all = d
		return fmt.Sprintf("%d differences", len(d)), len(d) == 0
	})
	if err == nil {
		return nil
	}
	r.add(func() { r.liveDifferences += len(all) })
	return fmt.Errorf("live %s, %w:\n  %s", when, err, strings.Join(all[:min(len(all), 12)], "\n  "))
}

// accounts waits until each party's feedback adds up with its own count.
func (l *lane) accounts(ctx context.Context) error {
	for _, p := range l.world.parties {
		err := until(ctx, showWithin, func() (string, bool) {
			p.mu.Lock()
			defer p.mu.Unlock()
			return p.explain(), p.addsUp(l.outside)
		})
		if err != nil {
			return fmt.Errorf("the account of %s does not add up, %w", p.slug, err)
		}
		p.mu.Lock()
		back := p.wentBack
		p.mu.Unlock()
		if back != "" && !l.outside { // a broker that was killed may tell an older one again
			return fmt.Errorf("the account of %s went %s", p.slug, back)
		}
	}
	return nil
}

func (p *party) explain() string {
	return fmt.Sprintf("account %+v; own count: %d copies sent, %d acknowledged, %d distinct and good, %d bad (%d copies), "+
		"%d connections broke", p.total, p.sent, p.acked, p.distinct, p.bad, p.badCopies, p.cuts)
}

// addsUp reports whether the account is what the party's own count allows. The
// broker outside may hand a message on twice, which the party does not see: what
// it sends twice is known again and kept once.
func (p *party) addsUp(outside bool) bool {
	t := p.total
	kept := t.Taken + t.History
	switch {
	case t.Received != t.sum(),
		kept < p.distinct, kept > p.distinct+p.slack,
		t.Rejected < p.bad, !outside && t.Rejected > p.badCopies,
		t.Received < p.distinct+p.bad, !outside && (t.Received < p.acked || t.Received > p.sent),
		p.cuts == 0 && !outside && t.Received != p.acked:
		return false
	}
	return true
}

// sessions compares every finished session with the registry's.
func (l *lane) sessions(ctx context.Context) error {
	byPile := map[*object][]*session{}
	for _, s := range l.world.sessions {
		byPile[s.pile] = append(byPile[s.pile], s)
	}
	from := l.began.Add(-2 * time.Hour).UTC().Format(time.RFC3339)
	for o, want := range byPile {
		var m struct {
			Sessions []struct {
				ID        string    `json:"id"`
				Start     time.Time `json:"startTs"`
				End       time.Time `json:"endTs"`
				EnergyKWh float64   `json:"energyKwh"`
				TotalYuan float64   `json:"totalYuan"`
			} `json:"sessions"`
		}
		path := "/api/v1/history/piles/" + o.global + "/sessions?from=" + url.QueryEscape(from)
		err := until(ctx, showWithin, func() (string, bool) {
			err := l.get(ctx, path, &m)
			return fmt.Sprintf("%d sessions, %v", len(m.Sessions), err), err == nil && len(m.Sessions) >= len(want)
		})
		if err != nil {
			return fmt.Errorf("sessions of %s, %d were acknowledged: %w", o.global, len(want), err)
		}
		found := map[string]int{}
		for _, s := range m.Sessions {
			found[fmt.Sprint(s.ID, s.Start.UnixMilli(), s.End.UnixMilli(), s.EnergyKWh, s.TotalYuan)]++
		}
		for _, s := range want {
			key := fmt.Sprint(s.id, s.start, s.end, float64(s.energy)/100, float64(s.fen)/100)
			if found[key] != 1 || len(m.Sessions) != len(want) {
				return fmt.Errorf("session %s of %s is there %d times, among %d, want once among %d", s.id, o.global,
					found[key], len(m.Sessions), len(want))
			}
		}
	}
	return nil
}

// logs looks for what the platform must never say.
func (l *lane) logs() error {
	b, err := os.ReadFile(l.platform.log)
	if err != nil {
		return err
	}
	for line := range bytes.Lines(b) {
		for _, bad := range []string{"panic:", "fatal error:", "DATA RACE", "cannot read our own record", "points are missing",
			"no longer has records that are wanted", "lost records before they were in InfluxDB", "ended by a fault of ours",
			"was given up"} {
			if bytes.Contains(line, []byte(bad)) {
				return fmt.Errorf("the platform's log says: %.400s", line)
			}
		}
	}
	return nil
}
