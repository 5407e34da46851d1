package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"sync"
	"sync/atomic"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/secret"
)

// CheckPassword returns the party that has this slug and password. A password
// that passed before costs no PBKDF2 again.
func (d *Directory) CheckPassword(ctx context.Context, slug, password string) (charge.Party, bool) {
	e := d.snap.Load().bySlug[slug]
	if e == nil || !d.verify(e, password) {
		// Added a moment ago, or has another password since?
		now := d.again(ctx).bySlug[slug]
		if now == nil || now == e || !d.verify(now, password) {
			d.refused.Add(1)
			return charge.Party{}, false
		}
		e = now
	}
	d.passwords.Add(1)
	return e.party, true
}

// entry is a party that may log in.
type entry struct {
	party charge.Party
	*memory
}

// memory is what is known of one password; it never outlives that. It holds
// two digests at most, so a flood of logins does not make it grow.
type memory struct {
	hashing   sync.Mutex // many logins at once cost one PBKDF2
	good, bad atomic.Pointer[[32]byte]
}

// remembered reports whether the answer for digest is known, and the answer.
func (m *memory) remembered(digest [32]byte) (known, ok bool) {
	if p := m.good.Load(); p != nil && subtle.ConstantTimeCompare(p[:], digest[:]) == 1 {
		return true, true
	}
	if p := m.bad.Load(); p != nil && subtle.ConstantTimeCompare(p[:], digest[:]) == 1 {
		return true, false
	}
	return false, false
}

// verify checks a password against e's hash.
func (d *Directory) verify(e *entry, password string) bool {
	mac := hmac.New(sha256.New, d.key[:])
	mac.Write([]byte(password))
	digest := [32]byte(mac.Sum(nil))
	if known, ok := e.remembered(digest); known {
		return ok
	}
	e.hashing.Lock()
	defer e.hashing.Unlock()
	if known, ok := e.remembered(digest); known {
		return ok
	}
	d.turns <- struct{}{} // a storm of logins leaves the other cores alone
	defer func() { <-d.turns }()
	ok, err := secret.CheckPassword(e.party.PasswordHash, password)
	if err != nil {
		d.log.Error("a party's password hash is damaged: give it a new password", "party", e.party.Slug, "err", err)
		return false
	}
	if ok {
		e.good.Store(&digest)
	} else {
		e.bad.Store(&digest)
	}
	return ok
}
