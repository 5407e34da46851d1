package ingest

import (
	"fmt"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/quality"
)

// Who is suspected is known again after a restart, with a snapshot and without,
// and is forgotten when it leaves.
func TestSuspectsSurvive(t *testing.T) {
	r := newRig(t).open(Catalog{})
	r.send(teld, charge.Stations, stationJSON("S1", "", "A"))
	now := charge.At(time.Now()) - 200_000
	send := func(party charge.Num, kind charge.Payload, format string, args ...any) {
		t.Helper()
		if err := r.tryAt(party, kind, fmt.Sprintf(format, args...), now); err != nil {
			t.Fatal(err)
		}
	}
	const meetings = 24
	for i := range meetings {
		car := benchVIN(i)
		send([]charge.Num{byd, nio}[i%2], charge.Vehicles, `{"vin":%q,"ts":%d,"lon":102.69858,"lat":25.00297}`, car, now)
		for range 5 {
			now += 1000
			send(teld, charge.Piles, `{"id":"A","ts":%d,"status":3,"session":"%d","vin":%q}`, now, i, car)
		}
		now += 1000
		send(teld, charge.Piles, `{"id":"A","ts":%d,"status":2}`, now)
	}
	want := quality.Suspect{Party: teld, Shift: 1, Votes: meetings, Of: meetings}
	suspected := func(when string, want ...quality.Suspect) {
		t.Helper()
		// The last meeting counts within a second, when the next message comes.
		now += 2000
		send(teld, charge.Piles, `{"id":"A","ts":%d,"status":2}`, now)
		if got := r.p.Suspects(); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: suspected are %+v, want %+v", when, got, want)
		}
	}
	suspected("at first", want)
	flagged := 0
	for _, rec := range r.records() {
		for _, c := range rec.Rules {
			if c.Rule == charge.RuleCRSSuspect && rec.Party == teld && rec.Piles[0].Flagged {
				flagged += int(c.Count)
			}
		}
	}
	if flagged < 2 || flagged > meetings-20 {
		t.Errorf("%d reports are marked, want those after the 20th meeting", flagged)
	}

	all, last := r.records(), r.sp.Last()
	r.crash()
	r.open(booksAt(all, last, Catalog{}))
	if got := r.p.Suspects(); len(got) != 1 || got[0] != want {
		t.Errorf("after a replay of the log: %+v", got)
	}
	if err := r.p.commit.snapshotNow(t.Context()); err != nil {
		t.Fatal(err)
	}
	all, last = r.records(), r.sp.Last()
	r.crash()
	r.open(booksAt(all, last, Catalog{}))
	if got := r.p.Suspects(); len(got) != 1 || got[0] != want {
		t.Errorf("from a snapshot: %+v", got)
	}
	suspected("as it goes on", want)
	r.p.PartiesChanged(nil, []charge.Party{r.people.remove(teld)})
	r.eventually(func() bool { return !r.has(teld) })
	now += 2000
	send(star, charge.Stations, "%s", stationJSON("S1", "", "A"))
	if got := r.p.Suspects(); len(got) != 0 {
		t.Errorf("after it left: %+v", got)
	}
}
