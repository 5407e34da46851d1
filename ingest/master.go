package ingest

import (
	"fmt"
	"strings"

	"github.com/dianchi-platform/dianchi/ingest/door"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
	"github.com/dianchi-platform/dianchi/internal/quality"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
	"github.com/dianchi-platform/dianchi/internal/wire/report"
)

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
				j.owned(m, v.VIN, 0, e.Raw, e.Findings)
				continue
			}
			if now == v {
				j.same(m.Kind, v.VIN, 0, e.Raw, e.Findings, "vehicle %s is known with these values", v.VIN)
				continue
			}
		}
		if num == 0 {
			if why := j.crowded(m.Party); why != "" {
				j.reject(m.Kind, v.VIN, 0, e.Raw, e.Findings, charge.RuleIDUnknown, "vehicle %s: %s", v.VIN, why)
				continue
			}
		}
		v.VIN, v.Model = strings.Clone(v.VIN), strings.Clone(v.Model)
		j.register(v)
		j.book(charge.Taken, m.Kind, v.VIN, 0, e.Raw, e.Findings)
	}
	return nil
}

// same books what changes nothing, and why.
func (j *judge) same(kind charge.Payload, id string, ts charge.Millis, raw []byte, decoded []charge.Finding, format string, args ...any) {
	f := charge.Finding{Rule: charge.RuleDupExact, Action: charge.ActDuplicate, Detail: fmt.Sprintf(format, args...)}
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
			j.same(m.Kind, st.ID, 0, e.Raw, e.Findings, "there is no station %s to remove", st.ID)
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
	j.flagShift(j.meetings.Off(m.Party), true)
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
		j.same(m.Kind, st.ID, 0, e.Raw, append(e.Findings[:len(e.Findings):len(e.Findings)], j.findings...),
			"station %s is known with these values", st.ID)
		return
	}
	if why := j.overcrowded(&st, now != nil); why != "" {
		j.reject(m.Kind, st.ID, 0, e.Raw, e.Findings, charge.RuleIDUnknown, "station %s: %s", st.ID, why)
		return
	}
	if now == nil {
		j.index.made[m.Party]++
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
		memory := &j.index.pile[num].memory
		if facts := j.sessionFacts(&s); !quality.JudgeSession(memory, &s, &facts, m.Received, &j.limits, &j.findings) {
			j.book(charge.Rejected, m.Kind, s.ID, s.Start, e.Raw, e.Findings)
			continue
		}
		h := quality.SessionPrint(&s)
		if j.known(&s, h) {
			j.same(m.Kind, s.ID, s.Start, e.Raw, e.Findings, "session %s was sent before with the same values", s.ID)
			continue
		}
		j.remember(&s, h)
		memory.RememberSession(&s)
		j.rec.Sessions = append(j.rec.Sessions, cloneSession(s))
		j.book(charge.Taken, m.Kind, s.ID, s.Start, e.Raw, e.Findings)
	}
	return nil
}

// sessionFacts gathers what the rules need to know about a session of a known pile.
func (j *judge) sessionFacts(s *charge.Session) quality.SessionFacts {
	o := &j.index.pile[s.Pile]
	x := quality.SessionFacts{
		Pile: o.facts, At: geo.Point{Lon: o.station.Lon, Lat: o.station.Lat}, Tariffs: o.station.Tariffs,
	}
	if num := j.index.vehicles[s.VIN]; s.VIN != "" && num != 0 {
		v := &j.index.vehicle[num]
		x.BatteryKWh = v.master.BatteryKWh
		if j.looks.may(s.Party, num, j.rec.Received) {
			x.Vehicle = &v.memory
		}
	}
	return x
}
