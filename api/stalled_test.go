package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// TestStalledViewersHoldUpNobody: beside viewers that read nothing, one of them
// with an answer under way for which its reader waits as long as it takes,
// everyone else gets each revision before the next is made, a removed token cuts
// its viewers, and the platform stops.
func TestStalledViewersHoldUpNobody(t *testing.T) {
	w := busyWorld(t)
	h := w.api.Hub()
	h.replyWait = time.Hour
	reader, asker, cut := w.dialSlow(), w.dialSlow(), w.dial("t-ykc")
	reader.sub("a", `"feed":"stations",`+cityBox)
	cut.sub("a", `"feed":"overview"`)
	asker.send(`{"op":"auth","token":"t-teld"}`)
	asker.next()
	asker.sub("a", `"feed":"stations",`+cityBox)
	_ = asker.conn.SetWriteDeadline(time.Now().Add(time.Second))
	for asker.conn.WriteMessage(websocket.TextMessage, []byte(`{"op":"query","id":1,"near":[102.71,25.04],"limit":200}`)) == nil {
	}
	eventually(t, func() (waits bool) {
		h.each(func(v *viewer) { waits = waits || v.waits.Load() })
		return waits
	})

	const fast = 8
	var others []*client
	for range fast {
		c := w.dial("")
		c.sub("a", `"feed":"stations",`+cityBox)
		c.next()
		others = append(others, c)
	}
	for i := range 30 {
		w.churn(i)
		w.tick()
		for n, c := range others {
			if f := c.next(); f.Full || revNumber(t, f.Rev) != w.rev {
				t.Fatalf("at revision %d viewer %d gets %.100s", w.rev, n, f.raw)
			}
		}
	}
	if w.api.Stats().Skipped == 0 {
		t.Error("nobody was left out: the test shows nothing")
	}

	tokens := maps.Clone(testTokens)
	delete(tokens, "t-ykc")
	delete(tokens, "t-teld")
	w.setTokens(tokens)
	if code := cut.closed(15 * time.Second); code != closeTokenUnknown {
		t.Errorf("a viewer whose token was removed is closed with %d", code)
	}
	eventually(t, func() bool { return w.api.Stats().Viewers == fast+1 }) // the asker is gone, too
	w.churn(81)
	w.tick()
	for _, c := range others {
		c.next()
	}
}

// TestManyRevisionsShareFrames: however many revisions viewers come back with,
// few frames are made for them, and all lead to the same state.
func TestManyRevisionsShareFrames(t *testing.T) {
	w := busyWorld(t)
	first := w.dial("")
	ch := first.sub("a", `"feed":"stations",`+cityBox)[0]
	first.next()
	type past struct {
		rev   string
		n     uint64
		items map[string]map[string]json.RawMessage
	}
	var pasts []past
	const revisions = 50
	for i := range revisions {
		s := first.chans[ch]
		p := past{s.rev, s.n, make(map[string]map[string]json.RawMessage)}
		for id, o := range s.items {
			p.items[id] = maps.Clone(o)
		}
		pasts = append(pasts, p)
		w.churn(i)
		if i%7 == 3 {
			w.put(station(300, teld, center, 300)) // one that some know, and some do not
		}
		w.tick()
		first.next()
	}
	want := first.chans[ch].canon("stations")
	made := w.api.Stats().FramesMade
	for _, p := range pasts {
		c := w.dial("")
		c.chans[ch] = &channelState{rev: p.rev, n: p.n, items: p.items}
		c.sub("a", `"feed":"stations",`+cityBox+fmt.Sprintf(`,"rev":{%q:%q}`, ch, p.rev))
		if f := c.next(); f.Full {
			t.Fatalf("who comes back with %s gets everything anew", p.rev)
		}
		if got := c.chans[ch].canon("stations"); got != want {
			t.Fatalf("who comes back with %s holds\n%s\nwant\n%s", p.rev, got, want)
		}
	}
	if made = w.api.Stats().FramesMade - made; made > exactRevs+1+(revisions+bucketRevs-1)/bucketRevs+1 {
		t.Errorf("%d frames were made for %d revisions", made, revisions)
	}
}
