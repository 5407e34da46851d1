package ingest

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/quality"
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
		text := fmt.Sprintf(`{"id":%q,"removed":true}`, id)
		return sentReport{party, charge.Stations, text, func(charge.Millis) charge.Verdict {
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
	text := fmt.Sprintf(`{"vin":%q,"model":%q}`, vin, name)
	return sentReport{party, charge.Fleet, text, func(charge.Millis) charge.Verdict {
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
	if m.IntN(4) == 0 {
		r.Lat = 25.13 // farther than it can have driven
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
	start, end := m.clock-7200_000, m.clock-3600_000
	text := fmt.Sprintf(`{"id":%q,"pile":%q,"startTs":%d,"endTs":%d,"energyKwh":%d}`, id, pile, start, end, m.IntN(3))
	return sentReport{party, charge.Sessions, text, func(charge.Millis) charge.Verdict {
		if m.pileOf(party, pile).station == "" {
			return charge.Rejected
		}
		key := fmt.Sprint(party, "/", id)
		if m.sessions[key] == text {
			return charge.Duplicate
		}
		m.sessions[key] = text
		m.pileOf(party, pile).memory.RememberSession(&charge.Session{ID: id, Start: start, End: end})
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
	m.compareMemory(r)
	for vin, want := range m.vehicles {
		got, ok := r.live.Vehicle(vin, regulator)
		if !ok || got.Maker != slugs[want.maker] || got.Vehicle.Model != want.model || got.Reported != (want.last.TS != 0) ||
			got.Reported && !reflect.DeepEqual(got.Report, want.last) {
			r.t.Errorf("vehicle %s: %+v, want %+v of %s", vin, got, want.last, slugs[want.maker])
		}
	}
}

// compareMemory wants the judge to remember what the model does.
func (m *model) compareMemory(r *rig) {
	r.t.Helper()
	r.p.do(r.t.Context(), func() {
		x := r.p.judge.index
		for _, party := range []charge.Num{teld, star} {
			for n := range 9 {
				id := fmt.Sprint("P", n)
				want := m.pileOf(party, id)
				if want.station == "" {
					continue
				}
				if got := x.pile[x.piles[party][id]].memory; got != want.memory {
					r.t.Errorf("the memory of pile %d/%s is\n%+v, want\n%+v", party, id, got, want.memory)
				}
			}
		}
		for vin, want := range m.vehicles {
			if got := x.vehicle[x.vehicles[vin]].memory; got != want.memory {
				r.t.Errorf("the memory of vehicle %s is\n%+v, want\n%+v", vin, got, want.memory)
			}
		}
	})
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
