package ingest

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/ingest/door"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/quality"
)

const (
	benchPiles    = 50
	benchVehicles = 5000
)

// benchMessages returns n messages of 50 reports of one kind; tick moves their
// time on, so that all of them are news.
func benchMessages(kind charge.Payload, n int) [][]byte {
	var out [][]byte
	for i := range n {
		var b strings.Builder
		for k := range 50 {
			if kind == charge.Piles {
				fmt.Fprintf(&b, `,{"id":"P%02d","ts":%d,"status":3,"powerKw":%d.2,"voltageV":400,"currentA":%d.5,"socPct":63,`+
					`"energyKwh":12.31,"meterKwh":88121.4,"session":"A17"}`, k%benchPiles, benchEpoch, 40+k%20, (40+k%20)*10/4)
			} else {
				fmt.Fprintf(&b, `,{"vin":%q,"ts":%d,"lon":102.71%04d,"lat":25.04,"speedKmh":18.5,"odometerKm":40211.3,`+
					`"socPct":63,"voltageV":355.0,"currentA":22.4,"state":1,"charge":3,"alarmLevel":0}`,
					benchVIN((50*i+k)%benchVehicles), benchEpoch, k)
			}
		}
		out = append(out, []byte("["+b.String()[1:]+"]"))
	}
	return out
}

// benchVIN returns a VIN whose check digit is right.
func benchVIN(n int) string {
	for _, c := range "0123456789X" {
		vin := fmt.Sprintf("LNBMDBAH%cPA%06d", c, n)
		if _, ok := quality.CheckVIN(vin); ok {
			return vin
		}
	}
	panic("no check digit fits")
}

// benchEpoch stands in all messages until stamp moves it on: 13 digits.
const benchEpoch = 1795392000000

// stamp writes ts in place of the digits of every report.
func stamp(b []byte, ts int64) {
	var digits [20]byte
	text := strconv.AppendInt(digits[:0], ts, 10)
	for {
		at := bytes.Index(b, []byte(`"ts":`))
		if at < 0 {
			return
		}
		b = b[at+5:]
		copy(b, text)
	}
}

// BenchmarkJudge is one message of 50 reports through decoding, rules and
// encoding of its record: what the judge does but for the append.
func BenchmarkJudge(b *testing.B) {
	for _, kind := range []charge.Payload{charge.Piles, charge.Vehicles} {
		b.Run(kind.String(), func(b *testing.B) {
			r := newRig(b).open(Catalog{})
			r.benchStation()
			r.p.Stop(context.Background())
			party := map[charge.Payload]charge.Num{charge.Piles: teld, charge.Vehicles: byd}[kind]
			messages := benchMessages(kind, benchVehicles/50)
			now := int64(benchEpoch)
			b.ReportAllocs()
			b.SetBytes(int64(len(messages[0])))
			i := 0
			for b.Loop() {
				b.StopTimer()
				now += 1000
				m := messages[i%len(messages)]
				stamp(m, now)
				i++
				b.StartTimer()
				body, _ := r.p.judge.message(&door.Message{Party: party, Kind: kind, Payload: m, Received: charge.Millis(now)})
				if len(body) < 1000 {
					b.Fatal("not taken")
				}
			}
			b.ReportMetric(50*float64(b.N)/b.Elapsed().Seconds(), "reports/s")
		})
	}
}

func (r *rig) benchStation() {
	r.t.Helper()
	var piles []string
	for k := range benchPiles {
		piles = append(piles, fmt.Sprintf("P%02d", k))
	}
	r.send(teld, charge.Stations, stationJSON("S1", "", piles...))
}

// BenchmarkPath is the whole way from Submit to Done, fsync and live state
// included, with 256 messages of 50 reports under way.
func BenchmarkPath(b *testing.B) {
	for _, kind := range []charge.Payload{charge.Piles, charge.Vehicles} {
		b.Run(kind.String(), func(b *testing.B) {
			r := newRig(b)
			r.cfg.PartyRate = 1 << 30
			r.spool.GroupWait = 0
			r.open(Catalog{})
			r.benchStation()
			party := map[charge.Payload]charge.Num{charge.Piles: teld, charge.Vehicles: byd}[kind]
			const window = 256
			free := make(chan []byte, window)
			for _, m := range benchMessages(kind, window) {
				free <- m
			}
			var all sync.WaitGroup
			now := time.Now().UnixMilli() // a second passes with each message, so that nobody reports too often
			b.ReportAllocs()
			for b.Loop() {
				m := <-free
				now += 1000
				stamp(m, now)
				all.Add(1)
				err := r.p.Submit(context.Background(), door.Message{
					Party: party, Kind: kind, Payload: m, Received: charge.Millis(now),
					Done: func(err error) {
						if err != nil {
							b.Error(err)
						}
						free <- m
						all.Done()
					},
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			all.Wait()
			b.ReportMetric(50*float64(b.N)/b.Elapsed().Seconds(), "reports/s")
			if got := r.total(party); got.Taken < 50*uint64(b.N) {
				b.Errorf("%+v taken of %d messages", got, b.N)
			}
		})
	}
}

// BenchmarkLaneOf is what it costs to see whether a message of 10 kB is late:
// of the late ones both ends are read.
func BenchmarkLaneOf(b *testing.B) {
	for name, age := range map[string]time.Duration{"live": 0, "late": time.Hour} {
		b.Run(name, func(b *testing.B) {
			text := benchMessages(charge.Vehicles, 1)[0]
			m := door.Message{Kind: charge.Vehicles, Payload: text, Received: benchEpoch + charge.Millis(age.Milliseconds())}
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if got := laneOf(&m, 5*time.Minute); (got == laneLate) != (age > 0) {
					b.Fatalf("lane %d", got)
				}
			}
		})
	}
}
