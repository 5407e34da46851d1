package report

import (
	"strings"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// Members of a session.
const (
	seID = 1 << iota
	sePile
	seStart
	seEnd
	seEnergy
	seVIN
	seBands
	seEnergyYuan
	seServiceYuan
	seParkingYuan
	seTotalYuan
	seReason
)

var (
	sessionRequired = []named{{"id", seID}, {"pile", sePile}, {"startTs", seStart}, {"endTs", seEnd}, {"energyKwh",
		seEnergy}}
	sessionOptional = []named{
		{"vin", seVIN}, {"bands", seBands}, {"energyYuan", seEnergyYuan}, {"serviceYuan", seServiceYuan},
		{"parkingYuan", seParkingYuan}, {"totalYuan", seTotalYuan}, {"stopReason", seReason},
	}
	sessionBandRequired = []named{{"from", 1}, {"to", 2}, {"energyKwh", 4}, {"energyYuan", 8}, {"serviceYuan", 16}}
)

// SessionEntry is one element of a sessions payload. Its memory is its own: it may be kept.
type SessionEntry struct {
	Head
	Session charge.Session
}

// Sessions decodes a sessions payload. A finding means that the whole message
// is one rejected session (msg.malformed or msg.too-large).
func (d *Decoder) Sessions(payload []byte) ([]SessionEntry, *charge.Finding) {
	d.sessions = d.sessions[:0]
	f := d.each(payload, (*Decoder).session)
	return d.sessions, f
}

func (d *Decoder) session(i int) int {
	e := grow(&d.sessions)
	*e = SessionEntry{}
	d.begin()
	s := &e.Session
	var reason int64
	j, more := d.enter(i)
	for more {
		var key string
		if key, j = d.name(j); j < 0 {
			return j
		}
		j, more = d.next(d.sessionMember(key, j, s, &reason))
	}
	if j < 0 {
		return j
	}
	d.judge(&e.Head, sessionRequired, sessionOptional)
	e.ID, e.TS = strings.Clone(s.ID), s.End
	if e.Rejected {
		*s = charge.Session{ID: e.ID}
	} else {
		d.finishSession(s, reason)
	}
	d.end(&e.Head, i, j)
	return j
}

func (d *Decoder) sessionMember(key string, i int, s *charge.Session, reason *int64) int {
	switch key {
	case "id":
		return d.string(i, seID, &s.ID, isShort, notShort)
	case "pile":
		return d.string(i, sePile, &s.PileID, isID, notID)
	case "startTs":
		return d.time(i, seStart, &s.Start)
	case "endTs":
		return d.time(i, seEnd, &s.End)
	case "energyKwh":
		return d.bounded(i, seEnergy, &s.EnergyKWh, 0, 1e6, notEnergy)
	case "vin":
		return d.orEmpty(i, seVIN, &s.VIN, isVIN, notLongVIN)
	case "bands":
		s.Bands = nil
		return d.list(i, seBands, "bands", charge.MaxBands, func(path string, i int) (int, *charge.Finding) {
			return d.sessionBand(i, path, s)
		})
	case "energyYuan":
		return d.money(i, seEnergyYuan, &s.EnergyFen, 2)
	case "serviceYuan":
		return d.money(i, seServiceYuan, &s.ServiceFen, 2)
	case "parkingYuan":
		return d.money(i, seParkingYuan, &s.ParkingFen, 2)
	case "totalYuan":
		return d.money(i, seTotalYuan, &s.TotalFen, 2)
	case "stopReason":
		return d.integer(i, seReason, reason, 99, notReason)
	}
	return d.skip(i, d.depth+1)
}

// finishSession takes away what was not taken and makes the strings the session's own.
func (d *Decoder) finishSession(s *charge.Session, reason int64) {
	s.ID, s.PileID = strings.Clone(s.ID), strings.Clone(s.PileID)
	if d.got&seVIN == 0 {
		s.VIN = ""
	}
	s.VIN = strings.Clone(s.VIN)
	if d.got&seBands == 0 {
		s.Bands = nil
	}
	amount := func(bit uint32, v *int64) {
		if d.got&bit == 0 {
			*v = -1
		}
	}
	amount(seEnergyYuan, &s.EnergyFen)
	amount(seServiceYuan, &s.ServiceFen)
	amount(seParkingYuan, &s.ParkingFen)
	amount(seTotalYuan, &s.TotalFen)
	amount(seReason, &reason)
	s.StopReason = int16(reason)
}

func (d *Decoder) sessionBand(i int, path string, s *charge.Session) (int, *charge.Finding) {
	var b charge.SessionBand
	j, fault := d.object(i, path, seBands, sessionBandRequired, nil, func(key string, i int) int {
		switch key {
		case "from":
			return d.time(i, 1, &b.From)
		case "to":
			return d.time(i, 2, &b.To)
		case "energyKwh":
			return d.bounded(i, 4, &b.EnergyKWh, 0, 1e6, notEnergy)
		case "energyYuan":
			return d.money(i, 8, &b.EnergyFen, 2)
		case "serviceYuan":
			return d.money(i, 16, &b.ServiceFen, 2)
		}
		return d.skip(i, d.depth+1)
	})
	s.Bands = append(s.Bands, b)
	return j, fault
}
