package live

import (
	"strings"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// pile is a pile's newest taken report and what it counts as. The writer reads
// it freely and changes it under its lock; readers take the lock.
type pile struct {
	site     *Site // that named it last; nil: none does
	text     *pileText
	ts       charge.Millis // 0: never reported
	received charge.Millis

	powerKW, voltageV, currentA, socPct, energyKWh, meterKWh float64

	has     charge.Has
	sweep   uint32
	idx     uint16 // in site.Piles
	status  charge.Status
	park    uint8
	lock    uint8
	fresh   bool
	flagged bool
	slot    uint16 // of the wheel
}

// pileText holds what few piles report. It is never changed, only replaced.
type pileText struct{ session, vin, fault string }

// eff is what order and staleness use.
func (p *pile) eff() charge.Millis { return min(p.ts, p.received) }

func (p *pile) mark() pileMark {
	if !p.fresh {
		return pileMark{state: charge.Offline}
	}
	m := pileMark{state: charge.StateOf(p.status), charging: p.status == charge.StatusCharging}
	if p.has&charge.HasPower != 0 {
		m.powerW = watts(p.powerKW)
	}
	return m
}

// take makes r the newest report.
func (p *pile) take(r *charge.PileReport, received charge.Millis, flagged bool) {
	p.ts, p.received, p.status, p.has = r.TS, received, r.Status, r.Has
	p.powerKW, p.voltageV, p.currentA = r.PowerKW, r.VoltageV, r.CurrentA
	p.socPct, p.energyKWh, p.meterKWh = r.SOCPct, r.EnergyKWh, r.MeterKWh
	p.park, p.lock, p.flagged = r.Park, r.Lock, flagged
	const texts = charge.HasSession | charge.HasVIN | charge.HasFault
	if r.Has&texts == 0 {
		p.text = nil
		return
	}
	if t := p.text; t == nil || t.session != r.Session || t.vin != r.VIN || t.fault != r.Fault {
		p.text = &pileText{strings.Clone(r.Session), strings.Clone(r.VIN), strings.Clone(r.Fault)}
	}
}

// report returns the newest report, without the pile's id.
func (p *pile) report() charge.PileReport {
	r := charge.PileReport{
		TS: p.ts, Status: p.status, Has: p.has, PowerKW: p.powerKW, VoltageV: p.voltageV, CurrentA: p.currentA,
		SOCPct: p.socPct, EnergyKWh: p.energyKWh, MeterKWh: p.meterKWh, Park: p.park, Lock: p.lock,
	}
	if t := p.text; t != nil {
		r.Session, r.VIN, r.Fault = t.session, t.vin, t.fault
	}
	return r
}

// takePile makes a taken report live (moves) and counts it (sums).
func (s *State) takePile(from *party, it *record.PileItem, received charge.Millis, moves, sums bool) {
	p := s.piles.grow(it.Num)
	if p == nil {
		s.refuse("pile", it.Num)
		return
	}
	eff := min(it.Report.TS, received)
	s.sumMu.Lock()
	s.city.took(eff, sums)
	from.sum.took(eff, sums)
	if p.site != nil {
		s.byPlace[p.site.place].took(eff, sums)
	}
	s.sumMu.Unlock()
	if moves {
		s.setPile(it, p, received)
	}
}

// setPile makes it p's newest report, with all that depends on it.
func (s *State) setPile(it *record.PileItem, p *pile, received charge.Millis) {
	before, was := p.mark(), p.ts
	lock := s.lockOf(it.Num)
	lock.Lock()
	p.take(&it.Report, received, it.Flagged)
	p.fresh = p.eff()+s.stale >= s.now()
	lock.Unlock()
	if p.fresh {
		p.slot = s.wheel.put(ref(it.Num<<1), p.eff()+s.stale, p.slot)
	}
	if site := p.site; site != nil {
		s.movePile(site, int(p.idx), before, p.mark())
		site.renew(s, was, p.ts)
		s.dirtyStation(site.Num)
	}
}

// movePile shows a pile's change in the sums, in its station and on the heat map.
func (s *State) movePile(site *Site, idx int, before, after pileMark) {
	if before == after {
		return
	}
	s.sumMu.Lock()
	for _, u := range [...]*sum{&s.city, &site.party.sum, &s.byPlace[site.place]} {
		u.pile(before, -1)
		u.pile(after, 1)
	}
	s.sumMu.Unlock()
	r := site.row.Load()
	old := packed(r.counts.Load())
	next := old.with(before, -1).with(after, 1)
	if before.state != after.state {
		n := &site.groups[site.groupOf[idx]].n
		n.Store(n.Load() + after.free() - before.free())
	}
	r.counts.Store(uint64(next))
	site.powerW += after.powerW - before.powerW
	s.heatPile(site, before, after)
	if was, is := old.get(packFree) > 0, next.get(packFree) > 0; was != is {
		s.freeChanged(site, is)
	}
}

// renew keeps the newest ts of the station's piles, also in the rare case that
// the newest report's ts is before the one it replaces.
func (s *Site) renew(st *State, before, after charge.Millis) {
	newest := s.UpdatedAt()
	if after >= newest || before != newest {
		s.row.Load().updated.Store(int64(max(newest, after)))
		return
	}
	newest = 0
	for i := range s.Piles {
		newest = max(newest, st.piles.at(s.Piles[i].Num).ts)
	}
	s.row.Load().updated.Store(int64(newest))
}

// agePile judges a pile at a tick, see wheel.turn.
func (s *State) agePile(n charge.Num, slot uint16, at charge.Millis) (charge.Millis, bool) {
	p := s.piles.at(n)
	if p.slot != slot {
		return 0, false
	}
	if deadline := p.eff() + s.stale; deadline >= at && p.fresh {
		return deadline, true
	}
	p.slot = noSlot
	if !p.fresh {
		return 0, false
	}
	before := p.mark()
	lock := s.lockOf(n)
	lock.Lock()
	p.fresh = false
	lock.Unlock()
	if site := p.site; site != nil {
		s.movePile(site, int(p.idx), before, p.mark())
		s.dirtyStation(site.Num)
	}
	return 0, false
}
