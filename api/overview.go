package api

import "github.com/dianchi-platform/dianchi/internal/live"

// The rows of these four resources are written once for HTTP and for the
// feeds of the same names.

func (a *API) overview(_ *request, w *answer) error {
	o := a.deps.Live.Overview()
	w.obj("")
	w.time("at", o.At)
	w.overviewMembers(&o)
	w.endObj()
	return nil
}

func (w *jsonBuf) overviewMembers(o *live.Overview) {
	w.vehicleCounts("vehicles", o.Vehicles)
	w.pileCounts("piles", o.Piles)
	w.num("powerKw", o.PowerKW, 3)
	w.int("stations", int64(o.Stations))
	w.int("operators", int64(o.Operators))
	w.int("makers", int64(o.Makers))
}

func (a *API) operators(_ *request, w *answer) error {
	rows := a.deps.Live.Operators()
	w.opened(a.deps.Live)
	w.operatorMembers(rows)
	w.endObj()
	return nil
}

func (w *jsonBuf) operatorMembers(rows []live.OperatorRow) {
	w.arr("operators")
	for i := range rows {
		r := &rows[i]
		w.obj("")
		w.str("id", r.ID)
		w.str("name", r.Name)
		w.strOrNull("nameEn", r.NameEn)
		w.int("stations", int64(r.Stations))
		w.pileCounts("piles", r.Piles)
		w.num("powerKw", r.PowerKW, 3)
		w.time("lastReportAt", r.LastReportAt)
		w.endObj()
	}
	w.endArr()
}

func (a *API) makers(_ *request, w *answer) error {
	rows := a.deps.Live.Makers()
	w.opened(a.deps.Live)
	w.makerMembers(rows)
	w.endObj()
	return nil
}

func (w *jsonBuf) makerMembers(rows []live.MakerRow) {
	w.arr("makers")
	for i := range rows {
		r := &rows[i]
		w.obj("")
		w.str("id", r.ID)
		w.str("name", r.Name)
		w.strOrNull("nameEn", r.NameEn)
		w.vehicleCounts("vehicles", r.Vehicles)
		w.time("lastReportAt", r.LastReportAt)
		w.endObj()
	}
	w.endArr()
}

func (a *API) districts(_ *request, w *answer) error {
	rows := a.deps.Live.Districts()
	w.opened(a.deps.Live)
	w.districtMembers(rows)
	w.endObj()
	return nil
}

func (w *jsonBuf) districtMembers(rows []live.DistrictRow) {
	w.arr("districts")
	for i := range rows {
		r := &rows[i]
		w.obj("")
		w.str("id", r.ID)
		w.str("name", r.Name)
		w.strOrNull("nameEn", r.NameEn)
		w.int("stations", int64(r.Stations))
		w.pileCounts("piles", r.Piles)
		w.num("powerKw", r.PowerKW, 3)
		if r.Vehicles == nil {
			w.null("vehicles")
		} else {
			w.vehicleCounts("vehicles", *r.Vehicles)
		}
		w.time("lastReportAt", r.LastReportAt)
		w.endObj()
	}
	w.endArr()
}

// opened begins an answer with the moment it is of.
func (w *jsonBuf) opened(s *live.State) {
	_, at := s.Rev()
	w.obj("")
	w.time("at", at)
}
