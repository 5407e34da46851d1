package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/secret"
)

var quiet = slog.New(slog.DiscardHandler)

// memStore is a store in memory that counts how often it is read.
type memStore struct {
	mu      sync.Mutex
	version uint64
	parties []charge.Party
	tokens  []charge.Token
	reads   atomic.Int64
	asks    atomic.Int64
	err     error
}

func (s *memStore) AccessVersion() (uint64, error) {
	s.asks.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.version, s.err
}

func (s *memStore) Access() (uint64, []charge.Party, []charge.Token, error) {
	s.reads.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.version, slices.Clone(s.parties), slices.Clone(s.tokens), s.err
}

func (s *memStore) change(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version++
	do()
}

// hash returns a hash of password.
func hash(t testing.TB, password string) string {
	t.Helper()
	h, err := secret.HashPassword(password)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func newStore(t testing.TB) *memStore {
	return &memStore{version: 1,
		parties: []charge.Party{
			{Num: 1, Slug: "teld", Kind: charge.Operator, PasswordHash: hash(t, "p-teld")},
			{Num: 2, Slug: "byd", Kind: charge.Maker, PasswordHash: hash(t, "p-byd")},
			{Num: 3, Slug: "gone", Kind: charge.Operator, PasswordHash: hash(t, "p-gone"), Removed: true},
		},
		tokens: []charge.Token{
			{ID: "d", Role: charge.RoleDriver, Hash: secret.TokenHash("t-driver")},
			{ID: "o", Role: charge.RoleOperator, Party: "teld", Hash: secret.TokenHash("t-teld")},
			{ID: "m", Role: charge.RoleMaker, Party: "byd", Hash: secret.TokenHash("t-byd")},
			{ID: "r", Role: charge.RoleRegulator, Hash: secret.TokenHash("t-reg")},
			{ID: "g", Role: charge.RoleOperator, Party: "gone", Hash: secret.TokenHash("t-gone")},
			{ID: "x", Role: charge.RoleMaker, Party: "teld", Hash: secret.TokenHash("t-odd")},
		}}
}

func start(t testing.TB, cfg Config, s store, on ...func(Change)) *Directory {
	t.Helper()
	d := New(cfg, quiet, s)
	for _, f := range on {
		d.OnChange(f)
	}
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return d
}

func TestIdentify(t *testing.T) {
	d := start(t, Config{}, newStore(t))
	f := func(bearer string, want Identity, code charge.Code) {
		t.Helper()
		got, err := d.Identify(t.Context(), bearer)
		if got != want || code == "" && err != nil || code != "" && (err == nil || charge.CodeOf(err) != code) {
			t.Fatalf("Identify(%q) = %+v, %v, want %+v, code %q", bearer, got, err, want, code)
		}
	}

	f("", Identity{}, "")
	f("t-driver", Identity{Role: charge.RoleDriver, TokenID: "d"}, "")
	f("t-teld", Identity{Role: charge.RoleOperator, Party: 1, Slug: "teld", TokenID: "o"}, "")
	f("t-byd", Identity{Role: charge.RoleMaker, Party: 2, Slug: "byd", TokenID: "m"}, "")
	f("t-reg", Identity{Role: charge.RoleRegulator, TokenID: "r"}, "")
	f("t-gone", Identity{}, charge.TokenUnknown) // its party was removed
	f("t-odd", Identity{}, charge.TokenUnknown)  // its party is of another kind
	f("T-REG", Identity{}, charge.TokenUnknown)
	f("t-reg ", Identity{}, charge.TokenUnknown)
}

func TestCheckPassword(t *testing.T) {
	d := start(t, Config{}, newStore(t))
	f := func(slug, password string, want charge.Num) {
		t.Helper()
		for range 2 { // the second time from memory
			p, ok := d.CheckPassword(t.Context(), slug, password)
			if ok != (want != 0) || p.Num != want {
				t.Fatalf("CheckPassword(%q, %q) = %+v, %v, want party %d", slug, password, p, ok, want)
			}
		}
	}

	f("teld", "p-teld", 1)
	f("byd", "p-byd", 2)
	f("teld", "p-byd", 0)
	f("teld", "", 0)
	f("teld", "p-teld", 1) // a wrong one in between changes nothing
	f("gone", "p-gone", 0)
	f("nobody", "p-teld", 0)
	f("", "", 0)
}

// Many logins at once with one password cost one PBKDF2, also after wrong ones.
func TestReconnectStorm(t *testing.T) {
	d := start(t, Config{}, newStore(t))
	begin := time.Now()
	secret.CheckPassword(newStore(t).parties[0].PasswordHash, "p-teld")
	one := time.Since(begin)
	begin = time.Now()
	var wg sync.WaitGroup
	for range 2000 {
		wg.Go(func() {
			if _, ok := d.CheckPassword(t.Context(), "teld", "p-teld"); !ok {
				t.Error("a right password was refused")
			}
		})
	}
	wg.Wait()
	if took := time.Since(begin); took > 200*one {
		t.Fatalf("2000 logins took %s, one hash takes less than %s", took, one)
	}
}

// eventually asks again and again until ok holds, and fails after want.
func eventually(t *testing.T, what string, want time.Duration, ok func() bool) {
	t.Helper()
	for begin := time.Now(); !ok(); time.Sleep(time.Millisecond) {
		if time.Since(begin) > want {
			t.Fatalf("%s: not within %s", what, want)
		}
	}
}

// What was added is known to the very next question, without waiting for the poll.
func TestAddedWorksAtOnce(t *testing.T) {
	s := newStore(t)
	d := start(t, Config{Poll: time.Hour}, s)
	h := hash(t, "p-new")
	s.change(func() {
		s.parties = append(s.parties, charge.Party{Num: 4, Slug: "new", Kind: charge.Operator, PasswordHash: h})
	})
	if p, ok := d.CheckPassword(t.Context(), "new", "p-new"); !ok || p.Num != 4 {
		t.Fatalf("a new party was refused: %+v", p)
	}
	s.change(func() {
		s.tokens = append(s.tokens, charge.Token{ID: "n", Role: charge.RoleOperator, Party: "new", Hash: secret.TokenHash("t-new")})
	})
	if id, err := d.Identify(t.Context(), "t-new"); err != nil || id.Party != 4 {
		t.Fatalf("a new token was refused: %+v, %v", id, err)
	}
	h = hash(t, "p-other")
	s.change(func() { s.parties[3].PasswordHash = h })
	if _, ok := d.CheckPassword(t.Context(), "new", "p-other"); !ok {
		t.Fatal("a new password was refused")
	}
	if _, ok := d.CheckPassword(t.Context(), "new", "p-new"); ok {
		t.Fatal("the old password still works")
	}
}

func TestRemovedEndsSoon(t *testing.T) {
	s := newStore(t)
	d := start(t, Config{}, s)
	if _, ok := d.CheckPassword(t.Context(), "teld", "p-teld"); !ok {
		t.Fatal("a right password was refused")
	}
	s.change(func() { s.parties[0].Removed = true; s.tokens = slices.Delete(s.tokens, 3, 4) })
	eventually(t, "the end of a token", 2*time.Second, func() bool { _, err := d.Identify(t.Context(), "t-reg"); return err != nil })
	if _, ok := d.CheckPassword(t.Context(), "teld", "p-teld"); ok {
		t.Fatal("a removed party logged in, from memory")
	}
	if _, err := d.Identify(t.Context(), "t-teld"); err == nil {
		t.Fatal("a removed party's token still works")
	}
	if _, ok := d.Party(1); ok {
		t.Fatal("a removed party is still there")
	}
}

// A flood of unknown tokens does not become a flood at the store.
func TestFloodOfMisses(t *testing.T) {
	s := newStore(t)
	d := start(t, Config{Poll: time.Hour, Spacing: 20 * time.Millisecond}, s)
	asked := s.asks.Load()
	begin := time.Now()
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			for j := range 5 {
				if _, err := d.Identify(t.Context(), fmt.Sprint("bad", i, j)); err == nil {
					t.Error("an unknown token was taken")
				}
			}
		})
	}
	wg.Wait()
	most := int64(time.Since(begin)/(20*time.Millisecond)) + 2
	if n := s.asks.Load() - asked; n > most || n == 0 {
		t.Fatalf("250 misses asked the store %d times, want 1 to %d", n, most)
	}
	if n := s.reads.Load(); n != 1 {
		t.Fatalf("misses read everything %d times though nothing changed", n-1)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Identify(ctx, "bad"); charge.CodeOf(err) != charge.TokenUnknown {
		t.Fatalf("a miss whose caller is gone = %v", err)
	}
}

