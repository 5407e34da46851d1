package ingest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/quality"
	"github.com/dianchi-platform/dianchi/internal/snapfile"
	"github.com/dianchi-platform/dianchi/internal/spool"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// model is what a platform that never crashes would hold, in maps by name.
type model struct {
	*rand.Rand
	limits   quality.Limits
	stations map[string]modelStation // "party/station"
	piles    map[string]*modelPile   // "party/pile", for ever
	vehicles map[string]*modelVehicle
	sessions map[string]string // "party/session" → payload
	accounts map[charge.Num]charge.Account
	gone     map[charge.Num]bool
	clock    charge.Millis
	sent     []sentReport
}

type modelStation struct {
	text  string
	piles []string
}

type modelPile struct {
	station string // "" for none
	memory  quality.PileMemory
	last    charge.PileReport
	at      charge.Millis
}

type modelVehicle struct {
	maker  charge.Num
	model  string
	memory quality.VehicleMemory
	last   charge.VehicleReport
}

// sentReport is something that may come again.
type sentReport struct {
	party charge.Num
	kind  charge.Payload
	text  string
	judge func(received charge.Millis) charge.Verdict
}

func newModel(seed uint64, cfg Config) *model {
	l := quality.DefaultLimits()
	l.StaleAfter, l.TooOld, l.Province = cfg.StaleAfter, cfg.TooOld, cfg.City.Province
	return &model{
		Rand: rand.New(rand.NewPCG(seed, 7)), limits: l, stations: map[string]modelStation{}, piles: map[string]*modelPile{},
		vehicles: map[string]*modelVehicle{}, sessions: map[string]string{}, accounts: map[charge.Num]charge.Account{},
		gone: map[charge.Num]bool{}, clock: charge.At(time.Now()),
	}
}

// next makes a message and judges it.
func (m *model) next() sentReport {
	var s sentReport
	switch n := m.IntN(20); {
	case n < 4 && len(m.sent) > 0:
		s = m.sent[m.IntN(len(m.sent))]
	case n < 7:
		s = m.station()
	case n < 13:
		s = m.pile()
	case n < 14:
		s = m.fleet()
	case n < 18:
		s = m.vehicle()
	default:
		s = m.session()
	}
	if m.gone[s.party] {
		return m.next()
	}
	m.sent = append(m.sent, s)
	return s
}

func (m *model) operator() charge.Num { return []charge.Num{teld, star}[m.IntN(2)] }
func (m *model) maker() charge.Num    { return []charge.Num{byd, nio}[m.IntN(2)] }

// ts is a moment at which a report may have been made; most are news.
func (m *model) ts() charge.Millis {
	switch m.IntN(10) {
	case 0:
		return m.clock - 1000
	case 1:
		return m.clock - 3600_000 - charge.Millis(m.IntN(1000))
	case 2:
		return m.clock + 90_000 // a clock that is ahead
	case 3:
		return m.clock - 200*24*3600_000
	}
	return m.clock
}

func (m *model) station() sentReport {
	party, id := m.operator(), fmt.Sprint("S", m.IntN(4))
	key := fmt.Sprint(party, "/", id)
	if m.IntN(4) == 0 {
		return sentReport{party, charge.Stations, fmt.Sprintf(`{"id":%q,"removed":true}`, id), func(charge.Millis) charge.Verdict {
			if _, ok := m.stations[key]; !ok {
				return charge.Duplicate
			}
			m.leave(key)
			delete(m.stations, key)
			return charge.Taken
		}}
	}
	var piles []string
	for _, n := range m.Perm(8)[:1+m.IntN(4)] {
		piles = append(piles, fmt.Sprint("P", n))
	}
	text := stationJSON(id, "", slices.Clone(piles)...)
	return sentReport{party, charge.Stations, text, func(charge.Millis) charge.Verdict {
		if s, ok := m.stations[key]; ok && slices.Equal(s.piles, piles) {
			return charge.Duplicate
		}
		m.leave(key)
		for _, id := range piles {
			p := m.pileOf(party, id)
			if p.station != "" { // it moves
				s := m.stations[p.station]
				s.piles = slices.DeleteFunc(slices.Clone(s.piles), func(q string) bool { return q == id })
				m.stations[p.station] = s
			}
			p.station = key
		}
		m.stations[key] = modelStation{text, slices.Clone(piles)}
		return charge.Taken
	}}
}

func (m *model) leave(key string) {
	for _, p := range m.piles {
		if p.station == key {
			p.station = ""
		}
	}
}

func (m *model) pileOf(party charge.Num, id string) *modelPile {
	key := fmt.Sprint(party, "/", id)
	if m.piles[key] == nil {
		m.piles[key] = new(modelPile)
	}
	return m.piles[key]
}

