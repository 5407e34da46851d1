package ingest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/ingest/door"
	"github.com/dianchi-platform/dianchi/internal/charge"
)

// yard is lanes with a clock of their own and a judge that counts.
type yard struct {
	*lanes
	t      testing.TB
	now    time.Time
	judged map[string]int // bytes by "party kind"
	order  map[string][]string
}

func newYard(t testing.TB, cfg Config) *yard {
	cfg.withBounds()
	return &yard{
		lanes: newLanes(&cfg), t: t, now: time.Unix(1_800_000_000, 0),
		judged: map[string]int{}, order: map[string][]string{},
	}
}

var kindNames = [2]string{"live", "late"}

func name(party charge.Num, kind int) string { return fmt.Sprint(party, " ", kindNames[kind]) }

// submit puts a message of so many bytes, its overhead among them, in; it must fit.
func (y *yard) submit(party charge.Num, kind, bytes int, text string) {
	y.t.Helper()
	m := message(party, bytes, text)
	ctx, cancel := context.WithTimeout(y.t.Context(), 5*time.Second)
	defer cancel()
	if !y.put(ctx, kind, &m) {
		y.t.Fatalf("a message of %d bytes of %s does not fit", bytes, name(party, kind))
	}
}

// message returns a party's message that takes so many bytes of its lane.
func message(party charge.Num, bytes int, text string) door.Message {
	return door.Message{Party: party, Payload: []byte(text + strings.Repeat(" ", bytes-overhead-len(text)))}
}

// tryJudge takes one message of so many reports, or returns how long to wait.
func (y *yard) tryJudge(reports uint64) (lane string, wait time.Duration) {
	m, l, wait := y.next(y.now)
	if l == nil {
		y.wake()
		return "", wait
	}
	lane = name(m.Party, l.kind)
	y.judged[lane] += cost(&m)
	y.order[lane] = append(y.order[lane], strings.TrimSpace(string(m.Payload)))
	y.done(l, cost(&m), reports)
	return lane, 0
}

// judge takes one message, waiting as long as it must.
func (y *yard) judge(reports uint64) (lane string, waited time.Duration) {
	y.t.Helper()
	for {
		lane, wait := y.tryJudge(reports)
		if lane != "" {
			return lane, waited
		}
		if wait > time.Hour {
			y.t.Fatal("nothing is there to be judged")
		}
		y.now = y.now.Add(wait)
		waited += wait
	}
}

// Parties with a backlog get the same bytes, however large their messages are,
// in the live lanes and in the late ones.
func TestPartiesTakeTurns(t *testing.T) {
	f := func(kind int, sizes ...int) {
		t.Helper()
		y := newYard(t, Config{PartyRate: 1 << 30, LateRate: 1 << 30})
		for i, size := range sizes {
			for range 2 << 20 / size {
				y.submit(charge.Num(1+i), kind, size, "")
			}
		}
		for sum := 0; sum < 1<<20*len(sizes); {
			before := y.used
			y.judge(1)
			sum += before - y.used
		}
		for i, size := range sizes {
			got, want := y.judged[name(charge.Num(1+i), kind)], 1<<20
			if off := got - want; max(off, -off) > slices.Max(sizes)+2*quantum {
				t.Errorf("%s lanes: party %d with messages of %d bytes has %d bytes judged, want %d", kindNames[kind], 1+i, size, got, want)
			}
		}
	}
	f(laneLive, 10_000, 10_000)
	f(laneLive, 300, 10_000, 262_400)
	f(laneLate, 300, 10_000)
	f(laneLate, 1<<20+overhead, 400, 400, 10_000)
}

// What one party submits to a lane is judged in its order.
func TestOrderWithinALane(t *testing.T) {
	y := newYard(t, Config{PartyRate: 1 << 30, LateRate: 1 << 30})
	var want []string
	for i := range 1000 {
		want = append(want, fmt.Sprint(i))
		for party := range charge.Num(3) {
			y.submit(1+party, laneLive, 300+i%7*100, fmt.Sprint(i))
			y.submit(1+party, laneLate, 300+i%5*100, fmt.Sprint(i))
		}
		if i%3 == 0 { // the rings turn
			y.judge(1)
		}
	}
	for y.used > 0 {
		y.judge(1)
	}
	for lane, got := range y.order {
		if !slices.Equal(got, want) {
			t.Errorf("%s: judged in the order %.200v", lane, got)
		}
	}
	if len(y.order) != 6 {
		t.Errorf("%d lanes", len(y.order))
	}
}