// A callback hears of an added party before it can log in, and of a removed one
// when it no longer can.
func TestOnChange(t *testing.T) {
	s := newStore(t)
	var d *Directory
	var mu sync.Mutex
	var got []string
	note := func(c Change) {
		mu.Lock()
		defer mu.Unlock()
		for _, p := range c.Added {
			_, ok := d.Party(p.Num)
			got = append(got, fmt.Sprint("+", p.Slug, " ", ok))
		}
		for _, p := range c.Removed {
			_, ok := d.PartyBySlug(p.Slug)
			got = append(got, fmt.Sprint("-", p.Slug, " ", ok))
		}
		for _, p := range c.Repassworded {
			got = append(got, "*"+p.Slug)
		}
		for _, tok := range c.TokensAdded {
			got = append(got, "+"+tok.ID)
		}
		for _, tok := range c.TokensRemoved {
			got = append(got, "-"+tok.ID)
		}
		got = append(got, fmt.Sprint(len(c.Parties), "/", len(c.Tokens)))
	}
	d = New(Config{Poll: 5 * time.Millisecond}, quiet, s)
	d.OnChange(note)
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer d.Stop(context.Background())
	f := func(want ...string) {
		t.Helper()
		eventually(t, fmt.Sprint("the callback ", want), 5*time.Second, func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(got) > 0
		})
		mu.Lock()
		defer mu.Unlock()
		if !slices.Equal(got, want) {
			t.Fatalf("the callback heard %q, want %q", got, want)
		}
		got = nil
	}

	f("+teld false", "+byd false", "+d", "+o", "+m", "+r", "3/6")
	s.change(func() {
		s.parties = append(s.parties, charge.Party{Num: 4, Slug: "new", Kind: charge.Maker, PasswordHash: "$7$"})
	})
	f("+new false", "4/6")
	eventually(t, "the new party", time.Second, func() bool { _, ok := d.Party(4); return ok })
	s.change(func() { s.parties[3].PasswordHash = "$7$other" })
	f("*new", "4/6")
	s.change(func() { s.parties[0].Removed = true; s.tokens = slices.Delete(s.tokens, 1, 2) })
	f("-teld false", "-o", "4/5")
	s.change(func() { s.parties = s.parties[:3] }) // a row deleted by hand
	f("-new false", "3/5")
}

