package quality

import (
	"strconv"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// Limits of sessions; the 7 and 15 days are figures of the French supervision platform.
const (
	longDC    = 24 * time.Hour
	longAC    = 7 * 24 * time.Hour
	lateBill  = 24 * time.Hour
	lostBill  = 15 * 24 * time.Hour
	centSlack = 1 // fen
)

// CheckSession applies the rules of finished sessions to s, received just now,
// and returns false if it is rejected. p tells of the pile that it was at.
// Findings of s are appended to f.
func CheckSession(s *charge.Session, p PileFacts, received charge.Millis, l *Limits, f *Findings) bool {
	took := s.End.Sub(s.Start)
	if took < 0 {
		f.add(charge.RuleSessionNeg, charge.ActReject, "session %s ends at %s, before its start at %s", s.ID, s.End,
			s.Start)
		return false
	}
	if ahead := s.End.Sub(received); ahead > l.FutureReject {
		f.add(charge.RuleTimeFuture, charge.ActReject, "session %s ends at %s, %s ahead of our clock", s.ID, s.End,
			ahead.Round(time.Millisecond))
		return false
	} else if ahead > l.FutureFlag {
		f.add(charge.RuleTimeFuture, charge.ActFlag, "session %s ends at %s, %s ahead of our clock", s.ID, s.End,
			ahead.Round(time.Millisecond))
	}
	long := longAC
	if p.Kind == charge.DC {
		long = longDC
	}
	switch {
	case took == 0:
		f.add(charge.RuleSessionZero, charge.ActFlag, "session %s ends when it starts, at %s", s.ID, s.Start)
	case took > long:
		f.add(charge.RuleSessionLong, charge.ActFlag, "session %s takes %s, more than %s", s.ID, took, long)
	}
	switch age := received.Sub(s.End); {
	case age > lostBill:
		f.add(charge.RuleSessionLate, charge.ActFlag,
			"session %s ended %s ago, more than %s: it will not be counted", s.ID, age.Round(time.Second), lostBill)
	case age > lateBill:
		f.add(charge.RuleSessionLate, charge.ActFlag, "session %s ended %s ago, more than %s", s.ID,
			age.Round(time.Second), lateBill)
	}
	checkSums(s, f)
	return true
}

// checkSums compares the bands with the amounts and these with the total. Only
// amounts that were given are compared.
func checkSums(s *charge.Session, f *Findings) {
	var energy, service int64
	for i := range s.Bands {
		energy += s.Bands[i].EnergyFen
		service += s.Bands[i].ServiceFen
	}
	unequal := func(what string, sum, total int64) bool {
		if d := sum - total; d >= -centSlack && d <= centSlack {
			return false
		}
		f.add(charge.RuleMoneySum, charge.ActFlag, "session %s: %s %s yuan, not %s", s.ID, what, yuan(sum),
			yuan(total))
		return true
	}
	if len(s.Bands) > 0 {
		if s.EnergyFen >= 0 && unequal("the bands' energyYuan add up to", energy, s.EnergyFen) ||
			s.ServiceFen >= 0 && unequal("the bands' serviceYuan add up to", service, s.ServiceFen) {
			return
		}
	}
	if s.TotalFen < 0 || s.EnergyFen < 0 && len(s.Bands) == 0 {
		return
	}
	if s.EnergyFen >= 0 {
		energy = s.EnergyFen
	}
	if s.ServiceFen >= 0 {
		service = s.ServiceFen
	}
	unequal("energy, service and parking add up to", energy+service+max(0, s.ParkingFen), s.TotalFen)
}

// yuan prints fen as yuan with two decimals.
func yuan(fen int64) string {
	sign := ""
	if fen < 0 {
		sign, fen = "-", -fen
	}
	return sign + strconv.FormatInt(fen/100, 10) + "." + strconv.FormatInt(fen%100/10,
		10) + strconv.FormatInt(fen%10, 10)
}
