package quality

import "github.com/dianchi-platform/dianchi/internal/charge"

// CheckFleet applies the rules of master data to v, whose VIN has the right
// form. Findings of v are appended to f.
func CheckFleet(v *charge.Vehicle, f *Findings) {
	if _, digit := CheckVIN(v.VIN); !digit {
		f.add(charge.RuleVINCheck, charge.ActFlag, "%s: the ninth character does not check by GB 16735", v.VIN)
	}
}

// SessionPrint is 64 bits that two sessions share only if they say the same:
// a session sent again with the same print is a duplicate. The numbers that we
// gave (party, pile) do not count, what the operator said does. 0 never comes.
func SessionPrint(s *charge.Session) uint64 {
	var h fingerprint
	h.string(s.ID)
	h.string(s.PileID)
	h.word(uint64(s.Start))
	h.word(uint64(s.End))
	h.float(s.EnergyKWh)
	h.string(s.VIN)
	h.word(uint64(len(s.Bands)))
	for i := range s.Bands {
		b := &s.Bands[i]
		h.word(uint64(b.From))
		h.word(uint64(b.To))
		h.float(b.EnergyKWh)
		h.word(uint64(b.EnergyFen))
		h.word(uint64(b.ServiceFen))
	}
	for _, v := range [...]int64{s.EnergyFen, s.ServiceFen, s.ParkingFen, s.TotalFen, int64(s.StopReason)} {
		h.word(uint64(v))
	}
	return h.sum()
}
