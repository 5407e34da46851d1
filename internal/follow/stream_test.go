package follow

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/dianchi-platform/dianchi/internal/spool"
)

// stand is a server whose live state moves only as a test says.
func stand(t *testing.T, records int) (*Server, string) {
	t.Helper()
	sp, err := spool.Open(spool.Config{Dir: t.TempDir(), FloorBytes: -1}, quiet, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sp.Close(t.Context()) })
	for i := range records {
		if _, err := sp.Append([]byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := sp.WaitSynced(t.Context(), uint64(records)); err != nil {
		t.Fatal(err)
	}
	s := NewServer(ServerConfig{Token: "internal", Instance: "one"}, quiet, Sources{Journal: sp})
	h := httptest.NewServer(s)
	t.Cleanup(func() { s.Stop(t.Context()); h.Close() })
	return s, h.URL
}

// Records that are durable but not yet in the server's live state wait, and
// every tick stands behind exactly the records that it closed.
func TestStreamOrder(t *testing.T) {
	s, url := stand(t, 10)
	s.Tick(1, 1000, 0)
	s.Tick(2, 2000, 3)
	s.Advance(5)
	frames := newFrameReader(get(t, url+"/internal/stream?after=0", "Bearer internal").Body)
	read := func(n int) (got []string) {
		t.Helper()
		for range n {
			k, p, err := frames.next()
			if err != nil {
				t.Fatal(err)
			}
			switch k {
			case kindRecord:
				seq, _, _ := parseRecord(p)
				got = append(got, fmt.Sprint(seq))
			case kindTick:
				rev, _, _ := parseTick(p)
				got = append(got, fmt.Sprint("t", rev))
			case kindAccess:
				got = append(got, "a")
			}
		}
		return got
	}
	f := func(want ...string) {
		t.Helper()
		if got := read(len(want)); !slices.Equal(got, want) {
			t.Fatalf("the stream brought %v, want %v", got, want)
		}
	}

	f("t1", "1", "2", "3", "t2", "4", "5")
	s.Tick(3, 3000, 5) // had 6 been sent by now, this one would be wrong
	f("t3")
	s.SetAccess(nil, nil)
	f("a")
	s.Advance(7)
	f("6", "7")
	s.Tick(4, 4000, 7)
	s.Tick(5, 5000, 9)
	f("t4", "8", "9", "t5")
	s.Advance(10)
	f("10")
}

// Where a follower may go on, and which ticks it has already.
func TestStreamFrom(t *testing.T) {
	s, url := stand(t, 10)
	s.Tick(1, 1000, 2)
	s.Tick(2, 2000, 4)
	s.Tick(3, 3000, 4)
	s.Tick(4, 4000, 10)
	f := func(query string, status int, want string) {
		t.Helper()
		resp := get(t, url+"/internal/stream?"+query, "Bearer internal")
		if resp.StatusCode != status {
			t.Fatalf("%s answers %s, want %d", query, resp.Status, status)
		}
		if status != http.StatusOK {
			return
		}
		got := ""
		for frames := newFrameReader(resp.Body); len(got) < len(want); {
			k, p, err := frames.next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if k == kindTick {
				rev, _, _ := parseTick(p)
				got += fmt.Sprint("t", rev, " ")
			} else {
				seq, _, _ := parseRecord(p)
				got += fmt.Sprint(seq, " ")
			}
		}
		if got != want {
			t.Fatalf("%s brings %q, want %q", query, got, want)
		}
	}

	f("after=4", 200, "t2 t3 5 6 7 8 9 10 t4 ")
	f("after=4&rev=2", 200, "t3 5 6 7 8 9 10 t4 ")
	f("after=4&rev=3&instance=one", 200, "5 6 7 8 9 10 t4 ")
	f("after=9&rev=3", 200, "10 t4 ")
	f("after=10&rev=3", 200, "t4 ")
	f("after=11", 410, "") // we never had it: another log, or an older one
	f("after=4&instance=two", 410, "")
	f("after=-1", 400, "")
	f("", 400, "")
}
