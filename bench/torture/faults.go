package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A fault begins, lasts, and is over when its function returns.
type fault struct {
	name string
	make func(ctx context.Context, l *lane)
}

// faultsOf returns what can be done to a lane.
func (l *lane) faultsOf() []fault {
	all := []fault{
		{"kill -9 platform", func(ctx context.Context, l *lane) { l.restart(ctx, nil) }},
		{"kill -9 platform while it starts", killStarting},
		{"kill -9 platform, newest snapshot torn", func(ctx context.Context, l *lane) { l.restart(ctx, l.tear) }},
		{"platform stopped and continued", func(ctx context.Context, l *lane) { l.freeze(ctx, l.platform.signal) }},
		{"publishers cut off", cutPublishers},
		{"PUBACKs lost", losePubacks},
	}
	if l.disk.mounted {
		all = append(all, fault{"disk full", func(ctx context.Context, l *lane) { l.fullDisk(ctx, nil) }},
			fault{"disk full, kill -9 platform", func(ctx context.Context, l *lane) {
				l.fullDisk(ctx, func() { l.restart(ctx, nil) })
			}})
		if !l.outside {
			all = append(all, fault{"InfluxDB behind when the disk is full, then kill -9", behindOnFullDisk})
		}
	}
	influx := l.signalBundled
	kill := func(ctx context.Context) { l.signalBundled(syscall.SIGKILL) }
	if l.outside {
		influx = l.influxd.signal
		kill = func(ctx context.Context) { bounce(ctx, l, l.influxd) }
	}
	all = append(all,
		fault{"kill -9 InfluxDB", func(ctx context.Context, l *lane) { kill(ctx) }},
		fault{"InfluxDB stopped and continued", func(ctx context.Context, l *lane) { l.freeze(ctx, influx) }},
		fault{"kill -9 platform and InfluxDB", func(ctx context.Context, l *lane) { l.restart(ctx, func() { kill(ctx) }) }})
	if !l.outside {
		return all
	}
	spoil := func(name string, m mode) {
		all = append(all, fault{name, func(ctx context.Context, l *lane) {
			l.proxy.set(m)
			_ = sleep(ctx, l.between(3*time.Second, 12*time.Second))
			l.proxy.set(through)
		}})
	}
	spoil("InfluxDB answers 503", unwilling)
	spoil("InfluxDB slow", slow)
	spoil("InfluxDB cut within a request", halfSent)
	spoil("InfluxDB cut after the write", unanswered)
	spoil("InfluxDB cut within an answer", halfTold)
	return append(all,
		fault{"kill -9 mosquitto", killBroker},
		fault{"mosquitto stopped and continued", func(ctx context.Context, l *lane) { l.freeze(ctx, l.mosquitto.signal) }},
		fault{"kill -9 platform and mosquitto", func(ctx context.Context, l *lane) {
			l.restart(ctx, func() { killBroker(ctx, l) })
		}})
}

// torment makes one fault after the other until ctx ends: all of them once in
// a random order, then all again.
func (l *lane) torment(ctx context.Context, only string) error {
	var deck []fault
	for {
		if sleep(ctx, l.between(500*time.Millisecond, 4*time.Second)) != nil {
			return nil
		}
		if len(deck) == 0 {
			deck = slices.DeleteFunc(l.faultsOf(), func(f fault) bool { return !picked(f.name, only) })
			if len(deck) == 0 {
				<-ctx.Done()
				return nil
			}
			l.rng.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
		}
		f := deck[0]
		deck = deck[1:]
		l.begin(f.name)
		f.make(ctx, l)
		if ctx.Err() != nil { // what was cut short is mended all the same
			l.mend()
		}
		l.over(f.name)
		if err := l.recovers(ctx, f.name); err != nil {
			return err
		}
	}
}

