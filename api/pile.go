package api

import (
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/live"
)

func (a *API) pile(rq *request, w *answer) error {
	p := parseParams(rq.URL.RawQuery)
	gcj := p.crs()
	if p.err != nil {
		return p.err
	}
	party, id, ok := splitGlobal(rq.param)
	var view live.PileView
	if ok {
		view, ok = a.deps.Live.Pile(party, id, rq.who.viewer())
	}
	if !ok {
		return notFound("pile", rq.param)
	}
	w.opened(a.deps.Live)
	w.crs(gcj)
	w.obj("pile")
	w.pileDetail(&view, rq.who.owns(charge.RoleOperator, view.Site.Party), gcj)
	w.endObj()
	w.endObj()
	return nil
}

// owns reports whether who may see what is only for a party of that role and
// for regulators.
func (who identity) owns(role charge.Role, party charge.Num) bool {
	return who.role == charge.RoleRegulator || who.role == role && who.party == party && party != 0
}

// pileDetail appends the newest report; who charges what is only for insiders.
func (w *jsonBuf) pileDetail(v *live.PileView, inside, gcj bool) {
	r := &v.Report
	w.pileRow(v.Site.Operator, v)
	w.str("operator", v.Site.Operator)
	w.str("station", v.Site.GlobalID)
	w.position(v.Site.Pos(), gcj)
	w.numIf(r.Has&charge.HasVoltage != 0, "voltageV", r.VoltageV, 3)
	w.numIf(r.Has&charge.HasCurrent != 0, "currentA", r.CurrentA, 3)
	w.numIf(r.Has&charge.HasEnergy != 0, "energyKwh", r.EnergyKWh, 4)
	w.numIf(r.Has&charge.HasMeter != 0, "meterKwh", r.MeterKWh, 4)
	if r.Has&charge.HasFault != 0 {
		w.str("fault", r.Fault)
	} else {
		w.null("fault")
	}
	w.code(r.Has&charge.HasPark != 0, "parkStatus", int64(r.Park))
	w.code(r.Has&charge.HasLock != 0, "lockStatus", int64(r.Lock))
	if inside {
		w.strOrNull("session", r.Session)
		w.strOrNull("vin", r.VIN)
	}
	w.bool("flagged", v.Flagged)
	w.time("receivedAt", v.Received)
}
