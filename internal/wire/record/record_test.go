package record

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

const noon = charge.Millis(1795392000000)

// randomFloat gives readings of the kinds that occur, and any bits at all.
func randomFloat(r *rand.Rand) float64 {
	switch r.IntN(6) {
	case 0:
		return float64(r.IntN(1000))
	case 1:
		return float64(r.IntN(100000)-50000) / 10
	case 2:
		return float64(r.IntN(100000)-50000) / 100
	case 3:
		return float64(r.IntN(360e6)-180e6) / 1e6
	case 4:
		return []float64{0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.MaxFloat64,
			math.SmallestNonzeroFloat64, 1 << 52, 1<<52 - 1, -1 << 53, 0.1 + 0.2}[r.IntN(10)]
	}
	for {
		if f := math.Float64frombits(r.Uint64()); f == f { // NaN would defeat DeepEqual; it has its own test
			return f
		}
	}
}

func randomString(r *rand.Rand) string {
	n := r.IntN(20)
	if r.IntN(50) == 0 {
		n = 300
	}
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return string(b)
}

func randomInt(r *rand.Rand) int64 { return int64(r.Uint64()) >> r.IntN(64) }

// randomRecord fills every member that the encoding carries. Members of a report
// that Has does not mark stay zero: they are not written.
func randomRecord(r *rand.Rand) *Record {
	f, s, n := func() float64 { return randomFloat(r) }, func() string { return randomString(r) }, func() charge.Num { return r.Uint32() >> r.IntN(32) }
	i, t := func() int64 { return randomInt(r) }, func() charge.Millis { return charge.Millis(randomInt(r)) }
	some := func() int { return max(0, r.IntN(6)-2) }
	rec := &Record{Kind: Kind(1 + r.IntN(3)), Received: t(), Party: n(), Payload: charge.Payload(r.IntN(7))}
	if r.IntN(3) > 0 {
		rec.Account = charge.Account{Received: r.Uint64(), Taken: uint64(r.IntN(500)), Rejected: uint64(r.IntN(3))}
	}
	for range some() {
		rules := []charge.Rule{charge.RuleDupExact, charge.RuleMetaStation, "", charge.Rule(s())}
		rec.Rules = append(rec.Rules, RuleCount{rules[r.IntN(4)], charge.Action(r.IntN(256)), r.Uint32()})
	}
	for k := range rec.Delays {
		if r.IntN(4) == 0 {
			rec.Delays[k] = r.Uint32()
		}
	}
	for range some() {
		st := charge.Station{Num: n(), Party: n(), ID: s()}
		removed := r.IntN(4) == 0
		if !removed {
			st.Name, st.NameEn, st.Lon, st.Lat = s(), s(), f(), f()
			st.Access, st.District, st.Address, st.Phone, st.OpenHours = charge.Access(r.IntN(3)), s(), s(), s(), s()
			if r.IntN(2) == 0 {
				st.Parking = &charge.Parking{Type: charge.ParkingType(r.IntN(256)), Text: s(), FenPerHour: i(), FreeMinutes: i()}
			}
			for range some() {
				tf := charge.Tariff{ValidFrom: t()}
				for range some() {
					tf.Bands = append(tf.Bands, charge.Band{FromMinute: r.IntN(1440), ToMinute: r.IntN(1441), EnergyE4: i(), ServiceE4: i()})
				}
				st.Tariffs = append(st.Tariffs, tf)
			}
			for range some() {
				st.Piles = append(st.Piles, charge.Pile{Num: n(), ID: s(), Kind: charge.PileKind(r.IntN(3)), RatedKW: f(), Standard: s(), Bay: s()})
			}
		}
		rec.Stations = append(rec.Stations, StationPut{st, removed})
	}
	for range some() {
		rec.Vehicles = append(rec.Vehicles, charge.Vehicle{Num: n(), Party: n(), VIN: s(), Class: charge.Class(r.IntN(8)), Model: s(), BatteryKWh: f()})
	}
	for range some() {
		rec.Piles = append(rec.Piles, PileItem{n(), charge.Verdict(r.IntN(5)), r.IntN(2) == 0, randomPile(r)})
	}
	for range some() {
		rec.Fleet = append(rec.Fleet, VehicleItem{n(), charge.Verdict(r.IntN(5)), r.IntN(2) == 0, r.IntN(2) == 0, randomVehicle(r)})
	}
	for range some() {
		x := charge.Session{Party: n(), ID: s(), Pile: n(), PileID: s(), Start: t(), End: t(), EnergyKWh: f(), VIN: s(),
			EnergyFen: i(), ServiceFen: i(), ParkingFen: i(), TotalFen: i(), StopReason: int16(i())}
		for range some() {
			x.Bands = append(x.Bands, charge.SessionBand{From: t(), To: t(), EnergyKWh: f(), EnergyFen: i(), ServiceFen: i()})
		}
		rec.Sessions = append(rec.Sessions, x)
	}
	for range some() {
		c := func() int { return int(randomInt(r)) }
		rec.Rows = append(rec.Rows, TotalRow{Scope(r.IntN(5)), s(), t(), charge.PileCounts{Total: c(), Free: c(), InUse: c(), Charging: c(), Reserved: c(), Fault: c(), Offline: c()},
			charge.VehicleCounts{Total: c(), Online: c(), Driving: c(), Charging: c(), Alarm: c()}, f(), f(), r.Uint64()})
	}
	return rec
}

