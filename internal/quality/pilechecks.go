package quality

import (
	"math"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// pileAhead flags clocks that run ahead, but not too far.
func pileAhead(_ *PileMemory, r *charge.PileReport, _ PileFacts, received charge.Millis, l *Limits, f *Findings) {
	l.ahead(r.ID, r.TS, received, f)
}

// pileRate flags piles that report more than once a second, or change too often.
func pileRate(m *PileMemory, r *charge.PileReport, _ PileFacts, received charge.Millis, l *Limits, f *Findings) {
	m.rate(r.ID, r.TS, l, f)
	if m.last == 0 || r.Status == m.status || m.day != uint32(received/millisPerDay) {
		return
	}
	if n := int(m.changes) + 1; n > l.ChangesPerDay {
		f.add(charge.RuleDupRate, charge.ActFlag, "%s: %d changes of status today, more than %d", r.ID, n,
			l.ChangesPerDay)
	}
}

// pileSOCJump compares the SOC of two reports of one session.
func pileSOCJump(m *PileMemory, r *charge.PileReport, _ PileFacts, _ charge.Millis, l *Limits, f *Findings) {
	if r.Has&charge.HasSOC == 0 || m.soc == 0 || m.order == 0 || math.Abs(r.SOCPct-m.soc.points()) <= l.SOCJumpPts {
		return
	}
	if took := r.TS.Sub(m.last); m.order == orderOf(r) && l.jumps(r.SOCPct-m.soc.points(), took) {
		f.add(charge.RuleSOCJump, charge.ActFlag, "%s: socPct %v after %v in %s", r.ID, r.SOCPct, m.soc.points(), took)
	}
}

// jumps reports whether SOC cannot change by d points in that time.
func (l *Limits) jumps(d float64, took time.Duration) bool {
	return math.Abs(d) > l.SOCJumpPts*max(1, float64(took)/float64(l.SOCJumpIn))
}

// overRated flags the second of two reports with too much power.
func overRated(m *PileMemory, r *charge.PileReport, p PileFacts, _ charge.Millis, l *Limits, f *Findings) {
	if limit := p.RatedKW * l.OverRated; limit > 0 && r.Has&charge.HasPower != 0 && math.Abs(r.PowerKW) > limit &&
		math.Abs(m.power) > limit {
		f.add(charge.RuleOverRated, charge.ActFlag, "%s: powerKw %v after %v, rated %v kW", r.ID, r.PowerKW, m.power,
			p.RatedKW)
	}
}

// viMismatch compares power with voltage and current.
func viMismatch(_ *PileMemory, r *charge.PileReport, p PileFacts, _ charge.Millis, l *Limits, f *Findings) {
	const pvi = charge.HasPower | charge.HasVoltage | charge.HasCurrent
	if r.Has&pvi == pvi && !l.agrees(math.Abs(r.PowerKW), math.Abs(r.VoltageV*r.CurrentA)/1000, p.Kind) {
		f.add(charge.RuleVIMismatch, charge.ActFlag, "%s: powerKw %v does not agree with %v V × %v A", r.ID,
			r.PowerKW, r.VoltageV, r.CurrentA)
	}
}

// agrees reports whether power kw goes with V·I. AC piles may mean one phase, the
// voltage between phases or the sum of three.
func (l *Limits) agrees(kw, vi float64, kind charge.PileKind) bool {
	near := func(vi float64) bool {
		d := math.Abs(kw - vi)
		return d <= l.VIFloorKW || d <= l.VITolerance*max(kw, vi)
	}
	return near(vi) || kind != charge.DC && (near(vi*math.Sqrt(3)) || near(vi*3))
}

// noPower flags charging that has had no power for some time.
func noPower(m *PileMemory, r *charge.PileReport, _ PileFacts, _ charge.Millis, l *Limits, f *Findings) {
	if m.noPower == 0 || r.Status != charge.StatusCharging || r.Has&charge.HasPower == 0 ||
		math.Abs(r.PowerKW) >= l.NoPowerKW {
		return
	}
	if took := secondsOf(r.TS).since(m.noPower); took >= l.NoPowerFor {
		f.add(charge.RuleNoPower, charge.ActFlag, "%s: status 3 with powerKw %v, less than %v kW for %s", r.ID,
			r.PowerKW, l.NoPowerKW, took)
	}
}

// notCharging flags power without charging.
func notCharging(_ *PileMemory, r *charge.PileReport, _ PileFacts, _ charge.Millis, l *Limits, f *Findings) {
	if r.Has&charge.HasPower != 0 && r.Status != charge.StatusCharging && math.Abs(r.PowerKW) > l.NotChargingKW {
		f.add(charge.RuleNotCharging, charge.ActFlag, "%s: powerKw %v with status %d, more than %v kW without charging",
			r.ID, r.PowerKW, r.Status, l.NotChargingKW)
	}
}

// offlineBusy flags sessions at piles that say they are offline or faulty.
func offlineBusy(_ *PileMemory, r *charge.PileReport, _ PileFacts, _ charge.Millis, _ *Limits, f *Findings) {
	if (r.Status == charge.StatusOffline || r.Status == charge.StatusFault) && r.Has&charge.HasSession != 0 {
		f.add(charge.RuleOfflineBusy, charge.ActFlag, "%s: status %d while session %s runs", r.ID, r.Status, r.Session)
	}
}

// unchanged flags piles that go on saying the same: a feed that is dead behind
// its last word.
func unchanged(m *PileMemory, r *charge.PileReport, _ PileFacts, _ charge.Millis, l *Limits, f *Findings) {
	if m.changed == 0 || charge.Millis(r.TS).Sub(m.changed.millis()) < l.UnchangedFor || !m.same(r, orderOf(r)) {
		return
	}
	f.add(charge.RuleUnchanged, charge.ActFlag, "%s: status %d and all that goes with it are the same since %s", r.ID,
		r.Status, m.changed.millis())
}

// edge flags changes of status that need more time: to charge, a pile must
// first be plugged in and shake hands (status 2); to be reserved, unplugged.
func edge(m *PileMemory, r *charge.PileReport, _ PileFacts, _ charge.Millis, l *Limits, f *Findings) {
	if m.last == 0 || r.Status == m.status || !impossible(m.status, r.Status) {
		return
	}
	if took := r.TS.Sub(m.last); took > 0 && took <= l.EdgeWithin {
		f.add(charge.RuleEdge, charge.ActFlag, "%s: status %d only %s after %d", r.ID, r.Status, took, m.status)
	}
}

// impossible reports whether a status cannot follow another at once.
func impossible(from, to charge.Status) bool {
	if to == charge.StatusCharging {
		return from == charge.StatusIdle || from == charge.StatusReserved || from == charge.StatusFault
	}
	return from == charge.StatusCharging && to == charge.StatusReserved
}

// energyDecrease flags an energy that falls within a session: the most counts.
func energyDecrease(m *PileMemory, r *charge.PileReport, _ PileFacts, _ charge.Millis, l *Limits, f *Findings) {
	if r.Has&charge.HasEnergy == 0 || m.energy == 0 || m.order == 0 || r.EnergyKWh+l.EnergySlack >= m.energy.kWh() ||
		m.order != orderOf(r) {
		return
	}
	f.add(charge.RuleEnergyDecrease, charge.ActFlag, "%s: energyKwh %v after %v within session %s; the most counts",
		r.ID, r.EnergyKWh, m.energy.kWh(), r.Session)
}
