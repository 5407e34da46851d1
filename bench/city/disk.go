package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/dianchi-platform/dianchi/bench/internal/lab"
)

// footprint is what a settled store holds on disk, in bytes.
type footprint struct {
	points, index int64 // of raw shards
	shards        int64 // raw ones
	series        int64 // the series file, shared by all shards
}

// disk is two settled states of the same store, and what it stored in between.
type disk struct {
	before, after             footprint
	pointsBefore, pointsAfter float64
	cpu                       time.Duration // of settling the later one
}

// perPoint returns the bytes that one more point takes, and the bytes that a raw
// shard takes for its series alone: each of them has a block with a head for each
// field, however few its points are. ok is false when a shard began in between.
func (d *disk) perPoint() (bytes, shard float64, ok bool) {
	more := d.pointsAfter - d.pointsBefore
	if d.before.shards != 1 || d.after.shards != 1 || more <= 0 {
		return 0, 0, false
	}
	bytes = float64(d.after.points-d.before.points) / more
	return bytes, float64(d.before.points) - bytes*d.pointsBefore + float64(d.after.index), true
}

// copyStore copies the folder of a running store: its files only grow or come
// and go whole, and a torn end of the write-ahead log is cut off at its start.
func copyStore(dir, to string) error {
	var err error
	for range 5 {
		if err = os.RemoveAll(to); err != nil {
			return err
		}
		if err = os.CopyFS(to, os.DirFS(dir)); err == nil {
			return nil
		}
	}
	return fmt.Errorf("cannot copy the store: %w", err)
}

// settle runs the store alone on a folder that nobody else uses, with the
// platform's settings, but that what is not written to is compacted within
// seconds instead of hours, and measures it when nothing moves any more.
func settle(ctx context.Context, dir, data, influxd, logs string) (f footprint, cpu time.Duration, err error) {
	conf, err := os.ReadFile(filepath.Join(dir, "influxd.conf"))
	if err != nil {
		return f, 0, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return f, 0, err
	}
	l.Close()
	text := strings.Replace(string(conf), "[data]\n",
		"[data]\n  cache-snapshot-write-cold-duration = \"1s\"\n  compact-full-write-cold-duration = \"5s\"\n", 1)
	text = regexp.MustCompile(`"127\.0\.0\.1:[1-9]\d*"`).ReplaceAllString(text, strconv.Quote(l.Addr().String()))
	text = strings.ReplaceAll(text, filepath.Join(data, "influxdb"), dir) // a copy's folders
	own := filepath.Join(logs, "settle.conf")
	if err := os.WriteFile(own, []byte(text), 0o600); err != nil {
		return f, 0, err
	}
	p, err := lab.Launch(filepath.Join(logs, "settle.log"), []string{"HOME=" + logs}, influxd, "run", "-config", own)
	if err != nil {
		return f, 0, err
	}
	defer func() {
		if e := p.Stop(); err == nil {
			err = e
		}
		cpu = p.Used()
	}()
	still := 0
	err = lab.Until(ctx, 15*time.Minute, "a settled store", func() bool {
		waiting, now, e := footprintOf(dir)
		if e == nil && waiting == 0 && now == f && now.points > 0 {
			still++
		} else {
			still, f = 0, now
		}
		return still >= 60 || p.Ended() // a quarter of a minute
	})
	if err == nil && p.Ended() {
		err = fmt.Errorf("the store ended: %s", p.Tail())
	}
	return f, 0, err
}

// footprintOf adds up the files of a store. waiting are bytes that are not where
// they will stay: in the write-ahead log, or in files being made.
func footprintOf(dir string) (waiting int64, f footprint, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return gone(err)
		}
		rel := filepath.ToSlash(strings.TrimPrefix(path, dir+"/"))
		inRaw := strings.HasPrefix(rel, "data/dianchi/raw/")
		if d.IsDir() {
			if inRaw && strings.Count(rel, "/") == 3 {
				f.shards++
			}
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return gone(err)
		}
		switch {
		case strings.HasPrefix(rel, "wal/dianchi/raw/"), strings.HasSuffix(rel, ".tmp"):
			waiting += info.Size()
		case strings.HasPrefix(rel, "data/dianchi/_series/"):
			f.series += info.Size()
		case inRaw && strings.Contains(rel, "/index/"):
			f.index += info.Size()
		case inRaw:
			f.points += info.Size()
		}
		return nil
	})
	return waiting, f, err
}

// gone forgives that a file is no longer there: a running store takes files away.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
