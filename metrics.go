package main

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dianchi-platform/dianchi/ingest"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// collector turns the parts' Stats into metrics when they are asked for.
type collector struct {
	core *core
	desc map[string]*prometheus.Desc
}

// families are the metrics' names, what they say, and their labels.
var families = []struct {
	name, help string
	labels     []string
}{
	{"reports_total", "Reports by party and what became of them, since the party was added.", []string{"party", "verdict"}},
	{"reports_flagged_total", "Pile and vehicle reports that a flag or null rule met.", []string{"party"}},
	{"reports_missing_total", "Reports that were due and did not come; late ones may have filled some.", []string{"party"}},
	{"values_null_total", "Values of reports that rules set to null.", []string{"party"}},
	{"rule_findings_total", "How often a party's reports met a rule.", []string{"party", "rule", "action"}},
	{"report_delay_seconds_bucket", "Pile and vehicle reports by receive − ts, cumulative.", []string{"party", "le"}},
	{"account_difference", "Figures of the platform's own that must agree and do not, by check.", []string{"check"}},
	{"account_checks_total", "Times that figures were compared, by check.", []string{"check"}},
	{"waiting_bytes", "Bytes of payload that wait for the judge, by lane.", []string{"lane"}},
	{"waiting_outside", "Connections that are not read on because their party's lane is full, by lane.", []string{"lane"}},
	{"slowed_total", "Messages that had to wait until there was room in their party's lane.", []string{"lane"}},
	{"spool_bytes", "Bytes of the spool on disk.", nil},
	{"spool_written_bytes_total", "Bytes of records that the spool has taken since the start.", nil},
	{"spool_max_bytes", "The most that the spool may hold.", nil},
	{"spool_full", "1 while the spool takes nothing.", nil},
	{"spool_lag_records", "Records that a consumer has not made its own.", []string{"consumer"}},
	{"spool_fsync_seconds", "Time of a group's fsync, by quantile.", []string{"quantile"}},
	{"spool_fsyncs_total", "Groups written.", nil},
	{"influx_points_total", "Points that InfluxDB has taken.", nil},
	{"influx_same_total", "Of these, references to an equal point.", nil},
	{"influx_errors_total", "Requests that failed and were made again.", nil},
	{"influx_dropped_total", "Points that InfluxDB refused for good.", nil},
	{"influx_lag_seconds", "Age of the oldest record that waits for InfluxDB.", nil},
	{"influxd_launches_total", "Launches of the bundled InfluxDB.", nil},
	{"influxd_shards_dropped_total", "Raw shards given up for want of disk.", nil},
	{"mqtt_connections", "Parties' connections.", nil},
	{"mqtt_sockets", "The door's sockets, with those that are not logged in.", nil},
	{"mqtt_faults_total", "Connections that a fault of the platform's ended.", nil},
	{"mqtt_messages_total", "Messages that came in.", nil},
	{"mqtt_acknowledged_total", "Of these, acknowledged because they are on record.", nil},
	{"mqtt_waiting", "Messages that wait for the disk.", nil},
	{"mqtt_refused_total", "What the door refused, by reason.", []string{"reason"}},
	{"live_revision", "Newest closed revision.", nil},
	{"piles", "Piles by state.", []string{"state"}},
	{"vehicles", "Vehicles by state; driving, charging and alarm are parts of online.", []string{"state"}},
	{"power_kw", "Sum of fresh piles' power.", nil},
	{"alarms", "Open alarms by rule and severity; rules of which none is open are left out.", []string{"rule", "severity"}},
	{"moments", "Moments of the past that are kept: 2,017 once the platform has run for a week.", nil},
	{"moments_bytes", "Their bytes on disk.", nil},
	{"registry_failures_total", "Transactions that failed and were tried again.", nil},
}

func newCollector(k *core) *collector {
	c := &collector{core: k, desc: map[string]*prometheus.Desc{}}
	for _, f := range families {
		c.desc[f.name] = prometheus.NewDesc("dianchi_"+f.name, f.help, f.labels, nil)
	}
	return c
}

func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range c.desc {
		ch <- d
	}
}

// Collect asks each part once.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	put := func(name string, v float64, labels ...string) {
		kind := prometheus.GaugeValue
		if n := len(name); n > 6 && name[n-6:] == "_total" {
			kind = prometheus.CounterValue
		}
		ch <- prometheus.MustNewConstMetric(c.desc[name], kind, v, labels...)
	}
	c.accounts(put)
	c.selfcheck(put)
	c.stores(put)
	c.city(put)
}

type putter func(name string, v float64, labels ...string)

