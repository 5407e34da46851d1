package api

import (
	"cmp"
	"slices"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
	"github.com/dianchi-platform/dianchi/internal/live"
)

const (
	usualRes = 8
	maxCells = 1 << 16 // of GET /cells

	maxDegrees = 10 // of GET /cells
)

var layerWords = []string{"vehicles", "demand", "charging", "free", "inUse", "powerKw"}

func (p *params) layer() live.Layer {
	name := p.oneOf("layer", layerWords...)
	if p.err == nil && name == "" {
		p.refuse("layer is needed")
	}
	l, _ := live.ParseLayer(name)
	return l
}

func (p *params) res() int { return p.int("res", usualRes, live.MinRes, live.MaxRes) }

func (a *API) heatmap(rq *request, w *answer) error {
	p := parseParams(rq.URL.RawQuery)
	layer, res, box := p.layer(), p.res(), p.box("bbox", false)
	p.wgs84()
	if p.err != nil {
		return p.err
	}
	m, err := a.then(rq, &p, w)
	if err != nil {
		return err
	}
	var cells []live.CellValue
	switch {
	case m == nil:
		cells = a.deps.Live.Heat(layer, res, box, rq.who.viewer())
		slices.SortFunc(cells, func(a, b live.CellValue) int { return cmp.Compare(a.Cell, b.Cell) })
		w.opened(a.deps.Live)
	case res > live.MomentRes:
		return charge.Errorf(resNotKept, "past heat is kept at resolutions %d to %d", live.MinRes, live.MomentRes)
	default:
		cells = m.Heat(layer, res, box, rq.who.role == charge.RoleRegulator)
		w.openedThen(m)
	}
	w.str("layer", layer.String())
	w.int("res", int64(res))
	w.arr("cells")
	for _, c := range cells {
		w.cellValue(c)
	}
	w.endArr()
	w.endObj()
	return nil
}

// cellValue appends ["88…ff",value].
func (w *jsonBuf) cellValue(c live.CellValue) {
	w.arr("")
	w.cellID(c.Cell)
	w.num("", c.Value, 3)
	w.endArr()
}

func (w *jsonBuf) cellID(c geo.Cell) {
	w.sep("")
	w.b = append(w.b, '"')
	w.b = append(c.Append(w.b), '"')
}

// cells answers the outlines of cells, for clients without an H3 library. They
// never change, so that they may be kept for a day.
func (a *API) cells(rq *request, w *answer) error {
	p := parseParams(rq.URL.RawQuery)
	res, box := p.res(), p.box("bbox", false)
	p.wgs84()
	if p.err == nil && box == nil {
		p.refuse("bbox is needed")
	}
	if p.err != nil {
		return p.err
	}
	if box.East-box.West > maxDegrees || box.North-box.South > maxDegrees {
		return charge.Errorf(charge.BoxTooLarge, "the box is more than %d degrees wide or high", maxDegrees)
	}
	if n := geo.CellCount(*box, res); n > maxCells {
		return charge.Errorf(charge.BoxTooLarge, "the box has about %d cells of resolution %d, at most %d are given",
			n, res, maxCells)
	}
	w.cache = "public, max-age=86400"
	w.obj("")
	w.obj("cells")
	for _, c := range geo.CellsIn(*box, res) {
		w.arr(c.String())
		for _, corner := range c.Ring() {
			w.arr("")
			w.num("", corner[0], 6)
			w.num("", corner[1], 6)
			w.endArr()
		}
		w.endArr()
	}
	w.endObj()
	w.endObj()
	return nil
}