func (m *model) pile() sentReport {
	party, id := m.operator(), fmt.Sprint("P", m.IntN(9))
	r := charge.PileReport{
		ID: id, TS: m.ts(), Status: charge.Status(1 + m.IntN(3)), Has: charge.HasPower, PowerKW: float64(m.IntN(500)) / 10,
	}
	text := fmt.Sprintf(`{"id":%q,"ts":%d,"status":%d,"powerKw":%g}`, id, r.TS, r.Status, r.PowerKW)
	return sentReport{party, charge.Piles, text, func(received charge.Millis) charge.Verdict {
		p := m.pileOf(party, id)
		if p.station == "" {
			return charge.Rejected
		}
		r, f := r, quality.Findings{}
		v := quality.JudgePile(&p.memory, &r, quality.PileFacts{RatedKW: 120, Kind: charge.DC}, received, &m.limits, &f)
		if v == charge.Taken {
			p.last, p.at = r, received
		}
		return v
	}}
}

func (m *model) vin() string { return fmt.Sprintf("LNBMDBAH4PA%06d", m.IntN(6)) }

func (m *model) fleet() sentReport {
	party, vin, name := m.maker(), m.vin(), []string{"", "EU5", "秦"}[m.IntN(3)]
	return sentReport{party, charge.Fleet, fmt.Sprintf(`{"vin":%q,"model":%q}`, vin, name), func(charge.Millis) charge.Verdict {
		v := m.vehicles[vin]
		switch {
		case v == nil:
			m.vehicles[vin] = &modelVehicle{maker: party, model: name}
		case v.maker != party:
			return charge.Rejected
		case v.model == name:
			return charge.Duplicate
		default:
			v.model = name
		}
		return charge.Taken
	}}
}

func (m *model) vehicle() sentReport {
	party, vin := m.maker(), m.vin()
	r := charge.VehicleReport{
		VIN: vin, TS: m.ts(), Has: charge.HasPosition | charge.HasSOC,
		Lon: 102.7 + float64(m.IntN(1000))/1e6, Lat: 25.03, SOCPct: float64(m.IntN(120)),
	}
	text := fmt.Sprintf(`{"vin":%q,"ts":%d,"lon":%v,"lat":%v,"socPct":%v}`, vin, r.TS, r.Lon, r.Lat, r.SOCPct)
	return sentReport{party, charge.Vehicles, text, func(received charge.Millis) charge.Verdict {
		v := m.vehicles[vin]
		if v == nil {
			v = &modelVehicle{maker: party}
		} else if v.maker != party {
			return charge.Rejected
		}
		r, f := r, quality.Findings{}
		verdict, _ := quality.JudgeVehicle(&v.memory, &r, quality.VehicleFacts{}, received, &m.limits, &f)
		if verdict == charge.Taken || verdict == charge.Late {
			m.vehicles[vin] = v
		}
		if verdict == charge.Taken {
			v.last = r
		}
		return verdict
	}}
}

func (m *model) session() sentReport {
	party, id, pile := m.operator(), fmt.Sprint("T", m.IntN(6)), fmt.Sprint("P", m.IntN(8))
	text := fmt.Sprintf(`{"id":%q,"pile":%q,"startTs":%d,"endTs":%d,"energyKwh":%d}`, id, pile, m.clock-7200_000, m.clock-3600_000,
		m.IntN(3))
	return sentReport{party, charge.Sessions, text, func(charge.Millis) charge.Verdict {
		if m.pileOf(party, pile).station == "" {
			return charge.Rejected
		}
		key := fmt.Sprint(party, "/", id)
		if m.sessions[key] == text {
			return charge.Duplicate
		}
		m.sessions[key] = text
		return charge.Taken
	}}
}

// removeParty takes a party away with everything that is its own.
func (m *model) removeParty(num charge.Num) {
	m.gone[num] = true
	prefix := fmt.Sprint(num, "/")
	for k := range m.stations {
		if k[:2] == prefix {
			delete(m.stations, k)
		}
	}
	for k, p := range m.piles {
		if k[:2] == prefix {
			p.station = ""
		}
	}
	for vin, v := range m.vehicles {
		if v.maker == num {
			delete(m.vehicles, vin)
		}
	}
}

