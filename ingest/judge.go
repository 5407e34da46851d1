package ingest

import (
	"fmt"
	"strings"

	"github.com/dianchi-platform/dianchi/ingest/door"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/quality"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
	"github.com/dianchi-platform/dianchi/internal/wire/report"
)

// Bounds of what feedback shows of a rule.
const (
	maxSamples       = 20
	maxSamplePayload = 512
)

// sample is one report that met a rule, for its sender.
type sample struct {
	rule    charge.Rule
	action  charge.Action
	kind    charge.Payload
	id      string
	ts      charge.Millis
	detail  string
	payload string
}

type ruleCount struct {
	rule   charge.Rule
	action charge.Action
	count  uint32
}

// message judges m and returns its record's body, valid until the next call,
// and the samples that its sender should see.
func (j *judge) message(m *door.Message) ([]byte, []sample) {
	j.rec.Reset()
	j.rules, j.samples = j.rules[:0], nil
	r := &j.rec
	r.Kind, r.Received, r.Party, r.Payload = record.Message, m.Received, m.Party, m.Kind

	var whole *charge.Finding
	switch m.Kind {
	case charge.Piles:
		whole = j.piles(m)
	case charge.Vehicles:
		whole = j.vehicles(m)
	case charge.Stations:
		whole = j.stations(m)
	case charge.Fleet:
		whole = j.fleet(m)
	case charge.Sessions:
		whole = j.sessions(m)
	}
	if whole != nil {
		j.count(charge.Rejected, m.Kind, "", 0, m.Payload, []charge.Finding{*whole})
	}
	for _, c := range j.rules {
		r.Rules = append(r.Rules, record.RuleCount{Rule: c.rule, Action: c.action, Count: c.count})
	}
	j.body = r.Append(j.body[:0])
	return j.body, j.samples
}

// count books one report's verdict and what its rules found.
func (j *judge) count(v charge.Verdict, kind charge.Payload, id string, ts charge.Millis, raw []byte, found []charge.Finding) {
	j.rec.Account.Count(v, 1)
	for i := range found {
		f := &found[i]
		n := j.countRule(f.Rule, f.Action)
		if n > maxSamples {
			continue
		}
		j.samples = append(j.samples, sample{
			rule: f.Rule, action: f.Action, kind: kind,
			id: strings.Clone(id), ts: ts, detail: f.Detail,
			payload: cut(raw),
		})
	}
}

// cut returns at most 512 bytes of raw, whole characters, as valid UTF-8.
func cut(raw []byte) string {
	if len(raw) > maxSamplePayload {
		n := maxSamplePayload
		for n > 0 && n > maxSamplePayload-4 && raw[n]&0xC0 == 0x80 {
			n--
		}
		raw = raw[:n]
	}
	return strings.ToValidUTF8(string(raw), "\uFFFD")
}

func (j *judge) countRule(rule charge.Rule, action charge.Action) uint32 {
	for i := range j.rules {
		if c := &j.rules[i]; c.rule == rule && c.action == action {
			c.count++
			return c.count
		}
	}
	j.rules = append(j.rules, ruleCount{rule, action, 1})
	return 1
}

