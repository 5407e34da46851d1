package api

import (
	"strings"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
	"github.com/dianchi-platform/dianchi/internal/live"
)

// audience is for whom a channel's stations are. Whoever may see more than the
// public subscribes to a second channel, or to the one of regulators.
type audience struct {
	all bool   // everything, for regulators
	own string // only those of this operator that are not public
}

// stationTile is the stations of one tile for one audience.
type stationTile struct {
	ch   *channel
	tile geo.Tile
	aud  audience
}

// stationTiles returns the channels of a sub to `stations`.
func (a *API) stationTiles(who identity, p *params) ([]spec, error) {
	all := p.oneOf("access", "public", "all") == "all"
	tiles, err := p.tiles()
	if err != nil {
		return nil, err
	}
	auds := []audience{{}}
	switch {
	case all && who.role == charge.RoleRegulator:
		auds = []audience{{all: true}}
	case all && who.role == charge.RoleOperator:
		auds = append(auds, audience{own: who.slug})
	}
	var out []spec
	for _, aud := range auds {
		for _, t := range tiles {
			out = append(out, a.hub.stationTile(t, aud))
		}
	}
	return out, nil
}

func (h *Hub) stationTile(t geo.Tile, aud audience) spec {
	name := "s/"
	switch {
	case aud.all:
		name = "s+/"
	case aud.own != "":
		name = "s@" + aud.own + "/"
	}
	return spec{name + t.String(), func(c *channel) {
		s := &stationTile{ch: c, tile: t, aud: aud}
		h.feeds.stations[t] = append(h.feeds.stations[t], s)
		c.src, c.ready = s, h.rev != 0
		c.reset(h.rev)
		c.close = func() {
			if h.feeds.stations[t] = remove(h.feeds.stations[t], s); len(h.feeds.stations[t]) == 0 {
				delete(h.feeds.stations, t)
			}
		}
	}}
}

// shows reports whether the audience is told of a change of site.
func (aud audience) shows(site *live.Site) bool {
	switch {
	case aud.all:
		return true
	case aud.own != "":
		return site.Operator == aud.own
	}
	return site.Access == charge.Public
}

// stationsChanged marks the channels that a revision concerns.
func (f *feeds) stationsChanged(h *Hub, rev *Revision) {
	minute := int64(rev.At) / 60_000
	newMinute := minute != f.minute // prices, tariffs and opening hours may have changed
	f.minute = minute
	if len(f.stations) > 0 {
		for _, num := range rev.Stations {
			if fr, ok := h.deps.Live.StationFrame(num); ok {
				for _, s := range f.stations[geo.TileAt(fr.Site.Pos(), live.TileZoom)] {
					if s.aud.shows(fr.Site) {
						s.ch.touch(rev.Rev)
					}
				}
			}
		}
		for i := range rev.Gone {
			g := &rev.Gone[i]
			for _, s := range f.stations[g.Tile] {
				if s.aud.lost(g) {
					s.ch.touch(rev.Rev)
				}
			}
		}
	}
	if len(f.single) == 0 {
		return
	}
	if newMinute {
		for _, list := range f.single {
			for _, s := range list {
				s.revision(h, rev)
			}
		}
		return
	}
	for _, num := range rev.Stations {
		if fr, ok := h.deps.Live.StationFrame(num); ok {
			for _, s := range f.single[fr.Site.GlobalID] {
				s.revision(h, rev)
			}
		}
	}
	for i := range rev.Gone {
		for _, s := range f.single[rev.Gone[i].GlobalID] {
			s.revision(h, rev)
		}
	}
	for _, list := range f.single {
		for _, s := range list {
			if !s.ch.ready {
				s.revision(h, rev)
			}
		}
	}
}

func (aud audience) lost(g *live.GoneStation) bool {
	switch {
	case aud.all:
		return g.All
	case aud.own != "":
		return strings.HasPrefix(g.GlobalID, aud.own+":")
	}
	return g.Public
}

// data asks live for what changed in the tile as of the last tick.
func (s *stationTile) data(h *Hub, w *jsonBuf, since uint64) told {
	d := tileDeltas.Get().(*live.TileDelta)
	defer tileDeltas.Put(d)
	h.deps.Live.ChangedStationsSince(s.tile, since, s.aud != audience{}, d)
	t := told{rev: d.Rev, at: d.At, full: d.Full, empty: true}
	var left []string
	if d.Full {
		w.arr("stations")
	} else {
		w.arr("changed")
	}
	for i := range d.Stations {
		st := &d.Stations[i]
		if own := s.aud.own; own != "" && (st.Site.Operator != own || st.Site.Access == charge.Public) {
			if st.Whole && !d.Full && st.Site.Operator == own {
				left = append(left, st.Site.GlobalID) // it may have become public
			}
			continue
		}
		t.empty = false
		w.obj("")
		if st.Whole {
			w.stationHead(st.Site, false)
		} else {
			w.str("id", st.Site.GlobalID)
		}
		w.pileCounts("piles", st.Piles)
		w.time("updatedAt", st.UpdatedAt)
		w.endObj()
	}
	w.endArr()
	if d.Full {
		return t
	}
	w.arr("removed")
	for _, id := range d.Removed {
		if s.aud.own == "" || strings.HasPrefix(id, s.aud.own+":") {
			t.empty = false
			w.str("", id)
		}
	}
	for _, id := range left {
		t.empty = false
		w.str("", id)
	}
	w.endArr()
	return t
}

// singleStation is one station with its piles, whole each time.
type singleStation struct {
	ch        *channel
	party, id string
	inside    bool // for its operator and regulators, who see it also when it is not public
	text      []byte
	rev       uint64
	at        charge.Millis
}

// oneStation returns the channel of a sub to `station`.
func (a *API) oneStation(who identity, p *params) ([]spec, error) {
	gid, _ := p.get("station")
	if gid == "" {
		return nil, charge.Errorf(charge.ValueRange, "station is needed, party:id")
	}
	view, ok := a.findStation(gid, who)
	if !ok {
		return nil, notFound("station", gid)
	}
	name, inside := "st/"+gid, who.owns(charge.RoleOperator, view.Site.Party)
	if inside {
		name = "st+/" + gid
	}
	party, id, _ := splitGlobal(gid)
	h := a.hub
	return []spec{{name, func(c *channel) {
		s := &singleStation{ch: c, party: party, id: id, inside: inside}
		h.feeds.single[gid] = append(h.feeds.single[gid], s)
		c.src = s
		c.close = func() {
			if h.feeds.single[gid] = remove(h.feeds.single[gid], s); len(h.feeds.single[gid]) == 0 {
				delete(h.feeds.single, gid)
			}
		}
	}}}, nil
}

// revision writes the station anew; it is null when it is gone, or no longer
// for everyone's eyes.
func (s *singleStation) revision(h *Hub, rev *Revision) {
	var who live.Viewer
	if s.inside {
		who.Role = charge.RoleRegulator
	}
	var w jsonBuf
	if view, ok := h.deps.Live.Station(s.party, s.id, who); ok {
		w.crs(false)
		w.obj("station")
		w.stationDetail(&view, false)
		w.endObj()
	} else {
		w.null("station")
	}
	if s.ch.ready && string(w.b) == string(s.text) {
		return
	}
	s.text, s.rev, s.at = w.b, rev.Rev, rev.At
	s.ch.touch(rev.Rev)
}

func (s *singleStation) data(h *Hub, w *jsonBuf, _ uint64) told {
	w.raw("", s.text)
	return told{rev: h.rev, at: h.at, full: true}
}
