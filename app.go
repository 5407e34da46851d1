package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/dianchi-platform/dianchi/internal/city"
)

// stopWithin is how long a clean stop may take, besides --drain.
const stopWithin = 9 * time.Second

// app is the parts that run, in the order in which they were started.
type app struct {
	log   *slog.Logger
	cfg   *config
	city  *city.City
	parts []part

	hurry   func() // ends the wait of a stop; nil: nothing waits
	running bool   // everything was started: stopping is worth a line
}

type part struct {
	name string
	stop func(context.Context) error
}

// started notes a part that runs; Stop is called in reverse order.
func (a *app) started(name string, stop func(context.Context) error) {
	a.parts = append(a.parts, part{name, stop})
}

// stopAll stops what runs, the newest first, and returns the first failure.
// Another signal ends what would be waited for only out of politeness.
func (a *app) stopAll() error {
	began := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), a.cfg.API.Drain+stopWithin)
	defer cancel()
	again := make(chan os.Signal, 1)
	signal.Notify(again, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(again)
	go func() {
		select {
		case <-again:
			if a.hurry != nil {
				a.hurry()
			}
		case <-ctx.Done():
		}
	}()
	var failed error
	for len(a.parts) > 0 {
		p := a.parts[len(a.parts)-1]
		a.parts = a.parts[:len(a.parts)-1]
		if err := p.stop(ctx); err != nil {
			a.log.Error("part did not stop cleanly", "part", p.name, "err", err)
			if failed == nil {
				failed = fmt.Errorf("%s did not stop cleanly: %w", p.name, err)
			}
		}
	}
	if a.running {
		a.log.Info("stopped", "took", time.Since(began).Round(time.Millisecond))
	}
	return failed
}

// newApp prepares what every command that runs needs.
func newApp(c *config) (*app, error) {
	a := &app{cfg: c, city: city.Kunming()}
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return nil, usagef("--log-level %q is not a level", c.LogLevel)
	}
	a.log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	if c.City != "" {
		own, err := city.Load(c.City)
		if err != nil {
			return nil, fmt.Errorf("--city: %w", err)
		}
		a.city = own
	}
	return a, nil
}

// prepareData makes the data folder, for its owner only.
func prepareData(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("cannot make the data folder: %w; choose another with --data", reason(err))
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return fmt.Errorf("cannot close the data folder %s to others: %w; choose another with --data", dir, reason(err))
	}
	probe := filepath.Join(dir, ".writable")
	if err := os.WriteFile(probe, nil, 0o600); err != nil {
		return fmt.Errorf("cannot write to the data folder %s: %w; choose another with --data", dir, reason(err))
	}
	return os.Remove(probe)
}

// reason returns the part of a file error that says why.
func reason(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return fmt.Errorf("%s: %w", p.Path, p.Err)
	}
	return err
}

// explainListen says what to do about a listen address that cannot be had.
func explainListen(flag, addr string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s %s: the port is taken by another program; stop it or choose another with %s", flag, addr, flag)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%s %s: this port needs more rights; choose one above 1023 with %s", flag, addr, flag)
	}
	return fmt.Errorf("%s %s: cannot listen: %w; choose another with %s", flag, addr, err, flag)
}

// errAnew asks serve to stop everything and start it again.
var errAnew = errors.New("starting anew")

// mayListen says early, and in one line, if an address cannot be had.
func mayListen(ctx context.Context, flag, addr string) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return explainListen(flag, addr, err)
	}
	return l.Close()
}

// serve runs what start starts until ctx ends or a part fails for good.
func serve(ctx context.Context, c *config, start func(context.Context, *app, chan<- error) error) error {
	for {
		a, err := newApp(c)
		if err != nil {
			return err
		}
		fatal := make(chan error, 1)
		if err := start(ctx, a, fatal); err != nil {
			_ = a.stopAll() // the first failure is the one to tell
			return err
		}
		a.running = true
		var broken error
		select {
		case <-ctx.Done():
			a.log.Info("stopping")
		case broken = <-fatal:
		}
		err = a.stopAll()
		switch {
		case broken == nil:
			return err
		case !errors.Is(broken, errAnew):
			return broken
		}
	}
}

func runAll(ctx context.Context, c *config, _ []string, out io.Writer) error {
	return serve(ctx, c, func(ctx context.Context, a *app, fatal chan<- error) error {
		return a.startAll(ctx, out, fatal)
	})
}

func runIngest(ctx context.Context, c *config, _ []string, out io.Writer) error {
	return serve(ctx, c, func(ctx context.Context, a *app, fatal chan<- error) error {
		return a.startIngest(ctx, out, fatal)
	})
}

func runAPI(ctx context.Context, c *config, _ []string, out io.Writer) error {
	if c.Ingest == "" {
		return usagef("api needs --ingest URL, the address of an ingest process's --http")
	}
	return serve(ctx, c, func(ctx context.Context, a *app, fatal chan<- error) error {
		return a.startReplica(ctx, out, fatal)
	})
}
