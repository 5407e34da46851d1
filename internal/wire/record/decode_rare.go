package record

import "github.com/dianchi-platform/dianchi/internal/charge"

func decodeStation(d *reader, p *StationPut) {
	mark := d.byte()
	if mark>>2 != 0 {
		d.fail(errValue)
	}
	p.Removed = mark&bitRemoved != 0
	s := &p.Station
	s.Num, s.Party, s.ID = d.num(), d.num(), d.string()
	if p.Removed {
		return
	}
	s.Name, s.NameEn = d.string(), d.string()
	s.Lon, s.Lat = d.float(), d.float()
	s.Access = charge.Access(d.byte())
	s.District, s.Address, s.Phone, s.OpenHours = d.string(), d.string(), d.string(), d.string()
	if mark&bitParking != 0 {
		s.Parking = &charge.Parking{
			Type: charge.ParkingType(d.byte()), Text: d.string(), FenPerHour: d.int(), FreeMinutes: d.int(),
		}
	}
	if n := d.count(minTariff); n > 0 {
		s.Tariffs = make([]charge.Tariff, n)
		for i := range s.Tariffs {
			decodeTariff(d, &s.Tariffs[i])
		}
	}
	if n := d.count(minPileMeta); n > 0 {
		s.Piles = make([]charge.Pile, n)
		for i := range s.Piles {
			s.Piles[i] = charge.Pile{
				Num: d.num(), ID: d.string(), Kind: charge.PileKind(d.byte()), RatedKW: d.float(),
				Standard: d.string(), Bay: d.string(),
			}
		}
	}
}

func decodeTariff(d *reader, t *charge.Tariff) {
	t.ValidFrom = charge.Millis(d.int())
	if n := d.count(minBand); n > 0 {
		t.Bands = make([]charge.Band, n)
		for i := range t.Bands {
			t.Bands[i] = charge.Band{
				FromMinute: d.small(), ToMinute: d.small(), EnergyE4: d.int(), ServiceE4: d.int(),
			}
		}
	}
}

func decodeSession(d *reader, s *charge.Session, received charge.Millis) {
	s.Party, s.ID, s.Pile, s.PileID = d.num(), d.string(), d.num(), d.string()
	s.Start = received + charge.Millis(d.int())
	s.End = received + charge.Millis(d.int())
	s.EnergyKWh = d.float()
	s.VIN = d.string()
	if n := d.count(minSessBand); n > 0 {
		s.Bands = make([]charge.SessionBand, n)
		for i := range s.Bands {
			s.Bands[i] = charge.SessionBand{
				From: received + charge.Millis(d.int()), To: received + charge.Millis(d.int()),
				EnergyKWh: d.float(), EnergyFen: d.int(), ServiceFen: d.int(),
			}
		}
	}
	s.EnergyFen, s.ServiceFen, s.ParkingFen, s.TotalFen = d.int(), d.int(), d.int(), d.int()
	n := d.small()
	if n != int(int16(n)) {
		d.fail(errValue)
	}
	s.StopReason = int16(n)
}

func decodeRow(d *reader, w *TotalRow, received charge.Millis) {
	w.Scope = Scope(d.byte())
	w.ID = d.string()
	w.T = received + charge.Millis(d.int())
	p, v := &w.Piles, &w.Vehicles
	for _, n := range [...]*int{
		&p.Total, &p.Free, &p.InUse, &p.Charging, &p.Reserved, &p.Fault, &p.Offline,
		&v.Total, &v.Online, &v.Driving, &v.Charging, &v.Alarm,
	} {
		*n = int(d.int())
	}
	w.PowerKW, w.EnergyKWh = d.raw(), d.raw()
	w.Taken = d.uint()
}
