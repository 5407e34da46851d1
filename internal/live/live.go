// Package live holds the present state of every station, pile and vehicle.
//
// One goroutine writes: it calls [State.Apply] for each record of the log in
// order, [State.Tick] each second, and the other methods of the writer's side.
// Any number of goroutines read at the same time. What queries touch per
// station and pile are atomic words, so readers never wait there; details of
// one object stand under one of 256 short locks, sums under one other.
//
// Staleness is judged at ticks only and with the tick's time, so replicas that
// see the same records and ticks hold the same state. Powers are summed in
// whole watts and energies in watt-milliseconds: sums that are kept up to date
// equal sums made anew, exactly.
package live

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/city"
	"github.com/dianchi-platform/dianchi/internal/geo"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// Config sets how a State behaves; the zero value has the usual values.
type Config struct {
	StaleAfter time.Duration // silence after which an object counts as offline; 0 means 5 minutes
	City       *city.City    // nil means Kunming
}

// Viewer is who asks.
type Viewer struct {
	Role  charge.Role
	Party charge.Num // of operators and makers
}

// State is how everything is. Make it with [New].
type State struct {
	cfg   Config
	log   *slog.Logger
	stale charge.Millis // cfg.StaleAfter

	parties   atomic.Pointer[partyTable]
	stations  dense[atomic.Pointer[Site]]
	piles     dense[pile]
	vehicles  dense[vehicle]
	pileIDs   index
	vins      index
	siteMu    sync.RWMutex
	siteIDs   map[siteKey]charge.Num
	grid      *grid
	tiles     vehicleTiles
	rooms     sync.Pool // of *room, for long answers
	texts     interner
	pileHeat  tree
	carHeat   tree
	borders   []border // of districts, only with official borders
	districts []string // adcodes, unknown last
	district  map[string]int

	locks [lockCount]stripe

	sumMu   sync.RWMutex // guards all sums
	city    sum
	byPlace []sum // by index in districts

	at     atomic.Int64 // charge.Millis of the last tick
	minute atomic.Int32 // of the local day at the last tick

	view  frozen // what stood at the last tick
	ranks ranks

	// The writer's own.
	applied   uint64 // newest record applied
	tick      uint32 // counts ticks, marks what was touched since the last
	wheel     wheel
	priceMin  int64         // minute of the last tick since 1970, -1 before the first
	priceNext charge.Millis // when some station's price may change
	loaded    loaded
	dirty     []charge.Num // stations touched since the last tick
	dirtyCars []charge.Num
	goneCars  []VehicleMove
	revision  Revision
	sweep     uint32 // marks piles that a station names
	warned    bool
}

// New returns an empty State that logs to log.
func New(cfg Config, log *slog.Logger) *State {
	if cfg.StaleAfter <= 0 {
		cfg.StaleAfter = 5 * time.Minute
	}
	if cfg.City == nil {
		cfg.City = city.Kunming()
	}
	s := &State{cfg: cfg, log: log, stale: charge.Millis(cfg.StaleAfter.Milliseconds())}
	s.rooms.New = func() any { return &room{make([]ranked, maxLimit+1), make([]passed, maxLimit+1)} }
	s.reset()
	return s
}

// reset empties s. It is for the start, before there are readers.
func (s *State) reset() {
	s.parties.Store(&partyTable{bySlug: map[string]*party{}})
	s.stations, s.piles, s.vehicles = dense[atomic.Pointer[Site]]{}, dense[pile]{}, dense[vehicle]{}
	s.pileIDs.reset()
	s.vins.reset()
	s.siteIDs = map[siteKey]charge.Num{}
	s.grid = newGrid(s.cfg.City.Bounds)
	s.tiles.lists = map[geo.Tile]*tileList{}
	s.texts = interner{}
	s.pileHeat.reset(true, &s.tick)
	s.carHeat.reset(false, &s.tick)
	s.districts, s.district = nil, map[string]int{}
	for i, d := range s.cfg.City.Districts {
		s.districts = append(s.districts, d.Adcode)
		s.district[d.Adcode] = i
	}
	s.district[city.UnknownDistrict] = len(s.districts)
	s.districts = append(s.districts, city.UnknownDistrict)
	s.borders = bordersOf(s.cfg.City)
	s.city, s.byPlace = sum{}, make([]sum, len(s.districts))
	s.wheel.reset()
	s.view.reset()
	s.loaded = loaded{}
	s.applied, s.tick, s.priceMin = 0, 1, -1
	s.dirty, s.dirtyCars, s.goneCars = nil, nil, nil
}

// Rev returns the last closed revision and its tick's time; 0, 0 before the first.
func (s *State) Rev() (rev uint64, at charge.Millis) {
	s.view.mu.RLock()
	defer s.view.mu.RUnlock()
	return s.view.rev, s.view.at
}

// now is the last tick's time.
func (s *State) now() charge.Millis { return charge.Millis(s.at.Load()) }

// Applied returns the seq of the newest record applied. Writer's side.
func (s *State) Applied() uint64 { return s.applied }

// LoadCatalog starts from what the registry says, without a snapshot: every
// object exists and none has reported. It keeps the parties. Writer's side,
// before there are readers; the stations and their slices are s's from here on.
func (s *State) LoadCatalog(stations []charge.Station, vehicles []charge.Vehicle) {
	parties := s.parties.Load()
	s.reset()
	s.parties.Store(parties)
	for _, p := range parties.byNum {
		if p != nil {
			p.sum, p.gone = sum{}, false
		}
	}
	for i := range stations {
		s.putStation(&stations[i])
	}
	for i := range vehicles {
		s.putVehicle(&vehicles[i])
	}
}

// Apply makes one record of the log part of the state. Records come in the
// order of their Seq; one that a loaded snapshot holds already changes nothing.
// Writer's side.
func (s *State) Apply(rec *record.Record) {
	replay := rec.Seq <= s.loaded.max
	switch rec.Kind {
	case record.PartyGone:
		s.partyGone(rec.Party)
	case record.Totals, record.Passed:
		if !replay || rec.Seq > s.loaded.sums {
			s.subtract(rec.Rows)
		}
	case record.Message:
		s.applyMessage(rec, replay)
	}
	s.applied = max(s.applied, rec.Seq)
}

func (s *State) applyMessage(rec *record.Record, replay bool) {
	p := s.party(rec.Party)
	if p == nil || p.gone {
		return
	}
	if !replay || rec.Seq > s.loaded.stations {
		for i := range rec.Stations {
			if put := &rec.Stations[i]; put.Removed {
				s.removeStation(put.Station.Num)
			} else {
				s.putStation(&put.Station)
			}
		}
	}
	for i := range rec.Vehicles {
		if v := &rec.Vehicles[i]; !replay || rec.Seq > s.loaded.vehicle(v.Num) {
			s.putVehicle(v)
		}
	}
	sums := !replay || rec.Seq > s.loaded.sums
	for i := range rec.Piles {
		it := &rec.Piles[i]
		if it.Verdict == charge.Taken {
			s.takePile(p, it, rec.Received, !replay || rec.Seq > s.loaded.pile(it.Num), sums)
		}
	}
	for i := range rec.Fleet {
		it := &rec.Fleet[i]
		if it.Verdict == charge.Taken {
			s.takeVehicle(p, it, rec.Received, !replay || rec.Seq > s.loaded.vehicle(it.Num), sums)
		}
	}
}
