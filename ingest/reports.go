package ingest

import (
	"strings"

	"github.com/dianchi-platform/dianchi/ingest/door"
	"github.com/dianchi-platform/dianchi/internal/account"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/quality"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

func (j *judge) piles(m *door.Message) *charge.Finding {
	entries, whole := j.decoder.Piles(m.Payload)
	if whole != nil {
		return whole
	}
	own := j.index.piles[m.Party]
	for i := range entries {
		e := &entries[i]
		if e.Rejected {
			j.count(charge.Rejected, m.Kind, e.ID, e.TS, e.Raw, e.Findings)
			continue
		}
		num := own[e.Report.ID]
		if num == 0 || j.index.pile[num].station == nil {
			j.reject(m.Kind, e.ID, e.TS, e.Raw, e.Findings,
				charge.RuleIDUnknown, "pile %s is not in any of your stations", e.Report.ID)
			continue
		}
		o := &j.index.pile[num]
		j.findings = j.findings[:0]
		before := o.memory.LastTS()
		v := quality.JudgePile(&o.memory, &e.Report, o.facts, m.Received, &j.limits, &j.findings)
		j.delay(m.Received, e.Report.TS)
		j.gap(v, charge.Operator, before, e.Report.TS)
		if v == charge.Taken {
			j.meet(m.Party, num, o, &e.Report)
		}
		if v == charge.Taken || v == charge.Late {
			j.rec.Piles = append(j.rec.Piles, record.PileItem{
				Num: num, Verdict: v, Report: e.Report,
				Flagged: marks(e.Findings) || marks(j.findings),
			})
		}
		j.book(v, m.Kind, e.ID, e.TS, e.Raw, e.Findings)
	}
	return nil
}

// book counts a judged report with the decoder's findings and the rules'.
func (j *judge) book(v charge.Verdict, kind charge.Payload, id string, ts charge.Millis, raw []byte,
	decoded []charge.Finding) {
	if len(decoded) == 0 {
		j.count(v, kind, id, ts, raw, j.findings)
		return
	}
	all := append(decoded[:len(decoded):len(decoded)], j.findings...)
	j.count(v, kind, id, ts, raw, all)
}

func marks(found []charge.Finding) bool {
	for i := range found {
		if a := found[i].Action; a == charge.ActFlag || a == charge.ActNull {
			return true
		}
	}
	return false
}

func (j *judge) delay(received, ts charge.Millis) {
	d := int64(received - ts)
	n := len(record.DelayBoundsMS)
	for i, bound := range record.DelayBoundsMS {
		if d <= bound {
			n = i
			break
		}
	}
	j.rec.Delays[n]++
}

// gap counts the time since the object's last taken report, and what was due in
// it. After a longer silence than the stale limit the object was not on line.
func (j *judge) gap(v charge.Verdict, kind charge.PartyKind, before, ts charge.Millis) {
	gap := ts.Sub(before)
	if v != charge.Taken || before == 0 || gap <= 0 || gap > j.limits.StaleAfter {
		return
	}
	j.rec.OnlineMS += uint64(ts - before)
	j.rec.Missing += account.Missed(gap, account.Cadence(kind))
}

func (j *judge) vehicles(m *door.Message) *charge.Finding {
	entries, whole := j.decoder.Vehicles(m.Payload)
	if whole != nil {
		return whole
	}
	off := j.meetings.Off(m.Party)
	for i := range entries {
		e := &entries[i]
		if e.Rejected {
			j.count(charge.Rejected, m.Kind, e.ID, e.TS, e.Raw, e.Findings)
			continue
		}
		num := j.index.vehicles[e.Report.VIN]
		if num != 0 && j.index.vehicle[num].master.Party != m.Party {
			j.owned(m, e.ID, e.TS, e.Raw, e.Findings)
			continue
		}
		if num == 0 {
			if why := j.crowded(m.Party); why != "" {
				j.reject(m.Kind, e.ID, e.TS, e.Raw, e.Findings, charge.RuleIDUnknown, "vehicle %s: %s", e.Report.VIN, why)
				continue
			}
		}
		o := &j.unknown
		if num != 0 {
			o = &j.index.vehicle[num]
		} else {
			j.unknown = vehicleEntry{}
		}
		j.findings = j.findings[:0]
		facts := quality.VehicleFacts{Class: o.master.Class, BatteryKWh: o.master.BatteryKWh}
		before := o.memory.LastTS()
		v, offMap := quality.JudgeVehicle(&o.memory, &e.Report, facts, m.Received, &j.limits, &j.findings)
		j.delay(m.Received, e.Report.TS)
		j.gap(v, charge.Maker, before, e.Report.TS)
		if v == charge.Taken || v == charge.Late {
			j.flagShift(off, e.Report.Has&charge.HasPosition != 0)
			if num == 0 {
				num = j.register(charge.Vehicle{Party: m.Party, VIN: strings.Clone(e.Report.VIN)})
				j.index.vehicle[num].memory = j.unknown.memory
			}
			j.rec.Fleet = append(j.rec.Fleet, record.VehicleItem{
				Num: num, Verdict: v, OffMap: offMap, Report: e.Report,
				Flagged: marks(e.Findings) || marks(j.findings),
			})
		}
		j.book(v, m.Kind, e.ID, e.TS, e.Raw, e.Findings)
	}
	return nil
}

// register gives a vehicle its number, or keeps it, and puts it on record.
func (j *judge) register(v charge.Vehicle) charge.Num {
	if v.Num == 0 {
		v.Num = j.index.nextVehicle
	}
	j.index.putVehicle(v)
	j.rec.Vehicles = append(j.rec.Vehicles, v)
	return v.Num
}