// While live messages wait, late ones get an eighth at most, and something;
// when none wait they get everything, up to their rate.
func TestLateShare(t *testing.T) {
	y := newYard(t, Config{PartyRate: 1 << 30, LateRate: 1 << 30})
	for range 180 {
		y.submit(1, laneLate, 10_000, "")
	}
	for range 800 {
		y.submit(2, laneLive, 10_000, "")
		y.judge(50)
	}
	late, live := y.judged[name(1, laneLate)], y.judged[name(2, laneLive)]
	if share := float64(late) / float64(late+live); share > 1.0/lateShare+0.02 || share < 0.1 {
		t.Errorf("late messages got %.3f of the judge", share)
	}
	for y.judged[name(2, laneLive)] < 800*10_000 {
		y.judge(50)
	}
	for y.used > 0 {
		if lane, waited := y.judge(50); lane != name(1, laneLate) || waited > 0 {
			t.Fatalf("%s after %v: nothing but late messages was left", lane, waited)
		}
	}
}

// All late lanes together keep to the late rate, each party to its own, and
// neither slows anybody else.
func TestRates(t *testing.T) {
	f := func(kind int, reports uint64, seconds int, want float64) {
		t.Helper()
		y := newYard(t, Config{PartyRate: 1000, LateRate: 500})
		start := y.now
		judged := map[string]uint64{}
		normal := name(3, laneLive)
		for step := 0; y.now.Sub(start) < time.Duration(seconds)*time.Second; step++ {
			for _, party := range []charge.Num{1, 2} {
				for y.lane(party, kind).count < 10 {
					y.submit(party, kind, 1000, "")
				}
			}
			if step%100 == 0 { // party 3 sends less than its rate
				y.submit(3, laneLive, 1000, "")
			}
			for {
				lane, _ := y.tryJudge(reports)
				if lane == "" {
					break
				}
				judged[lane] += reports
			}
			if got := judged[normal]; got != uint64(1+step/100)*reports {
				t.Fatalf("%s: the normal party waits: %d reports after %v", kindNames[kind], got, y.now.Sub(start))
			}
			y.now = y.now.Add(time.Duration(reports) * 100 * time.Microsecond)
		}
		for party := range charge.Num(2) {
			got := float64(judged[name(1+party, kind)]) / float64(seconds)
			if got > 1.02*want || got < 0.98*want {
				t.Errorf("%s: party %d gets %.0f reports/s, want %.0f", kindNames[kind], 1+party, got, want)
			}
		}
	}

	f(laneLive, 50, 600, 1000+partyBurst*1000/600.0)
	f(laneLive, 1000, 600, 1000+partyBurst*1000/600.0)
	f(laneLate, 10, 600, 250)
}

// A party may save up ten seconds of its rate, not more.
func TestBurst(t *testing.T) {
	y := newYard(t, Config{PartyRate: 1000})
	y.now = y.now.Add(time.Hour)
	for range 20 {
		y.submit(1, laneLive, 1000, "")
	}
	var waits []time.Duration
	for range 14 {
		_, waited := y.judge(1000)
		waits = append(waits, waited.Round(time.Millisecond))
	}
	// Ten are saved up, one more leaves a debt of a second, and so on.
	want := append(make([]time.Duration, partyBurst+1), time.Second, time.Second, time.Second)
	if !slices.Equal(waits, want) {
		t.Errorf("waits %v, want %v", waits, want)
	}
}