// fill sets the members of v that has marks to random values; names pair a member with its bit.
func fill(r *rand.Rand, v reflect.Value, has charge.Has, names map[string]charge.Has) {
	for name, bit := range names {
		if has&bit == 0 {
			continue
		}
		switch f := v.FieldByName(name); f.Kind() {
		case reflect.Float64:
			f.SetFloat(randomFloat(r))
		case reflect.String:
			f.SetString(randomString(r))
		default:
			f.SetUint(r.Uint64() >> (64 - f.Type().Bits()))
		}
	}
}

func randomPile(r *rand.Rand) charge.PileReport {
	p := charge.PileReport{ID: randomString(r), TS: charge.Millis(randomInt(r)), Status: charge.Status(r.IntN(256)), Has: charge.Has(r.Uint32()) & pileHas}
	fill(r, reflect.ValueOf(&p).Elem(), p.Has, map[string]charge.Has{
		"PowerKW": charge.HasPower, "VoltageV": charge.HasVoltage, "CurrentA": charge.HasCurrent, "SOCPct": charge.HasSOC,
		"EnergyKWh": charge.HasEnergy, "MeterKWh": charge.HasMeter, "Session": charge.HasSession, "VIN": charge.HasVIN,
		"Fault": charge.HasFault, "Park": charge.HasPark, "Lock": charge.HasLock})
	return p
}

func randomVehicle(r *rand.Rand) charge.VehicleReport {
	v := charge.VehicleReport{VIN: randomString(r), TS: charge.Millis(randomInt(r)), Has: charge.Has(r.Uint32()) & vehicleHas}
	fill(r, reflect.ValueOf(&v).Elem(), v.Has, map[string]charge.Has{
		"Lon": charge.HasPosition, "Lat": charge.HasPosition, "SpeedKMH": charge.HasSpeed, "OdometerKM": charge.HasOdometer,
		"SOCPct": charge.HasSOC, "VoltageV": charge.HasVoltage, "CurrentA": charge.HasCurrent, "State": charge.HasState,
		"Charge": charge.HasCharge, "AlarmLevel": charge.HasAlarmLevel, "Alarms": charge.HasAlarms, "RangeKM": charge.HasRange,
		"InsulationKOhm": charge.HasInsulation})
	return v
}

func TestRecordsComeBackAsTheyWere(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var got Record // reused, so that leftovers of the last record would show
	for n := range 3000 {
		want := randomRecord(r)
		body := want.Append(nil)
		got.Seq = uint64(n)
		if err := got.Decode(body); err != nil {
			t.Fatalf("record %d: %v", n, err)
		}
		if got.Seq != uint64(n) {
			t.Fatalf("Decode changed Seq to %d", got.Seq)
		}
		if again := got.Append(nil); !bytes.Equal(again, body) {
			t.Fatalf("record %d: encoded again it differs\n%x\n%x", n, body, again)
		}
		if d := difference(want, &got); d != "" {
			t.Fatalf("record %d: %s", n, d)
		}
	}
}

