package api

import "github.com/dianchi-platform/dianchi/internal/live"

// The rows of these four resources are written once for HTTP and for the
// feeds of the same names.

func (a *API) overview(rq *request, w *answer) error {
	p := parseParams(rq.URL.RawQuery)
	m, err := a.then(rq, &p, w)
	switch {
	case err != nil:
		return err
	case m != nil:
		w.openedThen(m)
		w.overviewMembers(&m.Overview)
		w.endObj()
		return nil
	}
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

func (a *API) operators(rq *request, w *answer) error {
	rows, err := rowsOf(a, rq, w, a.deps.Live.Operators, func(m *live.Moment) []live.OperatorRow { return m.Operators })
	if err != nil {
		return err
	}
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

func (a *API) makers(rq *request, w *answer) error {
	rows, err := rowsOf(a, rq, w, a.deps.Live.Makers, func(m *live.Moment) []live.MakerRow { return m.Makers })
	if err != nil {
		return err
	}
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

func (a *API) districts(rq *request, w *answer) error {
	rows, err := rowsOf(a, rq, w, a.deps.Live.Districts, func(m *live.Moment) []live.DistrictRow { return m.Districts })
	if err != nil {
		return err
	}
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

// rowsOf begins an answer of rows, as they are or as they were.
func rowsOf[R any](a *API, rq *request, w *answer, now func() []R, then func(*live.Moment) []R) ([]R, error) {
	p := parseParams(rq.URL.RawQuery)
	m, err := a.then(rq, &p, w)
	if err != nil {
		return nil, err
	}
	if m != nil {
		w.openedThen(m)
		return then(m), nil
	}
	rows := now()
	w.opened(a.deps.Live)
	return rows, nil
}

// opened begins an answer with the moment it is of.
func (w *jsonBuf) opened(s *live.State) {
	_, at := s.Rev()
	w.obj("")
	w.time("at", at)
}
