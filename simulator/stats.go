package simulator

import (
	"encoding/json"
	"math/bits"
	"sync/atomic"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// Stats is how the simulator is doing.
type Stats struct {
	Ready   bool         `json:"ready"`  // the city is built and lives
	Behind  uint64       `json:"behind"` // how often the past was left out
	Parties []PartyStats `json:"parties"`
}

// PartyStats is how one party is doing. Published, Acknowledged, Resent and
// Skipped count reports and sessions, not master data; Published counts each
// once, however often it was sent.
type PartyStats struct {
	Slug         string        `json:"slug"`
	Connected    bool          `json:"connected"`
	Connects     uint64        `json:"connects"`
	Introduced   bool          `json:"introduced"` // its master data is acknowledged
	Published    uint64        `json:"published"`
	Acknowledged uint64        `json:"acknowledged"`
	Resent       uint64        `json:"resent"`
	Skipped      uint64        `json:"skipped"` // never sent, because the platform was too slow or away
	Messages     uint64        `json:"messages"`
	Kinds        []KindStats   `json:"kinds"` // all that were sent, master data too
	AckP50       time.Duration `json:"ackP50Ns"`
	AckP99       time.Duration `json:"ackP99Ns"`
	Feedback     *Feedback     `json:"feedback"` // the newest account; nil before the first
}

// KindStats counts the elements of one kind of message: reports, sessions,
// stations or vehicles of the fleet. Published counts first sendings.
type KindStats struct {
	Kind         string `json:"kind"` // as in topics
	Published    uint64 `json:"published"`
	Acknowledged uint64 `json:"acknowledged"`
}

// Feedback is the platform's account of a party's reports, as far as the
// simulator looks at it.
type Feedback struct {
	At    time.Time `json:"at"`
	Seq   uint64    `json:"seq"`
	Total Account   `json:"total"`
	Rules []Rule    `json:"rules"`
	Account
}

// Account counts reports by what became of them.
type Account struct {
	Received  uint64 `json:"received"`
	Taken     uint64 `json:"taken"`
	Duplicate uint64 `json:"duplicate"`
	History   uint64 `json:"history"`
	Rejected  uint64 `json:"rejected"`
}

// Rule is how often a rule was met since the last account.
type Rule struct {
	Rule   string `json:"rule"`
	Action string `json:"action"`
	Count  uint64 `json:"count"`
}

// Stats returns the present figures.
func (s *Simulator) Stats() Stats {
	out := Stats{Ready: s.ready.Load(), Behind: s.behind.Load()}
	for _, p := range s.parties {
		if p == nil {
			continue
		}
		st := PartyStats{
			Slug: p.who.Slug, Connected: p.counts.connected.Load(), Connects: p.counts.connects.Load(),
			Introduced: p.introduced.Load(), Resent: p.counts.resent.Load(), Skipped: p.counts.skipped.Load(),
			Messages: p.counts.messages.Load(), AckP50: p.latency.quantile(0.5), AckP99: p.latency.quantile(0.99),
			Feedback: p.feedback.Load(),
		}
		for k := charge.Stations; k < charge.Feedback; k++ {
			n := KindStats{Kind: k.String()}
			n.Acknowledged = p.counts.acknowledged[k].Load() // before published, so that it is never more
			n.Published = p.counts.published[k].Load()
			if n.Published == 0 {
				continue
			}
			st.Kinds = append(st.Kinds, n)
			if k != charge.Stations && k != charge.Fleet {
				st.Published += n.Published
				st.Acknowledged += n.Acknowledged
			}
		}
		out.Parties = append(out.Parties, st)
	}
	return out
}

// Sum returns the figures of all parties together; its slug is empty, its
// latencies are those of the slowest party.
func (s Stats) Sum() PartyStats {
	var all PartyStats
	for _, p := range s.Parties {
		all.Published += p.Published
		all.Acknowledged += p.Acknowledged
		all.Resent += p.Resent
		all.Skipped += p.Skipped
		all.Messages += p.Messages
		all.Connects += p.Connects
		all.AckP50, all.AckP99 = max(all.AckP50, p.AckP50), max(all.AckP99, p.AckP99)
	}
	return all
}

// pending returns how many reports are sent and not acknowledged.
func (s Stats) pending() uint64 {
	all := s.Sum()
	return all.Published - all.Acknowledged
}

// heard takes the account that the platform has published. When it mostly
// rejects ids as unknown, the platform has lost our master data: it gets it again.
func (p *party) heard(payload []byte) {
	var f Feedback
	if err := json.Unmarshal(payload, &f); err != nil {
		p.log.Warn("the platform's account cannot be read", "err", err)
		return
	}
	p.feedback.Store(&f)
	for _, r := range f.Rules {
		if r.Rule == "id.unknown" && 2*r.Count > f.Received && p.introduced.Load() {
			p.log.Warn("the platform does not know our piles; introducing again", "rejected", r.Count)
			p.again.Store(true)
		}
	}
}

// histogram counts durations in classes a quarter of an octave wide, from a
// microsecond up. The zero value is empty; add may be called at any time.
type histogram struct{ class [128]atomic.Uint64 }

func (h *histogram) add(d time.Duration) {
	us := uint64(max(1, d.Microseconds()))
	octave := bits.Len64(us) - 1
	part := us << 2 >> octave & 3
	h.class[min(len(h.class)-1, octave*4+int(part))].Add(1)
}

// quantile returns the upper end of the class in which the share q lies, 0
// when nothing was counted.
func (h *histogram) quantile(q float64) time.Duration {
	total := uint64(0)
	var counts [len(h.class)]uint64
	for i := range h.class {
		counts[i] = h.class[i].Load()
		total += counts[i]
	}
	if total == 0 {
		return 0
	}
	want := uint64(q*float64(total-1)) + 1
	for i, n := range counts {
		if n >= want {
			octave, part := i/4, i%4
			return time.Duration((1<<octave)*(4+part+1)/4) * time.Microsecond
		}
		want -= n
	}
	return 0
}
