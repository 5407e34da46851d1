// Package record is the one form in which everything that the platform took
// stands in the spool: the log that live state, InfluxDB, the registry and
// every replica are made from.
//
// A [Record] is one MQTT message's outcome, or one event of our own. Encoding
// is [Record.Append], decoding [Record.Decode]; both reuse their buffers. The
// format is versioned by its first byte and never changes meaning.
package record

import "github.com/dianchi-platform/dianchi/internal/charge"

// Kind is what a record tells.
type Kind uint8

// Kinds of record.
const (
	Message   Kind = 1 + iota // one MQTT message: its account and what is kept of it
	PartyGone                 // Party was removed: its stations, piles and vehicles leave live
	Totals                    // the 5-minute rows of one moment
	Passed                    // rows that are not kept: what was gathered while nobody could write them
	Alarms                    // changes of alarms
	Quality                   // the 5-minute quality rows of one moment, by party
)

// Record is one entry of the log. Which members are set depends on Kind.
type Record struct {
	Seq      uint64 // place in the log; carried beside the body, not in it
	Kind     Kind
	Received charge.Millis // when the platform took it in
	Party    charge.Num
	Payload  charge.Payload
	Account  charge.Account // this message's counts by verdict
	Rules    []RuleCount
	Delays   DelayCounts // receive − ts of this message's pile and vehicle reports
	Missing  uint32      // reports that were due between two that were taken, and did not come
	OnlineMS uint64      // Σ of those times in milliseconds: how long the objects were on line

	Stations []StationPut     // in message order
	Vehicles []charge.Vehicle // vehicles first seen or changed, whole
	Piles    []PileItem       // taken and late ones
	Fleet    []VehicleItem    // taken and late vehicle reports
	Sessions []charge.Session
	Rows     []TotalRow
	Quality  []QualityRow
	Alarms   []AlarmEvent // at most [MaxAlarms]
	Meetings []Meeting
}

// Meeting is a maker's vehicle that charges at a pile of the record's party, and
// by how many GCJ-02 shifts their positions are apart: -1, 0 or 1.
type Meeting struct {
	Maker, Pile, Vehicle charge.Num
	Shift                int8
}

// RuleCount is how often a message met one rule.
type RuleCount struct {
	Rule   charge.Rule
	Action charge.Action
	Count  uint32
}

// DelayBoundsMS are the upper bounds of [DelayCounts] in milliseconds; the last class has none.
var DelayBoundsMS = [...]int64{0, 500, 1000, 2000, 5000, 10000, 30000, 60000, 120000, 300000, 3600000}

// DelayCounts counts reports by delay class.
type DelayCounts [len(DelayBoundsMS) + 1]uint32

// StationPut is a station as it is from here on, or, when Removed, its end.
// Piles of it that stood in another station of the same party leave that one.
type StationPut struct {
	Station charge.Station
	Removed bool // only Station.Num, Party and ID are set
}

// PileItem is a pile report that is kept.
type PileItem struct {
	Num     charge.Num
	Verdict charge.Verdict // Taken or Late
	Flagged bool           // at least one flag or null rule met it
	Report  charge.PileReport
}

// VehicleItem is a vehicle report that is kept.
type VehicleItem struct {
	Num     charge.Num
	Verdict charge.Verdict
	Flagged bool
	OffMap  bool // position kept but outside Yunnan: not on the heat map
	Report  charge.VehicleReport
}

// Scope is what a total is of.
type Scope uint8

// Scopes of totals.
const (
	ScopeCity Scope = 1 + iota
	ScopeOperator
	ScopeMaker
	ScopeDistrict
)

// TotalRow is the 5-minute total of one operator, maker, district or the city at T.
type TotalRow struct {
	Scope     Scope
	ID        string // slug or adcode; "" for the city
	T         charge.Millis
	Piles     charge.PileCounts
	Vehicles  charge.VehicleCounts // Total is -1 where nobody knows: districts without official borders
	PowerKW   float64              // at T
	EnergyKWh float64              // Σ power over the five minutes before T
	Taken     uint64               // reports taken in the five minutes before T
}
