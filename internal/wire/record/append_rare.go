package record

import (
	"encoding/binary"
	"math"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// Bits of a station's first byte.
const (
	bitRemoved = 1 << iota
	bitParking
)

func appendStation(dst []byte, p *StationPut) []byte {
	s := &p.Station
	var mark byte
	if p.Removed {
		mark |= bitRemoved
	}
	if s.Parking != nil && !p.Removed {
		mark |= bitParking
	}
	dst = append(dst, mark)
	dst = appendUint(dst, uint64(s.Num))
	dst = appendUint(dst, uint64(s.Party))
	dst = appendString(dst, s.ID)
	if p.Removed {
		return dst
	}
	dst = appendString(dst, s.Name)
	dst = appendString(dst, s.NameEn)
	dst = appendFloat(dst, s.Lon)
	dst = appendFloat(dst, s.Lat)
	dst = append(dst, byte(s.Access))
	dst = appendString(dst, s.District)
	dst = appendString(dst, s.Address)
	dst = appendString(dst, s.Phone)
	dst = appendString(dst, s.OpenHours)
	if k := s.Parking; k != nil {
		dst = append(dst, byte(k.Type))
		dst = appendString(dst, k.Text)
		dst = binary.AppendVarint(dst, k.FenPerHour)
		dst = binary.AppendVarint(dst, k.FreeMinutes)
	}
	dst = appendUint(dst, uint64(len(s.Tariffs)))
	for i := range s.Tariffs {
		dst = appendTariff(dst, &s.Tariffs[i])
	}
	dst = appendUint(dst, uint64(len(s.Piles)))
	for i := range s.Piles {
		q := &s.Piles[i]
		dst = appendUint(dst, uint64(q.Num))
		dst = appendString(dst, q.ID)
		dst = append(dst, byte(q.Kind))
		dst = appendFloat(dst, q.RatedKW)
		dst = appendString(dst, q.Standard)
		dst = appendString(dst, q.Bay)
	}
	return dst
}

func appendTariff(dst []byte, t *charge.Tariff) []byte {
	dst = binary.AppendVarint(dst, int64(t.ValidFrom))
	dst = appendUint(dst, uint64(len(t.Bands)))
	for _, b := range t.Bands {
		dst = binary.AppendVarint(dst, int64(b.FromMinute))
		dst = binary.AppendVarint(dst, int64(b.ToMinute))
		dst = binary.AppendVarint(dst, b.EnergyE4)
		dst = binary.AppendVarint(dst, b.ServiceE4)
	}
	return dst
}

func appendVehicle(dst []byte, v *charge.Vehicle) []byte {
	dst = appendUint(dst, uint64(v.Num))
	dst = appendUint(dst, uint64(v.Party))
	dst = appendString(dst, v.VIN)
	dst = append(dst, byte(v.Class))
	dst = appendString(dst, v.Model)
	return appendFloat(dst, v.BatteryKWh)
}

func appendSession(dst []byte, s *charge.Session, received charge.Millis) []byte {
	dst = appendUint(dst, uint64(s.Party))
	dst = appendString(dst, s.ID)
	dst = appendUint(dst, uint64(s.Pile))
	dst = appendString(dst, s.PileID)
	dst = binary.AppendVarint(dst, int64(s.Start-received))
	dst = binary.AppendVarint(dst, int64(s.End-received))
	dst = appendFloat(dst, s.EnergyKWh)
	dst = appendString(dst, s.VIN)
	dst = appendUint(dst, uint64(len(s.Bands)))
	for i := range s.Bands {
		b := &s.Bands[i]
		dst = binary.AppendVarint(dst, int64(b.From-received))
		dst = binary.AppendVarint(dst, int64(b.To-received))
		dst = appendFloat(dst, b.EnergyKWh)
		dst = binary.AppendVarint(dst, b.EnergyFen)
		dst = binary.AppendVarint(dst, b.ServiceFen)
	}
	dst = binary.AppendVarint(dst, s.EnergyFen)
	dst = binary.AppendVarint(dst, s.ServiceFen)
	dst = binary.AppendVarint(dst, s.ParkingFen)
	dst = binary.AppendVarint(dst, s.TotalFen)
	return binary.AppendVarint(dst, int64(s.StopReason))
}

func appendRow(dst []byte, w *TotalRow, received charge.Millis) []byte {
	dst = append(dst, byte(w.Scope))
	dst = appendString(dst, w.ID)
	dst = binary.AppendVarint(dst, int64(w.T-received))
	p, v := &w.Piles, &w.Vehicles
	for _, n := range [...]int{
		p.Total, p.Free, p.InUse, p.Charging, p.Reserved, p.Fault, p.Offline,
		v.Total, v.Online, v.Driving, v.Charging, v.Alarm,
	} {
		dst = binary.AppendVarint(dst, int64(n))
	}
	// Sums of many readings are seldom short decimals: written raw.
	dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(w.PowerKW))
	dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(w.EnergyKWh))
	return appendUint(dst, w.Taken)
}
