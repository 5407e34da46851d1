package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// truth is what ingest says of its last revisions: the whole sums, which change
// with every report.
type truth struct {
	conn *websocket.Conn
	mu   sync.Mutex
	said map[string]string // by channel and revision
	err  error
	done chan struct{}
}

// sums are the feeds that are compared.
var sums = []string{"overview", "operators", "makers", "districts"}

// openSums subscribes to them.
func openSums(ctx context.Context, at string) (*websocket.Conn, error) {
	conn, _, err := websocket.DefaultDialer.DialContext(ctx, "ws://"+at+"/api/v1/live", nil)
	if err != nil {
		return nil, err
	}
	for _, feed := range sums {
		sub := fmt.Appendf(nil, `{"op":"sub","id":%q,"feed":%q}`, feed, feed)
		if err := conn.WriteMessage(websocket.TextMessage, sub); err != nil {
			return nil, err
		}
	}
	return conn, nil
}

type sumFrame struct {
	Ch, Rev string
	Data    json.RawMessage
}

func watchTruth(ctx context.Context, at string) (*truth, error) {
	conn, err := openSums(ctx, at)
	if err != nil {
		return nil, err
	}
	t := &truth{conn: conn, said: map[string]string{}, done: make(chan struct{})}
	go func() {
		defer close(t.done)
		for {
			var f sumFrame
			err := conn.ReadJSON(&f)
			t.mu.Lock()
			if f.Ch != "" {
				t.said[f.Ch+" "+f.Rev] = string(f.Data)
			}
			t.err = err
			t.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return t, nil
}

func (t *truth) close() {
	t.conn.Close()
	<-t.done
}

// agrees returns nil as soon as a replica has told, of a revision that ingest
// told of, each of the sums in the very same bytes.
func (t *truth) agrees(ctx context.Context, at string, within time.Duration) error {
	conn, err := openSums(ctx, at)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetReadDeadline(time.Now().Add(within)); err != nil {
		return err
	}
	same := map[string]bool{}
	for len(same) < len(sums) {
		var f sumFrame
		if err := conn.ReadJSON(&f); err != nil {
			return fmt.Errorf("it does not tell what ingest told: %w", err)
		}
		if f.Ch == "" {
			continue
		}
		want, err := t.wait(f.Ch+" "+f.Rev, time.Second)
		switch {
		case err != nil:
			return err
		case want == "": // of a revision before we looked
		case want != string(f.Data):
			return fmt.Errorf("%s at %s: %.300s; ingest: %.300s", f.Ch, f.Rev, f.Data, want)
		default:
			same[f.Ch] = true
		}
	}
	return nil
}

// wait returns what ingest said; a replica may be sooner with it.
func (t *truth) wait(key string, within time.Duration) (string, error) {
	for end := time.Now().Add(within); ; time.Sleep(5 * time.Millisecond) {
		t.mu.Lock()
		s, err := t.said[key], t.err
		t.mu.Unlock()
		if s != "" || err != nil || time.Now().After(end) {
			return s, err
		}
	}
}
