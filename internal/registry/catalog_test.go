package registry

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// model is what a registry should hold, in maps.
type model struct {
	position uint64
	stations map[charge.Num]charge.Station
	vehicles map[charge.Num]charge.Vehicle
	accounts map[charge.Num]*Account
	marks    Numbers
}

func newModel() *model {
	return &model{stations: map[charge.Num]charge.Station{}, vehicles: map[charge.Num]charge.Vehicle{},
		accounts: map[charge.Num]*Account{}}
}

func (m *model) apply(r *record.Record) {
	m.position = r.Seq
	if r.Kind == record.PartyGone {
		maps.DeleteFunc(m.stations, func(_ charge.Num, s charge.Station) bool { return s.Party == r.Party })
		maps.DeleteFunc(m.vehicles, func(_ charge.Num, v charge.Vehicle) bool { return v.Party == r.Party })
		return
	}
	for _, p := range r.Stations {
		m.marks.Station = max(m.marks.Station, p.Station.Num)
		if p.Removed {
			delete(m.stations, p.Station.Num)
			continue
		}
		moved := map[charge.Num]bool{}
		for _, pile := range p.Station.Piles {
			moved[pile.Num] = true
			m.marks.Pile = max(m.marks.Pile, pile.Num)
		}
		for num, s := range m.stations {
			s.Piles = slices.DeleteFunc(slices.Clone(s.Piles), func(p charge.Pile) bool { return moved[p.Num] })
			m.stations[num] = s
		}
		m.stations[p.Station.Num] = p.Station
	}
	for _, v := range r.Vehicles {
		m.vehicles[v.Num] = v
		m.marks.Vehicle = max(m.marks.Vehicle, v.Num)
	}
	if r.Account.Received == 0 {
		return
	}
	a := m.accounts[r.Party]
	if a == nil {
		a = &Account{Party: r.Party}
		m.accounts[r.Party] = a
	}
	n := r.Counts()
	a.Counts.Add(&n)
	a.Last = max(a.Last, r.Received)
	for _, rc := range r.Rules {
		i := slices.IndexFunc(a.Rules, func(t RuleTotal) bool { return t.Rule == rc.Rule && t.Action == rc.Action })
		if i < 0 {
			i = len(a.Rules)
			a.Rules = append(a.Rules, RuleTotal{Rule: rc.Rule, Action: rc.Action})
		}
		a.Rules[i].Count += uint64(rc.Count)
	}
}

func (m *model) catalog() *Catalog {
	c := &Catalog{Position: m.position, Marks: m.marks}
	for _, num := range slices.Sorted(maps.Keys(m.stations)) {
		s := m.stations[num]
		if len(s.Piles) == 0 {
			s.Piles = nil
		}
		if len(s.Tariffs) == 0 {
			s.Tariffs = nil
		}
		c.Stations = append(c.Stations, s)
	}
	for _, num := range slices.Sorted(maps.Keys(m.vehicles)) {
		c.Vehicles = append(c.Vehicles, m.vehicles[num])
	}
	for _, num := range slices.Sorted(maps.Keys(m.accounts)) {
		a := *m.accounts[num]
		slices.SortFunc(a.Rules, func(x, y RuleTotal) int {
			return cmp.Or(cmp.Compare(x.Rule, y.Rule), cmp.Compare(x.Action, y.Action))
		})
		c.Accounts = append(c.Accounts, a)
	}
	return c
}

// world makes records as the pipeline would: numbers are given once per id and
// party, an id that is gone comes back with a new number.
type world struct {
	*rand.Rand
	seq                      uint64
	marks                    Numbers
	stations, piles, vehicle map[string]charge.Num
	owner                    map[string]string // pile → station
}

func newWorld(seed uint64) *world {
	return &world{Rand: rand.New(rand.NewPCG(seed, 1)), stations: map[string]charge.Num{}, piles: map[string]charge.Num{},
		vehicle: map[string]charge.Num{}, owner: map[string]string{}}
}

func number(m map[string]charge.Num, key string, last *charge.Num) charge.Num {
	if m[key] == 0 {
		*last++
		m[key] = *last
	}
	return m[key]
}

func (w *world) dropStation(key string) {
	delete(w.stations, key)
	for p, s := range w.owner {
		if s == key {
			delete(w.owner, p)
			delete(w.piles, p)
		}
	}
}