// difference compares member by member; nil and empty slices are the same, floats are compared by their bits.
func difference(want, got *Record) string {
	a, b := reflect.ValueOf(*want), reflect.ValueOf(*got)
	for i := range a.NumField() {
		name := a.Type().Field(i).Name
		x, y := a.Field(i), b.Field(i)
		if name == "Seq" || x.Kind() == reflect.Slice && x.Len() == 0 && y.Len() == 0 {
			continue
		}
		if !reflect.DeepEqual(x.Interface(), y.Interface()) {
			return fmt.Sprintf("%s\nwant %+v\ngot  %+v", name, x, y)
		}
	}
	return ""
}

func TestFloatsComeBackBitForBit(t *testing.T) {
	f := func(x float64, size int) {
		t.Helper()
		b := appendFloat(nil, x)
		d := &reader{b: b}
		if y := d.float(); math.Float64bits(x) != math.Float64bits(y) || d.done() != nil {
			t.Fatalf("%v (%x) came back as %v (%x): %v", x, math.Float64bits(x), y, math.Float64bits(y), d.done())
		}
		if len(b) > size {
			t.Fatalf("%v takes %d bytes, want at most %d", x, len(b), size)
		}
	}
	f(0, 1)
	f(63, 2)
	f(-22.4, 2)
	f(385.1, 3)
	f(12.31, 2)
	f(88121.4, 4)
	f(102.712345, 5)
	f(-179.999999, 5)
	f(math.Copysign(0, -1), 9)
	f(math.NaN(), 9)
	f(math.Float64frombits(0x7ff8000000000123), 9)
	f(math.Inf(-1), 9)
	f(math.Pi, 9)
	f(0.1+0.2, 9)
	f(1<<53, 9)
	f(math.MaxFloat64, 9)
	f(5e-324, 9)
	r := rand.New(rand.NewPCG(3, 4))
	for range 100000 {
		f(randomFloat(r), 9)
	}
}

func TestDecodeRefuses(t *testing.T) {
	whole := randomRecord(rand.New(rand.NewPCG(9, 9))).Append(nil)
	f := func(why string, body []byte, want string) {
		t.Helper()
		var r Record
		err := r.Decode(body)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("%s: error %v, want one with %q", why, err, want)
		}
	}
	head := []byte{version, byte(Message), byte(charge.Piles), 0, 1}
	with := func(b ...byte) []byte { return append(bytes.Clone(head), b...) }
	f("nothing", nil, "ends")
	f("a later version", append([]byte{version + 1}, whole[1:]...), "version 2")
	f("no kind", []byte{version, 0, 2, 0, 1, 0}, "out of its range")
	f("an unknown part", with(0x80, 0x04), "out of its range")
	f("bytes after the end", append(bytes.Clone(whole), 0), "after its end")
	f("a party of 33 bits", []byte{version, 1, 2, 0, 0xff, 0xff, 0xff, 0xff, 0x1f, 0}, "out of its range")
	f("a varint without an end", with(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), "ends")
	f("four billion piles", with(hasPiles, 0xff, 0xff, 0xff, 0xff, 0x0f), "beyond its end")
	f("a string longer than the body", with(hasPiles, 1, 1, 1, 1, 100, 'a', 0, 0, 0, 0), "beyond its end")
	f("a member that piles do not have", with(hasPiles, 1, 1, 1, 1, 0, 0, 0x80, 0x80, 0x01), "out of its range")
	f("a delay class too many", with(hasDelays, 0x80, 0x40, 1), "out of its range")
	for n := range whole {
		var r Record
		if r.Decode(whole[:n]) == nil {
			t.Fatalf("the first %d of %d bytes were taken for a record", n, len(whole))
		}
	}
}

func TestAnnouncedLengthsAreNotAllocated(t *testing.T) {
	body := []byte{version, byte(Message), byte(charge.Piles), 0, 1, 0x80 | hasPiles, 0x03, 0xff, 0xff, 0xff, 0xff, 0x0f}
	var r Record
	if n := testing.AllocsPerRun(100, func() { _ = r.Decode(body) }); n > 6 { // the reader and the error
		t.Fatalf("%v allocations", n)
	}
	if cap(r.Piles)+cap(r.Fleet) > 0 {
		t.Fatalf("room for %d piles was made", cap(r.Piles))
	}
}

