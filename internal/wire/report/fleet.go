package report

import (
	"strings"

	"github.com/dianchi-platform/dianchi/internal/charge"
)

// Members of a vehicle's master data.
const (
	flVIN = 1 << iota
	flClass
	flModel
	flBattery
)

var (
	fleetRequired = []named{{"vin", flVIN}}
	fleetOptional = []named{{"class", flClass}, {"model", flModel}, {"batteryKwh", flBattery}}

	classWords = []string{
		charge.ClassOther: "other", charge.ClassPrivate: "private", charge.ClassTaxi: "taxi",
		charge.ClassRidehail: "ridehail",
		charge.ClassBus:      "bus", charge.ClassLogistics: "logistics", charge.ClassSanitation: "sanitation",
	}
)

// FleetEntry is one element of a fleet payload. Its memory is its own: it may be kept.
type FleetEntry struct {
	Head
	Vehicle charge.Vehicle
}

// Fleet decodes a fleet payload. A finding means that the whole message is one
// rejected vehicle (msg.malformed or msg.too-large).
func (d *Decoder) Fleet(payload []byte) ([]FleetEntry, *charge.Finding) {
	d.fleet = d.fleet[:0]
	f := d.each(payload, (*Decoder).fleetVehicle)
	return d.fleet, f
}

func (d *Decoder) fleetVehicle(i int) int {
	e := grow(&d.fleet)
	*e = FleetEntry{}
	d.begin()
	v := &e.Vehicle
	j, more := d.enter(i)
	for more {
		var key string
		if key, j = d.name(j); j < 0 {
			return j
		}
		switch key {
		case "vin":
			j = d.string(j, flVIN, &v.VIN, isVIN, notVIN)
		case "class":
			j = choice(d, j, flClass, &v.Class, classWords, notClass)
		case "model":
			j = d.orEmpty(j, flModel, &v.Model, isName, notName)
		case "batteryKwh":
			j = d.bounded(j, flBattery, &v.BatteryKWh, 0, 10_000, notBattery)
		default:
			j = d.skip(j, d.depth+1)
		}
		j, more = d.next(j)
	}
	if j < 0 {
		return j
	}
	d.judge(&e.Head, fleetRequired, fleetOptional)
	e.ID = strings.Clone(v.VIN)
	*v = charge.Vehicle{VIN: e.ID, Class: v.Class, Model: strings.Clone(v.Model), BatteryKWh: v.BatteryKWh}
	if d.got&flClass == 0 {
		v.Class = charge.ClassOther
	}
	if d.got&flModel == 0 {
		v.Model = ""
	}
	if d.got&flBattery == 0 {
		v.BatteryKWh = 0
	}
	d.end(&e.Head, i, j)
	return j
}
