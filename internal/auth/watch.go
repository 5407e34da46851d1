package auth

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// snapshot is parties and tokens at one moment; it never changes.
type snapshot struct {
	version uint64
	parties []charge.Party
	list    []charge.Token
	bySlug  map[string]*entry // only parties that may log in
	byNum   map[charge.Num]*entry
	tokens  map[[32]byte]Identity
}

// newSnapshot keeps of old what it remembers of passwords that stay the same.
func newSnapshot(version uint64, parties []charge.Party, tokens []charge.Token, old *snapshot) *snapshot {
	s := &snapshot{version: version, parties: parties, list: tokens,
		bySlug: make(map[string]*entry), byNum: make(map[charge.Num]*entry), tokens: make(map[[32]byte]Identity)}
	for _, p := range parties {
		if p.Removed {
			continue
		}
		e := &entry{party: p, memory: new(memory)}
		if was := old.entry(p.Num); was != nil && was.party == p {
			e = was
		} else if was != nil && was.party.PasswordHash == p.PasswordHash {
			e.memory = was.memory
		}
		s.bySlug[p.Slug], s.byNum[p.Num] = e, e
	}
	for _, t := range tokens {
		id := Identity{Role: t.Role, TokenID: t.ID}
		if t.Role == charge.RoleOperator || t.Role == charge.RoleMaker {
			e := s.bySlug[t.Party]
			if e == nil || e.party.Kind.String() != t.Role.String() {
				continue // its party is gone
			}
			id.Party, id.Slug = e.party.Num, e.party.Slug
		}
		s.tokens[t.Hash] = id
	}
	return s
}

func (s *snapshot) entry(num charge.Num) *entry {
	if s == nil {
		return nil
	}
	return s.byNum[num]
}

// watch looks for changes, and for those who wait in again, until ctx ends.
func (d *Directory) watch(ctx context.Context) {
	defer close(d.done)
	tick := time.NewTicker(d.cfg.Poll)
	defer tick.Stop()
	var last time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-d.wake:
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Until(last.Add(d.cfg.Spacing))):
			}
		}
		d.mu.Lock()
		f := d.flight
		d.flight = nil
		d.mu.Unlock()
		if _, err := d.look(false); err != nil {
			d.failures.Add(err)
		}
		last = time.Now()
		if f != nil {
			close(f.done)
		}
	}
}

// again returns the snapshot after a look at the store that began after this
// call. Many misses share one look.
func (d *Directory) again(ctx context.Context) *snapshot {
	var expired <-chan time.Time
	if d.store == nil {
		if d.cfg.MissWait <= 0 {
			return d.snap.Load()
		}
		t := time.NewTimer(d.cfg.MissWait)
		defer t.Stop()
		expired = t.C
	}
	d.mu.Lock()
	f, done := d.flight, d.done
	if f == nil {
		f = &flight{done: make(chan struct{})}
		d.flight = f
		select {
		case d.wake <- struct{}{}:
		default:
		}
	}
	d.mu.Unlock()
	if d.store != nil && done == nil { // not started: nobody will come
		return d.snap.Load()
	}
	select {
	case <-f.done:
	case <-done:
	case <-expired:
	case <-ctx.Done():
	}
	return d.snap.Load()
}

// look reads the store if its version has moved, or anyway.
func (d *Directory) look(anyway bool) (changed bool, err error) {
	d.looks.Add(1)
	if !anyway {
		version, err := d.store.AccessVersion()
		if err != nil || version == d.snap.Load().version {
			return false, err
		}
	}
	version, parties, tokens, err := d.store.Access()
	if err != nil {
		return false, err
	}
	d.set(version, parties, tokens)
	return true, nil
}

// Set replaces all parties and tokens; it is how a replica learns them.
func (d *Directory) Set(parties []charge.Party, tokens []charge.Token) {
	d.set(d.snap.Load().version+1, parties, tokens)
	d.mu.Lock()
	f := d.flight
	d.flight = nil
	d.mu.Unlock()
	if f != nil {
		close(f.done)
	}
}

// set takes a new state over: what is gone first, so that a callback that
// closes a removed party's connections finds no new one behind it; then the
// callbacks; then what is new, so that they know a party before it can speak.
func (d *Directory) set(version uint64, parties []charge.Party, tokens []charge.Token) {
	d.apply.Lock()
	defer d.apply.Unlock()
	old := d.snap.Load()
	next := newSnapshot(version, parties, tokens, old)
	c := difference(old, next)
	moved := len(c.Added) + len(c.Removed) + len(c.Repassworded) + len(c.TokensAdded) + len(c.TokensRemoved)
	if len(d.onChange) > 0 && moved > 0 {
		d.snap.Store(next.without(c))
		for _, f := range d.onChange {
			f(c)
		}
	} else if len(d.onChange) > 0 && old.version == 0 {
		for _, f := range d.onChange { // the first time, also when there is nothing
			f(c)
		}
	}
	d.snap.Store(next)
}

// without returns s without what c added.
func (s *snapshot) without(c Change) *snapshot {
	out := *s
	out.bySlug, out.byNum, out.tokens = maps.Clone(s.bySlug), maps.Clone(s.byNum), maps.Clone(s.tokens)
	for _, p := range c.Added {
		delete(out.bySlug, p.Slug)
		delete(out.byNum, p.Num)
	}
	for _, t := range c.TokensAdded {
		delete(out.tokens, t.Hash)
	}
	return &out
}

func difference(old, next *snapshot) Change {
	c := Change{Parties: next.parties, Tokens: next.list}
	for _, p := range next.parties {
		e, was := next.byNum[p.Num], old.byNum[p.Num]
		switch {
		case e != nil && was == nil:
			c.Added = append(c.Added, p)
		case e == nil && was != nil:
			c.Removed = append(c.Removed, p)
		case e != nil && e.party.PasswordHash != was.party.PasswordHash:
			c.Repassworded = append(c.Repassworded, p)
		}
	}
	for _, p := range old.parties { // rows that are gone altogether
		same := func(q charge.Party) bool { return q.Num == p.Num }
		if old.byNum[p.Num] != nil && !slices.ContainsFunc(next.parties, same) {
			p.Removed = true
			c.Removed = append(c.Removed, p)
		}
	}
	for _, t := range next.list {
		if _, was := old.tokens[t.Hash]; !was {
			if _, is := next.tokens[t.Hash]; is {
				c.TokensAdded = append(c.TokensAdded, t)
			}
		}
	}
	for _, t := range old.list {
		if _, was := old.tokens[t.Hash]; was {
			if _, is := next.tokens[t.Hash]; !is {
				c.TokensRemoved = append(c.TokensRemoved, t)
			}
		}
	}
	return c
}