func (c *collector) accounts(put putter) {
	all, _ := c.core.pipeline.Book().Totals()
	for i := range all {
		a := &all[i]
		n := &a.Counts
		slug := c.core.slug(a.Party)
		put("reports_flagged_total", float64(n.Flagged), slug)
		put("reports_missing_total", float64(n.Missing), slug)
		put("values_null_total", float64(n.Nulls), slug)
		for verdict, n := range map[string]uint64{
			"taken": n.Taken, "duplicate": n.Duplicate, "history": n.History, "rejected": n.Rejected,
		} {
			put("reports_total", float64(n), slug, verdict)
		}
		for _, r := range a.Rules {
			put("rule_findings_total", float64(r.Count), slug, string(r.Rule), r.Action.String())
		}
		sum := uint64(0)
		for i, n := range a.Counts.Delays {
			sum += n
			le := "+Inf"
			if i < len(record.DelayBoundsMS) {
				le = strconv.FormatFloat(float64(record.DelayBoundsMS[i])/1000, 'g', -1, 64)
			}
			put("report_delay_seconds_bucket", float64(sum), slug, le)
		}
	}
}

func (c *collector) selfcheck(put putter) {
	s := c.core.self
	if s == nil {
		return
	}
	differ := map[string]int{}
	for _, d := range s.Differences() {
		differ[d.Check]++
	}
	for name, n := range s.Looks() {
		put("account_difference", float64(differ[name]), name)
		put("account_checks_total", float64(n), name)
	}
}

func (c *collector) stores(put putter) {
	live, late := c.core.pipeline.Waiting()
	for lane, w := range map[string]ingest.Waiting{"live": live, "late": late} {
		put("waiting_bytes", float64(w.Bytes), lane)
		put("waiting_outside", float64(w.Outside), lane)
		put("slowed_total", float64(w.Slowed), lane)
	}
	kept := c.core.past.Stats()
	put("moments", float64(kept.Moments))
	put("moments_bytes", float64(kept.Bytes))
	s := c.core.spool.Stats()
	put("spool_bytes", float64(s.Bytes))
	put("spool_written_bytes_total", float64(s.Written))
	put("spool_max_bytes", float64(s.MaxBytes))
	put("spool_full", number01(s.Full))
	for name, n := range s.Lag {
		put("spool_lag_records", float64(n), name)
	}
	put("spool_fsync_seconds", s.FsyncP50.Seconds(), "0.5")
	put("spool_fsync_seconds", s.FsyncP99.Seconds(), "0.99")
	put("spool_fsyncs_total", float64(s.Fsyncs))
	w := c.core.writer.Stats()
	put("influx_points_total", float64(w.Points))
	put("influx_same_total", float64(w.Same))
	put("influx_errors_total", float64(w.Errors))
	put("influx_dropped_total", float64(w.Dropped))
	put("influx_lag_seconds", w.Lag.Seconds())
	if d := c.core.influxd; d != nil {
		st := d.Stats()
		put("influxd_launches_total", float64(st.Launches))
		put("influxd_shards_dropped_total", float64(st.ShardsDropped))
	}
	put("registry_failures_total", float64(c.core.applier.Stats().Failures))
	if d := c.core.door; d != nil {
		st := d.Stats()
		put("mqtt_connections", float64(st.Connections))
		put("mqtt_sockets", float64(st.Sockets))
		put("mqtt_faults_total", float64(st.Faults))
		put("mqtt_messages_total", float64(st.Messages))
		put("mqtt_acknowledged_total", float64(st.Acked))
		put("mqtt_waiting", float64(st.Waiting))
		for why, n := range st.Refused {
			put("mqtt_refused_total", float64(n), why)
		}
	}
	if b := c.core.broker; b != nil {
		st := b.Stats()
		put("mqtt_connections", number01(st.Connected))
		put("mqtt_messages_total", float64(st.Messages))
		put("mqtt_acknowledged_total", float64(st.Acked))
		put("mqtt_refused_total", float64(st.Dropped), "unknown-party")
	}
}

func (c *collector) city(put putter) {
	rev, _ := c.core.live.Rev()
	put("live_revision", float64(rev))
	o := c.core.live.Overview()
	for state, n := range map[charge.State]int{
		charge.Free: o.Piles.Free, charge.InUse: o.Piles.InUse, charge.Reserved: o.Piles.Reserved,
		charge.Fault: o.Piles.Fault, charge.Offline: o.Piles.Offline,
	} {
		put("piles", float64(n), state.String())
	}
	v := o.Vehicles
	for state, n := range map[string]int{
		"total": v.Total, "online": v.Online, "driving": v.Driving, "charging": v.Charging, "alarm": v.Alarm,
	} {
		put("vehicles", float64(n), state)
	}
	put("power_kw", o.PowerKW)
	open := map[[2]string]int{}
	for _, x := range c.core.pipeline.Alarms().Open() {
		open[[2]string{x.Rule, x.Severity.String()}]++
	}
	for k, n := range open {
		put("alarms", float64(n), k[0], k[1])
	}
}

func number01(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
