package ingest

import (
	"sync"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// gone is the removed parties whose end is not on record yet.
type gone struct {
	mu      sync.Mutex
	parties []charge.Party
	more    chan struct{}
}

// PartiesChanged tells the pipeline who is registered now, and who no longer is.
func (p *Pipeline) PartiesChanged(_, removed []charge.Party) {
	p.commit.dirty.Store(true)
	p.gone.mu.Lock()
	p.gone.parties = append(p.gone.parties, removed...)
	p.gone.mu.Unlock()
	select {
	case p.gone.more <- struct{}{}:
	default:
	}
}

// dropParties puts the end of removed parties on record until Stop: of those
// that were removed while the platform was down first.
func (p *Pipeline) dropParties() {
	all, _ := p.deps.Parties.Access()
	for _, q := range all {
		if q.Removed {
			p.drop(q)
		}
	}
	for {
		select {
		case <-p.gone.more:
		case <-p.open.Done():
			return
		}
		p.gone.mu.Lock()
		removed := p.gone.parties
		p.gone.parties = nil
		p.gone.mu.Unlock()
		for _, q := range removed {
			p.drop(q)
		}
	}
}

// drop puts the end of a party on record, if it has objects: they leave live,
// the registry and every replica. Its messages are refused already.
func (p *Pipeline) drop(q charge.Party) {
	err := p.whenReady(p.open, func() {
		if !p.judge.index.has(q.Num) {
			return
		}
		p.judge.index.dropParty(q.Num)
		p.judge.dropMeetings(q.Num)
		rec := record.Record{Kind: record.PartyGone, Party: q.Num, Received: charge.At(time.Now())}
		p.append(rec.Append(nil), ack{})
		p.log.Info("removed party leaves with its objects", "party", q.Slug)
	})
	if err != nil {
		p.log.Warn("removed party leaves with its objects at the next start", "party", q.Slug, "err", err)
	}
}