func (w *world) record() *record.Record {
	w.seq++
	r := &record.Record{Seq: w.seq, Kind: record.Message, Party: charge.Num(1 + w.IntN(3)), Received: charge.Millis(w.seq)}
	switch n := w.IntN(100); {
	case n < 2:
		r.Kind = record.PartyGone
		prefix := fmt.Sprint(r.Party, ":")
		for key := range w.stations {
			if key[:2] == prefix {
				w.dropStation(key)
			}
		}
		maps.DeleteFunc(w.vehicle, func(vin string, _ charge.Num) bool { return vin[:1] == prefix[:1] })
		return r
	case n < 30:
		for range 1 + w.IntN(3) {
			r.Stations = append(r.Stations, w.put(r.Party))
		}
	case n < 50:
		for range 1 + w.IntN(4) {
			vin := fmt.Sprintf("%dVIN%013d", r.Party, w.IntN(40))
			r.Vehicles = append(r.Vehicles, charge.Vehicle{Num: number(w.vehicle, vin, &w.marks.Vehicle), Party: r.Party, VIN: vin,
				Class: charge.Class(w.IntN(7)), Model: []string{"", "EU5", "秦"}[w.IntN(3)], BatteryKWh: float64(w.IntN(900)) / 10})
		}
	}
	r.Account.Count(charge.Verdict(1+w.IntN(4)), uint64(1+w.IntN(50)))
	r.Delays[w.IntN(len(r.Delays))] = uint32(w.IntN(3))
	r.Missing, r.OnlineMS = uint32(w.IntN(3)), uint64(w.IntN(90_000))
	if w.IntN(3) == 0 {
		r.Rules = append(r.Rules, record.RuleCount{Rule: []charge.Rule{charge.RuleIDUnknown, charge.RuleSOCJump}[w.IntN(2)],
			Action: charge.Action(1 + w.IntN(5)), Count: 1 + w.Uint32N(9)})
	}
	return r
}

func (w *world) put(party charge.Num) record.StationPut {
	id := fmt.Sprint("S", w.IntN(8))
	key := fmt.Sprint(party, ":", id)
	if w.stations[key] != 0 && w.IntN(4) == 0 {
		num := w.stations[key]
		w.dropStation(key)
		return record.StationPut{Removed: true, Station: charge.Station{Num: num, Party: party, ID: id}}
	}
	s := charge.Station{Num: number(w.stations, key, &w.marks.Station), Party: party, ID: id, Name: fmt.Sprint("站", w.IntN(99)),
		Lon: 102 + w.Float64(), Lat: 25 + w.Float64(), Access: charge.Access(w.IntN(3)), District: "530111", Phone: "0871-1",
		OpenHours: "00:00-24:00", NameEn: "Station", Address: "路"}
	if w.IntN(2) == 0 {
		s.Parking = &charge.Parking{Type: charge.ParkingType(w.IntN(4)), Text: "免费", FenPerHour: int64(w.IntN(500)) - 1, FreeMinutes: -1}
	}
	for i := range w.IntN(4) {
		s.Tariffs = append(s.Tariffs, charge.Tariff{ValidFrom: charge.Millis(i * 1000), Bands: []charge.Band{
			{FromMinute: 0, ToMinute: 600, EnergyE4: int64(w.IntN(3)), ServiceE4: 4000}, {FromMinute: 600, ToMinute: 1440, EnergyE4: 1}}})
	}
	now := map[string]bool{}
	for _, n := range w.Perm(12)[:w.IntN(6)] { // ids that several stations of the party name in turn
		pile := fmt.Sprint(party, ":P", n)
		now[pile] = true
		s.Piles = append(s.Piles, charge.Pile{Num: number(w.piles, pile, &w.marks.Pile), ID: fmt.Sprint("P", n),
			Kind: charge.PileKind(1 + w.IntN(2)), RatedKW: float64(7 * (1 + w.IntN(20))), Standard: "GB/T 20234.3", Bay: fmt.Sprint("B", w.IntN(9))})
	}
	for pile, station := range w.owner {
		if station == key && !now[pile] {
			delete(w.owner, pile)
			delete(w.piles, pile)
		}
	}
	for pile := range now {
		w.owner[pile] = key
	}
	return record.StationPut{Station: s}
}

// Random puts, removals, moves, counters and ends of parties, in batches of any
// size, with restarts and repeated batches, leave what a few maps would hold.
func TestApplyAgainstModel(t *testing.T) {
	for seed := range uint64(6) {
		dir := t.TempDir()
		r := open(t, dir)
		w, m := newWorld(seed), newModel()
		var last []*record.Record
		for step := range 60 {
			batch := make([]*record.Record, 1+w.IntN(20))
			for i := range batch {
				batch[i] = w.record()
				m.apply(batch[i])
			}
			if w.IntN(4) == 0 { // what was applied already is given again, before the new
				batch = append(slices.Clone(last), batch...)
			}
			if err := r.applyBatch(batch); err != nil {
				t.Fatal(err)
			}
			last = batch
			if step%10 == 9 {
				if err := r.Close(); err != nil {
					t.Fatal(err)
				}
				r = open(t, dir)
			}
			if step%5 == 4 {
				if got, want := catalog(t, r), m.catalog(); !reflect.DeepEqual(got, want) {
					t.Fatalf("seed %d, step %d: the catalog is\n%+v\nwant\n%+v", seed, step, got, want)
				}
			}
		}
		if marks, err := r.Marks(t.Context()); err != nil || marks != w.marks {
			t.Fatalf("Marks = %+v, %v, want %+v", marks, err, w.marks)
		}
	}
}