// compare wants live and the accounts to be what the model holds.
func (m *model) compare(r *rig) {
	r.t.Helper()
	for num, want := range m.accounts {
		if got := r.total(num); got != want {
			r.t.Errorf("account of party %d: %+v, want %+v", num, got, want)
		}
	}
	slugs := map[charge.Num]string{teld: "teld", star: "star", byd: "byd", nio: "nio"}
	total := 0
	for _, party := range []charge.Num{teld, star} {
		for n := range 9 {
			id := fmt.Sprint("P", n)
			want := m.pileOf(party, id)
			got, ok := r.live.Pile(slugs[party], id, regulator)
			if ok != (want.station != "") {
				r.t.Errorf("pile %s:%s: there %v, want it in %q", slugs[party], id, ok, want.station)
				continue
			}
			if !ok {
				continue
			}
			total++
			if in := fmt.Sprint(party, "/", got.Site.ID); in != want.station {
				r.t.Errorf("pile %s is in %s, want %s", got.GlobalID, in, want.station)
			}
			want.last.ID = id
			state := charge.StateOf(want.last.Status)
			if got.Reported && !reflect.DeepEqual(got.Report, want.last) || got.Reported != (want.last.TS != 0) ||
				got.State != state || got.Received != want.at {
				r.t.Errorf("pile %s: %+v, want %v %+v", got.GlobalID, got, state, want.last)
			}
		}
	}
	o := r.live.Overview()
	if o.Piles.Total != total || o.Stations != len(m.stations) || o.Vehicles.Total != len(m.vehicles) {
		r.t.Errorf("%d piles, %d stations, %d vehicles, want %d, %d, %d", o.Piles.Total, o.Stations, o.Vehicles.Total,
			total, len(m.stations), len(m.vehicles))
	}
	for vin, want := range m.vehicles {
		got, ok := r.live.Vehicle(vin, regulator)
		if !ok || got.Maker != slugs[want.maker] || got.Vehicle.Model != want.model || got.Reported != (want.last.TS != 0) ||
			got.Reported && !reflect.DeepEqual(got.Report, want.last) {
			r.t.Errorf("vehicle %s: %+v, want %+v of %s", vin, got, want.last, slugs[want.maker])
		}
	}
}

// step sends one message and wants the model's verdict.
func (m *model) step(r *rig) {
	r.t.Helper()
	m.clock += charge.Millis(m.IntN(800))
	s := m.next()
	received := m.clock
	a := m.accounts[s.party]
	a.Count(s.judge(received), 1)
	m.accounts[s.party] = a
	if err := r.tryAt(s.party, s.kind, s.text, received); err != nil {
		r.t.Fatalf("%s %s: %v", s.kind, s.text, err)
	}
	if got := r.total(s.party); got != a {
		r.t.Fatalf("after %s %s of party %d: %+v, want %+v", s.kind, s.text, s.party, got, a)
	}
}

// Whatever came, and whenever the power went: with what is on disk the platform
// answers and judges as if nothing had happened.
func TestRecoveryAgainstModel(t *testing.T) {
	f := func(seed uint64, snapshots, trim bool) {
		t.Run(fmt.Sprintf("seed %d snapshots %v trim %v", seed, snapshots, trim), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			if trim {
				r.spool.SegmentBytes = 4096
				r.spool.Holders = append(r.spool.Holders, "registry")
			}
			m := newModel(seed, r.cfg)
			// Numbers around the border of two chunks of memory.
			start := Catalog{NextPile: memoryChunk - 5, NextVehicle: memoryChunk - 3}
			r.open(start)
			books := start
			for range 6 {
				var writing sync.WaitGroup
				ctx, cancel := context.WithCancel(t.Context())
				if snapshots {
					writing.Go(func() {
						for ctx.Err() == nil {
							if err := r.p.commit.snapshotNow(ctx); err != nil && ctx.Err() == nil {
								t.Error(err)
							}
						}
					})
				}
				for range 20 + m.IntN(150) {
					m.step(r)
				}
				if m.IntN(3) == 0 {
					gone := []charge.Num{star, nio}[m.IntN(2)]
					r.p.PartiesChanged(nil, []charge.Party{r.people.remove(gone)})
					m.removeParty(gone)
					r.eventually(func() bool { return !r.has(gone) })
					for range 20 {
						m.step(r)
					}
				}
				position := books.Position
				if last := r.sp.Last(); last > position {
					position += m.Uint64N(last - position + 1)
				}
				books = r.booksFrom(books, position, start)
				if trim {
					r.sp.Hold("registry", books.Position)
				}
				dir := r.freeze()
				cancel()
				writing.Wait()
				r.stop()
				r.dir = dir
				r.open(books)
				m.compare(r)
				if t.Failed() {
					return
				}
			}
			for range 100 {
				m.step(r)
			}
			m.compare(r)
			if files, _ := os.ReadDir(filepath.Join(r.dir, "snapshot")); (len(files) > 0) != snapshots {
				t.Errorf("%d snapshots were written", len(files))
			}
		})
	}

	for seed := range uint64(4) {
		f(seed, true, true)
		f(seed, true, false)
		f(seed, false, false)
	}
}

// has reports whether a party has objects.
func (r *rig) has(party charge.Num) (has bool) {
	r.p.do(context.Background(), func() { has = r.p.judge.index.has(party) })
	return has
}

