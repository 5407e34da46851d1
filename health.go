package main

import (
	"syscall"

	"github.com/dianchi-platform/dianchi/internal/alarm"
)

// health tells the pipeline how the parts around it are; what is in trouble
// becomes an alarm. It is asked every few seconds.
func (k *core) health(dir string) alarm.Health {
	var h alarm.Health
	if w := k.writer; w != nil {
		s := w.Stats()
		h.InfluxLag, h.InfluxDropped = s.Lag, s.Dropped
	}
	if d := k.influxd; d != nil {
		h.ShardsDropped = d.Stats().ShardsDropped
	}
	if a := k.applier; a != nil {
		s := a.Stats()
		if s.Err != nil {
			h.RegistryErr = s.Err.Error()
		}
		h.RegistryLag = k.spool.Stats().Lag[holdRegistry]
	}
	if b := k.broker; b != nil {
		s := b.Stats()
		h.BrokerAway, h.BrokerErr = !s.Connected, s.LastError
	}
	var st syscall.Statfs_t
	if syscall.Statfs(dir, &st) == nil {
		h.DiskKnown, h.DiskFree = true, int64(st.Bavail)*st.Bsize
	}
	if self := k.watched.Load(); self != nil {
		for _, d := range self.Differences() {
			// One alarm a check and party: the figures change from look to look.
			h.Differences = append(h.Differences, alarm.Difference{Of: joinWords(d.Check, k.slug(d.Party)), Text: d.String()})
		}
	}
	return h
}

func joinWords(a, b string) string {
	if b == "" {
		return a
	}
	return a + " " + b
}