// reject books a report that cannot be taken for one reason more than the
// decoder's.
func (j *judge) reject(kind charge.Payload, id string, ts charge.Millis, raw []byte, found []charge.Finding,
	rule charge.Rule, format string, args ...any) {
	found = append(found, charge.Finding{Rule: rule, Action: charge.ActReject, Detail: fmt.Sprintf(format, args...)})
	j.count(charge.Rejected, kind, id, ts, raw, found)
}

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
		v := quality.JudgePile(&o.memory, &e.Report, o.facts, m.Received, &j.limits, &j.findings)
		j.delay(m.Received, e.Report.TS)
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
func (j *judge) book(v charge.Verdict, kind charge.Payload, id string, ts charge.Millis, raw []byte, decoded []charge.Finding) {
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

func (j *judge) vehicles(m *door.Message) *charge.Finding {
	entries, whole := j.decoder.Vehicles(m.Payload)
	if whole != nil {
		return whole
	}
	for i := range entries {
		e := &entries[i]
		if e.Rejected {
			j.count(charge.Rejected, m.Kind, e.ID, e.TS, e.Raw, e.Findings)
			continue
		}
		num := j.index.vehicles[e.Report.VIN]
		if num != 0 && j.index.vehicle[num].master.Party != m.Party {
			j.reject(m.Kind, e.ID, e.TS, e.Raw, e.Findings,
				charge.RuleOwnerMismatch, "vehicle %s belongs to another maker", e.Report.VIN)
			continue
		}
		var entry vehicleEntry // a new vehicle's, until it is taken
		o := &entry
		if num != 0 {
			o = &j.index.vehicle[num]
		}
		j.findings = j.findings[:0]
		facts := quality.VehicleFacts{Class: o.master.Class, BatteryKWh: o.master.BatteryKWh}
		v, offMap := quality.JudgeVehicle(&o.memory, &e.Report, facts, m.Received, &j.limits, &j.findings)
		j.delay(m.Received, e.Report.TS)
		if v == charge.Taken || v == charge.Late {
			if num == 0 {
				num = j.register(charge.Vehicle{Party: m.Party, VIN: strings.Clone(e.Report.VIN)})
				j.index.vehicle[num].memory = entry.memory
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

func (j *judge) fleet(m *door.Message) *charge.Finding {
	entries, whole := j.decoder.Fleet(m.Payload)
	if whole != nil {
		return whole
	}
	for i := range entries {
		e := &entries[i]
		v := e.Vehicle
		if e.Rejected {
			j.count(charge.Rejected, m.Kind, v.VIN, 0, e.Raw, e.Findings)
			continue
		}
		j.findings = j.findings[:0]
		quality.CheckFleet(&v, &j.findings)
		num := j.index.vehicles[v.VIN]
		v.Party, v.Num = m.Party, num
		if num != 0 {
			now := j.index.vehicle[num].master
			if now.Party != m.Party {
				j.reject(m.Kind, v.VIN, 0, e.Raw, e.Findings,
					charge.RuleOwnerMismatch, "vehicle %s belongs to another maker", v.VIN)
				continue
			}
			if now == v {
				j.same(m.Kind, v.VIN, 0, e.Raw, e.Findings)
				continue
			}
		}
		v.VIN, v.Model = strings.Clone(v.VIN), strings.Clone(v.Model)
		j.register(v)
		j.book(charge.Taken, m.Kind, v.VIN, 0, e.Raw, e.Findings)
	}
	return nil
}

// same books something sent again with the same values.
func (j *judge) same(kind charge.Payload, id string, ts charge.Millis, raw []byte, decoded []charge.Finding) {
	f := charge.Finding{Rule: charge.RuleDupExact, Action: charge.ActDuplicate, Detail: id + " was sent before with the same values"}
	j.count(charge.Duplicate, kind, id, ts, raw, append(decoded[:len(decoded):len(decoded)], f))
}

func (j *judge) stations(m *door.Message) *charge.Finding {
	entries, whole := j.decoder.Stations(m.Payload)
	if whole != nil {
		return whole
	}
	for i := range entries {
		j.station(m, &entries[i])
	}
	return nil
}

func (j *judge) station(m *door.Message, e *report.StationEntry) {
	st := e.Station
	if e.Rejected {
		j.count(charge.Rejected, m.Kind, st.ID, 0, e.Raw, e.Findings)
		return
	}
	st.Party = m.Party
	now := j.index.stations[m.Party][st.ID]
	if e.Removed {
		if now == nil {
			j.same(m.Kind, st.ID, 0, e.Raw, e.Findings)
			return
		}
		j.rec.Stations = append(j.rec.Stations, record.StationPut{
			Removed: true, Station: charge.Station{Num: now.Num, Party: m.Party, ID: strings.Clone(st.ID)},
		})
		j.index.removeStation(m.Party, st.ID)
		j.findings = j.findings[:0]
		j.book(charge.Taken, m.Kind, st.ID, 0, e.Raw, e.Findings)
		return
	}
	j.findings = j.findings[:0]
	if !quality.CheckStation(&st, &j.limits, &j.findings) {
		j.book(charge.Rejected, m.Kind, st.ID, 0, e.Raw, e.Findings)
		return
	}
	st = cloneStation(st)
	if now != nil {
		st.Num = now.Num
		st.Tariffs = mergeTariffs(now.Tariffs, st.Tariffs)
	}
	own := j.index.piles[m.Party]
	for k := range st.Piles {
		st.Piles[k].Num = own[st.Piles[k].ID]
	}
	if now != nil && equalStation(now, &st) {
		j.same(m.Kind, st.ID, 0, e.Raw, append(e.Findings[:len(e.Findings):len(e.Findings)], j.findings...))
		return
	}
	if now == nil {
		st.Num = j.index.nextStation
		j.index.nextStation++
	}
	for k := range st.Piles {
		if st.Piles[k].Num == 0 {
			st.Piles[k].Num = j.index.nextPile
			j.index.nextPile++
		}
	}
	j.index.putStation(st)
	j.rec.Stations = append(j.rec.Stations, record.StationPut{Station: st})
	j.book(charge.Taken, m.Kind, st.ID, 0, e.Raw, e.Findings)
}

func (j *judge) sessions(m *door.Message) *charge.Finding {
	entries, whole := j.decoder.Sessions(m.Payload)
	if whole != nil {
		return whole
	}
	own := j.index.piles[m.Party]
	for i := range entries {
		e := &entries[i]
		s := e.Session
		if e.Rejected {
			j.count(charge.Rejected, m.Kind, s.ID, s.Start, e.Raw, e.Findings)
			continue
		}
		num := own[s.PileID]
		if num == 0 || j.index.pile[num].station == nil {
			j.reject(m.Kind, s.ID, s.Start, e.Raw, e.Findings,
				charge.RuleIDUnknown, "pile %s is not in any of your stations", s.PileID)
			continue
		}
		s.Party, s.Pile = m.Party, num
		j.findings = j.findings[:0]
		if !quality.CheckSession(&s, j.index.pile[num].facts, m.Received, &j.limits, &j.findings) {
			j.book(charge.Rejected, m.Kind, s.ID, s.Start, e.Raw, e.Findings)
			continue
		}
		h := quality.SessionPrint(&s)
		if j.known(&s, h) {
			j.same(m.Kind, s.ID, s.Start, e.Raw, e.Findings)
			continue
		}
		j.remember(&s, h)
		j.rec.Sessions = append(j.rec.Sessions, cloneSession(s))
		j.book(charge.Taken, m.Kind, s.ID, s.Start, e.Raw, e.Findings)
	}
	return nil
}
