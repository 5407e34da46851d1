package report

import (
	"strconv"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// decimal appends v · 10^-places without trailing zeros.
func (w *writer) decimal(name string, v int64, places int) {
	w.key(name)
	if v < 0 {
		w.b, v = append(w.b, '-'), -v
	}
	unit := int64(1)
	for range places {
		unit *= 10
	}
	w.b = strconv.AppendInt(w.b, v/unit, 10)
	if rest := v % unit; rest > 0 {
		digits := strconv.AppendInt(nil, unit+rest, 10) // a 1 that keeps leading zeros
		for digits[len(digits)-1] == '0' {
			digits = digits[:len(digits)-1]
		}
		w.b = append(append(w.b, '.'), digits[1:]...)
	}
}

func (w *writer) clock(name string, minute int) {
	two := func(v int) { w.b = append(w.b, byte('0'+v/10), byte('0'+v%10)) }
	w.key(name)
	w.b = append(w.b, '"')
	two(minute / 60)
	w.b = append(w.b, ':')
	two(minute % 60)
	w.b = append(w.b, '"')
}

// each appends an array of n objects; one writes the members of the ith.
func (w *writer) each(name string, n int, one func(i int)) {
	w.key(name)
	w.b = append(w.b, '[')
	for i := range n {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.open()
		one(i)
		w.close()
	}
	w.b = append(w.b, ']')
	w.first = false
}

// AppendStation appends s as one element of a stations payload, its position in
// WGS-84. Of several tariffs the newest is written.
func AppendStation(dst []byte, s *charge.Station) []byte {
	w := writer{b: dst}
	w.open()
	w.str("id", s.ID)
	w.str("name", s.Name)
	w.float("lon", s.Lon)
	w.float("lat", s.Lat)
	w.each("piles", len(s.Piles), func(i int) {
		p := &s.Piles[i]
		w.str("id", p.ID)
		w.str("kind", p.Kind.String())
		w.float("ratedKw", p.RatedKW)
		w.text("standard", p.Standard)
		w.text("bay", p.Bay)
	})
	w.text("nameEn", s.NameEn)
	if s.Access != charge.Public {
		w.str("access", s.Access.String())
	}
	w.text("district", s.District)
	w.text("address", s.Address)
	w.text("phone", s.Phone)
	w.text("openHours", s.OpenHours)
	if k := s.Parking; k != nil {
		w.key("parking")
		w.open()
		w.int("type", int64(k.Type))
		w.text("text", k.Text)
		if k.FenPerHour >= 0 {
			w.decimal("yuanPerHour", k.FenPerHour, 2)
		}
		if k.FreeMinutes >= 0 {
			w.int("freeMinutes", k.FreeMinutes)
		}
		w.close()
	}
	if n := len(s.Tariffs); n > 0 {
		w.tariff(&s.Tariffs[n-1])
	}
	w.close()
	return w.b
}

func (w *writer) tariff(t *charge.Tariff) {
	w.key("tariff")
	w.open()
	if t.ValidFrom != 0 {
		w.time("validFrom", t.ValidFrom)
	}
	w.each("bands", len(t.Bands), func(i int) {
		b := &t.Bands[i]
		w.clock("from", b.FromMinute)
		w.clock("to", b.ToMinute)
		w.decimal("energyYuanPerKwh", b.EnergyE4, 4)
		w.decimal("serviceYuanPerKwh", b.ServiceE4, 4)
	})
	w.close()
}

// AppendStationRemoved appends the element that takes station id away.
func AppendStationRemoved(dst []byte, id string) []byte {
	w := writer{b: dst}
	w.open()
	w.str("id", id)
	w.key("removed")
	w.b = append(w.b, "true"...)
	w.close()
	return w.b
}

// AppendFleet appends v as one element of a fleet payload.
func AppendFleet(dst []byte, v *charge.Vehicle) []byte {
	w := writer{b: dst}
	w.open()
	w.str("vin", v.VIN)
	if v.Class != charge.ClassOther {
		w.str("class", v.Class.String())
	}
	w.text("model", v.Model)
	if v.BatteryKWh > 0 {
		w.float("batteryKwh", v.BatteryKWh)
	}
	w.close()
	return w.b
}

// AppendSession appends s as one element of a sessions payload.
func AppendSession(dst []byte, s *charge.Session) []byte {
	w := writer{b: dst}
	w.open()
	w.str("id", s.ID)
	w.str("pile", s.PileID)
	w.int("startTs", int64(s.Start))
	w.int("endTs", int64(s.End))
	w.float("energyKwh", s.EnergyKWh)
	w.text("vin", s.VIN)
	if len(s.Bands) > 0 {
		w.each("bands", len(s.Bands), func(i int) {
			b := &s.Bands[i]
			w.int("from", int64(b.From))
			w.int("to", int64(b.To))
			w.float("energyKwh", b.EnergyKWh)
			w.decimal("energyYuan", b.EnergyFen, 2)
			w.decimal("serviceYuan", b.ServiceFen, 2)
		})
	}
	amount := func(name string, v int64) {
		if v >= 0 {
			w.decimal(name, v, 2)
		}
	}
	amount("energyYuan", s.EnergyFen)
	amount("serviceYuan", s.ServiceFen)
	amount("parkingYuan", s.ParkingFen)
	amount("totalYuan", s.TotalFen)
	if s.StopReason >= 0 {
		w.int("stopReason", int64(s.StopReason))
	}
	w.close()
	return w.b
}
