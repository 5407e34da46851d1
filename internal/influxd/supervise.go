package influxd

import (
	"context"
	"errors"
	"runtime"
	"syscall"
	"time"
)

// Times of supervision.
const (
	firstDelay   = 500 * time.Millisecond // before the first relaunch; it doubles
	lastDelay    = 5 * time.Second
	lookEvery    = 3 * time.Second  // for a binary that is still being built
	steadyAfter  = time.Minute      // a run of this length starts the delays anew
	startPatient = 10 * time.Minute // a hard stop may leave gigabytes of WAL to replay
	hangPatient  = 2 * time.Minute  // without an answer after it has been ready
	checkEvery   = 2 * time.Second
	guardEvery   = 10 * time.Second
)

// run keeps one influxd alive until ctx ends. It stays on its thread, because the
// kernel ties Pdeathsig to the thread that launched the child.
func (d *Daemon) run(ctx context.Context) {
	runtime.LockOSThread()
	defer close(d.done)
	delay := firstDelay
	for {
		began := time.Now()
		err := d.once(ctx)
		d.ready.Store(false)
		d.pid.Store(0)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > steadyAfter {
			delay = firstDelay
		}
		wait := delay
		switch {
		case errors.Is(err, errNoBinary):
			wait = lookEvery
			if !d.noBinary {
				d.noBinary = true
				d.log.Warn("history is unavailable until InfluxDB is there", "err", err)
			}
		default:
			d.log.Warn("InfluxDB ended; it will be launched again", "in", wait, "err", err, "log", d.path("influxd.log"))
			delay = min(2*delay, lastDelay)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// once attends one influxd, launched or found, from its beginning to its end.
func (d *Daemon) once(ctx context.Context) error {
	lock, err := takeLock(d.path("influxd.lock"))
	if err != nil {
		return err
	}
	if lock == nil {
		return d.found(ctx)
	}
	bin, err := Find(d.cfg.BinPath)
	if err != nil {
		lock.Close()
		return err
	}
	p, cmd, err := d.launch(bin, lock)
	lock.Close() // from here on the child alone holds it
	if err != nil {
		return err
	}
	d.noBinary = false
	d.launches.Add(1)
	d.log.Info("InfluxDB launched", "pid", p.pid, "port", p.port)
	gone, exit := make(chan struct{}), make(chan error, 1)
	go func() {
		exit <- cmd.Wait()
		close(gone)
	}()
	err = d.attend(ctx, p, gone, false)
	select {
	case status := <-exit:
		return errors.Join(err, status)
	default:
		return err
	}
}

// found deals with an influxd that lives though we have not launched it.
func (d *Daemon) found(ctx context.Context) error {
	p := d.loadPlace()
	d.log.Info("an InfluxDB of this folder is alive", "pid", p.pid, "port", p.port)
	stop := make(chan struct{})
	defer close(stop)
	return d.attend(ctx, p, d.watchLock(stop), true)
}

// attend watches a living influxd until gone closes: it makes it ready, checks
// it, guards the disk, and ends it when ctx ends or when it no longer answers.
func (d *Daemon) attend(ctx context.Context, p place, gone <-chan struct{}, alien bool) error {
	d.port.Store(int64(p.port))
	d.pid.Store(int64(p.pid))
	began, lastAnswer, lastGuard := time.Now(), time.Now(), time.Time{}
	once, pause := false, 50*time.Millisecond
	var said string
	select {
	case <-d.renew: // it was about the one before
	default:
	}
	for {
		select {
		case <-gone:
			return nil
		case <-ctx.Done():
			d.end(p, gone)
			return nil
		case why := <-d.renew:
			if d.mayRenew() {
				d.log.Error("InfluxDB cannot write any more; starting it anew", "pid", p.pid, "err", why)
				d.end(p, gone)
				return why
			}
			continue
		case <-time.After(pause):
		}
		var err error
		due := time.Since(lastGuard) >= guardEvery
		if due || !d.Ready() { // somebody may have dropped the database
			err = d.prepare(ctx)
		} else {
			err = d.ping(ctx)
		}
		patience := startPatient
		switch {
		case err == nil:
			if !d.Ready() {
				d.ready.Store(true)
				if alien && !once {
					d.adopted.Add(1)
				}
				d.log.Info("InfluxDB is ready", "pid", p.pid, "adopted", alien,
					"after", time.Since(began).Round(time.Millisecond))
			}
			once, pause, lastAnswer, said = true, checkEvery, time.Now(), ""
			if due {
				lastGuard = time.Now()
				rotate(d.path("influxd.log"))
				d.guard(ctx)
			}
			continue
		case once:
			patience = d.hang
		}
		pause = min(2*pause, time.Second)
		if time.Since(lastAnswer) > 3*checkEvery {
			d.ready.Store(false)
		}
		if _, refused := errors.AsType[*refusal](err); refused {
			lastAnswer = time.Now()
			if said != err.Error() {
				said = err.Error()
				d.log.Error("InfluxDB answers but cannot be used", "err", err)
			}
		}
		if time.Since(lastAnswer) > patience {
			d.log.Error("InfluxDB does not answer; ending it", "pid", p.pid, "since", lastAnswer, "err", err)
			d.end(p, gone)
			return err
		}
	}
}

// end stops the process: SIGTERM, then SIGKILL after the grace or when Stop's
// time is over. It returns when the process is gone.
func (d *Daemon) end(p place, gone <-chan struct{}) {
	d.ready.Store(false)
	p.signal(syscall.SIGTERM)
	select {
	case <-gone:
		return
	case <-d.kill:
	case <-time.After(d.cfg.StopGrace):
	}
	p.signal(syscall.SIGKILL)
	select {
	case <-gone:
	case <-time.After(5 * time.Second): // an unknown pid, or a process that the kernel holds
		d.log.Error("InfluxDB could not be ended", "pid", p.pid)
	}
}
