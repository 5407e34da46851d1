package main

import (
	"fmt"
	"io"
)

// report is what was measured.
type report struct {
	config       config
	machine      string
	push         turns
	stalled      turns
	floor        turns  // frames of the mean size of a frame
	floorTurn    turns  // frames as long as all that a viewer is sent at once
	quiet        window // the city's reports alone
	peer         turns
	idle, active footprint // a viewer
}

// Promises.
const (
	leastOfFloor  = 0.8
	mostOfPeer    = 0.7
	mostByStalled = 1.2
	mostIdle      = 8 << 10
	mostActive    = 12 << 10
)

func sends(w *window) float64    { return w.sends }
func frames(w *window) float64   { return w.frames }
func bytes_(w *window) float64   { return w.bytes }
func messages(w *window) float64 { return w.messages }
func seconds(w *window) float64  { return w.seconds }
func cpu(w *window) float64      { return w.cpu }
func p50(w *window) float64      { return w.p50 }
func p99(w *window) float64      { return w.p99 }

// print writes Markdown and reports whether all promises hold.
func (r *report) print(out io.Writer) (ok bool) {
	c, ok := &r.config, true
	p := func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }
	kept := func(holds bool) string {
		if holds {
			return "yes"
		}
		ok = false
		return "**no**"
	}
	p("%s", r.machine)
	if c.push {
		r.printPush(p, kept)
	} else {
		p("\n| promise | | kept |")
		p("|---|--:|---|")
	}
	if c.memory {
		p("| memory of the process a viewer, idle, ≤ %d | %.0f | %s |", mostIdle, r.idle.rss, kept(r.idle.rss <= mostIdle))
		p("| active, ≤ %d | %.0f | %s |", mostActive, r.active.rss, kept(r.active.rss <= mostActive))
		p("| the kernel's, both ends of its socket: idle, active | %.0f, %.0f | |", r.idle.kernel, r.active.kernel)
	}
	return ok
}

// printPush prints what was sent, at what cost.
func (r *report) printPush(p func(string, ...any), kept func(bool) string) {
	c := &r.config
	form := "compressed once a frame"
	if c.plain {
		form = "not compressed"
	}
	p("%d viewers on one process for %s, %d rounds of turns; %d piles and as many vehicles, %d reports/s; frames %s. "+
		"Of 20 viewers 14 see a map of stations, 3 of heat, 2 the overview, 1 the operators; maps move by a tile every %s.\n",
		c.viewers, c.duration, c.rounds, c.piles, c.rate, form, c.pan)
	p("| | sends/s | frames/s | bytes a frame | server cores | µs of CPU a frame | a send | p50 ms | p99 ms |")
	p("|---|--:|--:|--:|--:|--:|--:|--:|--:|")
	row := func(name string, t turns) {
		if len(t) == 0 {
			return
		}
		s := t.sum(seconds)
		p("| %s | %.0f | %.0f | %.0f | %.2f | %.1f | %.1f | %.0f | %.0f |", name, t.sum(sends)/s, t.sum(frames)/s,
			t.sum(bytes_)/t.sum(frames), t.sum(cpu)/s, 1e6*t.sum(cpu)/t.sum(frames), 1e6*t.sum(cpu)/t.sum(sends),
			t.middle(p50), t.middle(p99))
	}
	row("push", r.push)
	row(fmt.Sprintf("push, %.0f %% more viewers stalled", 100*c.stalled), r.stalled)
	row("floor: one prepared frame to each socket", r.floor)
	row("floor: as many bytes to each as a send has", r.floorTurn)
	p("| the city's reports alone | | | | %.2f | | | | |\n", r.quiet.cpu/r.quiet.seconds)

	p("| promise | | kept |")
	p("|---|--:|---|")
	ratio := r.push.perCPU(frames) / r.floor.perCPU(frames)
	p("| frames a second of server CPU ÷ floor, ≥ %.2f | %.2f | %s |", leastOfFloor, ratio, kept(ratio >= leastOfFloor))
	p("| sends ÷ the floor with as many bytes: frames that go together count once | %.2f | |",
		r.push.perCPU(sends)/r.floorTurn.perCPU(sends))
	slow := r.stalled.middle(p99) / r.push.middle(p99)
	p("| p99 of the others beside stalled viewers ÷ without, ≤ %.1f | %.2f | %s |", mostByStalled, slow, kept(slow <= mostByStalled))
	skipped := r.stalled.sum(func(w *window) float64 { return w.skipped })
	p("| sends left out because a viewer was stalled, > 0 | %.0f | %s |", skipped, kept(skipped > 0))
	lost := r.push.sum(func(w *window) float64 { return float64(w.lost) }) + r.stalled.sum(func(w *window) float64 { return float64(w.lost) })
	p("| viewers lost, 0 | %.0f | %s |", lost, kept(lost == 0))
	p("| bytes a viewer a second | %.0f | |", r.push.sum(bytes_)/r.push.sum(seconds)/float64(c.viewers))
	p("| frames made a second, each shared | %.0f | |", r.push.sum(func(w *window) float64 { return w.made })/r.push.sum(seconds))
	if len(r.peer) > 0 {
		ours, theirs := 1/r.push.perCPU(messages), 1/r.peer.perCPU(messages)
		p("| CPU a message: ours %.1f µs, centrifuge %.1f µs (p50 %.0f, p99 %.0f ms), ours ÷ its, ≤ %.1f | %.2f | %s |", 1e6*ours, 1e6*theirs,
			r.peer.middle(p50), r.peer.middle(p99), mostOfPeer, ours/theirs, kept(ours <= mostOfPeer*theirs))
	}
}
