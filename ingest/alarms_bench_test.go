package ingest

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/alarm"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/live"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// benchCity is 200,000 piles in 5,000 stations and 200,000 vehicles, of which 1 %
// are in fault and 3 in a thousand have an alarm.
func benchCity(b *testing.B) (*alarm.Detector, *alarm.Book, *live.State, []record.Record, charge.Millis) {
	const stations, perStation, vehicles = 5000, 40, 200_000
	s := live.New(live.Config{}, slog.New(slog.DiscardHandler))
	people, _ := newPeople().Access()
	s.SetParties(people)
	now := charge.At(time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC))
	book := alarm.NewBook()
	lim := alarm.Default()
	lim.MaxEvents = 1 << 20
	det := alarm.NewDetector(lim, book, world{s})
	det.Begin(now)
	var reports []record.Record
	seq := uint64(0)
	apply := func(rec record.Record) {
		seq++
		rec.Seq, rec.Received, rec.Kind = seq, now, record.Message
		det.Observe(&rec)
		s.Apply(&rec)
	}
	for i := range charge.Num(stations) {
		st := charge.Station{Num: i + 1, Party: teld + i%2, ID: fmt.Sprint("S", i), Name: "站", Lon: 102.7, Lat: 25}
		msg := record.Record{Party: st.Party}
		for k := range charge.Num(perStation) {
			n := i*perStation + k + 1
			st.Piles = append(st.Piles, charge.Pile{Num: n, ID: fmt.Sprint("P", n), Kind: charge.DC, RatedKW: 60})
			r := charge.PileReport{ID: st.Piles[k].ID, TS: now, Status: charge.StatusCharging, Has: charge.HasPower, PowerKW: 30}
			if n%100 == 0 {
				r.Status = charge.StatusFault
			}
			msg.Piles = append(msg.Piles, record.PileItem{Num: n, Verdict: charge.Taken, Report: r})
		}
		apply(record.Record{Party: st.Party, Stations: []record.StationPut{{Station: st}}})
		apply(msg)
		reports = append(reports, msg)
	}
	for i := charge.Num(0); i < vehicles; i += 50 {
		msg := record.Record{Party: byd + i/50%2}
		for n := i + 1; n <= i+50; n++ {
			r := charge.VehicleReport{VIN: fmt.Sprintf("LNBMDBAH4PA%06d", n), TS: now, Has: charge.HasAlarmLevel | charge.HasSpeed, SpeedKMH: 20}
			if n%333 == 0 {
				r.AlarmLevel = 2
			}
			msg.Vehicles = append(msg.Vehicles, charge.Vehicle{Num: n, Party: msg.Party, VIN: r.VIN})
			msg.Fleet = append(msg.Fleet, record.VehicleItem{Num: n, Verdict: charge.Taken, Report: r})
		}
		apply(msg)
		msg.Vehicles = nil
		reports = append(reports, msg)
	}
	s.Tick(1, now)
	for rev := uint64(2); rev < 30; rev++ { // what is wrong becomes open
		now += 5000
		events := det.Judge(now, alarm.Health{})
		seq++
		book.Apply(&record.Record{Seq: seq, Kind: record.Alarms, Received: now, Alarms: events})
		book.Tick(rev, now)
	}
	b.Logf("%d alarms open", len(book.View().Open()))
	return det, book, s, reports, now
}

// BenchmarkLook is one look, as it is every five seconds.
func BenchmarkLook(b *testing.B) {
	det, _, _, _, now := benchCity(b)
	b.ReportAllocs()
	for b.Loop() {
		now += 5000
		if n := len(det.Judge(now, alarm.Health{})); n != 0 && n < 100 {
			b.Fatalf("%d changes where nothing changed", n)
		}
		now -= 5000 // what is open stays as it was
	}
}

// BenchmarkWatch is one report on its way to live.
func BenchmarkWatch(b *testing.B) {
	det, _, _, reports, _ := benchCity(b)
	b.ReportAllocs()
	n, i := 0, 0
	for b.Loop() {
		rec := &reports[i%len(reports)]
		rec.Kind = record.Message
		det.Observe(rec)
		n += len(rec.Piles) + len(rec.Fleet)
		i++
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/report")
}

// BenchmarkAlarmsTick is closing a revision in which an alarm changed, and the
// first reader's order of what is open.
func BenchmarkAlarmsTick(b *testing.B) {
	_, book, _, _, now := benchCity(b)
	id := book.View().Open()[0].ID
	seq := book.View().Seq
	b.ReportAllocs()
	for b.Loop() {
		seq++
		book.Apply(&record.Record{Seq: seq, Kind: record.Alarms, Received: now, Alarms: []record.AlarmEvent{{Op: record.AlarmAck, ID: id, By: "x"}}})
		book.Tick(seq, now)
		book.View().Open()
	}
}
