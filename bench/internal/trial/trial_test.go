package trial

import (
	"strings"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/bench/internal/stream"
	"github.com/dianchi-platform/dianchi/internal/charge"
)

// An operator with 2 stations and 100 reports, a late one with 1 and 50, two
// makers with 5 vehicles and 40 reports each.
func TestBooks(t *testing.T) {
	f := func(change func(b *Books, vehicles *uint64), want ...string) {
		t.Helper()
		account := func(slug string, kind charge.Payload, masters, reports uint64) Account {
			return Account{Slug: slug, Kind: kind, Count: stream.Count{Masters: masters, Published: reports, Acked: reports},
				Totals: Totals{Received: masters + reports, Taken: masters + reports}, Points: reports}
		}
		b := &Books{Accounts: []Account{account("op", charge.Piles, 2, 100), account("late", charge.Piles, 1, 50),
			account("m1", charge.Vehicles, 5, 40), account("m2", charge.Vehicles, 5, 40)}}
		b.Accounts[1].Totals = Totals{Received: 51, Taken: 1, History: 50}
		vehicles := uint64(80)
		change(b, &vehicles)
		b.compare(vehicles)
		if got := strings.Join(b.Gaps, "; "); got != strings.Join(want, "; ") {
			t.Errorf("gaps %q, want %q", got, want)
		}
	}

	f(func(*Books, *uint64) {})
	f(func(b *Books, _ *uint64) { b.Accounts[0].Count.Acked, b.Accounts[0].Points = 99, 99 },
		"op: 99 reports acknowledged, want 100 (-1)",
		"op: 102 elements received by the platform's account, want 101 (+1)", "op: 100 reports kept, want 99 (+1)")
	f(func(b *Books, _ *uint64) { b.Accounts[0].Totals.Taken = 101 },
		"op: 101 taken + duplicate + history + rejected, want 102 (-1)", "op: 99 reports kept, want 100 (-1)")
	f(func(b *Books, _ *uint64) { b.Accounts[1].Totals.History, b.Accounts[1].Totals.Duplicate = 49, 1 },
		"late: 49 reports kept, want 50 (-1)")
	f(func(b *Books, _ *uint64) { b.Accounts[0].Points = 101 }, "op: 101 points in InfluxDB, want 100 (+1)")
	f(func(_ *Books, v *uint64) { *v = 79 }, "all makers: 79 points in InfluxDB, want 80 (-1)")
	f(func(b *Books, _ *uint64) { b.Dropped = 3 }, "InfluxDB: 3 points refused, want 0 (+3)")
}

// A message belongs to the window in which it was sent, and to live or late ones.
func TestAcks(t *testing.T) {
	w := &Window{From: time.UnixMicro(1000), To: time.UnixMicro(2000)}
	tr := &Trial{Parties: []stream.Party{{Slug: "op"}, {Slug: "late", Late: true}}}
	ledger := []stream.Entry{
		{Due: 900, Sent: 999, Acked: 1500, Reports: 50},
		{Due: 990, Sent: 1000, Acked: 1500, Reports: 50},
		{Due: 1999, Sent: 1999, Acked: 2600, Reports: 30},
		{Due: 2000, Sent: 2000, Acked: 2600, Reports: 50},
		{Party: 1, Due: 1100, Sent: 1100, Acked: 1200, Reports: 50},
		{Due: 1100, Sent: 1100, Reports: 50},
	}
	a := tr.AcksIn(w, ledger, false)
	if a.Messages != 2 || a.Reports != 80 || a.Took[0] != 500*time.Microsecond || a.Took[1] != 601*time.Microsecond ||
		a.Behind[0] != 10*time.Microsecond {
		t.Errorf("live: %+v", a)
	}
	if a := tr.AcksIn(w, ledger, true); a.Messages != 1 || a.Took[0] != 100*time.Microsecond {
		t.Errorf("late: %+v", a)
	}
}
