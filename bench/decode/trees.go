package main

import (
	"errors"
	"unsafe"

	"github.com/minio/simdjson-go"
	"github.com/valyala/fastjson"

	"github.com/dianchi-platform/dianchi/bench/decode/model"
)

// trees is fastjson: it parses into a tree, from which the members are taken
// by name, strings as views of its copy of the input, as ours are views of the input.
func trees() contender {
	var p fastjson.Parser
	text := func(v *fastjson.Value, name string) string { // a view, valid until p parses again
		b := v.GetStringBytes(name)
		return unsafe.String(unsafe.SliceData(b), len(b))
	}
	pile := func(v *fastjson.Value, r *model.Pile) {
		*r = model.Pile{ID: text(v, "id"), TS: v.GetInt64("ts"), Status: uint8(v.GetUint("status")),
			PowerKW: v.GetFloat64("powerKw"), VoltageV: v.GetFloat64("voltageV"), CurrentA: v.GetFloat64("currentA"),
			SOCPct: v.GetFloat64("socPct"), EnergyKWh: v.GetFloat64("energyKwh"), MeterKWh: v.GetFloat64("meterKwh"),
			Session: text(v, "session"), VIN: text(v, "vin"), Fault: text(v, "fault"),
			ParkStatus: uint8(v.GetUint("parkStatus")), LockStatus: uint8(v.GetUint("lockStatus"))}
	}
	vehicle := func(v *fastjson.Value, r *model.Vehicle) {
		*r = model.Vehicle{VIN: text(v, "vin"), TS: v.GetInt64("ts"), Lon: v.GetFloat64("lon"),
			Lat: v.GetFloat64("lat"), CRS: text(v, "crs"), SpeedKMH: v.GetFloat64("speedKmh"),
			OdometerKM: v.GetFloat64("odometerKm"), SOCPct: v.GetFloat64("socPct"),
			VoltageV: v.GetFloat64("voltageV"), CurrentA: v.GetFloat64("currentA"), State: uint8(v.GetUint("state")),
			Charge: uint8(v.GetUint("charge")), AlarmLevel: uint8(v.GetUint("alarmLevel")),
			Alarms: v.GetUint64("alarms"), RangeKM: v.GetFloat64("rangeKm"),
			InsulationKOhm: v.GetFloat64("insulationKohm")}
	}
	c := contender{name: "valyala/fastjson"}
	c.gotPiles, c.piles = treeOf(&p, pile)
	c.gotVehicles, c.vehicles = treeOf(&p, vehicle)
	c.pile, c.vehicle = c.piles, c.vehicles
	return c
}

func treeOf[E any](p *fastjson.Parser, take func(*fastjson.Value, *E)) (got func([]byte) ([]E, error),
	timed func([]byte) error) {
	read := func(in []byte, out []E) ([]E, error) {
		v, err := p.ParseBytes(in)
		if err != nil {
			return nil, err
		}
		one := func(v *fastjson.Value) {
			var zero E
			out = append(out, zero)
			take(v, &out[len(out)-1])
		}
		if v.Type() == fastjson.TypeObject {
			one(v)
			return out, nil
		}
		list, err := v.Array()
		for _, v := range list {
			one(v)
		}
		return out, err
	}
	var kept []E
	return func(in []byte) ([]E, error) { return read(in, nil) }, func(in []byte) (err error) {
		kept, err = read(in, kept[:0])
		return err
	}
}

var errShape = errors.New("neither an object nor an array of objects")

// simd is simdjson-go, where the machine has AVX2: it makes a tape, of which
// the members are read one after the other.
func simd() (contender, bool) {
	if !simdjson.SupportedCPU() {
		return contender{}, false
	}
	c := contender{name: "minio/simdjson-go"}
	c.gotPiles, c.piles = tapeOf(func(name string, v *simdjson.Iter, r *model.Pile) (err error) {
		switch name {
		case "id":
			r.ID, err = v.String()
		case "ts":
			r.TS, err = v.Int()
		case "status":
			r.Status, err = small(v)
		case "powerKw":
			r.PowerKW, err = v.Float()
		case "voltageV":
			r.VoltageV, err = v.Float()
		case "currentA":
			r.CurrentA, err = v.Float()
		case "socPct":
			r.SOCPct, err = v.Float()
		case "energyKwh":
			r.EnergyKWh, err = v.Float()
		case "meterKwh":
			r.MeterKWh, err = v.Float()
		case "session":
			r.Session, err = v.String()
		case "vin":
			r.VIN, err = v.String()
		case "fault":
			r.Fault, err = v.String()
		case "parkStatus":
			r.ParkStatus, err = small(v)
		case "lockStatus":
			r.LockStatus, err = small(v)
		}
		return err
	})
	c.gotVehicles, c.vehicles = tapeOf(func(name string, v *simdjson.Iter, r *model.Vehicle) (err error) {
		switch name {
		case "vin":
			r.VIN, err = v.String()
		case "ts":
			r.TS, err = v.Int()
		case "lon":
			r.Lon, err = v.Float()
		case "lat":
			r.Lat, err = v.Float()
		case "crs":
			r.CRS, err = v.String()
		case "speedKmh":
			r.SpeedKMH, err = v.Float()
		case "odometerKm":
			r.OdometerKM, err = v.Float()
		case "socPct":
			r.SOCPct, err = v.Float()
		case "voltageV":
			r.VoltageV, err = v.Float()
		case "currentA":
			r.CurrentA, err = v.Float()
		case "state":
			r.State, err = small(v)
		case "charge":
			r.Charge, err = small(v)
		case "alarmLevel":
			r.AlarmLevel, err = small(v)
		case "alarms":
			r.Alarms, err = v.Uint()
		case "rangeKm":
			r.RangeKM, err = v.Float()
		case "insulationKohm":
			r.InsulationKOhm, err = v.Float()
		}
		return err
	})
	c.pile, c.vehicle = c.piles, c.vehicles
	return c, true
}

func small(v *simdjson.Iter) (uint8, error) {
	n, err := v.Uint()
	return uint8(n), err
}

func tapeOf[E any](take func(string, *simdjson.Iter, *E) error) (got func([]byte) ([]E, error),
	timed func([]byte) error) {
	var (
		tape   *simdjson.ParsedJson
		value  simdjson.Iter
		object *simdjson.Object
		array  *simdjson.Array
	)
	read := func(in []byte, out []E) (_ []E, err error) {
		if tape, err = simdjson.Parse(in, tape, simdjson.WithCopyStrings(false)); err != nil {
			return nil, err
		}
		it := tape.Iter()
		it.Advance() // to the root
		kind, root, err := it.Root(nil)
		if err != nil {
			return nil, err
		}
		one := func(it *simdjson.Iter) error {
			if object, err = it.Object(object); err != nil {
				return err
			}
			var zero E
			out = append(out, zero)
			for {
				name, kind, err := object.NextElementBytes(&value)
				if err != nil || kind == simdjson.TypeNone {
					return err
				}
				if err := take(string(name), &value, &out[len(out)-1]); err != nil {
					return err
				}
			}
		}
		switch kind {
		case simdjson.TypeObject:
			return out, one(root)
		case simdjson.TypeArray:
			if array, err = root.Array(array); err != nil {
				return nil, err
			}
			for elements := array.Iter(); elements.Advance() == simdjson.TypeObject; {
				if err := one(&elements); err != nil {
					return nil, err
				}
			}
			return out, nil
		}
		return nil, errShape
	}
	var kept []E
	return func(in []byte) ([]E, error) { return read(in, nil) }, func(in []byte) (err error) {
		kept, err = read(in, kept[:0])
		return err
	}
}
