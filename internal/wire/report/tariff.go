package report

import (
	"strings"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// parking reads what it costs to stand at s.
func (d *Decoder) parking(i int, s *charge.Station) int {
	d.renew(stParking)
	if d.peek(i) != '{' {
		return d.other(i, stParking, notObject)
	}
	k := &charge.Parking{}
	var got uint32
	j, fault := d.object(i, "parking", stParking, parkingRequired, parkingOptional, func(key string, i int) int {
		switch key {
		case "type":
			i = d.code(i, 1, (*uint8)(&k.Type), parkingCodes, notParking)
		case "text":
			i = d.orEmpty(i, 2, &k.Text, isLine, notText)
		case "yuanPerHour":
			i = d.money(i, 4, &k.FenPerHour, 2)
		case "freeMinutes":
			i = d.integer(i, 8, &k.FreeMinutes, 1_000_000, notMinutes)
		default:
			i = d.skip(i, d.depth+1)
		}
		got = d.got
		return i
	})
	if got&2 == 0 {
		k.Text = ""
	}
	if got&4 == 0 {
		k.FenPerHour = -1
	}
	if got&8 == 0 {
		k.FreeMinutes = -1
	}
	k.Text = strings.Clone(k.Text)
	s.Parking = k
	return d.settle(i, j, stParking, fault)
}

// tariff reads the tariff of s. A tariff that is wrong somewhere is null whole:
// half of it would be a wrong price.
func (d *Decoder) tariff(i int, s *charge.Station) int {
	d.renew(stTariff)
	if d.peek(i) != '{' {
		return d.other(i, stTariff, notObject)
	}
	var t charge.Tariff
	var from charge.Millis
	var validBad *charge.Finding
	j, fault := d.object(i, "tariff", stTariff, tariffRequired, nil, func(key string, i int) int {
		switch key {
		case "validFrom":
			if i = d.time(i, 2, &from); i >= 0 {
				validBad, t.ValidFrom = nil, 0
				if d.bad&2 != 0 {
					f := d.spoilt(named{"validFrom", 2}, charge.ActNull)
					validBad = &f
				} else if d.got&2 != 0 {
					t.ValidFrom = from
				}
			}
			return i
		case "bands":
			t.Bands = nil
			return d.list(i, 1, "bands", charge.MaxBands, func(path string, i int) (int, *charge.Finding) {
				return d.band(i, path, &t)
			})
		}
		return d.skip(i, d.depth+1)
	})
	if fault == nil {
		fault = validBad
	}
	s.Tariffs = []charge.Tariff{t}
	return d.settle(i, j, stTariff, fault)
}

func (d *Decoder) band(i int, path string, t *charge.Tariff) (int, *charge.Finding) {
	var b charge.Band
	var serviceBad *charge.Finding
	j, fault := d.object(i, path, stTariff, bandRequired, nil, func(key string, i int) int {
		switch key {
		case "from":
			return d.clock(i, 1, &b.FromMinute)
		case "to":
			return d.clock(i, 2, &b.ToMinute)
		case "energyYuanPerKwh":
			return d.money(i, 4, &b.EnergyE4, 4)
		case "serviceYuanPerKwh":
			b.ServiceE4, serviceBad = 0, nil
			if i = d.money(i, 8, &b.ServiceE4, 4); i >= 0 && d.bad&8 != 0 {
				f := d.spoilt(named{"serviceYuanPerKwh", 8}, charge.ActNull)
				serviceBad = &f
			}
			return i
		}
		return d.skip(i, d.depth+1)
	})
	if fault == nil {
		fault = serviceBad
	}
	b.FromMinute %= 1440
	if b.ToMinute == 0 {
		b.ToMinute = 1440
	}
	t.Bands = append(t.Bands, b)
	return j, fault
}
