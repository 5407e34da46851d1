package live

import (
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

// Revision is what changed between two ticks. It is valid until the next Tick.
//
// It says only what is cheap to say for everybody; who serves channels pulls
// the rest, for the tiles and cells that somebody watches:
// [State.ChangedStationsSince] and [State.ChangedCellsSince] give what a viewer
// at an older revision lacks, from what stood at the last tick, and may be
// called at any time. What has no such copy ([State.Overview], [State.Operators],
// [State.VehiclesIn], [State.VehicleByNum], [State.StationByNum], …) equals the
// revision only when it is read in the writer's goroutine before the next
// record is applied.
type Revision struct {
	Rev      uint64
	At       charge.Millis
	Stations []charge.Num  // changed, new, or gone
	Gone     []GoneStation // no longer where they were
	Vehicles []VehicleMove // changed, new, or gone
}

// GoneStation is a station that left a tile: removed, moved, or, for the
// public, no longer public.
type GoneStation struct {
	GlobalID string
	Tile     geo.Tile
	Pos      geo.Point // where it was
	Public   bool      // the public saw it
	All      bool      // gone for those who see every station, too
}

// VehicleMove is a vehicle whose state or position changed, with its tiles
// (0: none) at the last tick and now.
type VehicleMove struct {
	Num      charge.Num
	Party    charge.Num // its maker
	VIN      [vinLen]byte
	From, To geo.Tile
}

// Tick closes revision rev at that moment: it judges staleness, prices
// and opening hours and adds the energy since the last tick.
// rev grows from tick to tick. Writer's side.
func (s *State) Tick(rev uint64, at charge.Millis) *Revision {
	before := s.now()
	s.at.Store(int64(at))
	s.wheel.turn(at, func(r ref, slot uint16) (charge.Millis, bool) {
		if n := charge.Num(r >> 1); r&1 == 0 {
			return s.agePile(n, slot, at)
		} else {
			return s.ageVehicle(n, slot, at)
		}
	}, func(r ref, slot uint16) {
		if n := charge.Num(r >> 1); r&1 == 0 {
			s.piles.at(n).slot = slot
		} else {
			s.vehicles.at(n).slot = slot
		}
	})
	s.judgePrices(at)
	if before != 0 {
		s.accumulate(at - before)
	}
	r := &s.revision
	*r = Revision{Rev: rev, At: at, Stations: again(r.Stations), Gone: again(r.Gone), Vehicles: again(r.Vehicles)}

	s.view.mu.Lock()
	s.view.rev, s.view.at = rev, at
	if s.view.first == 0 {
		s.view.first = rev
	}
	for _, n := range s.dirty {
		if s.view.freeze(s.site(n), n, r) {
			r.Stations = append(r.Stations, n)
		}
	}
	s.view.trim(rev)
	s.pileHeat.freeze(rev)
	s.carHeat.freeze(rev)
	s.view.mu.Unlock()

	s.pileHeat.sweep(rev)
	s.carHeat.sweep(rev)
	s.movedVehicles(r)
	s.dirty = again(s.dirty)
	s.tick++
	return r
}

func (s *State) movedVehicles(r *Revision) {
	r.Vehicles = append(r.Vehicles, s.goneCars...)
	for _, n := range s.dirtyCars {
		if v := s.vehicles.at(n); v.party != nil {
			r.Vehicles = append(r.Vehicles, VehicleMove{Num: n, Party: v.party.num, VIN: v.vin, From: v.shown, To: v.tile})
			v.shown = v.tile
		}
	}
	s.dirtyCars, s.goneCars = again(s.dirtyCars), again(s.goneCars)
}

// again empties a slice to be filled anew, but gives back the room of a rare
// flood such as the first tick.
func again[T any](list []T) []T {
	if cap(list) > 1<<15 && len(list) < cap(list)/4 {
		return nil
	}
	return list[:0]
}
