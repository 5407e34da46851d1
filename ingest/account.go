package ingest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// accounts keep what became of each party's reports, and what is still to be said.
type accounts struct {
	mu    sync.Mutex
	seq   uint64 // last record counted
	byNum map[charge.Num]*account
}

type account struct {
	total  charge.Account
	rules  map[ruleKey]uint64
	delays [len(record.DelayBoundsMS) + 1]uint64

	spoken  uint64 // feedback messages sent
	owed    bool   // the account is to be said even if nothing came: after a start
	since   charge.Account
	found   map[ruleKey]uint32
	samples map[ruleKey][]sample
}

type ruleKey struct {
	rule   charge.Rule
	action charge.Action
}

func newAccounts() accounts { return accounts{byNum: map[charge.Num]*account{}} }

func (s *accounts) of(party charge.Num) *account {
	a := s.byNum[party]
	if a == nil {
		a = &account{rules: map[ruleKey]uint64{}, found: map[ruleKey]uint32{}, samples: map[ruleKey][]sample{}}
		s.byNum[party] = a
	}
	return a
}

// apply counts a record that is on disk, once.
func (s *accounts) apply(rec *record.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if rec.Seq <= s.seq {
		return
	}
	s.seq = rec.Seq
	if rec.Kind != record.Message {
		return
	}
	a := s.of(rec.Party)
	a.total.Add(rec.Account)
	a.since.Add(rec.Account)
	for i, n := range rec.Delays {
		a.delays[i] += uint64(n)
	}
	for _, r := range rec.Rules {
		k := ruleKey{r.Rule, r.Action}
		a.rules[k] += uint64(r.Count)
		a.found[k] += r.Count
	}
}

// note keeps samples until the next feedback, at most 20 a rule.
func (s *accounts) note(party charge.Num, samples []sample) {
	if len(samples) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.of(party)
	for _, x := range samples {
		k := ruleKey{x.rule, x.action}
		if len(a.samples[k]) < maxSamples {
			a.samples[k] = append(a.samples[k], x)
		}
	}
}

// Account is one party's account since it was added.
type Account struct {
	Party  charge.Num
	Total  charge.Account
	Rules  []RuleTotal
	Delays []uint64 // by [record.DelayBoundsMS]
	Spoken uint64   // feedback messages sent
}

// RuleTotal is how often a party's reports met one rule.
type RuleTotal struct {
	Rule   charge.Rule
	Action charge.Action
	Count  uint64
}

// Accounts returns every party's account.
func (p *Pipeline) Accounts() []Account {
	s := &p.commit.accounts
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.list()
}

func (s *accounts) list() []Account {
	var out []Account
	for _, num := range slices.Sorted(maps.Keys(s.byNum)) {
		a := s.byNum[num]
		out = append(out, Account{
			Party: num, Total: a.total, Rules: sortedRules(a.rules),
			Delays: slices.Clone(a.delays[:]), Spoken: a.spoken,
		})
	}
	return out
}

// start sets what was counted up to seq, as the registry or a snapshot has it.
func (s *accounts) start(all []Account, seq uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.byNum)
	s.seq = seq
	for _, x := range all {
		a := s.of(x.Party)
		a.total, a.spoken = x.Total, x.Spoken
		copy(a.delays[:], x.Delays)
		for _, r := range x.Rules {
			a.rules[ruleKey{r.Rule, r.Action}] = r.Count
		}
	}
}

// recovered ends a replay: what it counted was said, or is in the totals that
// each party is told once more.
func (s *accounts) recovered() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.byNum {
		a.forget()
		a.owed = a.total.Received > 0
	}
}

// section returns the accounts for a snapshot, and the record they go up to.
func (s *accounts) section() (uint64, []byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := json.Marshal(s.list())
	return s.seq, b, err
}

// load takes a snapshot's accounts in, if they go further than the registry's.
func (s *accounts) load(seq uint64, b []byte) error {
	var all []Account
	if err := json.Unmarshal(b, &all); err != nil {
		return fmt.Errorf("cannot read the accounts: %w", err)
	}
	if seq >= s.seq {
		s.start(all, seq)
		return nil
	}
	for _, x := range all { // what only we count
		if a := s.byNum[x.Party]; a != nil {
			a.spoken = x.Spoken
		}
	}
	return nil
}
