package influxd

import (
	"context"
	"sort"
	"syscall"
	"time"
)

// shard is one raw shard, as SHOW SHARDS tells it.
type shard struct {
	id    string
	start time.Time
}

// guard gives up the oldest raw shard when the disk runs short, one at a time:
// yesterday's detail is worth less than taking today's reports. The newest shard
// with data in reach of now is never given up.
func (d *Daemon) guard(ctx context.Context) {
	free, total, err := d.disk(d.cfg.Dir)
	if err != nil {
		d.log.Warn("free disk is unknown", "err", err)
		return
	}
	floor := max(d.cfg.GuardMin, total/100*d.cfg.GuardPct)
	if free >= floor {
		return
	}
	tables, err := d.query(ctx, "SHOW SHARDS")
	if err != nil {
		d.log.Warn("the shards of InfluxDB are unknown", "err", err)
		return
	}
	old := oldestRaw(tables, time.Now())
	if old == nil {
		d.log.Error("disk runs short and no raw shard is left to give up", "free", free, "floor", floor)
		return
	}
	if _, err := d.query(ctx, "DROP SHARD "+old.id); err != nil {
		d.log.Error("disk runs short and a raw shard could not be given up", "shard", old.id, "err", err)
		return
	}
	d.dropped.Add(1)
	d.log.Error("disk runs short: the oldest raw history was given up",
		"shard", old.id, "from", old.start, "free", free, "floor", floor)
}

// oldestRaw returns the oldest raw shard that lies before the newest one that has
// begun; nil when there is none.
func oldestRaw(tables []series, now time.Time) *shard {
	var all []shard
	for _, s := range tables {
		for _, row := range s.Values {
			if s.text(row, "database") != Database || s.text(row, "retention_policy") != RawPolicy {
				continue
			}
			start, err := time.Parse(time.RFC3339, s.text(row, "start_time"))
			if err == nil && !start.After(now) { // shards are made ahead of their time
				all = append(all, shard{s.text(row, "id"), start})
			}
		}
	}
	if len(all) < 2 {
		return nil
	}
	sort.Slice(all, func(i, j int) bool { return all[i].start.Before(all[j].start) })
	return &all[0]
}

// diskFree returns what an ordinary user may still write on dir's disk, and its size, in bytes.
func diskFree(dir string) (free, total uint64, err error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, 0, err
	}
	return st.Bavail * uint64(st.Bsize), st.Blocks * uint64(st.Bsize), nil
}
