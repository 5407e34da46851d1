package live

import (
	"fmt"
	"math/rand/v2"

	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/geo"
	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// randomCity makes records that a pipeline could have made, from a seed.
type randomCity struct {
	*rand.Rand
	now     charge.Millis
	seq     uint64
	rev     uint64
	parties []charge.Party
	gone    map[charge.Num]bool
}

const (
	cityStations = 15
	cityPiles    = 60 // of each operator
	cityVehicles = 80
)

// cityHours are the opening hours that a test knows the meaning of.
var cityHours = map[string][2]int{
	"00:00-24:00": {0, 1440}, "08:00-12:00": {480, 720}, "12:00-13:30": {720, 810}, "22:00-12:30": {1320, 750},
}

func newRandomCity(seed uint64) *randomCity {
	return &randomCity{
		Rand: rand.New(rand.NewPCG(seed, 1)), now: noon, rev: uint64(noon) / 1000,
		parties: []charge.Party{
			{Num: 1, Slug: "teld", Kind: charge.Operator, Name: "特来电"},
			{Num: 2, Slug: "ykc", Kind: charge.Operator, Name: "云快充"},
			{Num: 3, Slug: "ykc-2", Kind: charge.Operator, Name: "另一家"},
			{Num: 4, Slug: "nio", Kind: charge.Maker, Name: "蔚来"},
			{Num: 5, Slug: "byd", Kind: charge.Maker, Name: "比亚迪"},
		},
		gone: map[charge.Num]bool{},
	}
}

func (c *randomCity) chance(of float64) bool { return c.Float64() < of }

func pick[T any](c *randomCity, of ...T) T { return of[c.IntN(len(of))] }

// place is often the same as another's, and sometimes outside the city.
func (c *randomCity) place() geo.Point {
	switch {
	case c.chance(0.03):
		return geo.Point{Lon: 101 + c.Float64(), Lat: 24 + c.Float64()}
	case c.chance(0.1):
		return geo.Point{Lon: 102.2 + c.Float64()*1.4, Lat: 24.5 + c.Float64()*2}
	case c.chance(0.5):
		return geo.Point{Lon: 102.71 + float64(c.IntN(40)-20)*0.002, Lat: 25.04 + float64(c.IntN(40)-20)*0.002}
	}
	return geo.Point{Lon: 102.71 + c.NormFloat64()*0.03, Lat: 25.04 + c.NormFloat64()*0.03}
}

func (c *randomCity) record() *record.Record {
	c.seq++
	c.now += charge.Millis(c.IntN(2000))
	r := &record.Record{Seq: c.seq, Kind: record.Message, Received: c.now}
	switch n := c.IntN(100); {
	case n < 12:
		r.Party = charge.Num(1 + c.IntN(3))
		for range 1 + c.IntN(2) {
			r.Stations = append(r.Stations, c.station(r.Party))
		}
	case n < 60:
		r.Party = charge.Num(1 + c.IntN(3))
		for range 1 + c.IntN(8) {
			r.Piles = append(r.Piles, c.pile(r.Party))
		}
	case n < 98:
		r.Party = charge.Num(4 + c.IntN(2))
		for range 1 + c.IntN(8) {
			r.Fleet = append(r.Fleet, c.car(r.Party))
		}
		if c.chance(0.2) {
			n := (r.Party-4)*cityVehicles + charge.Num(1+c.IntN(cityVehicles))
			r.Vehicles = append(r.Vehicles, charge.Vehicle{
				Num: n, Party: r.Party, VIN: vin(n), Class: charge.ClassTaxi, Model: "M"})
		}
	case n == 98 && c.chance(0.3) && len(c.gone) < 2:
		r.Kind = record.PartyGone
		r.Party = charge.Num(1 + c.IntN(5))
		c.gone[r.Party] = true
		return r
	}
	if c.gone[r.Party] { // a removed party is refused at the door
		return &record.Record{Seq: c.seq, Kind: record.Message, Received: c.now, Party: r.Party}
	}
	return r
}

func vin(n charge.Num) string { return fmt.Sprintf("LNBMDBAH4PA%06d", n) }

func (c *randomCity) station(party charge.Num) record.StationPut {
	n := (party-1)*cityStations + charge.Num(1+c.IntN(cityStations))
	st := charge.Station{Num: n, Party: party, ID: stationID(n)}
	if c.chance(0.15) {
		return record.StationPut{Station: st, Removed: true}
	}
	p := c.place()
	st.Lon, st.Lat = p.Lon, p.Lat
	st.Name = pick(c, "世纪城站", "Nanping Jie", "机场", "İstanbul")
	st.NameEn = pick(c, "", "Shijicheng", "AIRPORT")
	st.Address = pick(c, "", "北京路 1", "Renmin Road")
	st.Access = pick(c, charge.Public, charge.Public, charge.Public, charge.Restricted, charge.Private)
	st.District = pick(c, "", "530102", "530111", "530122", "530115", "999999")
	st.OpenHours = pick(c, "", "whenever", "00:00-24:00", "08:00-12:00", "12:00-13:30", "22:00-12:30")
	if c.chance(0.7) {
		st.Parking = &charge.Parking{Type: pick(c, charge.ParkingFree, charge.ParkingPaid, charge.ParkingAsk)}
	}
	for i := range c.IntN(3) {
		from := charge.Millis(0)
		if i > 0 {
			from = noon + charge.Millis(c.IntN(3_600_000))
		}
		t := charge.Tariff{ValidFrom: from, Bands: []charge.Band{
			{FromMinute: 0, ToMinute: 725, EnergyE4: int64(c.IntN(4)) * 2500, ServiceE4: 2500},
			{FromMinute: 725, ToMinute: 1440, EnergyE4: int64(c.IntN(4)) * 2500},
		}}
		if c.chance(0.1) {
			t.Bands = t.Bands[:1] // does not cover the day
		}
		st.Tariffs = append(st.Tariffs, t)
	}
	for _, k := range c.Perm(cityPiles)[:c.IntN(7)] {
		id := (party-1)*cityPiles + charge.Num(1+k)
		st.Piles = append(st.Piles, charge.Pile{
			Num: id, ID: pileID(id), Kind: pick(c, charge.AC, charge.DC), RatedKW: pick(c, 7, 6.6, 60, 119.9, 120),
		})
	}
	return record.StationPut{Station: st}
}

// when is a report's clock: mostly right, sometimes late, old or ahead.
func (c *randomCity) when() charge.Millis {
	switch n := c.IntN(20); n {
	case 0:
		return c.now - charge.Millis(c.IntN(400_000))
	case 1:
		return c.now + charge.Millis(c.IntN(200_000))
	}
	return c.now - charge.Millis(c.IntN(3000))
}

func (c *randomCity) verdict() charge.Verdict {
	return pick(c, charge.Taken, charge.Taken, charge.Taken, charge.Taken, charge.Late)
}

func (c *randomCity) pile(party charge.Num) record.PileItem {
	n := (party-1)*cityPiles + charge.Num(1+c.IntN(cityPiles))
	r := charge.PileReport{ID: pileID(n), TS: c.when(), Status: pick[charge.Status](c, 0, 1, 1, 1, 2, 3, 3, 4, 255)}
	if c.chance(0.7) {
		r.Has |= charge.HasPower
		r.PowerKW = pick(c, 0, 7.04, 58.2, 120, -3.35, 0.0004)
	}
	if c.chance(0.3) {
		r.Has |= charge.HasSession | charge.HasVIN | charge.HasSOC
		r.Session, r.VIN, r.SOCPct = fmt.Sprintf("A%d", c.IntN(9)), vin(n), 63
	}
	return record.PileItem{Num: n, Verdict: c.verdict(), Flagged: c.chance(0.1), Report: r}
}

func (c *randomCity) car(party charge.Num) record.VehicleItem {
	n := (party-4)*cityVehicles + charge.Num(1+c.IntN(cityVehicles))
	r := charge.VehicleReport{VIN: vin(n), TS: c.when()}
	if c.chance(0.9) {
		p := c.place()
		r.Has, r.Lon, r.Lat = r.Has|charge.HasPosition, p.Lon, p.Lat
	}
	if c.chance(0.9) {
		r.Has |= charge.HasSOC | charge.HasState | charge.HasSpeed
		r.SOCPct, r.State, r.SpeedKMH = pick(c, 0, 12, 29.9, 30, 80), pick[uint8](c, 1, 2, 3), pick(c, 0, 31.5)
	}
	if c.chance(0.5) {
		r.Has |= charge.HasCharge | charge.HasAlarmLevel
		r.Charge, r.AlarmLevel = uint8(1+c.IntN(4)), pick[uint8](c, 0, 0, 2)
	}
	return record.VehicleItem{Num: n, Verdict: c.verdict(), OffMap: c.chance(0.05), Report: r}
}

func stationID(n charge.Num) string { return fmt.Sprintf("S%d", n) }
func pileID(n charge.Num) string    { return fmt.Sprintf("P%d", n) }
