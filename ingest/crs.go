package ingest

import (
	"fmt"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
	"github.com/dianchi-platform/dianchi/internal/quality"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// meet compares where a pile and the vehicle that charges at it are, once in a
// session. It adds what it finds to the findings.
func (j *judge) meet(party, num charge.Num, o *pileEntry, r *charge.PileReport) {
	if !o.memory.Settled() || r.Has&charge.HasVIN == 0 {
		return
	}
	car := j.index.vehicles[r.VIN]
	if car == 0 {
		return
	}
	v := &j.index.vehicle[car]
	told := j.looks.may(party, car, j.rec.Received) // whatever comes out: silence tells, too
	station := geo.Point{Lon: o.station.Lon, Lat: o.station.Lat}
	shift, apart, ok := j.limits.MeetingAt(station, &v.memory, r.TS)
	switch {
	case !ok:
	case apart > 0:
		// How far is the maker's to know: from three stations it tells where the vehicle is.
		if !told {
			return
		}
		j.find(charge.RuleVehicleApart, "%s: vehicle %s charges here, but is more than %v m from the station", r.ID, r.VIN,
			j.limits.ApartM)
	default:
		j.vote(quality.Meeting{Operator: party, Maker: v.master.Party, Pile: num, Vehicle: car, Shift: shift})
		if shift != 0 && shift == j.meetings.Off(party) {
			j.find(charge.RuleCRSSuspect, "%s: station %s is one GCJ-02 shift away from the vehicle that charges there, like "+
				"others of yours: %s", r.ID, o.station.ID, crsWords(shift))
		}
	}
}

// find adds a flag to the findings.
func (j *judge) find(rule charge.Rule, format string, args ...any) {
	j.findings = append(j.findings, charge.Finding{Rule: rule, Action: charge.ActFlag, Detail: fmt.Sprintf(format, args...)})
}

// crsWords says what a shift means for the party whose positions have it.
func crsWords(shift int8) string {
	if shift > 0 {
		return "the positions seem to be GCJ-02 without saying so"
	}
	return "the positions seem to be WGS-84 and said to be GCJ-02"
}

// vote keeps a meeting, and puts it on record for a replay.
func (j *judge) vote(m quality.Meeting) {
	j.meetings.Add(m, j.rec.Received)
	j.rec.Meetings = append(j.rec.Meetings, record.Meeting{
		Maker: m.Maker, Pile: m.Pile, Vehicle: m.Vehicle, Shift: m.Shift,
	})
	j.met = true
}

// suspect finds who is off anew: after a meeting, and now and then because
// meetings grow old.
func (j *judge) suspect(now charge.Millis) {
	since := now.Sub(j.counted).Abs()
	if since < time.Second || !j.met && since < quality.Recount {
		return
	}
	j.met, j.counted = false, now
	found := j.meetings.Suspects(now, &j.limits)
	j.suspects.Store(&found)
}

// flagShift marks a report that has a position, of a party whose positions are off.
func (j *judge) flagShift(off int8, has bool) {
	if off != 0 && has {
		j.findings = append(j.findings, charge.Finding{
			Rule: charge.RuleCRSSuspect, Action: charge.ActFlag, Detail: crsWords(off),
		})
	}
}

// Suspects returns the parties whose positions seem to be in another coordinate
// system than they say, by number. It may be called from any goroutine.
func (p *Pipeline) Suspects() []quality.Suspect {
	if s := p.judge.suspects.Load(); s != nil {
		return *s
	}
	return nil
}

// dropMeetings forgets a party that has left.
func (j *judge) dropMeetings(party charge.Num) {
	j.meetings.Drop(party)
	j.met = true
}

// replayMeetings keeps the meetings of a record that is on disk.
func (j *judge) replayMeetings(rec *record.Record) {
	for _, m := range rec.Meetings {
		j.meetings.Add(quality.Meeting{
			Operator: rec.Party, Maker: m.Maker, Pile: m.Pile, Vehicle: m.Vehicle, Shift: m.Shift,
		}, rec.Received)
	}
	if rec.Kind == record.PartyGone {
		j.dropMeetings(rec.Party)
	}
}
