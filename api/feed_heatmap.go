package api

import (
	"strconv"
	"sync"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
	"github.com/dianchi-platform/dianchi/internal/live"
)

var (
	tileDeltas = sync.Pool{New: func() any { return new(live.TileDelta) }}
	heatDeltas = sync.Pool{New: func() any { return new(live.HeatDelta) }}
)

// heatTile is the cells of one layer whose centre is in one tile, for one audience.
type heatTile struct {
	layer live.Layer
	res   int
	box   geo.Box
	who   live.Viewer
}

// heatTiles returns the channels of a sub to `heatmap`.
func (a *API) heatTiles(who identity, p *params) ([]spec, error) {
	layer, res := p.layer(), p.res()
	tiles, err := p.tiles()
	if err != nil {
		return nil, err
	}
	head, viewer := "h/", live.Viewer{}
	switch {
	case who.role == charge.RoleRegulator:
		head, viewer = "h+/", who.viewer()
	case who.role == charge.RoleOperator && layer.OfPiles(): // with its own stations that are not public
		head, viewer = "h@"+who.slug+"/", who.viewer()
	}
	head += layer.String() + "/" + strconv.Itoa(res) + "/"
	out := make([]spec, 0, len(tiles))
	for _, t := range tiles {
		src := &heatTile{layer, res, t.Box(), viewer}
		out = append(out, spec{head + t.String(), func(c *channel) {
			c.src, c.probe, c.ready = src, true, a.hub.rev != 0
			c.reset(a.hub.rev)
		}})
	}
	return out, nil
}

// data asks live for what changed in the tile as of the last tick.
func (s *heatTile) data(h *Hub, w *jsonBuf, since uint64) told {
	d := heatDeltas.Get().(*live.HeatDelta)
	defer heatDeltas.Put(d)
	h.deps.Live.ChangedCellsSince(s.layer, s.res, &s.box, s.who, since, d)
	if d.Full {
		w.arr("cells")
	} else {
		w.arr("changed")
	}
	for _, c := range d.Cells {
		w.cellValue(c)
	}
	w.endArr()
	if !d.Full {
		w.arr("removed")
		for _, c := range d.Removed {
			w.cellID(c)
		}
		w.endArr()
	}
	return told{rev: d.Rev, at: d.At, full: d.Full, empty: len(d.Cells)+len(d.Removed) == 0}
}
