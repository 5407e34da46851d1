package ingest

import "github.com/dianchi-platform/dianchi/internal/tail"

// Tail returns what became of each party's newest messages.
func (p *Pipeline) Tail() *tail.Book { return p.commit.tail }

// tailed returns samples as the tail keeps them.
func tailed(samples []sample) []tail.Sample {
	if len(samples) == 0 {
		return nil
	}
	out := make([]tail.Sample, len(samples))
	for i, x := range samples {
		out[i] = tail.Sample{Rule: x.rule, Action: x.action, Kind: x.kind, ID: x.id, TS: x.ts,
			Detail: x.detail, Payload: x.payload}
	}
	return out
}