// A full lane keeps its own party waiting and nobody else, also not the same
// party's other lane; who waits comes in as soon as there is room, in order.
func TestFullLaneBlocksItsPartyOnly(t *testing.T) {
	y := newYard(t, Config{PartyRate: 1 << 30, LateRate: 1 << 30})
	y.limits.total, y.limits.reserve = 3*maxLive, 20_000
	for range maxLive / 10_000 {
		y.submit(1, laneLive, 10_000, "")
	}
	inside := make(chan int, 3)
	for i := range 3 {
		m := message(1, 200_000, fmt.Sprint(i))
		go func() { // as long as the test, however long it takes on a full machine
			if !y.put(t.Context(), laneLive, &m) {
				t.Errorf("waiter %d is sent away", i)
			}
			inside <- i
		}()
		y.outside(1 + i)
	}
	y.submit(1, laneLate, 10_000, "")
	for party := charge.Num(2); party <= 3; party++ { // the total, too, becomes full
		for y.fitsNow(party, laneLive, 10_000) {
			y.submit(party, laneLive, 10_000, "")
		}
	}
	if y.used < 3*maxLive-20_000 {
		t.Fatalf("only %d bytes wait", y.used)
	}
	for party := charge.Num(4); party < 30; party++ { // a party without a backlog finds room all the same
		y.submit(party, laneLive, 10_000, "")
		y.submit(party, laneLive, 10_000, "")
		if y.fitsNow(party, laneLive, 10_000) {
			t.Fatalf("party %d has more than its reserve of a full house", party)
		}
	}
	select {
	case i := <-inside:
		t.Fatalf("waiter %d is let in while its lane is full", i)
	default:
	}
	for y.used > 0 {
		y.judge(1)
	}
	for range 3 {
		<-inside
	}
	got := y.order[name(1, laneLive)]
	if got = got[len(got)-3:]; !slices.Equal(got, []string{"0", "1", "2"}) {
		t.Errorf("those who waited were judged in the order %v", got)
	}
	if live, late := y.slowed[laneLive], y.slowed[laneLate]; live != 3 || late != 0 {
		t.Errorf("%d and %d messages are said to have waited", live, late)
	}
}

func (y *yard) fitsNow(party charge.Num, kind, bytes int) bool {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.fits(y.lane(party, kind), bytes)
}

// outside waits until so many messages wait for room in party 1's live lane.
func (y *yard) outside(n int) {
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		y.mu.Lock()
		now := len(y.lane(1, laneLive).queue)
		y.mu.Unlock()
		if now == n {
			return
		}
		if time.Now().After(end) {
			y.t.Errorf("%d wait for room, want %d", now, n)
			return
		}
	}
}

// Who waits for room leaves with its context, and when the lanes close.
func TestWaitersLeave(t *testing.T) {
	y := newYard(t, Config{})
	y.limits.lane[laneLive] = 1000
	y.submit(1, laneLive, 1000, "")
	ctx, cancel := context.WithCancel(t.Context())
	told := make(chan bool, 3)
	wait := func(ctx context.Context, bytes int) {
		go func() {
			m := door.Message{Party: 1, Payload: make([]byte, bytes-overhead)}
			told <- y.put(ctx, laneLive, &m)
		}()
	}
	wait(ctx, 900)
	y.outside(1)
	wait(t.Context(), 600)
	y.outside(2)
	wait(t.Context(), 900)
	y.outside(3)
	cancel()
	if <-told {
		t.Error("a message is let in after its context has ended")
	}
	y.outside(2)
	y.judge(1)
	if !<-told { // the second
		t.Error("a message is sent away while there is room")
	}
	y.outside(1)
	y.close()
	if <-told {
		t.Error("a message is let in after the lanes were closed")
	}
	m := door.Message{Party: 2}
	if y.put(t.Context(), laneLive, &m) || len(y.blocked) > 0 {
		t.Error("closed lanes take messages")
	}
	if m, ok := y.rest(); !ok || len(m.Payload) != 600-overhead {
		t.Errorf("%d bytes are left to be refused, want the second message", len(m.Payload))
	}
	if _, ok := y.rest(); ok {
		t.Error("something more is left")
	}
}

