package record

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// Least encoded sizes of items, which bound their number before anything is allocated.
const (
	minRule     = 3
	minStation  = 4
	minVehicle  = 6
	minPile     = 6
	minFleet    = 5
	minSession  = 14
	minRow      = 32
	minTariff   = 2
	minBand     = 4
	minPileMeta = 6
	minSessBand = 5
	minMeeting  = 4
	minQuality  = 16
)

// Decode sets r to what body says and keeps r's Seq and buffers.
//
// Strings of Piles and Fleet are views of body: they are valid as long as body
// is not changed. All other strings and the slices inside stations and sessions
// are r's caller's to keep. On an error r's contents are of no use. Decode
// takes any bytes: it never panics and allocates in proportion to len(body).
func (r *Record) Decode(body []byte) error {
	seq := r.Seq
	r.Reset()
	r.Seq = seq
	d := &reader{b: body}
	if v := d.byte(); d.err == nil && v != version {
		return fmt.Errorf("cannot read record: version %d is not known", v)
	}
	r.Kind = Kind(d.byte())
	r.Payload = charge.Payload(d.byte())
	r.Received = charge.Millis(d.int())
	r.Party = d.num()
	parts := d.uint()
	if parts&^allParts != 0 || d.err == nil && (r.Kind < Message || r.Kind > Quality) {
		d.fail(errValue)
	}
	if parts&hasAccount != 0 {
		r.Account = charge.Account{
			Received: d.uint(), Taken: d.uint(), Duplicate: d.uint(), History: d.uint(), Rejected: d.uint(),
		}
	}
	if parts&hasRules != 0 {
		for range d.count(minRule) {
			r.Rules = append(r.Rules, RuleCount{ruleID(d.view()), charge.Action(d.byte()), d.num()})
		}
	}
	if parts&hasDelays != 0 {
		r.Delays.decode(d)
	}
	if parts&hasStations != 0 {
		for range d.count(minStation) {
			r.Stations = append(r.Stations, StationPut{})
			decodeStation(d, &r.Stations[len(r.Stations)-1])
		}
	}
	if parts&hasVehicles != 0 {
		for range d.count(minVehicle) {
			r.Vehicles = append(r.Vehicles, charge.Vehicle{
				Num: d.num(), Party: d.num(), VIN: d.string(),
				Class: charge.Class(d.byte()), Model: d.string(), BatteryKWh: d.float(),
			})
		}
	}
	if parts&hasPiles != 0 {
		n := d.count(minPile)
		r.Piles = slices.Grow(r.Piles, n)[:n]
		for i := range r.Piles {
			decodePileItem(d, &r.Piles[i], r.Received)
		}
	}
	if parts&hasFleet != 0 {
		n := d.count(minFleet)
		r.Fleet = slices.Grow(r.Fleet, n)[:n]
		for i := range r.Fleet {
			decodeVehicleItem(d, &r.Fleet[i], r.Received)
		}
	}
	if parts&hasSessions != 0 {
		for range d.count(minSession) {
			r.Sessions = append(r.Sessions, charge.Session{})
			decodeSession(d, &r.Sessions[len(r.Sessions)-1], r.Received)
		}
	}
	if parts&hasRows != 0 {
		for range d.count(minRow) {
			r.Rows = append(r.Rows, TotalRow{})
			decodeRow(d, &r.Rows[len(r.Rows)-1], r.Received)
		}
	}
	if parts&hasGaps != 0 {
		r.Missing, r.OnlineMS = d.num(), d.uint()
	}
	if parts&hasQuality != 0 {
		for range d.count(minQuality) {
			r.Quality = append(r.Quality, QualityRow{})
			r.Quality[len(r.Quality)-1].decode(d, r.Received)
		}
	}
	if parts&hasAlarms != 0 {
		for range d.count(minAlarm) {
			r.Alarms = append(r.Alarms, AlarmEvent{})
			decodeAlarm(d, &r.Alarms[len(r.Alarms)-1], r.Received)
		}
	}
	if parts&hasMeetings != 0 {
		for range d.count(minMeeting) {
			m := Meeting{Maker: d.num(), Pile: d.num(), Vehicle: d.num(), Shift: int8(d.byte()) - 1}
			if m.Shift < -1 || m.Shift > 1 {
				d.fail(errValue)
			}
			r.Meetings = append(r.Meetings, m)
		}
	}
	return d.done()
}

