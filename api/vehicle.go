package api

import (
	"cmp"
	"slices"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
	"github.com/dianchi-platform/dianchi/internal/live"
)

// maxVehicles is the most vehicles of one answer.
const maxVehicles = 2000

func (a *API) vehicle(rq *request, w *answer) error {
	p := parseParams(rq.URL.RawQuery)
	gcj := p.crs()
	if p.err != nil {
		return p.err
	}
	view, ok := a.deps.Live.Vehicle(rq.param, rq.who.viewer())
	if !ok {
		return notFound("vehicle", rq.param)
	}
	w.opened(a.deps.Live)
	w.crs(gcj)
	w.obj("vehicle")
	w.vehicleBrief(&view, gcj)
	w.vehicleRest(&view)
	w.endObj()
	w.endObj()
	return nil
}

func (a *API) vehicles(rq *request, w *answer) error {
	p := parseParams(rq.URL.RawQuery)
	gcj := p.crs()
	box := p.box("bbox", gcj)
	if p.err == nil && box == nil {
		p.refuse("bbox is needed")
	}
	if p.err != nil {
		return p.err
	}
	views := a.deps.Live.VehiclesIn(*box, maxVehicles+1, rq.who.viewer())
	truncated := len(views) > maxVehicles
	if truncated {
		views = views[:maxVehicles]
	}
	slices.SortFunc(views, func(a, b live.VehicleView) int { return cmp.Compare(a.Vehicle.VIN, b.Vehicle.VIN) })
	w.opened(a.deps.Live)
	w.crs(gcj)
	w.arr("vehicles")
	for i := range views {
		w.obj("")
		w.vehicleBrief(&views[i], gcj)
		w.endObj()
	}
	w.endArr()
	w.bool("truncated", truncated)
	w.endObj()
	return nil
}

// vehicleBrief appends what lists, boxes and the feed have of a vehicle.
func (w *jsonBuf) vehicleBrief(v *live.VehicleView, gcj bool) {
	r := &v.Report
	w.str("vin", v.Vehicle.VIN)
	w.str("maker", v.Maker)
	w.str("class", v.Vehicle.Class.String())
	if r.Has&charge.HasPosition != 0 {
		w.position(geo.Point{Lon: r.Lon, Lat: r.Lat}, gcj)
	} else {
		w.null("lon")
		w.null("lat")
	}
	w.bool("online", v.Online)
	w.numIf(r.Has&charge.HasSpeed != 0, "speedKmh", r.SpeedKMH, 2)
	w.numIf(r.Has&charge.HasSOC != 0, "socPct", r.SOCPct, 2)
	w.code(r.Has&charge.HasState != 0, "state", int64(r.State))
	w.code(r.Has&charge.HasCharge != 0, "charge", int64(r.Charge))
	w.code(r.Has&charge.HasAlarmLevel != 0, "alarmLevel", int64(r.AlarmLevel))
	w.time("updatedAt", r.TS)
}

func (w *jsonBuf) vehicleRest(v *live.VehicleView) {
	r := &v.Report
	w.strOrNull("model", v.Vehicle.Model)
	w.numIf(v.Vehicle.BatteryKWh > 0, "batteryKwh", v.Vehicle.BatteryKWh, 3)
	w.numIf(r.Has&charge.HasOdometer != 0, "odometerKm", r.OdometerKM, 3)
	w.numIf(r.Has&charge.HasVoltage != 0, "voltageV", r.VoltageV, 3)
	w.numIf(r.Has&charge.HasCurrent != 0, "currentA", r.CurrentA, 3)
	w.code(r.Has&charge.HasAlarms != 0, "alarms", int64(r.Alarms))
	w.numIf(r.Has&charge.HasRange != 0, "rangeKm", r.RangeKM, 3)
	w.numIf(r.Has&charge.HasInsulation != 0, "insulationKohm", r.InsulationKOhm, 3)
	w.bool("flagged", v.Flagged)
	w.time("receivedAt", v.Received)
}