// A batch that cannot be applied leaves nothing behind.
func TestApplyIsWhole(t *testing.T) {
	r := open(t, t.TempDir())
	good := &record.Record{Seq: 1, Kind: record.Message, Party: 1, Account: charge.Account{Received: 5, Taken: 5},
		Vehicles: []charge.Vehicle{{Num: 1, Party: 1, VIN: "LNBMDBAH4PA000001"}}}
	if err := r.applyBatch([]*record.Record{good}); err != nil {
		t.Fatal(err)
	}
	want := catalog(t, r)
	if _, err := r.main.write.Exec(`CREATE TRIGGER broken BEFORE UPDATE ON account BEGIN SELECT raise(ABORT, 'disk on fire'); END`); err != nil {
		t.Fatal(err)
	}
	next := &record.Record{Seq: 2, Kind: record.Message, Party: 1, Account: charge.Account{Received: 1, Taken: 1},
		Vehicles: []charge.Vehicle{{Num: 2, Party: 1, VIN: "LNBMDBAH4PA000002"}}}
	if err := r.applyBatch([]*record.Record{next}); err == nil {
		t.Fatal("applyBatch worked in spite of the trigger")
	}
	if got := catalog(t, r); !reflect.DeepEqual(got, want) {
		t.Fatalf("after a failed batch the catalog is %+v, want %+v", got, want)
	}
	if _, err := r.main.write.Exec(`DROP TRIGGER broken`); err != nil {
		t.Fatal(err)
	}
	if err := r.applyBatch([]*record.Record{next}); err != nil {
		t.Fatal(err)
	}
	if got := catalog(t, r); got.Position != 2 || len(got.Vehicles) != 2 || got.Accounts[0].Counts.Received != 6 {
		t.Fatalf("the batch tried again gave %+v", got)
	}
}

// bulk returns records that register a city of n piles and n vehicles.
func bulk(n int) []*record.Record {
	var out []*record.Record
	seq := uint64(0)
	add := func(r record.Record) {
		seq++
		r.Seq, r.Kind = seq, record.Message
		out = append(out, &r)
	}
	bands := make([]charge.Band, 8)
	for i := range bands {
		bands[i] = charge.Band{FromMinute: i * 180, ToMinute: (i + 1) * 180, EnergyE4: int64(4000 + i), ServiceE4: 4000}
	}
	for i := 0; i < n; i += 16 {
		s := charge.Station{Num: charge.Num(i/16 + 1), Party: 1, ID: fmt.Sprint("S", i/16), Name: "世纪城站", Lon: 102.7, Lat: 25,
			District: "530111", OpenHours: "00:00-24:00", Tariffs: []charge.Tariff{{Bands: bands}}}
		for j := i; j < min(i+16, n); j++ {
			s.Piles = append(s.Piles, charge.Pile{Num: charge.Num(j + 1), ID: fmt.Sprint("S", i/16, "-", j), Kind: charge.DC, RatedKW: 120,
				Standard: "GB/T 20234.3"})
		}
		add(record.Record{Party: 1, Stations: []record.StationPut{{Station: s}}})
	}
	for i := 0; i < n; i += 50 {
		var r record.Record
		for j := i; j < min(i+50, n); j++ {
			r.Vehicles = append(r.Vehicles, charge.Vehicle{Num: charge.Num(j + 1), Party: 2, VIN: fmt.Sprintf("LNB%014d", j*7919%1_000_003),
				Class: charge.ClassPrivate, Model: "EU5", BatteryKWh: 53.6})
		}
		add(r)
	}
	return out
}

// TestBulk prints what 200,000 piles and vehicles cost; run it with -v.
func TestBulk(t *testing.T) {
	n := 200_000
	if testing.Short() {
		n = 2_000
	}
	r := open(t, t.TempDir())
	all := bulk(n)
	start := time.Now()
	for part := range slices.Chunk(all, 2000) {
		if err := r.applyBatch(part); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("apply %d piles and vehicles: %s", n, time.Since(start))
	start = time.Now()
	c, err := r.LoadCatalog(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("load them: %s", time.Since(start))
	piles := 0
	for i := range c.Stations {
		piles += len(c.Stations[i].Piles)
	}
	if piles != n || len(c.Vehicles) != n || c.Marks != (Numbers{charge.Num(len(c.Stations)), charge.Num(n), charge.Num(n)}) {
		t.Fatalf("loaded %d piles, %d vehicles, marks %+v", piles, len(c.Vehicles), c.Marks)
	}
}

// What a second of the full city's reports costs: 270 messages of 50.
func BenchmarkCounters(b *testing.B) {
	r := open(b, b.TempDir())
	var bt batch
	rec := record.Record{Kind: record.Message, Account: charge.Account{Received: 50, Taken: 49, Duplicate: 1},
		Rules: []record.RuleCount{{Rule: charge.RuleDupExact, Action: charge.ActDuplicate, Count: 1}}}
	rec.Delays[2] = 50
	b.ReportAllocs()
	for b.Loop() {
		for i := range 270 {
			rec.Seq++
			rec.Party = charge.Num(1 + i%40)
			bt.add(&rec)
		}
		if err := r.apply(b.Context(), &bt); err != nil {
			b.Fatal(err)
		}
		bt.reset()
	}
}
