package api

import (
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/live"
)

func (a *API) station(rq *request, w *answer) error {
	p := parseParams(rq.URL.RawQuery)
	gcj := p.crs()
	if p.err != nil {
		return p.err
	}
	view, ok := a.findStation(rq.param, rq.who)
	if !ok {
		return notFound("station", rq.param)
	}
	w.opened(a.deps.Live)
	w.crs(gcj)
	w.obj("station")
	w.stationDetail(&view, gcj)
	w.endObj()
	w.endObj()
	return nil
}

func (a *API) findStation(gid string, who identity) (live.StationView, bool) {
	party, id, ok := splitGlobal(gid)
	if !ok {
		return live.StationView{}, false
	}
	return a.deps.Live.Station(party, id, who.viewer())
}

// notFound is the answer for what is not there, and for what the asker may not know of.
func notFound(kind, id string) error {
	return charge.Errorf(charge.NotFound, "there is no %s %s", kind, clip(id, 200))
}

// stationDetail appends STATION with its piles, prices and address. It holds
// nothing that only some may see.
func (w *jsonBuf) stationDetail(v *live.StationView, gcj bool) {
	w.stationMembers(&v.Found, false, gcj)
	s := v.Site
	w.str("district", s.Adcode)
	w.strOrNull("address", s.Address)
	w.strOrNull("phone", s.Phone)
	w.strOrNull("openHours", s.OpenHours)
	w.tariff(v.Tariff)
	w.arr("pileList")
	for i := range v.PileList {
		w.obj("")
		w.pileRow(s.Operator, &v.PileList[i])
		w.endObj()
	}
	w.endArr()
}

// pileRow appends what everyone may know of a pile.
func (w *jsonBuf) pileRow(operator string, v *live.PileView) {
	r := &v.Report
	w.str("id", charge.GlobalID(operator, v.Meta.ID))
	w.str("kind", v.Meta.Kind.String())
	w.num("ratedKw", v.Meta.RatedKW, 3)
	w.strOrNull("standard", v.Meta.Standard)
	w.strOrNull("bay", v.Meta.Bay)
	w.code(v.Reported, "status", int64(r.Status))
	w.str("state", v.State.String())
	w.numIf(r.Has&charge.HasPower != 0, "powerKw", r.PowerKW, 3)
	w.numIf(r.Has&charge.HasSOC != 0, "socPct", r.SOCPct, 2)
	w.time("updatedAt", r.TS)
}

// code appends a code, or null unless known.
func (w *jsonBuf) code(known bool, key string, v int64) {
	if !known {
		w.null(key)
		return
	}
	w.int(key, v)
}

func (w *jsonBuf) tariff(t *charge.Tariff) {
	if t == nil {
		w.null("tariff")
		return
	}
	w.obj("tariff")
	w.time("validFrom", t.ValidFrom)
	w.arr("bands")
	for _, b := range t.Bands {
		w.obj("")
		w.clock("from", b.FromMinute)
		w.clock("to", b.ToMinute)
		w.yuanE4("energyYuanPerKwh", b.EnergyE4)
		w.yuanE4("serviceYuanPerKwh", b.ServiceE4)
		w.endObj()
	}
	w.endArr()
	w.endObj()
}

// clock appends a minute of the day as "HH:MM".
func (w *jsonBuf) clock(key string, minute int) {
	w.sep(key)
	h, m := byte(minute/60), byte(minute%60)
	w.b = append(w.b, '"', '0'+h/10, '0'+h%10, ':', '0'+m/10, '0'+m%10, '"')
}
