package influx

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// faults stands before a store and spoils a share of the requests.
type faults struct {
	*httptest.Server
	store *store
	pick  func() string // names the next request's fault, "" for none
}

func newFaults(t *testing.T, s *store, pick func() string) *faults {
	f := &faults{store: s, pick: pick}
	to, _ := url.Parse(s.url())
	through := httputil.NewSingleHostReverseProxy(to)
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fault := f.pick()
		switch fault {
		case "":
			through.ServeHTTP(w, r)
		case "500", "503", "429", "401":
			var code int
			fmt.Sscan(fault, &code)
			http.Error(w, "no", code)
		case "slow": // InfluxDB takes it, but the answer comes too late
			rec := httptest.NewRecorder()
			through.ServeHTTP(rec, r)
			time.Sleep(400 * time.Millisecond)
			w.WriteHeader(rec.Code)
		case "half": // the request is cut on its way
			body, _ := io.ReadAll(r.Body)
			c, err := net.Dial("tcp", to.Host)
			if err == nil {
				fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nContent-Length: %d\r\n\r\n",
					r.URL.RequestURI(), r.Header.Get("Authorization"), len(body))
				c.Write(body[:len(body)/2])
				c.Close()
			}
			panic(http.ErrAbortHandler)
		case "mute": // the answer is cut
			rec := httptest.NewRecorder()
			through.ServeHTTP(rec, r)
			b := rec.Body.Bytes()
			w.Header().Set("Content-Length", fmt.Sprint(len(b)+1))
			w.WriteHeader(rec.Code)
			w.Write(b[:len(b)/2])
			panic(http.ErrAbortHandler)
		}
	}))
	t.Cleanup(f.Close)
	return f
}

// Whatever happens on the way, every report is in InfluxDB once.
func TestNothingIsLostOnABadWay(t *testing.T) {
	s := newStore(t, false)
	rng := rand.New(rand.NewPCG(3, 3))
	kinds := []string{"500", "503", "429", "401", "slow", "half", "mute"}
	seen := map[string]int{}
	f := newFaults(t, s, func() string { // the writer asks one at a time
		if rng.IntN(3) == 0 {
			k := kinds[rng.IntN(len(kinds))]
			seen[k]++
			return k
		}
		return ""
	})
	r := newRig(t, s.target())
	r.cfg.BatchPoints = 50
	r.cfg.Endpoint, r.cfg.Timeout = Fixed(f.URL, storeToken), 300*time.Millisecond
	m := newModel(5, 5, 5)
	for i := range 3 {
		r.start()
		for range 100 {
			for _, rec := range m.message() {
				r.log(rec)
			}
		}
		if i == 1 { // a stop in the middle
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
			r.writer.Stop(ctx)
			cancel()
			continue
		}
		r.stop()
	}
	if len(seen) != len(kinds) || r.writer.Stats().Dropped != 0 {
		t.Errorf("faults %v, stats %+v", seen, r.writer.Stats())
	}
	m.check(t, r.reader)
}

// An answer that is cut is no answer, never a shorter table.
func TestCutAnswerIsUnavailable(t *testing.T) {
	s := newStore(t, true)
	var lines bytes.Buffer
	for i := range 5000 {
		fmt.Fprintf(&lines, "pile,id=teld:x has=1i,status=1i,powerKw=%d %d\n", i, (int64(modelStart)+int64(i)*1000)*1e6)
	}
	s.write(lines.String())
	fault := "mute"
	f := newFaults(t, s, func() string { return fault })
	for _, bucket := range []string{"dianchi/raw", "dianchi"} {
		r := newRig(t, Target{Endpoint: Fixed(f.URL, storeToken), Bucket: bucket}).reader
		ask := func() (Table, error) {
			return r.PileHistory(t.Context(), "teld:x", modelStart, modelStart.Add(24*time.Hour), 0)
		}
		for _, fault = range []string{"mute", "500", "401"} {
			if table, err := ask(); charge.CodeOf(err) != charge.HistoryUnavailable {
				t.Errorf("%s: %d rows, %v", fault, len(table.Rows), err)
			}
		}
		fault = ""
		if table, err := ask(); err != nil || len(table.Rows) != 5000 {
			t.Errorf("%d rows, %v", len(table.Rows), err)
		}
	}
}

// What InfluxDB has acknowledged survives kill -9 under load, and the rest follows.
func TestKilledStoreLosesNothing(t *testing.T) {
	s := newStore(t, false)
	r := newRig(t, s.target())
	m := newModel(9, 20, 20)
	r.start()
	for i := range 900 {
		for _, rec := range m.message() {
			r.log(rec)
		}
		if i%300 == 150 {
			for end := time.Now().Add(20 * time.Second); r.writer.Stats().Position < r.spool.Next()/2; time.Sleep(time.Millisecond) {
				if time.Now().After(end) {
					t.Fatal("the writer does not come on: ", r.writer.Stats())
				}
			}
			s.kill()
			go func() {
				time.Sleep(50 * time.Millisecond)
				s.start()
			}()
		}
	}
	r.stop()
	if r.writer.Stats().Errors == 0 {
		t.Error("InfluxDB was never missed")
	}
	m.check(t, r.reader)
}

