package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

func TestRankStations(t *testing.T) {
	w := newWorld(t)
	one, two, hidden, away := station(1, teld, center, 1, 2, 3), station(2, ykc, center, 4, 5), station(3, ykc, center, 6), station(4, teld, center, 7)
	one.District, hidden.Access = "530102", charge.Restricted
	w.put(one, two, hidden, away)
	for _, pile := range []charge.Num{1, 2, 7} {
		w.pile(teld, pile, charge.PileReport{Status: charge.StatusFault})
	}
	w.pile(teld, 3, charge.PileReport{Status: charge.StatusCharging})
	for _, pile := range []charge.Num{4, 5, 6} {
		w.pile(ykc, pile, charge.PileReport{Status: charge.StatusFault})
	}
	w.tick()
	f := func(query, want string) {
		t.Helper()
		var got struct {
			All      int
			Stations []struct{ ID string }
		}
		a := w.get("/api/v1/rank/stations?"+query, "t-regulator")
		if err := json.Unmarshal(a.body, &got); err != nil || a.status != 200 {
			t.Fatalf("%s = %d %s", query, a.status, a.body)
		}
		var ids []string
		for _, s := range got.Stations {
			ids = append(ids, s.ID)
		}
		if strings.Join(ids, " ") != want || got.All < len(ids) {
			t.Fatalf("%s = %v of %d, want %s", query, ids, got.All, want)
		}
	}

	// Of equal counts the greater share comes first; what is not public is there only if asked for.
	f("by=fault", "ykc:S2 teld:S1 teld:S4")
	f("by=fault&limit=1", "ykc:S2")
	f("by=fault&access=all", "ykc:S2 teld:S1 teld:S4 ykc:S3")
	f("by=inUse", "teld:S1")
	f("", "teld:S1 ykc:S2 teld:S4")
	f("by=fault&operator=teld", "teld:S1 teld:S4")
	f("by=fault&operator=nobody", "")
	f("by=fault&district=unknown", "ykc:S2 teld:S4")
	f("district=530102", "teld:S1")
	for _, bad := range []string{"by=alarm", "limit=0", "limit=5001", "operator=A", "crs=bd09"} {
		if a := w.get("/api/v1/rank/stations?"+bad, ""); a.status != 400 {
			t.Errorf("%s = %d, want 400", bad, a.status)
		}
	}
}

// TestLargeRanksTakeTurns: who asks for thousands waits for the others that do.
func TestLargeRanksTakeTurns(t *testing.T) {
	w := newWorld(t)
	w.tick()
	for _, who := range []string{"one", "two"} {
		if err := w.api.work.enter(t.Context(), who); err != nil {
			t.Fatal(err)
		}
	}
	if a := w.get("/api/v1/rank/stations?limit=200", ""); a.status != 200 {
		t.Fatalf("a short one = %d", a.status)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	rq := &request{Request: httptest.NewRequestWithContext(ctx, "GET", "/api/v1/rank/stations?limit=201", nil)}
	if err := w.api.rankStations(rq, new(answer)); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a long one does not wait: %v", err)
	}
}

func TestBorders(t *testing.T) {
	f := func(w *world, status int, want string) {
		t.Helper()
		a := w.get("/api/v1/borders", "")
		if a.status != status || !strings.Contains(string(a.body), want) {
			t.Fatalf("borders = %d %.300s, want %d with %s", a.status, a.body, status, want)
		}
	}

	f(newWorld(t), 404, `"not-found"`)
	// A ring ends where it began.
	f(fullWorld(t), 200, `{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"code":"530102","zh":"五华区","en":"Wuhua"},`+
		`"geometry":{"type":"MultiPolygon","coordinates":[[[[102.703,25.0452],[102.803,25.0452],[102.703,25.1452],[102.703,25.0452]]]]}}`)
}
