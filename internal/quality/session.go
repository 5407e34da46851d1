package quality

import (
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

// SessionFacts is what the rules know about a session besides what it says.
// The zero value knows nothing.
type SessionFacts struct {
	Pile       PileFacts
	At         geo.Point       // its station
	Tariffs    []charge.Tariff // its station's, oldest first
	Vehicle    *VehicleMemory  // of the vehicle that its VIN names; nil when that is not known
	BatteryKWh float64         // of that vehicle; 0 when unknown
}

// sessionCheck finds one rule: it compares s, a finished session, with m, what
// is known of its pile, and adds to f what it finds.
type sessionCheck func(m *PileMemory, s *charge.Session, x *SessionFacts, received charge.Millis, l *Limits,
	f *Findings)

// JudgeSession applies the rules of finished sessions to s, received just now,
// and returns false if it is rejected. m is the memory of its pile, which
// [PileMemory.RememberSession] moves on once the session is taken. Findings of
// s are appended to f.
func JudgeSession(m *PileMemory, s *charge.Session, x *SessionFacts, received charge.Millis, l *Limits,
	f *Findings) bool {
	if took := s.End.Sub(s.Start); took < 0 {
		f.add(charge.RuleSessionNeg, charge.ActReject, "session %s ends at %s, before its start at %s", s.ID, s.End,
			s.Start)
		return false
	}
	if ahead := s.End.Sub(received); ahead > l.FutureReject {
		f.add(charge.RuleTimeFuture, charge.ActReject, "session %s ends at %s, %s ahead of our clock", s.ID, s.End,
			ahead.Round(time.Millisecond))
		return false
	}
	for _, check := range sessionChecks {
		check(m, s, x, received, l, f)
	}
	return true
}

// sessionAhead flags sessions that end in the future, but not too far.
func sessionAhead(_ *PileMemory, s *charge.Session, _ *SessionFacts, received charge.Millis, l *Limits, f *Findings) {
	if ahead := s.End.Sub(received); ahead > l.FutureFlag {
		f.add(charge.RuleTimeFuture, charge.ActFlag, "session %s ends at %s, %s ahead of our clock", s.ID, s.End,
			ahead.Round(time.Millisecond))
	}
}

// sessionZero flags sessions without length.
func sessionZero(_ *PileMemory, s *charge.Session, _ *SessionFacts, _ charge.Millis, _ *Limits, f *Findings) {
	if s.End == s.Start {
		f.add(charge.RuleSessionZero, charge.ActFlag, "session %s ends when it starts, at %s", s.ID, s.Start)
	}
}

// sessionLong flags sessions that take longer than charging does.
func sessionLong(_ *PileMemory, s *charge.Session, x *SessionFacts, _ charge.Millis, l *Limits, f *Findings) {
	long := l.LongAC
	if x.Pile.Kind == charge.DC {
		long = l.LongDC
	}
	if took := s.End.Sub(s.Start); took > long {
		f.add(charge.RuleSessionLong, charge.ActFlag, "session %s takes %s, more than %s", s.ID, took, long)
	}
}

// sessionLate flags bills that come late, or too late to be counted.
func sessionLate(_ *PileMemory, s *charge.Session, _ *SessionFacts, received charge.Millis, l *Limits, f *Findings) {
	switch age := received.Sub(s.End); {
	case age > l.LostBill:
		f.add(charge.RuleSessionLate, charge.ActFlag, "session %s ended %s ago, more than %s: it will not be counted",
			s.ID, age.Round(time.Second), l.LostBill)
	case age > l.LateBill:
		f.add(charge.RuleSessionLate, charge.ActFlag, "session %s ended %s ago, more than %s", s.ID,
			age.Round(time.Second), l.LateBill)
	}
}

// noStatus flags energy at a pile that was heard from before the session to its
// end and never said that it charges.
func noStatus(m *PileMemory, s *charge.Session, _ *SessionFacts, _ charge.Millis, l *Limits, f *Findings) {
	if s.EnergyKWh < l.NoStatusKWh || m.quiet == 0 || m.quiet.millis() > s.Start ||
		s.End.Sub(s.Start) < l.HeardGap+time.Minute || s.End.Sub(m.last) > time.Minute {
		return
	}
	f.add(charge.RuleNoStatus, charge.ActFlag, "session %s has %v kWh, but pile %s was heard all the time since %s "+
		"without status 3", s.ID, s.EnergyKWh, s.PileID, m.quiet.millis())
}

// vehicleApart compares where the vehicle was during the session with the
// station. How far, and when, only its maker may know: the operator reads the
// finding, and from three stations it would tell where the vehicle was.
func vehicleApart(_ *PileMemory, s *charge.Session, x *SessionFacts, _ charge.Millis, l *Limits, f *Findings) {
	if x.Vehicle == nil {
		return
	}
	where, at, _ := x.Vehicle.Fix()
	if at < s.Start || at > s.End {
		return // not known for that time
	}
	if m := geo.DistanceM(x.At, where); m > l.ApartM {
		f.add(charge.RuleVehicleApart, charge.ActFlag, "session %s: vehicle %s was more than %v m from the station", s.ID,
			s.VIN, l.ApartM)
	}
}

// energyExcess compares the energy with what the pile can give in the time.
func energyExcess(_ *PileMemory, s *charge.Session, x *SessionFacts, _ charge.Millis, l *Limits, f *Findings) {
	kWh, most := s.EnergyKWh, x.Pile.RatedKW*s.End.Sub(s.Start).Hours()
	switch {
	case kWh > l.ExcessNever:
		f.add(charge.RuleEnergyExcess, charge.ActFlag, "session %s has %v kWh, more than %v: it will not be counted",
			s.ID, kWh, l.ExcessNever)
	case x.Pile.RatedKW <= 0 || kWh <= most*l.ExcessRated+l.ExcessKWh:
	case kWh > most*l.ExcessGross && kWh > l.ExcessFrom:
		f.add(charge.RuleEnergyExcess, charge.ActFlag,
			"session %s has %v kWh, more than %v × the %.2f kWh that %v kW give in %s: it will not be counted", s.ID, kWh,
			l.ExcessGross, most, x.Pile.RatedKW, s.End.Sub(s.Start))
	default:
		f.add(charge.RuleEnergyExcess, charge.ActFlag, "session %s has %v kWh, more than the %.2f kWh that %v kW give in %s",
			s.ID, kWh, most, x.Pile.RatedKW, s.End.Sub(s.Start))
	}
}

// energyPack compares the energy with what the vehicle's battery has taken up:
// by the pile's own reports of the session, else with the whole battery. The
// finding is the operator's: it does not say what the maker told of the vehicle.
func energyPack(m *PileMemory, s *charge.Session, x *SessionFacts, _ charge.Millis, l *Limits, f *Findings) {
	if x.BatteryKWh <= 0 {
		return
	}
	pts, kWh := 100.0, s.EnergyKWh
	if m.order == hash32(s.ID) && m.soc0 != 0 && m.soc != 0 {
		pts, kWh = m.soc.points()-m.soc0.points(), m.energy.kWh()-m.energy0.kWh()
	}
	if most := x.BatteryKWh * l.PackFactor * min(100, pts+l.PackSlackPts) / 100; kWh > most+l.EnergyStep/2 {
		f.add(charge.RuleEnergyPack, charge.ActFlag,
			"session %s gave %.2f kWh for %.1f points of SOC, more than the vehicle's battery takes", s.ID, kWh, pts)
	}
}
