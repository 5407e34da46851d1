package door

import (
	"net"
	"sync/atomic"
	"testing"
)

// Sockets that say nothing are few for one address and keep nobody out.
func TestSilentSocketsKeepNobodyOut(t *testing.T) {
	d := start(t, Config{MaxAddrWaiting: 20}, Deps{Auth: newPeople(), Taker: newBelt(false)})
	stays := login(t, d, 4, "stays", "teld")
	for range 20 {
		dial(t, d)
	}
	eventually(t, "sockets wait", func() bool { return d.Stats().Sockets == 21 })
	dial(t, d).wantClosed()
	if n := d.Stats().Refused["too-many-of-address"]; n != 1 {
		t.Errorf("%d are refused, want 1", n)
	}
	stays.ping()

	// In all: the oldest makes room.
	d = start(t, Config{MaxWaiting: 20}, Deps{Auth: newPeople(), Taker: newBelt(false)})
	oldest := dial(t, d)
	for range 19 {
		dial(t, d)
	}
	eventually(t, "sockets wait", func() bool { return d.Stats().Sockets == 20 })
	for range 30 {
		login(t, d, 4, "", "teld").ping()
	}
	oldest.wantClosed()
	if st := d.Stats(); st.Refused["pushed-out"] == 0 || st.Connections != 30 {
		t.Errorf("%+v", st)
	}
}

// What other parts of the process have open counts, too.
func TestConnectionsOfTheWholeProcess(t *testing.T) {
	var others atomic.Int64
	d := start(t, Config{MaxAll: 10}, Deps{Auth: newPeople(), Taker: newBelt(false), Others: func() int { return int(others.Load()) }})
	others.Store(8)
	first, second := login(t, d, 4, "a", "teld"), login(t, d, 4, "b", "teld")
	dial(t, d).wantClosed()
	if n := d.Stats().Refused["too-many-connections"]; n != 1 {
		t.Errorf("%d are refused, want 1", n)
	}
	first.ping()
	second.ping()
	others.Store(7)
	login(t, d, 4, "c", "teld").ping()
}

func TestAddrOf(t *testing.T) {
	f := func(addr, want string) {
		t.Helper()
		a, err := net.ResolveTCPAddr("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if got := addrOf(a).String(); got != want {
			t.Errorf("%s comes from %s, want %s", addr, got, want)
		}
	}
	f("192.0.2.1:5", "192.0.2.1")
	f("[::ffff:192.0.2.1]:5", "192.0.2.1")
	f("[2001:db8:1:2:3:4:5:6]:5", "2001:db8:1:2::")
	f("[fe80::1%lo]:5", "fe80::")
	ours, _ := net.Pipe()
	if got := addrOf(ours.LocalAddr()); got.IsValid() {
		t.Errorf("a pipe comes from %v", got)
	}
}

// One SUBSCRIBE names so many topics at most.
func TestFiltersAreFew(t *testing.T) {
	d := start(t, Config{MaxFilters: 3}, Deps{Auth: newPeople(), Taker: newBelt(false)})
	many := func(n int, v5 bool) (b []byte) {
		parts := [][]byte{{0, 1}}
		if v5 {
			parts[0] = append(parts[0], 0)
		}
		for range n {
			parts = append(parts, field(ownFeedback), []byte{1})
		}
		return frame(0x82, parts...)
	}
	w := login(t, d, 4, "a", "teld")
	w.send(many(3, false)...)
	w.want(0x90, 5, 0, 1, 1, 1, 1)
	w.send(many(4, false)...)
	w.wantClosed()
	w = login(t, d, 5, "a", "teld")
	w.send(many(4, true)...)
	w.want(0xE0, 2, 0x97, 0)
	w.wantClosed()
	eventually(t, "they are gone", func() bool { return d.Stats().Connections == 0 })
	if n := d.Stats().Refused["too-many-filters"]; n != 2 {
		t.Errorf("%d are counted, want 2", n)
	}
}