// A database that is gone is waited for; what comes then stands on its own.
func TestMissingDatabaseIsWaitedFor(t *testing.T) {
	s := newStore(t, false)
	r := newRig(t, s.target())
	r.start()
	report := func(i int) *record.Record {
		return &record.Record{Kind: record.Message, Party: 1, Piles: []record.PileItem{{Num: 1, Verdict: charge.Taken,
			Report: charge.PileReport{ID: "x", TS: modelStart + charge.Millis(i)*1000, Status: 1}}}}
	}
	r.log(report(1))
	for end := time.Now().Add(10 * time.Second); r.writer.Stats().Position < 1; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not written")
		}
	}
	s.must("DROP DATABASE dianchi")
	r.log(report(2)) // refers to what is gone
	for end := time.Now().Add(10 * time.Second); r.writer.Stats().Errors == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nobody missed the database")
		}
	}
	s.must("CREATE DATABASE dianchi WITH DURATION INF REPLICATION 1 SHARD DURATION 6h NAME raw")
	for end := time.Now().Add(10 * time.Second); r.writer.Stats().Position < 2; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not written after the database came back")
		}
	}
	r.log(report(3))
	r.stop()
	got, err := r.reader.PileHistory(t.Context(), "teld:x", modelStart, modelStart.Add(time.Hour), 0)
	if err != nil || len(got.Rows) == 0 || got.Rows[len(got.Rows)-1][0] != modelStart+3000 {
		t.Errorf("%v %v, want the third report", got.Rows, err)
	}
}

// Points that InfluxDB refuses are counted exactly, and their neighbours are kept.
func TestRefusedPoints(t *testing.T) {
	s := newStore(t, false)
	f := func(what string, prepare func(), rows int, ts func(i int) charge.Millis, fault func(i int) bool, refused func(i int) bool) {
		t.Helper()
		prepare()
		r := newRig(t, s.target())
		r.start()
		for i := 0; i < rows; i += 50 {
			rec := &record.Record{Kind: record.Message, Party: 1}
			for k := i; k < i+50; k++ {
				rep := charge.PileReport{ID: what, TS: ts(k), Status: 1, Has: charge.HasPower, PowerKW: float64(k)}
				if fault(k) {
					rep.Has, rep.Fault = rep.Has|charge.HasFault, "x"
				}
				rec.Piles = append(rec.Piles, record.PileItem{Num: 1, Verdict: charge.Taken, Report: rep})
			}
			r.log(rec)
		}
		r.stop()
		want, first, last := 0, ts(0), ts(0)
		for i := range rows {
			if refused(i) {
				want++
			}
			first, last = min(first, ts(i)), max(last, ts(i))
		}
		if got := r.writer.Stats(); got.Dropped != uint64(want) || got.Points != uint64(rows-want) {
			t.Errorf("%s: %d refused, %d taken, want %d and %d", what, got.Dropped, got.Points, want, rows-want)
		}
		got, err := r.reader.PileHistory(t.Context(), "teld:"+what, first, last+1, 0)
		if err != nil || len(got.Rows) != rows-want {
			t.Errorf("%s: %d rows, want %d, %v", what, len(got.Rows), rows-want, err)
		}
	}
	never := func(int) bool { return false }

	// Somebody made fault a number in one of two shards that each batch touches.
	f("conflict", func() { s.write(fmt.Sprintf("pile,id=other fault=1i %d", int64(modelStart)*1e6)) }, 1000,
		func(i int) charge.Millis { return modelStart + charge.Millis(i%2)*6*3_600_000 + charge.Millis(i)*1000 },
		func(i int) bool { return i%7 == 0 },
		func(i int) bool { return i%7 == 0 && i%2 == 0 })
	// Everything is refused at once, not line by line.
	f("all", func() {}, 1000,
		func(i int) charge.Millis { return modelStart + charge.Millis(i)*1000 },
		func(i int) bool { return true },
		func(i int) bool { return true })
	// Older than the retention. Where exactly the line runs depends on the time
	// of day, as shards go whole: nothing here lies within 6 h of it.
	now := charge.At(time.Now())
	f("old", func() { s.must("ALTER RETENTION POLICY raw ON dianchi DURATION 72h SHARD DURATION 6h DEFAULT") }, 1000,
		func(i int) charge.Millis {
			if i >= 390 {
				return now - 80*3_600_000 - charge.Millis(i)*600_000
			}
			return now - charge.Millis(i)*600_000 // back 65 h
		},
		never,
		func(i int) bool { return i >= 390 })
}
