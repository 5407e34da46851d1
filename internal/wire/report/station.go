package report

import (
	"strings"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// Members of a station and of what is in it.
const (
	stID = 1 << iota
	stName
	stPiles
	stRemoved
	stNameEn
	stAccess
	stDistrict
	stAddress
	stPhone
	stHours
	stParking
	stTariff
)

var (
	stationRequired = []named{{"id", stID}, {"name", stName}, {"lon", bitLon}, {"lat", bitLat}, {"piles", stPiles}}
	stationGone     = []named{{"id", stID}}
	stationOptional = []named{
		{"removed", stRemoved}, {"nameEn", stNameEn}, {"access", stAccess}, {"district", stDistrict},
		{"address", stAddress}, {"phone", stPhone}, {"openHours", stHours}, {"parking", stParking}, {"tariff",
			stTariff},
	}
	pileMetaRequired = []named{{"id", 1}, {"kind", 2}, {"ratedKw", 4}}
	pileMetaOptional = []named{{"standard", 8}, {"bay", 16}}
	parkingRequired  = []named{{"type", 1}}
	parkingOptional  = []named{{"text", 2}, {"yuanPerHour", 4}, {"freeMinutes", 8}}
	tariffRequired   = []named{{"bands", 1}}
	bandRequired     = []named{{"from", 1}, {"to", 2}, {"energyYuanPerKwh", 4}}

	accessWords = []string{charge.Public: "public", charge.Restricted: "restricted", charge.Private: "private"}
	kindWords   = []string{0: "\x00", charge.AC: "ac", charge.DC: "dc"}
)

const parkingCodes = 1<<0 | 1<<1 | 1<<2 | 1<<3 | 1<<63

// StationEntry is one element of a stations payload. Its position is WGS-84 and
// its memory its own: it may be kept.
type StationEntry struct {
	Head
	Station charge.Station // with Tariffs of one element at most; only ID if Removed
	Removed bool
}

// Stations decodes a stations payload. A finding means that the whole message
// is one rejected station (msg.malformed or msg.too-large).
func (d *Decoder) Stations(payload []byte) ([]StationEntry, *charge.Finding) {
	d.stations = d.stations[:0]
	f := d.each(payload, (*Decoder).station)
	return d.stations, f
}

func (d *Decoder) station(i int) int {
	e := grow(&d.stations)
	*e = StationEntry{}
	d.begin()
	s := &e.Station
	j, more := d.enter(i)
	for more {
		var key string
		if key, j = d.name(j); j < 0 {
			return j
		}
		j, more = d.next(d.stationMember(key, j, e))
	}
	if j < 0 {
		return j
	}
	e.ID = strings.Clone(s.ID)
	if e.Removed && d.got&stRemoved != 0 {
		d.judge(&e.Head, stationGone, nil)
		*s = charge.Station{ID: e.ID}
	} else {
		e.Removed = false
		d.judge(&e.Head, stationRequired, stationOptional)
		d.finishStation(e)
	}
	d.end(&e.Head, i, j)
	return j
}

func (d *Decoder) stationMember(key string, i int, e *StationEntry) int {
	s := &e.Station
	switch key {
	case "id":
		return d.string(i, stID, &s.ID, isID, notID)
	case "name":
		return d.string(i, stName, &s.Name, isName, notName)
	case "lon":
		return d.float(i, bitLon, &s.Lon)
	case "lat":
		return d.float(i, bitLat, &s.Lat)
	case "crs":
		return d.crs(i)
	case "piles":
		d.renew(stPiles)
		s.Piles = nil
		clear(d.ids)
		return d.list(i, stPiles, "piles", charge.MaxStationPiles, func(path string, i int) (int, *charge.Finding) {
			return d.pileMeta(i, path, s)
		})
	case "removed":
		return d.boolean(i, stRemoved, &e.Removed)
	case "nameEn":
		return d.orEmpty(i, stNameEn, &s.NameEn, isName, notName)
	case "access":
		return choice(d, i, stAccess, &s.Access, accessWords, notAccess)
	case "district":
		return d.orEmpty(i, stDistrict, &s.District, isDistrict, notDistrict)
	case "address":
		return d.orEmpty(i, stAddress, &s.Address, isLine, notText)
	case "phone":
		return d.orEmpty(i, stPhone, &s.Phone, isLine, notText)
	case "openHours":
		return d.orEmpty(i, stHours, &s.OpenHours, isHours, notHours)
	case "parking":
		return d.parking(i, s)
	case "tariff":
		return d.tariff(i, s)
	}
	return d.skip(i, d.depth+1)
}

// finishStation checks what several members say together, takes away what was
// not taken, and makes the strings the station's own.
func (d *Decoder) finishStation(e *StationEntry) {
	s := &e.Station
	if !e.Rejected {
		switch {
		case d.bad&bitCRS != 0:
			d.findings, e.Rejected = append(d.findings, d.spoilt(named{"crs", bitCRS}, charge.ActReject)), true
		case !inRange(s.Lon, s.Lat):
			d.found(charge.RuleFieldValue, charge.ActReject, "lon %v, lat %v %s", s.Lon, s.Lat,
				beyond(s.Lon, s.Lat))
			e.Rejected = true
		}
	}
	if e.Rejected {
		*s = charge.Station{ID: e.ID}
		if n := len(d.findings); n > d.start { // the reason alone
			d.findings = append(d.findings[:d.start], d.findings[n-1])
		}
		return
	}
	d.soften()
	if d.gcj && d.got&bitCRS != 0 {
		s.Lon, s.Lat = wgs84(s.Lon, s.Lat)
	}
	keep := func(bit uint32, v *string) {
		if d.got&bit == 0 {
			*v = ""
		}
		*v = strings.Clone(*v)
	}
	s.ID, s.Name = e.ID, strings.Clone(s.Name)
	keep(stNameEn, &s.NameEn)
	keep(stDistrict, &s.District)
	keep(stAddress, &s.Address)
	keep(stPhone, &s.Phone)
	keep(stHours, &s.OpenHours)
	if s.District == "530122" { // Jinning's code until 2016
		s.District = "530115"
	}
	switch { // a word that we do not know may have meant that it is not for everyone
	case d.bad&stAccess != 0:
		s.Access = charge.Private
	case d.got&stAccess == 0:
		s.Access = charge.Public
	}
	if d.got&stParking == 0 {
		s.Parking = nil
	}
	if d.got&stTariff == 0 {
		s.Tariffs = nil
	}
}

// pileMeta reads a pile's master data and adds it to s.
func (d *Decoder) pileMeta(i int, path string, s *charge.Station) (int, *charge.Finding) {
	var p charge.Pile
	var got uint32
	j, fault := d.object(i, path, stPiles, pileMetaRequired, pileMetaOptional, func(key string, i int) int {
		switch key {
		case "id":
			i = d.string(i, 1, &p.ID, isID, notID)
		case "kind":
			i = choice(d, i, 2, &p.Kind, kindWords, notKind)
		case "ratedKw":
			i = d.bounded(i, 4, &p.RatedKW, 0, 100_000, notPower)
		case "standard":
			i = d.orEmpty(i, 8, &p.Standard, isName, notName)
		case "bay":
			i = d.orEmpty(i, 16, &p.Bay, isName, notName)
		default:
			i = d.skip(i, d.depth+1)
		}
		got = d.got
		return i
	})
	if j < 0 || fault != nil {
		return j, fault
	}
	if got&8 == 0 {
		p.Standard = ""
	}
	if got&16 == 0 {
		p.Bay = ""
	}
	if d.ids[p.ID] {
		return j, &charge.Finding{Rule: charge.RuleFieldValue,
			Detail: path + ".id \"" + p.ID + "\" is twice in the station"}
	}
	p.ID, p.Standard, p.Bay = strings.Clone(p.ID), strings.Clone(p.Standard), strings.Clone(p.Bay)
	d.ids[p.ID] = true
	s.Piles = append(s.Piles, p)
	return j, nil
}