// booksFrom moves what the registry holds on to position.
func (r *rig) booksFrom(old Catalog, position uint64, start Catalog) Catalog {
	b := &books{x: newIndex(), acc: newAccounts()}
	b.acc.start(old.Accounts, old.Position)
	for _, s := range old.Stations {
		b.x.putStation(s)
	}
	for _, v := range old.Vehicles {
		b.x.putVehicle(v)
	}
	for _, rec := range r.records() {
		if rec.Seq > old.Position && rec.Seq <= position {
			b.apply(rec)
			for _, s := range rec.Sessions {
				r.kept[fmt.Sprint(s.Party, s.ID)] = s
			}
		}
	}
	return b.catalog(position, Catalog{
		NextStation: old.NextStation, NextPile: max(old.NextPile, start.NextPile), NextVehicle: max(old.NextVehicle, start.NextVehicle),
	})
}

// What cannot be used of the data folder costs what it held, not the start.
func TestRecoverFromDamage(t *testing.T) {
	f := func(name string, damage func(r *rig) Catalog, pileIsKnown bool) {
		t.Run(name, func(t *testing.T) {
			r := newRig(t).open(Catalog{})
			r.send(teld, charge.Stations, stationJSON("S1", "", "A"))
			report := pileJSON("A", time.Now(), 3, 60)
			r.send(teld, charge.Piles, report)
			if err := r.p.commit.snapshotNow(t.Context()); err != nil {
				t.Fatal(err)
			}
			all := r.records()
			r.crash()
			cat := damage(r)
			books := booksAt(all, min(cat.Position, 2), Catalog{})
			books.Position = cat.Position
			r.open(books)
			v, ok := r.live.Pile("teld", "A", regulator)
			if !ok || v.Reported != pileIsKnown {
				t.Errorf("live has the pile %v and its report %v, want the report %v", ok, v.Reported, pileIsKnown)
			}
			got := r.send(teld, charge.Piles, report)
			if pileIsKnown && got.Duplicate != 1 || !pileIsKnown && got.Taken != 1 {
				t.Errorf("the report again: %+v", got)
			}
			if got := r.send(teld, charge.Piles, pileJSON("A", time.Now(), 3, 61)); got.Taken != 1 {
				t.Errorf("a new report: %+v", got)
			}
			r.crash()
			r.open(booksAt(r.recordsOf(all), cat.Position, Catalog{}))
			if v, _ := r.live.Pile("teld", "A", regulator); v.Report.PowerKW != 61 {
				t.Errorf("after one more restart live has %+v", v)
			}
		})
	}
	snapshots := func(r *rig) []string {
		files, _ := filepath.Glob(filepath.Join(r.dir, "snapshot", "*.snap"))
		return files
	}

	f("nothing", func(*rig) Catalog { return Catalog{Position: 2} }, true)
	f("registry far behind", func(*rig) Catalog { return Catalog{} }, true)
	f("snapshot of another version", func(r *rig) Catalog {
		err := snapfile.Write(filepath.Join(r.dir, "snapshot"), snapshotName, func(w *snapfile.Writer) error {
			return w.Section(livePrefix+"head", 2, []byte(`{"Version":99}`))
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return Catalog{Position: 2}
	}, true)
	f("snapshot torn", func(r *rig) Catalog {
		for _, file := range snapshots(r) {
			if err := os.Truncate(file, 100); err != nil {
				t.Fatal(err)
			}
		}
		return Catalog{Position: 2}
	}, true)
	f("log emptied", func(r *rig) Catalog {
		os.RemoveAll(filepath.Join(r.dir, "spool"))
		return Catalog{Position: 2}
	}, true)
	f("log and snapshot emptied", func(r *rig) Catalog {
		os.RemoveAll(filepath.Join(r.dir, "spool"))
		os.RemoveAll(filepath.Join(r.dir, "snapshot"))
		return Catalog{Position: 2}
	}, false)
	// Numbers are jumped over: the disk forgot what the registry has seen.
	f("log behind the registry", func(*rig) Catalog { return Catalog{Position: 500} }, true)
}

// recordsOf returns what stands in the log behind old records.
func (r *rig) recordsOf(old []*record.Record) []*record.Record {
	sp, err := spool.Open(spool.Config{Dir: filepath.Join(r.dir, "spool"), FloorBytes: -1}, r.log, 1)
	if err != nil {
		r.t.Fatal(err)
	}
	defer sp.Close(r.t.Context())
	was := r.sp
	defer func() { r.sp = was }()
	r.sp = sp
	all := slices.Clone(old)
	for _, rec := range r.records() {
		if rec.Seq > old[len(old)-1].Seq {
			all = append(all, rec)
		}
	}
	return all
}