// At the end no rate holds.
func TestFinishIgnoresRates(t *testing.T) {
	y := newYard(t, Config{PartyRate: 100, LateRate: 100})
	for range 100 {
		y.submit(1, laneLate, 1000, "")
		y.submit(1, laneLive, 1000, "")
	}
	y.judge(100_000)
	y.judge(100_000)
	if _, l, wait := y.next(y.now); l != nil || wait < time.Minute {
		t.Fatalf("judged after %v, although far over the rate", wait)
	}
	y.finish()
	<-y.more
	for y.used > 0 {
		if _, waited := y.judge(1000); waited > 0 {
			t.Fatalf("waited %v", waited)
		}
	}
}

// A message is late when its first and its last report are.
func TestLaneOf(t *testing.T) {
	received := charge.Millis(1_795_392_000_000)
	f := func(kind charge.Payload, payload string, want int) {
		t.Helper()
		m := door.Message{Kind: kind, Received: received, Payload: []byte(payload)}
		if got := laneOf(&m, 5*time.Minute); got != want {
			t.Errorf("%s %.100s goes to the %s lane", kind, payload, kindNames[got])
		}
	}
	old, edge, now := "1795391699999", "1795391700000", "1795392000000"
	report := func(ts string) string { return `{"id":"A","ts":` + ts + `,"status":3,"session":"S"}` }

	f(charge.Piles, report(old), laneLate)
	f(charge.Piles, report(edge), laneLive)
	f(charge.Piles, report(now), laneLive)
	f(charge.Vehicles, "["+report(old)+","+report(old)+"]", laneLate)
	f(charge.Vehicles, "["+report(old)+","+report(now)+"]", laneLive)
	f(charge.Vehicles, "["+report(now)+","+report(old)+"]", laneLive)
	f(charge.Vehicles, "["+report(old)+","+report(now)+","+report(old)+"]", laneLate)
	f(charge.Piles, "{ \"ts\" :\n\t"+old+" }", laneLate)
	f(charge.Piles, `{"ts":"2026-11-23T07:54:59.999+08:00"}`, laneLate)
	f(charge.Piles, `{"ts":"2026-11-23T08:00:00+08:00"}`, laneLive)
	f(charge.Piles, `{"ts":"2026-11-23"}`, laneLive)
	f(charge.Piles, `{"ts":"2026`, laneLive)
	f(charge.Piles, `{"ts":-5}`, laneLive)
	f(charge.Piles, `{"ts":`, laneLive)
	f(charge.Piles, `"ts"`, laneLive)
	f(charge.Piles, `"ts`, laneLive)
	f(charge.Piles, `[]`, laneLive)
	f(charge.Piles, ``, laneLive)
	f(charge.Piles, strings.Repeat("t", 1000)+report(old)+strings.Repeat(" ", 5000), laneLate)
	f(charge.Sessions, report(old), laneLive)
	f(charge.Stations, report(old), laneLive)
	f(charge.Fleet, report(old), laneLive)

	shared := door.Message{Kind: charge.Piles, Received: received, Payload: []byte(report(old)), Shared: true}
	if laneOf(&shared, 5*time.Minute) != laneLive {
		t.Error("a message that others stand behind goes to the late lane")
	}
}

func FuzzLaneOf(f *testing.F) {
	f.Add([]byte(`[{"id":"A","ts":1795392000000},{"id":"B","ts":"2026-11-23T08:00:00+08:00"}]`))
	f.Add([]byte(`"ts""ts":`))
	f.Add([]byte(`{"tts":1,"ts" : 9`))
	f.Fuzz(func(t *testing.T, b []byte) {
		first, last := strings.Index(string(b), `"ts"`), strings.LastIndex(string(b), `"ts"`)
		if first < 0 {
			if firstTS(b) != 0 || lastTS(b) != 0 {
				t.Fatalf("a time in %q", b)
			}
			return
		}
		if got, want := firstTS(b), timeAt(b[first+4:]); got != want {
			t.Fatalf("first time of %q is %d, want %d", b, got, want)
		}
		if got, want := lastTS(b), timeAt(b[last+4:]); got != want {
			t.Fatalf("last time of %q is %d, want %d", b, got, want)
		}
	})
}
