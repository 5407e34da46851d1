package quality

import "time"

// Thresholds are the numbers of the rules. A figure marked * is one of the
// French supervision platform's. docs/rules.md is printed with these numbers:
// a sentence about a rule takes them from here and from nowhere else.
type Thresholds struct {
	// Time and repetition.
	RateWindow    time.Duration `rule:"dup.rate" says:"three reports within this are too many: 3 s less jitter for three, as two may come at once"`
	ChangesPerDay int           `rule:"dup.rate" says:"changes of status a connector may have in a day (UTC)*"`

	// Ranges of a pile's readings: GB/T 20234.3-2023 for voltage and current,
	// and what no pile can reach for the rest.
	PileKW   float64 `rule:"sensor.range" unit:"kW" says:"power of a pile, either way"`
	PileV    float64 `rule:"sensor.range" unit:"V" says:"voltage of a pile"`
	PileA    float64 `rule:"sensor.range" unit:"A" says:"current of a pile, either way"`
	PileKWh  float64 `rule:"sensor.range" unit:"kWh" says:"energy of a pile's session"`
	MeterKWh float64 `rule:"sensor.range" unit:"kWh" says:"meter of a pile"`

	// Ranges of a vehicle's readings: GB/T 32960.3, the wider edition where
	// they differ; but speed as in 2016, since no vehicle here is faster.
	SpeedKMH       float64 `rule:"speed.range" unit:"km/h" says:"speed of any vehicle"`
	HeavySpeedKMH  float64 `rule:"speed.range" unit:"km/h" says:"speed of buses and logistics vehicles"`
	OdometerKM     float64 `rule:"sensor.range" unit:"km" says:"mileage"`
	VehicleV       float64 `rule:"sensor.range" unit:"V" says:"voltage of a vehicle"`
	VehicleA       float64 `rule:"sensor.range" unit:"A" says:"current of a vehicle, either way"`
	RangeKM        float64 `rule:"sensor.range" unit:"km" says:"range left"`
	InsulationKOhm float64 `rule:"sensor.range" unit:"kΩ" says:"insulation"`
	NullIslandDeg  float64 `rule:"geo.null-island" unit:"°" says:"how near 0,0 is no position"`

	// What a vehicle cannot do from one report to the next.
	SOCJumpPts    float64       `rule:"soc.jump" unit:"points" says:"change of SOC within SOCJumpIn, and in proportion over longer times"`
	SOCJumpIn     time.Duration `rule:"soc.jump" says:"see SOCJumpPts"`
	SOCDrivingPts float64       `rule:"soc.jump" unit:"points" says:"rise of SOC between two reports of a vehicle that drives"`
	DrivingKMH    float64       `rule:"soc.jump" unit:"km/h" says:"faster than this a vehicle drives"`
	DrivingGap    time.Duration `rule:"soc.jump" says:"reports farther apart do not show that it drove all the time"`
	TeleportKMH   float64       `rule:"geo.teleport" unit:"km/h" says:"speed that two positions may imply"`
	TeleportM     float64       `rule:"geo.teleport" unit:"m" says:"shorter ways are noise of the receiver"`
	TeleportFixes int           `rule:"geo.teleport" says:"agreeing positions after which the new place is believed"`
	TeleportAgree time.Duration `rule:"geo.teleport" says:"positions farther apart in time do not agree"`
	StuckKMH      float64       `rule:"geo.stuck" unit:"km/h" says:"faster than this the position must change"`
	StuckFor      time.Duration `rule:"geo.stuck" says:"how long it may be the same"`
	OdoSlackM     float64       `rule:"odo.decrease" unit:"m" says:"fall that rounding may make"`
	OdoKMH        float64       `rule:"odo.jump" unit:"km/h" says:"speed that two mileages may imply"`
	OdoJumpM      float64       `rule:"odo.jump" unit:"m" says:"and this on top, for rounding and late readings"`

	// What a pile cannot do.
	OverRated     float64       `rule:"power.over-rated" unit:"× rated" says:"power in two reports in a row"`
	VITolerance   float64       `rule:"power.vi-mismatch" unit:"× the larger" says:"difference of power and V·I"`
	VIFloorKW     float64       `rule:"power.vi-mismatch" unit:"kW" says:"smaller differences are noise"`
	NoPowerKW     float64       `rule:"status.charging-no-power" unit:"kW" says:"less is no power"`
	NoPowerFor    time.Duration `rule:"status.charging-no-power" says:"how long status 3 may be without power"`
	NotChargingKW float64       `rule:"status.power-not-charging" unit:"kW" says:"more than this only with status 3"`
	UnchangedFor  time.Duration `rule:"status.unchanged" says:"how long status, power, SOC, energy and session may all be the same*"`
	EdgeWithin    time.Duration `rule:"status.edge" says:"how close two reports must be for a change to be impossible"`
	EnergySlack   float64       `rule:"energy.decrease" unit:"kWh" says:"fall that rounding may make"`

	// Sessions.
	LongDC       time.Duration `rule:"session.long" says:"length of a session at a DC pile"`
	LongAC       time.Duration `rule:"session.long" says:"length of a session at an AC pile*"`
	LateBill     time.Duration `rule:"session.late" says:"from the end to the bill"`
	LostBill     time.Duration `rule:"session.late" says:"a later one is not counted*"`
	MoneyFen     int64         `rule:"money.sum" unit:"fen" says:"difference of sums"`
	EnergyStep   float64       `rule:"money.sum" unit:"kWh" says:"energy is rounded to this; the price of half of it is forgiven"`
	ExcessRated  float64       `rule:"energy.excess" unit:"× rated power × time" says:"energy of a session*"`
	ExcessKWh    float64       `rule:"energy.excess" unit:"kWh" says:"and this on top, for short sessions"`
	ExcessGross  float64       `rule:"energy.excess" unit:"× rated power × time" says:"beyond it, and beyond ExcessFrom, a session is not counted*"`
	ExcessFrom   float64       `rule:"energy.excess" unit:"kWh" says:"see ExcessGross*"`
	ExcessNever  float64       `rule:"energy.excess" unit:"kWh" says:"no session has more: not counted*"`
	PackFactor   float64       `rule:"energy.pack" unit:"× battery × ΔSOC" says:"energy of a session; the loss is within it"`
	PackSlackPts float64       `rule:"energy.pack" unit:"points" says:"by which ΔSOC may be rounded away"`
	PerDay       int           `rule:"session.too-many" says:"sessions that end on a connector in a day (UTC)*"`
	NoStatusKWh  float64       `rule:"session.no-status" unit:"kWh" says:"smaller sessions need no status 3*"`
	HeardGap     time.Duration `rule:"session.no-status" says:"a pile that reports this often is heard all the time"`
	ApartM       float64       `rule:"session.vehicle-apart" unit:"m" says:"from the station to the vehicle that charges there"`

	// Coordinates (domain page §7).
	CRSTolerance float64       `rule:"geo.crs-suspect" unit:"m" says:"how near to no shift, or to one shift of GCJ-02, a meeting counts"`
	CRSFresh     time.Duration `rule:"geo.crs-suspect" says:"age of the vehicle's position at a meeting"`
	CRSKeep      time.Duration `rule:"geo.crs-suspect" says:"age of a meeting that counts"`
	CRSVotes     int           `rule:"geo.crs-suspect" says:"meetings of different piles and vehicles that are needed"`
	CRSShare     float64       `rule:"geo.crs-suspect" unit:"of the votes" says:"that must show the same shift"`

	// Stations.
	ManyPiles  int     `rule:"meta.station" says:"piles in one record*"`
	MinRatedKW float64 `rule:"meta.station" unit:"kW" says:"least rated power*"`
	MaxRatedKW float64 `rule:"meta.station" unit:"kW" says:"greatest rated power*"`
}

