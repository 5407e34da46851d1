package ingest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/live"
	"github.com/dianchi-platform/dianchi/internal/spool"
)

// BenchmarkRecover is a start from a snapshot of 40,000 piles and 40,000
// vehicles and a log of three reports of each behind it. bench/restart does it
// with the whole program and 400,000 objects.
func BenchmarkRecover(b *testing.B) {
	const stations, perStation, vehicles, rounds = 80, 500, 40_000, 3
	r := newRig(b)
	r.cfg.PartyRate = 1 << 30
	r.spool.GroupWait = 0
	r.open(Catalog{})
	now := time.Now().Add(-4 * time.Minute).UnixMilli()
	var text strings.Builder
	send := func(party charge.Num, kind charge.Payload) chan error {
		done := r.message(party, kind, "["+text.String()[1:]+"]", charge.Millis(now))
		text.Reset()
		return done
	}
	for s := range stations {
		var piles []string
		for k := range perStation {
			piles = append(piles, fmt.Sprintf("S%d-%d", s, k))
		}
		r.send(teld, charge.Stations, stationJSON(fmt.Sprint("S", s), "", piles...))
	}
	round := func() {
		var all []chan error
		now += 10_000
		for i := range stations * perStation {
			fmt.Fprintf(&text, `,{"id":"S%d-%d","ts":%d,"status":3,"powerKw":%d,"voltageV":400,"currentA":100,"socPct":63}`,
				i/perStation, i%perStation, now, 40+i%20)
			if i%50 == 49 {
				all = append(all, send(teld, charge.Piles))
			}
		}
		for i := range vehicles {
			fmt.Fprintf(&text, `,{"vin":%q,"ts":%d,"lon":102.71%04d,"lat":25.04,"speedKmh":31,"socPct":63,"state":1}`,
				benchVIN(i), now, i%10_000)
			if i%50 == 49 {
				all = append(all, send(byd, charge.Vehicles))
			}
		}
		for _, a := range all {
			if err := <-a; err != nil {
				b.Fatal(err)
			}
		}
	}
	round()
	if err := r.p.commit.snapshotNow(b.Context()); err != nil {
		b.Fatal(err)
	}
	for range rounds {
		round()
	}
	r.crash()
	cfg := r.cfg
	cfg.SnapshotDir = r.dir + "/snapshot"
	at := r.spool
	at.Dir = r.dir + "/spool"
	for b.Loop() {
		b.StopTimer()
		sp, err := spool.Open(at, r.log, 1)
		if err != nil {
			b.Fatal(err)
		}
		state := live.New(live.Config{StaleAfter: cfg.StaleAfter, City: cfg.City}, r.log)
		p := New(cfg, r.log, Deps{Spool: sp, Live: state, Parties: r.people, Sessions: r.kept, Speak: r.hear})
		b.StartTimer()
		if err := p.Recover(context.Background(), Catalog{}); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if o := state.Overview(); o.Vehicles.Online != vehicles || o.Piles.InUse != stations*perStation {
			b.Fatalf("%+v", o)
		}
		sp.Close(b.Context())
		b.StartTimer()
	}
}
