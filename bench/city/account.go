package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/dianchi-platform/dianchi/bench/internal/lab"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/simulator/fleet"
)

// settleAccounts waits until InfluxDB has everything, and puts the publishers' own
// count beside the platform's and beside what InfluxDB counts.
func settleAccounts(ctx context.Context, p *lab.Platform, r *results, s *lab.City, b *lab.Probe) error {
	var m map[string]float64
	began, calm := time.Now(), 0
	err := lab.Until(ctx, 10*time.Minute, "InfluxDB has everything", func() bool {
		now, err := p.Metrics(ctx)
		lag, ok := now[`dianchi_spool_lag_records{consumer="influx"}`]
		if err != nil || !ok || lag > 0 || now["dianchi_mqtt_waiting"] > 0 {
			calm = 0
			return false
		}
		m = now
		calm++
		return calm > 8 // two seconds
	})
	if err != nil {
		return err
	}
	r.drained = time.Since(began)
	lab.Say("counting in InfluxDB")
	st, _, err := s.Ledger()
	if err != nil {
		return err
	}
	db, err := lab.StoreIn(p.Data + "/influxdb")
	if err != nil {
		return err
	}
	operators := map[string]bool{lab.ProbeSlug: true}
	for _, party := range fleet.Parties() {
		operators[party.Slug] = party.Kind == charge.Operator
	}
	for _, party := range st.Parties {
		a := account{slug: party.Slug, resent: party.Resent, acked: map[string]uint64{}}
		for _, k := range party.Kinds {
			a.acked[k.Kind] = k.Acknowledged
			a.published += k.Published
		}
		r.accounts = append(r.accounts, a)
	}
	acked, probeErr := b.Acknowledged()
	own := account{slug: lab.ProbeSlug, acked: acked}
	own.published = own.acknowledged()
	r.accounts = append(r.accounts, own)

	counting := time.Now()
	for i := range r.accounts {
		a := &r.accounts[i]
		a.operator = operators[a.slug]
		for verdict, n := range map[string]*uint64{
			"taken": &a.taken, "history": &a.history, "duplicate": &a.duplicate, "rejected": &a.rejected,
		} {
			*n = uint64(m[fmt.Sprintf(`dianchi_reports_total{party=%q,verdict=%q}`, a.slug, verdict)])
		}
		if a.operator {
			if a.points, err = db.Count(ctx, "pile", fmt.Sprintf(` WHERE "id" =~ /^%s:/`, a.slug)); err != nil {
				return err
			}
			r.pilePoints += a.points
		}
	}
	if r.vehiclePoints, err = db.Count(ctx, "vehicle", ""); err != nil {
		return err
	}
	r.counting = time.Since(counting)
	for name, n := range m {
		if strings.HasPrefix(name, "dianchi_rule_findings_total") && n > 0 {
			r.addRule(name, uint64(n))
		}
	}
	r.disk.pointsAfter = m["dianchi_influx_points_total"]
	r.dropped = uint64(m["dianchi_influx_dropped_total"])
	r.gaps = compare(r.accounts, r.vehiclePoints)
	return probeErr
}
