package api

import (
	"maps"
	"math"
	"slices"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
	"github.com/dianchi-platform/dianchi/internal/live"
)

// vehicleTile is the vehicles in one tile for one audience, as of the last
// revision. It is kept only while somebody watches it.
type vehicleTile struct {
	ch     *channel
	tile   geo.Tile
	viewer live.Viewer
	known  map[charge.Num]*vehicleNow
	gone   []goneVehicle // oldest first
	floor  uint64        // from revisions before it nobody can resume
	rev    uint64
	at     charge.Millis
}

// vehicleNow is one vehicle's object, and when it last changed.
type vehicleNow struct {
	vin  string
	text []byte
	rev  uint64
}

type goneVehicle struct {
	vin string
	rev uint64
}

// vehicleTiles returns the channels of a sub to `vehicles`.
func (a *API) vehicleTiles(who identity, p *params) ([]spec, error) {
	if err := orMaker.check(who.role); err != nil {
		return nil, err
	}
	tiles, err := p.tiles()
	if err != nil {
		return nil, err
	}
	head := "v+/"
	if who.role == charge.RoleMaker {
		head = "v@" + who.slug + "/"
	}
	h, out := a.hub, make([]spec, 0, len(tiles))
	for _, t := range tiles {
		out = append(out, spec{head + t.String(), func(c *channel) {
			s := &vehicleTile{ch: c, tile: t, viewer: who.viewer()}
			h.feeds.vehicles[t] = append(h.feeds.vehicles[t], s)
			h.feeds.waiting = append(h.feeds.waiting, s)
			c.src = s
			c.close = func() {
				h.feeds.waiting = remove(h.feeds.waiting, s)
				if h.feeds.vehicles[t] = remove(h.feeds.vehicles[t], s); len(h.feeds.vehicles[t]) == 0 {
					delete(h.feeds.vehicles, t)
				}
			}
		}})
	}
	return out, nil
}

// vehiclesChanged takes over where vehicles are. It runs in the goroutine that
// writes live, before anything else is applied.
func (f *feeds) vehiclesChanged(h *Hub, rev *Revision) {
	if len(f.vehicles) == 0 {
		return
	}
	for i := range rev.Vehicles {
		m := &rev.Vehicles[i]
		if m.From != m.To {
			for _, s := range f.vehicles[m.From] {
				s.leave(m, rev.Rev)
			}
		}
		for _, s := range f.vehicles[m.To] {
			s.take(h, m, rev.Rev)
		}
	}
	for _, s := range f.waiting {
		s.load(h, rev.Rev)
	}
	f.waiting = f.waiting[:0]
	for _, list := range f.vehicles {
		for _, s := range list {
			s.rev, s.at = rev.Rev, rev.At
			s.trim()
		}
	}
}

// load fills a channel that was just opened.
func (s *vehicleTile) load(h *Hub, rev uint64) {
	s.known, s.floor = make(map[charge.Num]*vehicleNow), rev
	box := s.tile.Box()
	for _, v := range h.deps.Live.VehiclesIn(box, math.MaxInt, s.viewer) {
		pos := geo.Point{Lon: v.Report.Lon, Lat: v.Report.Lat}
		if geo.TileAt(pos, live.TileZoom) == s.tile {
			s.put(&v, rev)
		}
	}
	s.ch.reset(rev)
}

func (s *vehicleTile) put(v *live.VehicleView, rev uint64) {
	w := jsonBuf{}
	w.obj("")
	w.vehicleBrief(v, false)
	w.endObj()
	s.known[v.Num] = &vehicleNow{v.Vehicle.VIN, w.b, rev}
}

// take notes a vehicle that is in the tile and changed, or that is gone.
func (s *vehicleTile) take(h *Hub, m *live.VehicleMove, rev uint64) {
	if s.known == nil || s.viewer.Role == charge.RoleMaker && s.viewer.Party != m.Party {
		return
	}
	v, ok := h.deps.Live.VehicleByNum(m.Num, s.viewer)
	if !ok {
		s.leave(m, rev)
		return
	}
	s.put(&v, rev)
	s.ch.touch(rev)
}

func (s *vehicleTile) leave(m *live.VehicleMove, rev uint64) {
	if was := s.known[m.Num]; was != nil {
		delete(s.known, m.Num)
		s.gone = append(s.gone, goneVehicle{was.vin, rev})
		s.ch.touch(rev)
	}
}

// trim forgets who left longer ago than anyone may resume.
func (s *vehicleTile) trim() {
	drop := 0
	for drop < len(s.gone) && s.gone[drop].rev+idleRevs < s.rev {
		s.floor = max(s.floor, s.gone[drop].rev)
		drop++
	}
	s.gone = append(s.gone[:0], s.gone[drop:]...)
}

func (s *vehicleTile) data(_ *Hub, w *jsonBuf, since uint64) told {
	t := told{rev: s.rev, at: s.at, full: since < s.floor || since > s.rev, empty: true}
	if t.full {
		w.arr("vehicles")
	} else {
		w.arr("changed")
	}
	for _, num := range slices.Sorted(maps.Keys(s.known)) { // in one order on all replicas
		if v := s.known[num]; t.full || v.rev > since {
			t.empty = false
			w.raw("", v.text)
		}
	}
	w.endArr()
	if t.full {
		return t
	}
	back := make(map[string]bool)
	for _, v := range s.known {
		if v.rev > since {
			back[v.vin] = true
		}
	}
	w.arr("removed")
	var gone []string
	for _, g := range s.gone {
		if g.rev > since && !back[g.vin] {
			gone = append(gone, g.vin)
		}
	}
	slices.Sort(gone)
	for _, vin := range gone {
		t.empty = false
		w.str("", vin)
	}
	w.endArr()
	return t
}
