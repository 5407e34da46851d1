package live

import "github.com/dianchi-platform/dianchi/internal/charge"

// What follows is for who watches over the state in the writer's goroutine.

// EachSite calls f for every station. Writer's side.
func (s *State) EachSite(f func(*Site)) {
	for n := charge.Num(1); n < s.stations.end.Load(); n++ {
		if site := s.site(n); site != nil {
			f(site)
		}
	}
}

// PileSite returns the station in which pile n is and the pile as its operator
// described it; nil when it is in none. Writer's side.
func (s *State) PileSite(n charge.Num) (*Site, *charge.Pile) {
	p := s.piles.at(n)
	if p == nil || p.site == nil {
		return nil, nil
	}
	return p.site, &p.site.Piles[p.idx]
}

// ReportedPiles returns how many piles of a station have ever reported. Writer's side.
func (s *State) ReportedPiles(n charge.Num) (reported int) {
	site := s.site(n)
	if site == nil {
		return 0
	}
	for i := range site.Piles {
		if p := s.piles.at(site.Piles[i].Num); p != nil && p.ts != 0 {
			reported++
		}
	}
	return reported
}

// HasVehicle reports whether there is a vehicle n. Writer's side.
func (s *State) HasVehicle(n charge.Num) bool {
	v := s.vehicles.at(n)
	return v != nil && v.party != nil
}

// VehicleOf returns a maker's vehicle and its newest report, with min(ts, received)
// of it, which is 0 when it has none. Writer's side.
func (s *State) VehicleOf(party charge.Num, vin string) (n charge.Num, r charge.VehicleReport, at charge.Millis, ok bool) {
	n = s.vins.find(s.vins.hash(0, vin), func(n charge.Num) bool { return string(s.vehicles.at(n).vin[:]) == vin })
	v := s.vehicles.at(n)
	if v == nil || v.party == nil || v.party.num != party || string(v.vin[:]) != vin {
		return 0, charge.VehicleReport{}, 0, false
	}
	if v.ts == 0 {
		return n, charge.VehicleReport{}, 0, true
	}
	return n, v.report(), v.eff(), true
}

// SamePile reports whether pile n's newest taken report has the values of r, but
// for its time. Writer's side.
func (s *State) SamePile(n charge.Num, r *charge.PileReport) bool {
	p := s.piles.at(n)
	if p == nil || p.ts == 0 {
		return false
	}
	var t pileText
	if p.text != nil {
		t = *p.text
	}
	return p.status == r.Status && p.has == r.Has && p.powerKW == r.PowerKW && p.voltageV == r.VoltageV &&
		p.currentA == r.CurrentA && p.socPct == r.SOCPct && p.energyKWh == r.EnergyKWh && p.meterKWh == r.MeterKWh &&
		p.park == r.Park && p.lock == r.Lock && t.session == r.Session && t.vin == r.VIN && t.fault == r.Fault
}

// SameVehicle reports whether vehicle n's newest taken report has the values of
// r, but for its time. Writer's side.
func (s *State) SameVehicle(n charge.Num, r *charge.VehicleReport) bool {
	v := s.vehicles.at(n)
	if v == nil || v.ts == 0 {
		return false
	}
	return v.has == r.Has && v.lon == r.Lon && v.lat == r.Lat && v.speedKMH == r.SpeedKMH &&
		v.odometerKM == r.OdometerKM && v.socPct == r.SOCPct && v.voltageV == r.VoltageV && v.currentA == r.CurrentA &&
		v.state == r.State && v.charge == r.Charge && v.alarmLevel == r.AlarmLevel && v.alarms == r.Alarms &&
		v.rangeKM == r.RangeKM && v.insulK == r.InsulationKOhm
}

// EachFault calls f for every pile in a station whose newest report says fault,
// with min(ts, received) of that report. Writer's side.
func (s *State) EachFault(f func(n, party charge.Num, id string, at charge.Millis)) {
	for n := charge.Num(1); n < s.piles.end.Load(); n++ {
		if p := s.piles.at(n); p != nil && p.ts != 0 && p.status == charge.StatusFault && p.site != nil {
			f(n, p.site.Party, p.site.Piles[p.idx].ID, p.eff())
		}
	}
}

// EachAlarm calls f for every vehicle whose newest report has an alarm level of
// at least that, or one of these flags. Writer's side.
func (s *State) EachAlarm(level uint8, flags uint64, f func(n, party charge.Num, r *charge.VehicleReport,
	at charge.Millis)) {
	for n := charge.Num(1); n < s.vehicles.end.Load(); n++ {
		v := s.vehicles.at(n)
		if v != nil && v.party != nil && v.ts != 0 && (v.alarmLevel >= level || v.alarms&flags != 0) {
			r := v.report()
			f(n, v.party.num, &r, v.eff())
		}
	}
}
