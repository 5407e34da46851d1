package door

import (
	"context"
	"net/netip"
	"sync"
	"time"
)

// How failed logins slow the next ones. By address, and by user name for
// addresses from which this user has not logged in before: who guesses waits,
// and the party itself gets in from where it usually does.
const (
	freeByAddr  = 3 // failures that cost nothing
	firstByAddr = 250 * time.Millisecond
	mostByAddr  = 5 * time.Second // a longer wait is refused at once

	freeByName  = 10
	firstByName = 100 * time.Millisecond
	mostByName  = 2 * time.Second // never refused: nobody can lock a user out

	forgetAfter  = 15 * time.Minute   // without a failure
	provenFor    = 7 * 24 * time.Hour // since the last login
	checksAtOnce = 4                  // passwords of an address that are checked at a time

	maxChecks   = 64   // at a time, of addresses from which the user has not logged in
	maxGuessers = 8192 // entries of each of the three tables
)

// guard slows down who guesses passwords. Its tables are bounded: when one is
// full, an entry that matters least among a few makes room.
type guard struct {
	mu     sync.Mutex
	addrs  map[origin]*guesser // by address; user is ""
	proven map[origin]*guesser // by address and user who has logged in from there
	names  map[string]*guesser
	checks chan struct{} // holds one element a password of an unproven address that is being checked
}

type origin struct {
	addr netip.Addr
	user string
}

type guesser struct {
	fails int
	last  time.Time     // of the newest failure
	login time.Time     // the newest, of a proven one
	next  time.Time     // before which no password is checked
	turns chan struct{} // holds one element a password that is being checked
	users int           // how many hold or wait for a turn
}

func newGuard() *guard {
	return &guard{addrs: map[origin]*guesser{}, proven: map[origin]*guesser{}, names: map[string]*guesser{},
		checks: make(chan struct{}, maxChecks)}
}

// attempt is one login between admit and its end.
type attempt struct {
	guard  *guard
	user   string
	from   origin // key of e
	proven bool
	e      *guesser
}

// admit waits until a password may be checked; ok is false when that would
// take too long or ctx ends. An admitted attempt must be ended.
func (g *guard) admit(ctx context.Context, addr netip.Addr, user string) (a *attempt, ok bool) {
	a = g.enter(addr, user)
	select {
	case a.e.turns <- struct{}{}:
	case <-ctx.Done():
		g.quit(a)
		return nil, false
	}
	wait, ok := g.reserve(a)
	if ok && wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			ok = false
		}
	}
	if !ok || !a.proven && !g.check(ctx, a) {
		<-a.e.turns
		g.quit(a)
		return nil, false
	}
	return a, true
}

// check takes a place among the checks of unproven addresses. When they are all
// taken, as by guesses from thousands of addresses, those wait that have not
// failed yet, and the others are sent away: so whoever knows the password gets
// in soon, from wherever it comes.
func (g *guard) check(ctx context.Context, a *attempt) bool {
	select {
	case g.checks <- struct{}{}:
		return true
	default:
	}
	if g.failed(a) {
		return false
	}
	select {
	case g.checks <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	if g.failed(a) { // another attempt of this address, meanwhile
		<-g.checks
		return false
	}
	return true
}

func (g *guard) failed(a *attempt) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return a.e.fails > 0
}

// enter finds the entry that an attempt belongs to.
func (g *guard) enter(addr netip.Addr, user string) *attempt {
	g.mu.Lock()
	defer g.mu.Unlock()
	a := &attempt{guard: g, user: user, from: origin{addr, user}}
	if e := g.proven[a.from]; e != nil && time.Since(e.login) < provenFor {
		a.proven, a.e = true, e
	} else {
		a.from.user = ""
		if a.e = g.addrs[a.from]; a.e == nil {
			bound(g.addrs)
			a.e = &guesser{turns: make(chan struct{}, checksAtOnce)}
			g.addrs[a.from] = a.e
		}
	}
	a.e.users++
	return a
}

// reserve says how long the attempt has to wait; false if too long.
func (g *guard) reserve(a *attempt) (time.Duration, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	a.e.age(now)
	wait := max(0, a.e.next.Sub(now))
	if wait > mostByAddr {
		return 0, false
	}
	a.e.next = now.Add(wait + delay(a.e.fails, freeByAddr, firstByAddr, mostByAddr))
	if n := g.names[a.user]; n != nil && !a.proven {
		n.age(now)
		wait = max(wait, delay(n.fails, freeByName, firstByName, mostByName))
	}
	return wait, true
}

// age forgets failures after a time without any.
func (e *guesser) age(now time.Time) {
	if now.Sub(e.last) > forgetAfter {
		e.fails = 0
	}
}

// delay is how long the next attempt waits after so many failures.
func delay(fails, free int, first, most time.Duration) time.Duration {
	if fails <= free {
		return 0
	}
	return min(first<<min(fails-free-1, 20), most)
}

// quit forgets an entry about which there is nothing to know.
func (g *guard) quit(a *attempt) {
	g.mu.Lock()
	defer g.mu.Unlock()
	a.e.users--
	if a.e.users == 0 && a.e.fails == 0 && !a.proven && g.addrs[a.from] == a.e {
		delete(g.addrs, a.from)
	}
}

// end ends an attempt with what the check said.
func (a *attempt) end(passed bool) {
	g := a.guard
	g.mu.Lock()
	now := time.Now()
	if passed {
		a.pass(now)
	} else {
		a.fail(now)
	}
	g.mu.Unlock()
	if !a.proven {
		<-g.checks
	}
	<-a.e.turns
	g.quit(a)
}

// pass notes that the user logs in from this address. An address's failures
// stay: else who has one account could guess at others' for ever.
func (a *attempt) pass(now time.Time) {
	g := a.guard
	key := origin{a.from.addr, a.user}
	e := g.proven[key]
	if e == nil {
		bound(g.proven)
		e = &guesser{turns: make(chan struct{}, checksAtOnce)}
		g.proven[key] = e
	}
	e.fails, e.login, e.next = 0, now, time.Time{}
}

func (a *attempt) fail(now time.Time) {
	g := a.guard
	a.e.fails++
	a.e.last = now
	a.e.next = later(a.e.next, now.Add(delay(a.e.fails, freeByAddr, firstByAddr, mostByAddr)))
	n := g.names[a.user]
	if n == nil {
		bound(g.names)
		n = new(guesser)
		g.names[a.user] = n
	}
	n.age(now)
	n.fails++
	n.last = now
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// bound makes room for one entry: of a few, the one with the fewest failures
// goes, and the oldest of these. Entries in use stay.
func bound[K comparable](m map[K]*guesser) {
	if len(m) < maxGuessers {
		return
	}
	var least K
	var of *guesser
	seen := 0
	for k, e := range m { // in no order
		older := of != nil && later(e.last, e.login).Before(later(of.last, of.login))
		if e.users == 0 && (of == nil || e.fails < of.fails || e.fails == of.fails && older) {
			least, of = k, e
		}
		if seen++; seen == 16 && of != nil {
			break
		}
	}
	if of != nil {
		delete(m, least)
	}
}
