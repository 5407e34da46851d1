package api

import (
	"strconv"
	"sync"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/city"
	"github.com/dianchi-platform/dianchi/internal/geo"
	"github.com/dianchi-platform/dianchi/internal/live"
)

// Bounds of GET /stations.
const (
	usualRadiusM = 5000
	maxRadiusM   = 50_000
	usualLimit   = 20
	maxLimit     = 200
	maxText      = 128 // bytes of q
	maxYuan      = 1000
	maxMinKW     = 10_000
)

func (a *API) stations(rq *request, w *answer) error {
	p := parseParams(rq.URL.RawQuery)
	return a.stationList(&w.jsonBuf, &p, rq.who, "")
}

var foundPool = sync.Pool{New: func() any { s := make([]live.Found, 0, maxLimit); return &s }}

// stationList answers GET /stations and the websocket's query: the members
// {at, crs, stations, next}, in an object of their own, or under `at` and key.
func (a *API) stationList(w *jsonBuf, p *params, who identity, key string) error {
	gcj := p.crs()
	q := live.Query{Viewer: who.viewer()}
	near, isNear := p.point("near", gcj)
	if isNear {
		q.Near = &near
	}
	q.Box = p.box("bbox", gcj)
	q.RadiusM = p.float("radiusM", usualRadiusM, 1, maxRadiusM)
	q.Limit = p.int("limit", usualLimit, 1, maxLimit)
	q.Operator = p.slug("operator")
	q.FreeParking = p.oneOf("parking", "free") != ""
	q.Open = p.flag("open")
	q.Text = p.text("q", maxText)
	if _, ok := p.get("maxYuan"); ok {
		q.HasMaxYuan, q.MaxYuanE4 = true, int64(p.float("maxYuan", 0, 0, maxYuan)*1e4+0.5)
	}
	q.Free = p.flag("free")
	q.MinKW = p.float("minKw", 0, 0, maxMinKW)
	switch p.oneOf("kind", "ac", "dc") {
	case "ac":
		q.Kind = charge.AC
	case "dc":
		q.Kind = charge.DC
	}
	q.AccessAll = p.oneOf("access", "public", "all") == "all"
	cursor, _ := p.get("cursor")
	if p.err == nil && (q.Near == nil) == (q.Box == nil) {
		p.refuse("one of near and bbox is needed, and not both")
	}
	if p.err != nil {
		return p.err
	}
	var err error
	if q.Cursor, err = live.ParseCursor(cursor, q.Near != nil); err != nil {
		return charge.Errorf(charge.ValueRange, "cursor is not one that was given out")
	}
	buf := foundPool.Get().(*[]live.Found)
	defer foundPool.Put(buf)
	found, next := a.deps.Live.Stations(q, (*buf)[:0])
	*buf = found
	_, at := a.deps.Live.Rev()
	if key == "" {
		w.obj("")
		w.time("at", at)
	} else {
		w.time("at", at)
		w.obj(key)
	}
	w.crs(gcj)
	w.arr("stations")
	for i := range found {
		if i%aheadOf == 0 {
			w.ahead(found[i:min(i+aheadOf, len(found))])
		}
		w.obj("")
		w.stationMembers(&found[i], q.Near != nil, gcj)
		w.endObj()
	}
	w.endArr()
	if next.IsZero() {
		w.null("next")
	} else {
		w.b = next.Append(append(w.b, `,"next":"`...))
		w.b = append(w.b, '"')
	}
	w.endObj()
	return nil
}

// yuanE4 appends an amount of yuan × 10,000.
func (w *jsonBuf) yuanE4(key string, e4 int64) { w.num(key, float64(e4)/1e4, 4) }

func (w *jsonBuf) price(p *city.PriceNow) {
	if p == nil {
		w.null("price")
		return
	}
	w.obj("price")
	w.yuanE4("nowYuanPerKwh", p.TotalE4())
	w.yuanE4("energyYuanPerKwh", p.EnergyE4)
	w.yuanE4("serviceYuanPerKwh", p.ServiceE4)
	w.time("until", p.Until)
	if p.Until == 0 || p.NextE4 < 0 {
		w.null("nextYuanPerKwh") // it never changes, or to what is unknown
	} else {
		w.yuanE4("nextYuanPerKwh", p.NextE4)
	}
	w.endObj()
}

func (w *jsonBuf) parking(p *charge.Parking) {
	if p == nil {
		w.null("parking")
		return
	}
	w.obj("parking")
	w.int("type", int64(p.Type))
	w.strOrNull("text", p.Text)
	w.numIf(p.FenPerHour >= 0, "yuanPerHour", float64(p.FenPerHour)/100, 2)
	if p.FreeMinutes < 0 {
		w.null("freeMinutes")
	} else {
		w.int("freeMinutes", p.FreeMinutes)
	}
	w.endObj()
}

func (w *jsonBuf) crs(gcj bool) {
	if gcj {
		w.str("crs", "gcj02")
	} else {
		w.str("crs", "wgs84")
	}
}

// position appends lon and lat in the crs asked for.
func (w *jsonBuf) position(p geo.Point, gcj bool) {
	if gcj {
		p = geo.ToGCJ02(p)
	}
	w.num("lon", p.Lon, 6)
	w.num("lat", p.Lat, 6)
}

// pileCounts appends a pile count object.
func (w *jsonBuf) pileCounts(key string, c charge.PileCounts) {
	w.sep(key)
	w.b = appendCounts(w.b, c)
}

func appendCounts(b []byte, c charge.PileCounts) []byte {
	b = append(b, `{"total":`...)
	b = appendCount(b, c.Total)
	b = append(b, `,"free":`...)
	b = appendCount(b, c.Free)
	b = append(b, `,"inUse":`...)
	b = appendCount(b, c.InUse)
	b = append(b, `,"charging":`...)
	b = appendCount(b, c.Charging)
	b = append(b, `,"reserved":`...)
	b = appendCount(b, c.Reserved)
	b = append(b, `,"fault":`...)
	b = appendCount(b, c.Fault)
	b = append(b, `,"offline":`...)
	b = appendCount(b, c.Offline)
	return append(b, '}')
}

// appendCount appends n, which is small most of the time.
func appendCount(b []byte, n int) []byte {
	if uint(n) < 10 {
		return append(b, byte('0'+n))
	}
	if uint(n) < 100 {
		return append(b, byte('0'+n/10), byte('0'+n%10))
	}
	return strconv.AppendInt(b, int64(n), 10)
}

func (w *jsonBuf) vehicleCounts(key string, c charge.VehicleCounts) {
	w.obj(key)
	w.int("total", int64(c.Total))
	w.int("online", int64(c.Online))
	w.int("driving", int64(c.Driving))
	w.int("charging", int64(c.Charging))
	w.int("alarm", int64(c.Alarm))
	w.endObj()
}
