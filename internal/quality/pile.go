package quality

import (
	"math"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// PileMemory is what the rules know of a pile's past. It has a fixed size and
// no pointers; the zero value knows nothing.
type PileMemory struct {
	memory
	power   float64 // of the last taken report; NaN-free, 0 when it had none
	order   uint32  // hash of its session's id; 0 when it had none
	energy  watts   // the most that this session has shown
	energy0 watts   // of this session when soc0 was
	soc     percent // of the last taken report
	soc0    percent // the first of this session; 0 once the session has been seen without
	status  charge.Status
	run     uint8   // taken reports with status 3 in a row, up to 255
	noPower seconds // since when it charges without power; 0 when it does not
	changed seconds // when the last taken report that differed from the one before was made
	quiet   seconds // since when it has been heard all the time without status 3; 0 when it has not
	bills   bills
}

// watts is an energy in Wh plus one; 0 is none. No session exceeds it (PileKWh).
type watts uint32

// percent is a SOC in hundredths of a point plus one; 0 is none.
type percent uint16

func wattsOf(kWh float64) watts     { return watts(math.Round(min(kWh, 4e6)*1000)) + 1 }
func percentOf(pct float64) percent { return percent(math.Round(pct*100)) + 1 }

func (w watts) kWh() float64      { return float64(max(1, w)-1) / 1000 }
func (p percent) points() float64 { return float64(max(1, p)-1) / 100 }

// PileFacts is what the rules know of a pile itself.
type PileFacts struct {
	RatedKW float64 // 0 when unknown
	Kind    charge.PileKind
}

const millisPerDay = 24 * 3600 * 1000

// pileCheck finds one rule: it compares r, the next report, with m, what is
// known up to the last one, and adds to f what it finds.
type pileCheck func(m *PileMemory, r *charge.PileReport, p PileFacts, received charge.Millis, l *Limits, f *Findings)

// JudgePile applies the rules to r, received just now, and remembers it. It may
// clear Has bits of r (action null). Findings of r are appended to f.
func JudgePile(m *PileMemory, r *charge.PileReport, p PileFacts, received charge.Millis, l *Limits,
	f *Findings) charge.Verdict {
	if !l.inTime(r.ID, r.TS, received, f) {
		return charge.Rejected
	}
	cannot := pileCannot(r, l)
	r.Has &^= cannot
	print := pilePrint(r)
	v := m.decide(r.ID, r.TS, print, received, l, f)
	if v == charge.Duplicate {
		return v
	}
	if cannot != 0 {
		nullPile(r, cannot, l, f)
	}
	for _, check := range pileAlone {
		check(m, r, p, received, l, f)
	}
	if v == charge.Taken {
		for _, check := range pilePast {
			check(m, r, p, received, l, f)
		}
	}
	m.remember(r, print, v, received, l)
	return v
}

// Remember moves m on as [JudgePile] did when it gave verdict v; r is the report as it was kept.
func (m *PileMemory) Remember(r *charge.PileReport, v charge.Verdict, received charge.Millis, l *Limits) {
	if v == charge.Taken || v == charge.Late {
		m.remember(r, pilePrint(r), v, received, l)
	}
}

func (m *PileMemory) remember(r *charge.PileReport, print uint64, v charge.Verdict, received charge.Millis, l *Limits) {
	switch {
	case v == charge.Taken:
		order := orderOf(r)
		m.countChange(r, received)
		m.hear(r, l)
		if m.changed == 0 || !m.same(r, order) {
			m.changed = secondsOf(r.TS)
		}
		m.fill(r, order)
		m.status, m.power = r.Status, 0
		if r.Has&charge.HasPower != 0 {
			m.power = r.PowerKW
		}
	case r.Status == charge.StatusCharging:
		m.quiet = 0 // it did charge
	}
	m.keep(r.TS, print, v, received)
}

// countChange counts changes of status by day.
func (m *PileMemory) countChange(r *charge.PileReport, received charge.Millis) {
	if m.last == 0 || r.Status == m.status {
		return
	}
	if day := uint32(received / millisPerDay); day != m.day {
		m.day, m.changes = day, 0
	}
	m.changes = min(m.changes, math.MaxUint16-1) + 1
}

// hear follows for how long the pile has charged, charged without power, and
// been heard without charging.
func (m *PileMemory) hear(r *charge.PileReport, l *Limits) {
	at := secondsOf(r.TS)
	charges := r.Status == charge.StatusCharging
	switch {
	case !charges:
		m.noPower = 0
	case r.Has&charge.HasPower == 0:
	case math.Abs(r.PowerKW) >= l.NoPowerKW:
		m.noPower = 0
	case m.noPower == 0:
		m.noPower = at
	}
	switch {
	case charges:
		m.run = min(m.run, math.MaxUint8-1) + 1
	default:
		m.run = 0
	}
	switch {
	case charges || r.Status == charge.StatusOffline:
		m.quiet = 0
	case m.quiet == 0 || r.TS.Sub(m.last) > l.HeardGap || r.TS < m.last:
		m.quiet = at
	}
}

// same reports whether r says what the last taken report said, but for its time.
func (m *PileMemory) same(r *charge.PileReport, order uint32) bool {
	return r.Status == m.status && order == m.order &&
		(r.Has&charge.HasPower == 0 && m.power == 0 || r.Has&charge.HasPower != 0 && r.PowerKW == m.power) &&
		(r.Has&charge.HasSOC == 0 && m.soc == 0 || r.Has&charge.HasSOC != 0 && percentOf(r.SOCPct) == m.soc) &&
		(r.Has&charge.HasEnergy == 0 || wattsOf(r.EnergyKWh) <= m.energy)
}

// fill follows the energy and the SOC of the session under way.
func (m *PileMemory) fill(r *charge.PileReport, order uint32) {
	if order != m.order || order == 0 {
		m.order, m.energy, m.energy0, m.soc0 = order, 0, 0, 0
	}
	first := m.energy == 0
	if r.Has&charge.HasEnergy != 0 {
		m.energy = max(m.energy, wattsOf(r.EnergyKWh))
	}
	m.soc = 0
	if r.Has&charge.HasSOC != 0 {
		m.soc = percentOf(r.SOCPct)
	}
	switch both := charge.HasEnergy | charge.HasSOC; {
	case r.Has&both != both:
		m.soc0, m.energy0 = 0, 0
	case first:
		m.soc0, m.energy0 = m.soc, m.energy
	}
}

// Settled reports whether the newest taken report is the one in its row with
// status 3 at which a vehicle stands still and has been heard: the moment for
// comparing where the two are. It comes once in a session.
func (m *PileMemory) Settled() bool { return m.run == settled }

// settled is about a minute at the cadence of charging piles, longer than a
// vehicle takes to report twice.
const settled = 5

// orderOf returns 32 bits of r's session id; 0 when there is none.
func orderOf(r *charge.PileReport) uint32 {
	if r.Has&charge.HasSession == 0 {
		return 0
	}
	return hash32(r.Session)
}

// hash32 returns 32 bits of s that are not 0. It is part of snapshots.
func hash32(s string) uint32 {
	var h fingerprint
	h.string(s)
	return max(1, uint32(h.sum()>>32))
}

// pileCannot returns the members whose values cannot be.
func pileCannot(r *charge.PileReport, l *Limits) (cannot charge.Has) {
	if outside(r.PowerKW, -l.PileKW, l.PileKW) {
		cannot |= charge.HasPower
	}
	if outside(r.VoltageV, 0, l.PileV) {
		cannot |= charge.HasVoltage
	}
	if outside(r.CurrentA, -l.PileA, l.PileA) {
		cannot |= charge.HasCurrent
	}
	if outside(r.SOCPct, 0, 100) {
		cannot |= charge.HasSOC
	}
	if outside(r.EnergyKWh, 0, l.PileKWh) {
		cannot |= charge.HasEnergy
	}
	if outside(r.MeterKWh, 0, l.MeterKWh) {
		cannot |= charge.HasMeter
	}
	return cannot & r.Has
}

// nullPile explains why the members of cannot are null, and takes their values away.
func nullPile(r *charge.PileReport, cannot charge.Has, l *Limits, f *Findings) {
	null := func(bit charge.Has, name string, v *float64, rule charge.Rule, low, high float64, s sentinels) {
		if cannot&bit != 0 {
			f.null(r.ID, name, *v, rule, low, high, s)
			*v = 0
		}
	}
	null(charge.HasPower, "powerKw", &r.PowerKW, charge.RuleSensorRange, -l.PileKW, l.PileKW, wordTenths)
	null(charge.HasVoltage, "voltageV", &r.VoltageV, charge.RuleSensorRange, 0, l.PileV, wordTenths)
	null(charge.HasCurrent, "currentA", &r.CurrentA, charge.RuleSensorRange, -l.PileA, l.PileA, currents)
	null(charge.HasSOC, "socPct", &r.SOCPct, charge.RuleSOCRange, 0, 100, bytePattern)
	null(charge.HasEnergy, "energyKwh", &r.EnergyKWh, charge.RuleSensorRange, 0, l.PileKWh, dwordTenths)
	null(charge.HasMeter, "meterKwh", &r.MeterKWh, charge.RuleSensorRange, 0, l.MeterKWh, dwordTenths)
}
