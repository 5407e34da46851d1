package fleet

import (
	"strconv"
	"time"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
)

// Kunming's rings as boxes: inside the first parking is 5 yuan an hour, inside
// the second 3, outside 2 (domain page §6).
var (
	ring1 = geo.Box{West: 102.695, South: 25.027, East: 102.728, North: 25.058}
	ring2 = geo.Box{West: 102.672, South: 25.008, East: 102.752, North: 25.078}
)

// Home piles pay the residential price, yuan per kWh × 10,000, at any hour.
const homeEnergyE4 = 4864

// Stations calls yield with each station of the city and the index of its
// operator in [Parties], until yield returns false. What a station points at
// is its own; positions are WGS-84 (see [Faults.WrongCRS]).
func (f *Fleet) Stations(yield func(party int, s *charge.Station) bool) {
	tariffs := map[[2]uint8][]charge.Tariff{}
	for i := range f.stations {
		s := &f.stations[i]
		if !f.hears(int(s.party)) {
			continue
		}
		key := [2]uint8{uint8(s.role), s.service}
		if tariffs[key] == nil {
			tariffs[key] = []charge.Tariff{f.tariff(s)}
		}
		st := f.describe(int32(i))
		st.Tariffs = tariffs[key]
		if !yield(int(s.party), &st) {
			return
		}
	}
}

// Vehicles calls yield with each vehicle of the city and the index of its
// maker in [Parties], until yield returns false.
func (f *Fleet) Vehicles(yield func(party int, v *charge.Vehicle) bool) {
	for i := range f.vehicles {
		v := &f.vehicles[i]
		party := len(operators) + int(v.maker)
		if !f.hears(party) {
			continue
		}
		m := charge.Vehicle{VIN: f.names.vin(int32(i)), Class: classOf[v.kind], Model: makers[v.maker].models[v.model],
			BatteryKWh: float64(v.pack)}
		if !yield(party, &m) {
			return
		}
	}
}

// hears reports whether that party's share comes out.
func (f *Fleet) hears(party int) bool { return f.only < 0 || f.only == party }

// describe returns a station's record but for its tariff.
func (f *Fleet) describe(index int32) charge.Station {
	s := &f.stations[index]
	at := f.stationAt(s)
	o, d := &operators[s.party], &f.districts[s.district]
	place, placeEn := d.name, d.nameEn
	if s.hot >= 0 {
		place, placeEn = d.hot[s.hot].name, d.hot[s.hot].nameEn
	}
	n := strconv.Itoa(int(s.label))
	st := charge.Station{ID: f.names.ids[index], Lon: at.Lon, Lat: at.Lat, District: d.adcode, OpenHours: "00:00-24:00"}
	switch s.role {
	case rolePublic:
		st.Name, st.NameEn, st.Access = o.short+place+"充电站"+n, o.nameEn+" "+placeEn+" "+n, charge.Public
		if index%7 == 3 {
			st.OpenHours = "07:00-23:00"
		}
		st.Parking = parking(f.plane.out(s.at), mixHash(f.cfg.Seed, uint64(index), 11))
		st.Address = f.cfg.City.Name + "市" + d.name
	case roleDepot:
		st.Name, st.NameEn, st.Access = o.short+place+"停车场"+n, o.nameEn+" "+placeEn+" "+n, charge.Restricted
		st.Parking = &charge.Parking{Type: charge.ParkingFree, Text: "仅限内部车辆", FenPerHour: 0, FreeMinutes: -1}
	default:
		st.Name, st.NameEn, st.Access = o.short+place+"小区"+n, o.nameEn+" "+placeEn+" compound "+n, charge.Private
		st.Parking = &charge.Parking{Type: charge.ParkingFree, Text: "业主车位", FenPerHour: 0, FreeMinutes: -1}
	}
	st.Piles = make([]charge.Pile, s.n)
	for i := range st.Piles {
		m := &models[f.piles[int(s.first)+i].model]
		st.Piles[i] = charge.Pile{ID: f.names.pile(s.first + int32(i)), Kind: m.kind, RatedKW: m.ratedKW,
			Standard: m.standard, Bay: strconv.Itoa(i + 1)}
	}
	return st
}

// stationAt returns the position that a station's operator names.
func (f *Fleet) stationAt(s *station) geo.Point {
	at := f.plane.out(s.at)
	if f.cfg.Faults.WrongCRS && int(s.party) == wrongCRSParty {
		at = geo.ToGCJ02(at)
		at.Lon, at.Lat = round(at.Lon, 1e6), round(at.Lat, 1e6)
	}
	return at
}

// tariff returns a station's prices: the city's energy bands and its own
// service fee; one residential band for private piles.
func (f *Fleet) tariff(s *station) charge.Tariff {
	from := charge.At(time.Date(2024, 1, 1, 0, 0, 0, 0, f.cfg.City.Zone))
	if s.role == roleHome {
		return charge.Tariff{ValidFrom: from, Bands: []charge.Band{{FromMinute: 0, ToMinute: 1440, EnergyE4: homeEnergyE4}}}
	}
	t := charge.Tariff{ValidFrom: from, Bands: make([]charge.Band, len(f.cfg.City.Tariff.Bands))}
	for i, b := range f.cfg.City.Tariff.Bands {
		b.ServiceE4 = int64(s.service) * 100
		t.Bands[i] = b
	}
	return t
}

// parking returns what it costs to stand at a public station.
func parking(at geo.Point, h uint64) *charge.Parking {
	fen, text := int64(200), "2元/小时"
	switch {
	case ring1.Contains(at):
		fen, text = 500, "5元/小时"
	case ring2.Contains(at):
		fen, text = 300, "3元/小时"
	}
	switch n := h % 100; {
	case n < 25:
		return &charge.Parking{Type: charge.ParkingFree, Text: "免费停车", FenPerHour: 0, FreeMinutes: -1}
	case n < 55:
		return &charge.Parking{Type: charge.ParkingLimited, Text: "前2小时免费，之后" + text, FenPerHour: fen, FreeMinutes: 120}
	case n < 65:
		return &charge.Parking{Type: charge.ParkingReduced, Text: "充电期间停车费减半，" + text, FenPerHour: fen, FreeMinutes: -1}
	case n < 95:
		return &charge.Parking{Type: charge.ParkingPaid, Text: text, FenPerHour: fen, FreeMinutes: -1}
	}
	return &charge.Parking{Type: charge.ParkingAsk, Text: "以现场公示为准", FenPerHour: -1, FreeMinutes: -1}
}
