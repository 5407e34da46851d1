// Package influxd runs the bundled InfluxDB as a child process and keeps it alive.
//
// A [Daemon] owns one folder. At most one influxd works on it at any time, through
// every kill -9 of either process: the child inherits a locked file and holds the
// lock as long as it lives, whoever started it. A start that finds the lock taken
// adopts the living influxd if it answers with our password, else waits for it to
// end. Nobody waits for readiness: [Daemon.Endpoint] says when there is one.
package influxd

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Database, RawPolicy and TotalsPolicy are the names under which history is kept;
// a bucket of the 2.x API is "database/policy".
const (
	Database     = "dianchi"
	RawPolicy    = "raw"
	TotalsPolicy = "totals"

	user = "dianchi"
)

// Config sets how a Daemon behaves; [Default] returns the usual values.
type Config struct {
	Dir       string        // its own folder, made 0700 when missing
	BinPath   string        // influxd 1.8; "" looks beside the program and in bin/ of the source tree
	Memory    uint64        // bytes of the machine to plan for; 0 asks the machine
	Retention time.Duration // how long raw points are kept; totals stay for ever
	GuardMin  uint64        // bytes of free disk below which the oldest raw shard goes …
	GuardPct  uint64        // … or this share of the disk in percent, whichever is more
	StopGrace time.Duration // from SIGTERM to SIGKILL
}

// Default returns the usual settings for the folder dir.
func Default(dir string) Config {
	return Config{
		Dir: dir, Retention: 72 * time.Hour,
		GuardMin: 10 << 30, GuardPct: 10, StopGrace: 15 * time.Second,
	}
}

// Validate names the first setting that cannot be.
func (c *Config) Validate() error {
	if c.Dir == "" {
		return fmt.Errorf("influxd: Dir is empty")
	}
	if c.Retention < 2*time.Hour || c.Retention > 10*365*24*time.Hour {
		return fmt.Errorf("raw retention %s is not between 2h and 10 years", c.Retention)
	}
	return nil
}

// Daemon supervises one influxd. Its methods may be called from several goroutines.
type Daemon struct {
	cfg  Config
	log  *slog.Logger
	disk func(dir string) (free, total uint64, err error) // statfs; tests put their own
	hang time.Duration                                    // hangPatient; tests have less

	password string
	cancel   context.CancelFunc
	renew    chan error    // why influxd is to be started anew; holds one
	kill     chan struct{} // closed when Stop has no more time
	killOnce sync.Once
	done     chan struct{}

	port     atomic.Int64
	pid      atomic.Int64
	ready    atomic.Bool
	adopted  atomic.Uint64
	launches atomic.Uint64
	dropped  atomic.Uint64
	noBinary bool // said once; owned by run
}

// Stats is what the daemon tells of itself.
type Stats struct {
	Ready         bool
	PID           int    // 0 while none runs
	Launches      uint64 // processes started since New
	Adopted       uint64 // processes found alive and taken over since New
	ShardsDropped uint64 // raw shards given up for want of disk since New
}

// New returns a Daemon that does nothing until Start.
func New(cfg Config, log *slog.Logger) *Daemon {
	return &Daemon{
		cfg: cfg, log: log, disk: diskFree, hang: hangPatient,
		renew: make(chan error, 1), kill: make(chan struct{}), done: make(chan struct{}),
	}
}

// Start prepares the folder and returns at once; influxd comes up behind it.
func (d *Daemon) Start(context.Context) error {
	if err := d.cfg.Validate(); err != nil {
		return err
	}
	if err := os.MkdirAll(d.cfg.Dir, 0o700); err != nil {
		return fmt.Errorf("cannot make the folder of InfluxDB: %w", err)
	}
	if err := os.Chmod(d.cfg.Dir, 0o700); err != nil {
		return fmt.Errorf("cannot close the folder of InfluxDB to others: %w", err)
	}
	password, err := loadPassword(d.path("password"))
	if err != nil {
		return err
	}
	d.password = password
	ctx, cancel := context.WithCancel(context.Background())
	d.cancel = cancel
	go d.run(ctx)
	return nil
}

// Stop ends influxd: SIGTERM, then SIGKILL after StopGrace or when ctx ends.
func (d *Daemon) Stop(ctx context.Context) error {
	if d.cancel == nil {
		return nil
	}
	d.cancel()
	select {
	case <-d.done:
		return nil
	case <-ctx.Done():
	}
	d.killOnce.Do(func() { close(d.kill) })
	<-d.done
	return nil
}

// Ready reports whether influxd answers and has its database.
func (d *Daemon) Ready() bool { return d.ready.Load() }

// URL returns the address of the present influxd, "" before the first one.
// It changes when a relaunch finds the port taken.
func (d *Daemon) URL() string {
	port := d.port.Load()
	if port == 0 {
		return ""
	}
	return fmt.Sprintf("http://127.0.0.1:%d", port)
}

// Token returns "user:password", the form in which InfluxDB 1.8 takes tokens.
// It is empty before Start.
func (d *Daemon) Token() string {
	if d.password == "" {
		return ""
	}
	return user + ":" + d.password
}

// Endpoint returns URL and Token, and whether they can be used now.
func (d *Daemon) Endpoint() (url, token string, ok bool) {
	return d.URL(), d.Token(), d.Ready()
}

// Stats returns the present figures.
func (d *Daemon) Stats() Stats {
	return Stats{
		Ready: d.Ready(), PID: int(d.pid.Load()),
		Launches: d.launches.Load(), Adopted: d.adopted.Load(), ShardsDropped: d.dropped.Load(),
	}
}
