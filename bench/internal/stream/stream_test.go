package stream

import (
	"bufio"
	"bytes"
	"encoding/json"
	"math"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/quality"
	"github.com/dianchi-platform/dianchi/internal/wire/report"
)

const cadence = 10_000 // milliseconds

func testLine(kind charge.Payload, n int) *line {
	l := &line{party: &Party{Kind: kind}, batches: [][]object{make([]object, n)}}
	for i := range l.batches[0] {
		l.batches[0][i].n = 1230 + i
	}
	return l
}

// Every report of an hour is one that the contract allows and that says what the
// object does; repeats differ in ts alone.
func TestVehicleReports(t *testing.T) {
	d, l, last := report.NewDecoder(), testLine(charge.Vehicles, 100), map[string]charge.VehicleReport{}
	moved, repeated := 0, 0
	for round := range 360 {
		ts := int64(1795392000000 + round*cadence)
		entries, whole := d.Vehicles(l.message(l.batches[0], round, cadence, ts))
		if whole != nil || len(entries) != 100 {
			t.Fatalf("round %d: %d entries, %v", round, len(entries), whole)
		}
		for i := range entries {
			e := &entries[i]
			if e.Rejected || len(e.Findings) > 0 || int64(e.TS) != ts {
				t.Fatalf("round %d: %s: %v", round, e.Raw, e.Findings)
			}
			if form, digit := quality.CheckVIN(e.Report.VIN); !form || !digit {
				t.Fatalf("VIN %s", e.Report.VIN)
			}
			r := e.Report
			r.VIN = string(append([]byte(nil), r.VIN...))
			before, known := last[r.VIN]
			last[r.VIN] = r
			before.TS = r.TS
			switch {
			case !known:
			case before == r:
				repeated++
			default:
				moved++
				km := math.Hypot((r.Lon-before.Lon)*101, (r.Lat-before.Lat)*111)
				if km > 0.15 || r.OdometerKM < before.OdometerKM || math.Abs(r.SOCPct-before.SOCPct) > 1 {
					t.Fatalf("%s jumps: %+v after %+v", r.VIN, r, before)
				}
			}
		}
	}
	if share := float64(moved) / float64(moved+repeated); share < 0.17 || share > 0.20 {
		t.Errorf("%.3f of the reports move, want %d %%", share, activeVehicles)
	}
	if len(last) != 100 {
		t.Errorf("%d vehicles, want 100", len(last))
	}
}

func TestPileReports(t *testing.T) {
	d, l, last := report.NewDecoder(), testLine(charge.Piles, 100), map[string]charge.PileReport{}
	moved, repeated, sessions := 0, 0, 0
	for round := range 720 {
		ts := int64(1795392000000 + round*cadence)
		entries, whole := d.Piles(l.message(l.batches[0], round, cadence, ts))
		if whole != nil || len(entries) != 100 {
			t.Fatalf("round %d: %d entries, %v", round, len(entries), whole)
		}
		for i := range entries {
			e := &entries[i]
			if e.Rejected || len(e.Findings) > 0 || int64(e.TS) != ts {
				t.Fatalf("round %d: %s: %v", round, e.Raw, e.Findings)
			}
			r := e.Report
			for _, s := range []*string{&r.ID, &r.Session, &r.VIN} {
				*s = string(append([]byte(nil), *s...))
			}
			if r.Status == charge.StatusCharging && math.Abs(r.PowerKW-r.VoltageV*r.CurrentA/1000) > 0.02*r.PowerKW {
				t.Fatalf("P is not V·I: %s", e.Raw)
			}
			before, known := last[r.ID]
			last[r.ID] = r
			before.TS = r.TS
			switch {
			case !known:
			case before == r:
				repeated++
				continue
			case r.Session != before.Session:
				sessions++
				moved++
			default:
				moved++
				if more := r.EnergyKWh - before.EnergyKWh; more < 0.1 || more > 0.2 || r.SOCPct < before.SOCPct {
					t.Fatalf("energy: %s after %+v", e.Raw, before)
				}
			}
			if r.MeterKWh < before.MeterKWh {
				t.Fatalf("the meter runs backwards: %s after %+v", e.Raw, before)
			}
		}
	}
	if share := float64(moved) / float64(moved+repeated); share < 0.075 || share > 0.09 {
		t.Errorf("%.3f of the reports move, want %d %%", share, activePiles)
	}
	if sessions < 20 {
		t.Errorf("%d sessions began or ended in two hours", sessions)
	}
}

