package live

import (
	"cmp"
	"slices"
	"sync"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

// keepRevs is how many revisions (seconds) back a viewer may resume.
const keepRevs = 60

// frozen is how the stations stood at the last tick, by tile, and what left a
// tile in the last minute. Only Tick changes it.
type frozen struct {
	mu       sync.RWMutex // also guards what cells of the heat map showed
	rev      uint64
	first    uint64 // revision of the first tick since the start
	at       charge.Millis
	stations []frozenSite // by number
	tiles    map[geo.Tile]*frozenTile
}

type frozenSite struct {
	site    *Site // nil: none
	counts  packed
	updated charge.Millis
	changed uint64 // revision of the last change
	born    uint64 // revision of its description
	tile    geo.Tile
}

type frozenTile struct {
	stations []charge.Num
	gone     []goneEntry // oldest first
}

type goneEntry struct {
	id          string
	rev         uint64
	public, all bool // for whom it is gone
}

func (z *frozen) reset() {
	z.rev, z.first, z.at, z.stations, z.tiles = 0, 0, 0, nil, map[geo.Tile]*frozenTile{}
}

func (z *frozen) tile(t geo.Tile) *frozenTile {
	f := z.tiles[t]
	if f == nil {
		f = &frozenTile{}
		z.tiles[t] = f
	}
	return f
}

// freeze takes over how station n is now (nil: there is none) and reports
// whether that differs from the last tick.
func (z *frozen) freeze(site *Site, n charge.Num, r *Revision) bool {
	if int(n) >= len(z.stations) {
		z.stations = append(z.stations, make([]frozenSite, max(int(n)+1-len(z.stations), len(z.stations)))...)
	}
	f := &z.stations[n]
	if site == f.site {
		if site == nil {
			return false
		}
		counts, updated := site.counts(), site.UpdatedAt()
		if counts == f.counts && updated == f.updated {
			return false
		}
		f.counts, f.updated, f.changed = counts, updated, r.Rev
		return true
	}
	tile := geo.Tile(0)
	if site != nil {
		tile = geo.TileAt(site.Pos(), TileZoom)
	}
	if was := f.site; was != nil {
		z.leave(f, site, tile, n, r)
	}
	if site == nil {
		*f = frozenSite{}
		return true
	}
	t := z.tile(tile)
	if f.site == nil || f.tile != tile {
		at, _ := slices.BinarySearch(t.stations, n)
		t.stations = slices.Insert(t.stations, at, n)
	}
	for i := range t.gone {
		if g := &t.gone[i]; g.id == site.GlobalID {
			g.all = false
			g.public = g.public && site.Access != charge.Public
		}
	}
	*f = frozenSite{site, site.counts(), site.UpdatedAt(), r.Rev, r.Rev, tile}
	return true
}

// leave records for whom the station that stood in f is gone from its tile.
func (z *frozen) leave(f *frozenSite, next *Site, tile geo.Tile, n charge.Num, r *Revision) {
	was := f.site
	away := next == nil || tile != f.tile || next.GlobalID != was.GlobalID
	public := was.Access == charge.Public && (away || next.Access != charge.Public)
	t := z.tile(f.tile)
	if next == nil || tile != f.tile {
		t.stations = slices.DeleteFunc(t.stations, func(o charge.Num) bool { return o == n })
	}
	if away || public {
		t.gone = append(t.gone, goneEntry{was.GlobalID, r.Rev, public, away})
		r.Gone = append(r.Gone, GoneStation{was.GlobalID, f.tile, was.Pos(), public, away})
	}
}

// trim forgets what left longer ago than anyone may resume.
func (z *frozen) trim(rev uint64) {
	for id, t := range z.tiles {
		drop := 0
		for drop < len(t.gone) && t.gone[drop].rev+keepRevs < rev {
			drop++
		}
		t.gone = append(t.gone[:0], t.gone[drop:]...)
		if len(t.stations) == 0 && len(t.gone) == 0 {
			delete(z.tiles, id)
		}
	}
}

// whole reports whether a viewer at revision since must get everything anew.
func (z *frozen) whole(since uint64) bool {
	return z.first == 0 || since > z.rev || since < z.first || since+keepRevs < z.rev
}

// StationFrame is a station as it stood at a revision.
type StationFrame struct {
	Site      *Site
	Piles     charge.PileCounts
	UpdatedAt charge.Millis
	Whole     bool // the viewer does not know this description: send all members
}

// TileDelta is what takes a viewer of a tile to revision Rev. Reuse it: its
// slices are filled anew.
type TileDelta struct {
	Rev      uint64
	At       charge.Millis
	Full     bool           // Stations is everything; forget what was there
	Stations []StationFrame // by number, so that all replicas tell them in one order
	Removed  []string       // global ids, sorted
}

// ChangedStationsSince fills d with what changed in a tile of zoom [TileZoom]
// after revision since, up to the last tick. It is full for since 0, after more
// than 60 revisions and over a restart. all includes stations that are not
// public: leave it false for channels that everybody may share.
func (s *State) ChangedStationsSince(tile geo.Tile, since uint64, all bool, d *TileDelta) {
	z := &s.view
	z.mu.RLock()
	defer z.mu.RUnlock()
	*d = TileDelta{Rev: z.rev, At: z.at, Full: z.whole(since), Stations: d.Stations[:0], Removed: d.Removed[:0]}
	t := z.tiles[tile]
	if t == nil {
		return
	}
	for _, n := range t.stations {
		f := &z.stations[n]
		if (!all && f.site.Access != charge.Public) || f.site.party.hidden() || !d.Full && f.changed <= since {
			continue
		}
		d.Stations = append(d.Stations, f.frame(d.Full || f.born > since))
	}
	if d.Full {
		return
	}
	for i := range t.gone {
		if g := &t.gone[i]; g.rev > since && (all && g.all || !all && g.public) {
			d.Removed = append(d.Removed, g.id)
		}
	}
	slices.Sort(d.Removed)
}

func (f *frozenSite) frame(whole bool) StationFrame {
	return StationFrame{f.site, f.counts.counts(), f.updated, whole}
}

// StationFrame returns station n as it stood at the last tick.
func (s *State) StationFrame(n charge.Num) (StationFrame, bool) {
	z := &s.view
	z.mu.RLock()
	defer z.mu.RUnlock()
	if int(n) >= len(z.stations) || z.stations[n].site == nil {
		return StationFrame{}, false
	}
	return z.stations[n].frame(true), true
}

// HeatDelta is what takes a viewer of a heat map to revision Rev. Reuse it.
type HeatDelta struct {
	Rev     uint64
	At      charge.Millis
	Full    bool        // Cells is everything
	Cells   []CellValue // with a value, by cell
	Removed []geo.Cell  // without one, or not shown to this audience, from here on; sorted
}

// ChangedCellsSince fills d with what changed on a heat map after revision
// since, up to the last tick; see [State.Heat] and [State.ChangedStationsSince].
func (s *State) ChangedCellsSince(layer Layer, res int, box *geo.Box, who Viewer, since uint64, d *HeatDelta) {
	z := &s.view
	z.mu.RLock()
	defer z.mu.RUnlock()
	*d = HeatDelta{Rev: z.rev, At: z.at, Full: z.whole(since), Cells: d.Cells[:0], Removed: d.Removed[:0]}
	if res < MinRes || res > MaxRes || layer >= layers {
		return
	}
	t, w := s.viewOf(layer, who)
	t.mu.RLock()
	defer t.mu.RUnlock()
	t.each(res, boxOr(box), func(n *node) {
		v, changed := n.frozen(w)
		switch {
		case !d.Full && uint64(changed) <= since:
		case v != 0:
			d.Cells = append(d.Cells, CellValue{n.cell, layer.shownValue(v)})
		case !d.Full:
			d.Removed = append(d.Removed, n.cell)
		}
	})
	slices.SortFunc(d.Cells, func(a, b CellValue) int { return cmp.Compare(a.Cell, b.Cell) })
	slices.Sort(d.Removed)
}
