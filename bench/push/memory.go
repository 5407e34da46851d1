package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/dianchi-platform/dianchi/bench/internal/lab"
)

// footprint is memory in bytes.
type footprint struct{ rss, kernel float64 }

// memory measures what a viewer takes on a server with a small city, so that the
// city's own garbage is not what is seen: websockets open with nothing subscribed,
// once the garbage of their handshakes is collected, then with everything moving.
func memory(ctx context.Context, c *config, r *report) error {
	small := *c
	small.piles, small.rate = 4000, 400
	b, addr, err := start(ctx, &small)
	if err != nil {
		return err
	}
	defer b.stop()
	if err := all(b.server, order{Do: "push"}); err != nil {
		return err
	}
	look := func(wait time.Duration) (f footprint, err error) {
		const samples = 5 // the most of ten seconds: garbage comes and goes
		if err := lab.Sleep(ctx, wait-10*time.Second); err != nil {
			return f, err
		}
		for range samples {
			if err := lab.Sleep(ctx, 10*time.Second/samples); err != nil {
				return f, err
			}
			u, err := b.server.usage()
			if err != nil {
				return f, err
			}
			kernel, err := kernelMemory()
			if err != nil {
				return f, err
			}
			f.rss, f.kernel = max(f.rss, float64(u.RSS)), max(f.kernel, kernel)
		}
		return f, nil
	}
	none, err := look(10 * time.Second)
	if err != nil {
		return err
	}
	lab.Say("memory: %d viewers come and are idle", c.viewers)
	if err := all(b.clients, order{Do: "open", N: c.viewers, Addr: addr}); err != nil {
		return err
	}
	idle, err := look(max(c.rest, 10*time.Second))
	if err != nil {
		return err
	}
	lab.Say("memory: they look and move")
	if err := all(b.clients, order{Do: "see"}, order{Do: "move"}); err != nil {
		return err
	}
	active, err := look(30 * time.Second)
	if err != nil {
		return err
	}
	n := float64(c.viewers)
	r.idle = footprint{(idle.rss - none.rss) / n, (idle.kernel - none.kernel) / n}
	r.active = footprint{(active.rss - none.rss) / n, (active.kernel - none.kernel) / n}
	return nil
}

// kernelMemory returns what the machine's kernel holds in slabs and in TCP's queues.
func kernelMemory() (float64, error) {
	mem, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	tcp, err := os.ReadFile("/proc/net/sockstat")
	if err != nil {
		return 0, err
	}
	slab, err := after(string(mem), "Slab:", 1)
	if err != nil {
		return 0, err
	}
	pages, err := after(string(tcp), "TCP:", 10) // TCP: inuse 5 orphan 0 tw 0 alloc 8 mem 1
	return slab*1024 + pages*float64(os.Getpagesize()), err
}

// after returns the number that is the nth word of the line that begins with name.
func after(text, name string, nth int) (float64, error) {
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) > nth && f[0] == name {
			return strconv.ParseFloat(f[nth], 64)
		}
	}
	return 0, fmt.Errorf("no %s in %.80q", name, text)
}