// ruleID returns the rule that s names, without allocating for the frequent ones.
func ruleID(s string) charge.Rule {
	switch r := charge.Rule(s); r {
	case charge.RuleDupExact:
		return charge.RuleDupExact
	case charge.RuleDupConflict:
		return charge.RuleDupConflict
	case charge.RuleOutOfOrder:
		return charge.RuleOutOfOrder
	case charge.RuleTimeStale:
		return charge.RuleTimeStale
	case charge.RuleTimeFuture:
		return charge.RuleTimeFuture
	case charge.RuleNullIsland:
		return charge.RuleNullIsland
	case charge.RuleSentinel:
		return charge.RuleSentinel
	case charge.RuleIDUnknown:
		return charge.RuleIDUnknown
	case charge.RuleTeleport:
		return charge.RuleTeleport
	case charge.RuleCRSSuspect:
		return charge.RuleCRSSuspect
	case charge.RuleUnchanged:
		return charge.RuleUnchanged
	case charge.RuleVIMismatch:
		return charge.RuleVIMismatch
	}
	return charge.Rule(strings.Clone(s))
}

func (c *DelayCounts) decode(d *reader) {
	set := d.uint()
	if set>>len(c) != 0 {
		d.fail(errValue)
	}
	for i := range c {
		if set>>i&1 != 0 {
			c[i] = d.num()
		}
	}
}

func decodePileItem(d *reader, it *PileItem, received charge.Millis) {
	*it = PileItem{}
	mark := d.byte()
	if mark>>4 != 0 {
		d.fail(errValue)
	}
	it.Verdict, it.Flagged = charge.Verdict(mark&verdictBits), mark&bitFlagged != 0
	p := &it.Report
	p.Status = charge.Status(d.byte())
	it.Num = d.num()
	p.ID = d.view()
	p.TS = received + charge.Millis(d.int())
	has := charge.Has(d.num())
	if has&^pileHas != 0 {
		d.fail(errValue)
		return
	}
	p.Has = has
	if has&charge.HasPower != 0 {
		p.PowerKW = d.float()
	}
	if has&charge.HasVoltage != 0 {
		p.VoltageV = d.float()
	}
	if has&charge.HasCurrent != 0 {
		p.CurrentA = d.float()
	}
	if has&charge.HasSOC != 0 {
		p.SOCPct = d.float()
	}
	if has&charge.HasEnergy != 0 {
		p.EnergyKWh = d.float()
	}
	if has&charge.HasMeter != 0 {
		p.MeterKWh = d.float()
	}
	if has&charge.HasSession != 0 {
		p.Session = d.view()
	}
	if has&charge.HasVIN != 0 {
		p.VIN = d.view()
	}
	if has&charge.HasFault != 0 {
		p.Fault = d.view()
	}
	if has&charge.HasPark != 0 {
		p.Park = d.byte()
	}
	if has&charge.HasLock != 0 {
		p.Lock = d.byte()
	}
}

func decodeVehicleItem(d *reader, it *VehicleItem, received charge.Millis) {
	*it = VehicleItem{}
	mark := d.byte()
	if mark>>5 != 0 {
		d.fail(errValue)
	}
	it.Verdict, it.Flagged, it.OffMap = charge.Verdict(mark&verdictBits), mark&bitFlagged != 0, mark&bitOffMap != 0
	it.Num = d.num()
	v := &it.Report
	v.VIN = d.view()
	v.TS = received + charge.Millis(d.int())
	has := charge.Has(d.num())
	if has&^vehicleHas != 0 {
		d.fail(errValue)
		return
	}
	v.Has = has
	if has&charge.HasPosition != 0 {
		v.Lon, v.Lat = d.float(), d.float()
	}
	if has&charge.HasSpeed != 0 {
		v.SpeedKMH = d.float()
	}
	if has&charge.HasOdometer != 0 {
		v.OdometerKM = d.float()
	}
	if has&charge.HasSOC != 0 {
		v.SOCPct = d.float()
	}
	if has&charge.HasVoltage != 0 {
		v.VoltageV = d.float()
	}
	if has&charge.HasCurrent != 0 {
		v.CurrentA = d.float()
	}
	if has&charge.HasState != 0 {
		v.State = d.byte()
	}
	if has&charge.HasCharge != 0 {
		v.Charge = d.byte()
	}
	if has&charge.HasAlarmLevel != 0 {
		v.AlarmLevel = d.byte()
	}
	if has&charge.HasAlarms != 0 {
		v.Alarms = d.uint()
	}
	if has&charge.HasRange != 0 {
		v.RangeKM = d.float()
	}
	if has&charge.HasInsulation != 0 {
		v.InsulationKOhm = d.float()
	}
}
