// Package model is a report's contents as plain members: what every decoder
// of the comparison must produce from the same payload.
//
// The members have no pointers and no presence, which is the cheapest form for
// a library; our own decoder tells absent from zero besides.
package model

// Pile is a pile report.
type Pile struct {
	ID         string  `json:"id"`
	TS         int64   `json:"ts"`
	Status     uint8   `json:"status"`
	PowerKW    float64 `json:"powerKw"`
	VoltageV   float64 `json:"voltageV"`
	CurrentA   float64 `json:"currentA"`
	SOCPct     float64 `json:"socPct"`
	EnergyKWh  float64 `json:"energyKwh"`
	MeterKWh   float64 `json:"meterKwh"`
	Session    string  `json:"session"`
	VIN        string  `json:"vin"`
	Fault      string  `json:"fault"`
	ParkStatus uint8   `json:"parkStatus"`
	LockStatus uint8   `json:"lockStatus"`
}

// Vehicle is a vehicle report.
type Vehicle struct {
	VIN            string  `json:"vin"`
	TS             int64   `json:"ts"`
	Lon            float64 `json:"lon"`
	Lat            float64 `json:"lat"`
	CRS            string  `json:"crs"`
	SpeedKMH       float64 `json:"speedKmh"`
	OdometerKM     float64 `json:"odometerKm"`
	SOCPct         float64 `json:"socPct"`
	VoltageV       float64 `json:"voltageV"`
	CurrentA       float64 `json:"currentA"`
	State          uint8   `json:"state"`
	Charge         uint8   `json:"charge"`
	AlarmLevel     uint8   `json:"alarmLevel"`
	Alarms         uint64  `json:"alarms"`
	RangeKM        float64 `json:"rangeKm"`
	InsulationKOhm float64 `json:"insulationKohm"`
}
