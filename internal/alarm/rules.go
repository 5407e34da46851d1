package alarm

import (
	"time"

	"github.com/dianchi-platform/dianchi/internal/wire/record"
)

// Rules of alarms.
const (
	VehicleAlarm  = "vehicle.alarm"
	PileFault     = "pile.fault"
	StationSilent = "station.silent"
	StationFault  = "station.fault"
	PartySilent   = "party.silent"
	FeedDead      = "feed.dead"
	PartyCRS      = "party.crs"
	OwnInflux     = "own.influx"
	OwnSpool      = "own.spool"
	OwnDisk       = "own.disk"
	OwnHistory    = "own.history"
	OwnRegistry   = "own.registry"
	OwnSnapshot   = "own.snapshot"
	OwnBroker     = "own.broker"
	OwnClock      = "own.clock"
	OwnAccount    = "own.account"
	OwnAlarms     = "own.alarms"
)

// Words is one text for readers of both languages.
type Words struct{ Zh, En string }

// Rule is one kind of alarm.
type Rule struct {
	ID         string
	Severity   Severity // usually; Raises says when another
	Kind       record.AlarmObject
	RaiseAfter time.Duration // it must have been wrong for so long
	ClearAfter time.Duration // it must have been right for so long
	Name       Words
	Raises     Words // what raises it
	Clears     Words // what clears it
	Do         Words // what to do
}

// Limits are the numbers behind the rules. Zero is no value: begin with [Default].
type Limits struct {
	Rules []Rule

	StaleAfter    time.Duration // silence after which an object counts as offline
	LeastLevel    uint8         // vehicle.alarm: alarm level
	StationPiles  int           // station.silent: piles that have ever reported, at least
	FaultPiles    int           // station.fault: piles of the station, at least …
	FaultShare    float64       // … and the share of them that is in fault
	Baseline      time.Duration // party.silent: objects were online within so long
	OperatorPiles int           // party.silent: so many at least, of an operator
	MakerVehicles int           // likewise of a maker: parked vehicles are silent too
	SilentShare   float64       // party.silent: share of them that is offline
	BackShare     float64       // party.silent clears at this share that is online
	ManyObjects   int           // party.silent is critical from here on
	DeadObjects   int           // feed.dead: objects that report, at least
	DeadAfter     time.Duration // feed.dead: no value changed, although some charge or drive
	DeadIdle      time.Duration // feed.dead: no value changed, none charges or drives
	StuckFindings int           // feed.dead: findings of status.unchanged within FindingsIn …
	StuckShare    float64       // … as a share of the reports taken
	FindingsIn    time.Duration
	ForgetAfter   time.Duration // silence after which nothing is said of an object any more

	InfluxLag     time.Duration // own.influx: age of what waits
	InfluxLate    time.Duration // own.influx is critical from here on
	SpoolWarn     int           // own.spool, per cent
	SpoolCritical int
	DiskWarn      int64 // own.disk, bytes free
	DiskCritical  int64
	RegistryLag   uint64        // own.registry, records
	SnapshotAge   time.Duration // own.snapshot: age of the newest
	ClockJump     time.Duration // own.clock

	UpdateEvery time.Duration // between two updates of an alarm that does not become better or worse
	Absence     time.Duration // a pause of ours that makes us silent about others' silence
	MaxOpen     int           // more are counted, not raised
	PartyOpen   int           // likewise of one party's objects, so that none takes the others' places
	MaxEvents   int           // of one look
}

// Default returns the usual numbers.
func Default() Limits {
	return Limits{
		Rules:         table(),
		StaleAfter:    5 * time.Minute,
		LeastLevel:    2,
		StationPiles:  3,
		FaultPiles:    4,
		FaultShare:    0.5,
		Baseline:      time.Hour,
		OperatorPiles: 3,
		MakerVehicles: 10,
		SilentShare:   0.9,
		BackShare:     0.5,
		ManyObjects:   100,
		DeadObjects:   20,
		DeadAfter:     time.Hour,
		DeadIdle:      24 * time.Hour,
		StuckFindings: 100,
		StuckShare:    0.5,
		FindingsIn:    10 * time.Minute,
		ForgetAfter:   24 * time.Hour,
		InfluxLag:     time.Minute,
		InfluxLate:    10 * time.Minute,
		SpoolWarn:     50,
		SpoolCritical: 90,
		DiskWarn:      10e9,
		DiskCritical:  3e9,
		RegistryLag:   100_000,
		SnapshotAge:   5 * time.Minute,
		ClockJump:     5 * time.Second,
		UpdateEvery:   time.Minute,
		Absence:       30 * time.Second,
		MaxOpen:       20_000,
		PartyOpen:     5000,
		MaxEvents:     4000,
	}
}
