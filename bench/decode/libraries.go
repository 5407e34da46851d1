package main

import (
	"encoding/json"
	"unsafe"

	"github.com/bytedance/sonic"
	jsonv2 "github.com/go-json-experiment/json"
	goccy "github.com/goccy/go-json"
	jsoniter "github.com/json-iterator/go"
	segmentio "github.com/segmentio/encoding/json"

	"github.com/dianchi-platform/dianchi/bench/decode/easy"
	"github.com/dianchi-platform/dianchi/bench/decode/model"
)

// contender is one way to read reports. pile, piles, vehicle and vehicles are
// what is timed; they may reuse what they produced before. gotPiles and
// gotVehicles return what they produce, to check it.
type contender struct {
	name                           string
	pile, piles, vehicle, vehicles func(in []byte) error
	gotPiles                       func(in []byte) ([]model.Pile, error)
	gotVehicles                    func(in []byte) ([]model.Vehicle, error)
}

// all returns our decoder first, then the libraries, each in its fastest form
// that reads the contract's JSON into [model] values.
func all() []contender {
	list := []contender{
		ours(),
		unmarshaler("encoding/json", json.Unmarshal),
		unmarshaler("go-json-experiment/json (v2)", func(in []byte, v any) error { return jsonv2.Unmarshal(in, v) }),
		unmarshaler("json-iterator/go", jsoniter.ConfigFastest.Unmarshal),
		unmarshaler("segmentio/encoding", func(in []byte, v any) error {
			_, err := segmentio.Parse(in, v, segmentio.ZeroCopy)
			return err
		}),
		unmarshaler("goccy/go-json", func(in []byte, v any) error { return goccy.UnmarshalNoEscape(in, v) }),
		unmarshaler("bytedance/sonic", func(in []byte, v any) error {
			// Strings become views of the input this way; from bytes sonic copies it first.
			return sonic.ConfigFastest.UnmarshalFromString(unsafe.String(unsafe.SliceData(in), len(in)), v)
		}),
		generated(),
		trees(),
	}
	if c, ok := simd(); ok {
		list = append(list, c)
	}
	return list
}

// unmarshaler is a library that fills values by reflection or by code of its own making.
func unmarshaler(name string, unmarshal func([]byte, any) error) contender {
	var (
		piles    []model.Pile
		vehicles []model.Vehicle
		pile     model.Pile
		vehicle  model.Vehicle
	)
	return contender{
		name: name,
		pile: func(in []byte) error {
			pile = model.Pile{}
			return unmarshal(in, &pile)
		},
		piles: func(in []byte) error {
			piles = piles[:0]
			return unmarshal(in, &piles)
		},
		vehicle: func(in []byte) error {
			vehicle = model.Vehicle{}
			return unmarshal(in, &vehicle)
		},
		vehicles: func(in []byte) error {
			vehicles = vehicles[:0]
			return unmarshal(in, &vehicles)
		},
		gotPiles: func(in []byte) (out []model.Pile, err error) {
			if in[0] == '{' {
				out = make([]model.Pile, 1)
				return out, unmarshal(in, &out[0])
			}
			return out, unmarshal(in, &out)
		},
		gotVehicles: func(in []byte) (out []model.Vehicle, err error) {
			if in[0] == '{' {
				out = make([]model.Vehicle, 1)
				return out, unmarshal(in, &out[0])
			}
			return out, unmarshal(in, &out)
		},
	}
}

// generated is easyjson with the code that it generated for package easy.
func generated() contender {
	var (
		piles    easy.Piles
		vehicles easy.Vehicles
		pile     easy.Pile
		vehicle  easy.Vehicle
	)
	return contender{
		name: "mailru/easyjson",
		pile: func(in []byte) error {
			pile = easy.Pile{}
			return pile.UnmarshalJSON(in)
		},
		piles: func(in []byte) error {
			piles = piles[:0]
			return piles.UnmarshalJSON(in)
		},
		vehicle: func(in []byte) error {
			vehicle = easy.Vehicle{}
			return vehicle.UnmarshalJSON(in)
		},
		vehicles: func(in []byte) error {
			vehicles = vehicles[:0]
			return vehicles.UnmarshalJSON(in)
		},
		gotPiles: func(in []byte) (out []model.Pile, err error) {
			list := make(easy.Piles, 1)
			if in[0] == '{' {
				err = list[0].UnmarshalJSON(in)
			} else {
				err = list.UnmarshalJSON(in)
			}
			for _, e := range list {
				out = append(out, model.Pile(e))
			}
			return out, err
		},
		gotVehicles: func(in []byte) (out []model.Vehicle, err error) {
			list := make(easy.Vehicles, 1)
			if in[0] == '{' {
				err = list[0].UnmarshalJSON(in)
			} else {
				err = list.UnmarshalJSON(in)
			}
			for _, e := range list {
				out = append(out, model.Vehicle(e))
			}
			return out, err
		},
	}
}
