package live

import (
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// pair is a State and its model, fed with the same.
type pair struct {
	t *testing.T
	s *State
	m *model
}

func newPair(t *testing.T, c *randomCity) *pair {
	p := &pair{t, New(Config{}, slog.New(slog.DiscardHandler)), newModel()}
	p.s.SetParties(c.parties)
	for _, q := range c.parties {
		p.m.parties[q.Num] = q
	}
	return p
}

func (p *pair) apply(r *record.Record) {
	p.s.Apply(r)
	p.m.apply(r)
}

func (p *pair) tick(c *randomCity) *Revision {
	c.rev++
	p.m.tick(c.now)
	return p.s.Tick(c.rev, c.now)
}

func TestStateIsTheModel(t *testing.T) {
	for seed := range uint64(5) {
		c := newRandomCity(seed)
		p := newPair(t, c)
		for step := range 400 {
			p.apply(c.record())
			switch c.IntN(12) {
			case 0, 1, 2:
				p.tick(c)
			case 3:
				if c.chance(0.05) { // a pause in which everything ages
					c.now += charge.Millis(c.IntN(600_000))
				}
			case 4:
				c.seq++
				p.apply(&record.Record{Seq: c.seq, Kind: record.Totals, Rows: p.s.Totals(c.now)})
			}
			if step%25 == 0 {
				p.sums()
				p.objects()
				p.heat(c)
				p.queries(c)
			}
		}
	}
}

func (p *pair) equal(what string, got, want any) {
	p.t.Helper()
	if got != want {
		p.t.Fatalf("%s is %+v, want %+v", what, got, want)
	}
}

func (p *pair) sums() {
	p.t.Helper()
	all := p.m.count(func(*charge.Station) bool { return true })
	cars := p.m.countCars(func(*charge.Vehicle) bool { return true })
	o := p.s.Overview()
	p.equal("overview", o, Overview{
		At: p.m.at, Vehicles: cars, Piles: all.piles, PowerKW: float64(all.watts) / 1000,
		Stations: all.stations, Operators: 3, Makers: 2,
	})
	for _, row := range p.s.Operators() {
		of := p.m.count(func(st *charge.Station) bool { return st.Party == row.Num })
		p.equal("operator", row, OperatorRow{
			Num: row.Num, ID: p.m.parties[row.Num].Slug, Name: p.m.parties[row.Num].Name, Stations: of.stations,
			Piles: of.piles, PowerKW: float64(of.watts) / 1000, LastReportAt: p.m.last[row.ID],
		})
	}
	for _, row := range p.s.Makers() {
		of := p.m.countCars(func(v *charge.Vehicle) bool { return v.Party == row.Num })
		p.equal("maker "+row.ID, row.Vehicles, of)
		p.equal("last report of "+row.ID, row.LastReportAt, p.m.last[row.ID])
	}
	rows := p.s.Districts()
	p.equal("number of districts", len(rows), 15)
	p.equal("last district", rows[14].ID, "unknown")
	for _, row := range rows {
		of := p.m.count(func(st *charge.Station) bool { return modelDistrict(st.District) == row.ID })
		p.equal("piles of "+row.ID, row.Piles, of.piles)
		p.equal("power of "+row.ID, row.PowerKW, float64(of.watts)/1000)
		p.equal("stations of "+row.ID, row.Stations, of.stations)
		p.equal("vehicles of "+row.ID, row.Vehicles, (*charge.VehicleCounts)(nil))
	}
	for _, row := range p.s.Totals(p.m.at) {
		id := row.ID
		if row.Scope == record.ScopeCity {
			id = "city"
		}
		p.equal("reports taken of "+id, int64(row.Taken), p.m.taken[id])
		p.equal("energy of "+id, row.EnergyKWh, float64(p.m.energy[id])/3.6e9)
	}
}

func (p *pair) objects() {
	p.t.Helper()
	viewers := []Viewer{
		{}, regulator, {charge.RoleOperator, 1}, {charge.RoleOperator, 2}, {charge.RoleMaker, 4}, {charge.RoleMaker, 1},
	}
	for n := charge.Num(1); n <= 3*cityStations; n++ {
		st, ok := p.m.stations[n]
		slug := p.m.parties[(n-1)/cityStations+1].Slug
		for _, v := range viewers {
			got, found := p.s.Station(slug, stationID(n), v)
			visible := ok && (st.Access == charge.Public || v.Role == charge.RoleRegulator ||
				v.Role == charge.RoleOperator && v.Party == st.Party)
			p.equal(fmt.Sprintf("station %d seen by %+v", n, v), found, visible)
			if found && v == regulator {
				of := p.m.count(func(o *charge.Station) bool { return o.Num == n })
				p.equal("counts", got.Piles(), of.piles)
				p.equal("updatedAt", got.UpdatedAt, of.updated)
				p.equal("piles", len(got.PileList), len(st.Piles))
				e, sv, known := p.m.priceE4(&st)
				p.equal("price known", got.Price != nil, known)
				if known {
					p.equal("energy price", got.Price.EnergyE4, e)
					p.equal("service price", got.Price.ServiceE4, sv)
				}
			}
		}
	}
	for n := charge.Num(1); n <= 3*cityPiles; n++ {
		st, ok := p.m.stationOf(n)
		slug := p.m.parties[(n-1)/cityPiles+1].Slug
		got, found := p.s.Pile(slug, pileID(n), regulator)
		p.equal(fmt.Sprintf("pile %d", n), found, ok)
		_, found = p.s.Pile(slug, pileID(n), driver)
		p.equal(fmt.Sprintf("pile %d seen by all", n), found, ok && st.Access == charge.Public)
		if ok {
			want := p.m.piles[n]
			want.report.ID = pileID(n)
			p.equal("report", got.Report, want.report)
			p.equal("received", got.Received, want.received)
			p.equal("state", got.State.String(), p.m.state(n))
			p.equal("station", got.Site.Num, st.Num)
		}
	}
	for n := charge.Num(1); n <= 2*cityVehicles; n++ {
		v, ok := p.m.vehicles[n]
		for _, viewer := range viewers {
			got, found := p.s.Vehicle(vin(n), viewer)
			may := viewer.Role == charge.RoleRegulator || viewer.Role == charge.RoleMaker && viewer.Party == v.Party
			p.equal("vehicle "+vin(n), found, ok && may)
			if found && p.m.cars[n].report.TS != 0 {
				p.equal("vehicle's report", got.Report, p.m.cars[n].report)
				p.equal("online", got.Online, p.m.online(n))
			}
		}
	}
}

func (p *pair) heat(c *randomCity) {
	p.t.Helper()
	box := geo.Box{West: 102.69, South: 25.02, East: 102.74, North: 25.06}
	for layer := range layers {
		for res := MinRes; res <= MaxRes; res++ {
			for _, who := range heatAudiences {
				got := cellMap(p.s.Heat(layer, res, nil, who))
				if want := p.m.heat(layer, res, world, who); !maps.Equal(got, want) {
					p.t.Fatalf("%v at %d for %v is %v, want %v", layer, res, who, got, want)
				}
				got = cellMap(p.s.Heat(layer, res, &box, who))
				if want := p.m.heat(layer, res, box, who); !maps.Equal(got, want) {
					p.t.Fatalf("%v at %d in a box is %v, want %v", layer, res, got, want)
				}
			}
		}
	}
}

func cellMap(list []CellValue) map[geo.Cell]float64 {
	out := map[geo.Cell]float64{}
	for _, c := range list {
		out[c.Cell] += c.Value
	}
	return out
}

func (p *pair) queries(c *randomCity) {
	p.t.Helper()
	for range 30 {
		near := c.place()
		q := Query{Near: &near, RadiusM: pick[float64](c, 0, 500, 5000, 50_000)}
		if c.chance(0.3) {
			a, b := c.place(), c.place()
			q.Near, q.Box = nil, &geo.Box{
				West: min(a.Lon, b.Lon), South: min(a.Lat, b.Lat), East: max(a.Lon, b.Lon), North: max(a.Lat, b.Lat),
			}
		}
		if c.chance(0.3) {
			q.Operator = pick(c, "teld", "ykc", "ykc-2", "nio", "nobody")
		}
		if c.chance(0.3) {
			q.Text = pick(c, "世纪", "SHIJI", "ykc:", "road", ":s1", "i̇stan", "nothing")
		}
		q.FreeParking, q.Open, q.Free = c.chance(0.2), c.chance(0.3), c.chance(0.4)
		if c.chance(0.3) {
			q.HasMaxYuan, q.MaxYuanE4 = true, int64(c.IntN(5))*2500
		}
		if c.chance(0.4) {
			q.MinKW = pick(c, 6.6, 7, 119.9, 120, 500)
		}
		if c.chance(0.3) {
			q.Kind = pick(c, charge.AC, charge.DC)
		}
		q.AccessAll = c.chance(0.5)
		q.Viewer = pick(c, driver, regulator, Viewer{charge.RoleOperator, 1}, Viewer{charge.RoleMaker, 2})
		p.query(q, pick(c, 1, 3, 10, 200))
	}
}

// query compares all pages of an answer with the model's.
func (p *pair) query(q Query, limit int) {
	p.t.Helper()
	q.Limit = limit
	want := p.m.find(q, cityHours)
	var got []Found
	for {
		var next Cursor
		before := len(got)
		got, next = p.s.Stations(q, got)
		if len(got)-before > limit {
			p.t.Fatalf("a page has %d stations, limit %d", len(got)-before, limit)
		}
		back, err := ParseCursor(next.String(), q.Near != nil)
		if err != nil || back.chord2 != next.chord2 || back.id() != next.id() {
			p.t.Fatalf("cursor %v comes back as %v, %v", next, back, err)
		}
		if p.m.at%2 == 0 { // as who asks over the network goes on
			next = back
		}
		if q.Cursor = next; next.IsZero() {
			break
		}
	}
	if len(got) != len(want) {
		p.t.Fatalf("%+v finds %d, want %d", q, len(got), len(want))
	}
	for i := range got {
		// Distances of different places may tie up to rounding; then the order is free.
		if math.Abs(got[i].DistanceM-want[i].dist) > 1e-6 {
			p.t.Fatalf("%+v: place %d is %v m away, want %v", q, i, got[i].DistanceM, want[i].dist)
		}
		j := slices.IndexFunc(want, func(w modelFound) bool { return w.id == got[i].Site.GlobalID })
		if j < 0 || math.Abs(want[j].dist-want[i].dist) > 1e-6 || q.Near == nil && i != j {
			p.t.Fatalf("%+v: place %d is %s, want %s", q, i, got[i].Site.GlobalID, want[i].id)
		}
		p.equal("match of "+want[j].id, got[i].Match, want[j].match)
	}
}

// TestSamePlaceByID pins the order of stations that share a place.
func TestSamePlaceByID(t *testing.T) {
	l := &log{s: testState()}
	for _, n := range []charge.Num{5, 3, 9, 1, 7} {
		l.put(station(n, 1+n%2, center, n))
	}
	got, _ := l.s.Stations(Query{Near: &center, RadiusM: 1}, nil)
	var ids []string
	for _, f := range got {
		ids = append(ids, f.Site.GlobalID)
	}
	if !slices.IsSorted(ids) || len(ids) != 5 {
		t.Fatalf("stations of one place come as %v", ids)
	}
}
