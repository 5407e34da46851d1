package api

import (
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// census counts open websockets by address and by token. It holds no more
// entries than there are viewers.
type census struct {
	mostAddress, mostToken int // 0: any number

	mu        sync.Mutex
	addresses map[netip.Addr]int
	tokens    map[string]int

	refusedAddress, refusedToken atomic.Uint64
}

func newCensus(l Limits) census {
	return census{mostAddress: l.AddressViewers, mostToken: l.TokenViewers,
		addresses: make(map[netip.Addr]int), tokens: make(map[string]int)}
}

// enter counts a viewer, whose address or token may be none. An error leaves
// it uncounted.
func (c *census) enter(addr netip.Addr, token string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if addr.IsValid() && c.mostAddress > 0 && c.addresses[addr] >= c.mostAddress {
		c.refusedAddress.Add(1)
		return charge.Errorf(tooManyViewers, "there are %d websockets from your address, more are not taken", c.mostAddress)
	}
	if token != "" && c.mostToken > 0 && c.tokens[token] >= c.mostToken {
		c.refusedToken.Add(1)
		return charge.Errorf(tooManyViewers, "there are %d websockets with this token, more are not taken", c.mostToken)
	}
	if addr.IsValid() {
		c.addresses[addr]++
	}
	if token != "" {
		c.tokens[token]++
	}
	return nil
}

// leave undoes enter.
func (c *census) leave(addr netip.Addr, token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if addr.IsValid() {
		if c.addresses[addr]--; c.addresses[addr] <= 0 {
			delete(c.addresses, addr)
		}
	}
	if token != "" {
		if c.tokens[token]--; c.tokens[token] <= 0 {
			delete(c.tokens, token)
		}
	}
}
