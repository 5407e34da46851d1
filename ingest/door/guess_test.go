package door

import (
	"context"
	"fmt"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var (
	home   = netip.MustParseAddr("192.0.2.1")
	away   = netip.MustParseAddr("198.51.100.7")
	nobody = netip.Addr{}
)

// try makes one login; took is how long it waited, -1 if it was refused.
func try(g *guard, from netip.Addr, user string, right bool) (took time.Duration) {
	began := time.Now()
	a, ok := g.admit(context.Background(), from, user)
	if !ok {
		return -1
	}
	took = time.Since(began)
	a.end(right)
	return took
}

func TestGuessingIsSlowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard()
		for i, want := range []time.Duration{0, 0, 0, 0, 250, 500, 1000, 2000, 4000, 5000, 5000} {
			if took := try(g, away, "teld", false); took != want*time.Millisecond {
				t.Errorf("guess %d waits %v, want %d ms", i+1, took, want)
			}
		}
		// Guessing at several users from one address is the same guessing.
		if took := try(g, away, "byd", false); took != 5*time.Second {
			t.Errorf("a guess at another user waits %v", took)
		}
		// In a quarter of an hour it is forgotten.
		time.Sleep(forgetAfter + time.Second)
		if took := try(g, away, "teld", false); took != 0 {
			t.Errorf("after a while a guess waits %v", took)
		}
	})
}

// Many connections at once guess no faster than one.
func TestGuessingAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard()
		checked := make(chan struct{}, 10_000)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for range 500 {
			go func() {
				for ctx.Err() == nil {
					a, ok := g.admit(ctx, away, "teld")
					if !ok {
						time.Sleep(time.Second) // connects again
						continue
					}
					time.Sleep(10 * time.Millisecond) // PBKDF2
					a.end(false)
					checked <- struct{}{}
				}
			}()
		}
		synctest.Wait()
		<-ctx.Done()
		synctest.Wait()
		if n := len(checked); n < 10 || n > 30 {
			t.Errorf("%d passwords were checked in a minute, want about 20", n)
		}
		if len(g.addrs) > 1 {
			t.Errorf("%d entries for one address", len(g.addrs))
		}
		time.Sleep(10 * time.Second)
	})
}

// A stranger cannot lock a party out: from where it usually comes it waits for
// nothing, from elsewhere at most two seconds.
func TestNobodyIsLockedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard()
		try(g, home, "teld", true)
		for i := range 1000 { // from a thousand addresses
			addr := netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)})
			for range 4 {
				a, ok := g.admit(t.Context(), addr, "teld")
				if ok {
					a.end(false)
				}
			}
		}
		if took := try(g, home, "teld", true); took != 0 {
			t.Errorf("the party waits %v where it usually comes from", took)
		}
		if took := try(g, netip.MustParseAddr("203.0.113.9"), "teld", true); took != mostByName {
			t.Errorf("the party waits %v where it has not been yet, want %v", took, mostByName)
		}
		if took := try(g, netip.MustParseAddr("203.0.113.9"), "teld", true); took != 0 {
			t.Errorf("the party waits %v where it has been", took)
		}
		if took := try(g, home, "byd", true); took != 0 {
			t.Errorf("another party waits %v", took)
		}
		// A neighbour behind the same address guesses at somebody else.
		for range 20 {
			try(g, home, "starshine", false)
		}
		if took := try(g, home, "teld", true); took != 0 {
			t.Errorf("the party waits %v for its neighbour", took)
		}
		// One of its own devices has an old password.
		for range 6 {
			try(g, home, "teld", false)
		}
		if took := try(g, home, "teld", true); took <= 0 || took > mostByAddr {
			t.Errorf("after failures of its own the party waits %v", took)
		}
		if took := try(g, home, "teld", true); took != 0 {
			t.Errorf("after a login the party waits %v", took)
		}
	})
}

