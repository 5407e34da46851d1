package door

import (
	"container/list"
	"net"
	"net/netip"
)

// waiting are the sockets whose clients are not let in yet, oldest first. They
// are few for one address; when they are many in all, the oldest makes room,
// so whoever opens sockets and says nothing keeps nobody out. Door.mu guards it.
type waiting struct {
	order  list.List // of *conn
	byAddr map[netip.Addr]int
}

// add puts c at the end and returns whom it pushes out, if there are too many.
func (w *waiting) add(c *conn, most int) (out *conn) {
	if w.order.Len() >= most {
		out = w.order.Front().Value.(*conn)
		w.remove(out)
	}
	c.place = w.order.PushBack(c)
	w.byAddr[c.from]++
	return out
}

func (w *waiting) remove(c *conn) {
	if c.place == nil {
		return
	}
	w.order.Remove(c.place)
	c.place = nil
	if w.byAddr[c.from]--; w.byAddr[c.from] == 0 {
		delete(w.byAddr, c.from)
	}
}

// addrOf returns what stands for where a client comes from: its IPv4 address,
// or the /64 of its IPv6 address, which is what one customer has.
func addrOf(a net.Addr) netip.Addr {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	ip := t.AddrPort().Addr().Unmap().WithZone("")
	if ip.Is6() {
		if p, err := ip.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return ip
}
