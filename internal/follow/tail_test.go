package follow

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"reflect"
	"testing"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/tail"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// TestFollowersAskForTheTail holds what comes over the line against the book itself.
func TestFollowersAskForTheTail(t *testing.T) {
	b := tail.New()
	for seq := range uint64(4) {
		r := &record.Record{Kind: record.Message, Seq: seq + 1, Party: 3, Payload: charge.Vehicles, Received: 1795392000123,
			Account: charge.Account{Received: 5, Taken: 3, Rejected: 2},
			Rules:   []record.RuleCount{{Rule: charge.RuleIDUnknown, Action: charge.ActReject, Count: 2}}}
		b.Apply(r, tail.Sample{Rule: charge.RuleIDUnknown, Action: charge.ActReject, Kind: charge.Vehicles, ID: "X", TS: 7,
			Detail: "世纪城 <X>", Payload: `{"id":"X"`})
	}
	web := httptest.NewServer(NewServer(ServerConfig{Token: "secret"}, slog.New(slog.DiscardHandler), Sources{Tail: b}))
	defer web.Close()
	c, err := NewClient(ClientConfig{URL: web.URL, Token: "secret"}, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	f := func(party charge.Num, after uint64, want int) {
		t.Helper()
		have, _ := b.Messages(ctx, party, after)
		got, err := c.Messages(ctx, party, after)
		if err != nil || len(got) != want || want > 0 && !reflect.DeepEqual(got, have) {
			t.Errorf("party %d after %d: %+v, %v; want %+v", party, after, got, err, have)
		}
	}
	f(3, 0, 4)
	f(3, 3, 1)
	f(3, 4, 0)
	f(2, 0, 0)
	have, _ := b.Met(ctx, 3)
	if got, err := c.Met(ctx, 3); err != nil || !reflect.DeepEqual(got, have) {
		t.Errorf("rules %+v, %v; want %+v", got, err, have)
	}
	web.Close()
	if _, err := c.Met(ctx, 3); charge.CodeOf(err) != charge.NotReady {
		t.Errorf("a server that is away becomes %v", err)
	}
}
