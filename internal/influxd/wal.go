package influxd

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// sealWAL makes influxd begin a new WAL segment in every shard when it starts.
//
// InfluxDB 1.8 goes on at the end of the last segment, and only then cuts off what
// a crash or a full disk has left there half written (wal.go, Open; cache.go,
// Load). Its next entries stand behind a hole; the start after that takes the hole
// for the end, and what was acknowledged since is gone. An empty segment behind
// the last one keeps it from going on there: it removes it and begins another.
// No influxd may be alive.
func sealWAL(dir string) error {
	shards, err := filepath.Glob(filepath.Join(dir, "*", "*", "*")) // database, policy, shard
	if err != nil {
		return err
	}
	var failed error
	for _, shard := range shards {
		failed = errors.Join(failed, sealShard(shard))
	}
	return failed
}

func sealShard(dir string) error {
	segments, err := filepath.Glob(filepath.Join(dir, "_*.wal"))
	if err != nil || len(segments) == 0 {
		return err
	}
	last := slices.Max(segments) // their numbers have five digits
	st, err := os.Stat(last)
	if err != nil || st.Size() == 0 {
		return err
	}
	var n int
	if _, err := fmt.Sscanf(filepath.Base(last), "_%d.wal", &n); err != nil {
		return nil // not InfluxDB's
	}
	f, err := os.OpenFile(filepath.Join(dir, fmt.Sprintf("_%05d.wal", n+1)), os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return fmt.Errorf("cannot begin a new WAL segment: %w", err)
	}
	return f.Close()
}

// Renew has a living influxd ended in order and launched again, once there is
// room on its disk. Callers say why: after a write to its WAL has failed, influxd
// refuses every later one of that shard until it is started anew. It returns at once;
// while it is under way, and for a time after each launch, further calls do nothing.
func (d *Daemon) Renew(why error) {
	select {
	case d.renew <- why:
	default:
	}
}

// renewRoom is the free disk in bytes below which starting anew would not help.
const renewRoom = 256 << 20

// mayRenew reports whether influxd is to be ended because it asked for it.
func (d *Daemon) mayRenew() bool {
	free, _, err := d.disk(d.cfg.Dir)
	return err == nil && free >= renewRoom
}
