// Package easy is package model's types once more, with the code that easyjson
// generates for them. They are types of their own since the generated methods
// would be called by the other libraries too. nocopy makes strings views of the input.
package easy

//go:generate go run github.com/mailru/easyjson/easyjson -all easy.go

// Pile is a pile report.
type Pile struct {
	ID         string  `json:"id,nocopy"`
	TS         int64   `json:"ts"`
	Status     uint8   `json:"status"`
	PowerKW    float64 `json:"powerKw"`
	VoltageV   float64 `json:"voltageV"`
	CurrentA   float64 `json:"currentA"`
	SOCPct     float64 `json:"socPct"`
	EnergyKWh  float64 `json:"energyKwh"`
	MeterKWh   float64 `json:"meterKwh"`
	Session    string  `json:"session,nocopy"`
	VIN        string  `json:"vin,nocopy"`
	Fault      string  `json:"fault,nocopy"`
	ParkStatus uint8   `json:"parkStatus"`
	LockStatus uint8   `json:"lockStatus"`
}

// Vehicle is a vehicle report.
type Vehicle struct {
	VIN            string  `json:"vin,nocopy"`
	TS             int64   `json:"ts"`
	Lon            float64 `json:"lon"`
	Lat            float64 `json:"lat"`
	CRS            string  `json:"crs,nocopy"`
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

// Piles is a batch of pile reports.
//
//easyjson:json
type Piles []Pile

// Vehicles is a batch of vehicle reports.
//
//easyjson:json
type Vehicles []Vehicle
