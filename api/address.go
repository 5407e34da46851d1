package api

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

// Proxies are the machines whose X-Forwarded-For is believed: loopback,
// private networks, or prefixes. The zero value believes nobody.
type Proxies struct {
	loopback, private bool
	prefixes          []netip.Prefix
	text              string
}

// ParseProxies reads a list such as "loopback,10.1.0.0/16,2001:db8::7": words
// loopback and private (RFC 1918, RFC 4193, RFC 6598 and link-local), addresses
// and prefixes. "none" is nobody.
func ParseProxies(list string) (Proxies, error) {
	p := Proxies{text: list}
	if list == "none" {
		return p, nil
	}
	for word := range strings.SplitSeq(list, ",") {
		switch word = strings.TrimSpace(word); word {
		case "loopback":
			p.loopback = true
			continue
		case "private":
			p.private = true
			continue
		}
		prefix, err := parsePrefix(word)
		if err != nil {
			return Proxies{}, fmt.Errorf("is not a list of loopback, private, addresses and prefixes such as 10.0.0.0/8, or none: %q", word)
		}
		p.prefixes = append(p.prefixes, prefix)
	}
	return p, nil
}

// parsePrefix reads an address or a prefix. What is IPv4 in IPv6's clothes
// becomes IPv4, and zones are left out, as with the addresses that it is
// compared with.
func parsePrefix(s string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(s)
	if addr, e := netip.ParseAddr(s); err != nil && e == nil {
		prefix, err = addr.Prefix(addr.BitLen())
	}
	if err == nil && prefix.Addr().Is4In6() {
		if prefix.Bits() < 96 {
			return prefix, fmt.Errorf("%s is wider than all of IPv4", s)
		}
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
	}
	return prefix.Masked(), err
}

// String returns the list that p was read from.
func (p Proxies) String() string { return p.text }

// shared is the address space between a carrier and its customers, RFC 6598.
var shared100 = netip.MustParsePrefix("100.64.0.0/10")

// trusts reports whether a is one of p. a is no IPv4 address in IPv6's clothes and has no zone.
func (p *Proxies) trusts(a netip.Addr) bool {
	if p.loopback && a.IsLoopback() {
		return true
	}
	if p.private && (a.IsPrivate() || a.IsLinkLocalUnicast() || shared100.Contains(a)) {
		return true
	}
	for _, prefix := range p.prefixes {
		if prefix.Contains(a) {
			return true
		}
	}
	return false
}

// maxHops is how many entries of X-Forwarded-For are looked at, from the right.
const maxHops = 16

// origin is where a request comes from.
type origin struct {
	addr netip.Addr // IPv6: its /64; the zero value is one that limits by address do not hold for
	// behind says that the peer speaks for others, but is not among the
	// proxies: all its clients count as one.
	behind bool
}

// originOf returns where r comes from: the peer, or, when the peer is a proxy
// of ours, the last address of X-Forwarded-For that is none; where all are, the
// first one. Proxies that ask for nobody else, and what is loopback at both ends,
// are not limited by address: health checks, local tools, and tests.
func (p *Proxies) originOf(r *http.Request) origin {
	forwarded := r.Header["X-Forwarded-For"]
	if p.loopback && forwarded == nil && strings.HasPrefix(r.RemoteAddr, "127.") {
		return origin{} // needs no parsing
	}
	var addr netip.Addr
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		addr = bare(peer.Addr())
	}
	if !p.trusts(addr) {
		return origin{addr: site(addr), behind: len(forwarded) > 0}
	}
	hops := 0
	for i := len(forwarded) - 1; i >= 0; i-- {
		for list := forwarded[i]; list != ""; hops++ {
			last := list
			if comma := strings.LastIndexByte(list, ','); comma >= 0 {
				list, last = list[:comma], list[comma+1:]
			} else {
				list = ""
			}
			hop, ok := parseHop(strings.TrimSpace(last))
			if !ok || hops == maxHops {
				return origin{addr: site(addr)} // what stands left of rubbish is rubbish
			}
			if addr = hop; !p.trusts(addr) {
				return origin{addr: site(addr)}
			}
		}
	}
	if hops == 0 || p.loopback && addr.IsLoopback() {
		return origin{}
	}
	return origin{addr: site(addr)}
}

// parseHop reads an entry of X-Forwarded-For; some proxies write the port, too,
// or IPv6 in brackets.
func parseHop(s string) (netip.Addr, bool) {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return bare(ap.Addr()), true
	}
	if inner, ok := strings.CutPrefix(s, "["); ok && strings.HasSuffix(inner, "]") {
		s = inner[:len(inner)-1]
	}
	a, err := netip.ParseAddr(s)
	return bare(a), err == nil
}

// bare returns a as prefixes know it: IPv4 where it is IPv4, without a zone.
func bare(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// site returns the address that limits count by: of IPv6 the /64, which is what
// one customer has.
func site(a netip.Addr) netip.Addr {
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return a
}