// While the store fails, what is known goes on; when it works again, so do changes.
func TestStoreFails(t *testing.T) {
	s := newStore(t)
	d := start(t, Config{Poll: 2 * time.Millisecond}, s)
	s.change(func() { s.err = errors.New("disk on fire"); s.tokens = nil })
	eventually(t, "a failure", time.Second, func() bool { return d.Stats().Failures > 2 })
	if _, err := d.Identify(t.Context(), "t-reg"); err != nil {
		t.Fatalf("a known token was refused while the store fails: %v", err)
	}
	s.change(func() { s.err = nil })
	eventually(t, "the change", time.Second, func() bool { _, err := d.Identify(t.Context(), "t-reg"); return err != nil })

	broken := newStore(t)
	broken.err = errors.New("disk on fire")
	if err := New(Config{}, quiet, broken).Start(t.Context()); err == nil {
		t.Fatal("Start worked without its store")
	}
}

// A replica has no store: it is told, and a miss waits a little for that.
func TestReplica(t *testing.T) {
	d := start(t, Config{MissWait: 5 * time.Second}, nil)
	s := newStore(t)
	go func() {
		time.Sleep(20 * time.Millisecond)
		d.Set(s.parties, s.tokens)
	}()
	if id, err := d.Identify(t.Context(), "t-teld"); err != nil || id.Party != 1 {
		t.Fatalf("Identify = %+v, %v", id, err)
	}
	d = start(t, Config{}, nil)
	if _, err := d.Identify(t.Context(), "t-teld"); err == nil {
		t.Fatal("an empty replica knew a token")
	}
}

// Readers and changes at once, for the race detector; a token that is always
// there is always known.
func TestRace(t *testing.T) {
	s := newStore(t)
	d := start(t, Config{Poll: time.Millisecond, Spacing: time.Millisecond}, s, func(Change) {})
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				if id, err := d.Identify(context.Background(), "t-teld"); err != nil || id.Party != 1 {
					t.Errorf("Identify = %+v, %v", id, err)
					return
				}
				if _, ok := d.CheckPassword(context.Background(), "teld", "p-teld"); !ok {
					t.Error("a right password was refused")
					return
				}
				d.Identify(ctx, "t-new")
				d.Party(2)
				d.Access()
				d.Stats()
			}
		})
	}
	for i := range 200 {
		s.change(func() {
			s.parties[1].Removed = i%2 == 0
			s.parties[0].Name = fmt.Sprint(i)
			s.tokens[0].Hash = secret.TokenHash([]string{"t-new", "t-driver"}[i%2])
		})
		time.Sleep(time.Millisecond)
	}
	stop()
	wg.Wait()
}

func BenchmarkIdentify(b *testing.B) {
	d := start(b, Config{}, newStore(b))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Identify(b.Context(), "t-teld"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheckPassword(b *testing.B) {
	d := start(b, Config{}, newStore(b))
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := d.CheckPassword(b.Context(), "teld", "p-teld"); !ok {
			b.Fatal("refused")
		}
	}
}
