package follow

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/spool"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// BenchmarkStream is the log on its way to one follower: read, framed, summed,
// sent over HTTP, and taken apart again; with what a replica decodes of it, but
// without what it does with that.
func BenchmarkStream(b *testing.B) {
	const records, reports = 2000, 50
	sp, err := spool.Open(spool.Config{Dir: b.TempDir(), FloorBytes: -1}, quiet, 1)
	if err != nil {
		b.Fatal(err)
	}
	defer sp.Close(context.Background())
	size := 0
	for i := range records {
		rec := record.Record{Kind: record.Message, Party: 1, Received: charge.Millis(1_795_392_000_000 + i)}
		for n := range reports {
			rec.Piles = append(rec.Piles, record.PileItem{Num: charge.Num(i*reports%200_000 + n + 1), Verdict: charge.Taken,
				Report: charge.PileReport{TS: rec.Received, Status: charge.StatusCharging, PowerKW: 58.2, SOCPct: float64(n),
					Has: charge.HasPower | charge.HasSOC}})
		}
		body := rec.Append(nil)
		size += len(body)
		if _, err := sp.Append(body); err != nil {
			b.Fatal(err)
		}
	}
	if err := sp.WaitSynced(context.Background(), records); err != nil {
		b.Fatal(err)
	}
	s := NewServer(ServerConfig{Token: "t", Instance: "i", Dir: b.TempDir()}, quiet, Sources{Journal: sp})
	s.Tick(1, 1_795_392_000_000, records)
	front := httptest.NewServer(s)
	defer front.Close()
	defer s.Stop(context.Background())
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		req, err := http.NewRequest(http.MethodGet, front.URL+"/internal/stream?after=0&instance=i", nil)
		if err != nil {
			b.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer t")
		res, err := http.DefaultClient.Do(req)
		if err != nil || res.StatusCode != http.StatusOK {
			b.Fatal(res, err)
		}
		frames, seen := newFrameReader(res.Body), 0
		var rec record.Record
		for {
			k, payload, err := frames.next()
			if err != nil {
				b.Fatal(err)
			}
			if k == kindTick {
				break
			}
			if k == kindRecord {
				seen++
				_, body, err := parseRecord(payload)
				if err == nil {
					err = rec.Decode(body)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		}
		res.Body.Close()
		if seen != records {
			b.Fatal(fmt.Errorf("%d records came, not %d", seen, records))
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/records/reports, "ns/report")
}
