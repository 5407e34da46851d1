package fleet

import (
	"math"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// Members that each kind of report carries.
const (
	pileMeter   = charge.HasMeter
	pileBay     = charge.HasPark | charge.HasLock
	pileCurrent = charge.HasPower | charge.HasVoltage | charge.HasCurrent
	vehicleHas  = charge.HasPosition | charge.HasSpeed | charge.HasOdometer | charge.HasSOC | charge.HasVoltage |
		charge.HasCurrent | charge.HasState | charge.HasCharge | charge.HasAlarmLevel | charge.HasAlarms |
		charge.HasRange | charge.HasInsulation
)

// Times of reporting without --cadence.
const (
	silentAfter = 3 * minute // of a car that was switched off
	leastGap    = second     // between two reports of an object
)

// Bits of the alarm word, GB/T 32960.3-2016 table 18.
const (
	alarmTemperature = 1 << 1
	alarmSOCLow      = 1 << 4
	alarmCells       = 1 << 10
	alarmInsulation  = 1 << 11
)

// visitPile lets the pile whose turn it is report, if it has a reason to.
func (f *Fleet) visitPile(at int64) {
	id, round := f.pileTurn.object(), f.pileTurn.round
	f.pileTurn.advance()
	p := &f.piles[id]
	if !f.hears(int(f.stations[p.station].party)) || at-p.last < leastGap {
		return
	}
	if f.cfg.Cadence == 0 {
		if f.linkDown(p, at) {
			return
		}
		if (p.status != uint8(charge.StatusCharging) || p.down != works) && (round+int64(id))%pilesBeat != 0 {
			return
		}
	}
	f.reportPile(id, at)
}

// changed lets a pile report a change of status at once, or, if it has
// reported within the second, as soon as that is over.
func (f *Fleet) changed(id int32, at int64) {
	p := &f.piles[id]
	if f.out.sink == nil || !f.hears(int(f.stations[p.station].party)) || f.cfg.Cadence == 0 && f.linkDown(p, at) {
		return
	}
	if at-p.last < leastGap {
		f.queue.push(event{at: p.last + leastGap, id: id, kind: evReport})
		return
	}
	f.reportPile(id, at)
}

// visitCar lets the vehicle whose turn it is report, if it has a reason to.
func (f *Fleet) visitCar(at int64) {
	id := f.carTurn.object()
	f.carTurn.advance()
	v := &f.vehicles[id]
	if !f.hears(len(operators) + int(v.maker)) {
		return
	}
	if f.cfg.Cadence == 0 && v.offSince != 0 && at-v.offSince > silentAfter && !f.taking(v) {
		return
	}
	f.reportVehicle(id, at)
}

// taking reports whether a vehicle takes up energy now.
func (f *Fleet) taking(v *vehicle) bool {
	return v.act == socket || v.act == plugged && f.sessions[v.session].stage == charging
}

// reportPile hands out what a pile says at the moment at.
func (f *Fleet) reportPile(id int32, at int64) {
	p := &f.piles[id]
	p.last = at
	r := &f.out.pile
	*r = charge.PileReport{ID: f.names.pile(id), TS: charge.Millis(at), Status: charge.Status(p.status),
		Has: pileMeter, MeterKWh: float64(p.meterWh) / 1000}
	m := &models[p.model]
	switch {
	case p.down == unlinked || f.linkDown(p, at):
		r.Status, r.Has = charge.StatusOffline, 0
	case p.down == broken || p.down == maintained:
		r.Status, r.Has, r.Fault = charge.StatusFault, r.Has|charge.HasFault, faultText(p, id)
	case p.session != none:
		f.fillSession(r, p, m, at)
	}
	if f.stations[p.station].role == rolePublic && r.Status != charge.StatusOffline {
		r.Has |= pileBay
		r.Park, r.Lock = 10, 10
		switch {
		case p.session != none || f.blocked(id, at):
			r.Park = 50
		case r.Status == charge.StatusReserved:
			r.Lock = 50
		}
	}
	f.out.sendPile(int(f.stations[p.station].party), id)
}

// fillSession adds what a session shows of itself.
func (f *Fleet) fillSession(r *charge.PileReport, p *pile, m *model, at int64) {
	s := &f.sessions[p.session]
	if s.stage == waiting {
		r.Has |= charge.HasPower
		return
	}
	soc, kw, kwh := s.now(at)
	if s.stage == charging {
		r.MeterKWh += kwh
	}
	r.PowerKW, r.EnergyKWh, r.MeterKWh = round(kw, 100), round(kwh, 100), round(r.MeterKWh, 100)
	r.Session = s.id
	r.Has |= charge.HasPower | charge.HasEnergy | charge.HasSession
	if m.kind == charge.DC {
		r.SOCPct, r.Has = round(soc, 10), r.Has|charge.HasSOC
		r.VoltageV = round(packVolts(float64(s.volts), soc), 10)
	} else {
		r.VoltageV = 220
	}
	if m.phases <= 1 { // three phases do not fit one voltage and one current
		r.CurrentA = round(kw*1000/r.VoltageV, 100)
		r.Has |= pileCurrent
	}
	if s.vehicle != none {
		r.VIN, r.Has = f.names.vin(s.vehicle), r.Has|charge.HasVIN
	}
}

// packVolts returns a pack's voltage: 11 % more from SOC 10 to 100.
func packVolts(nominal, soc float64) float64 { return nominal * (1 + 0.11*(soc-50)/90) }

// faultText returns the operator's word for why a pile is down.
func faultText(p *pile, id int32) string {
	if p.down == maintained {
		return "maintenance"
	}
	return [...]string{"emergency-stop", "over-temperature", "insulation", "communication", "connector-lock"}[id%5]
}

// reportVehicle hands out what a vehicle says at the moment at.
func (f *Fleet) reportVehicle(id int32, at int64) {
	v := &f.vehicles[id]
	r := &f.out.vehicle
	*r = charge.VehicleReport{VIN: f.names.vin(id), TS: charge.Millis(at), Has: vehicleHas, State: 2, Charge: 3}
	where, soc, kw := v.at, v.soc, -0.3 // what stays on draws a little
	km := v.odoKM
	switch v.act {
	case driving:
		share, speed := v.progress(at)
		gone := share * float64(v.length)
		where = f.along(v.route, v.at, v.to, gone)
		soc, km = v.after(gone/1000), v.odoKM+gone/1000
		kw = -speed * float64(v.perKM)
		r.State, r.SpeedKMH = 1, round(speed, 10)
	case plugged:
		s := &f.sessions[v.session]
		soc, kw, _ = s.now(at)
		switch {
		case s.stage == charging:
			r.Charge = 1
			kw *= 1 - lossOf(models[f.piles[s.pile].model].kind)
		case soc > 99.5:
			r.Charge = 4
		}
	case socket:
		kw = socketKW * (1 - acLoss)
		r.Charge = 1
		soc += float64(at-v.from) / float64(hour) * kw / float64(v.pack) * 100
	}
	place := f.plane.out(where)
	r.Lon, r.Lat = place.Lon, place.Lat
	r.SOCPct, r.OdometerKM = round(soc, 10), math.Floor(km*10)/10
	r.VoltageV = round(packVolts(float64(v.volts), soc), 10)
	r.CurrentA = round(-kw*1000/r.VoltageV, 10)
	r.RangeKM = math.Floor(soc / 100 * float64(v.pack) / float64(v.perKM))
	f.alarm(r, id, at, soc)
	f.out.sendVehicle(len(operators)+int(v.maker), id)
}

func lossOf(k charge.PileKind) float64 {
	if k == charge.DC {
		return dcLoss
	}
	return acLoss
}

// alarm sets a vehicle's alarms: its own low battery, and for three in a
// thousand, ten minutes at a time, one of the usual others.
func (f *Fleet) alarm(r *charge.VehicleReport, id int32, at int64, soc float64) {
	r.InsulationKOhm = 1000 + float64(id%50)*20
	if soc < 8 && r.Charge == 3 {
		r.AlarmLevel, r.Alarms = 1, alarmSOCLow
	}
	h := mixHash(f.cfg.Seed^0xa1a7, uint64(id), uint64(at/(10*minute)))
	if chance(h) >= 0.003 {
		return
	}
	switch h % 16 {
	case 0:
		r.AlarmLevel, r.Alarms = 3, r.Alarms|alarmTemperature
	case 1, 2, 3:
		r.AlarmLevel, r.Alarms = 2, r.Alarms|alarmInsulation
		r.InsulationKOhm = 60
	default:
		r.AlarmLevel, r.Alarms = max(r.AlarmLevel, 1), r.Alarms|alarmCells
	}
}
