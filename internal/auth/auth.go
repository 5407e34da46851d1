// Package auth knows who somebody is: the parties' passwords and the bearer
// tokens. For an outside broker it writes down who may use which topic.
//
// A [Directory] holds parties and tokens in an atomic snapshot, so a look-up
// takes no lock. It polls its store for changes, also those of another
// process, and looks again before it refuses a party or a token that it does
// not know: what was added a moment ago works at once, and what was removed
// ends within [Config.Poll] and a bit. Its methods may be called from several
// goroutines.
package auth

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/secret"
	"github.com/dianchi-platform/dianchi/internal/tally"
)

// store is where parties and tokens are kept: the registry.
type store interface {
	// AccessVersion moves with every change of parties and tokens; it is cheap.
	AccessVersion() (uint64, error)
	// Access returns everything at one moment.
	Access() (version uint64, parties []charge.Party, tokens []charge.Token, err error)
}

// Config sets how soon a [Directory] sees changes. Zero values mean the
// default in brackets.
type Config struct {
	Poll     time.Duration // between looks for changes [100 ms]
	Spacing  time.Duration // least time between looks that misses ask for [10 ms]
	MissWait time.Duration // without a store: how long a miss waits for the next Set [0]
}

// Identity is who a bearer token stands for. The zero value is a driver.
type Identity struct {
	Role    charge.Role
	Party   charge.Num // 0 for drivers and regulators
	Slug    string     // of the party
	TokenID string     // "" without a token
}

// Change tells what became different. Parties and Tokens are all there are.
type Change struct {
	Parties       []charge.Party // removed ones are among them
	Tokens        []charge.Token
	Added         []charge.Party // cannot log in yet while the callbacks run
	Removed       []charge.Party // cannot log in any more
	Repassworded  []charge.Party // have another password from now on
	TokensAdded   []charge.Token
	TokensRemoved []charge.Token
}

// Directory answers who somebody is.
type Directory struct {
	cfg   Config
	log   *slog.Logger
	store store
	key   [32]byte      // makes the remembered passwords worthless outside this process
	turns chan struct{} // holds one element a PBKDF2 that runs

	snap     atomic.Pointer[snapshot]
	onChange []func(Change)
	apply    sync.Mutex // one change at a time

	mu     sync.Mutex
	flight *flight // the look that misses wait for; nil when none is asked for
	wake   chan struct{}
	stop   context.CancelFunc
	done   chan struct{} // closed when the watch has ended; nil before Start

	failures                                       *tally.Tally
	identified, unknown, passwords, refused, looks atomic.Uint64
}

// flight is one look at the store that begins after those who wait for it asked.
type flight struct{ done chan struct{} }

// New returns an empty Directory. store may be nil for a replica, which feeds
// it with [Directory.Set].
func New(cfg Config, log *slog.Logger, store store) *Directory {
	if cfg.Poll <= 0 {
		cfg.Poll = 100 * time.Millisecond
	}
	if cfg.Spacing <= 0 {
		cfg.Spacing = 10 * time.Millisecond
	}
	d := &Directory{cfg: cfg, log: log, store: store, wake: make(chan struct{}, 1),
		turns:    make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/4)),
		failures: tally.New(log, slog.LevelError, "changes of parties and tokens cannot be seen")}
	rand.Read(d.key[:])
	d.snap.Store(newSnapshot(0, nil, nil, nil))
	return d
}

// OnChange has f called with every change, the first of which is everything at
// Start. It must be called before Start. Callbacks run one after the other in
// the goroutine that found the change, which waits for them; they must not ask the Directory about
// tokens or passwords, because an unknown one would wait for that goroutine.
func (d *Directory) OnChange(f func(Change)) { d.onChange = append(d.onChange, f) }

// Identify returns whom a bearer token stands for; "" is a driver. An unknown
// or removed token is [charge.TokenUnknown].
func (d *Directory) Identify(ctx context.Context, bearer string) (Identity, error) {
	if bearer == "" {
		return Identity{}, nil
	}
	hash := secret.TokenHash(bearer)
	id, ok := d.snap.Load().tokens[hash]
	if !ok {
		id, ok = d.again(ctx).tokens[hash]
	}
	if !ok {
		d.unknown.Add(1)
		return Identity{}, charge.Errorf(charge.TokenUnknown, "the token is unknown or was removed")
	}
	d.identified.Add(1)
	return id, nil
}

// Party returns the party with this number, if it has not been removed.
func (d *Directory) Party(num charge.Num) (charge.Party, bool) {
	if e := d.snap.Load().byNum[num]; e != nil {
		return e.party, true
	}
	return charge.Party{}, false
}

// PartyBySlug returns the party with this slug, if it has not been removed.
func (d *Directory) PartyBySlug(slug string) (charge.Party, bool) {
	if e := d.snap.Load().bySlug[slug]; e != nil {
		return e.party, true
	}
	return charge.Party{}, false
}

// Access returns all parties, removed ones too, and all tokens. They must not
// be changed.
func (d *Directory) Access() ([]charge.Party, []charge.Token) {
	s := d.snap.Load()
	return s.parties, s.list
}

// Stats counts since New.
type Stats struct {
	Parties, Tokens int    // that are valid now
	Identified      uint64 // tokens that were known
	Unknown         uint64 // tokens that were not
	Passwords       uint64 // logins that passed
	Refused         uint64 // logins that did not
	Looks           uint64 // at the store
	Failures        uint64 // looks that failed
}

// Stats returns the counts.
func (d *Directory) Stats() Stats {
	s := d.snap.Load()
	return Stats{Parties: len(s.bySlug), Tokens: len(s.tokens),
		Identified: d.identified.Load(), Unknown: d.unknown.Load(),
		Passwords: d.passwords.Load(), Refused: d.refused.Load(), Looks: d.looks.Load(), Failures: d.failures.Total()}
}

// Start reads everything and begins to watch for changes.
func (d *Directory) Start(context.Context) error {
	if d.store == nil {
		return nil
	}
	if _, err := d.look(true); err != nil {
		return fmt.Errorf("cannot start access control: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	d.mu.Lock()
	d.stop, d.done = stop, make(chan struct{})
	d.mu.Unlock()
	go d.watch(ctx)
	return nil
}

// Stop ends the watch. What is known stays known.
func (d *Directory) Stop(ctx context.Context) error {
	d.mu.Lock()
	stop, done := d.stop, d.done
	d.mu.Unlock()
	if stop == nil {
		return nil
	}
	stop()
	select {
	case <-done:
		d.failures.Stop()
		return nil
	case <-ctx.Done():
		return fmt.Errorf("cannot stop access control: %w", ctx.Err())
	}
}
