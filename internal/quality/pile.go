package quality

import (
	"math"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// PileMemory is what the rules know of a pile's past. It has a fixed size and
// no pointers; the zero value knows nothing.
type PileMemory struct {
	memory
	power  float64 // of the last taken report; NaN-free, 0 when it had none
	status charge.Status
}

// PileFacts is what the rules know of a pile itself.
type PileFacts struct {
	RatedKW float64 // 0 when unknown
	Kind    charge.PileKind
}

// Ranges of a pile's readings: GB/T 20234.3-2023 for voltage and current, and
// what no pile can reach for the rest.
const (
	maxPileKW   = 4000
	maxPileV    = 1500
	maxPileA    = 1000
	maxPileKWh  = 100_000
	maxMeterKWh = 1e9

	overRated     = 1.1  // × rated power
	viTolerance   = 0.1  // × the larger of P and V·I
	viFloorKW     = 0.5  // smaller differences are noise
	notChargingKW = 0.5  // more than this only while charging
	changesPerDay = 1440 // of status; a figure of the French supervision platform
	millisPerDay  = 24 * 3600 * 1000
)

// JudgePile applies the rules to r, received just now, and remembers it. It may
// clear Has bits of r (action null). Findings of r are appended to f.
func JudgePile(m *PileMemory, r *charge.PileReport, p PileFacts, received charge.Millis, l *Limits,
	f *Findings) charge.Verdict {
	if !l.inTime(r.ID, r.TS, received, f) {
		return charge.Rejected
	}
	cannot := pileCannot(r)
	r.Has &^= cannot
	print := pilePrint(r)
	v := m.decide(r.ID, r.TS, print, received, l, f)
	if v == charge.Duplicate {
		return v
	}
	if cannot != 0 {
		nullPile(r, cannot, f)
	}
	pileFlags(r, p, f)
	if v == charge.Taken {
		l.ahead(r.ID, r.TS, received, f)
		m.rate(r.ID, r.TS, f)
		if p.RatedKW > 0 && r.Has&charge.HasPower != 0 && math.Abs(r.PowerKW) > p.RatedKW*overRated &&
			math.Abs(m.power) > p.RatedKW*overRated {
			f.add(charge.RuleOverRated, charge.ActFlag, "%s: powerKw %v after %v, rated %v kW", r.ID, r.PowerKW,
				m.power, p.RatedKW)
		}
	}
	m.remember(r, print, v, received)
	if v == charge.Taken && m.changes > changesPerDay {
		f.add(charge.RuleDupRate, charge.ActFlag, "%s: %d changes of status today, more than %d", r.ID, m.changes,
			changesPerDay)
	}
	return v
}

// Remember moves m on as [JudgePile] did when it gave verdict v; r is the report as it was kept.
func (m *PileMemory) Remember(r *charge.PileReport, v charge.Verdict, received charge.Millis) {
	if v == charge.Taken || v == charge.Late {
		m.remember(r, pilePrint(r), v, received)
	}
}

func (m *PileMemory) remember(r *charge.PileReport, print uint64, v charge.Verdict, received charge.Millis) {
	if v == charge.Taken {
		if m.last != 0 && r.Status != m.status {
			if day := uint32(received / millisPerDay); day != m.day {
				m.day, m.changes = day, 0
			}
			m.changes = min(m.changes, math.MaxUint16-1) + 1
		}
		m.status, m.power = r.Status, 0
		if r.Has&charge.HasPower != 0 {
			m.power = r.PowerKW
		}
	}
	m.keep(r.TS, print, v, received)
}

// pileCannot returns the members whose values cannot be.
func pileCannot(r *charge.PileReport) (cannot charge.Has) {
	if outside(r.PowerKW, -maxPileKW, maxPileKW) {
		cannot |= charge.HasPower
	}
	if outside(r.VoltageV, 0, maxPileV) {
		cannot |= charge.HasVoltage
	}
	if outside(r.CurrentA, -maxPileA, maxPileA) {
		cannot |= charge.HasCurrent
	}
	if outside(r.SOCPct, 0, 100) {
		cannot |= charge.HasSOC
	}
	if outside(r.EnergyKWh, 0, maxPileKWh) {
		cannot |= charge.HasEnergy
	}
	if outside(r.MeterKWh, 0, maxMeterKWh) {
		cannot |= charge.HasMeter
	}
	return cannot & r.Has
}

// nullPile explains why the members of cannot are null, and takes their values away.
func nullPile(r *charge.PileReport, cannot charge.Has, f *Findings) {
	null := func(bit charge.Has, name string, v *float64, rule charge.Rule, low, high float64, s sentinels) {
		if cannot&bit != 0 {
			f.null(r.ID, name, *v, rule, low, high, s)
			*v = 0
		}
	}
	null(charge.HasPower, "powerKw", &r.PowerKW, charge.RuleSensorRange, -maxPileKW, maxPileKW, wordTenths)
	null(charge.HasVoltage, "voltageV", &r.VoltageV, charge.RuleSensorRange, 0, maxPileV, wordTenths)
	null(charge.HasCurrent, "currentA", &r.CurrentA, charge.RuleSensorRange, -maxPileA, maxPileA, currents)
	null(charge.HasSOC, "socPct", &r.SOCPct, charge.RuleSOCRange, 0, 100, bytePattern)
	null(charge.HasEnergy, "energyKwh", &r.EnergyKWh, charge.RuleSensorRange, 0, maxPileKWh, dwordTenths)
	null(charge.HasMeter, "meterKwh", &r.MeterKWh, charge.RuleSensorRange, 0, maxMeterKWh, dwordTenths)
}

// pileFlags marks what contradicts itself within one report.
func pileFlags(r *charge.PileReport, p PileFacts, f *Findings) {
	if r.Has&charge.HasPower != 0 && math.Abs(r.PowerKW) > notChargingKW && r.Status != charge.StatusCharging {
		f.add(charge.RuleNotCharging, charge.ActFlag,
			"%s: powerKw %v with status %d, more than %v kW without charging",
			r.ID, r.PowerKW, r.Status, notChargingKW)
	}
	if (r.Status == charge.StatusOffline || r.Status == charge.StatusFault) && r.Has&charge.HasSession != 0 {
		f.add(charge.RuleOfflineBusy, charge.ActFlag, "%s: status %d while session %s runs", r.ID, r.Status, r.Session)
	}
	const pvi = charge.HasPower | charge.HasVoltage | charge.HasCurrent
	if r.Has&pvi == pvi && !agrees(math.Abs(r.PowerKW), math.Abs(r.VoltageV*r.CurrentA)/1000, p.Kind) {
		f.add(charge.RuleVIMismatch, charge.ActFlag, "%s: powerKw %v does not agree with %v V × %v A", r.ID,
			r.PowerKW, r.VoltageV, r.CurrentA)
	}
}

// agrees reports whether power kw goes with V·I. AC piles may mean one phase, the
// voltage between phases or the sum of three.
func agrees(kw, vi float64, kind charge.PileKind) bool {
	near := func(vi float64) bool {
		d := math.Abs(kw - vi)
		return d <= viFloorKW || d <= viTolerance*max(kw, vi)
	}
	return near(vi) || kind != charge.DC && (near(vi*math.Sqrt(3)) || near(vi*3))
}