func TestRareStringsOutliveTheBody(t *testing.T) {
	want := randomRecord(rand.New(rand.NewPCG(5, 6)))
	want.Piles, want.Fleet = nil, nil
	body := want.Append(nil)
	var got Record
	if err := got.Decode(body); err != nil {
		t.Fatal(err)
	}
	clear(body)
	if d := difference(want, &got); d != "" {
		t.Fatal(d)
	}
}

func TestResetKeepsBuffersOnly(t *testing.T) {
	r := randomRecord(rand.New(rand.NewPCG(7, 8)))
	r.Seq, r.Piles = 7, make([]PileItem, 3, 10)
	r.Reset()
	if d := difference(&Record{}, r); d != "" || r.Seq != 0 || cap(r.Piles) != 10 {
		t.Fatalf("%s, Seq %d, room for %d piles", d, r.Seq, cap(r.Piles))
	}
}

func FuzzDecode(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 30 {
		f.Add(randomRecord(r).Append(nil))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var a, b Record
		if a.Decode(body) != nil {
			return
		}
		// Varints have several forms, so the bytes may differ, but never the meaning.
		first := a.Append(nil)
		if err := b.Decode(first); err != nil {
			t.Fatalf("what Decode gave cannot be read again: %v", err)
		}
		if second := b.Append(nil); !bytes.Equal(first, second) {
			t.Fatalf("meaning changed\n%x\n%x", first, second)
		}
	})
}

// typical is a message of 50 reports as a party sends them.
func typical(vehicles bool) *Record {
	r := &Record{Kind: Message, Received: noon, Party: 3, Payload: charge.Piles, Account: charge.Account{Received: 50, Taken: 50}}
	for i := range 50 {
		x := float64(i)
		if vehicles {
			r.Fleet = append(r.Fleet, VehicleItem{Num: uint32(100000 + i), Verdict: charge.Taken, Report: charge.VehicleReport{
				VIN: "LNBMDBAH4PA000001", TS: noon - 1200, Has: vehicleHas, Lon: (102712000 + x) / 1e6, Lat: (25040000 + x) / 1e6,
				SpeedKMH: 31.5, OdometerKM: 40211.3 + x, SOCPct: 63, VoltageV: 355, CurrentA: 22.4, State: 1, Charge: 3,
				RangeKM: 240, InsulationKOhm: 1200}})
			continue
		}
		r.Piles = append(r.Piles, PileItem{Num: uint32(100000 + i), Verdict: charge.Taken, Report: charge.PileReport{
			ID: "S1-1", TS: noon - 1200, Status: 3, Has: pileHas, PowerKW: 58.2, VoltageV: 385.1, CurrentA: 151.2, SOCPct: 63,
			EnergyKWh: 12.31, MeterKWh: 88121.4 + x, Session: "A17", VIN: "LNBMDBAH4PA000001", Park: 50, Lock: 10}})
	}
	return r
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	for _, vehicles := range []bool{false, true} {
		rec, buf, got := typical(vehicles), []byte(nil), Record{}
		if n := testing.AllocsPerRun(100, func() {
			buf = rec.Append(buf[:0])
			if err := got.Decode(buf); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Fatalf("vehicles %v: %v allocations a message", vehicles, n)
		}
	}
}

func benchmark(b *testing.B, rec *Record, decode bool) {
	buf := rec.Append(nil)
	var got Record
	b.ReportAllocs()
	for b.Loop() {
		if !decode {
			buf = rec.Append(buf[:0])
		} else if err := got.Decode(buf); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/50, "ns/report")
	b.ReportMetric(float64(len(buf))/50, "B/report")
}

func BenchmarkAppendPiles(b *testing.B)    { benchmark(b, typical(false), false) }
func BenchmarkAppendVehicles(b *testing.B) { benchmark(b, typical(true), false) }
func BenchmarkDecodePiles(b *testing.B)    { benchmark(b, typical(false), true) }
func BenchmarkDecodeVehicles(b *testing.B) { benchmark(b, typical(true), true) }
