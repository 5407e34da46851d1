package lab

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/dianchi-platform/dianchi/internal/influxd"
)

// OutsideStore is an InfluxDB 1.8 of the bench's own, for --influx, with the
// bundled one's settings. It can go away and come back on the same port.
type OutsideStore struct {
	dir, program string
	daemon       *influxd.Daemon
}

// StartOutside starts one in dir and waits until it answers.
func StartOutside(ctx context.Context, dir, program string) (*OutsideStore, error) {
	s := &OutsideStore{dir: dir, program: program}
	return s, s.Back(ctx)
}

// Back starts it, again after [OutsideStore.Away], and waits until it answers.
func (s *OutsideStore) Back(ctx context.Context) error {
	url := ""
	if s.daemon != nil {
		url = s.daemon.URL()
	}
	cfg := influxd.Default(s.dir)
	cfg.BinPath = s.program
	s.daemon = influxd.New(cfg, slog.New(slog.DiscardHandler))
	if err := s.daemon.Start(ctx); err != nil {
		return err
	}
	if err := Until(ctx, 2*time.Minute, "InfluxDB", s.daemon.Ready); err != nil {
		return err
	}
	if url != "" && url != s.daemon.URL() {
		return fmt.Errorf("InfluxDB came back at %s, was at %s", s.daemon.URL(), url)
	}
	return nil
}

// Away ends it.
func (s *OutsideStore) Away(ctx context.Context) error { return s.daemon.Stop(ctx) }

// PID returns its process, 0 while it is away.
func (s *OutsideStore) PID() int { return s.daemon.Stats().PID }

// Args returns the flags by which a platform uses it.
func (s *OutsideStore) Args() []string {
	return []string{"--influx", s.daemon.URL(), "--influx-token", s.daemon.Token(),
		"--influx-bucket", influxd.Database + "/" + influxd.RawPolicy}
}

// Store returns where its points are counted.
func (s *OutsideStore) Store() (Store, error) { return StoreIn(filepath.Clean(s.dir)) }