func TestMasterData(t *testing.T) {
	d := report.NewDecoder()
	stations, whole := d.Stations(appendStation(nil, 17))
	if whole != nil || len(stations) != 1 || stations[0].Rejected || len(stations[0].Findings) > 0 {
		t.Fatalf("%+v, %v", stations, whole)
	}
	if p := stations[0].Station.Piles; len(p) != pilesPerStation || p[3].ID != string(appendPileID(nil, 173)) {
		t.Errorf("piles %+v", p)
	}
	fleet, whole := d.Fleet(appendFleet(nil, 17))
	if whole != nil || len(fleet) != 1 || fleet[0].Rejected || len(fleet[0].Findings) > 0 {
		t.Fatalf("%+v, %v", fleet, whole)
	}
}

func TestNumbers(t *testing.T) {
	f := func(v, decimals int, want string) {
		t.Helper()
		if got := string(appendFixed(nil, v, decimals)); got != want || !json.Valid([]byte(got)) {
			t.Errorf("appendFixed %d with %d decimals is %q, want %q", v, decimals, got, want)
		}
	}

	f(0, 0, "0")
	f(0, 2, "0.00")
	f(5, 1, "0.5")
	f(580, 1, "58.0")
	f(-7, 2, "-0.07")
	f(102700000, 6, "102.700000")
	f(63, 0, "63")
}

// Objects are shared without gap or overlap, whole stations each.
func TestShare(t *testing.T) {
	f := func(n, parts int) {
		t.Helper()
		next := 0
		for i := range parts {
			first, count := Share(n, parts, i)
			if first != next || first%pilesPerStation != 0 || count < 0 {
				t.Errorf("part %d of %d of %d: %d from %d, want from %d", i, parts, n, count, first, next)
			}
			next = first + count
		}
		if next != n {
			t.Errorf("%d of %d are shared among %d", next, n, parts)
		}
	}

	f(200_000, 10)
	f(200_000, 12)
	f(1_000, 7)
	f(30, 7)
}

// Rounds follow each other without a pause; the first one takes its time.
func TestDue(t *testing.T) {
	f := func(round int, place float64, want time.Duration) {
		t.Helper()
		if got := dueAt(round, place, 30*time.Second, 10*time.Second); got != want {
			t.Errorf("round %d at %v: due %v, want %v", round, place, got, want)
		}
	}

	f(0, 0, 0)
	f(0, 0.5, 15*time.Second)
	f(1, 0, 30*time.Second)
	f(1, 0.5, 35*time.Second)
	f(2, 0, 40*time.Second)
}

// A message goes through the socket as the door reads it, and the ledger has it.
func TestLineAndLedger(t *testing.T) {
	ours, theirs := net.Pipe()
	l := testLine(charge.Piles, 50)
	l.net, l.in, l.topic = ours, bufio.NewReader(ours), "dianchi/v1/op/piles"
	l.room, l.down = make(chan struct{}, 2), make(chan struct{})
	l.reading.Go(l.read)
	got := make(chan []byte, 1)
	go func() {
		b := make([]byte, 1<<16)
		n := 0
		for want := 1 << 20; n < want; {
			k, err := theirs.Read(b[n:])
			if err != nil {
				break
			}
			if n += k; n > 4 {
				want = 4 + int(b[1]&0x7f) + int(b[2]&0x7f)<<7 + int(b[3])<<14 - 0
				if b[2] < 0x80 {
					want = 3 + int(b[1]&0x7f) + int(b[2])<<7
				}
			}
		}
		theirs.Write([]byte{mqttPuback, 2, 0, 1})
		got <- b[:n]
		theirs.Read(b) // DISCONNECT
		theirs.Close()
	}()
	payload := bytes.Clone(l.message(l.batches[0], 0, cadence, 1795392000000))
	before := now()
	if err := l.send(t.Context(), l.topic, Entry{Due: before, Reports: 50}, payload); err != nil {
		t.Fatal(err)
	}
	b := <-got
	if b[0] != mqttPublish || !bytes.HasSuffix(b, payload) || !bytes.Contains(b, append([]byte(l.topic), 0, 1)) {
		t.Errorf("the packet is % x", b[:40])
	}
	if err := l.finish(time.Minute); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ledger")
	if err := writeLedger(file, []*line{l}); err != nil {
		t.Fatal(err)
	}
	entries, err := ReadLedger(file)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	if e := entries[0]; e.Reports != 50 || e.Due != before || e.Sent < e.Due || e.Acked < e.Sent {
		t.Errorf("entry %+v", e)
	}
	if l.count.Acked != 50 || l.count.Published != 50 {
		t.Errorf("count %+v", l.count)
	}
}

func BenchmarkMessage(b *testing.B) {
	f := func(kind charge.Payload) {
		b.Run(kind.String(), func(b *testing.B) {
			l := testLine(kind, 50)
			b.ReportAllocs()
			for round := 0; b.Loop(); round++ {
				b.SetBytes(int64(len(l.message(l.batches[0], round, cadence, 1795392000000))))
			}
		})
	}

	f(charge.Piles)
	f(charge.Vehicles)
}