func picked(name, only string) bool {
	for part := range strings.SplitSeq(only, ",") {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

func (l *lane) begin(name string) {
	l.log.add(l.name, "begin: %s", name)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.current = name
	l.counts[name]++
	l.troubled = append(l.troubled, [2]time.Time{time.Now(), {}})
}

func (l *lane) over(name string) {
	l.log.add(l.name, "over: %s", name)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.current = ""
	l.troubled[len(l.troubled)-1][1] = time.Now()
}

// recovers waits until reports are acknowledged again.
func (l *lane) recovers(ctx context.Context, name string) error {
	before := l.acks.Load()
	err := until(context.WithoutCancel(ctx), 2*time.Minute, func() (string, bool) {
		return "nothing is acknowledged", l.acks.Load() > before
	})
	if err != nil {
		l.fault("no PUBACK for two minutes after %q", name)
		return fmt.Errorf("lane %s after %q: %w", l.name, name, err)
	}
	return nil
}

// mend makes everything run that a fault may have left lying.
func (l *lane) mend() {
	for _, p := range []*process{l.platform, l.mosquitto, l.influxd} {
		if p != nil {
			p.signal(syscall.SIGCONT)
			if err := p.start(); err != nil {
				l.fault("%s cannot be launched: %v", p.name, err)
			}
		}
	}
	l.signalBundled(syscall.SIGCONT)
	if l.proxy != nil {
		l.proxy.set(through)
	}
}

func (l *lane) between(least, most time.Duration) time.Duration {
	return least + time.Duration(l.rng.Int64N(int64(most-least)))
}

// restart kills the platform, does something, and starts it again after a moment.
func (l *lane) restart(ctx context.Context, between func()) {
	l.platform.kill()
	if between != nil {
		between()
	}
	_ = sleep(ctx, l.between(0, 2*time.Second))
	if err := l.platform.start(); err != nil {
		l.fault("the platform cannot be launched: %v", err)
	}
}

// killStarting kills the platform a few times in its first moments.
func killStarting(ctx context.Context, l *lane) {
	for range 1 + l.rng.IntN(3) {
		l.restart(ctx, nil)
		_ = sleep(ctx, l.between(10*time.Millisecond, 1500*time.Millisecond))
	}
	l.restart(ctx, nil)
}

// bounce kills a program of the lane and starts it again after a moment.
func bounce(ctx context.Context, l *lane, p *process) {
	p.kill()
	_ = sleep(ctx, l.between(0, 4*time.Second))
	if err := p.start(); err != nil {
		l.fault("%s cannot be launched: %v", p.name, err)
	}
}

// brokerMayLose is how far back a broker that was killed may have forgotten
// what it acknowledged: mosquitto writes its file after it has answered.
const brokerMayLose = 8 * time.Second

func killBroker(ctx context.Context, l *lane) {
	l.mosquitto.kill()
	l.order(order{again: brokerMayLose}) // the moment counts: before the broker is back
	_ = sleep(ctx, l.between(0, 3*time.Second))
	if err := l.mosquitto.start(); err != nil {
		l.fault("mosquitto cannot be launched: %v", err)
	}
}

// freeze stops a process for a while.
func (l *lane) freeze(ctx context.Context, signal func(syscall.Signal)) {
	signal(syscall.SIGSTOP)
	_ = sleep(ctx, l.between(500*time.Millisecond, 15*time.Second))
	signal(syscall.SIGCONT)
}

func (l *lane) signalBundled(sig syscall.Signal) {
	if pid := l.bundledPID(); pid != 0 && !l.outside {
		_ = syscall.Kill(pid, sig) // it may have ended just now
	}
}

// order tells every client, or waits for none that is busy longer than a second.
func (l *lane) order(o order) {
	for _, c := range l.world.clients {
		own := o
		if o.away > 0 {
			own.away = time.Duration(l.rng.Int64N(int64(o.away)))
		}
		select {
		case c.orders <- own:
		case <-time.After(5 * time.Second):
			if o.again > 0 {
				l.fault("a client of %s does not hear that its broker is gone", c.party.slug)
			}
		}
	}
}

func cutPublishers(ctx context.Context, l *lane) { l.order(order{away: 6 * time.Second}) }

func losePubacks(ctx context.Context, l *lane) {
	for range 4 {
		l.order(order{mute: true})
		_ = sleep(ctx, l.between(100*time.Millisecond, time.Second))
	}
}

// fullDisk fills the data folder's disk, to the platform's floor or wholly, and
// gives the room back.
func (l *lane) fullDisk(ctx context.Context, meanwhile func()) {
	if now := time.Now().UnixMilli(); !l.outside && (now+60_000)/shardSpan != l.shard/shardSpan {
		l.log.add(l.name, "no full disk: a new shard has begun, and the older one would rightly be given up")
		return
	}
	leave := uint64(0)
	if l.rng.IntN(2) == 0 {
		leave = uint64(l.rng.Int64N(int64(floorBytes)))
	}
	l.log.add(l.name, "%d MB are left of the disk", leave/1e6)
	if err := l.disk.fill(leave); err != nil {
		l.fault("cannot fill the disk: %v", err)
	}
	_ = sleep(ctx, l.between(2*time.Second, 15*time.Second))
	if meanwhile != nil {
		meanwhile()
		_ = sleep(ctx, l.between(time.Second, 5*time.Second))
	}
	if err := l.disk.empty(); err != nil {
		l.fault("cannot give the disk's room back: %v", err)
	}
}

// behindOnFullDisk gives InfluxDB much to write on a disk that takes nothing,
// then room, and kills it before it can have settled.
func behindOnFullDisk(ctx context.Context, l *lane) {
	l.signalBundled(syscall.SIGSTOP)
	_ = sleep(ctx, l.between(2*time.Second, 8*time.Second))
	l.fullDisk(ctx, func() { l.signalBundled(syscall.SIGCONT) })
	_ = sleep(ctx, l.between(0, 3*time.Second))
	l.signalBundled(syscall.SIGKILL)
}

// tear damages the newest snapshot as a crash of the machine could: it ends
// early, or a few of its bytes are others. The promise is that the one before it
// serves, so an only one is left alone.
func (l *lane) tear() {
	dir := filepath.Join(l.dir, "data", "snapshot")
	files, _ := filepath.Glob(filepath.Join(dir, "*.snap"))
	if len(files) < 2 {
		l.log.add(l.name, "%d snapshots there: none torn", len(files))
		return
	}
	slices.Sort(files)
	newest := files[len(files)-1]
	st, err := os.Stat(newest)
	if err != nil || st.Size() == 0 {
		return
	}
	at := l.rng.Int64N(st.Size())
	if l.rng.IntN(2) == 0 {
		err = os.Truncate(newest, at)
	} else if f, e := os.OpenFile(newest, os.O_WRONLY, 0); e == nil {
		_, err = f.WriteAt([]byte{0xAA, 0x55, 0xAA}, at)
		f.Close()
	}
	l.log.add(l.name, "torn at %d of %d: %s, %d there (%v)", at, st.Size(), filepath.Base(newest), len(files), err)
}
