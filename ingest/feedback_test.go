package ingest

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// The account adds up, in each feedback and over all of them; samples are few
// and short; after a restart it is said once more, and goes on.
func TestFeedback(t *testing.T) {
	r := newRig(t).open(Catalog{})
	r.send(teld, charge.Stations, stationJSON("S1", "", "A"))
	now := time.Now()
	var bad strings.Builder
	for i := range 50 {
		fmt.Fprintf(&bad, `{"id":"X%d","ts":%d,"status":1,"note":"%s"},`, i, now.UnixMilli(), strings.Repeat("电", 300))
	}
	message := "[" + bad.String() + pileJSON("A", now, 2, 60) + `,{"id":"A","ts":1},7]`
	r.send(teld, charge.Piles, message)
	r.send(teld, charge.Piles, message)
	r.send(teld, charge.Piles, pileJSON("A", now.Add(time.Second), 3, 60))
	r.send(teld, charge.Piles, "{\"id\":\"A\xff\"}")

	const received = 1 + 53 + 53 + 1 + 1
	check := func(all []feedback, from counts) {
		t.Helper()
		sum := charge.Account(from)
		for i, f := range all {
			sum.Add(charge.Account(f.counts))
			if !f.addUp() || !f.Total.addUp() || f.Total != counts(sum) {
				t.Errorf("feedback %d: %+v, total %+v, want a total of %+v", i, f.counts, f.Total, sum)
			}
			for _, rule := range f.Rules {
				if len(rule.Samples) > 20 || rule.Count < len(rule.Samples) || len(rule.Samples) == 0 {
					t.Errorf("rule %s: count %d with %d samples", rule.Rule, rule.Count, len(rule.Samples))
				}
				for _, s := range rule.Samples {
					if len(s.Payload) > 512 || !utf8.ValidString(s.Payload) || s.Detail == "" ||
						strings.ContainsRune(s.Payload+s.ID, 0) {
						t.Errorf("sample of %s: %d bytes of payload, %+v", rule.Rule, len(s.Payload), s)
					}
				}
			}
		}
	}
	all := r.told("teld", received)
	check(all, counts{})
	last := all[len(all)-1].Total
	if want := (counts{Received: received, Taken: 3, Duplicate: 1, Rejected: 105}); last != want {
		t.Errorf("total %+v, want %+v", last, want)
	}
	rules := map[string]int{}
	for _, f := range all {
		for _, rule := range f.Rules {
			rules[rule.Rule+" "+rule.Action] += rule.Count
		}
	}
	for rule, n := range map[string]int{
		"id.unknown reject": 100, "msg.field-missing reject": 2, "dup.exact duplicate": 1, "msg.malformed reject": 1,
		"status.power-not-charging flag": 1,
	} {
		if rules[rule] != n {
			t.Errorf("rule %s counted %d times, want %d: %v", rule, rules[rule], n, rules)
		}
	}
	// Nothing to say, nothing said.
	n := len(r.told("teld", received))
	time.Sleep(3 * r.cfg.FeedbackEvery)
	if m := len(r.told("teld", received)); m != n {
		t.Errorf("%d feedbacks more without a report", m-n)
	}
	if len(r.words["star"]) > 0 {
		t.Error("feedback for a party that sent nothing")
	}

	for _, snapshot := range []bool{false, true} {
		if snapshot {
			if err := r.p.commit.snapshotNow(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		r.crash()
		r.mu.Lock()
		clear(r.words)
		r.mu.Unlock()
		r.open(Catalog{})
		again := r.told("teld", received)
		if f := again[0]; f.Total != last || f.counts != (counts{}) {
			t.Errorf("after a restart the party is told %+v, want the total alone, %+v", f, last)
		}
	}
	r.send(teld, charge.Piles, pileJSON("A", now.Add(2*time.Second), 3, 61))
	check(r.told("teld", received+1), last)
}

// A removed party is told nothing more, and its objects leave live, also when
// it was removed while the platform was down.
func TestRemovedParty(t *testing.T) {
	r := newRig(t).open(Catalog{})
	r.send(teld, charge.Stations, stationJSON("S1", "", "A"))
	r.send(star, charge.Stations, stationJSON("S1", "", "A"))
	r.send(byd, charge.Fleet, fmt.Sprintf(`{"vin":%q}`, vin))
	r.p.PartiesChanged(nil, []charge.Party{r.people.remove(teld)})
	r.eventually(func() bool { return r.live.Overview().Stations == 1 })
	r.people.remove(byd)
	r.crash()
	r.open(Catalog{})
	r.eventually(func() bool { o := r.live.Overview(); return o.Vehicles.Total == 0 && o.Stations == 1 })
	// The vehicle may be another maker's from here on.
	if got := r.send(nio, charge.Fleet, fmt.Sprintf(`{"vin":%q}`, vin)); got.Taken != 1 {
		t.Errorf("a removed maker's vehicle: %+v", got)
	}
	ends := 0
	r.eventually(func() bool { return !r.has(byd) && !r.has(teld) })
	for _, rec := range r.records() {
		if rec.Kind == record.PartyGone {
			ends++
		}
	}
	if ends != 2 {
		t.Errorf("%d ends of parties in the log, want 2", ends)
	}
}

// tickAt closes a revision as if it were that moment.
func (r *rig) tickAt(at charge.Millis) {
	r.t.Helper()
	ran := make(chan struct{})
	r.p.commit.chunks <- func() { r.p.commit.tick(at); close(ran) }
	<-ran
}

// The 5-minute rows of a moment are written once, by the first tick after it,
// also when the platform is started again and when the clock is set back.
func TestTotalsOnce(t *testing.T) {
	r := newRig(t).open(Catalog{})
	r.send(teld, charge.Stations, stationJSON("S1", "", "A"))
	r.send(teld, charge.Piles, pileJSON("A", time.Now(), 3, 60))
	now := charge.At(time.Now())
	first := now - now%totalsEvery + totalsEvery
	want := func(rows ...charge.Millis) {
		t.Helper()
		var got []charge.Millis
		look := func() bool {
			got = nil
			for _, rec := range r.records() {
				if rec.Kind == record.Totals {
					got = append(got, rec.Received)
				}
			}
			return fmt.Sprint(got) == fmt.Sprint(rows)
		}
		for end := time.Now().Add(time.Second); !look() && time.Now().Before(end); {
			time.Sleep(5 * time.Millisecond)
		}
		if time.Sleep(20 * time.Millisecond); !look() {
			t.Fatalf("rows of %v, want %v", got, rows)
		}
	}
	r.tickAt(first - 1)
	want()
	r.tickAt(first + 300)
	r.tickAt(first + 1300)
	want(first)
	if err := r.p.commit.snapshotNow(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.crash() // the snapshot covers the rows, and the clock is set back
	r.open(Catalog{})
	r.tickAt(first + 2000)
	want(first)
	r.tickAt(first + totalsEvery)
	want(first, first+totalsEvery)
	r.crash() // the rows are in the log only
	r.open(Catalog{})
	r.tickAt(first + totalsEvery + 1)
	r.tickAt(first + 2*totalsEvery)
	r.tickAt(first + 2*totalsEvery + 1)
	want(first, first+totalsEvery, first+2*totalsEvery)
	for _, rec := range r.records() {
		if rec.Kind == record.Totals && rec.Received == first {
			for _, row := range rec.Rows {
				if row.Scope == record.ScopeOperator && row.ID == "teld" && (row.Taken != 1 || row.PowerKW != 60) {
					t.Errorf("row of teld: %+v, want the one pile report and its 60 kW", row)
				}
			}
		}
	}
}

// For a moment at which the platform was down there is no row.
func TestNoRowForATimeOfAbsence(t *testing.T) {
	const five = charge.Millis(totalsEvery)
	f := func(at, row, now, want charge.Millis) {
		t.Helper()
		c := new(committer)
		c.resume(7, at, row, now)
		if c.row != want || c.rev != 7 {
			t.Errorf("started at %d after the last tick at %d and rows of %d: rows after %d, want %d", now, at, row, c.row, want)
		}
	}
	f(0, 0, 100*five+1, 100*five)                      // the first start ever
	f(99*five+1000, 99*five, 99*five+3000, 99*five)    // a restart in between: the next row comes
	f(99*five+1000, 99*five, 100*five+1, 100*five)     // down at 100
	f(100*five+10, 99*five, 100*five+900, 100*five)    // the tick was, but its rows were not on disk: down
	f(100*five+10, 100*five, 99*five+900, 100*five)    // the clock was set back
	f(100*five+10, 101*five, 100*five+900, 101*five)   // rows that no snapshot covers
	f(99999*five+10, 99999*five, 100*five+9, 100*five) // the clock was wrong by days
}

// When the platform ends right after T, before T's rows are on disk, the next
// start writes them; when they are on disk, or the end was later, it does not.
func TestRowsOfTheLastMoments(t *testing.T) {
	const five = charge.Millis(totalsEvery)
	f := func(settled, at, now charge.Millis, want string) {
		t.Helper()
		r := newRig(t).open(Catalog{})
		r.p.Stop(t.Context())
		c := r.p.commit
		c.owed, c.settled = nil, settled
		c.pass(at, now)
		got := ""
		for _, body := range c.owed {
			var rec record.Record
			if err := rec.Decode(body); err != nil {
				t.Fatal(err)
			}
			got += fmt.Sprintf("%d at %d; ", rec.Kind, rec.Received/five)
		}
		if got != want {
			t.Errorf("settled %d, ended at %d, started at %d: owed %q, want %q", settled, at, now, got, want)
		}
	}
	rows := fmt.Sprintf("%d at 100; %d at 100; ", record.Totals, record.Quality)
	passed := fmt.Sprintf("%d at 103; ", record.Passed)

	f(99*five, 100*five+200, 100*five+5000, rows)
	f(99*five, 100*five+200, 103*five+5000, rows)
	f(99*five, 100*five, 100*five+1, rows)
	f(98*five, 100*five+200, 100*five+5000, rows)
	f(100*five, 100*five+200, 100*five+5000, "")
	f(100*five, 100*five+200, 103*five+5000, passed)
	f(99*five, 100*five+lastMoments, 100*five+60_000, "")
	f(99*five, 100*five+lastMoments, 103*five, passed)
	f(99*five, 99*five+60_000, 103*five, passed)
	f(0, 0, 103*five, "")
}

// Whatever rule an account counts, it has a sample of: also when all that it
// tells of was judged while the one before it was said.
func TestEachMessageHasASampleOfEachRule(t *testing.T) {
	d := newDesk(t)
	bad := "[" + strings.TrimSuffix(strings.Repeat(`{"id":"X","ts":1,"status":1},`, 50), ",") + "]"
	for i, want := range []int{20, 1, 1} {
		d.send(teld, charge.Piles, bad)
		if n := len(d.j.samples); n != want {
			t.Errorf("message %d has %d samples, want %d", i, n, want)
		}
	}
	d.j.round.Add(1) // an account was said
	d.send(teld, charge.Piles, bad)
	if n := len(d.j.samples); n != 20 {
		t.Errorf("after an account a message has %d samples, want 20", n)
	}
}

// A snapshot knows which rows are written, also if it was made right after them.
func TestSnapshotKnowsTheRows(t *testing.T) {
	r := newRig(t).open(Catalog{})
	r.send(teld, charge.Stations, stationJSON("S1", "", "A"))
	now := charge.At(time.Now())
	next := now - now%totalsEvery + totalsEvery
	r.tickAt(next + 10)
	r.eventually(func() bool { return r.p.Applied() >= 3 }) // station, totals, quality
	if err := r.p.commit.snapshotNow(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.crash()
	r.open(Catalog{})
	if got := r.p.commit.settled; got != next {
		t.Errorf("the newest rows are of %d, want %d", got, next)
	}
	if n := len(r.p.commit.owed); n > 0 {
		t.Errorf("%d records are owed although the rows are written", n)
	}
}

// What was gathered before a time of absence is in no later row.
func TestRowsAfterAnAbsenceBeginAnew(t *testing.T) {
	r := newRig(t).open(Catalog{})
	old := charge.At(time.Now()) - 2*totalsEvery
	if err := r.tryAt(teld, charge.Stations, stationJSON("S1", "", "A"), old); err != nil {
		t.Fatal(err)
	}
	if err := r.tryAt(teld, charge.Piles, pileJSON("A", old.Time(), 3, 60), old); err != nil {
		t.Fatal(err)
	}
	r.crash()
	r.open(Catalog{})
	kinds := func(kind record.Kind) (found []*record.Record) {
		for _, rec := range r.records() {
			if rec.Kind == kind {
				found = append(found, rec)
			}
		}
		return found
	}
	r.eventually(func() bool { return len(kinds(record.Passed)) == 1 })
	if q := kinds(record.Passed)[0].Quality; len(q) != 1 || q[0].Counts.Received != 2 {
		t.Errorf("what nobody wrote is %+v, want the two reports", q)
	}
	now := charge.At(time.Now())
	r.tickAt(now - now%totalsEvery + totalsEvery)
	r.eventually(func() bool { return len(kinds(record.Totals)) == 1 })
	r.eventually(func() bool { return len(kinds(record.Quality)) == 1 })
	for _, row := range kinds(record.Quality)[0].Quality {
		if !row.Counts.Zero() {
			t.Errorf("quality row of party %d has %+v of the time before, want nothing", row.Party, row.Counts)
		}
	}
	for _, row := range kinds(record.Totals)[0].Rows {
		if row.Taken != 0 {
			t.Errorf("row of %d %q has %d reports of the time before, want none", row.Scope, row.ID, row.Taken)
		}
	}
}

// No number of a feedback is given twice, also not after a crash, with an old
// snapshot and without any.
func TestFeedbackNumbersAreGivenOnce(t *testing.T) {
	r := newRig(t).open(Catalog{})
	r.send(teld, charge.Stations, stationJSON("S1", "", "A"))
	now, last, sent := time.Now(), uint64(0), uint64(1)
	hear := func(when string) {
		t.Helper()
		for range 5 {
			sent++
			r.send(teld, charge.Piles, pileJSON("A", now.Add(time.Duration(sent)*time.Millisecond), 3, 60))
			r.told("teld", sent)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, f := range r.words["teld"] {
			if f.Seq <= last {
				t.Errorf("%s: seq %d after %d", when, f.Seq, last)
			}
			last = f.Seq
		}
		clear(r.words)
	}
	hear("at first")
	if last > 20 {
		t.Errorf("the first numbers go up to %d", last)
	}
	r.crash()
	r.open(Catalog{})
	hear("after a crash without a snapshot")
	if err := r.p.commit.snapshotNow(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		before := last
		hear("after a snapshot")
		r.crash()
		r.open(Catalog{})
		hear("after a crash with a snapshot")
		if last > before+5000 { // 20 ms each
			t.Errorf("a restart skips from %d to %d", before, last)
		}
	}
}
