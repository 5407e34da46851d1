package ingest

import (
	"slices"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/quality"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// index is what the judge knows of the objects: who owns an id, its number,
// what the rules need of its description, and the rules' memory of its past.
//
// It is written by the judge goroutine alone and is ahead of live by what is
// not yet on disk.
type index struct {
	stations map[charge.Num]map[string]*charge.Station // by party, own id
	piles    map[charge.Num]map[string]charge.Num      // by party, own id
	vehicles map[string]charge.Num                     // by VIN

	// by number
	pile    []pileEntry
	vehicle []vehicleEntry
	owner   map[charge.Num]charge.Num // station number → party
	fleet   map[charge.Num]int        // vehicles by party
	made    map[charge.Num]int        // stations numbered by party since the start, also those that are gone

	nextStation, nextPile, nextVehicle charge.Num
}

type pileEntry struct {
	party   charge.Num
	id      string          // the operator's own; it keeps its number and memory outside of stations, too
	station *charge.Station // nil: not in any station now
	facts   quality.PileFacts
	memory  quality.PileMemory
}

type vehicleEntry struct {
	master charge.Vehicle
	memory quality.VehicleMemory
}

func newIndex() *index {
	return &index{
		stations:    map[charge.Num]map[string]*charge.Station{},
		piles:       map[charge.Num]map[string]charge.Num{},
		vehicles:    map[string]charge.Num{},
		owner:       map[charge.Num]charge.Num{},
		fleet:       map[charge.Num]int{},
		made:        map[charge.Num]int{},
		nextStation: 1, nextPile: 1, nextVehicle: 1,
	}
}

// putStation makes st, whose numbers are set, the station of its id.
func (x *index) putStation(st charge.Station) {
	byID := x.stations[st.Party]
	if byID == nil {
		byID = map[string]*charge.Station{}
		x.stations[st.Party] = byID
	}
	if old := byID[st.ID]; old != nil {
		x.release(old)
	}
	own := st
	byID[st.ID] = &own
	x.owner[st.Num] = st.Party
	x.nextStation = max(x.nextStation, st.Num+1)
	for _, p := range own.Piles {
		x.name(st.Party, p.ID, p.Num)
		e := &x.pile[p.Num]
		if e.station != nil && e.station != &own {
			leave(e.station, p.Num)
		}
		e.station = &own
		e.facts = quality.PileFacts{RatedKW: p.RatedKW, Kind: p.Kind}
	}
}

// name gives a party's pile id its number, unless it has one.
func (x *index) name(party charge.Num, id string, n charge.Num) {
	ids := x.piles[party]
	if ids == nil {
		ids = map[string]charge.Num{}
		x.piles[party] = ids
	}
	x.nextPile = max(x.nextPile, n+1)
	x.pile = grow(x.pile, n)
	if ids[id] == 0 {
		ids[id] = n
		x.pile[n].party, x.pile[n].id = party, id
	}
}

// removeStation takes a station away; its piles keep their numbers and memory.
func (x *index) removeStation(party charge.Num, id string) {
	if old := x.stations[party][id]; old != nil {
		x.release(old)
		delete(x.stations[party], id)
		delete(x.owner, old.Num)
	}
}

func (x *index) release(st *charge.Station) {
	for _, p := range st.Piles {
		if x.pile[p.Num].station == st {
			x.pile[p.Num].station = nil
		}
	}
}

// leave takes a pile that another station has named out of the one it stood in.
func leave(st *charge.Station, pile charge.Num) {
	st.Piles = slices.DeleteFunc(slices.Clone(st.Piles), func(p charge.Pile) bool { return p.Num == pile })
}

func (x *index) putVehicle(v charge.Vehicle) {
	if old := x.vehicles[v.VIN]; old == 0 {
		x.fleet[v.Party]++
	} else if was := x.vehicle[old].master.Party; was != v.Party {
		x.fleet[was]--
		x.fleet[v.Party]++
	}
	x.vehicles[v.VIN] = v.Num
	x.nextVehicle = max(x.nextVehicle, v.Num+1)
	x.vehicle = grow(x.vehicle, v.Num)
	x.vehicle[v.Num].master = v
}

// has reports whether a party has objects.
func (x *index) has(party charge.Num) bool {
	if len(x.stations[party]) > 0 {
		return true
	}
	for _, n := range x.vehicles {
		if x.vehicle[n].master.Party == party {
			return true
		}
	}
	return false
}

// dropParty forgets a removed party's objects. Numbers are not given again.
func (x *index) dropParty(party charge.Num) {
	for id := range x.stations[party] {
		x.removeStation(party, id)
	}
	for _, n := range x.piles[party] {
		x.pile[n] = pileEntry{}
	}
	delete(x.stations, party)
	delete(x.piles, party)
	delete(x.fleet, party)
	delete(x.made, party)
	for vin, n := range x.vehicles {
		if x.vehicle[n].master.Party == party {
			x.vehicle[n] = vehicleEntry{}
			delete(x.vehicles, vin)
		}
	}
}

// applyCatalog moves the index by a record that is on disk. Without change, it
// knows already what the record says of stations and vehicles, but perhaps not
// the numbers of piles that have no station any more.
func (x *index) applyCatalog(rec *record.Record, change bool) {
	if rec.Kind == record.PartyGone {
		x.dropParty(rec.Party)
		return
	}
	for i := range rec.Stations {
		s := &rec.Stations[i]
		switch {
		case !change:
			for k := range s.Station.Piles {
				x.name(s.Station.Party, s.Station.Piles[k].ID, s.Station.Piles[k].Num)
			}
		case s.Removed:
			x.removeStation(s.Station.Party, s.Station.ID)
		default:
			x.putStation(s.Station)
		}
	}
	if change {
		for _, v := range rec.Vehicles {
			x.putVehicle(v)
		}
	}
}

// grow returns s with index n in range.
func grow[T any](s []T, n charge.Num) []T {
	if int(n) < len(s) {
		return s
	}
	if int(n) < cap(s) {
		return s[:n+1]
	}
	t := make([]T, n+1, max(2*cap(s), int(n)+1, 1024))
	copy(t, s)
	return t
}
