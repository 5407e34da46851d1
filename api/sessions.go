package api

import (
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// pileSessions answers a pile's finished sessions that touched the range.
func (a *API) pileSessions(rq *request, w *answer) error {
	p := parseParams(rq.URL.RawQuery)
	win, err := windowOf(&p, charge.At(time.Now()))
	if err != nil {
		return err
	}
	operator, live, err := a.ownPile(rq.who, rq.param)
	if err != nil {
		return err
	}
	if a.deps.Sessions == nil {
		return errAway()
	}
	_, id, _ := splitGlobal(rq.param)
	list, err := a.deps.Sessions.Sessions(rq.Context(), operator.Num, id, win.from, win.to)
	if err != nil {
		return err
	}
	if !live && len(list) == 0 {
		return notFound("pile", rq.param)
	}
	w.obj("")
	w.arr("sessions")
	for i := range list {
		w.obj("")
		w.session(&list[i], operator.Slug)
		w.endObj()
	}
	w.endArr()
	w.endObj()
	return nil
}

// session appends a session in the members of the `sessions` topic.
func (w *jsonBuf) session(s *charge.Session, operator string) {
	w.str("id", s.ID)
	w.str("pile", charge.GlobalID(operator, s.PileID))
	w.time("startTs", s.Start)
	w.time("endTs", s.End)
	w.num("energyKwh", s.EnergyKWh, 4)
	w.strOrNull("vin", s.VIN)
	w.arr("bands")
	for _, b := range s.Bands {
		w.obj("")
		w.time("from", b.From)
		w.time("to", b.To)
		w.num("energyKwh", b.EnergyKWh, 4)
		w.fen("energyYuan", b.EnergyFen)
		w.fen("serviceYuan", b.ServiceFen)
		w.endObj()
	}
	w.endArr()
	w.fen("energyYuan", s.EnergyFen)
	w.fen("serviceYuan", s.ServiceFen)
	w.fen("parkingYuan", s.ParkingFen)
	w.fen("totalYuan", s.TotalFen)
	w.code(s.StopReason >= 0, "stopReason", int64(s.StopReason))
}

// fen appends an amount in yuan; below 0 it is not known.
func (w *jsonBuf) fen(key string, v int64) { w.numIf(v >= 0, key, float64(v)/100, 2) }
