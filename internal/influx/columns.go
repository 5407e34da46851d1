package influx

import "github.com/dianchi-platform/dianchi/internal/charge"

// kind is how a field stands in InfluxDB.
type kind uint8

const (
	float kind = iota
	integer
	text
)

// fold is how values of one window become one.
type fold uint8

const (
	last  fold = iota // the newest that was said: states, counters, places
	mean              // of the reports that said it, each counting once
	sum               // amounts of the five minutes before each total
	most              // levels: the worst
	least             // resistances: the worst
	union             // bits: all that were seen
)

// column is a member of a report, or of a total: its field's name, which is also
// the answer's, and what becomes of it.
type column struct {
	name string
	has  charge.Has // 0: always there
	kind kind
	fold fold
}

// pileColumns are the columns of [Reader.PileHistory] after ts.
var pileColumns = []column{
	{"status", 0, integer, last},
	{"powerKw", charge.HasPower, float, mean},
	{"voltageV", charge.HasVoltage, float, mean},
	{"currentA", charge.HasCurrent, float, mean},
	{"socPct", charge.HasSOC, float, last},
	{"energyKwh", charge.HasEnergy, float, last},
	{"meterKwh", charge.HasMeter, float, last},
	{"session", charge.HasSession, text, last},
	{"vin", charge.HasVIN, text, last},
	{"fault", charge.HasFault, text, last},
	{"parkStatus", charge.HasPark, integer, last},
	{"lockStatus", charge.HasLock, integer, last},
}

// vehicleColumns are the columns of [Reader.VehicleHistory] after ts.
var vehicleColumns = []column{
	{"lon", charge.HasPosition, float, last},
	{"lat", charge.HasPosition, float, last},
	{"speedKmh", charge.HasSpeed, float, mean},
	{"odometerKm", charge.HasOdometer, float, last},
	{"socPct", charge.HasSOC, float, last},
	{"voltageV", charge.HasVoltage, float, mean},
	{"currentA", charge.HasCurrent, float, mean},
	{"state", charge.HasState, integer, last},
	{"charge", charge.HasCharge, integer, last},
	{"alarmLevel", charge.HasAlarmLevel, integer, most},
	{"alarms", charge.HasAlarms, integer, union},
	{"rangeKm", charge.HasRange, float, last},
	{"insulationKohm", charge.HasInsulation, float, least},
}

// Columns of totals. Counts of a longer window are those at its end.
var (
	pileTotals = []column{
		{"pilesTotal", 0, integer, last},
		{"pilesFree", 0, integer, last},
		{"pilesInUse", 0, integer, last},
		{"pilesCharging", 0, integer, last},
		{"pilesReserved", 0, integer, last},
		{"pilesFault", 0, integer, last},
		{"pilesOffline", 0, integer, last},
		{"powerKw", 0, float, mean},
		{"energyKwh", 0, float, sum},
	}
	vehicleTotals = []column{
		{"vehiclesTotal", 0, integer, last},
		{"vehiclesOnline", 0, integer, last},
		{"vehiclesDriving", 0, integer, last},
		{"vehiclesCharging", 0, integer, last},
		{"vehiclesAlarm", 0, integer, last},
	}
	takenTotal = column{"taken", 0, integer, sum}
)

// qualityColumns are the columns of [Reader.QualityHistory] after ts. The
// quantiles of a longer window are the largest of its rows, which their names say.
var qualityColumns = []column{
	{"received", 0, integer, sum},
	{"taken", 0, integer, sum},
	{"duplicate", 0, integer, sum},
	{"history", 0, integer, sum},
	{"rejected", 0, integer, sum},
	{"kept", 0, integer, sum},
	{"flagged", 0, integer, sum},
	{"nulls", 0, integer, sum},
	{"expected", 0, integer, sum},
	{"missing", 0, integer, sum},
	{"late", 0, integer, sum},
	{"maxP50Ms", 0, integer, most},
	{"maxP95Ms", 0, integer, most},
	{"maxP99Ms", 0, integer, most},
	{"objects", 0, integer, last},
	{"online", 0, integer, last},
}

// names returns "ts" and the names of cols, the head of a [Table].
func names(cols []column) []string {
	all := make([]string, 0, len(cols)+1)
	all = append(all, "ts")
	for _, c := range cols {
		all = append(all, c.name)
	}
	return all
}