const day = 24 * time.Hour

// DefaultThresholds returns the numbers of the domain page, section 8, and our
// own where it gives none.
func DefaultThresholds() Thresholds {
	return Thresholds{
		RateWindow: 1800 * time.Millisecond, ChangesPerDay: 1440,

		PileKW: 4000, PileV: 1500, PileA: 1000, PileKWh: 100_000, MeterKWh: 1e9,
		SpeedKMH: 220, HeavySpeedKMH: 150, OdometerKM: 999_999.9, VehicleV: 6000, VehicleA: 3000, RangeKM: 5000,
		InsulationKOhm: 60_000, NullIslandDeg: 0.01,

		SOCJumpPts: 5, SOCJumpIn: 30 * time.Second, SOCDrivingPts: 2, DrivingKMH: 5, DrivingGap: 5 * time.Minute,
		TeleportKMH: 200, TeleportM: 500, TeleportFixes: 3, TeleportAgree: 10 * time.Minute,
		StuckKMH: 20, StuckFor: 5 * time.Minute,
		OdoSlackM: 100, OdoKMH: 200, OdoJumpM: 500,

		OverRated: 1.1, VITolerance: 0.1, VIFloorKW: 0.5, NoPowerKW: 0.1, NoPowerFor: 10 * time.Minute,
		NotChargingKW: 0.5, UnchangedFor: 30 * day, EdgeWithin: 5 * time.Second, EnergySlack: 0.02,

		LongDC: 24 * time.Hour, LongAC: 7 * day, LateBill: 24 * time.Hour, LostBill: 15 * day,
		MoneyFen: 1, EnergyStep: 0.01, ExcessRated: 1.1, ExcessKWh: 0.1, ExcessGross: 2, ExcessFrom: 50, ExcessNever: 1000,
		PackFactor: 1.15, PackSlackPts: 2, PerDay: 60, NoStatusKWh: 0.1, HeardGap: 5 * time.Minute, ApartM: 1000,

		CRSTolerance: 150, CRSFresh: 3 * time.Minute, CRSKeep: 24 * time.Hour, CRSVotes: 20, CRSShare: 0.8,

		ManyPiles: 50, MinRatedKW: 1.3, MaxRatedKW: 4000,
	}
}