// Logging in as oneself does not make guessing at others free again.
func TestOwnLoginDoesNotForgiveGuesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard()
		waited := time.Duration(0)
		for range 12 {
			try(g, away, "byd", true)
			waited += max(0, try(g, away, "teld", false))
		}
		if waited < 20*time.Second {
			t.Errorf("12 guesses took %v", waited)
		}
	})
}

// Thousands of addresses guess at once, before the party has logged in: each of
// them has one password checked, the rest is sent away, and the party gets in.
func TestGuessesFromEverywhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard()
		hash := make(chan struct{}, 1) // one at a time, 10 ms
		var checked atomic.Int64
		login := func(addr netip.Addr, right bool) bool {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			a, ok := g.admit(ctx, addr, "teld")
			if !ok {
				return false
			}
			hash <- struct{}{}
			time.Sleep(10 * time.Millisecond)
			<-hash
			checked.Add(1)
			a.end(right)
			return right
		}
		for i := range 8000 { // four from each of two thousand
			go login(netip.AddrFrom4([4]byte{198, 51, byte(i / 4 >> 8), byte(i / 4)}), false)
		}
		synctest.Wait()
		began, tries := time.Now(), 0
		for !login(home, true) {
			if tries++; tries > 5 {
				t.Fatalf("the party is not in after %v", time.Since(began))
			}
			time.Sleep(time.Second)
		}
		if took := time.Since(began); took > 25*time.Second {
			t.Errorf("the party waited %v", took)
		}
		began = time.Now()
		if !login(home, true) || time.Since(began) > time.Second {
			t.Error("the party waits again where it has been")
		}
		time.Sleep(time.Minute)
		if n := checked.Load(); n > 2100 {
			t.Errorf("%d passwords of 8000 were checked", n)
		}
		if len(g.checks) != 0 {
			t.Errorf("%d places are still taken", len(g.checks))
		}
	})
}

func TestGuardIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard()
		for range 12 { // who matters stays
			try(g, away, "teld", false)
		}
		for i := range 3 * maxGuessers {
			addr := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
			try(g, addr, fmt.Sprint("user", i), i%2 == 0)
		}
		if a, p, n := len(g.addrs), len(g.proven), len(g.names); a > maxGuessers || p > maxGuessers || n > maxGuessers {
			t.Errorf("%d addresses, %d proven, %d names", a, p, n)
		}
		if took := try(g, away, "teld", false); took <= 0 {
			t.Errorf("a flood makes guesses forgotten: %v", took)
		}
		// Nothing is left of who never failed.
		if try(g, nobody, "x", true); g.addrs[origin{addr: nobody}] != nil {
			t.Error("an address without failures is kept")
		}
	})
}

// At the door: a guesser is told to wait, 0x9F or 3, and the party gets in.
func TestGuessingAtTheDoor(t *testing.T) {
	d := start(t, Config{}, Deps{Auth: newPeople(), Taker: newBelt(false)})
	login(t, d, 4, "first", "teld") // from now on this address is its usual one
	wrong := func(v5 bool) []byte {
		if v5 {
			return frame(0x10, field("MQTT"), []byte{5, 0xC2, 0, 60, 0}, field("c"), field("byd"), field("guess"))
		}
		return frame(0x10, field("MQTT"), []byte{4, 0xC2, 0, 60}, field("c"), field("byd"), field("guess"))
	}
	var all []*wire
	for i := range 60 {
		w := dial(t, d)
		w.send(wrong(i%2 == 0)...)
		all = append(all, w)
	}
	began := time.Now()
	login(t, d, 5, "second", "teld").ping()
	if took := time.Since(began); took > time.Second {
		t.Errorf("the party waited %v", took)
	}
	codes := map[byte]int{}
	eventually(t, "guessers are refused", func() bool { return d.Stats().Refused["guessing"] > 20 })
	for _, w := range all {
		w.nc.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		var head [4]byte
		if n, _ := w.r.Read(head[:]); n == 4 {
			codes[head[3]]++
		}
	}
	if codes[0x9F] == 0 || codes[3] == 0 || codes[0] > 0 {
		t.Errorf("answers by code: %v", codes)
	}
}
