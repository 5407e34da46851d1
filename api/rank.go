package api

import "github.com/dianchi-platform/dianchi/internal/live"

// Bounds of GET /rank/stations.
const (
	usualRank = 20
	maxRank   = 5000
	largeRank = 200 // from more on clients take turns
)

var rankWords = map[string]live.RankBy{
	"total": live.RankTotal, "free": live.RankFree, "inUse": live.RankInUse,
	"fault": live.RankFault, "offline": live.RankOffline,
}

// rankStations answers the stations with most piles in a state: where
// the faults are, and what a district or an operator has.
func (a *API) rankStations(rq *request, w *answer) error {
	p := parseParams(rq.URL.RawQuery)
	gcj := p.crs()
	q := live.Ranking{By: rankWords[p.oneOf("by", "total", "free", "inUse", "fault", "offline")]}
	q.District = p.district()
	q.Operator = p.slug("operator")
	q.Limit = p.int("limit", usualRank, 1, maxRank)
	q.Viewer, q.AccessAll = rq.who.viewer(), p.oneOf("access", "public", "all") == "all"
	if p.err != nil {
		return p.err
	}
	if q.Limit > largeRank {
		if err := a.work.enter(rq.Context(), rq.client()); err != nil {
			return err
		}
		defer a.work.leave(rq.client())
	}
	rows, all := a.deps.Live.Rank(q)
	w.opened(a.deps.Live)
	w.crs(gcj)
	w.int("all", int64(all))
	w.arr("stations")
	for i := range rows {
		r := &rows[i]
		w.obj("")
		w.stationHead(r.Site, gcj)
		w.str("district", r.Site.Adcode)
		w.pileCounts("piles", r.Piles)
		w.time("updatedAt", r.UpdatedAt)
		w.endObj()
	}
	w.endArr()
	w.endObj()
	return nil
}
