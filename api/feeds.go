package api

import (
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
	"github.com/dianchi-platform/dianchi/internal/live"
)

// maxTiles is how many tiles of zoom 12 a subscription's box may cover.
const maxTiles = 64

// feeds are the published states that the hub itself keeps, and which channels
// a change concerns. The hub's lock guards them. What live keeps as of the last
// tick, stations by tile and cells, is asked for when a frame is made.
type feeds struct {
	whole    []*wholeFeed
	stations map[geo.Tile][]*stationTile
	single   map[string][]*singleStation // by the station's global id
	vehicles map[geo.Tile][]*vehicleTile
	waiting  []*vehicleTile // made since the last revision
	alarms   []*alarmFeed
	tails    []*tailFeed
	minute   int64 // in which single stations were last written whole
}

func newFeeds(h *Hub) feeds {
	f := feeds{
		stations: make(map[geo.Tile][]*stationTile),
		single:   make(map[string][]*singleStation),
		vehicles: make(map[geo.Tile][]*vehicleTile),
	}
	for name, write := range wholeWriters {
		w := &wholeFeed{write: write}
		w.ch = &channel{name: name, src: w, kept: true}
		h.channels[name] = w.ch
		f.whole = append(f.whole, w)
	}
	return f
}

// revision takes over what the tick changed. It runs in the goroutine that
// writes live, so what it reads is exactly of this revision.
func (f *feeds) revision(h *Hub, rev *Revision) {
	for _, w := range f.whole {
		w.revision(h.deps.Live, rev)
	}
	f.stationsChanged(h, rev)
	f.vehiclesChanged(h, rev)
	f.alarmsChanged(h)
	f.tailsChanged(h)
	for _, c := range h.channels {
		c.ready = true // what had to wait for its first revision has it now
	}
}

// channelsOf returns the channels of a sub.
func (a *API) channelsOf(who identity, m *message) ([]spec, error) {
	p := params{message: m}
	feed, _ := m.text("feed")
	switch feed {
	case "overview", "operators", "makers", "districts":
		return []spec{{name: feed}}, nil
	case "stations":
		return a.stationTiles(who, &p)
	case "station":
		return a.oneStation(who, &p)
	case "heatmap":
		return a.heatTiles(who, &p)
	case "vehicles":
		return a.vehicleTiles(who, &p)
	case "alarms":
		return a.alarmChannel(who)
	case "tail":
		return a.tailChannel(who, &p)
	}
	return nil, charge.Errorf(feedUnknown,
		"feed must be one of: overview, operators, makers, districts, stations, station, heatmap, vehicles, alarms, tail")
}

// tiles returns the tiles of the bbox of a sub.
func (p *params) tiles() ([]geo.Tile, error) {
	p.wgs84()
	box := p.box("bbox", false)
	if p.err == nil && box == nil {
		p.refuse("bbox is needed")
	}
	if p.err != nil {
		return nil, p.err
	}
	if n := geo.TileCount(*box, live.TileZoom); n > maxTiles {
		return nil, charge.Errorf(charge.BoxTooLarge,
			"the box covers %d tiles of zoom %d, at most %d are served", n, live.TileZoom, maxTiles)
	}
	return geo.TilesIn(*box, live.TileZoom), nil
}

// wholeFeed is a feed that is sent whole each time: a few rows.
type wholeFeed struct {
	ch    *channel
	write func(*live.State, *jsonBuf)
	text  []byte // members of the data
	spare []byte
	rev   uint64
	at    charge.Millis
}

var wholeWriters = map[string]func(*live.State, *jsonBuf){
	"overview":  func(s *live.State, w *jsonBuf) { o := s.Overview(); w.overviewMembers(&o) },
	"operators": func(s *live.State, w *jsonBuf) { w.operatorMembers(s.Operators()) },
	"makers":    func(s *live.State, w *jsonBuf) { w.makerMembers(s.Makers()) },
	"districts": func(s *live.State, w *jsonBuf) { w.districtMembers(s.Districts()) },
}

func (f *wholeFeed) revision(s *live.State, rev *Revision) {
	f.rev, f.at = rev.Rev, rev.At
	w := jsonBuf{b: f.spare[:0]}
	f.write(s, &w)
	if f.ch.ready && string(w.b) == string(f.text) {
		f.spare = w.b
		return
	}
	f.text, f.spare = w.b, f.text
	f.ch.touch(rev.Rev)
}

func (f *wholeFeed) data(_ *Hub, w *jsonBuf, _ uint64) told {
	w.raw("", f.text)
	return told{rev: f.rev, at: f.at, full: true}
}

// remove returns list without v.
func remove[T comparable](list []T, v T) []T {
	for i := range list {
		if list[i] == v {
			list[i] = list[len(list)-1]
			return list[:len(list)-1]
		}
	}
	return list
}
