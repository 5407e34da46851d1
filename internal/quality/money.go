package quality

import (
	"math"
	"strconv"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/city"
)

// moneySum compares the bands with the amounts and these with the total, and
// then the amounts with the published tariff. Only what was given is compared.
func moneySum(_ *PileMemory, s *charge.Session, x *SessionFacts, _ charge.Millis, l *Limits, f *Findings) {
	if !sumsAgree(s, l, f) || l.City == nil || len(x.Tariffs) == 0 {
		return
	}
	for i := range s.Bands {
		b := &s.Bands[i]
		if !l.priced(s, x.Tariffs, b.From, b.To, b.EnergyKWh, b.EnergyFen, b.ServiceFen, f) {
			return
		}
	}
	if len(s.Bands) == 0 {
		l.priced(s, x.Tariffs, s.Start, s.End, s.EnergyKWh, s.EnergyFen, s.ServiceFen, f)
	}
}

// priced compares what some energy cost with the tariff of that time. It is not
// compared when the tariff is not known or has two prices in it.
func (l *Limits) priced(s *charge.Session, tariffs []charge.Tariff, from, to charge.Millis, kWh float64,
	energyFen, serviceFen int64, f *Findings) bool {
	t := city.TariffAt(tariffs, from)
	if t == nil || city.TariffAt(tariffs, to-1) != t {
		return true
	}
	now, ok := l.City.Price(t, from)
	if !ok || now.Until != 0 && now.Until < to {
		return true
	}
	differs := func(what string, fen, e4 int64) bool {
		price := float64(e4) / 100 // fen per kWh
		if fen < 0 || math.Abs(float64(fen)-kWh*price) <= float64(l.MoneyFen)+l.EnergyStep/2*price {
			return false
		}
		f.add(charge.RuleMoneySum, charge.ActFlag, "session %s: %s of %v kWh from %s is %s yuan, not %s by the tariff", s.ID,
			what, kWh, from, yuan(fen), yuan(int64(math.Round(kWh*price))))
		return true
	}
	return !differs("energyYuan", energyFen, now.EnergyE4) && !differs("serviceYuan", serviceFen, now.ServiceE4)
}

// sumsAgree reports whether details and totals go together.
func sumsAgree(s *charge.Session, l *Limits, f *Findings) bool {
	var energy, service int64
	for i := range s.Bands {
		energy += s.Bands[i].EnergyFen
		service += s.Bands[i].ServiceFen
	}
	unequal := func(what string, sum, total int64) bool {
		if d := sum - total; d >= -l.MoneyFen && d <= l.MoneyFen {
			return false
		}
		f.add(charge.RuleMoneySum, charge.ActFlag, "session %s: %s %s yuan, not %s", s.ID, what, yuan(sum),
			yuan(total))
		return true
	}
	if len(s.Bands) > 0 {
		if s.EnergyFen >= 0 && unequal("the bands' energyYuan add up to", energy, s.EnergyFen) ||
			s.ServiceFen >= 0 && unequal("the bands' serviceYuan add up to", service, s.ServiceFen) {
			return false
		}
	}
	if s.TotalFen < 0 || s.EnergyFen < 0 && len(s.Bands) == 0 {
		return true
	}
	if s.EnergyFen >= 0 {
		energy = s.EnergyFen
	}
	if s.ServiceFen >= 0 {
		service = s.ServiceFen
	}
	return !unequal("energy, service and parking add up to", energy+service+max(0, s.ParkingFen), s.TotalFen)
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
