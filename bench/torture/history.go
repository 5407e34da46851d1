package main

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"time"
)

// findings are what a check found wrong, the first few in words.
type findings struct {
	lost, doubled, changed, unknown int
	texts                           []string
	firstAt                         time.Time
}

func (f *findings) add(n *int, ts int64, format string, args ...any) {
	*n++
	if len(f.texts) < 12 {
		f.texts = append(f.texts, fmt.Sprintf(format, args...))
	}
	if at := time.UnixMilli(ts); f.firstAt.IsZero() || at.Before(f.firstAt) {
		f.firstAt = at
	}
}

func (f *findings) any() bool { return f.lost+f.doubled+f.changed+f.unknown > 0 }

// audit holds the ledger of one lane against points, in the order in which they
// are told: object by object, time slice after time slice.
type audit struct {
	findings
	world    *world
	from     int64 // ts: what is older was checked before
	found    map[*object]*seen
	compared int
}

// seen is what InfluxDB said of one object.
type seen struct {
	sorted []entry
	times  []uint8 // how often each of sorted was found
	wholes []entry // points at whole milliseconds, for references
}

func newAudit(w *world, from int64) *audit {
	a := &audit{world: w, from: from, found: make(map[*object]*seen, len(w.objects))}
	for _, o := range w.objects {
		s := &seen{sorted: slices.Clone(o.sent)}
		sort.Slice(s.sorted, func(i, j int) bool { return s.sorted[i].ts < s.sorted[j].ts })
		s.times = make([]uint8, len(s.sorted))
		a.found[o] = s
	}
	return a
}

// take compares one point.
func (a *audit) take(measurement string, p *point) {
	o := a.world.objects[measurement+","+p.id]
	ts := p.ns / 1e6
	when := time.UnixMilli(ts).UTC().Format("15:04:05.000Z")
	if o == nil {
		a.add(&a.unknown, ts, "%s %s at %s is of nobody", measurement, p.id, when)
		return
	}
	s := a.found[o]
	print, known := p.print, true
	if p.ref != 0 {
		i, ok := slices.BinarySearchFunc(s.wholes, p.ref, func(e entry, ts int64) int { return int(e.ts - ts) })
		if known = ok; ok {
			print = s.wholes[i].print
		}
	} else if p.ns%1e6 == 0 {
		s.wholes = append(s.wholes, entry{ts, p.print})
	}
	if ts < a.from {
		return // fetched for what refers to it
	}
	i, ok := slices.BinarySearchFunc(s.sorted, ts, func(e entry, ts int64) int { return int(e.ts - ts) })
	switch {
	case !ok:
		a.add(&a.unknown, ts, "%s %s at %s (%d) was never sent", measurement, p.id, when, p.ns)
		return
	case !known:
		a.add(&a.changed, ts, "%s %s at %s refers to %d, where nothing whole stands", measurement, p.id, when, p.ref)
	case print != s.sorted[i].print:
		a.add(&a.changed, ts, "%s %s at %s (%d, refers to %d) has other values than were sent", measurement, p.id, when,
			p.ns, p.ref)
	}
	if s.times[i]++; s.times[i] == 2 {
		a.add(&a.doubled, ts, "%s %s at %s stands there twice", measurement, p.id, when)
	}
	a.compared++
}

// end counts what was not found.
func (a *audit) end() {
	for key, o := range a.world.objects {
		s := a.found[o]
		for i, e := range s.sorted {
			if s.times[i] == 0 && e.ts >= a.from {
				a.add(&a.lost, e.ts, "%s at %s (%d) is not in InfluxDB", key, time.UnixMilli(e.ts).UTC().Format("15:04:05.000Z"), e.ts)
			}
		}
	}
}

// due returns how many reports must be in InfluxDB from ts on.
func (w *world) due(from int64) (n int) {
	for _, o := range w.objects {
		for _, e := range o.sent {
			if e.ts >= from {
				n++
			}
		}
	}
	return n
}

// catchUp is how long InfluxDB may take to get everything: after a kill -9 it reads
// its own log first, which took two minutes on a machine with much else to do.
const catchUp = 15 * time.Minute

// history waits until InfluxDB has as many points as are due since from, and
// compares each of them. What does not come within the patience is lost.
func (l *lane) history(ctx context.Context, from int64) (*audit, error) {
	st, err := l.store()
	if err != nil {
		return nil, err
	}
	to := time.Now().UnixMilli() + 60_000
	want := l.world.due(from)
	waited := until(ctx, catchUp, func() (string, bool) {
		if st, err = l.store(); err != nil {
			return err.Error(), false
		}
		n, err := st.count(ctx, from, to)
		return fmt.Sprintf("%d of %d points, %v", n, want, err), err == nil && n >= want
	})
	if waited != nil {
		l.log.add(l.name, "InfluxDB does not get everything: %v", waited)
	}
	a := newAudit(l.world, from)
	const slice = 300_000                                         // bounds what InfluxDB gathers for one answer
	begin := max(from-60*60*1000, l.began.UnixMilli()-15*60*1000) // references reach an hour back; nothing is older than the latest
	for _, m := range []struct {
		name    string
		members []member
	}{{"pile", pileMembers}, {"vehicle", vehicleMembers}} {
		for t := begin; t < to; t += slice {
			err := st.points(ctx, m.name, m.members, t*1e6, min(t+slice, to)*1e6, func(p *point) { a.take(m.name, p) })
			if err != nil {
				return nil, err
			}
		}
	}
	a.end()
	return a, ctx.Err()
}
