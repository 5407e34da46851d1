package main

import (
	"context"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/dianchi-platform/dianchi/bench/internal/lab"
)

// Parts of the whole, in the order of the report.
const (
	partIngest = iota
	partStore
	partReplicas
	partCity
	partClients
	partBench
	parts
)

var partNames = [parts]string{"ingest", "store (`influxd`)", "replicas", "publishers (`dianchi simulator`)", "clients",
	"this program"}

// pids returns the processes of each part.
func (w *world) pids() (p [parts][]int) {
	p[partIngest], p[partStore] = []int{w.platform.PID()}, []int{w.platform.Child}
	p[partCity], p[partBench] = []int{w.city.PID()}, []int{os.Getpid()}
	for _, r := range w.replicas {
		p[partReplicas] = append(p[partReplicas], r.PID())
	}
	for _, c := range w.clients {
		p[partClients] = append(p[partClients], c.PID())
	}
	return p
}

// use adds up what the processes of each part have used, and their memory.
func (w *world) use() (u [parts]lab.Usage, err error) {
	for part, pids := range w.pids() {
		for _, pid := range pids {
			one, err := lab.UsageOf(pid)
			if err != nil {
				return u, err
			}
			u[part].CPU += one.CPU
			u[part].RSS += one.RSS
			u[part].Written += one.Written
		}
	}
	return u, nil
}

// memory is who has how much, in bytes.
type memory struct {
	parts     [parts]uint64
	available uint64 // of the machine
	sockets   uint64 // buffers of TCP
}

func (w *world) memory() (m memory, err error) {
	u, err := w.use()
	if err != nil {
		return m, err
	}
	for i := range u {
		m.parts[i] = u[i].RSS
	}
	m.available = number("/proc/meminfo", "MemAvailable:", 1) << 10
	m.sockets = number("/proc/net/sockstat", "TCP:", 10) * uint64(os.Getpagesize())
	return m, nil
}

// number returns field n of the line that begins with a name, 0 for none.
func number(file, name string, n int) uint64 {
	b, _ := os.ReadFile(file) // without it there is no figure
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > n && f[0] == name {
			v, _ := strconv.ParseUint(f[n], 10, 64)
			return v
		}
	}
	return 0
}

// window is what was measured for a while.
type window struct {
	took           time.Duration
	cores          [parts]float64
	others, stolen float64 // cores used by what is not ours; taken by the machine's host
	memory         memory  // at the end
	reports        float64 // a second, acknowledged
	clients        status
}

func (w *world) window(ctx context.Context, d time.Duration) (*window, error) {
	for _, p := range w.clients {
		if err := p.Signal(beginWindow); err != nil {
			return nil, err
		}
	}
	before, err := w.use()
	if err != nil {
		return nil, err
	}
	used0, stolen0, err := lab.Busy()
	if err != nil {
		return nil, err
	}
	led0, at0, err := w.city.Ledger()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := lab.Sleep(ctx, d); err != nil {
		return nil, err
	}
	x := &window{took: time.Since(began)}
	after, err := w.use()
	if err != nil {
		return nil, err
	}
	used, stolen, err := lab.Busy()
	if err != nil {
		return nil, err
	}
	s := x.took.Seconds()
	x.others, x.stolen = (used-used0)/s, (stolen-stolen0)/s
	for i := range after {
		x.cores[i] = (after[i].CPU - before[i].CPU) / s
		x.others -= x.cores[i]
	}
	led, at, err := w.city.Ledger()
	if err != nil {
		return nil, err
	}
	sum0, sum := led0.Sum(), led.Sum()
	x.reports = float64(sum.Acknowledged-sum0.Acknowledged) / at.Sub(at0).Seconds()
	if x.memory, err = w.memory(); err != nil {
		return nil, err
	}
	now, err := w.status()
	if err == nil {
		x.clients = *now
	}
	return x, err
}

// beats is how often viewers were told something in the window.
func (x *window) beats() float64 {
	return float64(x.clients.Gaps.count()) + float64(x.clients.Open-x.clients.Blind)
}

// beat returns the mean seconds between what a viewer is told.
func (x *window) beat() float64 { return x.clients.span / max(1, x.beats()) }
