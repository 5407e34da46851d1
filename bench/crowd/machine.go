package main

import "runtime"

// costs are what one more of each takes of a server's core, in seconds.
type costs struct {
	following float64 // cores a replica
	frame     float64 // seconds, making it included
	query     float64 // seconds
	channels  float64 // frames a viewer and beat
	ingest    float64 // cores, with InfluxDB
}

// costs calculates them from the three windows: following alone, with frames,
// and with frames and questions.
func (r *results) costs() (k costs) {
	n := float64(r.config.replicas)
	k.following = r.following.cores[partReplicas] / n
	k.frame = max(0, r.calm.cores[partReplicas]-n*k.following) / max(1, r.calm.frameRate())
	k.query = max(0, r.busy.cores[partReplicas]-n*k.following-k.frame*r.busy.frameRate()) / max(1, r.busy.queryRate())
	k.channels = float64(r.calm.clients.Frames) / max(1, r.calm.beats())
	k.ingest = r.busy.cores[partIngest] + r.busy.cores[partStore]
	return k
}

// full is from which use of the machine on it counts as the bound.
const full = 0.93

// printMachine says where it stops, and what would carry everything each second.
func (r *results) printMachine(p printer) {
	k, c, x := r.costs(), r.config, r.busy
	cores := float64(runtime.NumCPU())
	servers := x.cores[partIngest] + x.cores[partStore] + x.cores[partReplicas]
	switch {
	case x.beat() < 1.2:
		p("**Where it stops**: it did not. All were told each second; %.2f of %.0f cores were in use.\n", x.all(), cores)
	case x.all() > full*cores:
		rest := x.cores[partCity] + x.cores[partBench] + x.others
		p("**Where it stops**: at the processors. %.2f of %.0f cores were in use, %.2f by our servers, %.2f by the clients "+
			"that stand for the phones, %.2f by publishers and what is not ours. Replicas then pass revisions by, nothing is "+
			"queued: the beat became %.1f s.\n", x.all(), cores, servers, x.cores[partClients], rest, x.beat())
	default:
		p("**Where it stops**: not at the processors (%.2f of %.0f cores in use): the beat was %.1f s although there was "+
			"room, by the spread of replicas' passes or by waiting for each other.\n", x.all(), cores, x.beat())
	}
	frames := k.channels * float64(c.viewers)
	asks := float64(c.viewers) / askEvery / c.ask.Seconds()
	push, query, follow := frames*k.frame, asks*k.query, float64(c.replicas)*k.following
	sum := k.ingest + follow + push + query
	m := &x.memory
	ram := float64(m.parts[partIngest]+m.parts[partStore]+m.parts[partReplicas]+m.sockets/2) / (1 << 30)
	p("**The machine that would carry all at a beat of one second**, by calculation from the figures above: a frame costs "+
		"%.1f µs of a server's core (%.2f frames a viewer and beat), a question %.0f µs, following %.3f cores a replica.\n",
		k.frame*1e6, k.channels, k.query*1e6, k.following)
	p("| for | cores |\n|---|--:|")
	p("| ingest and InfluxDB | %.2f |", k.ingest)
	p("| %d replicas follow | %.2f |", c.replicas, follow)
	p("| %.0f frames a second | %.2f |", frames, push)
	p("| %.0f questions a second | %.2f |", asks, query)
	p("| **together** | **%.1f** |", sum)
	p("| with 30 %% of room | **%.0f** cores, %.0f GiB of memory, %.1f Gbit/s |\n", sum/0.7+0.5, ram/0.7+0.5,
		float64(x.clients.Bytes)/max(1, float64(x.clients.Frames))*frames*8/1e9)
	p("The clients are not in it: phones bring their own processors. A frame of one second is smaller than one of %.1f s, "+
		"so the cost of a frame and the bits are upper bounds.", max(1, r.calm.beat()))
}
