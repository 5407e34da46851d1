package ingest

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/dianchi-platform/dianchi/internal/account"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// accounts keep what is still to be said to each party; what it adds up to
// stands in book. All but book belongs to the committer's goroutine.
type accounts struct {
	book  *account.Book
	byNum map[charge.Num]*spoken
	taken charge.Millis // when the snapshot that we started from counted what was told; 0 for never
}

// spoken is what one party was told, and what it has to hear.
type spoken struct {
	count   uint64 // feedback messages sent
	owed    bool   // the account is to be said even if nothing came: after a start
	since   charge.Account
	found   map[ruleKey]uint32
	samples map[ruleKey][]sample
}

type ruleKey struct {
	rule   charge.Rule
	action charge.Action
}

func newAccounts() accounts {
	return accounts{book: account.New(), byNum: map[charge.Num]*spoken{}}
}

func (s *accounts) of(party charge.Num) *spoken {
	a := s.byNum[party]
	if a == nil {
		a = &spoken{found: map[ruleKey]uint32{}, samples: map[ruleKey][]sample{}}
		s.byNum[party] = a
	}
	return a
}

// apply counts a record that is on disk.
func (s *accounts) apply(rec *record.Record) {
	s.book.Apply(rec)
	if rec.Kind != record.Message {
		return
	}
	a := s.of(rec.Party)
	a.since.Add(rec.Account)
	for _, r := range rec.Rules {
		a.found[ruleKey{r.Rule, r.Action}] += r.Count
	}
}

// note keeps samples until the next feedback, at most 20 a rule.
func (s *accounts) note(party charge.Num, samples []sample) {
	if len(samples) == 0 {
		return
	}
	a := s.of(party)
	for _, x := range samples {
		k := ruleKey{x.rule, x.action}
		if len(a.samples[k]) < maxSamples {
			a.samples[k] = append(a.samples[k], x)
		}
	}
}

// Book returns every party's account.
func (p *Pipeline) Book() *account.Book { return p.commit.accounts.book }

// OnRecord returns how many messages were found on disk and made live since the
// start; every one that is acknowledged is among them.
func (p *Pipeline) OnRecord() uint64 { return p.commit.onDisk.Load() }

// Applied returns the number of the record up to which everything is live.
func (p *Pipeline) Applied() uint64 { return p.commit.applied.Load() }

// recovered ends a replay: what it counted was said, or is in the totals that
// each party is told once more. How often a party was spoken to since the
// snapshot nobody knows, but not more often than once each time every, and once
// more at each start, of which there may have been several since; so no number
// is given twice, at the price of a gap.
func (s *accounts) recovered(now charge.Millis, every time.Duration) {
	since := s.taken
	if since == 0 {
		since = beforeUs
	}
	step := min(every, startTakes).Milliseconds()
	skipped := uint64(max(0, now-since))/uint64(max(1, step)) + 2 // a tick may come late, one at a stop
	all, _ := s.book.Totals()
	for i := range all {
		s.of(all[i].Party)
	}
	for num, a := range s.byNum {
		a.forget()
		a.count += skipped
		a.owed = s.book.Total(num).Received > 0
	}
}

// startTakes is less than any start of the platform takes.
const startTakes = 10 * time.Millisecond

// beforeUs is 2026-01-01 UTC, before the first platform spoke to anybody.
const beforeUs charge.Millis = 1_767_225_600_000

// told is how often a party was spoken to until AtMS, in a snapshot. The entry
// of party 0 tells it when there is no other.
type told struct {
	Party  charge.Num
	Spoken uint64
	AtMS   int64
}

// sections hands out the accounts for a snapshot.
func (s *accounts) sections(put func(name string, seq uint64, body []byte) error) error {
	var seq uint64
	err := s.book.Sections(func(name string, at uint64, body []byte) error {
		seq = at
		return put(name, at, body)
	})
	if err != nil {
		return err
	}
	now := time.Now().UnixMilli()
	all := []told{{AtMS: now}}
	for num, a := range s.byNum {
		all = append(all, told{num, a.count, now})
	}
	b, err := json.Marshal(all)
	if err != nil {
		return err
	}
	return put(sectionSpoken, seq, b)
}

// loadSpoken takes a snapshot's section in. Before there were windows its name
// was "account", and it had the totals, too, which are the registry's.
func (s *accounts) loadSpoken(b []byte) error {
	var all []told
	if err := json.Unmarshal(b, &all); err != nil {
		return fmt.Errorf("cannot read what the parties were told: %w", err)
	}
	for _, x := range all {
		s.taken = charge.Millis(x.AtMS)
		if x.Party != 0 {
			s.of(x.Party).count = x.Spoken
		}
	}
	return nil
}
