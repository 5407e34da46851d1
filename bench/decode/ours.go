package main

import (
	"fmt"

	"github.com/dianchi-platform/dianchi/bench/decode/model"
	"github.com/dianchi-platform/dianchi/internal/charge"
	"github.com/dianchi-platform/dianchi/internal/wire/report"
)

// ours is the platform's decoder. Beside parsing it refuses what is not UTF-8,
// checks every member's form, and notes presence and raw bytes of each report.
func ours() contender {
	d := report.NewDecoder()
	piles := func(in []byte) ([]report.PileEntry, error) {
		list, bad := d.Piles(in)
		if bad != nil {
			return nil, fmt.Errorf("%s: %s", bad.Rule, bad.Detail)
		}
		return list, nil
	}
	vehicles := func(in []byte) ([]report.VehicleEntry, error) {
		list, bad := d.Vehicles(in)
		if bad != nil {
			return nil, fmt.Errorf("%s: %s", bad.Rule, bad.Detail)
		}
		return list, nil
	}
	return contender{
		name:     "Dianchi",
		pile:     func(in []byte) error { _, err := piles(in); return err },
		piles:    func(in []byte) error { _, err := piles(in); return err },
		vehicle:  func(in []byte) error { _, err := vehicles(in); return err },
		vehicles: func(in []byte) error { _, err := vehicles(in); return err },
		gotPiles: func(in []byte) (out []model.Pile, err error) {
			list, err := piles(in)
			for i := range list {
				if list[i].Findings != nil {
					return nil, fmt.Errorf("%v", list[i].Findings)
				}
				out = append(out, asPile(&list[i].Report))
			}
			return out, err
		},
		gotVehicles: func(in []byte) (out []model.Vehicle, err error) {
			list, err := vehicles(in)
			for i := range list {
				if list[i].Findings != nil {
					return nil, fmt.Errorf("%v", list[i].Findings)
				}
				out = append(out, asVehicle(&list[i].Report))
			}
			return out, err
		},
	}
}

func asPile(r *charge.PileReport) model.Pile {
	return model.Pile{ID: r.ID, TS: int64(r.TS), Status: uint8(r.Status), PowerKW: r.PowerKW, VoltageV: r.VoltageV,
		CurrentA: r.CurrentA, SOCPct: r.SOCPct, EnergyKWh: r.EnergyKWh, MeterKWh: r.MeterKWh, Session: r.Session,
		VIN: r.VIN, Fault: r.Fault, ParkStatus: r.Park, LockStatus: r.Lock}
}

// asVehicle has no crs: the decoder has already made the position WGS-84.
func asVehicle(r *charge.VehicleReport) model.Vehicle {
	return model.Vehicle{VIN: r.VIN, TS: int64(r.TS), Lon: r.Lon, Lat: r.Lat, CRS: "wgs84", SpeedKMH: r.SpeedKMH,
		OdometerKM: r.OdometerKM, SOCPct: r.SOCPct, VoltageV: r.VoltageV, CurrentA: r.CurrentA, State: r.State,
		Charge: r.Charge, AlarmLevel: r.AlarmLevel, Alarms: r.Alarms, RangeKM: r.RangeKM,
		InsulationKOhm: r.InsulationKOhm}
}
